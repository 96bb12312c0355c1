"""Laws whose fixed points split or vanish as a parameter moves: pitchfork and fold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._fixed_points import FixedPoints
from cellstate.systems._laws._line import Line, finite
from cellstate.systems._regions import Region, above, below


def cubic_roots(mu: float, h: float) -> np.ndarray:
    """Real roots of x^3 = mu x + h, ascending, by Viete's formulas.

    Examples
    --------
    >>> cubic_roots(1.0, 0.0).round(12) + 0.0
    array([-1., 0., 1.])
    """
    if mu == 0:
        return np.array([np.cbrt(h)])
    scale = 2 * np.sqrt(abs(mu) / 3)
    tilt = h / fold(abs(mu))
    if mu < 0:
        return np.array([scale * np.sinh(np.arcsinh(tilt) / 3)])
    if abs(tilt) > 1:
        return np.array([np.sign(h) * scale * np.cosh(np.arccosh(abs(tilt)) / 3)])
    angle = np.arccos(tilt) / 3 - 2 * np.pi / 3 * np.array([1, 2, 0])
    roots = np.sort(scale * np.cos(angle))
    if abs(tilt) == 1:  # two of the three have met
        return np.unique(roots.round(12))
    return roots


def fold(mu: float) -> float:
    """Tilt at which a well of x^4/4 - mu x^2/2 - h x vanishes: 2 (mu / 3)^(3/2).

    Examples
    --------
    >>> round(fold(1.0), 6)
    0.3849
    """
    return float(2 * (mu / 3) ** 1.5)


class _Quartic(Line):
    """V = x^4/4 - mu x^2/2 - h x."""

    mu: float
    h: float

    def __post_init__(self) -> None:
        finite(self.mu, "mu", "1/time")
        finite(self.h, "h", "units of the state per time")
        super().__post_init__()

    def _energy(self, x: np.ndarray) -> np.ndarray:
        return x**4 / 4 - self.mu * x**2 / 2 - self.h * x

    def _slope(self, x: np.ndarray) -> np.ndarray:
        return x**3 - self.mu * x - self.h

    def _curvature(self, x: np.ndarray) -> np.ndarray:
        return 3 * x**2 - self.mu

    def fixed_points(self) -> FixedPoints:
        """Roots of x^3 = mu x + h in closed form."""
        x = cubic_roots(self.mu, self.h)[:, None]
        return FixedPoints(x=x, eigenvalues=-self._curvature(x).astype(complex))


@dataclass(frozen=True, kw_only=True)
class Pitchfork(_Quartic):
    """V = x^4/4 - mu x^2/2 - h x: one well splits into two as mu passes 0.

    For mu > 0, A is x <= -sqrt(mu) and B is x >= sqrt(mu) unless told otherwise;
    for mu <= 0 there are no sets.

    Attributes
    ----------
    D
        Diffusion.
    mu
        Growth rate of small deviations, 1/time.
    h
        Bias to the right, units of the state per time.

    Examples
    --------
    >>> law = Pitchfork(D=0.1, mu=1.0)
    >>> round(1 / law.transition_paths().k_ab, 3), law.bifurcations["mu"]
    (66.269, (0.0,))
    """

    name = "pitchfork"
    D: float = 0.1
    mu: float = 1.0
    h: float = 0.0

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        if self.mu <= 0:
            return None, None
        return below(-np.sqrt(self.mu)), above(np.sqrt(self.mu))

    @property
    def bifurcations(self) -> dict[str, tuple[float, ...]]:
        """Values of each parameter, the other held, where a fixed point is born.

        mu = 3 (|h| / 2)^(2/3), the pitchfork itself at h = 0; h = -/+ 2 (mu/3)^(3/2)
        for mu > 0.
        """
        folds = (-fold(self.mu), fold(self.mu)) if self.mu > 0 else ()
        return {"mu": (3 * (abs(self.h) / 2) ** (2 / 3),), "h": folds}

    def linear_variance(self) -> float:
        """Variance D / |mu| of the linear law, the limit of small D for mu < 0, h = 0.

        Raises
        ------
        ValueError
            mu >= 0: the linear law has no stationary variance.
        """
        return self.D / self._linear_rate()

    def linear_autocorrelation(self, lag: ArrayLike) -> np.ndarray:
        """Autocorrelation e^(-|mu| lag) of the linear law, shape of `lag`; mu < 0."""
        return np.exp(-self._linear_rate() * np.abs(np.asarray(lag, dtype=float)))

    def _linear_rate(self) -> float:
        if self.mu >= 0:
            raise ValueError(
                "the law linearised at 0 is stable for mu < 0 only; found "
                f"mu = {self.mu:g}."
            )
        return -self.mu


@dataclass(frozen=True, kw_only=True)
class SaddleNode(_Quartic):
    """V = x^4/4 - x^2/2 - h x: the left well vanishes at the fold h = 2 / (3 sqrt 3).

    Between the folds A is all x up to the left well and B all x from the right well
    on, unless told otherwise; beyond them there are no sets.

    Attributes
    ----------
    D
        Diffusion.
    h
        Tilt, units of the state per time.

    Examples
    --------
    >>> law = SaddleNode(D=0.02, h=0.2)
    >>> round(law.bifurcations["h"][1], 4), round(law.escape_time(), 1)
    (0.3849, 386.2)
    """

    name = "saddle-node"
    D: float = 0.02
    h: float = 0.2

    @property
    def mu(self) -> float:
        """1, the slope of the drift at 0."""
        return 1.0

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        if abs(self.h) >= fold(1.0):
            return None, None
        left, _, right = cubic_roots(1.0, self.h)
        return below(float(left)), above(float(right))

    @property
    def bifurcations(self) -> dict[str, tuple[float, ...]]:
        """The two folds h = -/+ 2 / (3 sqrt 3)."""
        return {"h": (-fold(1.0), fold(1.0))}

    def escape_time(self) -> float:
        """Exact mean time from A to B: no Kramers formula, right up to the fold.

        Raises
        ------
        ValueError
            There is one well only, and no sets were given.
        """
        return self.transition_paths().mfpt_ab
