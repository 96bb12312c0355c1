"""Convex hulls of all cells at once, in exact integers."""

from dataclasses import dataclass

import numpy as np

from cellstate.morphology._block import Block
from cellstate.morphology._feature import Feature

SIZE = (
    Feature("convex_area", "um2", "size", "pixels whose centre is in the hull"),
    Feature("feret_max", "um", "size", "largest distance between two hull points"),
    Feature("feret_min", "um", "size", "smallest distance of parallel tangents"),
)
SHAPE = (
    Feature("solidity", "1", "contour", "area over convex area"),
    Feature("convexity", "1", "contour", "length of hull over length of outline"),
)

# Hull vertices of a chunk of cells are compared all with all.
PAIRS = 500_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Chains:
    """Left and mirrored right flank of each hull, on a grid of half pixels.

    Chain 2k is the left flank of cell k and chain 2k + 1 the right flank with
    x negated, both from the top down: strictly convex functions x(row).
    """

    chain: np.ndarray  # (P,)
    row: np.ndarray  # (P,) half pixels
    x: np.ndarray  # (P,) half pixels


def convex_chains(block: Block) -> Chains:
    """Hulls of the edge midpoints of the pixels of each cell.

    Points that are not below the line between their two neighbours are removed
    until none is left. Removing many at once is safe: each is a convex
    combination of others, so that no vertex of the hull is ever lost.
    """
    chain, row, x = _flanks(block)
    while True:
        down, right = np.diff(row), np.diff(x)
        # Of three in a row, the second is not left of the line between the others.
        above = right[:-1] * down[1:] >= right[1:] * down[:-1]
        above &= chain[2:] == chain[:-2]
        if not above.any():
            return Chains(chain=chain, row=row, x=x)
        kept = np.ones(chain.size, bool)
        kept[1:-1] = ~above
        kept = np.flatnonzero(kept)
        chain, row, x = chain[kept], row[kept], x[kept]


def _flanks(block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outermost half-pixel point of every row and between rows, both sides."""
    new = np.diff(block.run_cell, prepend=-1) != 0
    new |= np.diff(block.run_row, prepend=-1) != 0
    last = (block.run_col + block.run_length - 1)[np.append(new[1:], True)]
    first, cell, row = block.run_col[new], block.run_cell[new], block.run_row[new]
    adjacent = (np.diff(cell) == 0) & (np.diff(row) == 1)
    sides = []
    for side, edge in enumerate((2 * first, -2 * last)):
        x = np.stack([edge, edge - 1, edge], axis=1)
        x[:-1, 2] = np.where(adjacent, np.minimum(edge[:-1], edge[1:]), edge[:-1])
        kept = np.ones(x.shape, bool)
        kept[1:, 0] = ~adjacent  # the point between two rows is there once
        rows = 2 * row[:, None] + np.array([-1, 0, 1])
        chains = np.broadcast_to(2 * cell[:, None] + side, x.shape)
        place = np.flatnonzero(kept)
        sides.append([part.take(place) for part in (chains, rows, x)])
    chain, rows, x = (np.concatenate(pair) for pair in zip(*sides, strict=True))
    order = np.argsort(chain, kind="stable")
    return chain[order], rows[order], x[order]


def convex_area(block: Block, chains: Chains) -> np.ndarray:
    """Number of pixels, (n,), whose centre is in the hull or on its rim.

    Equal to `area_convex` of scikit-image.
    """
    height = block.box[:, 2] - block.box[:, 0]
    first = np.cumsum(height) - height
    cell = np.repeat(np.arange(block.n), height)
    row = 2 * (np.arange(cell.size) - first[cell] + block.box[cell, 0])
    stride = 2 * int(block.box[:, 2].max()) + 2  # rows lie in -1 .. stride - 2
    axis = chains.chain * stride + chains.row
    inner = np.zeros((2, cell.size), np.int64)
    for side in (0, 1):
        at = np.searchsorted(axis, (2 * cell + side) * stride + row, side="right") - 1
        r0, r1 = chains.row[at], chains.row[at + 1]
        x0, x1 = chains.x[at], chains.x[at + 1]
        top = x0 * (r1 - r0) + (x1 - x0) * (row - r0)
        inner[side] = -((-top) // (2 * (r1 - r0)))  # rounded up to a whole pixel
    return np.add.reduceat(1 - inner[0] - inner[1], first)


def hull_polygons(n: int, chains: Chains) -> np.ndarray:
    """Hull vertices as closed polygons, (n, k) complex in px, ends repeated."""
    size = np.bincount(chains.chain, minlength=2 * n)
    end = np.cumsum(size)
    right = chains.chain % 2 == 1
    # Down the left flank, then up the right one.
    order, along = np.arange(right.size), chains.chain[right]
    order[right] = 2 * end[along] - size[along] - 1 - order[right]
    x = np.where(right, -chains.x, chains.x)[order] / 2
    z = x + 0.5j * chains.row[order]
    count = size[::2] + size[1::2]
    place = np.minimum(np.arange(count.max()), count[:, None] - 1)
    return z[(end[1::2] - count)[:, None] + place]


def feret(polygon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest and smallest caliper distance of convex polygons, each (n,)."""
    n, k = polygon.shape
    largest, smallest = np.empty(n), np.empty(n)
    for part in _parts(n, k):
        z = polygon[part]
        x, y = z.real.copy(), z.imag.copy()
        across, down = x[:, None] - x[:, :, None], y[:, None] - y[:, :, None]
        square = across * across + down * down
        largest[part] = np.sqrt(square.max(axis=(1, 2)))
        edge = np.roll(z, -1, axis=1) - z
        length = np.abs(edge)
        unit = edge / np.where(length > 0, length, 1)
        height = unit.real[:, :, None] * down - unit.imag[:, :, None] * across
        height = -height.min(axis=2)  # all points lie on one side of an edge
        smallest[part] = np.where(length > 0, height, np.inf).min(axis=1)
    return largest, smallest


def _parts(n: int, k: int) -> list[slice]:
    size = max(1, PAIRS // (k * k))
    return [slice(first, first + size) for first in range(0, n, size)]


def shape_hull(block: Block, outline_length: np.ndarray) -> dict[str, np.ndarray]:
    """Features `SIZE` and `SHAPE` of each cell, in px."""
    chains = convex_chains(block)
    area = convex_area(block, chains)
    polygon = hull_polygons(block.n, chains)
    largest, smallest = feret(polygon)
    around = np.abs(np.roll(polygon, -1, axis=1) - polygon).sum(axis=1)
    return {
        "convex_area": area.astype(float),
        "feret_max": largest,
        "feret_min": smallest,
        "solidity": block.count / area,
        "convexity": around / outline_length,
    }
