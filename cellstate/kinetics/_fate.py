"""What really became of each cell: the truth a committor is judged by."""

import numpy as np

from cellstate.kinetics._stopping import steps
from cellstate.tracks import Tracks


def realised_fate(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    *,
    unknown: np.ndarray | None = None,
    horizon_frames: int | None = None,
    reverse: bool = False,
) -> np.ndarray:
    """Return 1 if B is met first, 0 if not, NaN if the track was cut off before.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    source, target
        Boolean masks (n,) of A and B.
    unknown
        Rows of which nobody can tell whether they are in B, shape (n,): the last
        frames of a track that was cut off, when B is the time before a division.
    horizon_frames
        B must be met within so many frames; cells seen that long without meeting
        B count 0. Without a horizon only A and B decide.
    reverse
        Follow the past: 1 if B was met last, 0 if A was.

    Returns
    -------
    ndarray
        Shape (n,). At a division, the mean over the daughters.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1, 1, 1], frame=[0, 1, 2], time=[0, 1, 2])
    >>> b = np.array([False, False, True])
    >>> realised_fate(tracks, ~b & b, b, horizon_frames=1)
    array([0., 1., 1.])
    """
    successor, _ = steps(tracks, reverse=reverse)
    decided = np.where(target, 1.0, np.where(source, 0.0, np.nan))
    if horizon_frames is None:
        fate, undecided = decided.copy(), np.isnan(decided)
        for rows in tracks.by_frame(reverse=not reverse):
            rows = rows[undecided[rows]]
            fate[rows] = _mean_of_next(fate, successor[rows])
        return fate
    fate = np.where(np.isnan(decided), 0.0, decided)
    if unknown is not None:
        fate[unknown] = np.nan
    for _ in range(horizon_frames):
        ahead = _mean_of_next(fate, successor)
        fate = np.where(np.isnan(decided), ahead, decided)
    return fate


def _mean_of_next(fate: np.ndarray, successor: np.ndarray) -> np.ndarray:
    first = np.where(successor[:, 0] >= 0, fate[successor[:, 0]], np.nan)
    second = fate[successor[:, 1]]
    return np.where(successor[:, 1] >= 0, (first + second) / 2, first)
