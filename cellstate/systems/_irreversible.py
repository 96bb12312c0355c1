"""Laws of the plane that are not reversible."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, positive
from cellstate._base.random import generator
from cellstate.systems._circulating import TURN, Circulating
from cellstate.systems._collocation import collocation
from cellstate.systems._decisions import BinaryChoice
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._finite_volumes import finite_volumes
from cellstate.systems._grid import sample_in_box
from cellstate.systems._landscapes import Box2, DoubleWell2D, split
from cellstate.systems._line import finite
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._regions import Ball, Region


@dataclass(frozen=True, kw_only=True)
class MaierStein(Diffusion):
    """b = (x - x^3 - 10 x y^2, -(1 + x^2) y): no potential, two wells at (-1, 0), (1, 0).

    The cross term pushes paths off the axis: they leave a well by one route and
    enter the other by a different one, so that q- is not 1 - q. The stationary density
    has no formula. A and B are discs of radius 0.2 around the wells.

    References
    ----------
    Maier and Stein, J. Stat. Phys. 83 (1996).

    Examples
    --------
    >>> MaierStein(D=0.1).drift([0.5, 0.2]).round(3)
    array([ 0.175, -0.25 ])
    """

    name = "Maier-Stein"
    axes: ClassVar[tuple[str, ...]] = ("x", "y")
    box: ClassVar[Box2] = ((-2.0, 2.0), (-1.5, 1.5))

    D: float = 0.1

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return Ball((-1.0, 0.0), 0.2), Ball((1.0, 0.0), 0.2)

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift of states (..., 2), shape (..., 2)."""
        x, y = split(x)
        return np.stack([x - x**3 - 10 * x * y**2, -(1 + x**2) * y], axis=-1)

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivatives of the drift at states (..., 2), shape (..., 2, 2)."""
        x, y = split(x)
        first = np.stack([1 - 3 * x**2 - 10 * y**2, -20 * x * y], axis=-1)
        second = np.stack([-2 * x * y, -(1 + x**2)], axis=-1)
        return np.stack([first, second], axis=-2)

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n states from the density of the first route by rejection, (n, 2)."""
        return sample_in_box(self, n, rng)

    def _first_route(self) -> TransitionPaths:
        return finite_volumes(self)


