"""Ways between the sets, along tracks and over divisions, whole or cut off."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.results import frozen
from cellstate.kinetics._stopping import steps
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class Excursions:
    """Stretches outside A and B, from where they begin to where they end.

    Each ends in one row; over a division the mother's part belongs to both daughters.

    Attributes
    ----------
    first
        Last row in A or B before it, or the first row seen where the track began
        outside both, shape (s,).
    last
        First row in A or B after it, or the last row seen, shape (s,).
    n_outside
        Rows outside A and B, shape (s,); 0 for a step from one set into the other.
    n_divisions
        Divisions on the way, shape (s,).
    cut_before, cut_after
        Whether the beginning or the end was not seen, shape (s,).
    before
        The row before each row, over divisions too, -1 for none, shape (n,).
    """

    first: np.ndarray
    last: np.ndarray
    n_outside: np.ndarray
    n_divisions: np.ndarray
    cut_before: np.ndarray
    cut_after: np.ndarray
    before: np.ndarray

    def rows(self, which: int) -> np.ndarray:
        """Rows of one excursion in the order of time, its ends in A or B included."""
        row, found = int(self.last[which]), []
        while True:
            found.append(row)
            if row == self.first[which]:
                return np.array(found[::-1])
            row = int(self.before[row])


def excursions(tracks: Tracks, source: np.ndarray, target: np.ndarray) -> Excursions:
    """Follow every stretch outside A and B back to where it began.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 5, frame=range(5), time=range(5))
    >>> a = np.array([True, False, False, False, False])
    >>> b = np.array([False, False, False, True, False])
    >>> found = excursions(tracks, a, b)
    >>> found.first, found.last, found.n_outside, found.cut_after
    (array([0, 3]), array([3, 4]), array([2, 1]), array([False,  True]))
    """
    inside = source | target
    before = steps(tracks, reverse=True)[0][:, 0]
    after, share = steps(tracks, reverse=False)
    born = (before >= 0) & (share[before] == 0.5)
    first = np.arange(tracks.n_rows)
    length, divisions = np.zeros((2, tracks.n_rows), dtype=np.int64)
    for rows in tracks.by_frame():
        rows = rows[before[rows] >= 0]
        came = before[rows]
        goes_on = ~inside[came]
        first[rows] = np.where(goes_on, first[came], came)
        length[rows] = np.where(goes_on, length[came] + 1, 0)
        divisions[rows] = born[rows] + np.where(goes_on, divisions[came], 0)
    # A step from one set into the other is a way too, without a row in between.
    jumps = source[first] & target | target[first] & source
    arrives = inside & (before >= 0) & ((length > 0) | jumps)
    ends = np.flatnonzero(arrives | (~inside & (after[:, 0] < 0)))
    cut_before, cut_after = ~inside[first[ends]], ~inside[ends]
    return Excursions(
        first=frozen(first[ends]),
        last=frozen(ends),
        n_outside=frozen(length[ends] + cut_after),
        n_divisions=frozen(divisions[ends]),
        cut_before=frozen(cut_before),
        cut_after=frozen(cut_after),
        before=frozen(before),
    )
