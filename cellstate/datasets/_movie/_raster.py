"""A contour on a grid of pixels: light with smooth edges, and the pixels inside.

Pixel (row, column) has its centre at y = row, x = column, and is one wide.
"""

from dataclasses import dataclass

import numpy as np

from cellstate.datasets._movie._shape import profile, wave

BORDER = 0.75  # px; an edge farther from the centre does not cut a pixel
SMALLEST = 1e-3  # of a normal's component: a wall this steep counts as upright


@dataclass(frozen=True, eq=False, kw_only=True)
class Tile:
    """The pixels around one cell.

    Attributes
    ----------
    row, column
        First row and column, in pixels of the frame; may be negative.
    x, y
        Columns (w,) and rows (h,) relative to the centre of the cell, px.
    distance
        Of each pixel centre from the centre of the cell, px, shape (h, w).
    direction
        exp(i theta) of each pixel centre, shape (h, w).
    edge
        Radius of the contour in that direction, px, shape (h, w).
    slope
        Its derivative by the angle, px, shape (h, w).
    """

    row: int
    column: int
    x: np.ndarray
    y: np.ndarray
    distance: np.ndarray
    direction: np.ndarray
    edge: np.ndarray
    slope: np.ndarray

    @property
    def depth(self) -> np.ndarray:
        """Distance from the centre over that of the edge: 1 on it, shape (h, w)."""
        return self.distance / self.edge


def tile(x: float, y: float, radius: float, modes: np.ndarray) -> Tile:
    """Lay a grid over one cell.

    Parameters
    ----------
    x, y, radius
        Centre and mean radius of the contour, px.
    modes
        c_k, shape (6,).
    """
    reach = radius * float(profile(modes[None]).max()) + 2
    columns = np.arange(int(np.floor(x - reach)), int(np.ceil(x + reach)) + 1)
    rows = np.arange(int(np.floor(y - reach)), int(np.ceil(y + reach)) + 1)
    point = (columns - x) + 1j * (rows - y)[:, None]
    distance = np.abs(point)
    # In the centre itself every direction is as good.
    direction = np.where(distance > 0, point, 1) / np.where(distance > 0, distance, 1)
    edge, slope = wave(modes, direction)
    return Tile(
        row=int(rows[0]),
        column=int(columns[0]),
        x=columns - x,
        y=rows - y,
        distance=distance,
        direction=direction,
        edge=radius * edge,
        slope=radius * slope,
    )


def coverage(cell: Tile) -> np.ndarray:
    """Share of each pixel that lies inside the contour, shape (h, w).

    Near a pixel the contour is taken as its tangent, and the share of the pixel on
    the inner side is exact; the tangent is moved inward by what the contour, curved
    like a circle, falls behind it on average over the pixel.

    Examples
    --------
    >>> disc = tile(0.3, -0.2, 6.0, np.zeros(6, dtype=complex))
    >>> round(float(coverage(disc).sum() / (np.pi * 36)), 3)
    1.0
    """
    around = cell.slope / np.maximum(cell.distance, 1)
    steepness = np.hypot(1, around)
    inward = (cell.edge - cell.distance) / steepness - 1 / (24 * cell.edge)
    share = (inward > 0).astype(float)
    cut = np.abs(inward) < BORDER
    radially = cell.direction[cut]
    # The outward normal is radial, less what the edge rises along the angle.
    normal = radially * (1 - 1j * around[cut]) / steepness[cut]
    share[cut] = half_plane(inward[cut], normal)
    return share


def half_plane(inward: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Share of a unit square within a half-plane.

    Parameters
    ----------
    inward
        How far the edge lies beyond the centre of the square, along the normal.
    normal
        Outward normal as x + iy, of length 1.

    Examples
    --------
    >>> half_plane(np.array([0.25, 0.0]), np.array([1.0, 0.6 + 0.8j])).round(6)
    array([0.75, 0.5 ])
    """
    wide = np.maximum(np.abs(normal.real), np.abs(normal.imag))
    narrow = np.maximum(np.minimum(np.abs(normal.real), np.abs(normal.imag)), SMALLEST)
    # The chance that u + v <= inward, u and v uniform with widths `wide`, `narrow`.
    ends = [
        sign * np.square(np.maximum(inward + a * wide / 2 + b * narrow / 2, 0))
        for sign, a, b in ((1, 1, 1), (-1, 1, -1), (-1, -1, 1), (1, -1, -1))
    ]
    return np.clip(sum(ends) / (2 * wide * narrow), 0, 1)


def overlap(
    cell: Tile, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Where a tile meets a frame: slices of the frame and of the tile, or None."""
    places, parts = [], []
    for first, size, length in zip(
        (cell.row, cell.column), cell.distance.shape, shape, strict=True
    ):
        low, high = max(first, 0), min(first + size, length)
        if low >= high:
            return None
        places.append(slice(low, high))
        parts.append(slice(low - first, high - first))
    return tuple(places), tuple(parts)
