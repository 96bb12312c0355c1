"""Paths from A to B, divided into channels, and the share of each."""

import numpy as np

from cellstate._base.checks import integer
from cellstate._base.progress import progress
from cellstate.kinetics._flux._channels import LEVELS, Channels, find_channels, passages
from cellstate.kinetics._flux._excursions import Excursions
from cellstate.kinetics._flux._given import Given


def divide_paths(
    found: Excursions,
    cells: Given,
    along: np.ndarray,
    n_channels: int | None,
    rng: np.random.Generator,
) -> tuple[Channels, np.ndarray]:
    """Divide the paths seen from A to B; return also which excursions they are."""
    if n_channels is not None:
        n_channels = integer(n_channels, "n_channels", 1)
    x = cells.x
    along = np.where(cells.source, 0.0, np.where(cells.target, 1.0, along))
    which = np.flatnonzero(cells.source[found.first] & cells.target[found.last])
    points = np.empty((which.size, LEVELS.size, x.shape[1]))
    squares, n_steps = 0.0, 0
    for i, excursion in enumerate(progress(which, "paths", which.size)):
        rows = found.rows(excursion)
        points[i] = passages(x[rows], along[rows])
        moved = np.diff(x[rows], axis=0)
        squares, n_steps = squares + np.nansum(moved**2), n_steps + len(moved)
    closest = float(np.sqrt(squares / n_steps)) if n_steps else 0.0
    ways = find_channels(points, n_channels=n_channels, closest=closest, rng=rng)
    return ways, which


def channel_fields(
    ways: Channels,
    weight: np.ndarray,
    group: np.ndarray,
    *,
    n_bootstrap: int,
    level: float,
    rng: np.random.Generator,
) -> dict:
    """Channels as `ReactiveSegments` has them; paths have weights and groups (p,)."""
    share, low, high = _shares(ways, weight, group, n_bootstrap, level, rng)
    return {
        "n_channels": len(ways.path),
        "channel_share": share,
        "channel_low": low,
        "channel_high": high,
        "levels": LEVELS,
        "channel_path": ways.path,
        "silhouette": ways.silhouette,
        "channel_p": ways.p,
    }


def _shares(
    ways: Channels,
    weight: np.ndarray,
    group: np.ndarray,
    n_bootstrap: int,
    level: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of the paths in each channel and its interval, each (c,)."""
    count = len(ways.path)
    if not count:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    used = ways.channel >= 0
    owner = np.unique(group[used], return_inverse=True)[1]
    flat, n_groups = owner * count + ways.channel[used], int(owner.max()) + 1
    sums = np.bincount(flat, weight[used], n_groups * count).reshape(n_groups, count)
    even = np.full(n_groups, 1 / n_groups)
    drawn = rng.multinomial(n_groups, even, size=n_bootstrap) @ sums
    drawn = drawn / drawn.sum(axis=1, keepdims=True)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(drawn, tails, axis=0)
    return sums.sum(axis=0) / sums.sum(), low, high
