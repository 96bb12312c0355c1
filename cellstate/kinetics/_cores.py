"""Core sets along tracks: entered by a strict rule, left by a loose one, for long."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cellstate._base.checks import integer, row_mask
from cellstate._base.results import frozen
from cellstate.kinetics._stopping import steps
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class Stays:
    """The stay in a set that each of its rows belongs to.

    Attributes
    ----------
    dwell
        Frames from the first row of the stay to its last one, shape (n,); -1 outside
        the set. A stay seen in a single frame has dwell 0. Where a stay splits at a
        division, the longest one through the row counts.
    entered
        Rows in the set whose predecessor is outside it, shape (n,).
    cut_off
        Rows of stays whose beginning or end was not seen, shape (n,): such a stay
        may have been longer than `dwell`.
    """

    dwell: np.ndarray
    entered: np.ndarray
    cut_off: np.ndarray


def hysteresis(tracks: Tracks, strict: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """Enter a set where `strict` holds and stay in it for as long as `loose` does.

    A cell near the edge of a set crosses it many times by noise alone; with two
    edges it must go all the way from one to the other to count again. Daughters
    inherit their mother's stay. It ends at a gap and at a link that is not trusted.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    strict, loose
        Boolean masks (n,). Rows where `strict` holds are in the set whatever `loose`
        says.

    Returns
    -------
    ndarray
        Boolean, shape (n,).

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 5, frame=range(5), time=range(5))
    >>> x = np.array([0.9, 1.1, 0.9, 0.4, 0.9])
    >>> hysteresis(tracks, x > 1, x > 0.5)
    array([False,  True,  True, False, False])
    """
    inside = row_mask(strict, tracks.n_rows, "strict").copy()
    loose = row_mask(loose, tracks.n_rows, "loose")
    before = _predecessor(tracks)
    for rows in _frames(tracks):
        rows = rows[loose[rows] & (before[rows] >= 0)]
        inside[rows] |= inside[before[rows]]
    return inside


def stays(tracks: Tracks, inside: np.ndarray) -> Stays:
    """Measure every stay in a set, along tracks and over divisions.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    inside
        Boolean mask (n,).

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 6, frame=range(6), time=range(6))
    >>> stays(tracks, np.array([True, False, True, True, False, True])).dwell
    array([ 0, -1,  1,  1, -1,  0])
    """
    inside = row_mask(inside, tracks.n_rows, "inside")
    before = _predecessor(tracks)
    after, _ = steps(tracks, reverse=False)
    since, until = np.zeros((2, tracks.n_rows), dtype=np.int64)
    born, lost = np.zeros((2, tracks.n_rows), dtype=bool)
    order = [rows[inside[rows]] for rows in _frames(tracks)]
    for rows in order:
        past = before[rows]
        born[rows] = past < 0
        on, past = rows[(past >= 0) & inside[past]], past[(past >= 0) & inside[past]]
        since[on], born[on] = since[past] + 1, born[past]
    for rows in reversed(order):
        lost[rows] = after[rows, 0] < 0
        for future in after[rows].T:
            goes_on = (future >= 0) & inside[future]
            on, future = rows[goes_on], future[goes_on]
            until[on] = np.maximum(until[on], until[future] + 1)
            lost[on] |= lost[future]
    return Stays(
        dwell=frozen(np.where(inside, since + until, -1)),
        entered=frozen(inside & (before >= 0) & (since == 0)),
        cut_off=frozen(inside & (born | lost)),
    )


def minimum_dwell(tracks: Tracks, inside: np.ndarray, n_frames: int) -> np.ndarray:
    """Keep the stays that last at least `n_frames` from their first to last row.

    A stay cut off by the beginning or the end of the track could have been long
    enough and is kept: to drop it would favour cells that are watched for long.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    inside
        Boolean mask (n,).
    n_frames
        Frames; 0 keeps every stay.

    Returns
    -------
    ndarray
        Boolean, shape (n,).

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 6, frame=range(6), time=range(6))
    >>> inside = np.array([False, True, False, True, True, False])
    >>> minimum_dwell(tracks, inside, 1)
    array([False, False, False,  True,  True, False])
    """
    n_frames = integer(n_frames, "n_frames", 0)
    found = stays(tracks, inside)
    return (found.dwell >= n_frames) | found.cut_off


def entries_by_dwell(
    tracks: Tracks, inside: np.ndarray, longest: int = 20
) -> np.ndarray:
    """Count entries into a set against the minimum dwell that is asked for.

    Flicker shows as a steep fall over the first frames; where the curve is flat,
    the count no longer depends on the choice.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    inside
        Boolean mask (n,).
    longest
        Largest dwell, in frames.

    Returns
    -------
    ndarray
        Entries that are left with a dwell of 0, 1 .. `longest` frames, shape
        (longest + 1,). A stay that was cut off counts for every dwell; one that
        had begun before the track is no entry.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 6, frame=range(6), time=range(6))
    >>> inside = np.array([False, True, False, True, True, False])
    >>> entries_by_dwell(tracks, inside, longest=2)
    array([2, 1, 0])
    """
    longest = integer(longest, "longest", 0)
    found = stays(tracks, inside)
    dwell = np.where(found.cut_off, longest, found.dwell)[found.entered]
    counts = np.bincount(np.minimum(dwell, longest), minlength=longest + 1)
    return counts[::-1].cumsum()[::-1]


def _predecessor(tracks: Tracks) -> np.ndarray:
    """Row one frame before, of the cell or of her mother; -1 for none."""
    before, _ = steps(tracks, reverse=True)
    return before[:, 0]


def _frames(tracks: Tracks) -> Iterator[np.ndarray]:
    """Rows of one frame after the other."""
    order = np.argsort(tracks.frame, kind="stable")
    starts = np.flatnonzero(np.diff(tracks.frame[order])) + 1
    return iter(np.split(order, starts))
