"""Sets on a grid: which cells they hold, and the links that their edges cut."""

from dataclasses import dataclass

import numpy as np

from cellstate.kinetics._grid._flow import Core
from cellstate.kinetics._grid._links import Links, jump_rates
from cellstate.kinetics._grid._mesh import Mesh

BISECTIONS = 40
NEAREST = 1e-6  # of a link: an edge nearer to a cell than this counts as this near
FEWEST = 2  # cells of a set


@dataclass(frozen=True)
class Cut:
    """A set on a grid.

    Attributes
    ----------
    distance
        Signed distance of the cells, (size,).
    inside
        Which cells lie in the set, (size,).
    link
        Links that cross the edge, (m,).
    cell, beyond
        Their ends outside and inside, (m,).
    share
        Part of the link that lies outside, (m,).
    rate
        Of jumps from the cell to the edge, 1/h, (m,).
    edge
        Where the links cross the edge, (m, d).
    """

    distance: np.ndarray
    inside: np.ndarray
    link: np.ndarray
    cell: np.ndarray
    beyond: np.ndarray
    share: np.ndarray
    rate: np.ndarray
    edge: np.ndarray

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum values of the links (m,) by their cells, (size,)."""
        return np.bincount(self.cell, values, self.inside.size)


def cut_by(core: Core, mesh: Mesh, links: Links, name: str) -> Cut:
    """Cut the links of a mesh at the edge of a set."""
    distance = np.asarray(core.distance(mesh.nodes), dtype=float)
    inside = distance <= 0
    if inside.sum() < FEWEST or inside.all():
        raise ValueError(
            f"`{name}` holds the centres of {int(inside.sum())} of {mesh.size} cells "
            f"of the grid; expected at least {FEWEST} and not all. Raise n, or widen "
            f"the {'box' if inside.all() else 'set'}."
        )
    link = np.flatnonzero(inside[links.i] != inside[links.j])
    forth = ~inside[links.i[link]]
    cell = np.where(forth, links.i[link], links.j[link])
    beyond = np.where(forth, links.j[link], links.i[link])
    slope = np.where(forth[:, None], links.slope[link], -links.slope[link][:, ::-1])
    start, way = mesh.nodes[cell], mesh.nodes[beyond] - mesh.nodes[cell]
    share = np.maximum(_crossing(core, start, way), NEAREST)
    swirl = np.where(forth, 1, -1) * share * links.swirl[link]
    rate, _ = jump_rates(
        links.conductance[link] / share, _shortened(slope, share), swirl
    )
    return Cut(
        distance, inside, link, cell, beyond, share, rate, start + share[:, None] * way
    )


def _crossing(core: Core, start: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Where on the way from outside to inside the edge is met, by bisection."""
    low, high = np.zeros(len(start)), np.ones(len(start))
    if not len(start):
        return low
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        out = np.asarray(core.distance(start + middle[:, None] * way)) > 0
        low, high = np.where(out, middle, low), np.where(out, high, middle)
    return high


def _shortened(slope: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Slopes at the start, middle and end of the first part of links."""
    first, middle, last = slope.T
    rise, curve = -3 * first + 4 * middle - last, 2 * (first - 2 * middle + last)
    places = np.stack([0 * share, share / 2, share], axis=-1)
    at = first[:, None] + places * (rise[:, None] + places * curve[:, None])
    return at * share[:, None]
