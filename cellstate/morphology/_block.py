"""Pixels of a frame sorted by cell, in blocks that fit the processor's cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Empty pixels around each cell of a strip; the widest filter reaches 1 + 2 + 4.
MARGIN = 7
# Strip pixels per block: few enough for the temporaries to stay in the cache,
# enough to make the calls themselves cheap.
STRIP_PIXELS = 300_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """Pixels of n consecutive cells, N in all, sorted by cell and then raster.

    Each cell also has a place of its own on a strip, `MARGIN` empty pixels
    away from the next, so that filters and contours never see a neighbour.
    """

    cell: np.ndarray  # (N,) index of the cell within the block
    place: np.ndarray  # (N,) position in the flattened frame
    row: np.ndarray  # (N,) in the frame
    col: np.ndarray  # (N,)
    start: np.ndarray  # (n,) first pixel of each cell
    box: np.ndarray  # (n, 4) y0, x0, y1, x1; the end is excluded

    @property
    def n(self) -> int:
        return self.start.size

    @cached_property
    def count(self) -> np.ndarray:
        return np.diff(self.start, append=self.cell.size)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the pixels of each cell, shape (n,)."""
        return np.add.reduceat(values, self.start)

    def mean(self, values: np.ndarray) -> np.ndarray:
        return self.sum(values) / self.count

    def spread(self, per_cell: np.ndarray) -> np.ndarray:
        """One value per cell, repeated for each of its pixels, shape (N,)."""
        return np.repeat(per_cell, self.count)

    @cached_property
    def centroid(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean x and y in frame pixels."""
        # Sums of small integers are exact, sums of frame positions may not be.
        x0, y0 = self.box[:, 1], self.box[:, 0]
        return (
            x0 + self.mean(self.col - self.spread(x0)),
            y0 + self.mean(self.row - self.spread(y0)),
        )

    @cached_property
    def dx(self) -> np.ndarray:
        return self.col - self.spread(self.centroid[0])

    @cached_property
    def dy(self) -> np.ndarray:
        return self.row - self.spread(self.centroid[1])

    @cached_property
    def strip_shape(self) -> tuple[int, int]:
        y0, x0, y1, x1 = self.box.T
        height = int((y1 - y0).max()) + 2 * MARGIN
        return height, int((x1 - x0 + MARGIN).sum()) + MARGIN

    @cached_property
    def spot(self) -> np.ndarray:
        """Position of each pixel in the flattened strip, shape (N,)."""
        y0, x0, _, x1 = self.box.T
        width = x1 - x0 + MARGIN
        left = MARGIN + np.cumsum(width) - width
        shift = (MARGIN - y0) * self.strip_shape[1] + left - x0
        return self.row * self.strip_shape[1] + self.col + self.spread(shift)

    @cached_property
    def mask(self) -> np.ndarray:
        """The strip, True inside cells."""
        mask = np.zeros(self.strip_shape, bool)
        mask.ravel()[self.spot] = True
        return mask

    @cached_property
    def steps(self) -> np.ndarray:
        """Strip offsets to the pixel above, right, below and left."""
        width = self.strip_shape[1]
        return np.array([-width, 1, width, -1])

    @cached_property
    def runs(self) -> tuple[np.ndarray, np.ndarray]:
        """First pixel and length of each horizontal run of pixels of a cell."""
        first = np.flatnonzero(np.diff(self.spot, prepend=-1) != 1)
        return first, np.diff(first, append=self.spot.size)

    @cached_property
    def interior(self) -> np.ndarray:
        """Whether a pixel has its four neighbours in the cell, (N,)."""
        mask = self.mask
        inner = np.zeros_like(mask)
        inner[1:-1] = mask[1:-1] & mask[:-2] & mask[2:]
        inner[:, 1:-1] &= mask[:, :-2] & mask[:, 2:]
        return inner.take(self.spot)


def split_cells(labels: np.ndarray) -> tuple[np.ndarray, Iterator[Block]]:
    """Labels present in a frame, ascending, and their pixels in blocks."""
    flat = np.flatnonzero(labels)
    found = labels.ravel()[flat]
    if flat.size == 0:
        return np.zeros(0, np.int64), iter(())
    top = int(found.max())
    if top <= 4 * labels.size:  # dense enough to count every possible label
        present = np.flatnonzero(np.bincount(found))
        rank = np.zeros(top + 1, np.int64)
        rank[present] = np.arange(present.size)
        cell = rank[found]
    else:
        present, cell = np.unique(found, return_inverse=True)
    # 16-bit keys are sorted by radix, several times faster.
    small = cell.astype(np.uint16) if present.size <= 65_536 else cell
    order = np.argsort(small, kind="stable")
    flat = flat[order]
    cell = np.repeat(np.arange(present.size), np.bincount(cell))
    return present.astype(np.int64), _blocks(flat, cell, labels.shape[1])


def _blocks(flat: np.ndarray, cell: np.ndarray, width: int) -> Iterator[Block]:
    row, col = np.divmod(flat, width)
    start = np.flatnonzero(np.diff(cell, prepend=-1))
    end = np.append(start[1:], cell.size)
    box = np.stack(
        [
            row[start],
            np.minimum.reduceat(col, start),
            row[end - 1] + 1,
            np.maximum.reduceat(col, start) + 1,
        ],
        axis=1,
    )
    for first, last in _shelves(box):
        pixels = slice(start[first], end[last - 1])
        yield Block(
            cell=cell[pixels] - first,
            place=flat[pixels],
            row=row[pixels],
            col=col[pixels],
            start=start[first:last] - start[first],
            box=box[first:last],
        )


def _shelves(box: np.ndarray) -> Iterator[tuple[int, int]]:
    """Runs of cells whose common strip stays below STRIP_PIXELS."""
    heights = (box[:, 2] - box[:, 0] + 2 * MARGIN).tolist()
    widths = (box[:, 3] - box[:, 1] + MARGIN).tolist()
    first, tall, wide = 0, 0, MARGIN
    for k, (height, width) in enumerate(zip(heights, widths, strict=True)):
        tall, wide = max(tall, height), wide + width
        if k > first and tall * wide > STRIP_PIXELS:
            yield first, k
            first, tall, wide = k, height, MARGIN + width
    yield first, len(heights)


def over(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Ratio, NaN where the denominator is not positive."""
    return np.where(bottom > 0, top, np.nan) / np.where(bottom > 0, bottom, 1)


def sort_within(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Values sorted within each group, the groups in ascending order.

    One float key holds both, the group as whole part and half the value below
    it; values come back with an error of about 1e-16 groups x range.

    Parameters
    ----------
    values
        Finite, shape (N,).
    group
        Integers, shape (N,), in any order.
    """
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    if not high > low:
        return values
    key = np.sort(group + (values - low) * (0.5 / (high - low)))
    return low + (key - np.floor(key)) * (2 * (high - low))
