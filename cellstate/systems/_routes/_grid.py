"""A grid over a box of the plane: nodes, integrals, interpolation, drawing states."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike
from scipy import ndimage

from cellstate._base.checks import integer
from cellstate._base.random import generator

PANELS, ORDER = 48, 8  # Gauss-Legendre panels per axis, nodes per panel
CELLS = 256  # cells per axis of the envelope states are drawn from
GHOSTS = 6  # layers of nodes inside a set that continue a field across its edge


class _Law(Protocol):
    D: float
    box: tuple[tuple[float, float], ...]

    def density(self, x: ArrayLike) -> np.ndarray: ...


class _Landscape(_Law, Protocol):
    def potential(self, x: ArrayLike) -> np.ndarray: ...


@dataclass(frozen=True)
class Grid:
    """Equal cells over a box; a node is the centre of a cell.

    Attributes
    ----------
    box
        Ends per axis.
    shape
        Cells per axis.
    """

    box: tuple[tuple[float, float], ...]
    shape: tuple[int, int]

    @property
    def step(self) -> np.ndarray:
        """Width of a cell per axis, shape (2,)."""
        low, high = np.array(self.box).T
        return (high - low) / self.shape

    @property
    def nodes(self) -> np.ndarray:
        """Centres of the cells, shape (n, m, 2)."""
        low = np.array(self.box)[:, 0]
        index = np.stack(np.indices(self.shape), axis=-1)
        return low + (index + 0.5) * self.step

    @property
    def corners(self) -> np.ndarray:
        """Corners of the cells, shape (n + 1, m + 1, 2)."""
        low = np.array(self.box)[:, 0]
        index = np.stack(np.indices((self.shape[0] + 1, self.shape[1] + 1)), axis=-1)
        return low + index * self.step

    def spread(self, cells: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Values of some cells (flat indices) on the grid; others take the nearest."""
        whole = np.full(self.shape, np.nan)
        whole.ravel()[cells] = values
        lost = np.isnan(whole)
        if not lost.any():
            return whole
        nearest = ndimage.distance_transform_edt(
            lost, return_distances=False, return_indices=True
        )
        return whole[tuple(nearest)]

    def field(self, values: np.ndarray) -> Callable[[ArrayLike], np.ndarray]:
        """Cubic spline through values (n, m); beyond the box that of its edge."""
        spline = ndimage.spline_filter(values, order=3, mode="reflect")
        return lambda x: self._read(spline, x, 3)

    def linear(self, values: np.ndarray, x: ArrayLike) -> np.ndarray:
        """Bilinear interpolation of values (n, m) at states (..., 2)."""
        return self._read(values, x, 1)

    def _read(self, values: np.ndarray, x: ArrayLike, order: int) -> np.ndarray:
        low, high = np.array(self.box).T
        x = np.asarray(x, dtype=float)
        at = (np.clip(x, low, high) - low) / self.step - 0.5
        read = ndimage.map_coordinates(
            values, at.reshape(-1, 2).T, order=order, mode="reflect", prefilter=False
        )
        return read.reshape(x.shape[:-1])

    def continued(
        self,
        values: np.ndarray,
        distance: Callable[[ArrayLike], np.ndarray],
        edge: float,
    ) -> np.ndarray:
        """Continue a field linearly into a set at whose edge it equals `edge`.

        Inside the set the field is constant and so has a kink at the edge; the
        continued one is smooth and can be interpolated up to the edge.
        """
        x, values = self.nodes, values.copy()
        depth = -distance(x)
        h = float(self.step.max())
        ghost = (depth >= 0) & (depth < GHOSTS * h)
        inside = x[ghost]
        out = _outward(distance, inside, h)
        far = 1.5 * h
        mirror = inside + (depth[ghost] + far)[:, None] * out
        for _ in range(4):  # a mirror point may itself lie beside ghosts
            rise = self.linear(values, mirror) - edge
            values[ghost] = edge - rise * depth[ghost] / far
        return values


