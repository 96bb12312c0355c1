"""Transition paths on a line by quadrature: the potential alone, no derivative."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cellstate.systems._diffusion import Diffusion, Gradient
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._routes._ends import (
    NO_LEFT,
    NO_RIGHT,
    between_sets,
    ends_on_line,
    facing,
)
from cellstate.systems._routes._panels import (
    integral,
    integral_from_left,
    integral_from_right,
    nodes_of,
)

PANELS = 256  # panels over the box, at least
RISE = 1.0  # most that V / D may change over a panel
HEIGHT = 600.0  # most that V / D may span: beyond it numbers leave the double range


def quadrature(system: Gradient) -> TransitionPaths:
    r"""Transition paths of a one-dimensional gradient system, from its potential.

    With a the edge of the left set, b that of the right one, h(x) the chance to
    reach b before a and Z the integral of e^(-V/D)::

        h(x)     = int_a^x e^(V/D) / int_a^b e^(V/D)
        nu       = D / (Z int_a^b e^(V/D))
        T(x)     = int_x^b e^(V(y)/D) int_-inf^y e^(-V(z)/D) dz dy / D

    Composite Gauss-Legendre rule of 16 nodes per panel, panels so short that V / D
    changes by at most 1; relative error about 1e-13.

    Parameters
    ----------
    system
        A gradient system with d = 1, whose sets are a `below` and an `above`.

    Returns
    -------
    TransitionPaths
        Functions take states (..., 1). The ends of `system.box` reflect; beyond it
        passage times are those of its ends.

    Raises
    ------
    ValueError
        The system has no potential, d > 1, other sets, or a barrier above 600 D.

    References
    ----------
    Gardiner, Handbook of Stochastic Methods, 5.2; E and Vanden-Eijnden, J. Stat.
    Phys. 123 (2006).

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> round(quadrature(DoubleWell(D=1 / 3)).nu, 7)
    0.0187687
    """
    if not isinstance(system, Gradient):
        raise ValueError(
            f"quadrature needs a potential; {type(system).__name__} has none. Use "
            "collocation(system)."
        )
    ends = ends_on_line(system)
    count = panel_count(system)
    fine, coarse = (_weights(system, ends, n) for n in (count, count // 2))
    paths, rough = _paths(system, fine), _paths(system, coarse)
    error = max(abs(paths.nu / rough.nu - 1), abs(paths.k_ab / rough.k_ab - 1))
    gap = _gap(fine.edges, fine.mass, fine.hill, system.D / fine.scale)
    paths = replace(paths, residual=error, gap=gap)
    return facing(system, paths, _time_to_left(fine))


def panel_count(system: Gradient) -> int:
    """Panels over the box of a system, so short that V / D hardly changes on one."""
    (low, high), *_ = system.box
    energy = system.potential(np.linspace(low, high, 4 * PANELS + 1)[:, None])
    check_height(np.ptp(energy) / system.D, system)
    steepest = np.abs(np.diff(energy)).max() * 4 * PANELS
    return max(PANELS, int(np.ceil(steepest / (RISE * system.D))))


def check_height(height: float, system: Diffusion) -> None:
    """Refuse a barrier that nobody ever crosses."""
    if height > HEIGHT:
        raise ValueError(
            f"V / D spans {height:.0f} in the box of {system.name} with "
            f"D = {system.D:g}; at most {HEIGHT:g} can be solved. Use a larger D."
        )


@dataclass(frozen=True, eq=False)
class _Weights:
    """Panels with edges at a and b, and the two exponentials at their nodes."""

    edges: np.ndarray
    at_a: int  # a is edges[at_a]
    at_b: int
    mass: np.ndarray  # e^(-V/D) over its maximum
    hill: np.ndarray  # e^(V/D) over its maximum between the sets
    bottom: float  # smallest V / D
    scale: float  # what the product of the two exponentials is to be multiplied by
    per_d: float  # the same over D

    @property
    def between(self) -> np.ndarray:
        """Edges of the panels between the sets."""
        return self.edges[self.at_a : self.at_b + 1]

    @property
    def inner(self) -> slice:
        """Panels between the sets."""
        return slice(self.at_a, self.at_b)


def _weights(system: Gradient, ends: tuple[float, float], count: int) -> _Weights:
    (low, high), *_ = system.box
    cuts = np.array([low, *ends, high])
    numbers = np.ceil(np.diff(cuts) / (high - low) * count).astype(int) + 2
    parts = [
        np.linspace(*cuts[i : i + 2], n, endpoint=False) for i, n in enumerate(numbers)
    ]
    edges = np.concatenate([*parts, [high]])
    at_a, at_b = int(numbers[0]), int(numbers[:2].sum())
    energy = system.potential(nodes_of(edges)[..., None]) / system.D
    # Shifted so that neither exponential overflows.
    bottom, top = energy.min(), energy[:, at_a:at_b].max()
    scale = float(np.exp(top - bottom))
    return _Weights(
        edges=edges,
        at_a=at_a,
        at_b=at_b,
        mass=np.exp(bottom - energy),
        hill=np.exp(energy - top),
        bottom=float(bottom),
        scale=scale,
        per_d=scale / system.D,
    )


def _paths(system: Gradient, w: _Weights) -> TransitionPaths:
    """Paths from x <= a to x >= b."""
    a, b = w.between[[0, -1]]
    x, m, hill = nodes_of(w.between), w.mass[:, w.inner], w.hill[:, w.inner]
    up = integral_from_left(w.between, hill)
    down = integral_from_right(w.between, hill)
    rise = float(up(b))
    # Mass weighted with the chance to come from, or to go to, either side.
    late = integral_from_left(w.between, m * up(x))
    early = integral_from_right(w.between, m * down(x))
    z = integral(w.edges, w.mass)
    pi_a = float(integral_from_left(w.edges, w.mass)(a)) / z
    pi_b = float(integral_from_right(w.edges, w.mass)(b)) / z
    last_a = pi_a + float(early(a)) / rise / z
    last_b = pi_b + float(late(b)) / rise / z
    nu = 1 / (w.per_d * z * rise)
    reactive = integral(w.between, m * up(x) * down(x)) / rise**2 / z

    def exit_time(x: np.ndarray) -> np.ndarray:
        return w.per_d / rise * (down(x) * late(x) + up(x) * early(x))

    return TransitionPaths(
        route="quadrature",
        nu=nu,
        k_ab=nu / last_a,
        k_ba=nu / last_b,
        last_a=last_a,
        pi_a=pi_a,
        pi_b=pi_b,
        reactive=reactive,
        committor=between_sets(lambda x: up(x) / rise, (a, 0), (b, 1)),
        committor_backward=between_sets(lambda x: down(x) / rise, (a, 1), (b, 0)),
        density=lambda x: np.exp(w.bottom - system.potential(x) / system.D) / z,
        passage_time=_time_to_right(w),
        exit_time=between_sets(exit_time, (a, 0), (b, 0)),
        gap=float("nan"),
        residual=float("nan"),
        size=(w.mass.size,),
    )


def _time_to_right(w: _Weights) -> Callable:
    """Mean time to reach b; the left end reflects."""
    edges, part = w.edges[: w.at_b + 1], slice(0, w.at_b)
    passed = integral_from_left(edges, w.mass[:, part])(nodes_of(edges))
    time = integral_from_right(edges, w.hill[:, part] * passed)
    return between_sets(lambda x: w.per_d * time(x), NO_LEFT, (edges[-1], 0))


def _time_to_left(w: _Weights) -> Callable:
    """Mean time to reach a; the right end reflects."""
    edges, part = w.edges[w.at_a :], slice(w.at_a, None)
    passed = integral_from_right(edges, w.mass[:, part])(nodes_of(edges))
    time = integral_from_left(edges, w.hill[:, part] * passed)
    return between_sets(lambda x: w.per_d * time(x), (edges[0], 0), NO_RIGHT)


def _gap(edges: np.ndarray, mass: np.ndarray, hill: np.ndarray, d: float) -> float:
    """Slowest relaxation rate: inverse iteration, each step two integrals."""
    x = nodes_of(edges)
    share = integral_from_left(edges, mass)
    left_half = share(x) < share(edges[-1]) / 2
    z = integral(edges, mass)
    f, rate = x, 0.0
    for _ in range(500):
        f = f - integral(edges, mass * f) / z
        f = f / np.sqrt(integral(edges, mass * f**2))
        # The integral over everything vanishes: take the side without cancellation.
        gathered = np.where(
            left_half,
            integral_from_left(edges, mass * f)(x),
            -integral_from_right(edges, mass * f)(x),
        )
        after = integral_from_left(edges, -hill * gathered / d)(x)
        after = after - integral(edges, mass * after) / z
        before, rate = rate, 1 / integral(edges, mass * f * after)
        f = after
        if abs(rate - before) < 1e-13 * abs(rate):
            break
    return float(rate)
