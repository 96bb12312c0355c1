"""Pairs of rows along tracks, stopped at the first entry into a core set."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.results import frozen
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class StoppedPairs:
    """Where each row is one lag later, or when it first met A or B.

    What is expected at the start is ``constant + gain * (what is expected at stop)``.

    Attributes
    ----------
    start, stop
        Rows, shape (m,).
    weight
        Of the pair among those of one start row, to which they add up: at a division
        each daughter has half, shape (m,).
    constant
        Chance that B was met on the way, shape (m,).
    gain
        Chance that neither set was met on the way, shape (m,): 0 where one was. When
        descendants are counted each division doubles both.
    elapsed
        Frames from start to stop, shape (m,); fewer on average where a set may have
        been visited between two frames.
    """

    start: np.ndarray
    stop: np.ndarray
    weight: np.ndarray
    constant: np.ndarray
    gain: np.ndarray
    elapsed: np.ndarray

    @property
    def absorbed(self) -> np.ndarray:
        """Pairs that ended in A, in B, or in death."""
        return self.gain == 0

    @property
    def value(self) -> np.ndarray:
        """What was met: 1 for B, 0 for A, NaN if still on the way, shape (m,)."""
        return np.where(self.absorbed, self.constant, np.nan)


@dataclass(frozen=True, eq=False, kw_only=True)
class Crossings:
    """Chance that a set was entered and left again between a row and the next.

    Attributes
    ----------
    source, target
        Per row, for the step to its next row, shape (n,); 0 where there is none.
    """

    source: np.ndarray
    target: np.ndarray

    def reversed_for(self, tracks: Tracks) -> "Crossings":
        """The same chances for the step to the row before, A and B exchanged."""
        before = tracks.previous_row
        has = before >= 0
        chances = [np.where(has, v[before], 0.0) for v in (self.target, self.source)]
        return Crossings(source=chances[0], target=chances[1])


def steps(tracks: Tracks, *, reverse: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the (up to two) successors of each row, shape (n, 2), -1 for none.

    Forward a mother leads to both daughters; in reverse a daughter to her mother.
    """
    mothers = tracks.mother_row()
    successor = np.full((tracks.n_rows, 2), -1)
    if reverse:
        successor[:, 0] = np.where(
            tracks.previous_row >= 0, tracks.previous_row, mothers
        )
    else:
        successor[:, 0] = tracks.next_row
        born = np.flatnonzero(mothers >= 0)
        born = born[np.argsort(mothers[born], kind="stable")]
        first = np.r_[True, np.diff(mothers[born]) != 0] if born.size else born
        first = np.asarray(first, dtype=bool)
        successor[mothers[born[first]], 0] = born[first]
        successor[mothers[born[~first]], 1] = born[~first]
    share = np.where((successor >= 0).sum(axis=1) == 2, 0.5, 1.0)
    return successor, share


