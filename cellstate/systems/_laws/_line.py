"""Gradient systems on a line: stationary law and exact samples from the potential."""

from abc import abstractmethod
from functools import lru_cache
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate.systems._diffusion import Gradient, checked_states
from cellstate.systems._regions import HalfSpace
from cellstate.systems._routes._panels import Piecewise, integral_from_left, nodes_of
from cellstate.systems._routes._quadrature import HEIGHT, panel_count

EDGE = 40.0  # V / D at the ends of the box above the bottom
GRID = 4001  # points that find the ends of the box


class Line(Gradient):
    """A gradient system on a line: a subclass gives V and its two derivatives.

    The three functions take and return plain arrays (...), without the last axis.
    """

    @abstractmethod
    def _energy(self, x: np.ndarray) -> np.ndarray:
        """V(x)."""

    @abstractmethod
    def _slope(self, x: np.ndarray) -> np.ndarray:
        """V'(x)."""

    @abstractmethod
    def _curvature(self, x: np.ndarray) -> np.ndarray:
        """V''(x)."""

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """Where V rises 40 D above its bottom and the sets: 4e-18 is cut off."""
        return (_reach(self),)

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., 1), shape (...)."""
        return self._energy(checked_states(x, 1, self.name)[..., 0])

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """V' of states (..., 1), shape (..., 1)."""
        return self._slope(checked_states(x, 1, self.name))

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """V'' of states (..., 1), shape (..., 1, 1)."""
        return self._curvature(checked_states(x, 1, self.name))[..., None]

    def density(self, x: ArrayLike) -> np.ndarray:
        """Stationary density e^(-V/D) / Z of states (..., 1), shape (...)."""
        return density_on_line(self, x)

    def cumulative(self, x: ArrayLike) -> np.ndarray:
        """Stationary chance to lie left of states (..., 1), shape (...)."""
        return cumulative_on_line(self, x)

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n states by inverting the exact cumulative law, shape (n, 1)."""
        return sample_on_line(self, n, rng)


@lru_cache(maxsize=256)
def _reach(system: Line) -> tuple[float, float]:
    """Points left and right beyond which V stays EDGE times D above law and sets."""
    halves = [s for s in (system.source, system.target) if isinstance(s, HalfSpace)]
    marks = np.array([s.normal[0] * s.bound for s in halves])
    half = 1.0 + np.abs(marks).max(initial=0.0)
    while True:
        out = np.linspace(-half, half, GRID)
        energy = system._energy(out)
        # A deep well elsewhere must not cut off the one where a set begins.
        edges = system._energy(marks)
        edges = edges[edges < energy.min() + HEIGHT * system.D]
        level = max(energy.min(), edges.max(initial=-np.inf))
        inside = np.flatnonzero(energy < level + EDGE * system.D)
        if inside[0] > 0 and inside[-1] < GRID - 1:
            return float(out[inside[0] - 1]), float(out[inside[-1] + 1])
        half *= 2


def finite(value: object, name: str, unit: str) -> float:
    """Return a parameter of either sign as a float, or say what was found."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not np.isfinite(value):
        raise ValueError(f"`{name}` ({unit}) must be a finite number; found {value!r}.")
    return float(value)


@lru_cache(maxsize=64)
def _mass_on_line(system: Gradient) -> tuple[Piecewise, float, float]:
    """Integral of e^(-(V - bottom)/D) from the left, its total, and bottom / D."""
    (low, high), *_ = system.box
    edges = np.linspace(low, high, panel_count(system) + 1)
    energy = system.potential(nodes_of(edges)[..., None]) / system.D
    bottom = energy.min()
    mass = integral_from_left(edges, np.exp(bottom - energy))
    return mass, float(mass(high)), float(bottom)


def density_on_line(system: Gradient, x: ArrayLike) -> np.ndarray:
    """e^(-V/D) / Z of states (..., 1), shape (...); needs no sets."""
    _, z, bottom = _mass_on_line(system)
    return np.exp(bottom - system.potential(x) / system.D) / z


def cumulative_on_line(system: Gradient, x: ArrayLike) -> np.ndarray:
    """Stationary chance to lie left of states (..., 1), shape (...)."""
    mass, z, _ = _mass_on_line(system)
    return mass(np.asarray(x, dtype=float)[..., 0]) / z


def sample_on_line(
    system: Gradient, n: int, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    """Draw n states by inverting the cumulative stationary law, shape (n, 1)."""
    mass, z, bottom = _mass_on_line(system)
    wanted = generator(rng).random(integer(n, "n", 0)) * z
    levels = mass(mass.edges)
    panel = np.searchsorted(levels, wanted, side="right").clip(1, len(levels) - 1)
    low, high = mass.edges[panel - 1], mass.edges[panel]
    x = np.interp(wanted, levels, mass.edges)
    for _ in range(5):  # V / D changes by at most 1 on a panel: Newton converges
        slope = np.exp(bottom - system.potential(x[:, None]) / system.D)
        x = np.clip(x - (mass(x) - wanted) / slope, low, high)
    return x[:, None]
