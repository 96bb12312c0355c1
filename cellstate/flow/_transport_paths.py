"""Paths of cells between snapshots: coupled pairs, bent to agree at inner times.

The straight way between two coupled cells turns abruptly at every snapshot. Here a path
leaves and arrives with a velocity between those of the two intervals that meet there:
a cubic whose ends are the mean of both, smoothed over neighbouring cells. At the first
and last time nothing is known of the other side, and the bend runs out towards it (a
natural end).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from cellstate._base.results import Result
from cellstate.transport import Coupling, Couplings

NEIGHBOURS = 40  # cells over which end velocities are averaged
# Share of the turn at a snapshot that bends the paths. Half: what is left of a turn
# when the displacements of one plan are half motion and half chance pairing.
BENT = 0.5
NEAR = 0.1  # bandwidth of `follow` per root of the dimension, in units of the spread
NEAR_IN_TIME = 0.05  # of an interval
STEPS = 10  # of `follow` per interval
STRATA = 8  # points of each path that `follow` knows


@dataclass(frozen=True, eq=False, kw_only=True)
class TransportPaths(Result):
    """One path per coupled pair.

    Attributes
    ----------
    times
        Of the snapshots (h), (k,).
    start, stop
        States at the ends, (p, d).
    leaving, arriving
        Velocity at either end less the mean velocity, (p, d) per h.
    interval
        Number of each path's interval, (p,).
    cell
        Row of the source cell, (p,).
    mass
        Weight of each path, summing to 1 in every interval, (p,).
    """

    kind: ClassVar[str] = "transport_paths"
    times: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    leaving: np.ndarray
    arriving: np.ndarray
    interval: np.ndarray
    cell: np.ndarray
    mass: np.ndarray

    @property
    def span(self) -> np.ndarray:
        """Hours of every path, (p,)."""
        return np.diff(self.times)[self.interval]

    def at(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """States and velocities (p, d) after a share (p,) of each path's time."""
        s, span = share[:, None], self.span[:, None]
        bend = s * (1 - s) ** 2 * self.leaving - s**2 * (1 - s) * self.arriving
        states = (1 - s) * self.start + s * self.stop + span * bend
        turn = ((1 - s) ** 2 - 2 * s * (1 - s)) * self.leaving
        turn -= (2 * s * (1 - s) - s**2) * self.arriving
        return states, (self.stop - self.start) / span + turn


def transport_paths(
    x: np.ndarray, couplings: Couplings, bent: float = BENT
) -> TransportPaths:
    """Join coupled cells by cubic paths.

    Parameters
    ----------
    x
        States that were coupled, (n, d).
    couplings
        Of consecutive snapshots.
    bent
        0 gives straight paths, 1 takes the whole turn at a snapshot for a bend.

    Examples
    --------
    On a parabola the bent paths are closer to the truth than straight ones.

    >>> from cellstate.transport import couple
    >>> time = np.repeat([0.0, 1.0, 2.0], 20)
    >>> x = np.random.default_rng(0).normal(size=(60, 1)) * 0.1 + time[:, None] ** 2
    >>> chain = couple(x, time, method="exact", rng=0)
    >>> half = np.full(40, 0.5)
    >>> [round(float(transport_paths(x, chain, b).at(half)[0][:20].mean()), 1)
    ...  for b in (0.0, 1.0)]
    [0.5, 0.3]
    """
    pairs = [couplings.pairs(k) for k in range(len(couplings.times) - 1)]
    means = [_end_velocities(x, pair) for pair in pairs]
    parts = []
    for k, pair in enumerate(pairs):
        leaving, arriving = _turns(means, pairs, k)
        parts.append(_bent_ends(pair, leaving, arriving, bent, x.shape))
    interval = np.repeat(np.arange(len(pairs)), [len(p.mass) for p in pairs])
    source = np.concatenate([p.source for p in pairs])
    target = np.concatenate([p.target for p in pairs])
    mass = np.concatenate([p.mass / p.mass.sum() for p in pairs])
    return TransportPaths(
        times=np.array(couplings.times),
        start=x[source],
        stop=x[target],
        leaving=np.concatenate([own[0] for own in parts]),
        arriving=np.concatenate([own[1] for own in parts]),
        interval=interval,
        cell=source,
        mass=mass,
    )


