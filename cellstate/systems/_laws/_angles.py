"""Angles of polarity: a preferred direction, kept for a while and lost by diffusion."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate.systems._diffusion import Gradient
from cellstate.systems._laws._line import finite
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._regions import Region

DIGITS = 1e-16  # Fourier modes kept until they are below it
MODES = 400  # modes kept at most: a above 0.998 or so needs more


@dataclass(frozen=True, kw_only=True)
class AngularPolarity(Gradient):
    """An angle that diffuses on the circle with density (1 + a cos(x - axis)) / 2 pi.

    V = -D log(1 + a cos(x - axis)). States are angles in radians of shape (..., 1),
    not reduced to one turn: the paths count turns. With a = 0 the direction is lost
    as e^(-D t).

    Attributes
    ----------
    D
        Rotational diffusion, 1/time (radians are pure numbers).
    a
        Strength of the polarity, from 0 to below 1.
    axis
        Preferred angle, radians.

    References
    ----------
    Mardia and Jupp, Directional Statistics (2000), 3.5.5 (cardioid distribution).

    Examples
    --------
    >>> law = AngularPolarity(D=1.0, a=0.5)
    >>> law.first_mode()
    0.25
    >>> AngularPolarity(D=0.5, a=0.0).direction_memory([0.0, 2.0]).round(4)
    array([1.    , 0.3679])
    """

    name = "angular polarity"
    axes: ClassVar[tuple[str, ...]] = ("angle",)

    D: float = 1.0
    a: float = 0.5
    axis: float = 0.0

    def __post_init__(self) -> None:
        finite(self.axis, "axis", "radians")
        if not 0 <= finite(self.a, "a", "1") < 1:
            raise ValueError(
                f"`a` must be from 0 to below 1; found {self.a:g}. At 1 and above the "
                "density is not above 0 everywhere."
            )
        super().__post_init__()

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """One turn about the preferred angle."""
        return ((self.axis - np.pi, self.axis + np.pi),)

    @property
    def fastest_rate(self) -> float:
        """Curvature of V at the preferred angle, at least D, 1/time."""
        return self.D * max(1.0, self.a / (1 - self.a))

    def potential(self, x: ArrayLike) -> np.ndarray:
        """-D log(1 + a cos) of angles (..., 1), shape (...)."""
        return -self.D * np.log1p(self.a * np.cos(self._away(x)))

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """D a sin / (1 + a cos) of angles (..., 1), shape (..., 1)."""
        away = self._away(x)[..., None]
        return self.D * self.a * np.sin(away) / (1 + self.a * np.cos(away))

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """D a (cos + a) / (1 + a cos)^2 of angles (..., 1), shape (..., 1, 1)."""
        cos = np.cos(self._away(x))[..., None, None]
        return self.D * self.a * (cos + self.a) / (1 + self.a * cos) ** 2

    def density(self, x: ArrayLike) -> np.ndarray:
        """Density per radian of angles (..., 1), shape (...)."""
        return (1 + self.a * np.cos(self._away(x))) / (2 * np.pi)

    def distribution(self, x: ArrayLike) -> np.ndarray:
        """Probability from axis - pi up to angles (..., 1) within that turn, (...)."""
        away = self._away(x)
        return 0.5 + (away + self.a * np.sin(away)) / (2 * np.pi)

    def first_mode(self) -> float:
        """Length of the mean direction |<e^(i x)>| = a / 2."""
        return self.a / 2

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n angles within half a turn of the axis, shape (n, 1).

        A uniform angle is kept with chance (1 + a cos) / 2 and else turned by pi,
        where the chance is the rest to 1.
        """
        rng = generator(rng)
        away = rng.uniform(-np.pi, np.pi, (integer(n, "n", 0), 1))
        kept = 2 * rng.random(away.shape) < 1 + self.a * np.cos(away)
        turned = np.where(away > 0, away - np.pi, away + np.pi)
        return self.axis + np.where(kept, away, turned)

    def direction_memory(self, lag: ArrayLike) -> np.ndarray:
        """<cos(x(t + lag) - x(t))> in the stationary state, shape of `lag`.

        e^(-D lag) for a = 0; in general a sum of exponentials that falls from 1 to
        (a / 2)^2, from the eigenfunctions in Fourier modes.
        """
        rates, weights = _relaxation(self)
        lag = np.asarray(lag, dtype=float)
        if not (lag >= 0).all():
            raise ValueError(f"lag times are 0 or above; found {lag.min():g}.")
        return np.exp(-lag[..., None] * rates) @ weights

    def persistence_time(self) -> float:
        """Time over which the direction is remembered: 1 / D for a = 0.

        Integral of `direction_memory`, less its end value, over its fall.
        """
        rates, weights = _relaxation(self)
        return float((weights[1:] / rates[1:]).sum() / weights[1:].sum())

    def _away(self, x: ArrayLike) -> np.ndarray:
        return np.asarray(x, dtype=float)[..., 0] - self.axis

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return None, None

    def _first_route(self) -> TransitionPaths:
        raise ValueError(
            "an angle on the circle can reach a set from either side; no transition "
            f"paths are solved for {self.name}. Use direction_memory()."
        )


@lru_cache(maxsize=64)
def _relaxation(law: AngularPolarity) -> tuple[np.ndarray, np.ndarray]:
    """Relaxation rates, ascending from 0, and their weights in the memory.

    Weak form over e^(i k x): mass <k|l> = 1, a/2 beside the diagonal; stiffness
    D k l <k|l>. Eigenfunctions decay in k like the Fourier series of the drift.
    """
    fall = (1 - np.sqrt(1 - law.a**2)) / law.a if law.a else 0.0
    needed = int(np.log(DIGITS) / np.log(fall)) + 10 if fall else 10
    k = np.arange(-min(needed, MODES), min(needed, MODES) + 1)
    mass = np.eye(k.size)
    mass += law.a / 2 * (np.eye(k.size, k=1) + np.eye(k.size, k=-1))
    rates, vectors = eigh(law.D * np.outer(k, k) * mass, mass)
    overlap = (k == 1).astype(float) @ mass @ vectors
    return np.maximum(rates, 0), overlap**2
