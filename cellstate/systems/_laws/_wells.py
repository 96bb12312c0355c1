"""Wells on a line, and one of them turned in many dimensions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate.systems._diffusion import Gradient
from cellstate.systems._fixed_points import FixedPoints
from cellstate.systems._laws._line import EDGE, Line, finite
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._regions import HalfSpace, Region, above, below

STIFFNESS = 0.3  # of the coordinates without a barrier


@dataclass(frozen=True, kw_only=True)
class DoubleWell(Line):
    """V = (x^2 - 1)^2: two equal wells at -1 and 1, barrier 1 at 0.

    A is x <= -1 and B is x >= 1 unless told otherwise.

    Examples
    --------
    >>> law = DoubleWell(D=1 / 3)
    >>> round(float(law.committor([-0.5])), 6), round(law.transition_paths().k_ab, 6)
    (0.070611, 0.037537)
    """

    name = "double well"
    D: float = 1 / 3

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return below(-1.0), above(1.0)

    def _energy(self, x: np.ndarray) -> np.ndarray:
        return (x**2 - 1) ** 2

    def _slope(self, x: np.ndarray) -> np.ndarray:
        return 4 * x * (x**2 - 1)

    def _curvature(self, x: np.ndarray) -> np.ndarray:
        return 12 * x**2 - 4


@dataclass(frozen=True, kw_only=True)
class TiltedDoubleWell(DoubleWell):
    """V = (x^2 - 1)^2 + tilt x: unequal wells, so that k_AB differs from k_BA.

    A is x <= -1 and B is x >= 0.96 unless told otherwise. Two wells are left while
    the tilt is smaller than 8 / (3 sqrt 3) = 1.5396.

    Attributes
    ----------
    D
        Diffusion.
    tilt
        Slope added to V, energy per unit of the state.

    Examples
    --------
    >>> paths = TiltedDoubleWell(D=1 / 4).transition_paths()
    >>> round(paths.k_ab, 7), round(paths.k_ba, 6)
    (0.0053357, 0.034587)
    """

    name = "tilted double well"
    D: float = 1 / 4
    tilt: float = 1 / 4

    def __post_init__(self) -> None:
        finite(self.tilt, "tilt", "energy per unit of the state")
        super().__post_init__()

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return below(-1.0), above(0.96)

    def _energy(self, x: np.ndarray) -> np.ndarray:
        return super()._energy(x) + self.tilt * x

    def _slope(self, x: np.ndarray) -> np.ndarray:
        return super()._slope(x) + self.tilt


@dataclass(frozen=True, kw_only=True)
class Prinz(Line):
    """Four wells in a bowl x^8, parted by three hills of unequal height.

    V = 4 (x^8 + 0.8 e^(-80 x^2) + 0.2 e^(-80 (x - 0.5)^2) + 0.5 e^(-40 (x + 0.5)^2)).
    A is x <= -0.7 and B is x >= 0.7 unless told otherwise.

    References
    ----------
    Prinz et al., J. Chem. Phys. 134, 174105 (2011).

    Examples
    --------
    >>> law = Prinz(D=1.0)
    >>> round(float(law.committor([0.0])), 6), round(law.transition_paths().nu, 6)
    (0.594943, 0.190538)
    """

    name = "Prinz potential"
    D: float = 1.0

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return below(-0.7), above(0.7)

    def _energy(self, x: np.ndarray) -> np.ndarray:
        return 4 * (x**8 + sum(hill for hill, _, _ in self._hills(x)))

    def _slope(self, x: np.ndarray) -> np.ndarray:
        hills = sum(-2 * c * away * hill for hill, away, c in self._hills(x))
        return 4 * (8 * x**7 + hills)

    def _curvature(self, x: np.ndarray) -> np.ndarray:
        hills = sum(
            (4 * c**2 * away**2 - 2 * c) * hill for hill, away, c in self._hills(x)
        )
        return 4 * (56 * x**6 + hills)

    @staticmethod
    def _hills(x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """Each hill's height at x, the distance to its middle, and its sharpness."""
        hills = ((0.8, 0.0, 80.0), (0.2, 0.5, 80.0), (0.5, -0.5, 40.0))
        return [(h * np.exp(-c * (x - m) ** 2), x - m, c) for h, m, c in hills]


