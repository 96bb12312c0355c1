"""Links between neighbouring cells that stand for diffusion in their density."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cellstate.kinetics._graph._neighbours import nearest

# Width of the kernel in radii; the last neighbour, at about 1.4 radii, weighs 0.13.
WIDTH = 0.7
BLOCK = 50_000  # cells whose neighbours are compared at once


@dataclass(frozen=True, eq=False, kw_only=True)
class Links:
    """Symmetric links W of cells that were drawn from a density rho.

    W_ij = k(|x_i - x_j| / sqrt(r_i r_j)) / (r_i r_j sqrt(s_i s_j)), where r_i is the
    distance to a fixed number of neighbours and s_i the sum of row i of k.

    Attributes
    ----------
    weights
        W, shape (n, n), symmetric.
    radius, fullness
        r and s, shape (n,): rho is s / r^dimension up to a factor.
    distances
        To the nearest cells, sorted, (n, k).
    """

    weights: sparse.csr_matrix
    radius: np.ndarray
    fullness: np.ndarray
    distances: np.ndarray

    def log_density(self, dimension: float) -> np.ndarray:
        """Logarithm of the density of cells up to a constant, (n,)."""
        return np.log(self.fullness) - dimension * np.log(self.radius)


def link(
    z: np.ndarray, count: int, inverse: np.ndarray | None, rng: np.random.Generator
) -> Links:
    r"""Link cells z (n, d) with their `count` nearest ones.

    A radius that holds a fixed number of cells makes each row of the kernel a mean
    over about as many, whatever the dimension: sum_ij W_ij (q_i - q_j)^2 goes to a
    constant times sum_i |grad q(z_i)|^2, the energy whose minimum is the committor of
    dX = grad log rho dt + sqrt(2) dW. A bandwidth of one size leaves cells in the
    tails without a link.

    `inverse` holds a metric per cell (n, d, d), inverse diffusion matrices, by which
    the squared distance is the mean of both ends; None for the usual distance.
    """
    distance, index = nearest(z, count, rng)
    square = distance**2 if inverse is None else _in_metric(z, index, inverse)
    radius = np.sqrt(np.partition(square, count // 2, axis=1)[:, count // 2])
    if not radius.all():
        raise ValueError(
            f"{np.count_nonzero(radius == 0)} cells have {count // 2 + 1} or more "
            "copies with the same state. Drop the copies, or raise `n_neighbours`."
        )
    square /= radius[:, None]
    square /= radius[index]
    kernel = _symmetric(np.exp(square / (-2 * WIDTH**2)), index)
    fullness = np.asarray(kernel.sum(axis=1)).ravel()
    scale = 1 / (np.sqrt(fullness) * radius)
    kernel.data *= np.repeat(scale, np.diff(kernel.indptr))
    kernel.data *= scale[kernel.indices]
    return Links(weights=kernel, radius=radius, fullness=fullness, distances=distance)


def _symmetric(values: np.ndarray, index: np.ndarray) -> sparse.csr_matrix:
    """A matrix of (n, k) values, where either cell of a pair may name the other."""
    n, k = index.shape
    rows = np.arange(0, n * k + 1, k, dtype=np.int32)
    columns = index.ravel().astype(np.int32)
    one_way = sparse.csr_matrix((values.ravel(), columns, rows), (n, n))
    return one_way.maximum(one_way.T.tocsr())


def _in_metric(z: np.ndarray, index: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Squared distances (n, k) by the mean metric of both ends."""
    square = np.empty(index.shape)
    for start in range(0, len(z), max(1, BLOCK // z.shape[1])):
        rows = slice(start, start + max(1, BLOCK // z.shape[1]))
        step = z[index[rows]] - z[rows, None]
        here = np.einsum("ijk,ikl,ijl->ij", step, inverse[rows], step, optimize=True)
        there = np.einsum("ijk,ijkl,ijl->ij", step, inverse[index[rows]], step)
        square[rows] = (here + there) / 2
    return square
