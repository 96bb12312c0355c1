"""Pairs of rows along tracks, stopped at the first entry into a core set."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.results import frozen
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class StoppedPairs:
    """Where each row is one lag later, or when it first met A or B.

    Attributes
    ----------
    start, stop
        Rows, shape (m,).
    weight
        One per start row; at a division each daughter carries half of it (the
        convention of a lineage followed at random), shape (m,).
    value
        1 if stopped in B, 0 if stopped in A, NaN if still on the way, shape (m,).
    """

    start: np.ndarray
    stop: np.ndarray
    weight: np.ndarray
    value: np.ndarray

    @property
    def absorbed(self) -> np.ndarray:
        """Pairs that ended in A or B."""
        return ~np.isnan(self.value)


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
    rows = np.flatnonzero(outside if unknown is None else outside & ~unknown)
    start, now, weight = rows, rows.copy(), np.ones(rows.size)
    moved = np.zeros(rows.size, dtype=bool)
    for _ in range(lag_frames):
        going = outside[now] & (successor[now, 0] >= 0)
        twice = going & (successor[now, 1] >= 0)
        second = np.flatnonzero(twice)
        part = share[now]
        weight = np.where(going, weight * part, weight)
        start = np.r_[start, start[second]]
        weight = np.r_[weight, weight[second]]
        branch = successor[now[second], 1]
        now = np.r_[np.where(going, successor[now, 0], now), branch]
        moved = np.r_[moved | going, np.ones(second.size, dtype=bool)]
    start, now, weight = start[moved], now[moved], weight[moved]
    value = np.where(target[now], 1.0, np.where(source[now], 0.0, np.nan))
    if target_is_event:
        inside = np.flatnonzero(target)
        start, now = np.r_[start, inside], np.r_[now, inside]
        weight = np.r_[weight, np.ones(inside.size)]
        value = np.r_[value, np.ones(inside.size)]
    return StoppedPairs(
        start=frozen(start),
        stop=frozen(now),
        weight=frozen(weight),
        value=frozen(value),
    )
