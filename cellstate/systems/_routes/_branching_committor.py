"""Committor of cells that divide on the way, on a line."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_bvp

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._routes._way import AGREE, Way, operators, refined, way_of

NEWTON = 50  # steps at most
MESH = 400  # points the adaptive mesh starts from


def branching_committor(
    system: Diffusion, division_rate: float, x: ArrayLike
) -> np.ndarray:
    """Chance that some descendant reaches B before its own line reaches A.

    Cells divide at a constant rate into two that go on independently: with the
    generator L, ``L h + division_rate h (1 - h) = 0``, h = 0 on A and 1 on B. Newton's
    method on a Chebyshev collocation; absolute error about 1e-9.

    Parameters
    ----------
    system
        A system with d = 1, whose sets are a `below` and an `above`.
    division_rate
        Divisions per cell and time, 0 or above.
    x
        States, shape (..., 1).

    Raises
    ------
    ValueError
        d > 1, other sets, or a rate below 0.
    FloatingPointError
        Newton's method or the grid did not settle.

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> branching_committor(DoubleWell(D=1 / 3), 0.5, [[-0.5]]).round(4)
    array([0.0855])
    """
    rate, way = _rate(division_rate), way_of(system)
    field = refined(lambda degree: _newton(way, rate, degree), (way.a, way.b))
    return way.between(field, way.a, x)


def branching_committor_adaptive(
    system: Diffusion, division_rate: float, x: ArrayLike
) -> np.ndarray:
    """Second route to `branching_committor`: collocation on a mesh that adapts.

    Kierzenka and Shampine's method, order 4, as in `scipy.integrate.solve_bvp`.

    Parameters
    ----------
    system
        A system with d = 1, whose sets are a `below` and an `above`.
    division_rate
        Divisions per cell and time, 0 or above.
    x
        States, shape (..., 1).

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> branching_committor_adaptive(DoubleWell(D=1 / 3), 0.5, [[-0.5]]).round(4)
    array([0.0855])
    """
    rate, way = _rate(division_rate), way_of(system)

    def slopes(y: np.ndarray, h: np.ndarray) -> np.ndarray:
        pull = way.drift(y) * h[1] + rate * h[0] * (1 - h[0])
        return np.vstack([h[1], -pull / system.D])

    mesh = np.linspace(way.a, way.b, MESH)
    layer = max(np.sqrt(rate / system.D), 1e-3)  # a line where hardly any cell divides
    guess = np.expm1(-layer * (mesh - way.a))
    guess = guess / guess[-1]
    start = np.vstack([guess, np.gradient(guess, mesh)])
    found = solve_bvp(
        slopes,
        lambda left, right: np.array([left[0], right[0] - 1]),
        mesh,
        start,
        tol=1e-9,
        max_nodes=100_000,
    )
    if not found.success:
        raise FloatingPointError(
            f"no solution for division_rate = {rate:g} on {system.name}: "
            f"{found.message} Use branching_committor."
        )
    return way.between(lambda y: found.sol(y)[0], way.a, x)


def _rate(value: object) -> float:
    if not np.isscalar(value) or not np.isfinite(value) or value < 0:
        raise ValueError(
            f"`division_rate` (1/time) must be a number of 0 or above; found {value!r}."
        )
    return float(value)


def _newton(way: Way, rate: float, degree: int) -> np.ndarray:
    """Branching committor at the Chebyshev points from a to b."""
    y, _, generator = operators(way, way.a, degree)
    # h (1 - h) is concave: from above, Newton's method falls onto the solution.
    h = np.ones(len(y))
    edge = np.eye(len(y))[[0, -1]]
    for _ in range(NEWTON):
        residual = generator @ h + rate * h * (1 - h)
        matrix = generator + rate * np.diag(1 - 2 * h)
        matrix[[0, -1]], residual[[0, -1]] = edge, (h[0], h[-1] - 1)
        step = np.linalg.solve(matrix, residual)
        h = h - step
        if np.abs(step).max() < AGREE:
            return h
    raise FloatingPointError(
        f"Newton's method still moves by {np.abs(step).max():.1e} after {NEWTON} steps "
        f"with division_rate = {rate:g}. Use a smaller rate."
    )
