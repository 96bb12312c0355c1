"""Gradient systems in the plane: what they share, a double and a triple well."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._diffusion import Gradient, checked_states
from cellstate.systems._regions import Ball, HalfSpace, Region
from cellstate.systems._routes._grid import boltzmann

Box2 = tuple[tuple[float, float], tuple[float, float]]
EDGE = 15.0  # V / D at the edge of a box above the bottom

# Gaussian terms of the triple well: height and centre.
HEIGHTS = np.array([3.0, -3.0, -5.0, -5.0])
CENTERS = np.array([[0.0, 1 / 3], [0.0, 5 / 3], [1.0, 0.0], [-1.0, 0.0]])
BOWL = np.array([0.0, 1 / 3])


class Plane(Gradient):
    """A gradient system in the plane: a subclass gives V, its derivatives, a box.

    The box belongs to the law: it reflects, and the density is normalised over it.
    """

    axes: ClassVar[tuple[str, ...]] = ("x", "y")

    def density(self, x: ArrayLike) -> np.ndarray:
        """Stationary density e^(-V/D) / Z of states (..., 2), shape (...)."""
        return boltzmann(self)(x)


@lru_cache(maxsize=256)
def roomy_box(law: Plane, box: Box2) -> Box2:
    """Enlarge a box until V at its edge is EDGE times D above the lowest value."""
    ends = np.array(box)
    middle, half = ends.mean(axis=1), np.diff(ends, axis=1)[:, 0] / 2
    around = np.linspace(-1, 1, 101)
    inside = np.stack(np.meshgrid(around, around), axis=-1)
    edge = np.abs(inside).max(axis=-1) == 1
    while True:
        energy = law.potential(middle + inside * half)
        if energy[edge].min() - energy.min() > EDGE * law.D:
            low, high = middle - half, middle + half
            return tuple(zip(low.tolist(), high.tolist(), strict=True))
        half = 1.1 * half


def split(x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates x and y of states (..., 2)."""
    x = checked_states(x, 2, "a law in the plane")
    return x[..., 0], x[..., 1]


def symmetric(xx: ArrayLike, xy: ArrayLike, yy: ArrayLike) -> np.ndarray:
    """Matrices [[xx, xy], [xy, yy]] of arrays (...), shape (..., 2, 2)."""
    xx, xy, yy = np.broadcast_arrays(xx, xy, yy)
    return np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)


@dataclass(frozen=True, kw_only=True)
class DoubleWell2D(Plane):
    """V = (x^2 - 1)^2 + y^2: the double well of the line beside a harmonic axis.

    x and y are independent, so that every answer is that of `DoubleWell` in x: a
    check of any solver in the plane. A is x <= -1 and B is x >= 1 unless told
    otherwise.

    Examples
    --------
    >>> law = DoubleWell2D(D=1 / 3)
    >>> round(law.transition_paths().nu, 5)
    0.01877
    """

    name = "double well in the plane"

    D: float = 1 / 3

    @property
    def box(self) -> Box2:
        """Wide enough that V at its edge is 15 D above the bottom."""
        return roomy_box(self, ((-2.0, 2.0), (-2.0, 2.0)))

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return HalfSpace((1.0, 0.0), -1.0), HalfSpace((-1.0, 0.0), -1.0)

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., 2), shape (...)."""
        x, y = split(x)
        return (x**2 - 1) ** 2 + y**2

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., 2), shape (..., 2)."""
        x, y = split(x)
        return np.stack([4 * x * (x**2 - 1), 2 * y], axis=-1)

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., 2), shape (..., 2, 2)."""
        x, y = split(x)
        return symmetric(12 * x**2 - 4, 0 * x, 2 + 0 * y)


@dataclass(frozen=True, kw_only=True)
class TripleWell(Plane):
    """Two deep wells at (-1, 0) and (1, 0), a shallow one above: two ways across.

    V = 3 e^(-x^2-(y-1/3)^2) - 3 e^(-x^2-(y-5/3)^2) - 5 e^(-(x-1)^2-y^2)
    - 5 e^(-(x+1)^2-y^2) + 0.2 x^4 + 0.2 (y-1/3)^4. When D is large most paths go
    straight, when it is small through the shallow well. A and B are discs of radius
    0.25 around (-1, 0) and (1, 0).

    References
    ----------
    Metzner, Schuette and Vanden-Eijnden, J. Chem. Phys. 125 (2006).

    Examples
    --------
    >>> law = TripleWell(D=1 / 1.67)
    >>> round(law.transition_paths().nu, 4)
    0.0189
    """

    name = "triple well"

    D: float = 1 / 1.67

    @property
    def box(self) -> Box2:
        """At least [-2.5, 2.5] x [-2, 3]; V at its edge is 15 D above the bottom."""
        return roomy_box(self, ((-2.5, 2.5), (-2.0, 3.0)))

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return Ball((-1.0, 0.0), 0.25), Ball((1.0, 0.0), 0.25)

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., 2), shape (...)."""
        terms, _ = self._terms(x)
        return terms.sum(axis=-1) + 0.2 * ((np.asarray(x) - BOWL) ** 4).sum(axis=-1)

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., 2), shape (..., 2)."""
        terms, away = self._terms(x)
        bowl = 0.8 * (np.asarray(x) - BOWL) ** 3
        return bowl - 2 * (terms[..., None] * away).sum(axis=-2)

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., 2), shape (..., 2, 2)."""
        terms, away = self._terms(x)
        squares = 4 * away[..., :, None] * away[..., None, :] - 2 * np.eye(2)
        bowl = 2.4 * (np.asarray(x) - BOWL) ** 2
        hills = (terms[..., None, None] * squares).sum(axis=-3)
        return hills + bowl[..., None] * np.eye(2)

    @staticmethod
    def _terms(x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """The Gaussian terms (..., 4) and the way from their centres (..., 4, 2)."""
        away = checked_states(x, 2, TripleWell.name)[..., None, :] - CENTERS
        return HEIGHTS * np.exp(-(away**2).sum(axis=-1)), away
