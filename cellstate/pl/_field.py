"""A stored flow on a grid over two components of its basis."""

from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from scipy.spatial import KDTree

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate.flow import FlowFit

NODES = 60  # per axis
EDGE = 0.05  # of the range, shown beyond the cells
NEAR = 25  # cells over which the other coordinates are averaged
MOST = 20_000  # cells among which neighbours are looked for


@dataclass(frozen=True)
class Plane:
    """Grid over two components, the others at their mean over nearby cells.

    Attributes
    ----------
    fit
        The flow.
    basis
        Its coordinates.
    cells
        States of the cells, (n, d).
    chosen
        The components.
    u, v
        Nodes along both, (k,).
    states
        States of all nodes, (k * k, d), rows of v first.
    seen
        Nodes where cells were seen, (k, k).
    """

    fit: FlowFit
    basis: str
    cells: np.ndarray
    chosen: tuple[int, int]
    u: np.ndarray
    v: np.ndarray
    states: np.ndarray
    seen: np.ndarray

    def grid(self, values: np.ndarray) -> np.ndarray:
        """Values of the nodes as an image, NaN where no cell was seen, (k, k)."""
        image = values.reshape(len(self.v), len(self.u)).astype(float)
        return np.where(self.seen, image, np.nan)


def cells_of(adata: AnnData, key: str) -> tuple[FlowFit, str, np.ndarray]:
    """Flow, its basis, and states without NaN."""
    fit = get.flow_fit(adata, key)
    basis = adata.uns[keys.ROOT][key]["params"]["basis"]
    x = extract.basis(adata, basis)
    return fit, basis, x[np.isfinite(x).all(axis=1)]


def clock(adata: AnnData, time: float | None) -> float:
    """Return the time asked for, or the mean time of the cells (h)."""
    return float(adata.obs[keys.TIME].mean()) if time is None else float(time)


def plane(
    fit: FlowFit, basis: str, x: np.ndarray, chosen: tuple[int, int], nodes: int = NODES
) -> Plane:
    """Lay a grid over two components of the cells."""
    pair = x[:, list(chosen)]
    low, high = pair.min(axis=0), pair.max(axis=0)
    margin = EDGE * (high - low)
    u, v = (np.linspace(low[i] - margin[i], high[i] + margin[i], nodes) for i in (0, 1))
    at = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    states = np.empty((len(at), x.shape[1]))
    if x.shape[1] > 2:
        some = x[:: max(1, len(x) // MOST)]
        scale = pair.std(axis=0)
        tree = KDTree(some[:, list(chosen)] / scale)
        near = tree.query(at / scale, k=min(NEAR, len(some)))[1]
        states[:] = some[near].mean(axis=1)
    states[:, list(chosen)] = at
    seen = ~fit.extrapolated(states).reshape(nodes, nodes)
    return Plane(fit, basis, x, chosen, u, v, states, seen)


def line_of(x: np.ndarray, nodes: int = 200) -> np.ndarray:
    """States along one coordinate, (k, 1)."""
    low, high = float(x.min()), float(x.max())
    margin = EDGE * (high - low)
    return np.linspace(low - margin, high + margin, nodes)[:, None]
