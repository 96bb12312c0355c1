"""One block of a movie as a task that any process can do, once."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from cellstate._adata import _keys as keys
from cellstate._movie import Stack
from cellstate.pp import _parts as parts
from cellstate.pp._blocks import (
    Block,
    Recipe,
    check_linked,
    join,
    measure_block,
    naming,
)

# A stack whose pickle is smaller opens its files where it arrives.
LARGEST_REFERENCE = 1_000_000  # bytes


class Done(NamedTuple):
    """What came of a job."""

    part: parts.Part
    n_cells: int
    damage: str  # why it was measured again, if it was


@dataclass(frozen=True, eq=False, kw_only=True)
class Job:
    """Measure the frames of a part, or find them measured; done twice it is the same.

    The pixels are compared with those that a finished part was measured from: the
    price is to read them, a small share of what measuring takes.
    """

    part: parts.Part
    recipe: Recipe
    images: Stack
    masks: Stack
    named: dict[int, np.ndarray]  # labels that the lineage names, by frame

    def __call__(self) -> Done:
        block, damage = None, ""
        try:
            block = self._found()
        except FileNotFoundError:
            pass
        except parts.DamagedPart as error:
            damage = str(error)
            shutil.rmtree(self.part.path)
        if block is None:
            block = self._measured()
        self._check_linked(block)
        return Done(self.part, block.n_cells, damage)

    def made_from(self) -> dict[str, Any]:
        """State what is measured, apart from the pixels, as JSON keeps it."""
        return {
            "movie": self.recipe.movie,
            "frames": [self.part.start, self.part.stop],
            "pixel_size": self.recipe.pixel_size,
            "shape": [int(n) for n in self.images.shape[1:]],
            "channels": list(self.recipe.channels),
            "features": list(self.recipe.features),
            "cellstate": version("cellstate"),
        }

    def _found(self) -> Block:
        block, then = parts.read(self.part)
        pixels = [parts.pixel_digest(*frame) for _, frame in self._frames()]
        parts.refuse_other(self.part, then, self.made_from() | {"pixels": pixels})
        return block

    def _measured(self) -> Block:
        blocks, pixels = [], []
        for frame, (image, labels) in self._frames():
            with naming(self.recipe.movie, frame):
                blocks.append(measure_block(self.recipe, frame, image, labels))
            pixels.append(parts.pixel_digest(image, labels))
        block = join(blocks)
        # Written before the lineage is checked: a new one needs no new measuring.
        parts.write(self.part, block, self.made_from() | {"pixels": pixels})
        return block

    def _frames(self) -> Iterator[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        for frame in range(self.part.start, self.part.stop):
            with naming(self.recipe.movie, frame):
                image, labels = (
                    np.asarray(stack[frame]) for stack in (self.images, self.masks)
                )
            yield frame, (image, labels)

    def _check_linked(self, block: Block) -> None:
        of, label = block.obs[keys.FRAME], block.obs[keys.LABEL]
        for frame in range(self.part.start, self.part.stop):
            named = self.named.get(frame, ())
            check_linked(self.recipe.movie, frame, label[of == frame], named)


class Carried:
    """Frames of a stack that only this process can read: they go with the job.

    They are read when the job is sent, not before, so that no more of them are in
    memory than there are jobs on their way.
    """

    def __init__(self, stack: Stack, movie: str, frames: range) -> None:
        self._stack, self._movie, self._frames = stack, movie, frames
        self.shape, self.dtype = tuple(stack.shape), stack.dtype

    def __getitem__(self, frame: int) -> np.ndarray:
        return np.asarray(self._stack[frame])

    def __getstate__(self) -> dict[str, Any]:
        read = {}
        for frame in self._frames:
            with naming(self._movie, frame):
                read[frame] = self[frame]
        return vars(self) | {"_stack": read}


def opens_elsewhere(stack: Stack) -> bool:
    """Tell whether a stack pickles as the place of its pixels, without the pixels."""
    import cloudpickle

    if isinstance(stack, np.ndarray):  # a memory map too pickles as its pixels
        return False
    try:
        cloudpickle.dump(stack, _Counter())
    except Exception:  # too large, or of a kind that does not pickle
        return False
    return True


class _Counter:
    """A file that keeps nothing and ends early."""

    def __init__(self) -> None:
        self._size = 0

    def write(self, content: bytes) -> int:
        size = memoryview(content).nbytes  # the len of an array's buffer is its rows
        self._size += size
        if self._size > LARGEST_REFERENCE:
            raise OverflowError
        return size
