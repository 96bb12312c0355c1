"""Laws of the plane that are not reversible."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._laws._circulating import Circulating
from cellstate.systems._laws._decisions import BinaryChoice
from cellstate.systems._laws._landscapes import Box2, DoubleWell2D, split
from cellstate.systems._laws._line import finite
from cellstate.systems._regions import Ball, Region


@dataclass(frozen=True, kw_only=True)
class MaierStein(Diffusion):
    """b = (x - x^3 - 10 x y^2, -(1 + x^2) y): wells at (-1, 0), (1, 0), no potential.

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
