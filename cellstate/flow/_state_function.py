"""Numbers as a function of the state, seen with noise in single steps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg import solve
from scipy.stats import chi2

from cellstate._base.results import Result
from cellstate.flow._basis import FieldBasis, polynomials
from cellstate.flow._robust import following_rows, summed_squares

DEGREES = (0, 1, 2)
STEPS_EACH = 20  # steps per coefficient, at least
# Steps over which what is seen is dependent: the noise of a frame enters the squares
# and products of the residuals of three steps.
LAGS = 2
LEVEL = 0.01  # chance at which a richer function is taken where none is needed
ROUNDING = 1e-12


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
    group
        Lineage of each, (k,).
    shift
        What each step adds, through estimates made before, to all values alike, (k, e).
    """

    values: np.ndarray
    x: np.ndarray
    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray
    group: np.ndarray
    shift: np.ndarray | None = None


def constant_function(x: np.ndarray, values: np.ndarray) -> StateFunction:
    """Wrap numbers (e,) that were given and hold everywhere."""
    return StateFunction(
        basis=polynomials(x, 0),
        coefficients=values[None],
        covariance=np.full((values.size, 1, 1), np.nan),
    )


def fit_function(seen: Seen) -> StateFunction:
    """Constant, linear or quadratic: the simplest that the data do not reject.

    The terms that a richer function has are tested (Wald, one number at a time, with
    Bonferroni's correction). The constant makes the fitted numbers sum to those seen.

    Parameters
    ----------
    seen
        Numbers of every step.
    """
    entries = seen.values.shape[1]
    top = polynomials(seen.x, DEGREES[-1])
    allowed = np.count_nonzero(seen.weight) / (STEPS_EACH * entries)
    degrees = [k for k in DEGREES if k == 0 or top.up_to(k).size <= allowed]
    richest = _fitted(top.up_to(degrees[-1]), seen)
    for degree in degrees[:-1]:
        if _p_beyond(richest, degree) > LEVEL:
            return _fitted(top.up_to(degree), seen)
    return richest


def _fitted(basis: FieldBasis, seen: Seen) -> StateFunction:
    values = basis(seen.x)
    weighted = values * seen.weight[:, None]
    gram = values.T @ weighted
    gram += ROUNDING * np.diag(np.diag(gram))
    coefficients = solve(gram, weighted.T @ seen.values)
    left, inverse = seen.values - values @ coefficients, np.linalg.inv(gram)
    following = following_rows(seen.first, seen.second)
    covariance = np.empty((seen.values.shape[1], basis.size, basis.size))
    for entry in range(len(covariance)):
        scores = weighted * left[:, entry, None]
        if seen.shift is not None:
            scores += seen.shift[:, entry, None] * weighted.sum(axis=0)
        meat = summed_squares(scores, seen.group, following, LAGS)[0]
        covariance[entry] = inverse @ meat @ inverse
    return StateFunction(basis=basis, coefficients=coefficients, covariance=covariance)


def _p_beyond(found: StateFunction, degree: int) -> float:
    """Chance of terms above a degree as large as these if there were none."""
    beyond = found.basis.exponents.sum(axis=1) > degree
    least = 1.0
    for c, covariance in zip(found.coefficients.T, found.covariance, strict=True):
        own = covariance[np.ix_(beyond, beyond)]
        if not np.abs(own).max() > 0:
            # Numbers without scatter: any term that is more than rounding counts.
            return float(np.abs(c[beyond]).max() <= ROUNDING * np.abs(c).max())
        statistic = c[beyond] @ np.linalg.pinv(own, hermitian=True) @ c[beyond]
        least = min(least, float(chi2.sf(statistic, int(beyond.sum()))))
    return min(1.0, least * found.coefficients.shape[1])
