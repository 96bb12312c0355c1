"""Pixels of a frame sorted by cell, in blocks that fit the processor's cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Empty pixels around each cell of a strip; the widest filter reaches 1 + 2 + 4.
MARGIN = 7
# Strip pixels per block: few enough for the temporaries to stay in the cache,
# enough to make the calls themselves cheap.
STRIP_PIXELS = 400_000
# An array that is freed at once. The C library keeps as much memory as it has
# seen freed in one piece, up to 32 MB, instead of giving it back to the system and
# asking again: for each temporary of a block this costs more than the arithmetic.
KEPT_BYTES = 30_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """Pixels of n consecutive cells, N in all, sorted by cell and then raster.

    They come as R horizontal runs; what is the same along a run, or grows by one
    from pixel to pixel, is worked out per run. Each cell also has a place of its
    own on a strip, `MARGIN` empty pixels away from the next, so that filters and
    contours never see a neighbour.
    """

    run_cell: np.ndarray  # (R,) index of the cell within the block
    run_row: np.ndarray  # (R,) in the frame
    run_col: np.ndarray  # (R,) first column of the run
    run_length: np.ndarray  # (R,) pixels
    box: np.ndarray  # (n, 4) y0, x0, y1, x1; the end is excluded
    width: int  # of the frame

    @property
    def n(self) -> int:
        return len(self.box)

    @cached_property
    def run_start(self) -> np.ndarray:
        """First pixel of each run, (R,)."""
        return np.cumsum(self.run_length) - self.run_length

    @cached_property
    def first_run(self) -> np.ndarray:
        """First run of each cell, (n,)."""
        return np.flatnonzero(np.diff(self.run_cell, prepend=-1))

    @cached_property
    def start(self) -> np.ndarray:
        """First pixel of each cell, (n,)."""
        return self.run_start[self.first_run]

    @cached_property
    def count(self) -> np.ndarray:
        return self.sum_runs(self.run_length)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the pixels of each cell, shape (n,)."""
        return np.add.reduceat(values, self.start)

    def sum_runs(self, per_run: np.ndarray) -> np.ndarray:
        """Sum over the runs of each cell, shape (n,)."""
        return np.add.reduceat(per_run, self.first_run)

    def mean(self, values: np.ndarray) -> np.ndarray:
        return self.sum(values) / self.count

    def spread(self, per_cell: np.ndarray) -> np.ndarray:
        """One value per cell, repeated for each of its pixels, shape (N,)."""
        return np.repeat(per_cell, self.count)

    def spread_runs(self, per_run: np.ndarray) -> np.ndarray:
        """One value per run, repeated for each of its pixels, shape (N,)."""
        return np.repeat(per_run, self.run_length)

    def rise(self, per_run: np.ndarray) -> np.ndarray:
        """Whole number of the first pixel of each run, then one more each, (N,)."""
        steps = self.spread_runs(per_run - self.run_start)
        steps += np.arange(steps.size)
        return steps

    @cached_property
    def cell(self) -> np.ndarray:
        """Index of the cell within the block, (N,)."""
        return self.spread(np.arange(self.n))

    @cached_property
    def place(self) -> np.ndarray:
        """Position in the flattened frame, (N,)."""
        return self.rise(self.run_row * self.width + self.run_col)

    @cached_property
    def row(self) -> np.ndarray:
        return self.spread_runs(self.run_row)

    @cached_property
    def col(self) -> np.ndarray:
        return self.rise(self.run_col)

    @cached_property
    def centroid(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean x and y in frame pixels."""
        # Sums of small integers are exact, sums of frame positions may not be.
        y0, x0 = self.box[:, 0], self.box[:, 1]
        length = self.run_length
        x = length * (self.run_col - x0[self.run_cell]) + length * (length - 1) // 2
        y = length * (self.run_row - y0[self.run_cell])
        return x0 + self.sum_runs(x) / self.count, y0 + self.sum_runs(y) / self.count

    @cached_property
    def run_x(self) -> np.ndarray:
        """First pixel of each run minus the centroid, along x, (R,)."""
        return self.run_col - self.centroid[0][self.run_cell]

    @cached_property
    def run_y(self) -> np.ndarray:
        """Row of each run minus the centroid, (R,)."""
        return self.run_row - self.centroid[1][self.run_cell]

    @cached_property
    def inner(self) -> np.ndarray:
        """Pixels since the first one of the run, (N,)."""
        return self.rise(np.zeros_like(self.run_start))

    @cached_property
    def dx(self) -> np.ndarray:
        return self.spread_runs(self.run_x) + self.inner

    @cached_property
    def dy(self) -> np.ndarray:
        return self.spread_runs(self.run_y)

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
        row = self.run_row * self.strip_shape[1]
        return self.rise(row + self.run_col + shift[self.run_cell])

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
    def rim(self) -> np.ndarray:
        """Pixels with one of their four neighbours outside the cell, indices."""
        return np.flatnonzero(~self.interior)

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
    nothing = np.zeros(0, np.int64), iter(())
    if labels.size == 0:
        return nothing
    np.empty(KEPT_BYTES, np.uint8)
    new = np.ones(labels.shape, bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=new[:, 1:])
    begin = np.flatnonzero(new)
    length = np.diff(begin, append=labels.size)
    found = labels.take(begin)
    inside = np.flatnonzero(found)
    if inside.size == 0:
        return nothing
    begin, length, found = begin[inside], length[inside], found[inside]
    top = int(found.max())
    if top <= 4 * labels.size:  # dense enough to count every possible label
        present = np.flatnonzero(np.bincount(found))
        rank = np.zeros(top + 1, np.int64)
        rank[present] = np.arange(present.size)
        cell = rank[found]
    else:
        present, cell = np.unique(found, return_inverse=True)
    order = np.argsort(cell, kind="stable")
    runs = cell[order], *np.divmod(begin[order], labels.shape[1]), length[order]
    return present.astype(np.int64), _blocks(runs, labels.shape[1])


def _blocks(runs: tuple[np.ndarray, ...], width: int) -> Iterator[Block]:
    """Blocks of whole cells from runs (cell, row, col, length) sorted by cell."""
    cell, row, col, length = runs
    start = np.flatnonzero(np.diff(cell, prepend=-1))
    end = np.append(start[1:], cell.size)
    box = np.stack(
        [
            row[start],
            np.minimum.reduceat(col, start),
            row[end - 1] + 1,
            np.maximum.reduceat(col + length, start),
        ],
        axis=1,
    )
    for first, last in _shelves(box):
        part = slice(start[first], end[last - 1])
        yield Block(
            run_cell=cell[part] - first,
            run_row=row[part],
            run_col=col[part],
            run_length=length[part],
            box=box[first:last],
            width=width,
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
    known = bottom > 0
    if known.all():
        return top / bottom
    return np.where(known, top, np.nan) / np.where(known, bottom, 1)
