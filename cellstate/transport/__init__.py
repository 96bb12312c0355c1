"""Couplings between snapshots: who becomes whom, with growth and null rows."""

from cellstate.transport._couple import couple
from cellstate.transport._coupling import Coupling
from cellstate.transport._growth_prior import (
    growth_prior_from_counts,
    growth_prior_from_scores,
)
from cellstate.transport._null_rows import null_rows
from cellstate.transport._result import Couplings
from cellstate.transport._wasserstein import wasserstein

__all__ = [
    "Coupling",
    "Couplings",
    "couple",
    "growth_prior_from_counts",
    "growth_prior_from_scores",
    "null_rows",
    "wasserstein",
]
