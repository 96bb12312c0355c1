"""Couplings between consecutive snapshots, kept flat so that a file can hold them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix

from cellstate._base.results import Result
from cellstate.transport._coupling import NUMBERS, Coupling
from cellstate.transport._masses import chosen_mass, implied_growth, shares


@dataclass(frozen=True, eq=False, kw_only=True)
class Couplings(Result):
    """Couplings of all consecutive snapshots, in order of time.

    Attributes
    ----------
    times
        Distinct times (h), shape (T,).
    time_index
        Snapshot of each row, -1 for rows left out, shape (n,).
    weight
        Weight of each row within its snapshot, where it sums to 1; 0 for rows left
        out, shape (n,).
    source, target, mass
        All pairs, interval after interval, shape (p,).
    offsets
        Pairs of interval k are ``offsets[k]:offsets[k + 1]``, shape (T,).
    growth
        Growth rate (1/h) that the couplings imply for each row, NaN in the last
        snapshot, for rows left out and for cells without descendants, shape (n,).
    cost, residual, converged, n_iterations, mass_ratio, dropped, broken
        As in `Coupling`, one per interval, shape (T - 1,).
    marginal_error
        Source and target side, shape (T - 1, 2).
    n_blocks
        Random blocks that a pair too large for one problem was cut into, (T - 1,).
    method
        As in `couple`.
    regularization
        In units of the median cost of the interval; NaN where the method has none.
    relaxation
        Of source and target, in the same units; infinite where exact, shape (2,).
    n_left_out
        Rows without a state, a time or a weight.
    null
        Table of `null_rows`.
    """

    kind: ClassVar[str] = "couplings"
    times: np.ndarray
    time_index: np.ndarray
    weight: np.ndarray
    source: np.ndarray
    target: np.ndarray
    mass: np.ndarray
    offsets: np.ndarray
    growth: np.ndarray
    cost: np.ndarray
    marginal_error: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    n_iterations: np.ndarray
    mass_ratio: np.ndarray
    dropped: np.ndarray
    broken: np.ndarray
    n_blocks: np.ndarray
    method: str
    regularization: float
    relaxation: np.ndarray
    n_left_out: int
    null: pd.DataFrame

    def __len__(self) -> int:
        return len(self.times) - 1

    def pairs(self, k: int) -> Coupling:
        """Coupling of interval k, 0 <= k < T - 1, as views."""
        if not 0 <= k < len(self):
            raise IndexError(
                f"interval k must lie in 0..{len(self) - 1}; found {k} "
                f"({len(self.times)} times)."
            )
        part = slice(int(self.offsets[k]), int(self.offsets[k + 1]))
        cells = np.flatnonzero(self.time_index == k)
        return Coupling(
            source=self.source[part],
            target=self.target[part],
            mass=self.mass[part],
            cells=cells,
            growth=self.growth[cells],
            start_time=float(self.times[k]),
            stop_time=float(self.times[k + 1]),
            method=self.method,
            marginal_error=self.marginal_error[k],
            converged=bool(self.converged[k]),
            n_iterations=int(self.n_iterations[k]),
            **{name: float(getattr(self, name)[k]) for name in NUMBERS},
        )

    def implied_growth(self) -> np.ndarray:
        """Growth rate (1/h) of each row, from the plans; see `growth`."""
        return implied_growth(
            self.times, self.time_index, self.weight, self.source, self.mass
        )

    def plan(self, k: int) -> csr_matrix:
        """Sparse plan of interval k among all rows, shape (n, n)."""
        pair = self.pairs(k)
        n = len(self.time_index)
        return csr_matrix((pair.mass, (pair.source, pair.target)), shape=(n, n))

    def descendants(self, cells: ArrayLike, time: float | None = None) -> np.ndarray:
        """Where the descendants of some cells are found at a later time.

        The cells' mass is moved through the plans, growing as they say, so that a
        branch that divides more holds more of the descendants.

        Parameters
        ----------
        cells
            Boolean mask or weights (n,), or row numbers; all at one time.
        time
            Later time (h); None for the last.

        Returns
        -------
        numpy.ndarray
            Share of the descendants in each cell of that time, shape (n,), sum 1.

        Raises
        ------
        ValueError
            Cells of several times, a time not above theirs, or no descendants.
        """
        start, moved = self._start(cells)
        stop = self._index(len(self) if time is None else time, time is None)
        if stop < start:
            raise ValueError(
                f"descendants live later: expected time >= {self.times[start]:g} h, "
                f"that of the cells; found {self.times[stop]:g} h. Use ancestors()."
            )
        for k in range(start, stop):
            pair = self.pairs(k)
            share = pair.mass / self.weight[pair.source]
            moved = np.bincount(pair.target, share * moved[pair.source], len(moved))
        return shares(moved, "descendants", self.times[stop])

    def ancestors(self, cells: ArrayLike, time: float | None = None) -> np.ndarray:
        """Where the ancestors of some cells were at an earlier time.

        Parameters
        ----------
        cells
            Boolean mask or weights (n,), or row numbers; all at one time.
        time
            Earlier time (h); None for the first.

        Returns
        -------
        numpy.ndarray
            Probability that the ancestor of a cell drawn from these is each cell of
            that time, shape (n,), sum 1.

        Raises
        ------
        ValueError
            Cells of several times, a time not below theirs, or no ancestors.
        """
        start, moved = self._start(cells)
        stop = self._index(0 if time is None else time, time is None)
        if stop > start:
            raise ValueError(
                f"ancestors lived earlier: expected time <= {self.times[start]:g} h, "
                f"that of the cells; found {self.times[stop]:g} h. Use descendants()."
            )
        for k in range(start - 1, stop - 1, -1):
            pair = self.pairs(k)
            arrived = np.bincount(pair.target, pair.mass, len(moved))
            share = pair.mass / arrived[pair.target]
            moved = np.bincount(pair.source, share * moved[pair.target], len(moved))
        return shares(moved, "ancestors", self.times[stop])

    def _start(self, cells: ArrayLike) -> tuple[int, np.ndarray]:
        """Snapshot and starting mass of the chosen cells, shape (n,)."""
        chosen = chosen_mass(cells, self.weight)
        at = np.unique(self.time_index[chosen > 0])
        if len(at) != 1 or at[0] < 0:
            found = [f"{self.times[k]:g}" if k >= 0 else "left out" for k in at]
            raise ValueError(
                "`cells` must hold cells of one time that were coupled; found times "
                f"{found} (h). Select by time first."
            )
        return int(at[0]), chosen

    def _index(self, time: float, is_index: bool) -> int:
        if is_index:
            return int(time)
        near = int(np.argmin(abs(self.times - time)))
        if not np.isclose(self.times[near], time, rtol=1e-9, atol=1e-12):
            raise ValueError(
                f"no snapshot at time={time:g} h; found {self.times.tolist()}."
            )
        return near
