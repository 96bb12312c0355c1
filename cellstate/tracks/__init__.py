"""Tracks, lineages, resampling by lineage, and quality against a reference."""

from cellstate.tracks._matching import Matching, match_frame, match_frames
from cellstate.tracks._outcomes import ENDINGS, Outcome, outcomes
from cellstate.tracks._quality import (
    SegmentationQuality,
    TrackingQuality,
    segmentation_quality,
    tracking_quality,
)
from cellstate.tracks._resample import (
    lineage_folds,
    lineage_groups,
    lineage_weights,
    split,
)
from cellstate.tracks._tracks import Tracks

__all__ = [
    "ENDINGS",
    "Matching",
    "Outcome",
    "SegmentationQuality",
    "TrackingQuality",
    "Tracks",
    "lineage_folds",
    "lineage_groups",
    "lineage_weights",
    "match_frame",
    "match_frames",
    "outcomes",
    "segmentation_quality",
    "split",
    "tracking_quality",
]
