"""Where a Markov chain between cells is absorbed."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import bicgstab, spsolve

# Rows of a transition matrix add up to 1 within this.
ROUNDING = 1e-6
# Up to so many unknowns a direct solve.
DIRECT = 2000
RESIDUAL = 1e-8


def absorption_probabilities(
    transitions: np.ndarray | sparse.spmatrix, sets: list[np.ndarray]
) -> tuple[np.ndarray, float]:
    """Chance of each of K sets to be met first, and the residual of the solves.

    Parameters
    ----------
    transitions
        Chances to go from row to column, rows add up to 1, dense or sparse (k, k).
    sets
        Disjoint boolean masks (k,).

    Returns
    -------
    tuple
        Probabilities (k, K): 1 in a set itself, NaN where no set can be reached; and
        the largest relative residual.

    Raises
    ------
    ValueError
        Not square, negative entries, or rows that do not add up to 1.
    FloatingPointError
        The iterative solve did not reach its residual.

    Examples
    --------
    >>> walk = np.diag([0.5] * 4, 1) + np.diag([0.5] * 4, -1)
    >>> walk[0], walk[4] = np.eye(5)[0], np.eye(5)[4]
    >>> ends = [np.arange(5) == 0, np.arange(5) == 4]
    >>> absorption_probabilities(walk, ends)[0][:, 1]
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    matrix = stochastic(transitions)
    if not len(sets):
        raise ValueError("`sets` is empty; give boolean masks of cells, one per fate.")
    masks = np.stack([np.asarray(one, dtype=bool) for one in sets], axis=1)
    shared = int((masks.sum(axis=1) > 1).sum())
    if shared:
        raise ValueError(
            f"`sets` must be disjoint; found {shared} cells in more than one."
        )
    inside = masks.any(axis=1)
    reaching = _reaching(matrix, inside)
    free = np.flatnonzero(reaching & ~inside)
    found = np.full(masks.shape, np.nan)
    found[inside] = masks[inside]
    residual = 0.0
    if free.size:
        rows = matrix[free]
        right = rows[:, np.flatnonzero(inside)] @ masks[inside].astype(float)
        left = (sparse.eye_array(free.size, format="csr") - rows[:, free]).tocsc()
        found[free], residual = _solved(left, right)
    return np.clip(found, 0, 1), residual


def stochastic(transitions: np.ndarray | sparse.spmatrix) -> sparse.csr_array:
    """Check a transition matrix; returns it sparse, without stored zeros."""
    matrix = sparse.csr_array(transitions, dtype=float)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"transitions must be square; found shape {matrix.shape}.")
    if not np.isfinite(matrix.data).all() or (matrix.data < 0).any():
        bad = ~(np.isfinite(matrix.data) & (matrix.data >= 0))
        raise ValueError(
            "transitions must be finite and 0 or more; found "
            f"{int(bad.sum())} entries that are not, e.g. {matrix.data[bad][0]:g}."
        )
    sums = matrix.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > ROUNDING)
    if wrong.size:
        raise ValueError(
            f"rows of transitions must add up to 1; found {wrong.size} that do not, "
            f"e.g. row {wrong[0]} with {sums[wrong[0]]:g}. Divide each row by its sum."
        )
    matrix.eliminate_zeros()
    return matrix


def _reaching(matrix: sparse.csr_array, inside: np.ndarray) -> np.ndarray:
    """Which states can reach the sets: a search backward from all of them at once."""
    size = matrix.shape[0]
    links = matrix.T.tocoo()
    hub = np.flatnonzero(inside)
    rows = np.concatenate([links.row, np.full(hub.size, size)])
    columns = np.concatenate([links.col, hub])
    graph = sparse.csr_array(
        (np.ones(rows.size), (rows, columns)), shape=(size + 1, size + 1)
    )
    order = breadth_first_order(graph, size, return_predecessors=False)
    reached = np.zeros(size + 1, dtype=bool)
    reached[order] = True
    return reached[:-1]


def _solved(left: sparse.csc_array, right: np.ndarray) -> tuple[np.ndarray, float]:
    """Solve for every column: by iteration, directly where that is small or fails.

    Random links, whose factors fill up, are soon forgotten, and iteration is fast; a
    chain that remembers long has links to neighbours, whose factors are thin.
    """
    found, lost = None, np.inf
    if left.shape[0] > DIRECT:
        ahead = sparse.diags_array(1 / left.diagonal())
        columns = [
            bicgstab(left, one, rtol=RESIDUAL / 100, maxiter=2000, M=ahead)[0]
            for one in right.T
        ]
        found = np.stack(columns, axis=1)
        lost = _residual(left, found, right)
    if lost > RESIDUAL:
        found = np.asarray(spsolve(left, right)).reshape(right.shape)
        lost = _residual(left, found, right)
    if lost > RESIDUAL:
        raise FloatingPointError(
            f"absorption probabilities were solved to a residual of {lost:.2g} only "
            f"({left.shape[0]} cells); expected {RESIDUAL:g}. Merge cells, or take "
            "sets that are reached sooner."
        )
    return found, lost


def _residual(left: sparse.csc_array, found: np.ndarray, right: np.ndarray) -> float:
    """Largest relative residual of the columns."""
    size = np.linalg.norm(right, axis=0)
    lost = np.linalg.norm(left @ found - right, axis=0)
    return float((lost / np.where(size > 0, size, 1)).max())
