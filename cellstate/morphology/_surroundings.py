"""What lies just outside each cell: free pixels, other cells, the frame's end."""

from dataclasses import dataclass

import numpy as np

from ._block import Block, sort_within
from .contours import NORMAL_X, NORMAL_Y, Cracks

# Distances (px) at which the ring around a cell is read: outside the blur of
# its edge, nearer than most other cells.
RING = (3, 5)


@dataclass(frozen=True, eq=False, kw_only=True)
class Surroundings:
    """Frame positions straight outward of the cracks of a block of cells."""

    ring: tuple[np.ndarray, np.ndarray, np.ndarray]  # row, col, cell of free pixels
    rim: tuple[np.ndarray, np.ndarray, np.ndarray]  # row, col, crack of free pixels
    other: np.ndarray  # (M,) label beyond each crack, 0 free, -1 outside the frame

    @classmethod
    def of(cls, block: Block, cracks: Cracks, labels: np.ndarray) -> "Surroundings":
        height, width = labels.shape

        def beyond(distance: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            row = block.row[cracks.pixel] + distance * NORMAL_Y[cracks.side]
            col = block.col[cracks.pixel] + distance * NORMAL_X[cracks.side]
            seen = (row >= 0) & (row < height) & (col >= 0) & (col < width)
            which = np.flatnonzero(seen)
            return row[which], col[which], which

        row, col, which = beyond(1)
        other = np.full(cracks.pixel.size, -1, np.int64)
        other[which] = labels[row, col]
        free = other[which] == 0
        rings = []
        for distance in RING:
            ring_row, ring_col, crack = beyond(distance)
            empty = labels[ring_row, ring_col] == 0
            cell = cracks.cell[crack]
            rings.append((ring_row[empty], ring_col[empty], cell[empty]))
        return cls(
            ring=tuple(np.concatenate(parts) for parts in zip(*rings, strict=True)),
            rim=(row[free], col[free], which[free]),
            other=other,
        )


def ring_median(around: Surroundings, image: np.ndarray, n: int) -> np.ndarray:
    """Median of the free pixels 3 and 5 px outside each cell, (n,); NaN if none."""
    row, col, cell = around.ring
    values = image[row, col].astype(np.float64)
    values = sort_within(values, cell)
    count = np.bincount(cell, minlength=n)
    start = np.cumsum(count) - count
    known = count > 0
    median = np.full(n, np.nan)
    low = start[known] + (count[known] - 1) // 2
    high = start[known] + count[known] // 2
    median[known] = (values[low] + values[high]) / 2
    return median
