"""Cells that pull each other towards their mean: a colony orders as noise falls."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.optimize import brentq

from cellstate._base.checks import positive
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._fixed_points import FixedPoints
from cellstate.systems._laws._bifurcations import Pitchfork
from cellstate.systems._laws._mean_field import growth_of_mean, settled_mean
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._regions import Region

SMALL = 1e-4  # mean below which a colony counts as disordered
STEPS = 60  # halvings or doublings of D that are tried around the critical one


@dataclass(frozen=True, kw_only=True)
class DesaiZwanzig(Diffusion):
    """dx_i = (x_i - x_i^3 + coupling (mean - x_i)) dt + noise in every colony of cells.

    States have shape (..., cells, 1): the cells along the axis before the last are one
    colony, everything before counts colonies. In a large colony each cell feels a
    fixed mean; above the critical D that is 0, below it is -/+ `order_parameter`.
    A small colony fluctuates about it, and now and then changes sign.

    Attributes
    ----------
    D
        Diffusion of a cell.
    coupling
        Rate K at which a cell is drawn to the mean of its colony, 1/time.

    References
    ----------
    Desai and Zwanzig, J. Stat. Phys. 19, 1 (1978); Dawson, J. Stat. Phys. 31 (1983).

    Examples
    --------
    >>> law = DesaiZwanzig(D=0.3, coupling=1.0)
    >>> round(law.order_parameter(), 6), round(law.critical_diffusion(), 6)
    (0.705495, 0.456947)
    """

    name = "Desai-Zwanzig"

    D: float = 0.3
    coupling: float = 1.0

    def __post_init__(self) -> None:
        positive(self.coupling, "coupling", "1/time", "DesaiZwanzig(coupling=1.0)")
        if self.source is not None or self.target is not None:
            raise ValueError(
                "cells that interact have no transition paths of their own; found "
                f"source {self.source} and target {self.target}. Leave them out."
            )
        super().__post_init__()

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """Where a cell of a fully ordered colony of either sign may be."""
        reach = max(map(abs, self.at_mean(1.0).box[0]))
        return ((-reach, reach),)

    def at_mean(self, mean: float) -> Pitchfork:
        """The law of one cell while the mean of its colony stands still."""
        return Pitchfork(D=self.D, mu=1 - self.coupling, h=self.coupling * mean)

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift of states (..., cells, 1), same shape; each colony has its mean."""
        x = np.asarray(x, dtype=float)
        mean = x.mean(axis=-2, keepdims=True) if x.ndim > 1 else x
        return x - x**3 + self.coupling * (mean - x)

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivative by the own state while the mean stands still, (..., cells, 1, 1).

        1 - 3 x^2 - coupling, what one cell of a large colony feels.
        """
        x = np.asarray(x, dtype=float)
        return (1 - 3 * x**2 - self.coupling)[..., None]

    def fixed_points(self) -> FixedPoints:
        """Common states of a colony without noise: -1, 0 and 1.

        The eigenvalues are those of the mean; differences between cells decay faster,
        by the coupling.
        """
        x = np.array([[-1.0], [0.0], [1.0]])
        return FixedPoints(x=x, eigenvalues=(1 - 3 * x**2).astype(complex))

    @property
    def fastest_rate(self) -> float:
        """2 + coupling: decay of a difference between two cells near -/+ 1, 1/time."""
        return 2.0 + self.coupling

    def order_parameter(self) -> float:
        """Mean m >= 0 of a large colony: the cells at mean m have mean m.

        By quadrature; 0 at and above the critical D, and where m would be below 1e-4.
        """
        return _order_parameter(self)

    def order_parameter_by_time(self) -> float:
        """Second route: mean of a colony that starts ordered, after a long time.

        Steps of the nonlinear Fokker-Planck equation on a grid; slow, and less exact,
        close to the critical D, where the mean hardly moves.
        """
        return settled_mean(self.D, self.coupling, self.box[0])

    def critical_diffusion(self) -> float:
        """D at which order sets in for this coupling: coupling <x^2> / D = 1 at m = 0.

        By quadrature.
        """
        return _critical(self.coupling)

    def critical_diffusion_by_growth(self) -> float:
        """Second route: D at which a small mean neither grows nor decays."""
        guess = self.critical_diffusion()
        edges = (0.5 * guess, 2.0 * guess)
        return float(
            brentq(lambda d: _at(d, self.coupling).growth_of_mean(), *edges, xtol=1e-14)
        )

    def growth_of_mean(self) -> float:
        """Rate at which a small mean grows in the disordered state, 1/time.

        Leading odd eigenvalue of the linearised Fokker-Planck equation: below 0 above
        the critical D, and minus the gap of the double well without coupling.
        """
        return growth_of_mean(self.D, self.coupling, self.box[0])

    def density(self, x: ArrayLike) -> np.ndarray:
        """Density of one cell in a large colony of mean m >= 0, (..., 1) to (...)."""
        return self.at_mean(self.order_parameter()).density(x)

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n cells of a large colony of mean m >= 0, shape (n, 1)."""
        return self.at_mean(self.order_parameter()).sample(n, rng)

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return None, None

    def _first_route(self) -> TransitionPaths:
        raise ValueError(
            "cells that interact have no transition paths of their own. Use "
            "at_mean(m) with a source and a target for one cell of a large colony."
        )


def _at(d: float, coupling: float) -> DesaiZwanzig:
    return DesaiZwanzig(D=d, coupling=coupling)


def _average(law: DesaiZwanzig, mean: float, power: int) -> float:
    """<x^power> of one cell at a fixed mean of its colony, by adaptive quadrature.

    The weights at x and -x are taken together: odd powers lose no digits near mean 0.
    """
    cell = law.at_mean(mean)
    high = law.box[0][1]
    grid = np.linspace(0, high, 1001)[:, None]
    energy = cell.potential(grid)
    bottom, well = energy.min(), grid[np.argmin(energy), 0]
    tilt = 2 * law.coupling * mean / law.D

    def weight(x: float) -> float:
        return float(np.exp((bottom - cell.potential([x])) / law.D))

    def moment(x: float) -> float:
        pair = -np.expm1(-tilt * x) if power % 2 else 1 + np.exp(-tilt * x)
        return x**power * weight(x) * pair

    options = {"epsabs": 0, "epsrel": 1e-12, "limit": 500}
    if well > 0:
        options["points"] = [well]
    mass, _ = quad(lambda x: weight(x) * (1 + np.exp(-tilt * x)), 0, high, **options)
    return quad(moment, 0, high, **options)[0] / mass


@lru_cache(maxsize=64)
def _order_parameter(law: DesaiZwanzig) -> float:
    def excess(mean: float) -> float:
        return _average(law, mean, 1) / mean - 1

    if excess(SMALL) <= 0:
        return 0.0
    return float(brentq(excess, SMALL, 2.0, xtol=1e-13, rtol=1e-13))


@lru_cache(maxsize=64)
def _critical(coupling: float) -> float:
    def excess(log_d: float) -> float:
        law = _at(float(np.exp(log_d)), coupling)
        return coupling * _average(law, 0.0, 2) / law.D - 1

    low, high = -1.0, 0.0
    for _ in range(STEPS):
        low = low if excess(low) > 0 else low - np.log(2)
        high = high if excess(high) < 0 else high + np.log(2)
    return float(np.exp(brentq(excess, low, high, xtol=1e-14)))
