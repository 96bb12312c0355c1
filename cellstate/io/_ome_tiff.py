"""A movie -> OME-TIFF: images, masks and tracks in one folder."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from cellstate._base.errors import MovieError
from cellstate._base.progress import progress
from cellstate._movie import Movie
from cellstate.io._ome_zarr_write import check_new

# Types of pixels that OME-XML names.
PIXELS = ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32")
PIXELS = (*PIXELS, "float32", "float64")
LARGEST_LABEL = np.iinfo(np.uint32).max
CLASSIC = 2**32 - 2**25  # bytes of pixels; above it offsets of 32 bits do not do


def write_ome_tiff(movie: Movie, path: str | Path) -> Path:
    """Write a movie as a folder of OME-TIFF files with units.

    ``images.ome.tif`` (axes T, C, Y, X, names of channels), ``masks.ome.tif``
    (T, Y, X) and, for a linked movie, ``tracks.csv`` (frame, label, track,
    parent_track). Pixel size (um) and frame interval (h) stand in both images. One
    frame is in memory at a time.

    Parameters
    ----------
    movie
        Linked or not.
    path
        New folder. It appears when all of it is written.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileExistsError
        Something is at `path`; it is not touched.
    MovieError
        Pixels of a type that OME-TIFF has not, labels below 0 or above 2^32 - 1.

    Examples
    --------
    >>> import cellstate as cs
    >>> masks = np.zeros((2, 8, 8), dtype="int32")
    >>> masks[:, 2:5, 2:5] = 70_000
    >>> movie = Movie(images=masks[:, None] * 0.5, masks=masks, pixel_size=0.5,
    ...               frame_interval=0.25)
    >>> with cs.settings.override(progress=False):
    ...     folder = write_ome_tiff(movie, Path(tempfile.mkdtemp()) / "field_1")
    >>> int(cs.io.read_masks(folder / "masks.ome.tif")[1].max())
    70000
    """
    path = Path(path)
    check_new(path)
    if np.dtype(movie.images.dtype).name not in PIXELS:
        raise MovieError(
            f"pixels of an OME-TIFF are among {', '.join(PIXELS)}; found "
            f"{movie.images.dtype} in movie {movie.name!r}. Convert with "
            "images.astype('float32')."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        unfinished.chmod(0o755)
        _write(
            unfinished / "images.ome.tif",
            (page for t in _frames(movie, "images") for page in movie.image(t)),
            movie.images.shape,
            np.dtype(movie.images.dtype).newbyteorder("="),
            {
                "axes": "TCYX",
                "Channel": {"Name": list(movie.channels)},
                **_units(movie),
            },
        )
        _write(
            unfinished / "masks.ome.tif",
            (_labels(movie, t) for t in _frames(movie, "masks")),
            movie.masks.shape,
            np.dtype(np.uint32),
            {"axes": "TYX", **_units(movie)},
        )
        if movie.lineage is not None:
            movie.lineage.to_csv(unfinished / "tracks.csv", index=False)
        unfinished.replace(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return path


def _frames(movie: Movie, what: str) -> Iterator[int]:
    yield from progress(range(movie.n_frames), f"OME-TIFF, {what}", movie.n_frames)


def _units(movie: Movie) -> dict[str, Any]:
    return {
        "PhysicalSizeX": movie.pixel_size,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": movie.pixel_size,
        "PhysicalSizeYUnit": "µm",
        "TimeIncrement": movie.frame_interval,
        "TimeIncrementUnit": "h",
    }


def _labels(movie: Movie, frame: int) -> np.ndarray:
    labels = movie.labels(frame)
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high > LARGEST_LABEL:
        raise MovieError(
            f"labels of an OME-TIFF are 0 to {LARGEST_LABEL}; frame {frame} of "
            f"{movie.name!r} has {low} to {high}. Relabel the masks, or use "
            "cs.io.write_ome_zarr(movie, path)."
        )
    return labels.astype(np.uint32)


def _write(
    path: Path,
    pages: Iterator[np.ndarray],
    shape: tuple[int, ...],
    dtype: np.dtype,
    metadata: dict[str, Any],
) -> None:
    tifffile.imwrite(
        path,
        pages,
        shape=tuple(shape),
        dtype=dtype,
        ome=True,
        bigtiff=float(np.prod(shape, dtype=float)) * dtype.itemsize > CLASSIC,
        photometric="minisblack",
        compression="zlib",
        metadata=metadata,
    )
