"""Cells that divide and die: how many there are, and whether any are left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.linalg import expm_multiply

from cellstate.systems._lineages._counts import rate, times, whole_numbers
from cellstate.systems._lineages._gillespie import counts_on_frames

LOST = 1e-14  # probability above the cut of the truncated chain
LARGEST = 20_000  # counts the truncated chain may hold


@dataclass(frozen=True, kw_only=True)
class BranchingProcess:
    """Every cell divides and dies at a constant rate, independently of all others.

    The number of descendants of one cell has a geometric law with extra mass at 0,
    known at every time; that of several founders is their independent sum.

    Attributes
    ----------
    division_rate, death_rate
        Per cell, 1/time, 0 or above.

    References
    ----------
    Kendall, Ann. Math. Stat. 19, 1 (1948).

    Examples
    --------
    >>> clone = BranchingProcess(division_rate=1.0, death_rate=0.5)
    >>> clone.extinction()
    0.5
    >>> float(clone.mean(2.0)), float(clone.variance(2.0))
    (2.718..., 14.01...)
    """

    division_rate: float
    death_rate: float = 0.0

    def __post_init__(self) -> None:
        for name in ("division_rate", "death_rate"):
            object.__setattr__(self, name, rate(getattr(self, name), name))

    @property
    def growth_rate(self) -> float:
        """division_rate - death_rate, 1/time."""
        return self.division_rate - self.death_rate

    def mean(self, t: ArrayLike) -> np.ndarray:
        """Expected descendants of one cell after times t, shape of `t`."""
        return np.exp(self.growth_rate * times(t))

    def variance(self, t: ArrayLike) -> np.ndarray:
        """Variance of the descendants of one cell after times t, shape of `t`.

        (division + death) integral of e^(g (t + s)) over s in [0, t], g the growth
        rate; 2 division_rate t when g = 0.
        """
        both = self.division_rate + self.death_rate
        return both * self.mean(t) * self._integral(t)

    def extinction(self, t: float = np.inf) -> float:
        """Chance that one cell has no descendants left after a time t."""
        return float(self._parameters(t)[0])

    def probability(self, n: ArrayLike, t: float) -> np.ndarray:
        """Chance of n descendants of one cell after a time t, shape of `n`.

        Mass `extinction(t)` at 0, and a geometric law on 1, 2, ... for the rest.
        """
        n = whole_numbers(n, "descendants")
        none, ratio = self._parameters(t)
        some = (1 - none) * (1 - ratio) * ratio ** np.maximum(n - 1.0, 0)
        return np.where(n == 0, none, some)

    def probability_by_matrix(self, n: ArrayLike, t: float) -> np.ndarray:
        """Second route to `probability`: exponential of the rates between counts.

        Counts are cut where less than 1e-14 of the probability lies above.

        Raises
        ------
        ValueError
            More than 20,000 counts would be needed.
        """
        n = whole_numbers(n, "descendants")
        ratio = self._parameters(t)[1]
        size = int(np.log(LOST) / np.log(ratio)) + 50 if 0 < ratio < 1 else 50
        size = max(size, int(n.max(initial=0)) + 2)
        if ratio == 1 or size > LARGEST:
            raise ValueError(
                f"after t={t:g} counts up to {size} matter, more than {LARGEST}. Use "
                "a shorter time, or probability(n, t)."
            )
        counts = np.arange(size, dtype=float)
        out = (self.division_rate + self.death_rate) * counts
        # Transposed: the law is a column. The last count loses what is born above it.
        rates = sparse.diags_array(
            [self.division_rate * counts[:-1], -out, self.death_rate * counts[1:]],
            offsets=[-1, 0, 1],
            format="csc",
        )
        start = (counts == 1).astype(float)
        return expm_multiply(rates * float(t), start, traceA=-out.sum() * float(t))[n]

    def simulate(
        self,
        start: ArrayLike,
        *,
        n_frames: int,
        frame_interval: float,
        rng: int | np.random.Generator | None = None,
    ) -> np.ndarray:
        """Counts of many independent clones, event by event.

        Parameters
        ----------
        start
            Cells in the first frame, shape (...).
        n_frames, frame_interval
            Frames, the first included, and the time between them.
        rng
            Seed or Generator.

        Returns
        -------
        ndarray
            Integers, shape (n_frames, ...).
        """
        x = whole_numbers(start, "cells")
        per_cell = np.array([self.division_rate, self.death_rate])
        return counts_on_frames(
            x[..., None],
            [[1], [-1]],
            lambda n: n * per_cell,
            n_frames=n_frames,
            frame_interval=frame_interval,
            rng=rng,
        )[..., 0]

    def _integral(self, t: ArrayLike) -> np.ndarray:
        """Integral of e^(g s) over s in [0, t]."""
        t, g = times(t), self.growth_rate
        return t if g == 0 else np.expm1(g * t) / g

    def _parameters(self, t: float) -> tuple[float, float]:
        """Chance of extinction and ratio of the geometric law after a time t."""
        birth, death, g = self.division_rate, self.death_rate, self.growth_rate
        t = float(times(t))
        if g == 0 and np.isinf(t):
            return (1.0, 1.0) if death > 0 else (0.0, 0.0)
        if g > 0:  # all divided by the mean, which may overflow
            spread, one = -np.expm1(-g * t) / g, np.exp(-g * t)
        else:
            spread, one = float(self._integral(t)), 1.0
        total = one + birth * spread
        return float(death * spread / total), float(birth * spread / total)
