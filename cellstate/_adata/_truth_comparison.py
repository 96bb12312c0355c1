"""Estimates beside the truth they were made from."""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from cellstate._base.results import Result
from cellstate.events import EventScore


@dataclass(frozen=True, eq=False, kw_only=True)
class TruthComparison(Result):
    """How far estimates are from the truth of simulated cells.

    Attributes
    ----------
    system
        Name of the hidden law.
    numbers
        One row per rate or time: `quantity, truth, estimate, low, high, unit,
        inside`; `inside` says "yes", "no", or "no interval".
    n_cells
        Cells with a true and an estimated committor.
    committor_rmse
        Root mean square of estimated minus true committor over these cells.
    committor_rmse_base
        The same for one number for all cells, the mean of the true committor.
    committor_correlation
        Pearson's, NaN when either is constant.
    events
        Flags against true commitments; None when no events were flagged yet, or
        the law tells of none.
    """

    kind: ClassVar[str] = "truth_comparison"
    system: str
    numbers: pd.DataFrame
    n_cells: int
    committor_rmse: float
    committor_rmse_base: float
    committor_correlation: float
    events: EventScore | None = None