def stopped_pairs(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    *,
    lag_frames: int = 1,
    reverse: bool = False,
    target_is_event: bool = False,
    unknown: np.ndarray | None = None,
    descendants: bool = False,
    dies: np.ndarray | None = None,
    crossings: Crossings | None = None,
) -> StoppedPairs:
    """Follow every row for a lag and stop it at its first entry into A or B.

    A track that ends before the lag is over stops at its last row: the Markov
    property holds for the shorter lag too, and the unfinished future is filled by
    the committor itself. Rows without any successor say nothing and are left out.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    source, target
        Boolean masks (n,) of A and B.
    lag_frames
        Longest step, in frames.
    reverse
        Follow the past instead of the future.
    target_is_event
        B is known from the future only (the last frames before a division). Its
        rows then take part with value 1 after no step at all, for the present
        state alone does not tell that they are in B.
    unknown
        Rows of which nobody can tell whether they are in B; they do not start a
        pair, shape (n,).
    descendants
        Count the descendants in B instead of following one daughter at random.
    dies
        Last rows of cells that die, which then never reach B, shape (n,).
    crossings
        Chances of visits to A and B that lie between two frames.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1, 1, 1], frame=[0, 1, 2], time=[0, 1, 2])
    >>> a, b = np.array([True, False, False]), np.array([False, False, True])
    >>> pairs = stopped_pairs(tracks, a, b)
    >>> pairs.start, pairs.stop, pairs.value
    (array([1]), array([2]), array([1.]))
    """
    successor, share = steps(tracks, reverse=reverse)
    outside = ~source & ~target
    free = outside if unknown is None else outside & ~unknown
    dead = np.zeros(tracks.n_rows, bool) if dies is None else dies & outside
    walk = _Walk.at(np.flatnonzero(free))
    factor = np.where((share == 0.5) & descendants, 2.0, 1.0)
    for _ in range(lag_frames):
        walk = walk.step(successor, share, factor, outside, target, dead, crossings)
    kept = walk.elapsed > 0
    start, stop, weight, constant, gain, elapsed = (v[kept] for v in walk.arrays())
    if target_is_event:
        inside = np.flatnonzero(target)
        ones, none = np.ones(inside.size), np.zeros(inside.size)
        start, stop = np.r_[start, inside], np.r_[stop, inside]
        weight, constant = np.r_[weight, ones], np.r_[constant, ones]
        gain, elapsed = np.r_[gain, none], np.r_[elapsed, none]
    return StoppedPairs(
        start=frozen(start),
        stop=frozen(stop),
        weight=frozen(weight),
        constant=frozen(constant),
        gain=frozen(gain),
        elapsed=frozen(elapsed),
    )


@dataclass(frozen=True, eq=False)
class _Walk:
    """Pairs on their way."""

    start: np.ndarray
    now: np.ndarray
    weight: np.ndarray
    constant: np.ndarray
    gain: np.ndarray
    elapsed: np.ndarray

    @classmethod
    def at(cls, rows: np.ndarray) -> "_Walk":
        ones, none = np.ones(rows.size), np.zeros(rows.size)
        return cls(rows, rows, ones, none, ones, none)

    def arrays(self) -> tuple[np.ndarray, ...]:
        return (
            self.start,
            self.now,
            self.weight,
            self.constant,
            self.gain,
            self.elapsed,
        )

    def step(
        self,
        successor: np.ndarray,
        share: np.ndarray,
        factor: np.ndarray,
        outside: np.ndarray,
        target: np.ndarray,
        dead: np.ndarray,
        crossings: Crossings | None,
    ) -> "_Walk":
        """Go on by one frame; where a cell divides the pair becomes two."""
        now, going = self.now, self.gain > 0
        dying = going & dead[now]
        moving = going & ~dying & (successor[now, 0] >= 0)
        both = np.flatnonzero(moving & (successor[now, 1] >= 0))
        gain = np.where(dying, 0.0, self.gain)
        weight = np.where(moving, self.weight * share[now], self.weight)
        gain = np.where(moving, gain * factor[now], gain)
        # A visit between two frames ended the pair before, with its chance.
        elapsed = self.elapsed + (moving | dying) * np.minimum(self.gain, 1.0)
        there = np.where(moving, successor[now, 0], now)
        constant = self.constant
        if crossings is not None:
            met_b = np.where(moving, crossings.target[now], 0.0)
            met_a = np.where(moving, crossings.source[now], 0.0)
            constant = constant + gain * met_b
            gain = gain * np.maximum(1 - met_a - met_b, 0.0)
        columns = (self.start, there, weight, constant, gain, elapsed)
        if both.size:
            second = [v[both] for v in columns]
            second[1] = successor[now[both], 1]
            columns = tuple(np.r_[v, w] for v, w in zip(columns, second, strict=True))
        start, there, weight, constant, gain, elapsed = columns
        # What was met ends the pair.
        hit = (gain > 0) & ~outside[there]
        constant = np.where(hit & target[there], constant + gain, constant)
        gain = np.where(hit, 0.0, gain)
        return _Walk(start, there, weight, constant, gain, elapsed)
