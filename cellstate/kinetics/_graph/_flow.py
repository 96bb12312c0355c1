"""Rates of a jump process along the links that follows a given drift."""

import numpy as np
from scipy import sparse

from cellstate.kinetics._graph._links import Links
from cellstate.kinetics._graph._problem import solve

RARE = 1e-6  # of the mean: stationary laws below it are not told from rounding


def rates_with_drift(
    links: Links,
    z: np.ndarray,
    drift: np.ndarray,
    inverse: np.ndarray | None,
    dimension: float,
) -> sparse.csr_matrix:
    """Rates A (n, n) of jumps with drift (n, d) in states z of unit mean diffusion.

    Divided by the density of cells, the links stand for diffusion in an even medium;
    u_ij = (b_i + b_j) . (z_j - z_i) / 2 then tilts them by the exponential fit of
    Scharfetter and Gummel, u / (1 - exp(-u)), which is positive however strong the
    drift is. Rows are multiplied by the density: when the cells are a sample of the
    reversible law of this drift, A is W up to the square of u.

    Where the diffusion D, the inverse of `inverse`, varies, links alone drift by
    div D: b is then D^(-1) (drift - div D).
    """
    log_rho = links.log_density(dimension)
    if inverse is not None:
        drift = drift - divergence(links.weights, z, np.linalg.inv(inverse))
        drift = np.einsum("nab,nb->na", inverse, drift)
        log_rho = log_rho + np.linalg.slogdet(inverse)[1] / 2
    a = links.weights.tocoo()
    i, j = a.row, a.col
    u = np.zeros(a.nnz)
    for axis in range(z.shape[1]):  # one at a time: less memory
        u += (drift[i, axis] + drift[j, axis]) * (z[j, axis] - z[i, axis])
    even = np.exp((log_rho[i] - log_rho[j]) / 2)
    return sparse.csr_matrix((a.data * even * fitted(u / 2), (i, j)), a.shape)


def divergence(
    weights: sparse.csr_matrix, z: np.ndarray, field: np.ndarray
) -> np.ndarray:
    """Divergence (n, d) of a field of symmetric matrices (n, d, d), by local planes."""
    n, d = z.shape
    mean = weights.multiply(1 / weights.sum(axis=1)).tocsr()
    z = z - z.mean(axis=0)
    middle, values = mean @ z, field.reshape(n, d * d)
    squares = (z[:, :, None] * z[:, None]).reshape(n, d * d)
    spread = (mean @ squares).reshape(n, d, d) - middle[:, :, None] * middle[:, None]
    means = mean @ values
    moments = [
        (mean @ (z[:, [c]] * values) - middle[:, [c]] * means).reshape(n, d, d)
        for c in range(d)
    ]
    # slope[n, c, a, b] is the derivative of D_ab by z_c.
    slope = np.linalg.solve(spread, np.stack(moments, axis=1).reshape(n, d, d * d))
    return np.einsum("naab->nb", slope.reshape(n, d, d, d))


def fitted(u: np.ndarray) -> np.ndarray:
    """U / (1 - exp(-u)), 1 at 0."""
    small = np.abs(u) < 1e-6
    safe = np.where(small, 1.0, np.maximum(u, -700.0))
    return np.where(small, 1 + u / 2, safe / -np.expm1(-safe))


def stationary(rates: sparse.csr_matrix, label: np.ndarray) -> tuple[np.ndarray, float]:
    """Stationary law of connected rates (n, n) over the cells, and its residual.

    y' (A - D) = 0 with mean 1. The matrix is singular: a rank-one matrix is added
    that leaves the solution as it is.
    """
    out = np.asarray(rates.sum(axis=1)).ravel()
    matrix = (sparse.diags(out) - rates.T).tocsr()
    y, residual = solve(matrix, out, label, symmetric=False, raised=out)
    return y, residual


def reversed_rates(rates: sparse.csr_matrix, y: np.ndarray) -> sparse.csr_matrix:
    """Rates of the same process seen backwards in time: y_j A_ji / y_i.

    Cells that the stationary law hardly ever visits are cut off: there it is smaller
    than its own error.
    """
    visited = y > RARE * y.mean()
    share = np.where(visited, y, 0.0)
    inverse = np.divide(1.0, y, out=np.zeros_like(y), where=visited)
    past = (sparse.diags(inverse) @ rates.T @ sparse.diags(share)).tocsr()
    past.eliminate_zeros()
    return past
