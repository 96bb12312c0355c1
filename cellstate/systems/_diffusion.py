"""dX = b(X, t) dt + sqrt(2 D) dW (Ito): what every diffusion with a formula offers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import positive
from cellstate.systems._fixed_points import FixedPoints, find_fixed_points
from cellstate.systems._paths import Field, TransitionPaths
from cellstate.systems._regions import Region

NUDGE = 1e-5  # of the box: step of the central differences


@dataclass(frozen=True, kw_only=True)
class Diffusion(ABC):
    """A law of motion with constant, isotropic diffusion D.

    A subclass is a frozen dataclass of parameters. States have shape (..., d) in
    every method, also on a line (d = 1); a time is one number or has shape (...);
    times and rates are in the law's own unit. Laws that do not change with time
    ignore it.

    A law of your own needs `name`, `axes`, `box` and `drift`, or as a `Gradient`
    `potential` and `gradient` in place of the drift.

    Attributes
    ----------
    D
        Diffusion, squared units of the state per unit of time; kT for a gradient
        system of unit mobility, 1 / beta.
    source, target
        A and B; the usual ones of the system when left out.
    """

    name: ClassVar[str]
    axes: ClassVar[tuple[str, ...]] = ("x",)

    D: float
    source: Region | None = None
    target: Region | None = None

    def __post_init__(self) -> None:
        example = f"cs.systems.{type(self).__name__}(D=0.1)"
        positive(self.D, "D", "squared units of the state per time", example)
        for field, usual in zip(("source", "target"), self._usual_sets(), strict=True):
            if getattr(self, field) is None:
                object.__setattr__(self, field, usual)

    @property
    def dimension(self) -> int:
        """Number of coordinates d."""
        return len(self.axes)

    @property
    @abstractmethod
    def box(self) -> tuple[tuple[float, float], ...]:
        """Ends of the domain per axis; beyond it hardly any probability lies."""

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        """A and B when none were given."""
        return None, None

    @abstractmethod
    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift b of states (..., d), shape (..., d), units of the state per time."""

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivatives db_i / dx_j of states (..., d), shape (..., d, d).

        Central differences, good to about 1e-9 of the drift's scale, unless a law
        gives its formula.
        """
        x = checked_states(x, self.dimension, self.name)
        steps = NUDGE * np.diff(np.array(self.box), axis=1)[:, 0] * np.eye(x.shape[-1])
        columns = [
            (self.drift(x + e, t) - self.drift(x - e, t)) / (2 * e.sum()) for e in steps
        ]
        return np.stack(columns, axis=-1)

    def diffusion(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Diffusion matrix D of states (..., d), shape (..., d, d)."""
        shape = np.shape(x)
        return np.broadcast_to(self.D * np.eye(shape[-1]), (*shape, shape[-1]))

    def fixed_points(self) -> FixedPoints:
        """States without drift at t = 0, by Newton steps from all over the box."""
        return find_fixed_points(self.drift, self.jacobian, self.box)

    @property
    def fastest_rate(self) -> float:
        """lambda_max: the fastest relaxation at the stable fixed points, 1/time."""
        return _fastest_rate(self)

    def transition_paths(self) -> TransitionPaths:
        """Exact transition paths from `source` to `target`, by the first route.

        On a line quadrature, or collocation where there is no potential; in the plane
        finite volumes. Computed once per system.
        """
        return _transition_paths(self)

    def committor(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Chance of states (..., d) to reach B before A, shape (...)."""
        return self._told(self.transition_paths().committor, x)

    def committor_backward(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Chance of states (..., d) to have come from A rather than B, shape (...)."""
        return self._told(self.transition_paths().committor_backward, x)

    def density(self, x: ArrayLike) -> np.ndarray:
        """Stationary density of states (..., d), shape (...)."""
        return self.transition_paths().density(x)

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n states from the stationary density, shape (n, d).

        By rejection in the box of the plane. Other laws bring their own.
        """
        if self.dimension != 2:
            raise ValueError(
                f"{self.name} with d = {self.dimension} does not say how it is "
                "sampled. Give it a method sample(n, rng), or give start states."
            )
        from cellstate.systems._routes._grid import sample_in_box

        return sample_in_box(self, n, rng)

    def _first_route(self) -> TransitionPaths:
        """Solve for the transition paths."""
        # The solvers know this class: they are looked up when first needed.
        if self.dimension == 1:
            from cellstate.systems._routes._collocation import collocation
            from cellstate.systems._routes._quadrature import quadrature

            return quadrature(self) if isinstance(self, Gradient) else collocation(self)
        from cellstate.systems._routes._finite_volumes import finite_volumes

        return finite_volumes(self)

    def _told(self, answer: Field, x: ArrayLike) -> np.ndarray:
        """An answer at states (..., d); NaN where a coordinate is."""
        x = checked_states(x, self.dimension, self.name)
        return np.where(np.isnan(x).any(axis=-1), np.nan, answer(x))


class Gradient(Diffusion):
    """A diffusion down a potential: b = -grad V, stationary density e^(-V/D) / Z."""

    @abstractmethod
    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., d), shape (...)."""

    @abstractmethod
    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., d), shape (..., d)."""

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., d), shape (..., d, d).

        Central differences of the gradient unless a law gives its formula.
        """
        return -Diffusion.jacobian(self, x)

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift -grad V of states (..., d), shape (..., d)."""
        return -self.gradient(x)

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Minus the Hessian of V at states (..., d), shape (..., d, d)."""
        return -self.hessian(x)


def checked_states(x: ArrayLike, dimension: int, name: str) -> np.ndarray:
    """Return states as floats, or say which shape they have."""
    x = np.asarray(x, dtype=float)
    if x.ndim == 0 or x.shape[-1] != dimension:
        raise ValueError(
            f"states of {name} have shape (..., {dimension}); found {x.shape}. Keep "
            "the last axis for the coordinates, also on a line: x[..., None]."
        )
    return x


@lru_cache(maxsize=64)
def _transition_paths(system: Diffusion) -> TransitionPaths:
    return system._first_route()


@lru_cache(maxsize=64)
def _fastest_rate(system: Diffusion) -> float:
    points = system.fixed_points()
    rates = -points.eigenvalues[points.stable].real
    return float(rates.max()) if rates.size else float("nan")
