"""The linear problem outside both sets, its solution and its residual."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, bicgstab, cg

SHORTEST = 0.05  # of a link: what at least is left of it outside a set
TOLERANCE = 1e-9  # of the residual, relative to the right side
ACCEPTED = 1e-6
STEPS = 5_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """(D - R) q = R_B outside A and B, R the rates between cells that lie outside.

    Attributes
    ----------
    rows
        Cells outside both sets, shape (m,).
    inner
        Rates between them, (m, m).
    to_source, to_target
        Rates into A and into B, shape (m,).
    """

    rows: np.ndarray
    inner: sparse.csr_matrix
    to_source: np.ndarray
    to_target: np.ndarray

    def joined(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether a path outside both sets leads to A, and to B, both (m,)."""
        _, label = sparse.csgraph.connected_components(self.inner, directed=False)
        into = [np.bincount(label, t) > 0 for t in (self.to_source, self.to_target)]
        return into[0][label], into[1][label]

    def matrix(self, kept: np.ndarray, gain: np.ndarray | float) -> sparse.csr_matrix:
        """D - R - gain on the kept cells; whole components are kept or left."""
        inner = self.inner[kept][:, kept]
        out = np.asarray(inner.sum(axis=1)).ravel()
        out += (self.to_source + self.to_target - gain)[kept]
        return (sparse.diags(out) - inner).tocsr()


def outside(
    rates: sparse.csr_matrix, z: np.ndarray, source: np.ndarray, target: np.ndarray
) -> Problem:
    """Set up the problem; links that the edge of a set cuts end at the edge.

    A link that overshoots the edge by a part of its length would put the edge deeper
    into the set. It gets the length that lies outside: 1 / theta of the rate, where
    theta compares the distances of both ends from the nearest cell across the edge.
    """
    rows = np.flatnonzero(~(source | target))
    away = rates[rows]
    into = [_into(away, z, rows, np.flatnonzero(s)) for s in (source, target)]
    return Problem(rows=rows, inner=away[:, rows], to_source=into[0], to_target=into[1])


def _into(
    rates: sparse.csr_matrix, z: np.ndarray, rows: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """Rates into one set, (m,)."""
    links = rates[:, inside].tocoo()
    i, j = links.row, links.col
    length = np.linalg.norm(z[rows[i]] - z[inside[j]], axis=1)
    before, behind = np.full(len(rows), np.inf), np.full(len(inside), np.inf)
    np.minimum.at(before, i, length)
    np.minimum.at(behind, j, length)
    theta = before[i] / (before[i] + behind[j])
    return np.bincount(i, links.data / np.maximum(theta, SHORTEST), minlength=len(rows))


def solve(
    matrix: sparse.csr_matrix,
    right: np.ndarray,
    label: np.ndarray,
    *,
    symmetric: bool,
    raised: np.ndarray | None = None,
) -> tuple[np.ndarray, float]:
    """Solve a sparse system in a few hundred steps; also the relative residual.

    Conjugate gradients when symmetric, BiCGSTAB otherwise. The preconditioner is
    Jacobi plus an exact solution on groups of cells (`label`, (m,)), which carries
    differences between wells across a barrier. `raised`, (m,), adds the rank-one
    matrix raised 1' / m to a singular system.
    """
    if not right.any():
        return np.zeros_like(right), 0.0
    whole, rough = _operators(matrix, label, raised)
    method = cg if symmetric else bicgstab
    q, _ = method(whole, right, rtol=TOLERANCE, maxiter=STEPS, M=rough)
    residual = np.linalg.norm(right - whole @ q) / np.linalg.norm(right)
    if not residual <= ACCEPTED:
        raise FloatingPointError(
            f"the graph's equations were not solved: relative residual {residual:.1e} "
            f"after at most {STEPS} steps, expected {ACCEPTED:g}. Cells may be all but "
            "cut off from both sets: raise `n_neighbours`, or enlarge the sets."
        )
    return q, float(residual)


def _operators(
    matrix: sparse.csr_matrix, label: np.ndarray, raised: np.ndarray | None
) -> tuple[LinearOperator, LinearOperator]:
    """The system and its preconditioner."""
    m = matrix.shape[0]
    label = np.unique(label, return_inverse=True)[1]
    group = sparse.csr_matrix((np.ones(m), (np.arange(m), label)))
    coarse = (group.T @ matrix @ group).toarray()
    if raised is not None:
        coarse += np.outer(group.T @ raised, group.T @ np.full(m, 1 / m))
    factors = linalg.lu_factor(coarse)
    diagonal = matrix.diagonal()

    def whole(v: np.ndarray) -> np.ndarray:
        flow = matrix @ v
        return flow if raised is None else flow + raised * v.mean()

    def rough(v: np.ndarray) -> np.ndarray:
        return v / diagonal + linalg.lu_solve(factors, group.T @ v)[label]

    return tuple(LinearOperator((m, m), matvec=f, dtype=float) for f in (whole, rough))
