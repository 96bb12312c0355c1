"""Metastable sets of a chain that need not be reversible: memberships by GPCCA."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import schur
from scipy.optimize import minimize

from cellstate.kinetics._chain._spectrum import eigenvalues

# Two eigenvalues of one modulus within this belong together (conjugate pairs).
SAME = 1e-9
EVALUATIONS = 4000  # per parameter at most this over ten


@dataclass(frozen=True, eq=False, kw_only=True)
class Lumping:
    """Fuzzy sets of cells.

    Attributes
    ----------
    memberships
        Shape (k, m); rows add up to 1.
    transitions
        Between the sets over one lag, (m, m); rows add up to 1, and entries may be
        slightly negative where sets overlap.
    weights
        Stationary law of the sets, (m,).
    crispness
        1 when every cell belongs to one set wholly.
    """

    memberships: np.ndarray
    transitions: np.ndarray
    weights: np.ndarray
    crispness: float


def splits_a_pair(transitions: np.ndarray, m: int) -> bool:
    """Whether m dominant eigenvalues would part a conjugate pair."""
    values = eigenvalues(transitions)
    if m >= values.size:
        return False
    one, two = values[m - 1], values[m]
    return bool(abs(one.imag) > SAME and abs(one - two.conj()) < SAME)


def lump(transitions: np.ndarray, law: np.ndarray, m: int) -> Lumping:
    """Find m metastable sets from the real Schur vectors of the m slowest processes.

    Parameters
    ----------
    transitions
        Irreducible chain, (k, k).
    law
        Its stationary law, (k,).
    m
        Number of sets, 2 or more.

    Raises
    ------
    ValueError
        More sets than cells, or m would part a conjugate pair.

    References
    ----------
    Reuter et al., J. Chem. Theory Comput. 14 (2018) 3579 (GPCCA); Roeblitz and Weber,
    Adv. Data Anal. Classif. 7 (2013) 147 (inner simplex, crispness).
    """
    k = len(transitions)
    if not 2 <= m < k:
        raise ValueError(f"from 2 to {k - 1} sets can be made of {k} cells; found {m}.")
    if splits_a_pair(transitions, m):
        raise ValueError(
            f"{m} sets would part a pair of complex eigenvalues; take {m - 1} or "
            f"{m + 1}."
        )
    vectors = _invariant(transitions, law, m)
    rotation = _optimised(vectors, _inner_simplex(vectors))
    memberships = np.clip(vectors @ rotation, 0, None)
    memberships /= memberships.sum(axis=1, keepdims=True)
    order = np.argsort(-(law @ memberships))
    memberships = memberships[:, order]
    return Lumping(
        memberships=memberships,
        transitions=coarse(memberships, law, transitions),
        weights=law @ memberships,
        crispness=_crispness(rotation),
    )


def coarse(
    memberships: np.ndarray, law: np.ndarray, transitions: np.ndarray
) -> np.ndarray:
    """Galerkin projection of a chain onto the sets, (m, m)."""
    weighted = memberships.T * law
    return np.linalg.solve(weighted @ memberships, weighted @ transitions @ memberships)


def _invariant(transitions: np.ndarray, law: np.ndarray, m: int) -> np.ndarray:
    """Basis (k, m) of the slow subspace: first 1, orthonormal in the stationary law."""
    root = np.sqrt(law)
    size = np.sort(np.abs(eigenvalues(transitions)))[::-1]
    between = (size[m - 1] + size[m]) / 2
    _, vectors, found = schur(
        transitions * root[:, None] / root,
        output="real",
        sort=lambda re, im: np.hypot(re, im) > between,
    )
    if found != m:
        raise FloatingPointError(
            f"{found} eigenvalues lie above the gap after {m}; the gap is lost in "
            "rounding. Take another number of sets."
        )
    slow = vectors[:, :m]
    # The root of the law lies in this space; make it the first vector.
    turned = np.column_stack([root, slow - np.outer(root, root @ slow)])
    basis = np.linalg.svd(turned[:, 1:], full_matrices=False)[0]
    return np.column_stack([np.ones(len(root)), basis[:, : m - 1] / root[:, None]])


def _inner_simplex(vectors: np.ndarray) -> np.ndarray:
    """Start: the m cells that are furthest apart become pure, (m, m)."""
    m = vectors.shape[1]
    chosen = [int(np.argmax(np.linalg.norm(vectors, axis=1)))]
    left = vectors - vectors[chosen[0]]
    for _ in range(m - 1):
        size = np.linalg.norm(left, axis=1)
        chosen.append(int(np.argmax(size)))
        unit = left[chosen[-1]] / size[chosen[-1]]
        left = left - np.outer(left @ unit, unit)
    return np.linalg.pinv(vectors[chosen])


def _feasible(free: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Fill a rotation (m, m) so that memberships are 0 or more and add up to 1."""
    m = vectors.shape[1]
    rotation = np.zeros((m, m))
    rotation[1:, 1:] = free.reshape(m - 1, m - 1)
    rotation[1:, 0] = -rotation[1:, 1:].sum(axis=1)
    rotation[0] = -(vectors[:, 1:] @ rotation[1:]).min(axis=0)
    return rotation / rotation[0].sum()


def _crispness(rotation: np.ndarray) -> float:
    return float((rotation**2 / rotation[0]).sum() / len(rotation))


def _optimised(vectors: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Rotation with the crispest memberships, from the inner simplex."""
    free = start[1:, 1:].ravel()

    def loss(free: np.ndarray) -> float:
        return -_crispness(_feasible(free, vectors))

    best = minimize(
        loss,
        free,
        method="Nelder-Mead",
        options={"maxfev": EVALUATIONS * max(1, free.size // 10), "adaptive": True},
    )
    better = best.x if best.fun < loss(free) else free
    return _feasible(better, vectors)
