"""Decisions between two fates: binary choice, binary flip, toggle switch."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from cellstate._base.checks import positive
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._laws._decision import Decision, Point
from cellstate.systems._laws._landscapes import Box2, symmetric
from cellstate.systems._regions import Ball, Region


@dataclass(frozen=True, kw_only=True)
class BinaryChoice(Decision):
    """V = x^4 + y^4 + y^3 - 4 x^2 y + y^2 + p1 x + p2 y: one progenitor, two fates.

    p1 < 0 favours the right fate, p2 is the signal that keeps the progenitor. On
    p1 = 0 the progenitor is stable for p2 > 0 and ends in a subcritical pitchfork at
    p2 = 0; each fate exists for p2 < 7/4 and there meets a saddle. A and B are discs
    around the left and the right fate; with `commitment()` A is the progenitor and B
    either fate. Without both fates there are no usual sets.

    Attributes
    ----------
    D
        Diffusion.
    p1, p2
        Tilt between the fates, and signal.
    pitchfork, fold
        Values of p2 on p1 = 0 where the progenitor and where the fates end.
    fold_points
        Where the fates then are.

    References
    ----------
    Saez et al., Cell Systems 13 (2022); Rand et al., PNAS 118 (2021).

    Examples
    --------
    >>> law = BinaryChoice(D=0.05, p1=0.0, p2=0.5)
    >>> [round(c, 5) for c in law.progenitor], [round(c, 5) for c in law.fates[1]]
    ([0.0, -0.34707], [1.30146, 0.84689])
    >>> round(float(law.committor([0.0, -0.347])), 3)
    0.5
    """

    name = "binary choice"
    smallest_box = ((-2.5, 2.5), (-2.0, 2.5))
    pitchfork: ClassVar[float] = 0.0
    fold: ClassVar[float] = 7 / 4
    fold_points: ClassVar[tuple[Point, Point]] = ((-1.0, 0.5), (1.0, 0.5))

    D: float = 0.05
    p1: float = 0.0
    p2: float = 0.5

    @staticmethod
    def _role(x: float, y: float) -> int:
        return 2 if y < 0.25 else int(x > 0)

    @staticmethod
    def _shape(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return x**4 + y**4 + y**3 - 4 * x**2 * y + y**2

    @staticmethod
    def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along_y = 4 * y**3 + 3 * y**2 - 4 * x**2 + 2 * y
        return np.stack([4 * x**3 - 8 * x * y, along_y], axis=-1)

    @staticmethod
    def _curvature(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return symmetric(12 * x**2 - 8 * y, -8 * x, 12 * y**2 + 6 * y + 2)


@dataclass(frozen=True, kw_only=True)
class BinaryFlip(Decision):
    """V = x^4 + y^4 + x^3 - 2 x y^2 - x^2 + p1 x + p2 y: one exit that flips.

    The progenitor lies at x < 0 and leaves over one saddle, which leads to the first
    fate (y < 0) or the second (y > 0) as p2 changes sign: no local bifurcation of the
    progenitor while the share of the fates jumps. On p2 = 0 the progenitor exists for
    p1 above `progenitor_fold`, the fates for p1 below `fate_fold`; at p1 =
    `saddle_pitchfork` the exit splits into two, which makes it a choice. A and B are
    discs around the two fates; with `commitment()` A is the progenitor and B either.

    Attributes
    ----------
    D
        Diffusion.
    p1, p2
        Signal that keeps the progenitor, and tilt between the fates (p2 < 0 favours
        the second).
    saddle_pitchfork, fate_fold, progenitor_fold
        Values of p1 on p2 = 0.
    fate_fold_x, progenitor_fold_x
        Where along x: roots of 12 x^2 + 6 x - 4 and of 12 x^2 + 6 x - 2.

    References
    ----------
    Saez et al., Cell Systems 13 (2022); Rand et al., PNAS 118 (2021).

    Examples
    --------
    >>> round(BinaryFlip.fate_fold, 6), round(BinaryFlip.progenitor_fold, 6)
    (0.867317, -1.502642)
    >>> [round(c, 5) for c in BinaryFlip(p1=-0.5).progenitor]
    [-1.10101, 0.0]
    """

    name = "binary flip"
    smallest_box = ((-2.3, 2.2), (-2.2, 2.2))
    saddle_pitchfork: ClassVar[float] = 0.0
    # On p2 = 0 the fates lie on y^2 = x: p1 = 4 x - 3 x^2 - 4 x^3, extremal here.
    fate_fold_x: ClassVar[float] = (57**0.5 - 3) / 12
    fate_fold: ClassVar[float] = (
        4 * fate_fold_x - 3 * fate_fold_x**2 - 4 * fate_fold_x**3
    )
    # The progenitor lies on y = 0: p1 = 2 x - 3 x^2 - 4 x^3, extremal here.
    progenitor_fold_x: ClassVar[float] = -(33**0.5 + 3) / 12
    progenitor_fold: ClassVar[float] = (
        2 * progenitor_fold_x - 3 * progenitor_fold_x**2 - 4 * progenitor_fold_x**3
    )

    D: float = 0.05
    p1: float = -0.5
    p2: float = 0.0

    @staticmethod
    def _role(x: float, y: float) -> int:
        return 2 if x < -0.3 else int(y > 0)

    @staticmethod
    def _shape(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return x**4 + y**4 + x**3 - 2 * x * y**2 - x**2

    @staticmethod
    def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along_x = 4 * x**3 + 3 * x**2 - 2 * y**2 - 2 * x
        return np.stack([along_x, 4 * y**3 - 4 * x * y], axis=-1)

    @staticmethod
    def _curvature(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return symmetric(12 * x**2 + 6 * x - 2, -4 * y, 12 * y**2 - 4 * x)


@dataclass(frozen=True, kw_only=True)
class ToggleSwitch(Diffusion):
    """Two genes that switch each other off: dx = a/(1+y^n) - x, dy = a/(1+x^n) - y.

    Symmetric for a below `critical`; above, one of the two wins. There is no
    potential. An amount below 0, which additive noise may reach, represses as much as
    0 does. A is the disc of radius 0.25 around the state with y high, B around the
    one with x high; below `critical` there are no usual sets.

    Attributes
    ----------
    D
        Diffusion.
    a
        Rate of production, amounts per lifetime.
    n
        Hill exponent, above 1.

    References
    ----------
    Gardner, Cantor and Collins, Nature 403 (2000).

    Examples
    --------
    >>> law = ToggleSwitch(a=3.0, n=2)
    >>> law.critical, [round(c, 6) for c in law.x_high]
    (2.0, [2.618034, 0.381966])
    """

    name = "toggle switch"
    axes: ClassVar[tuple[str, ...]] = ("x", "y")

    D: float = 0.05
    a: float = 3.0
    n: float = 2

    def __post_init__(self) -> None:
        positive(self.a, "a", "amounts per lifetime", "ToggleSwitch(a=3)")
        positive(self.n, "n", "no unit", "ToggleSwitch(n=2)")
        if self.n <= 1:
            raise ValueError(
                f"`n` must be above 1 for a switch; found {self.n!r}. Use n=2."
            )
        super().__post_init__()

    @property
    def box(self) -> Box2:
        """Five standard deviations, and then some, around all fixed points."""
        room = max(0.5, float(np.sqrt(50 * self.D)))
        return ((-room, self.a + room),) * 2

    @property
    def critical(self) -> float:
        """Production a_c at which the symmetric state splits: x* (1 + x*^n)."""
        crossing = (self.n - 1) ** (-1 / self.n)
        return crossing * (1 + crossing**self.n)

    @property
    def symmetric_state(self) -> float:
        """The amount x with x (1 + x^n) = a."""
        return optimize.brentq(
            lambda x: x * (1 + x**self.n) - self.a, 0, self.a, xtol=1e-15
        )

    @property
    def x_high(self) -> Point | None:
        """The state with x high; None where the switch is symmetric."""
        if self.a <= self.critical:
            return None
        middle, a, n = self.symmetric_state, self.a, self.n
        x = optimize.brentq(
            lambda x: (a / (1 + (a / (1 + x**n)) ** n) - x) / (x - middle),
            middle * (1 + 1e-6),
            a,
            xtol=1e-15,
        )
        return x, a / (1 + x**n)

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        if self.x_high is None:
            return None, None
        return Ball(self.x_high[::-1], 0.25), Ball(self.x_high, 0.25)

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift of states (..., 2), shape (..., 2)."""
        x = np.asarray(x, dtype=float)
        return self.a / (1 + np.maximum(x[..., ::-1], 0) ** self.n) - x

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivatives of the drift at states (..., 2), shape (..., 2, 2)."""
        x = np.maximum(np.asarray(x, dtype=float), 0)
        slope = -self.a * self.n * x ** (self.n - 1) / (1 + x**self.n) ** 2
        loss = -np.ones(x.shape[:-1])
        rows = [
            np.stack([loss, slope[..., 1]], -1),
            np.stack([slope[..., 0], loss], -1),
        ]
        return np.stack(rows, -2)
