"""Committors from tracks: stopped transitions, a smooth basis, one linear solve."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result
from cellstate.statespace._smooth_basis import SmoothBasis

# States whose basis functions are held in memory at once.
BLOCK = 10_000


@dataclass(frozen=True, eq=False, kw_only=True)
class CommittorModel(Result):
    """A committor as a function of the state: coefficients in a smooth basis.

    Attributes
    ----------
    basis
        The functions.
    coefficients
        Shape (basis.size,).
    penalty
        Ridge penalty.
    residual
        Norm of the linear system's residual over the norm of its right side.
    ceiling
        Largest value: 1 for a chance, infinity for a number or a time.
    """

    kind: ClassVar[str] = "committor_model"
    basis: SmoothBasis
    coefficients: np.ndarray
    penalty: float
    residual: float
    ceiling: float = 1.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Evaluate at states (n, d), clipped to [0, ceiling]; NaN rows stay NaN."""
        x = np.asarray(x, dtype=float)
        q = np.full(len(x), np.nan)
        known = np.flatnonzero(np.isfinite(x).all(axis=1))
        for rows in np.array_split(known, max(1, -(-known.size // BLOCK))):
            q[rows] = self.at(self.basis(x[rows]))
        return q

    def at(self, phi: np.ndarray) -> np.ndarray:
        """Evaluate where the basis functions are known, (n, size) -> (n,)."""
        return np.clip(phi @ self.coefficients, 0, self.ceiling)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Derivatives by the state at states (n, d), without the clipping, (n, d)."""
        slopes = np.full(x.shape, np.nan)
        known = np.flatnonzero(np.isfinite(x).all(axis=1))
        for rows in np.array_split(known, max(1, -(-known.size // BLOCK))):
            slopes[rows] = self.basis.slope(x[rows], self.coefficients)
        return slopes


@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """Weighted sums over stopped pairs: all that a solve needs, and additive.

    With Phi the basis at the start, Psi at the stop, g and c the gain and constant of
    the pairs and W their weights.

    Attributes
    ----------
    gram
        Phi' W Phi, shape (..., p, p).
    step
        Phi' W g Psi, shape (..., p, p).
    met
        Phi' W c, shape (..., p).
    at_once
        The same for pairs that are in B without a step, shape (..., p).
    elapsed
        Phi' W (frames from start to stop), shape (..., p).
    """

    gram: np.ndarray
    step: np.ndarray
    met: np.ndarray
    at_once: np.ndarray
    elapsed: np.ndarray

    @classmethod
    def zeros(cls, *shape: int) -> "Moments":
        """Nothing summed yet, for arrays of shape (*shape[:-1], p, p) and so on."""
        square = (*shape, shape[-1])
        return cls(
            gram=np.zeros(square),
            step=np.zeros(square),
            met=np.zeros(shape),
            at_once=np.zeros(shape),
            elapsed=np.zeros(shape),
        )

    def padded(self, missing: int) -> "Moments":
        """Add empty groups after the last."""
        if not missing:
            return self
        more = Moments.zeros(missing, self.met.shape[-1])
        return Moments(
            gram=np.concatenate([self.gram, more.gram]),
            step=np.concatenate([self.step, more.step]),
            met=np.concatenate([self.met, more.met]),
            at_once=np.concatenate([self.at_once, more.at_once]),
            elapsed=np.concatenate([self.elapsed, more.elapsed]),
        )

    def weighted(self, weight: np.ndarray) -> "Moments":
        """Sum over the first axis with weights, shape (..., n_groups)."""
        return Moments(
            gram=np.tensordot(weight, self.gram, 1),
            step=np.tensordot(weight, self.step, 1),
            met=np.tensordot(weight, self.met, 1),
            at_once=np.tensordot(weight, self.at_once, 1),
            elapsed=np.tensordot(weight, self.elapsed, 1),
        )


def solve_committor(
    basis: SmoothBasis, moments: Moments, penalty: float, *, ceiling: float = 1.0
) -> CommittorModel:
    """Solve (Phi' W (Phi - g Psi) + penalty R) c = Phi' W c.

    Notes
    -----
    With indicator functions of cells as the basis and no penalty this is the
    committor of the Markov chain of stopped transitions. Without a transition into
    A or B nothing decides between them: the coefficients are NaN.

    References
    ----------
    Strahan et al., J. Chem. Theory Comput. 17 (2021) 2948 (dynamical Galerkin
    approximation with stopped transitions).
    """
    # The first function is 1, so this is the weight of pairs that met A or B; it may
    # be negative only where divisions multiply.
    met = abs(moments.gram[0, 0] - moments.step[0, 0])
    if met <= 1e-12 * moments.gram[0, 0]:
        nothing = np.full(basis.size, np.nan)
        return CommittorModel(
            basis=basis,
            coefficients=nothing,
            penalty=float(penalty),
            residual=np.nan,
            ceiling=ceiling,
        )
    matrix = moments.gram - moments.step + penalty * np.diag(basis.penalty())
    return solved(basis, matrix, moments.met, penalty, ceiling)


def solve_time(basis: SmoothBasis, moments: Moments, penalty: float) -> CommittorModel:
    """Solve the same for the mean number of frames until A or B is met."""
    matrix = moments.gram - moments.step + penalty * np.diag(basis.penalty())
    return solved(basis, matrix, moments.elapsed, penalty, np.inf)


def solve_horizon(
    basis: SmoothBasis,
    moments: Moments,
    penalty: float,
    n_steps: int,
    *,
    ceiling: float = 1.0,
) -> CommittorModel:
    """Solve for the chance to meet B first within `n_steps` steps of the pairs.

    g_0 counts what is met without a step; then g_k = E[value met, or g_{k-1} where
    the pair stopped on the way], one solve for each step.
    """
    matrix = moments.gram + penalty * np.diag(basis.penalty())
    model = solved(basis, matrix, moments.at_once, penalty, ceiling)
    for _ in range(n_steps):
        right = moments.met + moments.step @ model.coefficients
        model = solved(basis, matrix, right, penalty, ceiling)
    return model


def solved(
    basis: SmoothBasis,
    matrix: np.ndarray,
    right: np.ndarray,
    penalty: float,
    ceiling: float,
) -> CommittorModel:
    """Solve one linear system and keep its residual."""
    # A singular system (no pair at all, say) still has a least-squares answer,
    # and the residual tells how good it is.
    try:
        coefficients = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        coefficients = np.linalg.lstsq(matrix, right, rcond=None)[0]
    size = np.linalg.norm(right)
    residual = np.linalg.norm(matrix @ coefficients - right) / (size if size > 0 else 1)
    return CommittorModel(
        basis=basis,
        coefficients=coefficients,
        penalty=float(penalty),
        residual=float(residual),
        ceiling=ceiling,
    )