@dataclass(frozen=True, kw_only=True)
class RotationalDoubleWell(Circulating):
    """Double well V = (x^2 - 1)^2 + y^2 with a circulation along its level lines.

    b = -grad V + circulation * J grad V. The density e^(-V/D) / Z does not show it,
    the committor does: q(0, 0.5) = 0.18 where a reversible law has 0.5. Turning the
    plane upside down reverses the circulation: q-(x, y) = 1 - q(x, -y). A and B are
    discs of radius 0.3 around the wells.

    Attributes
    ----------
    D
        Diffusion.
    circulation
        Factor of J grad V, J = [[0, -1], [1, 0]].
    """

    name = "rotational double well"

    D: float = 1 / 3
    circulation: float = 2.0

    def __post_init__(self) -> None:
        finite(self.circulation, "circulation", "no unit")
        super().__post_init__()

    @property
    def box(self) -> Box2:
        """That of the double well."""
        return DoubleWell2D(D=self.D).box

    @property
    def swirl(self) -> float:
        """The circulation."""
        return self.circulation

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return Ball((-1.0, 0.0), 0.3), Ball((1.0, 0.0), 0.3)

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., 2), shape (...)."""
        return DoubleWell2D(D=self.D).potential(x)

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., 2), shape (..., 2)."""
        return DoubleWell2D(D=self.D).gradient(x)

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., 2), shape (..., 2, 2)."""
        return DoubleWell2D(D=self.D).hessian(x)


@dataclass(frozen=True, kw_only=True)
class NonEquilibriumLandscape(Circulating):
    """b = -(I + circulation J) grad U with U the landscape of `BinaryChoice`.

    The density e^(-U/D) / Z does not depend on the circulation: nothing that looks at
    densities alone can find it. Entropy is produced at the rate
    c^2 <|grad U|^2> / D = c^2 <laplacian of U>. Sets are those of `BinaryChoice`.

    Attributes
    ----------
    D
        Diffusion.
    circulation
        Factor c of J grad U, J = [[0, -1], [1, 0]]; 0 is the reversible law.
    p1, p2
        Of the landscape.

    Examples
    --------
    >>> law = NonEquilibriumLandscape(D=0.1, circulation=0.5, p1=0.0, p2=1.0)
    >>> round(law.entropy_production(), 5)
    2.57655
    """

    name = "non-equilibrium landscape"

    D: float = 0.1
    circulation: float = 0.5
    p1: float = 0.0
    p2: float = 1.0

    def __post_init__(self) -> None:
        finite(self.circulation, "circulation", "no unit")
        super().__post_init__()

    @property
    def landscape(self) -> BinaryChoice:
        """The reversible law with the same density."""
        return BinaryChoice(D=self.D, p1=self.p1, p2=self.p2)

    @property
    def box(self) -> Box2:
        """That of the landscape."""
        return self.landscape.box

    @property
    def swirl(self) -> float:
        """Minus the circulation."""
        return -self.circulation

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return self.landscape.source, self.landscape.target

    def potential(self, x: ArrayLike) -> np.ndarray:
        """U of states (..., 2), shape (...)."""
        return self.landscape.potential(x)

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of U at states (..., 2), shape (..., 2)."""
        return self.landscape.gradient(x)

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of U at states (..., 2), shape (..., 2, 2)."""
        return self.landscape.hessian(x)


@dataclass(frozen=True, kw_only=True)
class OrnsteinUhlenbeck(Circulating):
    """b = -rate x + rotation J x in the plane, b = -rate x on a line: all is known.

    Gaussian with variance D / rate along every axis; correlations decay as
    e^(-rate t) and turn by rotation t; entropy is produced at 2 rotation^2 / rate.
    There are no usual sets.

    Attributes
    ----------
    D
        Diffusion.
    rate
        Relaxation rate k, 1/time.
    rotation
        Angular velocity w, counter-clockwise, 1/time; 0 on a line.
    d
        Number of coordinates, 1 or 2.

    References
    ----------
    Gardiner, Handbook of Stochastic Methods, 4.4.

    Examples
    --------
    >>> law = OrnsteinUhlenbeck(D=0.5, rate=2.0, rotation=1.0)
    >>> law.variance(), law.entropy_production()
    (0.25, 1.0)
    >>> law.autocorrelation(0.0)
    array([[1., 0.],
           [0., 1.]])
    """

    name = "Ornstein-Uhlenbeck"

    D: float = 1.0
    rate: float = 1.0
    rotation: float = 0.0
    d: int = 2

    def __post_init__(self) -> None:
        positive(self.rate, "rate", "1/time", "OrnsteinUhlenbeck(rate=1.0)")
        finite(self.rotation, "rotation", "1/time")
        if self.d not in (1, 2):
            raise ValueError(f"`d` must be 1 or 2; found {self.d!r}.")
        if self.d == 1 and self.rotation != 0:
            raise ValueError(
                f"a line has no rotation; found rotation={self.rotation:g} with d=1. "
                "Use d=2, or rotation=0."
            )
        super().__post_init__()

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        return ("x", "y")[: self.d]

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """Eight standard deviations to either side."""
        reach = 8 * float(np.sqrt(self.variance()))
        return ((-reach, reach),) * self.d

    @property
    def swirl(self) -> float:
        """Rotation over rate."""
        return self.rotation / self.rate

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return None, None

    def potential(self, x: ArrayLike) -> np.ndarray:
        """Rate |x|^2 / 2 of states (..., d), shape (...)."""
        return self.rate * (np.asarray(x, dtype=float) ** 2).sum(axis=-1) / 2

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Rate x of states (..., d), shape (..., d)."""
        return self.rate * np.asarray(x, dtype=float)

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Rate times the identity, shape (..., d, d)."""
        return self._everywhere(self.rate * np.eye(self.d), x)

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift of states (..., d), shape (..., d)."""
        return np.asarray(x, dtype=float) @ self._matrix.T

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """The matrix of the drift, shape (..., d, d)."""
        return self._everywhere(self._matrix, x)

    @property
    def _matrix(self) -> np.ndarray:
        turn = self.rotation * TURN[: self.d, : self.d]
        return turn - self.rate * np.eye(self.d)

    @staticmethod
    def _everywhere(matrix: np.ndarray, x: ArrayLike) -> np.ndarray:
        return np.broadcast_to(matrix, (*np.shape(x)[:-1], *matrix.shape)).copy()

    def variance(self, t: float = np.inf) -> float:
        """Variance along each axis a time t after a known state; inf: stationary."""
        return -self.D / self.rate * float(np.expm1(-2 * self.rate * t))

    def autocorrelation(self, lag: ArrayLike) -> np.ndarray:
        """Mean of x(t + lag) given x(t) as a matrix, lags (...), shape (..., d, d).

        e^(-rate lag) times a turn by rotation lag, for lag >= 0.
        """
        lag = np.asarray(lag, dtype=float)[..., None, None]
        turned = np.cos(self.rotation * lag) * np.eye(self.d)
        turned = turned + np.sin(self.rotation * lag) * TURN[: self.d, : self.d]
        return np.exp(-self.rate * lag) * turned

    def density(self, x: ArrayLike) -> np.ndarray:
        """Stationary density of states (..., d), shape (...)."""
        peak = (2 * np.pi * self.variance()) ** (-self.d / 2)
        return peak * np.exp(-self.potential(x) / self.D)

    def entropy_production(self) -> float:
        """Rate of entropy production, 2 rotation^2 / rate, 1/time."""
        return 2 * self.rotation**2 / self.rate

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n states from the Gaussian, shape (n, d)."""
        size = (integer(n, "n", 0), self.d)
        return generator(rng).normal(0, np.sqrt(self.variance()), size)

    def _first_route(self) -> TransitionPaths:
        return finite_volumes(self) if self.d == 2 else collocation(self)
