"""What is known exactly about the transitions between two sets."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Field = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False, kw_only=True)
class TransitionPaths:
    """Transition paths from A (source) to B (target) of one stationary run.

    Attributes
    ----------
    route
        How the numbers were reached.
    nu
        A to B passages per unit of time.
    k_ab, k_ba
        Rates: nu over the share of time in which A (B) was visited last.
    last_a
        Share of the time in which A was visited last.
    pi_a, pi_b
        Share of the time inside A and inside B.
    reactive
        Share of the time on the way from A to B.
    committor, committor_backward
        Functions of states (..., d), values (...): chance to reach B before A;
        chance to have come from A rather than B.
    density
        Stationary density, function of states (..., d).
    passage_time
        Mean time to reach B, whatever is visited before, function of states (..., d).
    exit_time
        Mean time to reach A or B, function of states (..., d).
    gap
        Second smallest eigenvalue of minus the generator, the slowest relaxation
        rate; NaN where the route does not give it.
    residual
        Largest relative residual of the linear solves; error of a quadrature.
    size
        Grid points or nodes behind it.
    """

    route: str
    nu: float
    k_ab: float
    k_ba: float
    last_a: float
    pi_a: float
    pi_b: float
    reactive: float
    committor: Field
    committor_backward: Field
    density: Field
    passage_time: Field
    exit_time: Field
    gap: float
    residual: float
    size: tuple[int, ...]

    @property
    def mfpt_ab(self) -> float:
        """Mean time from entering A, coming from B, to entering B: 1 / k_ab."""
        return 1 / self.k_ab

    @property
    def mfpt_ba(self) -> float:
        """Mean time from entering B, coming from A, to entering A: 1 / k_ba."""
        return 1 / self.k_ba

    @property
    def transition_path_time(self) -> float:
        """Mean time from leaving A for good to entering B."""
        return self.reactive / self.nu
