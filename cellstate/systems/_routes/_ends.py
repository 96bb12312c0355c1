"""Source and target on a line: their edges, and the two directions."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._regions import HalfSpace

NO_LEFT, NO_RIGHT = (-np.inf, 0.0), (np.inf, 0.0)  # no set on that side


def ends_on_line(system: Diffusion) -> tuple[float, float]:
    """Edge a of the left set and edge b of the right one.

    Raises
    ------
    ValueError
        d > 1, other sets, or sets that touch or lie outside the box.
    """
    if system.dimension != 1:
        raise ValueError(
            f"this route solves on a line, d = 1; {system.name} has "
            f"d = {system.dimension}. Use finite_volumes(system)."
        )
    sets = (system.source, system.target)
    known = all(isinstance(s, HalfSpace) and len(s.normal) == 1 for s in sets)
    if not known or sets[0].normal == sets[1].normal:
        raise ValueError(
            "on a line one set is below(a) and the other above(b); found source "
            f"{sets[0]} and target {sets[1]}. Give both when the system is made."
        )
    left, right = sets if sets[0].normal[0] > 0 else sets[::-1]
    a, b = left.bound, -right.bound
    (low, high), *_ = system.box
    if not low < a < b < high:
        raise ValueError(
            f"sets must not touch and must begin inside the box [{low:g}, {high:g}]; "
            f"found x <= {a:g} and x >= {b:g}."
        )
    return a, b


def facing(
    system: Diffusion,
    paths: TransitionPaths,
    back: Callable[[np.ndarray], np.ndarray],
) -> TransitionPaths:
    """Turn the answer for a left source into the system's own direction.

    `back` is the mean time to reach the left set. On a line every law is reversible,
    so that exchanging A and B exchanges the two committors.
    """
    if system.source.normal[0] > 0:
        return paths
    return replace(
        paths,
        k_ab=paths.k_ba,
        k_ba=paths.k_ab,
        last_a=1 - paths.last_a,
        pi_a=paths.pi_b,
        pi_b=paths.pi_a,
        committor=paths.committor_backward,
        committor_backward=paths.committor,
        passage_time=back,
    )


def between_sets(
    inside: Callable[[np.ndarray], np.ndarray],
    left: tuple[float, float],
    right: tuple[float, float],
) -> Callable[[ArrayLike], np.ndarray]:
    """Function of states (..., 1) that is `inside`(x) between two sets.

    `left` and `right` hold the edge of a set and the value in it, which is met
    exactly and not up to rounding.
    """

    def function(states: ArrayLike) -> np.ndarray:
        x = np.asarray(states, dtype=float)[..., 0]
        value = np.where(x <= left[0], left[1], inside(x))
        return np.where(x >= right[0], right[1], value)

    return function
