"""Stretch the state space along the directions in which a committor changes."""

import numpy as np

from cellstate.kinetics._committor import CommittorModel

# In so few coordinates Gaussians resolve every direction.
FEW = 3
# Squared length that directions keep in which nothing changes, over the largest.
KEPT = 0.01
# States at which the slope is taken.
SAMPLED = 5000
# Gaussians of a first fit, which has to tell directions only.
PILOT = 250


def sensitivity(
    models: list[CommittorModel], x: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Root of the mean of grad q grad q', over models and states, shape (d, d).

    In many coordinates Gaussians of one width in all directions are wide: they fill
    the space with few landmarks, and blur q across. Distances measured with this
    matrix are short where q does not change, and the same landmarks resolve more
    where it does.

    References
    ----------
    Aristoff et al., SIAM J. Math. Data Sci. 6 (2024), the fast committor machine.
    """
    some = x[rng.choice(len(x), min(SAMPLED, len(x)), replace=False)]
    slopes = np.concatenate([model.gradient(some) for model in models])
    slopes = slopes[np.isfinite(slopes).all(axis=1)]
    values, vectors = np.linalg.eigh(slopes.T @ slopes)
    if not values.max() > 0:
        return np.eye(x.shape[1])
    values = np.maximum(values / values.max(), KEPT)
    return (vectors * np.sqrt(values)) @ vectors.T
