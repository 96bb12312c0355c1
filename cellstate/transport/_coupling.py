"""One coupling: who becomes whom between two consecutive snapshots."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result

# Fields with one number per interval in a chain of couplings.
NUMBERS = ("cost", "residual", "mass_ratio", "dropped", "broken")
PER_INTERVAL = (*NUMBERS, "marginal_error", "converged", "n_iterations", "n_blocks")


@dataclass(frozen=True, eq=False, kw_only=True)
class Coupling(Result):
    """Who becomes whom between two consecutive snapshots.

    Attributes
    ----------
    source, target
        Rows of the coupled pairs, shape (p,); every pair once.
    mass
        Mass of each pair, > 0, shape (p,). The source cells weigh 1 together, so the
        sum is the transported part of `mass_ratio`.
    cells, growth
        Rows of the source cells, shape (s,), and the growth rate (1/h) that the
        coupling implies for each: log of its mass over its weight, over the interval.
    start_time, stop_time
        Hours.
    method
        As in `couple`.
    cost
        Mean cost of the transported mass, in the unit of the cost.
    marginal_error
        Relative L1 distance of the plan's marginals from the source marginal (with
        its growth prior) and the target's, shape (2,). Where a side is relaxed this
        is the departure from its prior, not an error.
    residual
        Of the solver: relative L1 distance of the marginals from what its potentials
        ask for; below the tolerance when `converged`.
    converged, n_iterations
        Of the solver; 0 iterations for network simplex.
    mass_ratio
        Mass of the later snapshot over that of the earlier one.
    dropped
        Share of the mass in entries too small to be kept.
    broken
        Share of the mass between cells known to be unrelated; NaN without lineage.
    """

    kind: ClassVar[str] = "coupling"
    source: np.ndarray
    target: np.ndarray
    mass: np.ndarray
    cells: np.ndarray
    growth: np.ndarray
    start_time: float
    stop_time: float
    method: str
    cost: float
    marginal_error: np.ndarray
    residual: float
    converged: bool
    n_iterations: int
    mass_ratio: float
    dropped: float
    broken: float

    @property
    def interval(self) -> float:
        """Hours between the snapshots."""
        return self.stop_time - self.start_time
