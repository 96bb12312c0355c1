"""Tracks, lineages, and resampling by lineage."""

from cellstate.tracks._outcomes import ENDINGS, Outcome, outcomes
from cellstate.tracks._resample import (
    lineage_folds,
    lineage_groups,
    lineage_weights,
    split,
)
from cellstate.tracks._tracks import Tracks

__all__ = [
    "ENDINGS",
    "Outcome",
    "Tracks",
    "lineage_folds",
    "lineage_groups",
    "lineage_weights",
    "outcomes",
    "split",
]
