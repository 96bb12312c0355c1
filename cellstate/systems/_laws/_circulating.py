"""Laws whose density is e^(-V/D) although probability circulates: not reversible."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._routes._grid import boltzmann, integral_over_box

# A quarter turn, counter-clockwise.
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


class Circulating(Diffusion):
    """b = -grad V + circulation * J grad V in the plane, J a quarter turn.

    The circulating part runs along the level lines of V, so that the stationary
    density stays e^(-V/D) / Z while the law is no longer reversible. Run backward in
    time, it is the same law with the opposite circulation.
    """

    axes: ClassVar[tuple[str, ...]] = ("x", "y")

    @property
    @abstractmethod
    def swirl(self) -> float:
        """Factor of J grad V in the drift; positive turns uphill to the left."""

    @abstractmethod
    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., 2), shape (...); minus D times the log density."""

    @abstractmethod
    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., 2), shape (..., 2)."""

    @abstractmethod
    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., 2), shape (..., 2, 2)."""

    @property
    def _mix(self) -> np.ndarray:
        return self.swirl * TURN - np.eye(2)

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift (-I + swirl J) grad V of states (..., 2), shape (..., 2)."""
        return self.gradient(x) @ self._mix.T

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivatives of the drift at states (..., 2), shape (..., 2, 2)."""
        return self._mix @ self.hessian(x)

    def density(self, x: ArrayLike) -> np.ndarray:
        """Stationary density e^(-V/D) / Z of states (..., 2), shape (...)."""
        return boltzmann(self)(x)

    def entropy_production(self) -> float:
        """Rate of entropy production, swirl^2 <|grad V|^2> / D, in 1/time."""
        slope = integral_over_box(
            lambda x: (self.gradient(x) ** 2).sum(axis=-1) * self.density(x), self.box
        )
        return self.swirl**2 * slope / self.D

    def entropy_production_by_curvature(self) -> float:
        """The same number as swirl^2 <laplacian of V>, by partial integration."""
        curvature = integral_over_box(
            lambda x: np.trace(self.hessian(x), axis1=-2, axis2=-1) * self.density(x),
            self.box,
        )
        return self.swirl**2 * curvature
