"""From A on the left to B on the right, in Chebyshev points: shared by the clocks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._routes._chebyshev import chebyshev, interpolate
from cellstate.systems._routes._ends import ends_on_line

DEGREES = (32, 64, 128, 256, 512)  # of the polynomial, until two agree
AGREE = 1e-9
BARELY = 1e-6  # a change that is refused


@dataclass(frozen=True, eq=False)
class Way:
    """The line with A on the left: mirrored where A is on the right."""

    system: Diffusion
    sign: float
    low: float
    a: float
    b: float

    def drift(self, y: np.ndarray) -> np.ndarray:
        """Drift at points (...), shape (...)."""
        states = (self.sign * y)[..., None]
        return self.sign * self.system.drift(states)[..., 0]

    def energy(self, y: np.ndarray) -> np.ndarray:
        """V / D at points (...), shape (...)."""
        return self.system.potential((self.sign * y)[..., None]) / self.system.D

    def between(self, function: Callable, start: float, x: ArrayLike) -> np.ndarray:
        """Values at states (..., 1): `function` from start to b, 1 beyond b.

        Left of `start` the value is 0 if that is the edge of A, else that of the wall.
        """
        y = self.sign * np.asarray(x, dtype=float)[..., 0]
        value = function(y.clip(start, self.b).ravel()).reshape(y.shape)
        value = np.where((y <= self.a) & (start == self.a), 0, value)
        return np.where(y >= self.b, 1, value)


def way_of(system: Diffusion) -> Way:
    """Lay the line so that the system's source is on the left."""
    a, b = ends_on_line(system)
    (low, high), *_ = system.box
    if system.source.normal[0] > 0:
        return Way(system, 1.0, low, a, b)
    return Way(system, -1.0, -high, -b, -a)


def refined(
    solve: Callable[[int], np.ndarray], ends: tuple[float, float]
) -> Callable[[np.ndarray], np.ndarray]:
    """Double the degree of a collocation until it agrees; return the polynomial.

    Past the best degree rounding grows with its square: the best one is kept.
    """
    coarse, best, values = solve(DEGREES[0]), np.inf, np.empty(0)
    for degree in DEGREES[1:]:
        fine = solve(degree)
        change = np.abs(fine[::2] - coarse).max()  # every other point is an old one
        if change < best:
            best, values = change, fine
        if best < AGREE or (change > best and best < BARELY):
            break
        coarse = fine
    if best > BARELY:
        raise FloatingPointError(
            f"collocation up to degree {degree} still changes by {best:.1e}, above "
            f"{BARELY:g}. Use a larger D or the second route."
        )
    return _Polynomial(values, *ends)


@dataclass(frozen=True, eq=False)
class _Polynomial:
    values: np.ndarray  # at the Chebyshev points from left to right
    left: float
    right: float

    def __call__(self, y: np.ndarray) -> np.ndarray:
        local = (2 * y - self.left - self.right) / (self.right - self.left)
        return interpolate(self.values, len(self.values) - 1, local)


def operators(
    way: Way, start: float, degree: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points from `start` to b, d/dy there, and the generator L."""
    points, slope = chebyshev(degree)
    half = (way.b - start) / 2
    y = start + half * (points + 1)
    slope = slope / half
    pull = way.drift(y)[:, None] / way.system.D
    return y, slope, way.system.D * (slope @ slope + pull * slope)
