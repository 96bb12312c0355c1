"""Tracks of cells that move, divide and die by a law, one by one."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate._base.results import Result
from cellstate.sde._law import Law, growth_rate
from cellstate.sde._paths import (
    AUTO,
    STEPS,
    checked_states,
    checked_times,
    chosen_scheme,
    moved,
    steps_of,
)

MOST_CELLS = 1_000_000
EVENT = 0.1  # chance of an event in one step at most; shorter steps beyond
NONE = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class SimulatedCells(Result):
    """Cells in frames, joined to tracks; one row per cell and frame, by track.

    Attributes
    ----------
    states
        (n, d).
    track, parent_track
        Track of each row, from 1, and its mother, -1 for none, (n,).
    frame, time
        (n,); hours.
    dies
        True in the last row of a cell that dies before the next frame, (n,).
    n_divisions, n_deaths
        Events, those of cells never seen in a frame included.
    n_unlinked
        Tracks without a mother because a third or fourth descendant of one mother
        appeared within one frame interval.
    """

    kind: ClassVar[str] = "simulated_cells"
    states: np.ndarray
    track: np.ndarray
    parent_track: np.ndarray
    frame: np.ndarray
    time: np.ndarray
    dies: np.ndarray
    n_divisions: int
    n_deaths: int
    n_unlinked: int


def simulate_cells(
    law: Law,
    start: ArrayLike,
    times: ArrayLike,
    *,
    dt: float | None = None,
    rng: int | np.random.Generator | None = None,
) -> SimulatedCells:
    """Simulate cells that divide at rate max(g, 0) and die at rate max(-g, 0).

    A growth rate g fixes the mean number of cells only, not births and deaths apart:
    this is the quietest population with that mean. Daughters begin where their mother
    ends; both go on independently.

    Parameters
    ----------
    law
        Object with ``drift(x, t)``, ``diffusion(x, t)`` and, for divisions and
        deaths, ``growth_rate(x, t)`` (n,), 1/h.
    start
        States in the first frame, (n_cells, d).
    times
        Hours of the frames, increasing.
    dt
        Longest step (h); chosen by the law when None, see `simulate_paths`.
    rng
        Seed or Generator.

    Returns
    -------
    SimulatedCells

    Raises
    ------
    FloatingPointError
        Paths ran away.
    ValueError
        More than a million cells, or states or times are not usable.

    Examples
    --------
    >>> from types import SimpleNamespace as Law
    >>> still = Law(
    ...     drift=lambda x, t: 0 * x,
    ...     diffusion=lambda x, t: np.zeros((len(x), 1, 1)),
    ...     growth_rate=lambda x, t: np.full(len(x), 0.2),
    ... )
    >>> cells = simulate_cells(still, np.zeros((500, 1)), [0, 2.5, 5], rng=0)
    >>> round(float(np.sum(cells.frame == 2)) / 500, 1)  # e = 2.718
    2.7
    """
    x, times, rng = checked_states(start), checked_times(times), generator(rng)
    scheme = chosen_scheme(law, x, times[0], AUTO)
    family = _Family(len(x))
    rows = [(family.alive, x)]
    for k in progress(range(1, times.size), "frames"):
        begin, span = times[k - 1], times[k] - times[k - 1]
        for t, whole in steps_of(law, x, begin, span, scheme, dt):
            rate = growth_rate(law, x, t)
            parts = max(1, int(np.ceil(whole * np.abs(rate).max(initial=0) / EVENT)))
            for j in range(parts):
                step = whole / parts
                x = _lived(law, x, t + j * step, step, STEPS[scheme], family, rng)
        rows.append((family.alive, x))
    return _joined(family, rows, times)


class _Family:
    """Who descends from whom, and who is alive."""

    def __init__(self, n: int) -> None:
        self.alive = np.arange(n)
        self.mothers = [np.full(n, NONE)]
        self.died = []
        self.size, self.n_divisions = n, 0

    def change(self, divides: np.ndarray, dies: np.ndarray) -> np.ndarray:
        """Carry out divisions and deaths; which old cell each new one came from."""
        mothers = np.repeat(self.alive[divides], 2)
        self.died.append(self.alive[dies])
        self.mothers.append(mothers)
        self.n_divisions += int(divides.sum())
        daughters = self.size + np.arange(mothers.size)
        self.size += mothers.size
        kept = ~divides & ~dies
        origin = np.r_[np.flatnonzero(kept), np.repeat(np.flatnonzero(divides), 2)]
        self.alive = np.r_[self.alive[kept], daughters]
        if self.alive.size > MOST_CELLS:
            raise ValueError(
                f"the cells have multiplied to {self.alive.size}, above {MOST_CELLS}. "
                "Start from fewer, simulate a shorter time, or follow weighted "
                "particles: cs.tl.propagate(adata, start_time, stop_time)."
            )
        return origin


def _lived(
    law: Law,
    x: np.ndarray,
    t: float,
    dt: float,
    scheme: object,
    family: _Family,
    rng: np.random.Generator,
) -> np.ndarray:
    """Move the living cells over one step, then let them divide or die."""
    if not len(x):
        return x
    rate = growth_rate(law, x, t)
    x = moved(scheme, law, x, t, dt, rng.standard_normal(x.shape))
    rate = (rate + growth_rate(law, x, t + dt)) / 2
    # exp(g dt) cells are expected after the step, a division making two of one.
    chance = np.abs(np.expm1(rate * dt))
    happens = rng.random(len(x)) < chance
    if not happens.any():
        return x
    return x[family.change(happens & (rate > 0), happens & (rate < 0))]


def _joined(
    family: _Family, rows: list[tuple[np.ndarray, np.ndarray]], times: np.ndarray
) -> SimulatedCells:
    """Rows of all frames as tracks numbered from 1."""
    cell = np.concatenate([alive for alive, _ in rows])
    frame = np.repeat(np.arange(len(rows)), [alive.size for alive, _ in rows])
    order = np.lexsort((frame, cell))
    cell, frame = cell[order], frame[order]
    seen, track = np.unique(cell, return_inverse=True)
    mother, unlinked = _links(np.concatenate(family.mothers), seen)
    died = np.concatenate([*family.died, np.zeros(0, int)])
    last = np.r_[cell[1:] != cell[:-1], True]
    return SimulatedCells(
        states=np.concatenate([x for _, x in rows])[order],
        track=track + 1,
        parent_track=np.where(mother[track] >= 0, mother[track] + 1, NONE),
        frame=frame,
        time=times[frame],
        dies=last & np.isin(cell, died),
        n_divisions=family.n_divisions,
        n_deaths=died.size,
        n_unlinked=unlinked,
    )


def _links(mothers: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, int]:
    """Nearest ancestor of each seen cell that was seen too, as its place in `seen`.

    A mother keeps two daughters; those beyond become founders.
    """
    place = np.full(mothers.size, NONE)
    place[seen] = np.arange(seen.size)
    up = mothers[seen]
    while True:
        hidden = (up >= 0) & (place[up] < 0)
        if not hidden.any():
            break
        up[hidden] = mothers[up[hidden]]
    link = np.where(up >= 0, place[up], NONE)
    order = np.argsort(link, kind="stable")
    _, first, count = np.unique(link[order], return_index=True, return_counts=True)
    rank = np.empty(link.size, dtype=int)
    rank[order] = np.arange(link.size) - np.repeat(first, count)
    surplus = (link >= 0) & (rank >= 2)
    link[surplus] = NONE
    return link, int(surplus.sum())
