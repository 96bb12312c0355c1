"""A flow and two sets on a grid."""

from dataclasses import dataclass

import numpy as np

from cellstate.kinetics._grid._cut import Cut, cut_by
from cellstate.kinetics._grid._flow import Core, Flow
from cellstate.kinetics._grid._links import Links, linked, refitted
from cellstate.kinetics._grid._mesh import Mesh
from cellstate.kinetics._grid._process import stationary

LIKELY = 1e-12  # of the largest probability: cells that count
STILL = 1e-3  # largest swirl along a link without a circulation to speak of


@dataclass(frozen=True)
class Problem:
    """A flow and two sets on a grid; without a source only the target is cut out."""

    mesh: Mesh
    links: Links
    pi: np.ndarray  # stationary probability of the cells, (size,)
    residual: float  # of its solve
    source: Cut | None
    target: Cut

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """The sets that there are."""
        return (self.target,) if self.source is None else (self.source, self.target)

    def spread(self, cells: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Values of some cells on all of them: 1 in the target, 0 elsewhere."""
        whole = np.where(self.target.inside, 1.0, 0.0)
        whole[cells] = values
        return whole


def posed(flow: Flow, source: Core | None, target: Core, mesh: Mesh) -> Problem:
    """Make the jump process and cut its links at the edges of the sets."""
    links, pi, residual = _fitted(flow, mesh)
    b = cut_by(target, mesh, links, "target")
    if source is None:
        return Problem(mesh, links, pi, residual, None, b)
    a = cut_by(source, mesh, links, "source")
    shared = int((a.inside & b.inside).sum())
    touching = int(a.inside[b.cell].sum())
    if shared or touching:
        raise ValueError(
            f"`source` and `target` share {shared} cells of the grid and touch along "
            f"{touching} links; they must be at least one cell apart. Shrink them or "
            "raise n."
        )
    return Problem(mesh, links, pi, residual, a, b)


def _fitted(flow: Flow, mesh: Mesh) -> tuple[Links, np.ndarray, float]:
    """Links of a flow, fitted to its stationary law where the motion circulates."""
    links = linked(flow, mesh)
    pi, residual = stationary(links, mesh)
    again = refitted(links, pi)
    likely = np.minimum(pi[links.i], pi[links.j]) > LIKELY * pi.max()
    if np.abs(again.swirl[likely]).max() < STILL:
        return links, pi, residual
    return again, *stationary(again, mesh)
