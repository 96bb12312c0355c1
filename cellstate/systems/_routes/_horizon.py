"""Committors on a line within a finite time, each by two routes.

One knows the drift and inverts a Laplace transform, one knows the potential and adds
decaying modes; they share neither grid nor solver.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.linalg import eigh_tridiagonal

from cellstate.systems._diffusion import Diffusion, Gradient
from cellstate.systems._routes._way import Way, operators, refined, way_of

TALBOT = 20  # points of the Laplace inversion: about 1e-11 in double precision
CELLS = (500, 1000)  # of the finite differences, extrapolated
STIFF = 30.0  # V / D above the bottom at which the route by modes puts its far wall


def committor_within(system: Diffusion, times: ArrayLike, x: ArrayLike) -> np.ndarray:
    """Chance to reach B before A and within a time: q_T, from the drift.

    dq/dT = L q between the sets, q = 0 on A, q = 1 on B, and q = 0 elsewhere at T = 0.
    The Laplace transform in T solves a boundary value problem by Chebyshev collocation
    and is inverted along Talbot's contour; absolute error about 1e-9,
    and 1e-7 at worst where times exceed those of the wells a thousandfold.

    Parameters
    ----------
    system
        A system with d = 1, whose sets are a `below` and an `above`.
    times
        Horizons T > 0, any shape, in the law's unit.
    x
        States, shape (..., 1).

    Returns
    -------
    ndarray
        Shape of `times` followed by the shape (...) of the states.

    Raises
    ------
    ValueError
        d > 1, other sets, or a time that is not above 0.

    References
    ----------
    Abate and Valko, Int. J. Numer. Meth. Engng 60 (2004): fixed Talbot inversion.

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> committor_within(DoubleWell(D=1 / 3), [1.0, 2.0, 10.0], [0.0]).round(4)
    array([0.4307, 0.4957, 0.5   ])
    """
    way = way_of(system)
    return _per_time(lambda t: _by_laplace(way, way.a, t, x), times)


def reach_within(system: Diffusion, times: ArrayLike, x: ArrayLike) -> np.ndarray:
    """Chance to reach B within a time, whatever is visited before: p_T, from the drift.

    As `committor_within`, but A is no end: the far end of the box reflects instead.

    Parameters
    ----------
    system
        A system with d = 1, whose sets are a `below` and an `above`.
    times
        Horizons T > 0, any shape, in the law's unit.
    x
        States, shape (..., 1).

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> reach_within(DoubleWell(D=1 / 3), [1.0, 2.0, 10.0], [-1.0]).round(4)
    array([0.0083, 0.0421, 0.2978])
    """
    way = way_of(system)
    return _per_time(lambda t: _by_laplace(way, way.low, t, x), times)


def committor_within_by_modes(
    system: Gradient, times: ArrayLike, x: ArrayLike
) -> np.ndarray:
    """Second route to `committor_within`: decaying modes, from the potential.

    A reversible hopping chain on an even grid, its modes by a symmetric eigenproblem,
    two grids extrapolated; absolute error about 1e-6.

    Parameters
    ----------
    system
        A gradient system with d = 1, whose sets are a `below` and an `above`.
    times
        Horizons T > 0, any shape, in the law's unit.
    x
        States, shape (..., 1).

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> committor_within_by_modes(DoubleWell(D=1 / 3), [1.0, 2.0], [0.0]).round(4)
    array([0.4307, 0.4957])
    """
    way = way_of(system)
    return _by_modes(way, way.a, times, x)


def reach_within_by_modes(
    system: Gradient, times: ArrayLike, x: ArrayLike
) -> np.ndarray:
    """Second route to `reach_within`: decaying modes, from the potential.

    Parameters
    ----------
    system
        A gradient system with d = 1, whose sets are a `below` and an `above`.
    times
        Horizons T > 0, any shape, in the law's unit.
    x
        States, shape (..., 1).

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> reach_within_by_modes(DoubleWell(D=1 / 3), [10.0], [-1.0]).round(4)
    array([0.2978])
    """
    way = way_of(system)
    grid = np.linspace(way.low, way.b, 2001)
    energy = way.energy(grid)
    # Farther out the weight of a node is lost in rounding, and no path comes there.
    wall = grid[np.flatnonzero(energy - energy.min() < STIFF)[0]]
    return _by_modes(way, float(wall), times, x)


def _per_time(solve: Callable[[float], np.ndarray], times: ArrayLike) -> np.ndarray:
    times = _horizons(times)
    answers = np.array([solve(t) for t in times.ravel()])
    return answers.reshape(times.shape + answers.shape[1:])


def _horizons(times: ArrayLike) -> np.ndarray:
    times = np.asarray(times, dtype=float)
    if times.size == 0 or not (np.isfinite(times) & (times > 0)).all():
        raise ValueError(
            f"`times` are finite horizons above 0; found {times.tolist()}. Without "
            "a limit use system.committor(x)."
        )
    return times


def _by_laplace(way: Way, start: float, t: float, x: ArrayLike) -> np.ndarray:
    """Chance to reach b within t from states x, killed at or reflected by `start`."""
    angle = np.arange(1, TALBOT) * np.pi / TALBOT
    cot = 1 / np.tan(angle)
    s = np.concatenate([[1.0], angle * (cot + 1j)]) * 2 * TALBOT / 5
    weight = np.exp(s) * 2 / (5 * t)
    weight[0] /= 2
    weight[1:] *= 1 + 1j * angle * (1 + cot**2) - 1j * cot
    s = s / t

    def solve(degree: int) -> np.ndarray:
        y, slope, generator = operators(way, start, degree)
        matrix = s[:, None, None] * np.eye(len(y)) - generator
        matrix[:, 0] = np.eye(len(y))[0] if start == way.a else slope[0]
        matrix[:, -1] = np.eye(len(y))[-1]
        right = np.zeros((TALBOT, len(y), 1), dtype=complex)
        right[:, -1, 0] = 1 / s
        return (weight @ np.linalg.solve(matrix, right)[..., 0]).real

    field = refined(solve, (start, way.b))
    return way.between(field, start, x)


def _by_modes(way: Way, start: float, times: ArrayLike, x: ArrayLike) -> np.ndarray:
    coarse, fine = (_modes(way, start, n) for n in CELLS)

    def solve(t: float) -> np.ndarray:
        rough, good = (way.between(grid(t), start, x) for grid in (coarse, fine))
        return (4 * good - rough) / 3  # the error falls with the square of the step

    return _per_time(solve, times)


def _modes(way: Way, start: float, n: int) -> Callable[[float], CubicSpline]:
    """The chance within t, as a function of t, on n cells from `start` to b."""
    y, h = np.linspace(start, way.b, n + 1, retstep=True)
    energy = way.energy(y)
    hop = way.system.D / h**2
    right = hop * np.exp(-np.diff(energy) / 2)  # to the next node
    left = hop * np.exp(np.diff(energy) / 2)  # and back
    killed = start == way.a
    first = 1 if killed else 0  # b is no unknown, and a only where it reflects
    leave = right[first:] + np.concatenate([[0], left])[first:-1]
    # Made symmetric, the chain hops at one rate everywhere.
    rates, modes = eigh_tridiagonal(leave, np.full(len(leave) - 1, -hop))
    root = np.exp((energy.min() - energy[first:-1]) / 2)
    final = np.ones(n - first)
    if killed:
        climb = np.cumsum(np.exp((energy[1:] + energy[:-1]) / 2 - energy.max()))
        final = climb[:-1] / climb[-1]
    strength = modes.T @ (root * final)

    def curve(t: float) -> CubicSpline:
        inside = final - modes @ (np.exp(-rates * t) * strength) / root
        return CubicSpline(y, np.concatenate([np.zeros(first), inside, [1.0]]))

    return curve
