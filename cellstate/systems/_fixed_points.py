"""States without drift, and what happens near them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

STARTS = 512
STEPS = 60
SAME = 1e-6  # points closer than this, relative to the box, are one
DRIFTLESS = 1e-9  # |b| relative to the largest drift among the starts


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedPoints:
    """States without drift.

    Attributes
    ----------
    x
        The points, shape (k, d), sorted by the first coordinate.
    eigenvalues
        Of the Jacobian there, shape (k, d), complex, 1/time.
    """

    x: np.ndarray
    eigenvalues: np.ndarray

    @property
    def n_unstable(self) -> np.ndarray:
        """Growing directions of each point, shape (k,); 0 stable, 1 a saddle."""
        return (self.eigenvalues.real > 0).sum(axis=-1)

    @property
    def stable(self) -> np.ndarray:
        """Which points attract, shape (k,)."""
        return self.n_unstable == 0


def find_fixed_points(
    drift: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], np.ndarray],
    box: tuple[tuple[float, float], ...],
) -> FixedPoints:
    """Newton's method from a low-discrepancy set of starts all over the box.

    Parameters
    ----------
    drift, jacobian
        Functions of states (n, d), values (n, d) and (n, d, d).
    box
        Ends per axis, in which the points are sought.
    """
    low, high = np.array(box).T
    width = high - low
    starts = qmc.Halton(len(box), scramble=False).random(STARTS)
    x = low + starts * width
    scale = np.abs(drift(x)).max()
    for _ in range(STEPS):
        step = np.linalg.solve(
            jacobian(x) + 1e-14 * np.eye(len(box)), drift(x)[..., None]
        )[..., 0]
        # A step of at most a tenth of the box keeps Newton near its basin.
        size = np.sqrt(((step / width) ** 2).sum(axis=-1, keepdims=True))
        x = x - step / np.maximum(1, 10 * size)
        x = np.clip(x, low - width, high + width)
    inside = ((x >= low - SAME * width) & (x <= high + SAME * width)).all(axis=-1)
    still = np.abs(drift(x)).max(axis=-1) < DRIFTLESS * scale
    points = _distinct(x[inside & still], width)
    eigenvalues = np.linalg.eigvals(jacobian(points)) if len(points) else points
    return FixedPoints(x=points, eigenvalues=np.asarray(eigenvalues, dtype=complex))


def _distinct(x: np.ndarray, width: np.ndarray) -> np.ndarray:
    kept: list[np.ndarray] = []
    for point in x[np.lexsort(np.round(x / width, 9).T[::-1])]:
        if all(np.abs((point - other) / width).max() > SAME for other in kept):
            kept.append(point)
    return np.array(kept).reshape(-1, x.shape[1])
