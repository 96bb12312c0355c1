"""Arrays of a zarr that claim to be larger than what is there."""

import math
from pathlib import Path

import numpy as np

# Chunks of one value may be left out, and they compress well; beyond this no more.
MOST_BLANK, MOST_PACKED = 1e8, 1000  # bytes that may be missing; ratio


def oversized(path: Path) -> str | None:
    """Say which array claims what no memory holds; None where none does.

    Damaged metadata would be believed: the array is filled before anything is read.
    """
    import zarr

    root = zarr.open_group(path, mode="r")
    if not hasattr(root, "members"):  # zarr 2, which anndata still takes
        return None
    for name, array in root.members(max_depth=None):
        if not hasattr(array, "dtype"):
            continue
        size = np.dtype(array.dtype).itemsize if _plain(array) else 8
        stated = math.prod(float(n) for n in array.shape) * max(size, 1)
        files = [f for f in (path / name).rglob("*") if f.is_file()]
        there = sum(f.stat().st_size for f in files)
        if stated > MOST_BLANK + MOST_PACKED * there:
            return (
                f"array '{name}' states shape {tuple(array.shape)}, {stated:.3g} "
                f"bytes; found {there} bytes of it"
            )
    return None


def _plain(array: object) -> bool:
    try:
        return np.dtype(array.dtype).kind in "biufcSUmM"
    except TypeError:  # texts of any length
        return False
