"""Diffusion and measurement noise from what a drift leaves of the increments."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm


@dataclass(frozen=True, eq=False)
class Spread:
    """Second moments of residuals.

    Attributes
    ----------
    squares
        Outer product of each residual with itself, shape (m, d, d).
    products
        Symmetric outer product with the residual of the next step, (k, d, d).
    pairs
        Numbers of the steps that have a next one, (k,).
    dt
        Hours of each step, (m,).
    """

    squares: np.ndarray
    products: np.ndarray
    pairs: np.ndarray
    dt: np.ndarray


def spread(left: np.ndarray, following: np.ndarray, dt: np.ndarray) -> Spread:
    """Second moments of residuals and of neighbouring ones.

    Parameters
    ----------
    left
        Increments less the drift's part, shape (m, d).
    following
        Number of the step after each one, -1 for none, (m,).
    dt
        Hours, (m,).
    """
    pairs = np.flatnonzero(following >= 0)
    cross = left[pairs, :, None] * left[following[pairs], None, :]
    return Spread(
        squares=left[:, :, None] * left[:, None, :],
        products=(cross + cross.transpose(0, 2, 1)) / 2,
        pairs=pairs,
        dt=dt,
    )


def noise_p(moments: Spread) -> float:
    """Chance of residuals as anticorrelated as these without measurement noise.

    The noise of a frame enters the two steps around it with opposite signs. Summed
    over the coordinates, each in units of its own spread; NaN without neighbours.
    """
    if len(moments.pairs) < 10:
        return float("nan")
    size = np.sqrt(np.einsum("mii->mi", moments.squares).mean(axis=0))
    if not (size > 0).all():
        return float("nan")
    terms = (np.einsum("kii->ki", moments.products) / size**2).sum(axis=1)
    return float(norm.cdf(terms.sum() / np.sqrt((terms**2).sum())))


def noise_covariance(moments: Spread) -> np.ndarray:
    """Covariance of the measurement noise of a frame, (d, d), not negative."""
    return positive_part(-moments.products.mean(axis=0))


def step_diffusion(moments: Spread, *, noisy: bool) -> tuple[np.ndarray, np.ndarray]:
    """Diffusion seen in each step, shape (k, d, d) per h, and the steps' numbers.

    With noise twice the product of neighbouring residuals is added, which takes the
    noise out whatever its size.

    References
    ----------
    Vestergaard, Blainey, Flyvbjerg, Phys. Rev. E 89, 022726 (2014), with the drift
    taken out first.
    """
    if not noisy:
        seen = moments.squares / (2 * moments.dt[:, None, None])
        return seen, np.arange(len(seen))
    dt = moments.dt[moments.pairs, None, None]
    return (moments.squares[moments.pairs] / 2 + moments.products) / dt, moments.pairs


def positive_part(matrix: np.ndarray, least: float = 0.0) -> np.ndarray:
    """Nearest symmetric matrices without eigenvalues below `least`, (..., d, d)."""
    values, vectors = np.linalg.eigh((matrix + np.swapaxes(matrix, -1, -2)) / 2)
    values = np.maximum(values, least)
    return (vectors * values[..., None, :]) @ np.swapaxes(vectors, -1, -2)
