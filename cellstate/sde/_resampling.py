"""Draw particles anew by their weights, batch by batch."""

import numpy as np

BATCHES = 20  # resampled apart, so that their masses are independent
LEAST = 0.5  # share of a batch below which its effective number is mended


def effective_number(weights: np.ndarray) -> float:
    """Return (sum w)^2 / sum w^2; 0 where all weights are 0.

    Examples
    --------
    >>> effective_number(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    top = weights.max(initial=0.0)
    if not top > 0:
        return 0.0
    share = weights / top
    return float(share.sum() ** 2 / (share**2).sum())


def systematic(weights: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n rows so that each is expected n w / sum(w) times, with one random number.

    Examples
    --------
    >>> systematic(np.array([1.0, 0.0, 3.0]), 4, np.random.default_rng(0))
    array([0, 2, 2, 2])
    """
    ladder = np.cumsum(weights)
    marks = (np.arange(n) + rng.random()) * (ladder[-1] / n)
    return np.searchsorted(ladder[:-1], marks, side="right")


def batches(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Batch of each particle: as many as leave two particles in each, at most 20."""
    n = len(weights)
    count = max(1, min(BATCHES, n // 2))
    return rng.permutation(np.arange(n) % count)


def mended(
    log_weights: np.ndarray, batch: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """Resample batches whose effective number is small: rows, weights, how many."""
    kept, log_weights, drawn = np.arange(batch.size), log_weights.copy(), 0
    for rows in np.split(np.argsort(batch, kind="stable"), _ends(batch)):
        top = log_weights[rows].max()
        if top == -np.inf:
            continue
        share = np.exp(log_weights[rows] - top)
        if effective_number(share) < LEAST * rows.size:
            kept[rows] = rows[systematic(share, rows.size, rng)]
            log_weights[rows] = top + np.log(share.sum() / rows.size)
            drawn += 1
    return kept, log_weights, drawn


def _ends(batch: np.ndarray) -> np.ndarray:
    return np.cumsum(np.bincount(batch))[:-1]
