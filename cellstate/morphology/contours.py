"""Outlines of cells: traced for all cells at once, and what their shape says.

The outline is the marching-squares polygon of the mask at level 1/2: its
vertices are the midpoints of the pixel edges ("cracks") between the cell and
its outside. Cracks know their successor, so that tracing is pointer doubling
(list ranking) over all cells together, with no loop over cells or vertices.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cellstate.morphology._block import Block, over
from cellstate.morphology._feature import Feature

# Outward normals of the four cracks of a pixel: above, right, below, left.
NORMAL_X = np.array([0, 1, 0, -1])
NORMAL_Y = np.array([-1, 0, 1, 0])

SIZE = (Feature("perimeter", "um", "size", "as scikit-image, neighbourhood 4"),)
SHAPE = (
    Feature("form_factor", "1", "contour", "4 pi area / perimeter^2; 1 if round"),
    Feature("radius_mean", "um", "contour", "mean distance centroid to outline"),
    Feature("radius_sd", "um", "contour", "its standard deviation along the outline"),
    Feature("radius_min", "um", "contour", "its minimum"),
    Feature("radius_max", "um", "contour", "its maximum"),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Cracks:
    """Pixel edges between cells and their outside, M in all."""

    pixel: np.ndarray  # (M,) index of the pixel in its block
    side: np.ndarray  # (M,) 0 above, 1 right, 2 below, 3 left
    cell: np.ndarray  # (M,)
    successor: np.ndarray  # (M,) next crack, cell on the right-hand side


@dataclass(frozen=True, eq=False, kw_only=True)
class Outline:
    """Closed polygons of n cells; x and y are relative to the cell's centroid."""

    x: np.ndarray  # (V,) px
    y: np.ndarray  # (V,)
    cell: np.ndarray  # (V,)
    start: np.ndarray  # (n,) first vertex of each cell
    following: np.ndarray  # (V,) index of the next vertex of the same cell
    n_components: np.ndarray  # (n,) pieces of the mask, diagonal contact connects

    @cached_property
    def radius(self) -> np.ndarray:
        """Distance of each vertex from the centroid of the mask, (V,)."""
        return np.sqrt(self.x**2 + self.y**2)

    @cached_property
    def step(self) -> np.ndarray:
        """Length of the edge that leaves each vertex, (V,)."""
        dx, dy = self.x[self.following] - self.x, self.y[self.following] - self.y
        return np.sqrt(dx * dx + dy * dy)

    @cached_property
    def length(self) -> np.ndarray:
        """Length of each outline, (n,)."""
        return np.add.reduceat(self.step, self.start)

    @cached_property
    def position(self) -> np.ndarray:
        """Arc length from the first vertex of the cell, (V,)."""
        before = np.cumsum(self.step) - self.step
        return before - before[self.start][self.cell]

    @cached_property
    def weight(self) -> np.ndarray:
        """Share of the outline that belongs to each vertex, (V,)."""
        arriving = np.empty_like(self.step)
        arriving[self.following] = self.step
        return (self.step + arriving) / (2 * self.length[self.cell])

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean along each outline by arc length, (n,)."""
        return np.add.reduceat(values * self.weight, self.start)


def find_cracks(block: Block) -> Cracks:
    """All cracks of the cells of a block and the crack that follows each."""
    rim, mask, steps = block.rim, block.mask.ravel(), block.steps
    spot = block.spot.take(rim)
    outside = [np.flatnonzero(~mask.take(spot + step)) for step in steps]
    which, found = np.concatenate(outside), [part.size for part in outside]
    side, here = np.repeat(np.arange(4), found), spot.take(which)
    # Number of the crack on a side of a pixel of the strip.
    number = np.empty(4 * mask.size, np.int32)
    number[side * mask.size + here] = np.arange(which.size)

    ahead = here + np.repeat(np.roll(steps, -1), found)
    diagonal = ahead + np.repeat(steps, found)
    # Diagonal contact connects, hence the diagonal pixel is asked first.
    left, straight = mask.take(diagonal), mask.take(ahead)
    next_side = np.where(left, side - 1, np.where(straight, side, side + 1)) & 3
    there = np.where(left, diagonal, np.where(straight, ahead, here))
    pixel = rim.take(which)
    return Cracks(
        pixel=pixel,
        side=side,
        cell=block.cell.take(pixel),
        successor=number.take(next_side * mask.size + there).astype(np.int64),
    )


def trace(block: Block, cracks: Cracks) -> Outline:
    """Outline of the largest piece of each cell, clockwise on the screen."""
    pixel, side, following = cracks.pixel, cracks.side, cracks.successor
    x = block.dx.take(pixel) + (NORMAL_X / 2).take(side)
    y = block.dy.take(pixel) + (NORMAL_Y / 2).take(side)
    longest = int(np.bincount(cracks.cell).max())
    # The first crack above the first pixel lies on an outline. Where it leads to
    # all others, as in a cell of one piece without holes, nothing is to be chosen.
    root = np.searchsorted(cracks.cell[: np.searchsorted(side, 1)], np.arange(block.n))
    root, pieces = root[cracks.cell], np.ones(block.n, np.int64)
    steps, reached = _steps_to_last(following, root, longest)
    kept = np.arange(root.size)
    if not reached.all():
        root = _first_of_cycle(following, longest)
        chosen, pieces = _largest_piece(x, y, following, root, cracks.cell)
        kept = np.flatnonzero(root == chosen[cracks.cell])
        steps, _ = _steps_to_last(following, root, longest)

    vertices = np.bincount(cracks.cell[kept], minlength=block.n)
    start = np.cumsum(vertices) - vertices
    place = (start + vertices - 1).take(cracks.cell) - steps
    order = np.empty(kept.size, np.int64)
    order[place[kept]] = kept
    next_vertex = np.arange(1, order.size + 1)
    next_vertex[start + vertices - 1] = start
    return Outline(
        x=x[order],
        y=y[order],
        cell=cracks.cell[order],
        start=start,
        following=next_vertex,
        n_components=pieces,
    )


def _largest_piece(
    x: np.ndarray,
    y: np.ndarray,
    following: np.ndarray,
    root: np.ndarray,
    cell: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Root of the largest outline of each cell, and the number of pieces, (n,)."""
    # Twice the signed area: positive for the outside of a piece, negative for
    # the rim of a hole.
    area = np.bincount(root, x * y[following] - x[following] * y, root.size)
    outer = np.flatnonzero(area > 0)
    best = outer[np.lexsort((area[outer], cell[outer]))]
    last = np.diff(cell[best], append=-1) != 0
    return best[last], np.bincount(cell[outer])


