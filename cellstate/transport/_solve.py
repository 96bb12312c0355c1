"""One pair of snapshots: problem in, plan and its residual out."""

import warnings
from dataclasses import dataclass

import numpy as np

from cellstate.transport._scaling import Scaled, scale
from cellstate.transport._wasserstein import SIMPLEX_STEPS


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """Cost in units of its median, and marginals that sum to 1.

    Attributes
    ----------
    cost
        Shape (n, m).
    source, target
        Marginals, shapes (n,) and (m,).
    regularization, relaxation
        In units of the cost; relaxation of source and target, infinite where exact.
        NaN: a method without regularization.
    drop_below
        Entries below this share of both their row and their column are dropped.
        NaN: none.
    tolerance, max_iterations
        Of the scaling.
    """

    cost: np.ndarray
    source: np.ndarray
    target: np.ndarray
    regularization: float
    relaxation: tuple[float, float]
    drop_below: float
    tolerance: float
    max_iterations: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Solution:
    """Entries of the plan, and how far the solver came.

    Attributes
    ----------
    row, column, mass
        Entries kept, shape (p,).
    rows, columns
        Marginals of the plan before entries were dropped, shapes (n,) and (m,).
    residual, converged, n_iterations
        Of the solver.
    """

    row: np.ndarray
    column: np.ndarray
    mass: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    residual: float
    converged: bool
    n_iterations: int


def exact(problem: Problem) -> Solution:
    """Linear programme by network simplex; both marginals exact."""
    plan, stopped = _simplex(problem.cost, problem.source, problem.target)
    return _solution(plan, problem, None, 0, stopped)


def entropic(problem: Problem) -> Solution:
    """Both marginals exact, entries blurred over costs of about eps."""
    scaled = _scaled(problem)
    return _solution(scaled.plan, problem, scaled.residual, scaled.n_iterations)


def unbalanced(problem: Problem) -> Solution:
    """Both marginals follow their priors softly: cells may lack a past or a future."""
    scaled = _scaled(problem)
    return _solution(scaled.plan, problem, scaled.residual, scaled.n_iterations)


def semirelaxed(problem: Problem) -> Solution:
    """Source follows its prior softly, target exact; no blur.

    The scaling gives each source cell its mass, then network simplex joins these
    masses to the target: the entropy smooths growth but never the pairs.
    """
    scaled = _scaled(problem)
    source = scaled.plan.sum(axis=1)
    plan, stopped = _simplex(problem.cost, source / source.sum(), problem.target)
    return _solution(plan, problem, scaled.residual, scaled.n_iterations, stopped)


SOLVERS = {
    "exact": exact,
    "entropic": entropic,
    "unbalanced": unbalanced,
    "semirelaxed": semirelaxed,
}
REGULARIZED = ("entropic", "unbalanced", "semirelaxed")
RELAXED = ("unbalanced", "semirelaxed")
BLURRED = ("entropic", "unbalanced")


def _scaled(problem: Problem) -> Scaled:
    return scale(
        problem.cost,
        problem.source,
        problem.target,
        regularization=problem.regularization,
        source_relaxation=problem.relaxation[0],
        target_relaxation=problem.relaxation[1],
        tolerance=problem.tolerance,
        max_iterations=problem.max_iterations,
    )


def _simplex(
    cost: np.ndarray, source: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Exact plan, and whether it stopped before the optimum (POT warns then too)."""
    import ot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # told again, with numbers
        plan, log = ot.emd(source, target, cost, numItermax=SIMPLEX_STEPS, log=True)
    return plan, log["warning"] is not None


def _solution(
    plan: np.ndarray,
    problem: Problem,
    residual: float | None,
    n_iterations: int,
    stopped: bool = False,
) -> Solution:
    rows, columns = plan.sum(axis=1), plan.sum(axis=0)
    if residual is None:
        missed = abs(rows - problem.source).sum(), abs(columns - problem.target).sum()
        residual = float(max(missed))
    kept = plan > 0
    if np.isfinite(problem.drop_below):
        kept &= plan >= problem.drop_below * np.minimum(rows[:, None], columns[None, :])
    row, column = np.nonzero(kept)
    return Solution(
        row=row,
        column=column,
        mass=plan[row, column],
        rows=rows,
        columns=columns,
        residual=residual,
        converged=bool(not stopped and residual <= problem.tolerance),
        n_iterations=n_iterations,
    )
