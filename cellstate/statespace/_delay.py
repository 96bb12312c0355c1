"""Windows along tracks: a single frame is not Markov, its recent past helps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, matrix
from cellstate._base.results import Result
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class DelayEmbedding(Result):
    """Coordinates made of a cell's present and past.

    Attributes
    ----------
    values
        Shape (n, d (n_lags + 1)), or d more with a baseline: the present, its
        differences to 1..n_lags frames before, its difference to the running
        median of the track.
    n_held
        Frames of each window that lie before the track's first frame and were
        held at the earliest one known, shape (n,).
    """

    kind: ClassVar[str] = "delay_embedding"
    values: np.ndarray
    n_held: np.ndarray


def delay_embedding(
    x: ArrayLike,
    tracks: Tracks,
    *,
    n_lags: int = 1,
    baseline: bool = False,
    across_division: bool = False,
) -> DelayEmbedding:
    """Join each cell's present to its own past, never across a gap.

    Differences are used instead of past values: the same space, but axes that
    mean something (state, change, deviation from the cell's own habit). Where the
    past is not known the window is held at its earliest frame, so the difference
    is zero, and `n_held` says so.

    Parameters
    ----------
    x
        State of each row, shape (n, d).
    tracks
        Tracks with n rows.
    n_lags
        Frames to look back.
    baseline
        Add the difference to the running median of the track up to now.
    across_division
        Let a daughter's window reach back into her mother.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1, 1, 1], frame=[0, 1, 3], time=[0, 1, 3])
    >>> window = delay_embedding([[1.0], [4.0], [9.0]], tracks, n_lags=1)
    >>> window.values
    array([[1., 0.],
           [4., 3.],
           [9., 0.]])
    >>> window.n_held
    array([1, 0, 1])
    """
    x = matrix(x, "x")
    n_lags = integer(n_lags, "n_lags", 0)
    before = tracks.previous_row.copy()
    if across_division:
        mothers = tracks.mother_row()
        before = np.where(before >= 0, before, mothers)
    row = np.arange(len(x))
    blocks, held = [x], np.zeros(len(x), dtype=np.int64)
    for _ in range(n_lags):
        earlier = np.where(before[row] >= 0, before[row], row)
        held += before[row] < 0
        row = earlier
        blocks.append(x - x[row])
    if baseline:
        blocks.append(x - running_median(x, tracks))
    return DelayEmbedding(values=np.concatenate(blocks, axis=1), n_held=held)


def running_median(x: np.ndarray, tracks: Tracks) -> np.ndarray:
    """Median of each track's rows up to and including the present one, (n, d).

    Undefined rows have none and do not count for later ones.
    """
    median = np.full_like(x, np.nan)
    defined = np.isfinite(x).all(axis=1)
    order = np.lexsort((tracks.frame, tracks.index))
    starts = np.searchsorted(tracks.index[order], np.arange(tracks.n_tracks))
    for rows in np.split(order, starts[1:]):
        # A broken link starts a new habit: what came before may be another cell.
        links = tracks.previous_row[rows] >= 0
        for part in np.split(rows, np.flatnonzero(~links)[1:]):
            part = part[defined[part]]
            for i in range(len(part)):
                median[part[i]] = np.median(x[part[: i + 1]], axis=0)
    return median
