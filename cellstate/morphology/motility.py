"""How cells move along their tracks."""

import numpy as np
from numpy.typing import ArrayLike

from cellstate.morphology._block import over
from cellstate.morphology._feature import Feature

_MOTILITY = (
    Feature("step_length", "um", "motility", "distance from the previous observation"),
    Feature("speed", "um/h", "motility", "step length over time since then"),
    Feature("turning_angle", "rad", "motility", "between last two steps, 0 to pi"),
    Feature("persistence", "1", "motility", "cosine of the turning angle"),
    Feature("path_length", "um", "motility", "sum of steps since the track's start"),
    Feature("net_displacement", "um", "motility", "distance from the track's start"),
    Feature("straightness", "1", "motility", "net displacement over path length"),
    Feature("mean_speed", "um/h", "motility", "path length over time since the start"),
)


def motility_table() -> tuple[Feature, ...]:
    """The columns of `motility`, in order.

    Examples
    --------
    >>> [f.name for f in motility_table()][:3]
    ['step_length', 'speed', 'turning_angle']
    """
    return _MOTILITY


def motility(
    position: ArrayLike, time: ArrayLike, previous_row: ArrayLike
) -> np.ndarray:
    """Motion of each observation relative to the past of its own track.

    Only the past is used, so that a value never tells what comes next.

    Parameters
    ----------
    position
        Centroids in um, shape (n, 2) or (n, 3).
    time
        Hours, shape (n,).
    previous_row
        Row of the same track's previous observation, shape (n,); -1 at the
        start of a track. Daughters start tracks of their own.

    Returns
    -------
    ndarray
        Shape (n, 8), columns as in `motility_table`. NaN where undefined: steps
        at a track's first row, angles at its first two and where a step is 0.

    Raises
    ------
    ValueError
        If shapes differ, if a row is its own future, or if two rows follow one.

    Examples
    --------
    >>> moves = motility([[0, 0], [3, 4], [3, 0]], [0.0, 0.5, 1.0], [-1, 0, 1])
    >>> moves[:, 1]
    array([nan, 10.,  8.])
    >>> float(moves[2, 6].round(3))
    0.333
    """
    position = np.asarray(position, np.float64)
    time = np.asarray(time, np.float64)
    previous = np.asarray(previous_row)
    if previous.size == 0:
        previous = previous.astype(np.int64)  # an empty list has no type
    _check(position, time, previous)
    moved = previous >= 0
    before = np.where(moved, previous, np.arange(previous.size))
    with np.errstate(invalid="ignore"):
        step = position - position[before]
        length = np.linalg.norm(step, axis=1)
        path = length.copy()
        start = before
        # Pointer doubling: sums along whole tracks in log2(longest) rounds.
        while (start != start[start]).any():
            path = path + path[start]
            start = start[start]
        away = position - position[start]
        net = np.linalg.norm(away, axis=1)
        turned = moved & moved[before]
        product = np.where(turned, length * length[before], np.nan)
        cosine = over((step * step[before]).sum(axis=1), product)
        sine = over(_parallelogram(step, step[before]), product)
        columns = [
            np.where(moved, length, np.nan),
            over(length, time - time[before]),
            np.arctan2(sine, cosine),
            np.clip(cosine, -1, 1),
            path,
            net,
            over(net, path),
            over(path, time - time[start]),
        ]
    return np.stack(columns, axis=1)


def _parallelogram(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Area between pairs of vectors in two or three dimensions, (n,)."""
    if a.shape[1] == 3:
        return np.linalg.norm(np.cross(a, b), axis=1)
    return np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _check(position: np.ndarray, time: np.ndarray, previous: np.ndarray) -> None:
    n = previous.size
    shapes = (n, 2), (n, 3)
    if position.shape not in shapes or time.shape != (n,) or previous.shape != (n,):
        raise ValueError(
            "motility expects position (n, 2 or 3), time (n,) and previous_row (n,); "
            f"found {position.shape}, {time.shape}, {previous.shape}."
        )
    if n == 0:
        return
    if not np.issubdtype(previous.dtype, np.integer):
        raise ValueError(f"`previous_row` must be integer; found {previous.dtype}.")
    if previous.min() < -1 or previous.max() >= n:
        raise ValueError(
            f"`previous_row` must lie in -1..{n - 1}; "
            f"found {previous.min()}..{previous.max()}."
        )
    rows = np.flatnonzero(previous >= 0)
    late = rows[~(time[previous[rows]] < time[rows])]
    if late.size:
        raise ValueError(
            f"`previous_row` of rows {late[:5].tolist()} is not earlier in `time`."
        )
    twice = np.flatnonzero(np.bincount(previous[rows], minlength=n) > 1)
    if twice.size:
        raise ValueError(
            f"rows {twice[:5].tolist()} are the previous row of more than one; "
            "at a division start new tracks with previous_row -1."
        )