def _outward(distance: Callable, x: np.ndarray, h: float) -> np.ndarray:
    """Unit gradient of a signed distance at states (n, 2), shape (n, 2)."""
    shift = 1e-4 * h * np.eye(2)
    slope = np.stack([distance(x + s) - distance(x - s) for s in shift], axis=-1)
    length = np.sqrt((slope**2).sum(axis=-1, keepdims=True))
    return slope / np.maximum(length, 1e-300)


def integral_over_box(
    function: Callable[[np.ndarray], np.ndarray],
    box: tuple[tuple[float, float], ...],
    panels: int = PANELS,
) -> float:
    """Integral over a box of the plane, composite Gauss-Legendre in both axes.

    Examples
    --------
    >>> round(integral_over_box(lambda x: x[..., 0] ** 2, ((0, 1), (0, 2))), 12)
    0.666666666667
    """
    nodes, weights = legendre.leggauss(ORDER)
    axes, scales = [], []
    for low, high in box:
        edges = np.linspace(low, high, panels + 1)
        half = np.diff(edges)[:, None] / 2
        axes.append(((edges[1:] + edges[:-1])[:, None] / 2 + half * nodes).ravel())
        scales.append((half * weights).ravel())
    values = function(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
    return float(scales[0] @ values @ scales[1])


@lru_cache(maxsize=64)
def boltzmann(system: _Landscape) -> Callable[[ArrayLike], np.ndarray]:
    """Density e^(-V/D) / Z as a function of states, Z over the box by quadrature."""
    bottom = float(system.potential(Grid(system.box, (CELLS, CELLS)).nodes).min())

    def weight(x: ArrayLike) -> np.ndarray:
        return np.exp((bottom - system.potential(x)) / system.D)

    z = integral_over_box(weight, system.box)
    return lambda x: weight(x) / z


@dataclass(frozen=True, eq=False)
class _Envelope:
    """Cells with an upper bound of the log density in each."""

    corners: np.ndarray  # (k, 2) lower left corners
    step: np.ndarray
    bound: np.ndarray  # (k,)
    share: np.ndarray  # (k,) cumulative chance of a cell


@lru_cache(maxsize=64)
def _envelope(system: _Law) -> _Envelope:
    grid = Grid(system.box, (CELLS, CELLS))
    with np.errstate(divide="ignore"):
        logs = np.log(system.density(grid.corners))
    logs = np.maximum(logs, logs.max() - 200)
    # On a cell a function is at most its largest corner + h^2 (|f_xx| + |f_yy|) / 8.
    bend = sum(_bend(logs, axis) for axis in (0, 1)) / 8
    top = _largest_corner(logs) + 1.5 * _largest_corner(bend)
    kept = top > top.max() - 60
    chance = np.cumsum(np.exp(top[kept] - top.max()))
    return _Envelope(
        grid.corners[:-1, :-1][kept], grid.step, top[kept], chance / chance[-1]
    )


def _bend(values: np.ndarray, axis: int) -> np.ndarray:
    second = np.abs(np.diff(values, n=2, axis=axis))
    pad = [(0, 0), (0, 0)]
    pad[axis] = (1, 1)
    return np.pad(second, pad, mode="edge")


def _largest_corner(values: np.ndarray) -> np.ndarray:
    low = np.maximum(values[:-1], values[1:])
    return np.maximum(low[:, :-1], low[:, 1:])


def sample_in_box(
    system: _Law, n: int, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    """Draw n states of a planar density by rejection, shape (n, 2).

    A cell is drawn by the bound of the density in it, a point in the cell, and the
    point is kept with probability density / bound: exact where the bound holds.
    """
    n, rng = integer(n, "n", 0), generator(rng)
    hull = _envelope(system)
    kept = np.empty((0, 2))
    while len(kept) < n:
        count = int(1.5 * (n - len(kept))) + 100
        cell = np.searchsorted(hull.share, rng.random(count), side="right")
        cell = np.minimum(cell, len(hull.share) - 1)
        x = hull.corners[cell] + rng.random((count, 2)) * hull.step
        level = np.log(rng.random(count)) + hull.bound[cell]
        kept = np.concatenate([kept, x[np.exp(level) < system.density(x)]])
    return kept[:n]
