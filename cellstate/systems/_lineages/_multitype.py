"""Cells of several types that divide, die and switch: growth, extinction, fates."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import expm

from cellstate.systems._lineages._counts import rate, times, whole_numbers
from cellstate.systems._lineages._gillespie import counts_on_frames
from cellstate.systems._lineages._type_chances import TypeChances

SETTLED = 1e-12  # change of the composition at which it has settled


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
        return expm(self.rates * float(times(t)))

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

        The smallest solution of ``division (p^2 - p) + death (1 - p) + switching of
        p = 0``, by Newton's method; error about 1e-8 where growth is exactly critical.
        """
        law, open_ = self._chances, np.zeros(self.n_types, dtype=bool)
        fixed = np.where(law.leading_to(law.death > 0, open_), np.nan, 0.0)
        return law.smallest(fixed)

    def extinction_by_time(self, t: float | None = None) -> np.ndarray:
        """Chance of extinction up to time t, (m,), by the backward equation.

        None is the second route to `extinction`: t grows until nothing moves, which
        takes for ever, with an error of about 1e-5, where growth is exactly critical.
        """
        start = np.zeros(self.n_types)
        return self._chances.after(_time(t), start, start > 0)

    def committor(self, source: Iterable[int], target: Iterable[int]) -> np.ndarray:
        """Chance h per type that some descendant reaches a type in `target`, (m,).

        Lines that meet `source` first do not count: ``division h (1 - h) - death h +
        switching of h = 0``, 0 on source and 1 on target, by Newton's method.

        Examples
        --------
        A cell between both: with divisions more than one line tries.

        >>> way = ((0, 0, 0), (1, 0, 1), (0, 0, 0))
        >>> one = MultitypeBranching(
        ...     division_rates=(0, 0, 0), death_rates=(0, 0, 0), switching=way
        ... )
        >>> many = MultitypeBranching(
        ...     division_rates=(0, 1, 0), death_rates=(0, 0, 0), switching=way
        ... )
        >>> one.committor([0], [2]).round(4), many.committor([0], [2]).round(4)
        (array([0. , 0.5, 1. ]), array([0.   , 0.618, 1.   ]))
        """
        in_source, in_target = self._sets(source, target)
        # Chance to miss the target: 1 where the source stands in every way.
        missed = np.where(self._chances.leading_to(in_target, in_source), np.nan, 1.0)
        missed[in_target] = 0.0
        return 1 - self._chances.smallest(missed)

    def committor_by_time(
        self, source: Iterable[int], target: Iterable[int], t: float | None = None
    ) -> np.ndarray:
        """Chance that the target is reached up to time t, (m,).

        None is the second route to `committor`: t grows until nothing moves.
        """
        in_source, in_target = self._sets(source, target)
        start = np.where(in_target, 0.0, 1.0)
        return 1 - self._chances.after(_time(t), start, in_source | in_target)

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

    @property
    def _chances(self) -> TypeChances:
        return TypeChances(
            np.array(self.division_rates),
            np.array(self.death_rates),
            np.array(self.switching),
        )

    def _sets(
        self, source: Iterable[int], target: Iterable[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Masks of two disjoint sets of types, shape (m,) each."""
        masks = np.zeros((2, self.n_types), dtype=bool)
        for mask, types, name in zip(
            masks, (source, target), ("source", "target"), strict=True
        ):
            types = sorted(types)
            if not types or types[0] < 0 or types[-1] >= self.n_types:
                raise ValueError(
                    f"`{name}` holds types from 0 to {self.n_types - 1}; found {types}."
                )
            mask[types] = True
        shared = np.flatnonzero(masks.all(axis=0))
        if shared.size:
            raise ValueError(
                f"`source` and `target` share types {shared.tolist()}; they must be "
                "disjoint."
            )
        return masks[0], masks[1]


def _time(t: float | None) -> float | None:
    return None if t is None else float(times(t))
