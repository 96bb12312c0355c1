"""A positive matrix as a sum of squares of integer offsets (Selling's formula)."""

from itertools import combinations

import numpy as np

ROUNDS = 200  # far above the condition number 1e6 that a grid can stand


def offsets_and_weights(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write matrices as sum_k w_k e_k e_k' with integer e_k and w_k >= 0.

    Parameters
    ----------
    matrices
        Symmetric positive definite, (n, d, d), d = 1, 2 or 3.

    Returns
    -------
    offsets : ndarray of int, (n, d (d + 1) / 2, d)
    weights : ndarray, (n, d (d + 1) / 2)

    References
    ----------
    Fehrenbach and Mirebeau, J. Math. Imaging Vis. 49 (2014).

    Examples
    --------
    >>> e, w = offsets_and_weights(np.array([[[2.0, 0.5], [0.5, 1.0]]]))
    >>> np.einsum("nk,nki,nkj->nij", w, e, e)
    array([[[2. , 0.5],
            [0.5, 1. ]]])
    """
    d = matrices.shape[-1]
    if d == 1:
        return np.ones((len(matrices), 1, 1), dtype=int), matrices[:, 0]
    base = _obtuse(matrices)
    # Of each pair of the base the offset is what is orthogonal to the others.
    offsets, weights = [], []
    for i, j in combinations(range(d + 1), 2):
        rest = [base[:, k] for k in range(d + 1) if k not in (i, j)]
        offsets.append(
            np.stack([-rest[0][:, 1], rest[0][:, 0]], -1)
            if d == 2
            else np.cross(rest[0], rest[1])
        )
        weights.append(-_product(matrices, base[:, i], base[:, j]))
    return np.stack(offsets, 1), np.maximum(np.stack(weights, 1), 0)


def _obtuse(matrices: np.ndarray) -> np.ndarray:
    """Bases (n, d + 1, d) of the integers, sum 0, all pairs at obtuse angles."""
    n, d = matrices.shape[:2]
    start = np.vstack([np.eye(d, dtype=int), -np.ones((1, d), dtype=int)])
    base = np.repeat(start[None], n, axis=0)
    rounding = 1e-12 * np.trace(matrices, axis1=1, axis2=2)
    for _ in range(ROUNDS):
        changed = False
        for i, j in combinations(range(d + 1), 2):
            acute = _product(matrices, base[:, i], base[:, j]) > rounding
            if acute.any():
                base[acute] = _turned(base[acute], i, j)
                changed = True
        if not changed:
            return base
    raise ValueError(
        "the diffusion matrix is too narrow for this grid: expected eigenvalues in "
        "units of the cells within a factor of about 1e6. Scale the axes."
    )


def _turned(base: np.ndarray, i: int, j: int) -> np.ndarray:
    """Replace an acute pair (i, j) of a base."""
    turned = base.copy()
    turned[:, i] = -base[:, i]
    for k in range(base.shape[1]):
        if k not in (i, j):
            # The sum stays 0: in the plane there is but one to make up for it.
            turned[:, k] = base[:, k] + base[:, i] * (2 if base.shape[1] == 3 else 1)
    return turned


def _product(matrices: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ni,nij,nj->n", a, matrices, b)
