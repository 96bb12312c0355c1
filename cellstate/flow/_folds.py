"""Folds of steps: whole lineages where there are enough, else stretches of time."""

import numpy as np

from cellstate.sde import Steps
from cellstate.tracks._resample import split

FOLDS, FEWEST = 10, 5


def step_folds(
    steps: Steps, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    """Fold of every step, shape (m,).

    Ten folds of whole lineages, five with fewer than ten lineages. With fewer than
    five, each lineage is cut into five stretches, which is all that is left to do:
    steps of one fold are then neighbours in time of another's.
    """
    groups, code = np.unique(steps.group, return_inverse=True)
    if len(groups) >= FEWEST:
        n_folds = FOLDS if len(groups) >= FOLDS else FEWEST
        return split(np.zeros(len(groups), dtype=bool), n_folds, rng)[code]
    fold = np.empty(steps.size, dtype=np.int64)
    for k in range(len(groups)):
        own = np.flatnonzero(code == k)
        fold[own] = np.arange(own.size) * FEWEST // max(own.size, 1)
    return fold
