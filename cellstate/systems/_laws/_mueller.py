"""The Mueller-Brown landscape, and its rugged form."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._fixed_points import FixedPoints, find_fixed_points
from cellstate.systems._laws._landscapes import Box2, Plane, split, symmetric
from cellstate.systems._regions import Ball, Region

# V = sum of A exp(a (x - X)^2 + b (x - X) (y - Y) + c (y - Y)^2).
A = np.array([-200.0, -100.0, -170.0, 15.0])
a = np.array([-1.0, -1.0, -6.5, 0.7])
b = np.array([0.0, 0.0, 11.0, 0.6])
c = np.array([-10.0, -10.0, -6.5, 0.7])
X = np.array([1.0, 0.0, -0.5, -1.0])
Y = np.array([0.0, 0.5, 1.5, 1.0])

TILES = 5  # per axis, in which fixed points are sought one after the other
HEIGHT = 9.0  # of the ripples of the rugged form
WAVES = 10 * np.pi


@dataclass(frozen=True, kw_only=True)
class MuellerBrown(Plane):
    """Sum of four Gaussian terms with three wells, joined by a curved valley.

    A and B are discs of radius 0.1 around the deep well (-0.558, 1.441) and the
    shallow one (0.623, 0.028); the third well lies between them. The box reflects.

    Attributes
    ----------
    D
        Diffusion, kT at unit mobility.

    References
    ----------
    Mueller and Brown, Theor. Chim. Acta 53 (1979).

    Examples
    --------
    >>> law = MuellerBrown(D=10.0)
    >>> law.potential(law.fixed_points().x[law.fixed_points().stable]).round(3)
    array([-146.7  ,  -80.768, -108.167])
    """

    name = "Mueller-Brown"
    box: ClassVar[Box2] = ((-1.5, 1.0), (-0.5, 2.0))

    D: float = 10.0

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return Ball((-0.558, 1.441), 0.1), Ball((0.623, 0.028), 0.1)

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., 2), shape (...)."""
        terms, _, _ = self._terms(x)
        return terms.sum(axis=-1)

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., 2), shape (..., 2)."""
        terms, u, v = self._terms(x)
        return np.stack([(terms * u).sum(axis=-1), (terms * v).sum(axis=-1)], axis=-1)

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., 2), shape (..., 2, 2)."""
        terms, u, v = self._terms(x)
        return symmetric(
            (terms * (u**2 + 2 * a)).sum(axis=-1),
            (terms * (u * v + b)).sum(axis=-1),
            (terms * (v**2 + 2 * c)).sum(axis=-1),
        )

    @staticmethod
    def _terms(x: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The four terms, and the derivatives of their exponents, shape (..., 4)."""
        x, y = split(x)
        dx, dy = x[..., None] - X, y[..., None] - Y
        terms = A * np.exp(a * dx**2 + b * dx * dy + c * dy**2)
        return terms, 2 * a * dx + b * dy, b * dx + 2 * c * dy


@dataclass(frozen=True, kw_only=True)
class RuggedMueller(MuellerBrown):
    """Mueller-Brown with ripples, + 9 sin(10 pi x) sin(10 pi y): 184 small wells.

    Examples
    --------
    >>> float((RuggedMueller().potential([0.05, 0.05])
    ...        - MuellerBrown().potential([0.05, 0.05])).round(9))
    9.0
    """

    name = "rugged Mueller-Brown"

    def fixed_points(self) -> FixedPoints:
        """The 724 states without drift in the box, 184 of them stable."""
        return _rugged_points()

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., 2), shape (...)."""
        (sx, sy), _ = self._ripples(x)
        return super().potential(x) + HEIGHT * sx * sy

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., 2), shape (..., 2)."""
        (sx, sy), (cx, cy) = self._ripples(x)
        ripple = np.stack([cx * sy, sx * cy], axis=-1)
        return super().gradient(x) + HEIGHT * WAVES * ripple

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., 2), shape (..., 2, 2)."""
        (sx, sy), (cx, cy) = self._ripples(x)
        ripple = symmetric(-sx * sy, cx * cy, -sx * sy)
        return super().hessian(x) + HEIGHT * WAVES**2 * ripple

    @staticmethod
    def _ripples(x: ArrayLike) -> tuple[tuple, tuple]:
        """Sines and cosines along x and y."""
        x, y = split(x)
        return tuple((f(WAVES * x), f(WAVES * y)) for f in (np.sin, np.cos))


@lru_cache(maxsize=1)
def _rugged_points() -> FixedPoints:
    """Fixed points tile by tile: the starts all over the box are too few for them."""
    law = RuggedMueller()
    columns, rows = (np.linspace(*ends, TILES + 1) for ends in law.box)
    tiles = [
        find_fixed_points(law.drift, law.jacobian, (across, up))
        for across in pairwise(columns)
        for up in pairwise(rows)
    ]
    x = np.concatenate([tile.x for tile in tiles])
    eigenvalues = np.concatenate([tile.eigenvalues for tile in tiles])
    order = np.lexsort(x.T[::-1])
    return FixedPoints(x=x[order], eigenvalues=eigenvalues[order])
