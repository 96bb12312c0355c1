"""Cells of several types that divide, die and switch: growth, extinction, fates."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from cellstate.systems._counts import rate, whole_numbers
from cellstate.systems._gillespie import counts_on_frames

NEWTON = 200  # steps at most; they halve the error where growth is exactly critical
SETTLED = 1e-12  # change of the composition at which it has settled
SLOW = 1e-10  # speed, relative to the fastest rate, at which a chance has settled


@dataclass(frozen=True, kw_only=True)
class MultitypeBranching:
    """Every cell has one of m types, divides, dies and switches independently.

    Daughters are of their mother's type. A law on a tree: chances about descendants
    solve quadratic equations, expected numbers linear ones.

    Attributes
    ----------
    division_rates, death_rates
        Per type, shape (m,), 1/time.
    switching
        Rates from type i (row) to type j (column), shape (m, m), 1/time; the
        diagonal is ignored.

    References
    ----------
    Athreya and Ney, Branching Processes (1972), chapter V.

    Examples
    --------
    A stem cell divides or differentiates; its differentiated kin die.

    >>> tissue = MultitypeBranching(
    ...     division_rates=(1.0, 0.0),
    ...     death_rates=(0.0, 0.5),
    ...     switching=((0.0, 0.4), (0.0, 0.0)),
    ... )
    >>> round(tissue.growth_rate, 6), tissue.composition().round(6)
    (0.6, array([0.733333, 0.266667]))
    >>> tissue.extinction().round(6)
    array([0.4, 1. ])
    """

    division_rates: tuple[float, ...]
    death_rates: tuple[float, ...]
    switching: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        for name in ("division_rates", "death_rates"):
            values = tuple(rate(v, name) for v in getattr(self, name))
            object.__setattr__(self, name, values)
        rows = [[rate(v, "switching") for v in row] for row in self.switching]
        m = self.n_types
        shapes = (m, len(self.death_rates), [len(row) for row in rows])
        if m == 0 or shapes != (m, m, [m] * m):
            raise ValueError(
                "m division rates, m death rates and m x m switching rates are "
                f"needed; found {shapes[0]}, {shapes[1]} and rows of {shapes[2]}."
            )
        clean = tuple(
            tuple(0.0 if i == j else v for j, v in enumerate(row))
            for i, row in enumerate(rows)
        )
        object.__setattr__(self, "switching", clean)

    @property
    def n_types(self) -> int:
        """Number of types m."""
        return len(self.division_rates)

    @property
    def rates(self) -> np.ndarray:
        """Expected change of the numbers: rows type now, columns type later, 1/time."""
        switch = np.array(self.switching)
        net = np.array(self.division_rates) - np.array(self.death_rates)
        return switch + np.diag(net - switch.sum(axis=1))

    def mean(self, t: float) -> np.ndarray:
        """Expected descendants of type j (column) of one cell of type i, (m, m)."""
        return expm(self.rates * rate(t, "t"))

    @property
    def growth_rate(self) -> float:
        """Rate at which a large population grows in the end, 1/time."""
        return float(np.linalg.eigvals(self.rates).real.max())

    def composition(self) -> np.ndarray:
        """Shares of the types in the end, (m,): the leading left eigenvector.

        Raises
        ------
        ValueError
            More than one composition grows at the leading rate.
        """
        values, vectors = np.linalg.eig(self.rates.T)
        order = np.argsort(-values.real)
        if self.n_types > 1 and np.isclose(*values.real[order[:2]], rtol=1e-9, atol=0):
            raise ValueError(
                f"two compositions grow at the same rate, {values.real[order[0]]:g}: "
                "what remains depends on the founders. Give switching in between."
            )
        leading = np.abs(vectors[:, order[0]].real)
        return leading / leading.sum()

    def composition_by_time(self, founders: ArrayLike | None = None) -> np.ndarray:
        """Second route to `composition`: expected numbers after a long time, (m,).

        `founders` are shares of the types at first; equal ones when left out.
        """
        m = self.n_types
        mix = np.full(m, 1 / m) if founders is None else np.asarray(founders, float)
        fastest = np.abs(self.rates).max() or 1.0
        step = expm(self.rates / fastest)
        for _ in range(60):  # times double: 1e18 of the fastest time at most
            after = mix @ step
            after = after / after.sum()
            if np.abs(after - mix).max() < SETTLED:
                return after
            mix, step = after, step @ step
            step = step / step.sum(axis=1).max()
        return mix

    def extinction(self) -> np.ndarray:
        """Chance per type that a cell has no descendants in the end, shape (m,).

        The smallest solution of ``death + division p^2 + switching = total p``, by
        Newton's method from 0; error about 1e-8 where growth is exactly critical.
        """
        fixed = np.full(self.n_types, np.nan)
        fixed[~self._leads_to(np.array(self.death_rates) > 0)] = 0.0
        return self._newton(fixed)

    def extinction_by_time(self, t: float | None = None) -> np.ndarray:
        """Second route to `extinction`, and its value after a finite time t, (m,)."""
        return self._in_time(np.full(self.n_types, np.nan), t)

    def committor(self, source: Iterable[int], target: Iterable[int]) -> np.ndarray:
        """Chance per type that some descendant reaches a type in `target`, (m,).

        Only lines count that have not met `source` before. Newton's method on
        ``division h (1 - h) + switching of h - death h = 0``, 0 on source and 1 on
        target.

        Examples
        --------
        With division two walkers try instead of one.

        >>> rates = {"death_rates": (0, 0, 0), "switching": ((0, 1, 0), (1, 0, 1), (0, 1, 0))}
        >>> one = MultitypeBranching(division_rates=(0, 0, 0), **rates)
        >>> two = MultitypeBranching(division_rates=(0, 1, 0), **rates)
        >>> one.committor([0], [2]).round(4), two.committor([0], [2]).round(4)
        (array([0. , 0.5, 1. ]), array([0.   , 0.618, 1.   ]))
        """
        fixed, target = self._sets(source, target)
        # Lines end in the source: there the way to the target is cut.
        fixed[~self._leads_to(target, closed=fixed == 1)] = 1.0
        return 1 - self._newton(fixed)

    def committor_by_time(
        self, source: Iterable[int], target: Iterable[int], t: float | None = None
    ) -> np.ndarray:
        """Second route to `committor`, and its value within a finite time t, (m,)."""
        fixed, _ = self._sets(source, target)
        return 1 - self._in_time(fixed, t, start=1.0)

    def simulate(
        self,
        start: ArrayLike,
        *,
        n_frames: int,
        frame_interval: float,
        rng: int | np.random.Generator | None = None,
    ) -> np.ndarray:
        """Numbers of every type in many independent clones, event by event.

        Parameters
        ----------
        start
            Cells of each type in the first frame, shape (..., m).
        n_frames, frame_interval
            Frames, the first included, and the time between them.
        rng
            Seed or Generator.

        Returns
        -------
        ndarray
            Integers, shape (n_frames, ..., m).
        """
        x = whole_numbers(start, "cells")
        if x.ndim == 0 or x.shape[-1] != self.n_types:
            raise ValueError(
                f"numbers of {self.n_types} types have shape (..., {self.n_types}); "
                f"found {x.shape}."
            )
        one = np.eye(self.n_types, dtype=np.int64)
        i, j = np.nonzero(self.switching)
        changes = np.concatenate([one, -one, one[j] - one[i]])
        types = np.concatenate([np.arange(self.n_types)] * 2 + [i])
        switch = np.array(self.switching)[i, j]
        per_cell = np.concatenate([self.division_rates, self.death_rates, switch])
        return counts_on_frames(
            x,
            changes,
            lambda n: n[:, types] * per_cell,
            n_frames=n_frames,
            frame_interval=frame_interval,
            rng=rng,
        )

    def _flow(self, p: np.ndarray) -> np.ndarray:
        """Speed of the chances p in the backward equation."""
        division, death = np.array(self.division_rates), np.array(self.death_rates)
        return division * p * (p - 1) + death * (1 - p) + self._switch @ p

    @property
    def _switch(self) -> np.ndarray:
        switch = np.array(self.switching)
        return switch - np.diag(switch.sum(axis=1))

    def _sets(
        self, source: Iterable[int], target: Iterable[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Chance to miss the target where it is known (else NaN), and the target."""
        sets = [np.zeros(self.n_types, dtype=bool) for _ in range(2)]
        for mask, types, name in zip(
            sets, (source, target), ("source", "target"), strict=True
        ):
            types = sorted(types)
            if not types or types[0] < 0 or types[-1] >= self.n_types:
                raise ValueError(
                    f"`{name}` holds types 0 .. {self.n_types - 1}; found {types}."
                )
            mask[types] = True
        if (sets[0] & sets[1]).any():
            shared = np.flatnonzero(sets[0] & sets[1]).tolist()
            raise ValueError(
                f"`source` and `target` share types {shared}; they must be disjoint."
            )
        fixed = np.full(self.n_types, np.nan)
        fixed[sets[0]], fixed[sets[1]] = 1.0, 0.0
        return fixed, sets[1]

    def _leads_to(
        self, goal: np.ndarray, closed: np.ndarray | None = None
    ) -> np.ndarray:
        """Types from which switching can lead to a goal, shape (m,)."""
        found = goal.copy()
        step = np.array(self.switching) > 0
        for _ in range(self.n_types):
            found |= step @ found
            if closed is not None:
                found &= ~closed
        return found

    def _newton(self, fixed: np.ndarray) -> np.ndarray:
        """Smallest rest of the flow with some chances fixed; NaN marks the free ones."""
        free = np.isnan(fixed)
        p = np.where(free, 0.0, fixed)
        division, death = np.array(self.division_rates), np.array(self.death_rates)
        for _ in range(NEWTON):
            slope = np.diag(division * (2 * p - 1) - death) + self._switch
            flow = self._flow(p)[free]
            size = np.abs(slope.diagonal()[free])
            if not free.any() or (np.abs(flow) <= 1e-16 * size).all():
                break
            step = np.linalg.solve(slope[np.ix_(free, free)], flow)
            p[free] = np.clip(p[free] - step, 0, 1)
            if np.abs(step).max() < 1e-15:
                break
        return p

    def _in_time(
        self, fixed: np.ndarray, t: float | None, start: float = 0.0
    ) -> np.ndarray:
        """The backward equation from `start` up to t, or until nothing moves."""
        free = np.isnan(fixed)
        known = np.where(free, start, fixed)

        def flow(_: float, p: np.ndarray) -> np.ndarray:
            return np.where(free, self._flow(np.where(free, p, known)), 0.0)

        fastest = np.abs(self.rates).max() or 1.0
        length, settle = (1e6 / fastest, True) if t is None else (rate(t, "t"), False)

        def moving(_: float, p: np.ndarray) -> float:
            return float(np.abs(flow(_, p)).max() - SLOW * fastest)

        moving.terminal = settle
        found = solve_ivp(
            flow,
            (0, length),
            known,
            method="LSODA",
            rtol=1e-10,
            atol=1e-12,
            events=moving if settle else None,
        )
        return np.clip(found.y[:, -1], 0, 1)
