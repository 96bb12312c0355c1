"""Where the data were: states that no cell visited are extrapolated."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.spatial import KDTree

from cellstate._base.random import generator
from cellstate._base.results import Result

KEPT = 2000  # visited states that are kept
BEYOND = 1.5  # times the distance from which on a state counts as not visited
RARE = 0.999  # quantile of the distances of visited states to the kept ones


@dataclass(frozen=True, eq=False, kw_only=True)
class Support(Result):
    """Visited states, thinned, and how far from them still counts as visited.

    Attributes
    ----------
    points
        Shape (k, d).
    scale
        Distances are measured in units of this, (d,).
    radius
        In those units.
    """

    kind: ClassVar[str] = "support"
    points: np.ndarray
    scale: np.ndarray
    radius: float

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.points / self.scale)

    def outside(self, x: np.ndarray) -> np.ndarray:
        """Whether states (n, d) are further from all visited ones, shape (n,)."""
        return self._tree.query(x / self.scale)[0] > self.radius


def support_of(x: np.ndarray, rng: int | np.random.Generator | None = None) -> Support:
    """Thin the visited states (n, d).

    Examples
    --------
    >>> seen = support_of(np.random.default_rng(0).normal(size=(500, 2)), rng=0)
    >>> seen.outside(np.array([[0.0, 0.0], [9.0, 9.0]]))
    array([False,  True])
    """
    order = generator(rng).permutation(len(x))
    points = np.unique(x[order[:KEPT]], axis=0)
    scale = x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    tree = KDTree(points / scale)
    # Distances between distinct states: cells that stand on one another, or on a
    # lattice, have others at 0.
    away = tree.query(points / scale, k=min(2, len(points)))[0].max(axis=-1)
    if len(x) > KEPT:
        others = tree.query(x[order[KEPT : 3 * KEPT]] / scale)[0]
        away = np.maximum(np.quantile(others, RARE), np.median(away))
    return Support(
        points=points, scale=scale, radius=BEYOND * float(np.quantile(away, RARE))
    )
