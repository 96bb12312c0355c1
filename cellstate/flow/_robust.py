"""Covariance of a sum over steps that are neighbours, or of one lineage."""

import numpy as np

# From this many lineages on, and so many per coefficient, scores are summed over each
# lineage before they are squared; with fewer the sum of squares would be too small.
ENOUGH, PER_COEFFICIENT = 50, 10
CLUSTERED, NEIGHBOURS = "lineages", "neighbouring steps"


def summed_squares(
    scores: np.ndarray, group: np.ndarray, following: np.ndarray, lags: int = 1
) -> tuple[np.ndarray, str]:
    """Covariance (q, q) of the sum of scores (m, q), and what it allows for.

    With many lineages the scores of each are summed first: cells that differ from one
    another then widen the intervals. With few that would be too uncertain, and only
    neighbouring steps, which share the noise of a frame, are taken to be dependent.

    Parameters
    ----------
    scores
        One row per step, of mean 0.
    group
        Lineage of each step, (m,).
    following
        Number of the step after each one, -1 for none, (m,).
    lags
        Steps over which neighbours are dependent.

    References
    ----------
    Newey and West, Econometrica 55, 703 (1987); Liang and Zeger, Biometrika 73, 13
    (1986).
    """
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0])
    if len(starts) >= max(ENOUGH, PER_COEFFICIENT * scores.shape[1]):
        sums = np.add.reduceat(scores[order], starts, axis=0).astype(float)
        return sums.T @ sums * (len(sums) / (len(sums) - 1)), CLUSTERED
    total = (scores.T @ scores).astype(float)
    later = np.arange(len(scores))
    for _ in range(lags):
        later = np.where(later >= 0, following[later], -1)
        has = np.flatnonzero(later >= 0)
        cross = (scores[has].T @ scores[later[has]]).astype(float)
        total += cross + cross.T
    return total, NEIGHBOURS


def following_rows(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number of the step that begins where each one ends, -1 for none, (m,)."""
    if first.size == 0:
        return np.zeros(0, dtype=np.int64)
    at = np.full(int(max(first.max(), second.max())) + 1, -1)
    at[first] = np.arange(first.size)
    return at[second]
