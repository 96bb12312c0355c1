"""Numbers as a function of the state, seen with noise in single steps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg import solve

from cellstate._base.results import Result
from cellstate.flow._basis import FieldBasis, polynomials
from cellstate.flow._robust import following_rows, summed_squares

DEGREES = (0, 1, 2)
STEPS_EACH = 20  # steps per coefficient, at least
# Steps over which what is seen is dependent: the noise of a frame enters the squares
# and products of the residuals of three steps.
LAGS = 2
CLEARLY = 3.0  # standard errors by which a richer function must do better


@dataclass(frozen=True, eq=False, kw_only=True)
class StateFunction(Result):
    """Polynomials of the state, one per number.

    Attributes
    ----------
    basis
        The constant alone where the numbers are the same everywhere.
    coefficients
        Shape (p, e) for e numbers.
    covariance
        Of the coefficients of each number, (e, p, p); NaN where it was given.
    """

    kind: ClassVar[str] = "state_function"
    basis: FieldBasis
    coefficients: np.ndarray
    covariance: np.ndarray

    @property
    def constant(self) -> bool:
        """Whether the numbers are the same everywhere."""
        return self.basis.size == 1

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at states (n, d), shape (n, e)."""
        return self.basis(x) @ self.coefficients

    def standard_error(self, x: np.ndarray) -> np.ndarray:
        """Standard errors at states (n, d), shape (n, e)."""
        values = self.basis(x)
        variance = np.einsum(
            "np,epq,nq->ne", values, self.covariance, values, optimize=True
        )
        return np.sqrt(np.maximum(variance, 0))


@dataclass(frozen=True, eq=False)
class Seen:
    """Numbers seen in single steps.

    Attributes
    ----------
    values
        Shape (k, e); their mean at a state is what is looked for.
    x
        States, (k, d).
    weight
        Shape (k,).
    first, second
        Rows of the steps, (k,).
    group, fold
        Lineage and fold of each, (k,).
    """

    values: np.ndarray
    x: np.ndarray
    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray
    group: np.ndarray
    fold: np.ndarray


def constant_function(x: np.ndarray, values: np.ndarray) -> StateFunction:
    """Wrap numbers (e,) that were given and hold everywhere."""
    return StateFunction(
        basis=polynomials(x, 0),
        coefficients=values[None],
        covariance=np.full((values.size, 1, 1), np.nan),
    )


def fit_function(seen: Seen) -> StateFunction:
    """Constant, linear or quadratic, whichever predicts steps of other lineages.

    The simplest within three standard errors of the best is taken. The constant makes
    the fitted numbers sum to those seen.

    Parameters
    ----------
    seen
        Numbers of every step.
    """
    entries = seen.values.shape[1]
    top = polynomials(seen.x, DEGREES[-1])
    allowed = len(seen.x) / (STEPS_EACH * entries)
    degrees = [k for k in DEGREES if k == 0 or top.up_to(k).size <= allowed]
    errors = np.array([_held_out(top.up_to(k)(seen.x), seen) for k in degrees])
    apart = errors - errors[int(errors.mean(axis=1).argmin())]
    deviation = apart.std(axis=1, ddof=1) / np.sqrt(errors.shape[1])
    within = apart.mean(axis=1) <= CLEARLY * deviation
    basis = top.up_to(degrees[int(np.flatnonzero(within)[0])])
    values = basis(seen.x)
    weighted = values * seen.weight[:, None]
    gram = values.T @ weighted
    coefficients = solve(gram, weighted.T @ seen.values)
    left, inverse = seen.values - values @ coefficients, np.linalg.inv(gram)
    following = following_rows(seen.first, seen.second)
    covariance = np.empty((entries, basis.size, basis.size))
    for entry in range(entries):
        scores = weighted * left[:, entry, None]
        meat = summed_squares(scores, seen.group, following, LAGS)[0]
        covariance[entry] = inverse @ meat @ inverse
    return StateFunction(basis=basis, coefficients=coefficients, covariance=covariance)


def _held_out(values: np.ndarray, seen: Seen) -> np.ndarray:
    """Mean squared error in every fold, relative to the numbers' spread, (folds,)."""
    y, weight = seen.values, seen.weight[:, None]
    spread = y.std(axis=0)
    # Numbers that are all the same spread by rounding only.
    spread = np.where(spread > 1e-12 * np.abs(y).max(axis=0), spread, 1.0)
    errors = []
    for k in range(int(seen.fold.max()) + 1):
        own = seen.fold == k
        weighted = values[~own] * weight[~own]
        gram = weighted.T @ values[~own]
        jitter = 1e-12 * np.trace(gram) * np.eye(len(gram))
        c = solve(gram + jitter, weighted.T @ y[~own])
        wrong = ((y[own] - values[own] @ c) / spread) ** 2
        errors.append((wrong * weight[own]).mean())
    return np.array(errors)