@dataclass(frozen=True, kw_only=True)
class RotatedDoubleWell(Gradient):
    """A double well along one hidden direction of many.

    V = (z1^2 - 1)^2 + 0.3 (z2^2 + ... + zd^2) with z = R^T x, where R is the Q of the
    QR decomposition of a d x d Gaussian matrix. A is z1 <= -1 and B is z1 >= 1, so
    that committor and rates are those of `DoubleWell` in z1, whatever d and R are.

    Attributes
    ----------
    D
        Diffusion, kT.
    d
        Number of coordinates, at least 2.
    seed
        Of the Gaussian matrix.
    source, target
        Half-spaces across z1; the usual ones when left out.

    Examples
    --------
    >>> law = RotatedDoubleWell(D=1 / 3, d=100)
    >>> x = -0.5 * law.rotation[:, 0]
    >>> round(float(law.committor(x)), 6), round(law.transition_paths().k_ab, 6)
    (0.070611, 0.037537)
    """

    name = "rotated double well"
    D: float = 1 / 3
    d: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        integer(self.d, "d", 2)
        integer(self.seed, "seed", 0)
        super().__post_init__()
        self._line()  # refuses sets that are no half-spaces across z1

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the coordinates, x1 to xd."""
        return tuple(f"x{i + 1}" for i in range(self.d))

    @property
    def rotation(self) -> np.ndarray:
        """R, shape (d, d), read-only; its first column is the direction of z1."""
        return _rotation(self.d, self.seed)

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """Where V stays below 40 D, seen along every axis."""
        (_, reach), *_ = self._line().box
        first = np.abs(self.rotation[:, 0])
        soft = np.sqrt(EDGE * self.D / STIFFNESS)
        width = first * reach + np.sqrt(np.clip(1 - first**2, 0, None)) * soft
        return tuple((-float(w), float(w)) for w in width)

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        first = self.rotation[:, 0]
        return HalfSpace(tuple(first), -1.0), HalfSpace(tuple(-first), -1.0)

    def hidden(self, x: ArrayLike) -> np.ndarray:
        """Coordinates z = R^T x of states (..., d), shape (..., d)."""
        return np.asarray(x, dtype=float) @ self.rotation

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., d), shape (...)."""
        z = self.hidden(x)
        return (z[..., 0] ** 2 - 1) ** 2 + STIFFNESS * (z[..., 1:] ** 2).sum(axis=-1)

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., d), shape (..., d)."""
        z = self.hidden(x)
        slope = 2 * STIFFNESS * z
        slope[..., 0] = 4 * z[..., 0] * (z[..., 0] ** 2 - 1)
        return slope @ self.rotation.T

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., d), shape (..., d, d)."""
        z1 = self.hidden(x)[..., 0]
        first = self.rotation[:, 0]
        extra = 12 * z1**2 - 4 - 2 * STIFFNESS
        along = extra[..., None, None] * np.outer(first, first)
        return 2 * STIFFNESS * np.eye(self.d) + along

    def fixed_points(self) -> FixedPoints:
        """The wells at z1 = -1 and 1 and the saddle at 0, in closed form."""
        z1 = np.array([-1.0, 0.0, 1.0])
        x = z1[:, None] * self.rotation[:, 0]
        eigenvalues = np.full((3, self.d), -2 * STIFFNESS, dtype=complex)
        eigenvalues[:, 0] = 4 - 12 * z1**2
        order = np.argsort(x[:, 0])
        return FixedPoints(x=x[order], eigenvalues=eigenvalues[order])

    def density(self, x: ArrayLike) -> np.ndarray:
        """Stationary density of states (..., d): a double well times Gaussians."""
        z = self.hidden(x)
        spread = self.D / STIFFNESS  # twice the variance
        exponent = -(z[..., 1:] ** 2).sum(axis=-1) / spread
        norm = 0.5 * (self.d - 1) * np.log(np.pi * spread)
        return self._line().density(z[..., :1]) * np.exp(exponent - norm)

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n states from the stationary density, shape (n, d)."""
        rng = generator(rng)
        first = self._line().sample(n, rng)
        rest = rng.normal(
            0, np.sqrt(self.D / (2 * STIFFNESS)), (len(first), self.d - 1)
        )
        return np.hstack([first, rest]) @ self.rotation.T

    def _line(self) -> DoubleWell:
        """The double well in z1, with the same sets."""
        return DoubleWell(
            D=self.D, source=self._across(self.source), target=self._across(self.target)
        )

    def _across(self, region: Region) -> HalfSpace:
        along = (
            np.asarray(region.normal) @ self.rotation[:, 0]
            if isinstance(region, HalfSpace) and len(region.normal) == self.d
            else 0.0
        )
        if abs(abs(along) - 1) > 1e-9:
            raise ValueError(
                "the answers are exact for half-spaces across z1 only, normal "
                f"+-rotation[:, 0]; found {region}. Leave the sets out for z1 = -1, 1."
            )
        return HalfSpace((float(np.sign(along)),), region.bound)

    def _first_route(self) -> TransitionPaths:
        paths = self._line().transition_paths()

        def along(function: Callable) -> Callable:
            return lambda x: function(self.hidden(x)[..., :1])

        return replace(
            paths,
            committor=along(paths.committor),
            committor_backward=along(paths.committor_backward),
            density=self.density,
            passage_time=along(paths.passage_time),
            exit_time=along(paths.exit_time),
            gap=min(paths.gap, 2 * STIFFNESS),
        )


@lru_cache(maxsize=16)
def _rotation(d: int, seed: int) -> np.ndarray:
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]
    q.flags.writeable = False
    return q
