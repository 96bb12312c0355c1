"""Diffusion maps: coordinates along the manifold that cells lie on."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, diags_array
from scipy.sparse.linalg import eigsh
from sklearn.neighbors import NearestNeighbors

from cellstate._base.checks import integer, matrix
from cellstate._base.random import generator
from cellstate._base.results import Result

MOST = 20_000  # cells that are fitted; the others are placed among them
BLOCK = 50_000  # cells placed at once
CUT = 1e-9  # of an eigenvalue from 1, below which the graph falls apart
ISOLATED = 3.0  # times the median distance to the last neighbour


@dataclass(frozen=True, eq=False, kw_only=True)
class DiffusionMap(Result):
    """Coordinates in which straight distances are diffusion distances.

    Attributes
    ----------
    states
        Cells that were fitted, (m, p).
    density
        Sum of each one's kernel, (m,).
    vectors
        Right eigenvectors of the random walk, of mean square 1, without the constant
        one, (m, k).
    values
        Their eigenvalues, falling, (k,).
    bandwidth
        Squared length scale of the kernel ``exp(-r^2 / bandwidth)``.
    n_neighbors
        Neighbours of each cell.
    n_isolated
        Cells left out of the fit, since they lie far from all others.
    residual
        Largest norm of ``P v - value v``, relative to that of v.
    """

    kind: ClassVar[str] = "diffusion_map"
    states: np.ndarray
    density: np.ndarray
    vectors: np.ndarray
    values: np.ndarray
    bandwidth: float
    n_neighbors: int
    n_isolated: int
    residual: float

    def transform(self, x: ArrayLike) -> np.ndarray:
        """Place states (n, p) among those fitted, (n, k): ``value * vector``.

        By Nystroem's extension over the nearest fitted cells. Rows with NaN, and
        states so far from all others that the kernel is 0, get NaN.
        """
        x = matrix(x, "x")
        if x.shape[1] != self.states.shape[1]:
            raise ValueError(
                f"this diffusion map is of {self.states.shape[1]} coordinates; found "
                f"{x.shape[1]}. Use the basis that it was fitted in."
            )
        placed = np.full((len(x), len(self.values)), np.nan)
        known = np.flatnonzero(np.isfinite(x).all(axis=1))
        search = NearestNeighbors(n_neighbors=self.n_neighbors).fit(self.states)
        for start in range(0, known.size, BLOCK):
            rows = known[start : start + BLOCK]
            distance, near = search.kneighbors(x[rows])
            kernel = np.exp(-(distance**2) / self.bandwidth) / self.density[near]
            total = kernel.sum(axis=1)
            with np.errstate(invalid="ignore"):
                weight = kernel / total[:, None]
            placed[rows] = np.einsum("nj,njk->nk", weight, self.vectors[near])
        return placed


def fit_diffusion_map(
    x: ArrayLike,
    n_components: int = 10,
    *,
    n_neighbors: int = 30,
    rng: int | np.random.Generator | None = None,
) -> DiffusionMap:
    """Fit a diffusion map that does not see how densely cells lie (alpha = 1).

    Parameters
    ----------
    x
        States, shape (n, p); rows with NaN are left out, and at most 20,000 at random
        are fitted. So are cells three times as far from their last neighbour as half
        of the cells are: a walk would stay with them for ever.
    n_components
        Coordinates k.
    n_neighbors
        Neighbours of each cell; twice the bandwidth is the median square of the
        distance to the last.
    rng
        Seed or Generator, for the choice of cells and the solver's start.

    Raises
    ------
    ValueError
        Fewer cells than neighbours and coordinates need, or cells that are all alike.

    References
    ----------
    Coifman and Lafon, Appl. Comput. Harmon. Anal. 21, 5 (2006).

    Examples
    --------
    >>> line = np.linspace(0, 1, 200)[:, None]
    >>> first = fit_diffusion_map(line, 1, rng=0).transform(line)[:, 0]
    >>> float(abs(np.corrcoef(first, np.cos(np.pi * line[:, 0]))[0, 1]).round(3))
    1.0
    """
    x, rng = matrix(x, "x"), generator(rng)
    x = x[np.isfinite(x).all(axis=1)]
    n_components = integer(n_components, "n_components", 1)
    n_neighbors = integer(n_neighbors, "n_neighbors", 2)
    least = max(n_neighbors, n_components + 2) + 1
    if len(x) < least:
        raise ValueError(
            f"a diffusion map of {n_components} coordinates with {n_neighbors} "
            f"neighbours needs at least {least} cells; found {len(x)} without NaN. "
            "Use smaller n_components."
        )
    if len(x) > MOST:
        x = x[np.sort(rng.choice(len(x), MOST, replace=False))]
    reach = _neighbours(x, n_neighbors)[0][:, -1]
    together = reach <= ISOLATED * np.median(reach)
    x = x[together]
    distance, near = _neighbours(x, n_neighbors)
    bandwidth = float(np.median(distance[:, -1]) ** 2 / 2)
    if not bandwidth > 0:
        raise ValueError(
            f"more than half of {len(x)} cells have {n_neighbors} neighbours at the "
            "very same place. Remove duplicates, or check the basis."
        )
    kernel = _kernel(distance, near, bandwidth)
    density = np.asarray(kernel.sum(axis=1)).ravel()
    values, vectors, residual = _slowest(kernel, density, n_components, rng)
    return DiffusionMap(
        states=x,
        density=density,
        vectors=vectors,
        values=values,
        bandwidth=bandwidth,
        n_neighbors=n_neighbors,
        n_isolated=int((~together).sum()),
        residual=residual,
    )


def _neighbours(x: np.ndarray, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of the nearest cells, itself first, each (n, k)."""
    return NearestNeighbors(n_neighbors=n_neighbors).fit(x).kneighbors(x)


def _kernel(distance: np.ndarray, near: np.ndarray, bandwidth: float) -> csr_matrix:
    """Symmetric kernel: a pair counts if either is among the other's nearest."""
    n, k = near.shape
    rows = np.repeat(np.arange(n), k)
    values = np.exp(-(distance.ravel() ** 2) / bandwidth)
    kernel = csr_matrix((values, (rows, near.ravel())), shape=(n, n))
    return csr_matrix(kernel.maximum(kernel.T))


def _slowest(
    kernel: csr_matrix,
    density: np.ndarray,
    n_components: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues and right eigenvectors of the random walk, and their residual."""
    free = diags_array(1 / density) @ kernel @ diags_array(1 / density)
    total = np.asarray(free.sum(axis=1)).ravel()
    root = diags_array(1 / np.sqrt(total))
    symmetric = csr_matrix(root @ free @ root)
    start = rng.standard_normal(len(density))
    values, vectors = eigsh(symmetric, k=n_components + 1, which="LA", v0=start)
    order = np.argsort(-values)
    if values[order[1]] > 1 - CUT:
        pieces = int((values > 1 - CUT).sum())
        raise ValueError(
            f"a diffusion map needs cells that are linked; found {pieces} or more sets "
            "of cells without a neighbour in common. Use more n_neighbors, or map the "
            "sets apart."
        )
    left = symmetric @ vectors - vectors * values
    residual = float(np.linalg.norm(left, axis=0).max())
    walk = root @ vectors[:, order[1:]]
    walk *= np.sqrt(len(walk)) / np.linalg.norm(walk, axis=0)
    largest = np.abs(walk).argmax(axis=0)
    walk *= np.sign(walk[largest, np.arange(n_components)])
    return values[order[1:]], walk, residual
