"""What lies just outside each cell: free pixels, other cells, the frame's end."""

from dataclasses import dataclass

import numpy as np

from cellstate.morphology._block import Block
from cellstate.morphology._sorting import sort_within
from cellstate.morphology.contours import NORMAL_X, NORMAL_Y, Cracks

# Distances (px) at which the ring around a cell is read: outside the blur of
# its edge, nearer than most other cells.
RING = (3, 5)


@dataclass(frozen=True, eq=False, kw_only=True)
class Surroundings:
    """Places in the flattened frame straight outward of the cracks of a block."""

    ring: np.ndarray  # (R,) places of free pixels 3 and 5 px away
    ring_cell: np.ndarray  # (R,) the cell they surround
    rim: np.ndarray  # (F,) places of free pixels beyond a crack
    rim_crack: np.ndarray  # (F,) that crack
    other: np.ndarray  # (M,) label beyond each crack, 0 free, -1 outside the frame

    @classmethod
    def of(cls, block: Block, cracks: Cracks, labels: np.ndarray) -> "Surroundings":
        height, width = labels.shape
        start = block.place.take(cracks.pixel)
        row, col = np.divmod(start, width)
        down, right = NORMAL_Y.take(cracks.side), NORMAL_X.take(cracks.side)
        step = down * width + right

        def beyond(distance: int) -> tuple[np.ndarray, np.ndarray]:
            y, x = row + distance * down, col + distance * right
            seen = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            which = np.flatnonzero(seen)
            return start[which] + distance * step[which], which

        place, which = beyond(1)
        other = np.full(cracks.pixel.size, -1, np.int64)
        other[which] = labels.take(place)
        free = other[which] == 0
        ring, crack = map(
            np.concatenate, zip(*(beyond(distance) for distance in RING), strict=True)
        )
        empty = labels.take(ring) == 0
        return cls(
            ring=ring[empty],
            ring_cell=cracks.cell[crack[empty]],
            rim=place[free],
            rim_crack=which[free],
            other=other,
        )


def ring_median(around: Surroundings, image: np.ndarray, n: int) -> np.ndarray:
    """Median of the free pixels 3 and 5 px outside each cell, (n,); NaN if none."""
    cell, values = around.ring_cell, image.take(around.ring).astype(np.float64)
    ordered = sort_within(values, cell)
    count = np.bincount(cell, minlength=n)
    start = np.cumsum(count) - count
    known = count > 0
    median = np.full(n, np.nan)
    low = start[known] + (count[known] - 1) // 2
    high = start[known] + count[known] // 2
    median[known] = (ordered.at(low) + ordered.at(high)) / 2
    return median
