"""Which functions and which penalty: judged on lineages that were held out."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve

from cellstate.flow._design import Design
from cellstate.flow._equations import (
    Equations,
    Rows,
    at_the_instrument,
    project,
)

# Ridge strengths, relative to the information on a coefficient.
RIDGES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
JITTER = 1e-10
START = 3  # degree of the field that stands in first
ROUNDS = 3  # of the field that stands in for the true one


@dataclass(frozen=True, eq=False)
class Candidate:
    """A design, its equations, and what a ridge holds back in it.

    Attributes
    ----------
    weights
        Ridge per coefficient and hour, shape (q,); 0 leaves one free.
    ridges
        Strengths to try.
    """

    design: Design
    equations: Equations
    weights: np.ndarray
    ridges: tuple[float, ...] = RIDGES

    def knowing(self, a: np.ndarray, b: np.ndarray) -> "Candidate":
        """Add to the equations what is known beside the steps."""
        return replace(self, equations=self.equations.knowing(a, b))


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen, and how the others did.

    Attributes
    ----------
    candidate, ridge, taken
        The choice, and its number among the trials.
    names, ridges, errors, standard_errors, sizes
        Every trial: its held-out error per hour, that of a zero drift being 0 (the
        lower the better), the standard error of its difference to the best, and its
        effective number of coefficients.
    """

    candidate: Candidate
    ridge: float
    taken: int
    names: tuple[str, ...]
    ridges: np.ndarray
    errors: np.ndarray
    standard_errors: np.ndarray
    sizes: np.ndarray

    @property
    def coefficients(self) -> np.ndarray:
        """Those of the choice, from all folds, shape (q,)."""
        own = self.candidate
        return solve_equations(own.equations, self.ridge, own.weights)


def penalised(
    a: np.ndarray, ridge: float, weights: np.ndarray, hours: float
) -> np.ndarray:
    """Matrix of the equations with a ridge, (q, q)."""
    added = ridge * hours * weights + JITTER * np.abs(np.diag(a)).mean()
    return a + np.diag(added)


def solve_equations(
    equations: Equations, ridge: float, weights: np.ndarray
) -> np.ndarray:
    """Coefficients from the equations of all folds, shape (q,)."""
    a = equations.a.sum(axis=0) + equations.known_a
    full = penalised(a, ridge, weights, equations.hours.sum())
    return solve(full, equations.b.sum(axis=0) + equations.known_b)


def choose(rows: Rows, precision: np.ndarray, candidates: list[Candidate]) -> Choice:
    """Take the simplest design whose best ridge is within one standard error.

    A trial is judged in the folds it has not seen by how its drift before a step
    predicts the step. What the drift gains until the step itself, and half-way along
    it, is taken from one field for all trials: the best one so far, fitted without
    the fold too.

    Parameters
    ----------
    rows
        Steps.
    precision
        Inverse of twice the diffusion, shape (d, d).
    candidates
        Simple ones first.
    """
    trials = [(c, ridge) for c in candidates for ridge in c.ridges]
    fits = [_held_out_fits(c, ridge) for c, ridge in trials]
    # A field that is neither stiff nor loose to begin with.
    start = candidates[min(START, len(candidates)) - 1]
    best = len(start.ridges) // 2 + len(start.ridges) * candidates.index(start)
    for _ in range(ROUNDS):
        moved = at_the_instrument(rows, trials[best][0].design, fits[best])
        targets = {id(c): project(rows, c.design, precision, moved) for c in candidates}
        errors = _errors(trials, fits, targets)
        best = int(errors.mean(axis=1).argmin())
    total = errors.mean(axis=1)
    deviation = (errors - errors[best]).std(axis=1, ddof=1)
    deviation /= np.sqrt(errors.shape[1])
    taken = _simplest(trials, total, deviation)
    return Choice(
        candidate=trials[taken][0],
        ridge=trials[taken][1],
        taken=taken,
        names=tuple(c.design.name for c, _ in trials),
        ridges=np.array([ridge for _, ridge in trials]),
        errors=total,
        standard_errors=deviation,
        sizes=np.array([_effective(c, ridge) for c, ridge in trials]),
    )


def _simplest(trials: list, total: np.ndarray, deviation: np.ndarray) -> int:
    """First design with a trial as good as the best but for chance; its best ridge."""
    good = np.flatnonzero(total <= total.min() + deviation)
    design = trials[good[0]][0]
    own = [t for t, (candidate, _) in enumerate(trials) if candidate is design]
    return min(own, key=lambda t: total[t])


def _held_out_fits(candidate: Candidate, ridge: float) -> np.ndarray:
    """Coefficients without each fold in turn, shape (folds, q)."""
    equations = candidate.equations
    return np.array(
        [
            solve_equations(equations.without(fold), ridge, candidate.weights)
            for fold in range(len(equations.hours))
        ]
    )


def _errors(
    trials: list[tuple[Candidate, float]],
    fits: list[np.ndarray],
    targets: dict[int, np.ndarray],
) -> np.ndarray:
    """Held-out error per hour of every trial in every fold, (trials, folds)."""
    errors = np.empty((len(trials), len(fits[0])))
    for t, (candidate, _) in enumerate(trials):
        m, target = candidate.equations.m, targets[id(candidate)]
        for fold, c in enumerate(fits[t]):
            loss = c @ m[fold] @ c - 2 * c @ target[fold]
            errors[t, fold] = loss / candidate.equations.hours[fold]
    return errors


def _effective(candidate: Candidate, ridge: float) -> float:
    """Effective number of coefficients."""
    equations = candidate.equations
    a = equations.a.sum(axis=0) + equations.known_a
    full = penalised(a, ridge, candidate.weights, equations.hours.sum())
    return float(np.trace(solve(full, a)))
