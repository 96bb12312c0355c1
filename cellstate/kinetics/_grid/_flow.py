"""What a solver asks of a law of motion and of a set of states."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from cellstate._base.checks import matrix, row_mask


class Flow(Protocol):
    """A law of motion dX = b dt + sqrt(2 D) dW (Ito)."""

    def drift(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Drift b of states (n, d), shape (n, d), units of the state per hour."""
        ...

    def diffusion(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Diffusion matrix D of states (n, d), shape (n, d, d)."""
        ...


class Core(Protocol):
    """A closed set of states with a signed distance to its edge."""

    def distance(self, x: np.ndarray) -> np.ndarray:
        """Distance of states (n, d) to the edge, negative inside, shape (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class LabelledCore:
    """A set known by labelled cells: what is nearer to a cell inside than to others.

    Its edge lies half-way between cells inside and outside; distances from it are
    good to about the distance between cells.

    Attributes
    ----------
    inside, outside
        Cells with either label.
    gap_inside, gap_outside
        Half the distance of each of them to the nearest one with the other label.
    """

    inside: KDTree
    outside: KDTree
    gap_inside: np.ndarray
    gap_outside: np.ndarray

    def distance(self, x: np.ndarray) -> np.ndarray:
        """Signed distance of states (n, d) to the edge, negative inside, (n,)."""
        near, i = self.inside.query(x)
        far, j = self.outside.query(x)
        without = _beyond(near, far, self.gap_inside[i])
        within = _beyond(far, near, self.gap_outside[j])
        return np.where(near > far, without, -within)


def _beyond(other: np.ndarray, own: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Distance to the edge from those to the nearest cells behind and before it.

    Between two cells half the difference; further away that to the cell behind the
    edge less the edge's own distance to it.
    """
    share = np.clip(other / gap - 1, 0, 1)
    return (1 - share) * (other - own) / 2 + share * (other - gap)


def core_from_cells(x: ArrayLike, inside: ArrayLike) -> LabelledCore:
    """Turn labelled cells into a set with a signed distance.

    Parameters
    ----------
    x
        States of cells, (n, d); rows with NaN are left out.
    inside
        Which cells belong to the set, boolean (n,).

    Returns
    -------
    LabelledCore
        `distance(x)`: positive outside, negative inside, 0 half-way between a cell
        inside and one outside.

    Raises
    ------
    ValueError
        No cell inside, none outside, or two of them in the same place.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 21)[:, None]
    >>> core = core_from_cells(x, x[:, 0] < -0.5)
    >>> core.distance(np.array([[-0.75], [-0.5], [0.0]])).round(6)
    array([-0.2 ,  0.05,  0.55])
    """
    x = matrix(x, "x")
    known = np.isfinite(x).all(axis=1)
    inside = row_mask(inside, len(x), "inside")[known]
    if inside.all() or not inside.any():
        raise ValueError(
            "a set needs labelled cells inside and outside; found "
            f"{int(inside.sum())} inside of {inside.size}. Give other labels."
        )
    trees = KDTree(x[known][inside]), KDTree(x[known][~inside])
    gaps = [a.query(b.data)[0] / 2 for a, b in (trees[::-1], trees)]
    shared = int((gaps[0] == 0).sum())
    if shared:
        raise ValueError(
            f"{shared} cells inside have the same state as a cell outside: no edge "
            "lies between them. Change the labels or add a coordinate."
        )
    return LabelledCore(*trees, *gaps)
