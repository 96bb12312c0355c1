"""Committors from tracks: stopped transitions, a smooth basis, one linear solve."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result
from cellstate.kinetics._basis import SmoothBasis
from cellstate.kinetics._stopping import StoppedPairs

# Pairs whose basis functions are held in memory at once.
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
    """

    kind: ClassVar[str] = "committor_model"
    basis: SmoothBasis
    coefficients: np.ndarray
    penalty: float
    residual: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Evaluate at states (n, d), clipped to [0, 1]; NaN rows stay NaN."""
        q = np.full(len(x), np.nan)
        known = np.flatnonzero(np.isfinite(x).all(axis=1))
        for rows in np.array_split(known, max(1, -(-known.size // BLOCK))):
            q[rows] = self.at(self.basis(x[rows]))
        return q

    def at(self, phi: np.ndarray) -> np.ndarray:
        """Evaluate where the basis functions are known, (n, size) -> (n,)."""
        return np.clip(phi @ self.coefficients, 0, 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """Weighted sums over stopped pairs: all that a solve needs, and additive.

    With Phi the basis at the start, Psi at the stop (0 where A or B was met), v the
    value met and W the weights.

    Attributes
    ----------
    gram
        Phi' W Phi, shape (..., p, p).
    step
        Phi' W Psi, shape (..., p, p).
    met
        Phi' W v, shape (..., p).
    at_once
        The same for pairs that are in B without a step, shape (..., p).
    """

    gram: np.ndarray
    step: np.ndarray
    met: np.ndarray
    at_once: np.ndarray

    def __getitem__(self, part: object) -> "Moments":
        return Moments(
            gram=self.gram[part],
            step=self.step[part],
            met=self.met[part],
            at_once=self.at_once[part],
        )

    def total(self) -> "Moments":
        """Sum over the first axis."""
        return Moments(
            gram=self.gram.sum(0),
            step=self.step.sum(0),
            met=self.met.sum(0),
            at_once=self.at_once.sum(0),
        )

    def without(self, part: int) -> "Moments":
        """Sum over the first axis but for one part: the training folds."""
        keep = np.arange(len(self.gram)) != part
        return self[keep].total()


def fold_moments(
    basis: SmoothBasis,
    x: np.ndarray,
    pairs: StoppedPairs,
    fold: np.ndarray,
    row_weight: np.ndarray | None = None,
    *,
    phi: np.ndarray | None = None,
) -> Moments:
    """Sum the pairs of each fold; pairs with an undefined state are left out.

    Parameters
    ----------
    basis
        p functions.
    x
        States of all rows, shape (n, d).
    pairs
        Stopped pairs among the rows.
    fold
        Fold of each row, shape (n,); -1 leaves a row out.
    row_weight
        Weight of each start row, shape (n,), as a bootstrap draws it.
    phi
        The basis at all rows, shape (n, p), if it fits in memory: many sums over
        the same rows then evaluate it once.
    """
    evaluate = (lambda rows: basis(x[rows])) if phi is None else phi.__getitem__
    known = np.isfinite(x).all(axis=1)
    weight = (
        pairs.weight if row_weight is None else pairs.weight * row_weight[pairs.start]
    )
    usable = known[pairs.start] & (known[pairs.stop] | pairs.absorbed)
    usable &= (fold[pairs.start] >= 0) & (weight > 0)
    n_folds, p = int(fold.max()) + 1, basis.size
    gram, step = np.zeros((n_folds, p, p)), np.zeros((n_folds, p, p))
    met, at_once = np.zeros((n_folds, p)), np.zeros((n_folds, p))
    for f in range(n_folds):
        chosen = np.flatnonzero(usable & (fold[pairs.start] == f))
        for part in np.array_split(chosen, max(1, -(-chosen.size // BLOCK))):
            here = evaluate(pairs.start[part])
            going = ~pairs.absorbed[part]
            weighted = here * weight[part, None]
            there = evaluate(pairs.stop[part[going]])
            value = np.nan_to_num(pairs.value[part])
            instant = pairs.start[part] == pairs.stop[part]
            gram[f] += weighted.T @ here
            step[f] += weighted[going].T @ there
            met[f] += weighted.T @ value
            at_once[f] += weighted.T @ (value * instant)
    return Moments(gram=gram, step=step, met=met, at_once=at_once)


def solve_committor(
    basis: SmoothBasis, moments: Moments, penalty: float
) -> CommittorModel:
    """Solve (Phi' W (Phi - Psi) + penalty R) c = Phi' W v.

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
    # The first function is 1, so this is the weight of pairs that met A or B.
    met = moments.gram[0, 0] - moments.step[0, 0]
    if met <= 1e-12 * moments.gram[0, 0]:
        nothing = np.full(basis.size, np.nan)
        return CommittorModel(
            basis=basis, coefficients=nothing, penalty=float(penalty), residual=np.nan
        )
    matrix = moments.gram - moments.step + penalty * np.diag(basis.penalty())
    return _solved(basis, matrix, moments.met, penalty)


def solve_horizon(
    basis: SmoothBasis, moments: Moments, penalty: float, n_steps: int
) -> CommittorModel:
    """Solve for the chance to meet B first within `n_steps` steps of the pairs.

    g_0 counts what is met without a step; then g_k = E[value met, or g_{k-1} where
    the pair stopped on the way], one solve for each step.
    """
    matrix = moments.gram + penalty * np.diag(basis.penalty())
    model = _solved(basis, matrix, moments.at_once, penalty)
    for _ in range(n_steps):
        right = moments.met + moments.step @ model.coefficients
        model = _solved(basis, matrix, right, penalty)
    return model


def _solved(
    basis: SmoothBasis, matrix: np.ndarray, right: np.ndarray, penalty: float
) -> CommittorModel:
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
    )
