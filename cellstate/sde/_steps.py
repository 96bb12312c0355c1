"""Increments between consecutive frames of one track."""

from dataclasses import dataclass

import numpy as np

from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False)
class Steps:
    """Steps along tracks, each from a frame to the next one.

    Attributes
    ----------
    first, second
        Rows where a step begins and ends, shape (m,).
    before
        Row of the same track one frame before `first`, -1 where there is none, (m,).
    dt
        Hours, shape (m,).
    group
        Code of the lineage, shape (m,).
    """

    first: np.ndarray
    second: np.ndarray
    before: np.ndarray
    dt: np.ndarray
    group: np.ndarray

    @property
    def size(self) -> int:
        """Number of steps."""
        return self.first.size


def track_steps(x: np.ndarray, tracks: Tracks) -> Steps:
    """Steps between consecutive frames of a track, where both states are known.

    A step never leads from a mother to her daughters: what a picture shows of a cell
    (its area, say) jumps there, and no drift does that.

    Parameters
    ----------
    x
        States, shape (n, d); rows may be NaN.
    tracks
        Tracks with the same n rows.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(
    ...     track=[1, 1, 1, 2], frame=[0, 1, 2, 2], time=[0, 0.5, 1, 1]
    ... )
    >>> steps = track_steps(np.zeros((4, 1)), tracks)
    >>> steps.first, steps.second, steps.before
    (array([0, 1]), array([1, 2]), array([-1,  0]))
    """
    known = np.isfinite(x).all(axis=1)
    first = np.flatnonzero(known & (tracks.next_row >= 0))
    first = first[known[tracks.next_row[first]]]
    second, before = tracks.next_row[first], tracks.previous_row[first]
    before = np.where((before >= 0) & known[before], before, -1)
    _, group = np.unique(tracks.row_lineage, return_inverse=True)
    return Steps(
        first=first,
        second=second,
        before=before,
        dt=tracks.time[second] - tracks.time[first],
        group=group[first],
    )
