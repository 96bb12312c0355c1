"""Read movies, masks, tracks and tables; write what came of them."""

from cellstate.io._ctc import read_ctc, write_ctc
from cellstate.io._movies import read_movie
from cellstate.io._results import read, write
from cellstate.io._stacks import read_images, read_masks
from cellstate.io._tables import read_table

__all__ = [
    "read",
    "read_ctc",
    "read_images",
    "read_masks",
    "read_movie",
    "read_table",
    "write",
    "write_ctc",
]
