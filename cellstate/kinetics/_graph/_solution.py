"""Both committors of the cells of one graph."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cellstate.kinetics._graph._dimension import dimension_of
from cellstate.kinetics._graph._flow import (
    rates_with_drift,
    reversed_rates,
    stationary,
)
from cellstate.kinetics._graph._law import Law
from cellstate.kinetics._graph._links import Links, link
from cellstate.kinetics._graph._neighbours import search
from cellstate.kinetics._graph._problem import Problem, outside, solve

GROUPS = 1_000  # of cells, at most, in the preconditioner
MEMBERS = 16  # cells in one, at least on average
BEYOND = 1e-5  # by which a residual may carry a value out of its range
FITTING = 16  # neighbours that tell the dimension


@dataclass(frozen=True, eq=False, kw_only=True)
class Solution:
    """Forward and backward committor of the cells of one graph.

    Attributes
    ----------
    forward, backward
        Shape (n,), NaN where not joined to A or B.
    residual
        Largest relative one of the linear solves.
    parts
        Number of each cell's connected part of the graph, (n,).
    """

    forward: np.ndarray
    backward: np.ndarray
    residual: float
    parts: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Graph:
    """Rates between cells, and what is needed to solve with them.

    Attributes
    ----------
    rates
        Shape (n, n), each row times what its cell stands for.
    gain
        Growth on the same scale, (n,); None without.
    z
        States, (n, d).
    group
        Group of each cell in the preconditioner, (n,).
    reversible
        Whether the rates are symmetric.
    """

    rates: sparse.csr_matrix
    gain: np.ndarray | None
    z: np.ndarray
    group: np.ndarray
    reversible: bool

    def solve(self, problem: Problem, toward: str) -> tuple[np.ndarray, float]:
        """Value 1 in the set `toward`, 0 in the other, (m,); NaN where unjoined."""
        right = getattr(problem, toward)
        to_source, to_target = problem.joined()
        reached = to_target if toward == "to_target" else to_source
        q = np.where(to_source | to_target, 0.0, np.nan)
        gain = 0.0 if self.gain is None else self.gain[problem.rows]
        # Without growth a part that leads to one set only has the value of that set.
        kept = reached if self.gain is not None else to_source & to_target
        q[reached & ~kept] = 1.0
        if not kept.any():
            return q, 0.0
        matrix = problem.matrix(kept, gain)
        group = self.group[problem.rows[kept]]
        q[kept], residual = solve(matrix, right[kept], group, symmetric=self.reversible)
        return q, residual


def solve_graph(
    law: Law,
    source: np.ndarray,
    target: np.ndarray,
    *,
    shares: np.ndarray | None,
    n_neighbours: int,
    dimension: float | None,
    rng: np.random.Generator,
) -> Solution:
    """Link the cells and solve; `shares` (n,) is how many cells each stands for."""
    graph = _graph(law, shares, n_neighbours, dimension, rng)
    problem = outside(graph.rates, graph.z, source, target)
    q, residual = graph.solve(problem, "to_target")
    forward = target.astype(float)
    forward[problem.rows] = _in_range(q, np.inf if law.growth is not None else 1.0)
    parts = sparse.csgraph.connected_components(graph.rates, directed=False)[1]
    backward = np.full(len(law.z), np.nan)
    if graph.gain is None and graph.reversible:
        backward = 1 - forward
    elif graph.gain is None:
        backward, other = _backward(graph, source, target, parts)
        residual = max(residual, other)
    return Solution(forward=forward, backward=backward, residual=residual, parts=parts)


def _graph(
    law: Law,
    shares: np.ndarray | None,
    n_neighbours: int,
    dimension: float | None,
    rng: np.random.Generator,
) -> Graph:
    links = link(law.z, n_neighbours, law.inverse, rng)
    if dimension is None:
        fills = dimension_of(links.distances[:, :FITTING])
        dimension = float(np.clip(round(fills), 1, law.z.shape[1]))
    mass = np.ones(len(law.z))
    if law.density is not None:
        excess = np.log(law.density) - links.log_density(dimension)
        mass = np.exp(excess - excess.mean())
    elif shares is not None and law.drift is None:
        mass = shares
    gain = None
    if law.growth is not None:
        gain = law.growth * mass * _hours(links, law, dimension)
    return Graph(
        rates=_rates(law, links, mass, dimension),
        gain=gain,
        z=law.z,
        group=_groups(law.z, rng),
        reversible=law.drift is None,
    )


def _rates(
    law: Law, links: Links, mass: np.ndarray, dimension: float
) -> sparse.csr_matrix:
    if law.drift is not None:
        return rates_with_drift(links, law.z, law.drift, law.inverse, dimension)
    root = sparse.diags(np.sqrt(mass))
    return (root @ links.weights @ root).tocsr()


def _hours(links: Links, law: Law, dimension: float) -> float:
    """Hours per unit of the rates W.

    The energy of the coordinates, sum_ij W_ij |z_i - z_j|^2 / 2, is that of cells
    with diffusion D in each of `dimension` directions: n times D's trace.
    """
    w = links.weights.tocoo()
    square = np.zeros(w.nnz)
    for axis in range(law.z.shape[1]):
        square += (law.z[w.row, axis] - law.z[w.col, axis]) ** 2
    return float(w.data @ square) / (2 * dimension * len(law.z))


def _groups(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Group of each cell: the nearest of some cells drawn at random."""
    count = min(GROUPS, 1 + len(z) // MEMBERS)
    middle = z[rng.choice(len(z), count, replace=False)]
    return search(middle, z, 1)[1][:, 0]


def _backward(
    graph: Graph, source: np.ndarray, target: np.ndarray, parts: np.ndarray
) -> tuple[np.ndarray, float]:
    """Backward committor by the stationary law of each part with A and B."""
    y, residual = np.ones(len(parts)), 0.0
    for part in np.intersect1d(parts[source], parts[target]):
        rows = np.flatnonzero(parts == part)
        inner = graph.rates[rows][:, rows]
        y[rows], left = stationary(inner, graph.group[rows])
        residual = max(residual, left)
    past = Graph(
        rates=reversed_rates(graph.rates, y),
        gain=None,
        z=graph.z,
        group=graph.group,
        reversible=False,
    )
    problem = outside(past.rates, graph.z, source, target)
    q, left = past.solve(problem, "to_source")
    backward = source.astype(float)
    backward[problem.rows] = _in_range(q, 1.0)
    return backward, max(residual, left)


def _in_range(q: np.ndarray, most: float) -> np.ndarray:
    """Check that the values lie in [0, most] but for rounding, and cut what is over."""
    low, high = np.nanmin(q, initial=0.0), np.nanmax(q, initial=0.0)
    size = max(1.0, high) if most == np.inf else 1.0
    if low < -BEYOND * size and most == np.inf:
        raise FloatingPointError(
            f"growth outruns the exits into A and B: the solution falls to {low:.3g}, "
            "the expected number of descendants in B is infinite. Lower `growth`, "
            "check its unit (1/h) and that of `diffusion`, or enlarge the sets."
        )
    if low < -BEYOND * size or high > most + BEYOND:
        raise FloatingPointError(
            f"committor expected in [0, 1] but for {BEYOND:g}; found [{low:.6g}, "
            f"{high:.6g}]. The equations are all but singular: raise `n_neighbours`."
        )
    return np.clip(q, 0.0, most)
