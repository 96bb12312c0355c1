"""Equal cells over a box, and the offsets along which they are linked."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer

USUAL = {1: 2000, 2: 260, 3: 36}  # cells per axis
FEWEST = 8


@dataclass(frozen=True)
class Mesh:
    """Cells over a box; a node is the centre of a cell.

    Attributes
    ----------
    box
        Ends per axis, shape (d, 2).
    shape
        Cells per axis.
    """

    box: np.ndarray
    shape: tuple[int, ...]

    @property
    def dimension(self) -> int:
        """Number of coordinates d."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of nodes."""
        return int(np.prod(self.shape))

    @property
    def step(self) -> np.ndarray:
        """Width of a cell per axis, shape (d,)."""
        return np.diff(self.box, axis=1)[:, 0] / self.shape

    @property
    def volume(self) -> float:
        """Volume of a cell."""
        return float(self.step.prod())

    @cached_property
    def nodes(self) -> np.ndarray:
        """Centres of the cells, shape (size, d), last axis running fastest."""
        index = np.stack(np.indices(self.shape), axis=-1).reshape(-1, self.dimension)
        return self.box[:, 0] + (index + 0.5) * self.step


def mesh_of(box: ArrayLike, n: int | tuple[int, ...] | None) -> Mesh:
    """Check a box and a number of cells per axis."""
    box = np.asarray(box, dtype=float)
    if box.ndim != 2 or box.shape[1] != 2 or not 1 <= len(box) <= 3:
        raise ValueError(
            "`box` must hold the ends of 1 to 3 axes, ((low, high), ...); found shape "
            f"{box.shape}. Above three coordinates use committor_by_swarms."
        )
    if not np.isfinite(box).all() or (box[:, 0] >= box[:, 1]).any():
        raise ValueError(
            f"`box` must have finite ends with low < high; found {box.tolist()}."
        )
    counts = n if isinstance(n, tuple) else (n or USUAL[len(box)],) * len(box)
    if len(counts) != len(box):
        raise ValueError(
            f"`n` must be one number or one per axis; found {len(counts)} for "
            f"{len(box)} axes."
        )
    return Mesh(box, tuple(integer(k, "n", FEWEST) for k in counts))
