"""Functions that a field is a sum of: polynomials, and Gaussians where they help."""

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from math import comb
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result
from cellstate.statespace import SmoothBasis, smooth_basis

LANDMARKS = 300
BLOCK = 10_000  # states evaluated at once, so that memory stays small


@dataclass(frozen=True, eq=False, kw_only=True)
class FieldBasis(Result):
    """Monomials of the scaled state up to a degree, and Gaussians at landmarks.

    Attributes
    ----------
    center, scale
        States enter as ``(x - center) / scale``, each of shape (d,).
    exponents
        One monomial per row, the constant first, in the order of degree, (p, d).
    gaussians
        None for polynomials alone.
    """

    kind: ClassVar[str] = "field_basis"
    center: np.ndarray
    scale: np.ndarray
    exponents: np.ndarray
    gaussians: SmoothBasis | None = None

    @property
    def n_monomials(self) -> int:
        """Number of monomials, the constant among them."""
        return len(self.exponents)

    @property
    def size(self) -> int:
        """Number of functions."""
        return self.n_monomials + self._n_gaussians

    @property
    def degree(self) -> int:
        """Highest degree of a monomial."""
        return int(self.exponents.sum(axis=1).max())

    @property
    def name(self) -> str:
        """In words."""
        polynomial = f"polynomial of degree {self.degree}"
        gaussians = self._n_gaussians
        return f"{polynomial} + {gaussians} Gaussians" if gaussians else polynomial

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at states (n, d), shape (n, size)."""
        values = np.empty((len(x), self.size))
        values[:, : self.n_monomials] = _monomials(self._scaled(x), self.exponents)
        if self.gaussians is not None:
            values[:, self.n_monomials :] = self.gaussians(x)[:, self._skipped :]
        return values

    def slopes(self, x: np.ndarray) -> np.ndarray:
        """Derivatives at states (n, d), shape (n, d, size)."""
        slopes = np.empty((*x.shape, self.size))
        z = self._scaled(x)
        for i in range(x.shape[1]):
            factor, lowered = _derived(self.exponents, i)
            part = _monomials(z, lowered) * (factor / self.scale[i])
            slopes[:, i, : self.n_monomials] = part
        if self.gaussians is not None:
            gaussians = self.gaussians.slopes(x)[:, :, self._skipped :]
            slopes[:, :, self.n_monomials :] = gaussians
        return slopes

    def curvature(self, x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """Second derivatives summed with a matrix (d, d) or (n, d, d), (n, size)."""
        d, z = x.shape[1], self._scaled(x)
        matrix = np.broadcast_to(matrix, (len(x), d, d))
        curved = np.zeros((len(x), self.size))
        for i in range(d):
            factor, once = _derived(self.exponents, i)
            for j in range(d):
                again, twice = _derived(once, j)
                factors = factor * again / (self.scale[i] * self.scale[j])
                part = _monomials(z, twice) * factors * matrix[:, i, j, None]
                curved[:, : self.n_monomials] += part
        if self.gaussians is not None:
            gaussians = self.gaussians.curvature(x, matrix)[:, self._skipped :]
            curved[:, self.n_monomials :] = gaussians
        return curved

    def up_to(self, degree: int) -> "FieldBasis":
        """Keep the monomials up to a degree, and no Gaussians."""
        kept = self.exponents.sum(axis=1) <= degree
        return FieldBasis(
            center=self.center, scale=self.scale, exponents=self.exponents[kept]
        )

    def with_gaussians(self, gaussians: SmoothBasis) -> "FieldBasis":
        """Add Gaussians to the monomials."""
        return replace(self, gaussians=gaussians)

    @property
    def _n_gaussians(self) -> int:
        return 0 if self.gaussians is None else self.gaussians.whitening.shape[1]

    @property
    def _skipped(self) -> int:
        return 1 + self.center.size  # the constant and linear part of SmoothBasis

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        return (x - self.center) / self.scale


def polynomials(x: np.ndarray, degree: int) -> FieldBasis:
    """Monomials up to a degree, scaled to the spread of the states.

    Examples
    --------
    >>> basis = polynomials(np.random.default_rng(0).normal(size=(50, 2)), 3)
    >>> basis.size, basis.name
    (10, 'polynomial of degree 3')
    """
    scale = x.std(axis=0)
    return FieldBasis(
        center=x.mean(axis=0),
        scale=np.where(scale > 0, scale, 1.0),
        exponents=_exponents(x.shape[1], degree),
    )


def gaussians_at(
    x: np.ndarray, degree: int, rng: int | np.random.Generator | None = None
) -> FieldBasis:
    """Monomials up to a degree and Gaussians at landmarks among the states."""
    gaussians = smooth_basis(x, n_landmarks=min(LANDMARKS, len(x)), rng=rng)
    return polynomials(x, degree).with_gaussians(gaussians)


def n_monomials(d: int, degree: int) -> int:
    """Monomials of d coordinates up to a degree."""
    return comb(d + degree, degree)


def blocks(n: int) -> list[slice]:
    """Cut n rows into pieces that fit in memory."""
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def _exponents(d: int, degree: int) -> np.ndarray:
    rows = [
        np.bincount(chosen, minlength=d) if chosen else np.zeros(d, dtype=np.int64)
        for k in range(degree + 1)
        for chosen in combinations_with_replacement(range(d), k)
    ]
    return np.asarray(rows, dtype=np.int64)


def _derived(exponents: np.ndarray, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Factor and exponents of the derivatives of monomials in one coordinate."""
    lowered = exponents.copy()
    lowered[:, i] = np.maximum(lowered[:, i] - 1, 0)
    return exponents[:, i].astype(float), lowered


def _monomials(z: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Monomials of states (n, d), shape (n, p)."""
    values = np.ones((len(z), len(exponents)))
    for i in range(z.shape[1]):
        power = np.ones(len(z))
        for k in range(1, int(exponents[:, i].max(initial=0)) + 1):
            power = power * z[:, i]
            values[:, exponents[:, i] == k] *= power[:, None]
    return values
