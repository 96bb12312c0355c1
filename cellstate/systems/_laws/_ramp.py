"""A pitchfork swept in time: cells choose a side while the landscape splits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfcx, ndtr

from cellstate._base.checks import positive
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._laws._bifurcations import Pitchfork
from cellstate.systems._laws._choice_law import (
    RampHistory,
    backward_chance,
    forward_history,
)
from cellstate.systems._laws._line import finite
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._regions import Region


@dataclass(frozen=True, kw_only=True)
class RampedPitchfork(Diffusion):
    """dx = (r x - x^3 + h) dt + sqrt(2 D) dW, where r = r_start + eps t grows.

    The clock starts at t = 0 with r = r_start; at r_stop the ramp ends and r stays.
    There is no stationary law and there are no sets: the question is on which side a
    cell is at the end of the ramp.

    Attributes
    ----------
    D
        Diffusion, squared units of the state per unit of time.
    eps
        Speed of the ramp, 1/time^2.
    h
        Bias towards the right, units of the state per time.
    r_start, r_stop
        Ends of the ramp, 1/time.

    References
    ----------
    Kondepudi, Moss, McClintock, Physica D 21, 296 (1986): sweep through a pitchfork
    with bias and noise.

    Examples
    --------
    >>> law = RampedPitchfork(D=0.001, eps=0.01, h=0.005)
    >>> round(law.chance_right(), 4)
    0.7472
    """

    name = "ramped pitchfork"
    D: float = 0.01
    eps: float = 0.05
    h: float = 0.0
    r_start: float = -1.0
    r_stop: float = 1.0

    def __post_init__(self) -> None:
        positive(self.eps, "eps", "1/time^2", "RampedPitchfork(eps=0.05)")
        finite(self.h, "h", "units of the state per time")
        finite(self.r_start, "r_start", "1/time")
        finite(self.r_stop, "r_stop", "1/time")
        if self.r_start >= self.r_stop:
            raise ValueError(
                "the ramp goes up: `r_start` must be below `r_stop`; found "
                f"{self.r_start:g} and {self.r_stop:g}."
            )
        if self.source is not None or self.target is not None:
            raise ValueError(
                "a ramp has no sets: its committor is the chance to end on the right; "
                f"found source {self.source} and target {self.target}. Leave them out."
            )
        super().__post_init__()

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """Where V stays below 40 D at both ends of the ramp."""
        ends = [self.frozen(r).box[0] for r in (self.r_start, self.r_stop)]
        return ((min(low for low, _ in ends), max(high for _, high in ends)),)

    @property
    def duration(self) -> float:
        """Time from r_start to r_stop."""
        return (self.r_stop - self.r_start) / self.eps

    @property
    def fastest_rate(self) -> float:
        """Fastest relaxation at the stable states of both ends of the ramp, 1/time."""
        ends = (self.frozen(self.r_start), self.frozen(self.r_stop))
        return max(end.fastest_rate for end in ends)

    def r(self, t: ArrayLike) -> np.ndarray:
        """Parameter r at times t, shape of `t`; r_stop after the ramp."""
        return np.minimum(self.r_start + self.eps * np.asarray(t, float), self.r_stop)

    def frozen(self, r: float) -> Pitchfork:
        """The pitchfork that stands still at r."""
        return Pitchfork(D=self.D, mu=float(r), h=self.h)

    def potential(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """V = x^4/4 - r x^2/2 - h x of states (..., 1) at times (...), shape (...)."""
        x = np.asarray(x, dtype=float)[..., 0]
        return x**4 / 4 - self.r(t) * x**2 / 2 - self.h * x

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift r x - x^3 + h of states (..., 1) at times (...), shape (..., 1)."""
        x = np.asarray(x, dtype=float)
        return self.r(t)[..., None] * x - x**3 + self.h

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivative r - 3 x^2 of states (..., 1) at times (...), shape (..., 1, 1)."""
        x = np.asarray(x, dtype=float)
        return (self.r(t)[..., None] - 3 * x**2)[..., None]

    def committor(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Chance to be on the right, x > 0, at the end of the ramp.

        From the backward equation on a fine grid, solved once per law and read off
        by linear interpolation; two grids differ by less than 1e-4.

        Parameters
        ----------
        x
            States, shape (..., 1).
        t
            Time of each, one number or shape (...); from the end of the ramp on the
            answer is 0 or 1.
        """
        return backward_chance(self)(x, t)

    def chance_right(self) -> float:
        """Chance that a cell ends on the right, by the law of the sweep.

        P = Phi(h pi^(1/4) / (sqrt(D) eps^(1/4))), exact for the linear law from r far
        below 0; compare `history`, which solves the nonlinear one.
        """
        bias = self.h * np.pi**0.25 / (np.sqrt(self.D) * self.eps**0.25)
        return float(ndtr(bias))

    def linear_variance(self, r: ArrayLike) -> np.ndarray:
        """Variance of the linear law at r, started at r far below 0, shape of `r`.

        D sqrt(pi/eps) erfcx(-r / sqrt(eps)): D / |r| long before the bifurcation and
        D sqrt(pi / eps) at it.
        """
        at = np.asarray(r, dtype=float)
        scale = self.D * np.sqrt(np.pi / self.eps)
        return scale * erfcx(-at / np.sqrt(self.eps))

    def history(self) -> RampHistory:
        """Moments and modes of all cells along the ramp.

        From the Fokker-Planck equation; at t = 0 stands the stationary law at r_start.
        """
        return forward_history(self)

    def sample(
        self, n: int, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draw n states at t = 0 from the stationary law at r_start, shape (n, 1)."""
        return self.frozen(self.r_start).sample(n, rng)

    def density(self, x: ArrayLike) -> np.ndarray:
        """Density at t = 0, the stationary one at r_start, of states (..., 1)."""
        return self.frozen(self.r_start).density(x)

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        return None, None

    def _first_route(self) -> TransitionPaths:
        raise ValueError(
            f"{self.name} has no stationary law, hence no rates between sets. Use "
            "committor(x, t) and history(), or frozen(r).transition_paths()."
        )
