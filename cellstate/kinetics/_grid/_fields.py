"""Reading a field between the cells of a grid, up to the edges of sets."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.spatial import KDTree

from cellstate.kinetics._grid._mesh import Mesh

LAYERS = 3.0  # cells within a set that continue a field across its edge
BLOCK = 200_000


@dataclass(frozen=True)
class Reader:
    """A field as a function of the state.

    Attributes
    ----------
    mesh
        The grid.
    values
        Field at its nodes, continued into the sets, shape of the grid.
    sets
        Signed distance at the nodes, and the value within, of each set.
    """

    mesh: Mesh
    values: np.ndarray
    sets: tuple[tuple[np.ndarray, float], ...]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Value at states (n, d); NaN outside the box."""
        low, high = self.mesh.box.T
        good = ((x >= low) & (x <= high)).all(axis=1)
        found = np.full(len(x), np.nan)
        rows = np.flatnonzero(good)
        for some in np.array_split(rows, max(1, -(-rows.size // BLOCK))):
            found[some] = self._read(x[some])
        return found

    def _read(self, x: np.ndarray) -> np.ndarray:
        first, weights = _stencil(self.mesh, x)
        found = _weighted(self.values, first, weights)
        for distance, inside in self.sets:
            within = _weighted(distance, first, weights) <= 0
            found = np.where(within, inside, found)
        return found


def reader(
    mesh: Mesh,
    values: np.ndarray,
    sets: dict[str, tuple[np.ndarray, np.ndarray, float]],
) -> Reader:
    """Make a field readable: cubic in each axis, exact at the edges of the sets.

    Inside a set a field is constant and so has a kink at the edge. There it is
    replaced by its smooth continuation from outside, so that interpolation across
    the edge keeps its order.

    Parameters
    ----------
    values
        Shape of the grid.
    sets
        Signed distance at the nodes (shape of the grid), points of the edge (m, d)
        and the value in the set: a number, also met at the edge; NaN where the field
        is 0 within but has another limit at the edge.
    """
    shown = tuple((d, 0.0 if np.isnan(v) else v) for d, _, v in sets.values())
    if not sets or np.isnan(values).all():
        return Reader(mesh, np.asarray(values), shown)
    depth = np.min([d for d, _, _ in sets.values()], axis=0).ravel()
    limits = [np.isnan(v) for _, _, v in sets.values()]
    # A current at a cell next to the edge is one-sided: it is made anew as well.
    reach = mesh.step.max() if any(limits) else 0.0
    wanted = (depth <= reach) & (depth > -LAYERS * mesh.step.max())
    known = (depth > reach) & np.isfinite(values.ravel())
    edges = [e for _, e, v in sets.values() if not np.isnan(v)]
    at_edge = [np.full(len(e), v) for _, e, v in sets.values() if not np.isnan(v)]
    places = np.concatenate([mesh.nodes[known], *edges])
    told = np.concatenate([values.ravel()[known], *at_edge])
    whole = np.array(values).ravel()
    whole[wanted] = _continued(mesh, places, told, mesh.nodes[wanted])
    return Reader(mesh, whole.reshape(mesh.shape), shown)


def _continued(
    mesh: Mesh, places: np.ndarray, told: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Quadratic through the nearest known places, by weighted least squares."""
    d = mesh.dimension
    neighbours = {1: 4, 2: 14, 3: 30}[d]
    tree = KDTree(places / mesh.step)
    away, near = tree.query(wanted / mesh.step, k=neighbours)
    found = np.empty(len(wanted))
    pairs = [(i, j) for i in range(d) for j in range(i, d)]
    for some in np.array_split(np.arange(len(wanted)), max(1, len(wanted) // 20_000)):
        u = (places[near[some]] - wanted[some][:, None]) / mesh.step
        terms = [np.ones(u.shape[:2]), *np.moveaxis(u, -1, 0)]
        terms += [u[..., i] * u[..., j] for i, j in pairs]
        weight = 1 / (1 + away[some]) ** 2
        design = np.stack(terms, axis=-1) * weight[..., None]
        right = told[near[some]] * weight
        inverse = np.linalg.pinv(design, rcond=1e-6)
        found[some] = np.einsum("nk,nk->n", inverse[:, 0], right)
    return found


def _stencil(mesh: Mesh, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First node (n, d) of four per axis, and their Lagrange weights (n, d, 4)."""
    at = (x - mesh.box[:, 0]) / mesh.step - 0.5
    first = np.floor(at).astype(int) - 1
    first = np.clip(first, 0, np.array(mesh.shape) - 4)
    s = at - first
    weights = np.stack(
        [
            -(s - 1) * (s - 2) * (s - 3) / 6,
            s * (s - 2) * (s - 3) / 2,
            -s * (s - 1) * (s - 3) / 2,
            s * (s - 1) * (s - 2) / 6,
        ],
        axis=-1,
    )
    return first, weights


def _weighted(values: np.ndarray, first: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum of the values at the nodes of a stencil by their weights, (n,)."""
    found = np.zeros(len(first))
    for corner in product(range(4), repeat=first.shape[1]):
        share = np.prod([weights[:, k, c] for k, c in enumerate(corner)], axis=0)
        found += share * values[tuple((first + corner).T)]
    return found
