"""Exact simulation of jumps in whole numbers, many copies at a time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, positive
from cellstate._base.random import generator

Rates = Callable[[np.ndarray], np.ndarray]


def counts_on_frames(
    start: ArrayLike,
    changes: ArrayLike,
    rates: Rates,
    *,
    n_frames: int,
    frame_interval: float,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    """Counts of independent copies at every frame; no step in time, so no bias.

    The next event of a copy comes after an exponential time. Waiting has no memory:
    the time that is left over at a frame is dropped and drawn anew.

    Parameters
    ----------
    start
        Counts in the first frame, shape (..., m).
    changes
        What each kind of event adds, whole numbers, shape (e, m).
    rates
        Events per time of each kind: counts (n, m) to rates (n, e).
    n_frames
        Frames, the first included.
    frame_interval
        Time between frames.
    rng
        Seed or Generator.

    Returns
    -------
    ndarray
        Counts, shape (n_frames, ..., m), of type int64.

    References
    ----------
    Gillespie, J. Phys. Chem. 81 (1977).

    Examples
    --------
    >>> decay = dict(changes=[[-1]], rates=lambda n: 1.0 * n)
    >>> run = counts_on_frames([[9]], **decay, n_frames=3, frame_interval=99.0, rng=1)
    >>> run[:, 0, 0]
    array([9, 0, 0])
    """
    n_frames = integer(n_frames, "n_frames", 1)
    interval = positive(frame_interval, "frame_interval", "time", "frame_interval=0.1")
    rng, changes = generator(rng), np.asarray(changes)
    start = np.asarray(start)
    frames = np.empty((n_frames, *start.shape), dtype=np.int64)
    frames[0] = start
    counts = frames[0].reshape(-1, start.shape[-1]).copy()
    for frame in range(1, n_frames):
        _advance(counts, changes, rates, interval, rng)
        frames[frame] = counts.reshape(start.shape)
    return frames


def _advance(
    counts: np.ndarray,
    changes: np.ndarray,
    rates: Rates,
    interval: float,
    rng: np.random.Generator,
) -> None:
    """Carry `counts` (n, m) on by one interval, in place."""
    left = np.full(len(counts), interval)
    live = np.arange(len(counts))
    while live.size:
        upto = np.cumsum(rates(counts[live]), axis=-1)
        total = upto[:, -1]
        wait = rng.standard_exponential(live.size)
        # wait / total < left, written so that a total of 0 waits for ever.
        goes = wait < left[live] * total
        live, upto, total = live[goes], upto[goes], total[goes]
        left[live] -= wait[goes] / total
        mark = rng.random(live.size) * total
        counts[live] += changes[(mark[:, None] >= upto).sum(axis=-1)]
