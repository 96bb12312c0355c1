"""Channels: groups of paths from A to B that go different ways."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

# Paths are compared where they pass these committors for the last time.
LEVELS = np.linspace(0.1, 0.9, 9)
# Fewer paths are one channel; a channel has at least so many, and this share.
FEWEST_PATHS, FEWEST, LEAST_SHARE, MOST_CHANNELS = 20, 5, 0.05, 6
# Draws of the null, and the chance at which it is given up.
NULLS, SIGNIFICANT = 199, 0.05
# Paths by which the silhouette is measured.
JUDGED = 1500


@dataclass(frozen=True, eq=False, kw_only=True)
class Channels:
    """Which way each path goes.

    Attributes
    ----------
    channel
        Of each path, shape (p,), the most frequent first; -1 where a path has no
        state at some level.
    path
        Mean path of each channel where it passes the levels, shape (c, L, d).
    silhouette
        Mean silhouette; NaN with one channel.
    p
        Chance that the least distinct two channels are one; with one channel, that
        two were seen as distinct as the best division; NaN where it was not tested:
        too few paths, or the number was given.
    """

    channel: np.ndarray
    path: np.ndarray
    silhouette: float
    p: float


def passages(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Where one path passes each of `LEVELS` for the last time, shape (L, d).

    Loops before that do not count: what matters is the way that was taken in the end.

    Parameters
    ----------
    x, q
        States (m, d) along the path and their committor (m,), 0 first and 1 last.

    Examples
    --------
    >>> passages(np.array([[0.0], [2.0], [1.0], [3.0]]), np.array([0, 0.6, 0.2, 1]))[4]
    array([1.75])
    """
    known = np.isfinite(q) & np.isfinite(x).all(axis=1)
    x, q = x[known], q[known]
    if len(q) < 2 or q[0] > LEVELS[0] or q[-1] < LEVELS[-1]:
        return np.full((LEVELS.size, x.shape[1]), np.nan)
    below = len(q) - 1 - np.argmax(q[::-1, None] < LEVELS, axis=0)
    part = (LEVELS - q[below]) / (q[below + 1] - q[below])
    return x[below] + part[:, None] * (x[below + 1] - x[below])


def find_channels(
    points: np.ndarray,
    *,
    n_channels: int | None = None,
    closest: float = 0.0,
    rng: np.random.Generator,
) -> Channels:
    """Divide paths into channels; one channel is a possible answer.

    Parameters
    ----------
    points
        Where each path passes the levels, shape (p, L, d).
    n_channels
        Their number; found when None.
    closest
        Channels whose mean paths are nearer than this (root mean square over the
        levels) are one: the length of a step, say.
    rng
        Generator.

    Notes
    -----
    Paths are divided by k-means into 6 parts at most, then fewer, until a gap lies
    between any two: along the line that joins the means of the two in one half of
    their paths, the other half must be more bimodal (the share of its variance that
    two groups explain) than flat distributions are but for `SIGNIFICANT` of them. Of
    the usual distributions with one mode the flat one is split best.
    """
    flat = points.reshape(len(points), int(np.prod(points.shape[1:])))
    known = np.flatnonzero(np.isfinite(flat).all(axis=1))
    label, p = np.zeros(known.size, dtype=np.int64), float("nan")
    if n_channels is None:
        label, p = _split(points[known], closest, rng)
    elif n_channels > known.size:
        raise ValueError(
            f"`n_channels`={n_channels} needs as many paths from A to B; found "
            f"{known.size}. Ask for fewer channels, or follow more cells."
        )
    elif n_channels > 1:
        label = _divided(flat[known], n_channels, rng)
    order = np.argsort(-np.bincount(label), kind="stable")
    channel = np.full(len(points), -1)
    channel[known] = np.argsort(order)[label] if known.size else label
    means = [points[channel == c].mean(axis=0) for c in range(len(order))]
    path = np.stack(means) if means else np.zeros((0, *points.shape[1:]))
    judged = rng.permutation(known)[:JUDGED]
    several = np.unique(channel[judged]).size > 1
    score = silhouette_score(flat[judged], channel[judged]) if several else np.nan
    return Channels(channel=channel, path=path, silhouette=float(score), p=p)


def _divided(flat: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Label of each row by k-means, (n,); zeros where fewer than k rows differ."""
    if len(np.unique(flat, axis=0)) < k:
        return np.zeros(len(flat), dtype=np.int64)
    seed = int(rng.integers(2**31))
    return KMeans(k, n_init=5, random_state=seed).fit_predict(flat)


def _split(
    points: np.ndarray, closest: float, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Channel of each path, and the largest p of two of them."""
    one = np.zeros(len(points), dtype=np.int64)
    if len(points) < FEWEST_PATHS:
        return one, float("nan")
    flat, p = points.reshape(len(points), -1), 1.0
    for k in range(MOST_CHANNELS, 1, -1):
        label = _divided(flat, k, rng)
        p = _indistinct(points, label, k, closest, rng)
        if p <= SIGNIFICANT:
            return label, p
    return one, p


def _indistinct(
    points: np.ndarray,
    label: np.ndarray,
    k: int,
    closest: float,
    rng: np.random.Generator,
) -> float:
    """Largest chance, over pairs of channels, that the two are one."""
    size = np.bincount(label, minlength=k)
    if size.min() < max(FEWEST, LEAST_SHARE * len(points)):
        return 1.0
    flat, p = points.reshape(len(points), -1), 0.0
    means = np.stack([points[label == c].mean(axis=0) for c in range(k)])
    for one, two in combinations(range(k), 2):
        apart = ((means[one] - means[two]) ** 2).sum(axis=-1).mean()
        if np.sqrt(apart) < closest:
            return 1.0
        p = max(p, _one_mode(flat[(label == one) | (label == two)], rng))
        if p > SIGNIFICANT:
            return p
    return p


def _one_mode(flat: np.ndarray, rng: np.random.Generator) -> float:
    """Chance of two groups as distinct as these among flat distributions."""
    half = rng.permutation(len(flat)) % 2
    along = np.empty(len(flat))
    for part in (0, 1):
        # The line is fitted to the other half: chance alone makes no gap along it.
        other = flat[half != part]
        two = _divided(other, 2, rng)
        if two.max() == 0:
            return 1.0
        means = [other[two == c].mean(axis=0) for c in (0, 1)]
        line = means[1] - means[0]
        line = line * np.sign(line[np.argmax(np.abs(line))])
        size = max(float(line @ line), 1e-300)
        along[half == part] = (flat[half == part] - sum(means) / 2) @ line / size
    seen = explained(along[None])[0]
    flat_ones = rng.random((NULLS, len(along)))
    return float((1 + (explained(flat_ones) >= seen).sum()) / (NULLS + 1))


def explained(values: np.ndarray) -> np.ndarray:
    """Largest share of the variance between two groups of numbers, (r, n) -> (r,).

    Examples
    --------
    Numbers spread evenly are split in the middle: 3/4 of their variance goes.

    >>> float(explained(np.linspace(0, 1, 1001)[None]).round(3)[0])
    0.75
    """
    ordered = np.sort(values, axis=1)
    ordered = ordered - ordered.mean(axis=1, keepdims=True)
    n = ordered.shape[1]
    below = np.cumsum(ordered, axis=1)[:, :-1]
    count = np.arange(1, n)
    between = below**2 / (count * (n - count))
    least = max(FEWEST, int(LEAST_SHARE * n))
    fair = between[:, least - 1 : n - least]
    total = (ordered**2).mean(axis=1)
    return fair.max(axis=1) / np.maximum(total, 1e-300)
