"""The Ornstein-Uhlenbeck law, with rotation: everything in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, positive
from cellstate._base.random import generator
from cellstate.systems._laws._circulating import TURN, Circulating
from cellstate.systems._laws._line import finite
from cellstate.systems._regions import Region


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
