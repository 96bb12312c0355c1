"""Which functions and which penalty: judged on lineages that were held out."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve

from cellstate.flow._design import Design
from cellstate.flow._equations import Equations, Moments

# Ridge strengths, relative to the information on a coefficient.
RIDGES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
JITTER = 1e-10


@dataclass(frozen=True, eq=False)
class Candidate:
    """A design, its equations, and what a ridge holds back in it.

    Attributes
    ----------
    moments
        What held-out steps say of it.
    weights
        Ridge per coefficient and hour, shape (q,); 0 leaves one free.
    ridges
        Strengths to try.
    """

    design: Design
    equations: Equations
    moments: Moments
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


def choose(precision: np.ndarray, candidates: list[Candidate]) -> Choice:
    """Take the simplest design whose best ridge is within one standard error.

    A trial is judged in the folds it has not seen: by the moments of increments less
    its drift with test functions of the state before the step, weighted so that they
    are the mean square of that difference, as far as the tests can show it.

    Parameters
    ----------
    precision
        Inverse of twice the diffusion, shape (d, d).
    candidates
        Simple ones first, judged by the same test functions.

    References
    ----------
    Hansen, Econometrica 50, 1029 (1982), for the criterion.
    """
    trials = [(c, ridge) for c in candidates for ridge in c.ridges]
    errors = np.array([_errors(c, ridge, precision) for c, ridge in trials])
    total = errors.mean(axis=1)
    best = int(total.argmin())
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


def _simplest(
    trials: list[tuple[Candidate, float]], total: np.ndarray, deviation: np.ndarray
) -> int:
    """First design with a trial as good as the best but for chance; its best ridge."""
    good = np.flatnonzero(total <= total.min() + deviation)
    design = trials[good[0]][0]
    own = [t for t, (candidate, _) in enumerate(trials) if candidate is design]
    return min(own, key=lambda t: total[t])


def _errors(candidate: Candidate, ridge: float, precision: np.ndarray) -> np.ndarray:
    """Held-out error per hour in every fold, relative to no drift at all, (folds,)."""
    equations, moments = candidate.equations, candidate.moments
    errors = np.empty(len(equations.hours))
    for fold in range(len(errors)):
        c = solve_equations(equations.without(fold), ridge, candidate.weights)
        seen, gram = moments.seen[fold], moments.gram[fold]
        left = seen - moments.fields[fold] @ c
        size = np.diag(gram)
        inverse = np.linalg.inv(gram + np.diag(1e-8 * size + JITTER * size.mean()))
        loss = _square(left, inverse, precision) - _square(seen, inverse, precision)
        errors[fold] = loss / equations.hours[fold]
    return errors


def _square(moments: np.ndarray, inverse: np.ndarray, precision: np.ndarray) -> float:
    return float(np.einsum("ri,rs,sj,ij->", moments, inverse, moments, precision))


def _effective(candidate: Candidate, ridge: float) -> float:
    """Effective number of coefficients."""
    equations = candidate.equations
    a = equations.a.sum(axis=0) + equations.known_a
    full = penalised(a, ridge, candidate.weights, equations.hours.sum())
    return float(np.trace(solve(full, a)))