def _first_of_cycle(following: np.ndarray, longest: int) -> np.ndarray:
    """Smallest index on the cycle of each element, by pointer doubling."""
    first = np.arange(following.size)
    for _ in range(max(longest - 1, 1).bit_length()):
        first = np.minimum(first, first.take(following))
        following = following.take(following)
    return first


def _steps_to_last(
    following: np.ndarray, root: np.ndarray, longest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Steps from each element to the one that precedes its root, if it gets there."""
    last = following == root
    steps = (~last).astype(np.int64)
    following = np.where(last, np.arange(following.size), following)
    for _ in range(max(longest - 1, 1).bit_length()):
        steps = steps + steps.take(following)
        following = following.take(following)
    return steps, last.take(following)


def perimeter(block: Block) -> np.ndarray:
    """Perimeter (n,) in px by counting neighbour patterns of border pixels.

    Same weights as `skimage.measure.perimeter` with neighbourhood 4. A cell of
    one pixel has perimeter 0.

    References
    ----------
    Benkrid, Crookes, Benkrid, Design and FPGA Implementation of a Perimeter
    Estimator, IMVIP (2000).
    """
    spot, cell = block.spot.take(block.rim), block.cell.take(block.rim)
    rim = np.zeros(block.mask.size, np.uint8)
    rim[spot] = 1
    up, right, down, left = block.steps
    straight = sum(rim.take(spot + step) for step in block.steps)
    slanted = sum(
        rim.take(spot + step)
        for step in (up + right, up + left, down + right, down + left)
    )
    code = 1 + 2 * straight + 10 * slanted
    table = np.zeros(50)
    table[[5, 7, 15, 17, 25, 27]] = 1
    table[[21, 33]] = np.sqrt(2)
    table[[13, 23]] = (1 + np.sqrt(2)) / 2
    return np.bincount(cell, table[code], block.n)


def shape_contour(block: Block, outline: Outline) -> dict[str, np.ndarray]:
    """Features `SIZE` and `SHAPE` of each cell, in px."""
    radius, mean = outline.radius, outline.mean(outline.radius)
    spread = outline.mean((radius - mean[outline.cell]) ** 2)
    around = perimeter(block)
    return {
        "perimeter": around,
        "form_factor": over(4 * np.pi * block.count, around**2),
        "radius_mean": mean,
        "radius_sd": np.sqrt(spread),
        "radius_min": np.minimum.reduceat(radius, outline.start),
        "radius_max": np.maximum.reduceat(radius, outline.start),
    }