def _end_velocities(x: np.ndarray, pair: Coupling) -> tuple[np.ndarray, np.ndarray]:
    """Mean velocity of the paths that leave and reach each cell, smoothed, (n, d)."""
    velocity = (x[pair.target] - x[pair.source]) / pair.interval
    found = []
    for end in (pair.source, pair.target):
        total, weight = np.zeros_like(x), np.zeros(len(x))
        np.add.at(total, end, pair.mass[:, None] * velocity)
        np.add.at(weight, end, pair.mass)
        cells = np.flatnonzero(weight > 0)
        own = total[cells] / weight[cells, None]
        near = KDTree(x[cells]).query(x[cells], k=min(NEIGHBOURS, len(cells)))[1]
        smooth = np.full_like(x, np.nan)
        smooth[cells] = own[near.reshape(len(cells), -1)].mean(axis=1)
        found.append(smooth)
    return found[0], found[1]


def _turns(
    means: list[tuple[np.ndarray, np.ndarray]], pairs: list[Coupling], k: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What the intervals before and after add to the velocity at either end, (n, d)."""
    span = pairs[k].interval
    before = after = None
    if k > 0:
        share = span / (span + pairs[k - 1].interval)
        before = np.nan_to_num((means[k - 1][1] - means[k][0]) * share)
    if k + 1 < len(pairs):
        share = span / (span + pairs[k + 1].interval)
        after = np.nan_to_num((means[k + 1][0] - means[k][1]) * share)
    return before, after


def _bent_ends(
    pair: Coupling,
    before: np.ndarray | None,
    after: np.ndarray | None,
    bent: float,
    shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    flat = np.zeros((len(pair.mass), shape[1]))
    leaving = flat if before is None else bent * before[pair.source]
    arriving = flat if after is None else bent * after[pair.target]
    if before is None and after is not None:
        leaving = -arriving / 2
    if after is None and before is not None:
        arriving = -leaving / 2
    return leaving, arriving


def follow(
    paths: TransportPaths, x: np.ndarray, start_time: float, stop_time: float
) -> np.ndarray:
    """Carry states along the paths around them, (n, d) to (n, d).

    At every time a state moves with the mean velocity of the paths that are near it
    then, weighted by a Gaussian of a tenth of the cells' spread (times the root of the
    number of coordinates). A state far from every path moves with the nearest.

    Parameters
    ----------
    paths
        From `transport_paths`.
    x
        States at `start_time`.
    start_time, stop_time
        Hours within the snapshots' times; backward in time too.
    """
    x = np.array(x, dtype=float)
    known = _known(paths)
    gap = float(np.median(np.diff(paths.times)))
    n_steps = max(1, int(np.ceil(STEPS * abs(stop_time - start_time) / gap)))
    step = (stop_time - start_time) / n_steps
    for k in range(n_steps):
        t = start_time + k * step
        middle = x + step / 2 * known.velocity(x, t)
        x = x + step * known.velocity(middle, t + step / 2)
    return x


@dataclass(frozen=True, eq=False)
class _Known:
    """Points of paths: states, velocities, time, mass and hours of their interval."""

    x: np.ndarray
    v: np.ndarray
    t: np.ndarray
    mass: np.ndarray
    span: np.ndarray
    width: np.ndarray

    def velocity(self, x: np.ndarray, t: float) -> np.ndarray:
        away = (self.t - t) / (NEAR_IN_TIME * self.span)
        near = np.flatnonzero(np.abs(away) < max(2.0, np.abs(away).min() + 1e-9))
        squares = cdist(x / self.width, self.x[near] / self.width, "sqeuclidean")
        squares += away[near] ** 2
        squares -= squares.min(axis=1, keepdims=True)
        weight = np.exp(-squares / 2) * self.mass[near]
        return weight @ self.v[near] / weight.sum(axis=1, keepdims=True)


def _known(paths: TransportPaths) -> _Known:
    states, velocities, times = [], [], []
    starts = paths.times[paths.interval]
    # The points of a path stand in the middle of equal shares of it, and at its ends.
    for share in (0.0, *((np.arange(STRATA) + 0.5) / STRATA), 1.0):
        x, v = paths.at(np.full(len(paths.mass), share))
        states.append(x)
        velocities.append(v)
        times.append(starts + share * paths.span)
    cells = np.concatenate([paths.start, paths.stop])
    spread = cells.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    count = len(states)
    return _Known(
        x=np.concatenate(states),
        v=np.concatenate(velocities),
        t=np.concatenate(times),
        mass=np.tile(paths.mass, count),
        span=np.tile(paths.span, count),
        width=NEAR * np.sqrt(cells.shape[1]) * spread,
    )
