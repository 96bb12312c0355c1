"""Integrals on many short panels by Gauss-Legendre rules of order 16."""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike

ORDER = 16  # nodes per panel
NODES, WEIGHTS = legendre.leggauss(ORDER)
# Values at the nodes to Legendre coefficients of the polynomial through them.
TO_SERIES = (
    legendre.legvander(NODES, ORDER - 1).T * WEIGHTS * (np.arange(ORDER) + 0.5)[:, None]
)


@dataclass(frozen=True, eq=False)
class Piecewise:
    """A polynomial on every panel, as Legendre coefficients (order, n panels)."""

    edges: np.ndarray
    series: np.ndarray

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """Value at points (...); beyond the ends that of the end."""
        x = np.clip(x, self.edges[0], self.edges[-1])
        panel = np.searchsorted(self.edges, x, side="right") - 1
        panel = np.minimum(panel, len(self.edges) - 2)
        left, right = self.edges[panel], self.edges[panel + 1]
        local = (2 * x - left - right) / (right - left)
        return legendre.legval(local, self.series[:, panel], tensor=False)


def integral_from_left(edges: np.ndarray, values: np.ndarray) -> Piecewise:
    """Integral from the left end to x of a function given at `nodes_of(edges)`."""
    series = legendre.legint(TO_SERIES @ values, lbnd=-1) * np.diff(edges) / 2
    done = np.cumsum(series.sum(axis=0))  # every Legendre polynomial is 1 at 1
    series[0] += np.concatenate([[0], done[:-1]])
    return Piecewise(edges, series)


def integral_from_right(edges: np.ndarray, values: np.ndarray) -> Piecewise:
    """Integral from x to the right end; exact to rounding also close to that end."""
    series = -legendre.legint(TO_SERIES @ values, lbnd=1) * np.diff(edges) / 2
    whole = np.diff(edges) / 2 * (WEIGHTS @ values)
    done = np.cumsum(whole[::-1])[::-1]
    series[0] += np.concatenate([done[1:], [0]])
    return Piecewise(edges, series)


def nodes_of(edges: np.ndarray) -> np.ndarray:
    """Gauss-Legendre nodes of every panel, shape (ORDER, n panels)."""
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return middle + half * NODES[:, None]


def integral(edges: np.ndarray, values: np.ndarray) -> float:
    """Integral over all panels of a function given at `nodes_of(edges)`."""
    return float((WEIGHTS @ values) @ np.diff(edges) / 2)
