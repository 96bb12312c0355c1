"""Committors of cells that divide and die."""

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from cellstate.kinetics._grid._linear import Solver
from cellstate.kinetics._grid._problem import Problem
from cellstate.kinetics._grid._process import killed

Rate = float | Callable[[np.ndarray], np.ndarray] | None

KINDS = (None, "random", "mass", "any")
NEWTON_STEPS = 60
SETTLED = 1e-10  # residual of the quadratic equation over its right side


def divided(
    problem: Problem, division: str, birth_rate: Rate, death_rate: Rate
) -> tuple[np.ndarray, float]:
    """Committor of all cells by what is followed at a division, and the residual."""
    free = killed(problem.links, problem.mesh.size, problem.cuts)
    places = problem.mesh.nodes[free.cells]
    birth = rate_at(birth_rate, places, "birth_rate")
    death = rate_at(death_rate, places, "death_rate")
    gain = problem.target.total(problem.target.rate)[free.cells]
    if division == "random":
        solver = Solver(sparse.diags_array(death) - free.generator, "the committor")
        q, residual = solver.solve(gain), solver.residual
    elif division == "mass":
        q, residual = _mass(free.generator, birth - death, gain)
    else:
        q, residual = _any(free.generator, birth, death, gain)
    return problem.spread(free.cells, q), residual


def rate_at(rate: Rate, x: np.ndarray, name: str) -> np.ndarray:
    """A rate at states (n, d): finite and not negative, (n,)."""
    values = rate(x) if callable(rate) else (0.0 if rate is None else rate)
    values = np.asarray(values, dtype=float)
    if values.shape not in ((), (len(x),)):
        raise ValueError(
            f"`{name}` of states {x.shape} must be one number or have shape "
            f"({len(x)},); found {values.shape}."
        )
    values = np.broadcast_to(values, (len(x),))
    if not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError(
            f"`{name}` must be finite and at least 0 (1/h); found values from "
            f"{values.min():.3g} to {values.max():.3g}."
        )
    return values


def _mass(
    generator: sparse.csc_array, growth: np.ndarray, gain: np.ndarray
) -> tuple[np.ndarray, float]:
    """Solve (L + g) q = 0 and make sure that the expectation is finite.

    It is so if and only if the cells outside both sets die out or leave: then, and
    only then, is the mean time that a cell and its descendants spend there, the
    solution of (L + g) v = -1, positive.
    """
    solver = Solver(-generator - sparse.diags_array(growth), "the expected number")
    try:
        spent = solver.solve(np.ones(gain.size))
    except FloatingPointError:
        spent = np.full(gain.size, -1.0)
    if not (spent > 0).all():
        rate = principal_rate(generator, growth)
        raise FloatingPointError(
            "the expected number of descendants in the target is infinite: cells "
            f"outside both sets multiply by {rate:.3g} per hour in the long run, "
            'faster than they leave. Use division="any", lower the birth rate or '
            "take larger sets."
        )
    return solver.solve(gain), solver.residual


def principal_rate(generator: sparse.csc_array, growth: np.ndarray) -> float:
    """Largest eigenvalue of L + g outside the sets, 1/h."""
    operator = (generator + sparse.diags_array(growth)).tocsc()
    beyond = float(growth.max()) + 1e-3 * max(abs(float(growth.max())), 1.0)
    start = np.ones(growth.size)
    found = linalg.eigs(
        operator, k=1, sigma=beyond, v0=start, return_eigenvectors=False
    )
    return float(found.real[0])


def _any(
    generator: sparse.csc_array, birth: np.ndarray, death: np.ndarray, gain: np.ndarray
) -> tuple[np.ndarray, float]:
    """Solve L h + b h (1 - h) - d h = 0 by Newton steps.

    From h = 1 downward: the equation is convex in h, so that the steps never
    overshoot.
    """
    h = np.ones(gain.size)
    size = np.linalg.norm(gain)
    for _ in range(NEWTON_STEPS):
        left = generator @ h + birth * h * (1 - h) - death * h + gain
        residual = float(np.linalg.norm(left) / size)
        if residual <= SETTLED:
            return h, residual
        slope = sparse.diags_array(death - birth * (1 - 2 * h)) - generator
        h = h + Solver(slope, "a Newton step").solve(left)
    raise FloatingPointError(
        f"the committor of some descendant left a residual of {residual:.2g} after "
        f"{NEWTON_STEPS} Newton steps; expected {SETTLED:g}. Raise n."
    )
