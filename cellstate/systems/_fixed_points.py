"""States without drift, and what happens near them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

STARTS = 512
STEPS = 60
# Points closer than this, relative to the box, are one: at a triple root rounding of
# the drift, 1e-16, moves a root by its cube root, 5e-6.
SAME = 2e-5
DRIFTLESS = 1e-12  # |b| relative to the largest drift among the starts
# Parts of the way from point to point; not even ones, where other points may lie.
BETWEEN = np.array([[np.pi / 20], [np.sqrt(2) - 1], [np.pi / 4]])


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
        """Growing directions of each point, shape (k,); 0 stable, 1 a saddle.

        Exactly at a bifurcation the sign of the vanishing eigenvalue is rounding.
        """
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

    Where the Jacobian is singular Newton stops short, at many points around the true
    one: points without drift between them count as one. The 512 starts miss some
    points of a law that has hundreds.

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
    points = _distinct(drift, x[inside & still], width, DRIFTLESS * scale)
    eigenvalues = np.linalg.eigvals(jacobian(points)) if len(points) else points
    return FixedPoints(x=points, eigenvalues=np.asarray(eigenvalues, dtype=complex))


def _distinct(
    drift: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    width: np.ndarray,
    rounding: float,
) -> np.ndarray:
    """One point of every group, that of least drift, sorted by the coordinates."""
    x = x[np.argsort(np.abs(drift(x)).max(axis=-1), kind="stable")]
    kept = []
    while len(x):
        best = x[0]
        kept.append(best)
        way = best + BETWEEN * (x[:, None, :] - best)
        drifts = np.abs(drift(way.reshape(-1, best.size))).max(axis=-1)
        flat = drifts.reshape(len(x), -1).max(axis=-1) < rounding
        near = np.abs((x - best) / width).max(axis=-1) <= SAME
        x = x[~(flat | near)]
    points = np.array(kept).reshape(-1, width.size)
    return points[np.lexsort(np.round(points / width, 9).T[::-1])]
