"""A movie -> OME-Zarr: images, labels and lineage in one folder."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from cellstate._base.errors import MovieError
from cellstate._base.progress import progress
from cellstate._movie import LINEAGE_COLUMNS, Movie
from cellstate.io._ome_zarr import LINEAGE, OWN

NGFF = "0.5"
LABELS = "cells"


def write_ome_zarr(movie: Movie, path: str | Path) -> Path:
    """Write a movie as OME-Zarr (NGFF 0.5), one chunk per frame and channel.

    The image is ``0`` (axes t, c, y, x), the masks are ``labels/cells/0`` (t, y, x),
    both with pixel size (micrometer) and frame interval (hour). The lineage is in
    ``lineage/frame``, ``label``, ``track`` and ``parent_track``: integers, one per
    object, -1 for no mother. One frame is in memory at a time.
    ``read_movie(path, pixel_size=..., frame_interval=...)`` gives the movie back.

    Parameters
    ----------
    movie
        Linked or not.
    path
        New; by custom it ends in ``.zarr``. It appears when all of it is written.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ImportError
        The package zarr is missing.
    FileExistsError
        Something is at `path`; it is not touched.
    MovieError
        Pixels that are no real numbers.

    References
    ----------
    Moore et al., Histochem. Cell Biol. 160 (2023); ngff.openmicroscopy.org/0.5.

    Examples
    --------
    >>> import cellstate as cs
    >>> masks = np.zeros((2, 8, 8), dtype="int32")
    >>> masks[:, 2:5, 2:5] = 7
    >>> movie = Movie(images=masks[:, None] * 100.0, masks=masks, pixel_size=0.5,
    ...               frame_interval=0.25, name="field_1")
    >>> with cs.settings.override(progress=False):
    ...     path = write_ome_zarr(movie, Path(tempfile.mkdtemp()) / "field_1.zarr")
    >>> cs.io.read_movie(path, pixel_size=0.5, frame_interval=0.25)
    Movie 'field_1': 2 frames x 1 channel x 8 x 8 px, 0.5 um/px, 0.25 h/frame, ...
    """
    path = Path(path)
    try:
        import zarr
    except ImportError as error:
        raise ImportError(
            "OME-Zarr needs the package zarr, version 3, which is not installed. Run "
            'pip install "cellstate[zarr]".'
        ) from error
    check_new(path)
    if np.dtype(movie.images.dtype).kind not in "biuf":
        raise MovieError(
            f"pixels are real numbers; found {movie.images.dtype} in movie "
            f"{movie.name!r}. Convert with images.astype('float32')."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        root = zarr.open_group(unfinished / "movie", mode="w", zarr_format=3)
        _write(root, movie)
        (unfinished / "movie").replace(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return path


def check_new(path: Path) -> None:
    """Refuse a path where something is."""
    if path.exists():
        raise FileExistsError(
            f"'{path}' must be new; found {'a file' if path.is_file() else 'a folder'} "
            "there. Give another path."
        )


def _write(root: Any, movie: Movie) -> None:
    labels = root.create_group("labels", attributes=_versioned(labels=[LABELS]))
    cells = labels.create_group(
        LABELS,
        attributes={
            **_versioned(
                multiscales=[_multiscale("tyx", LABELS, movie)],
                **{"image-label": {"source": {"image": "../../"}}},
            ),
            OWN: {"name": movie.name},
        },
    )
    images = _array(root, movie.images, "tcyx")
    masks = _array(cells, movie.masks, "tyx")
    for t in progress(range(movie.n_frames), "OME-Zarr", movie.n_frames):
        images[t], masks[t] = movie.image(t), movie.labels(t)
    own: dict[str, Any] = {"name": movie.name}
    if movie.lineage is not None:
        table = root.create_group(LINEAGE)
        for column in LINEAGE_COLUMNS:
            table.create_array(column, data=movie.lineage[column].to_numpy(np.int64))
        own |= {LINEAGE: LINEAGE, "n_objects": len(movie.lineage)}
    # Last, so that a folder that was not finished is no image.
    root.attrs.update(
        {
            **_versioned(
                multiscales=[_multiscale("tcyx", movie.name, movie)],
                omero={"channels": [{"label": c} for c in movie.channels]},
            ),
            OWN: own,
        }
    )


def _versioned(**said: Any) -> dict[str, Any]:
    return {"ome": {"version": NGFF, **said}}


def _array(group: Any, stack: Any, axes: str) -> Any:
    shape = tuple(stack.shape)
    return group.create_array(
        "0",
        shape=shape,
        # A blank chunk is written too: one that is missing was lost.
        config={"write_empty_chunks": True},
        chunks=(*(1,) * (len(shape) - 2), *shape[-2:]),
        dtype=np.dtype(stack.dtype).newbyteorder("="),
        dimension_names=list(axes),
    )


def _multiscale(axes: str, name: str, movie: Movie) -> dict[str, Any]:
    kinds = {
        "t": {"name": "t", "type": "time", "unit": "hour"},
        "c": {"name": "c", "type": "channel"},
        "y": {"name": "y", "type": "space", "unit": "micrometer"},
        "x": {"name": "x", "type": "space", "unit": "micrometer"},
    }
    steps = {
        "t": movie.frame_interval,
        "c": 1.0,
        "y": movie.pixel_size,
        "x": movie.pixel_size,
    }
    scale = {"type": "scale", "scale": [steps[a] for a in axes]}
    return {
        "name": name,
        "axes": [kinds[a] for a in axes],
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
