"""Single-cell images of scPortrait -> AnnData."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from anndata.io import read_elem

from cellstate._adata import _keys as keys
from cellstate._adata import _store
from cellstate._adata._schema import validate
from cellstate._base.errors import SchemaError, listing
from cellstate.io._files import existing
from cellstate.io._objects import named
from cellstate.io._tables import free_name, read_table

CELL = "cell_id"
IMAGES = f"obsm/{keys.CROPS}"
CHANNELS, MAPPING = "channels", "channel_mapping"  # columns of var
MOST_BYTES = 8e9


def read_scportrait(
    path: str | Path,
    *,
    rows: Sequence[int] | np.ndarray | None = None,
    name: str | None = None,
) -> AnnData:
    """Read the single-cell images that scPortrait extracted (``.h5sc``).

    Parameters
    ----------
    path
        ``single_cells.h5sc``.
    rows
        Rows to read, all when left out; more images than memory holds are read in
        parts.
    name
        Names the movie; the file's name when left out.

    Returns
    -------
    AnnData
        ``obsm["single_cell_images"]``, shape (n, C, H, W), float32, masks first as
        they are there; their names and kinds ("mask" or "image_channel") are in
        ``uns["single_cell_images"]``. `label` is cell_id; all cells are in frame 0 at
        0 h. No features: measure the images with `cs.tl.embed`.

    Raises
    ------
    FileNotFoundError
        Nothing is there; near names are offered.
    SchemaError
        No such file, cut short, images of another shape, repeated cells.
    MemoryError
        The images take more than 8 GB.

    References
    ----------
    Maedler et al., scPortrait, github.com/MannLabs/scPortrait.

    Examples
    --------
    >>> import tempfile, h5py
    >>> path = Path(tempfile.mkdtemp()) / "single_cells.h5sc"
    >>> cells = pd.DataFrame({"cell_id": [3, 8]}, index=["0", "1"])
    >>> AnnData(obs=cells).write_h5ad(path)
    >>> with h5py.File(path, "a") as file:
    ...     file["obsm/single_cell_images"] = np.ones((2, 1, 4, 4), "float16")
    >>> read_scportrait(path).obsm["single_cell_images"].shape
    (2, 1, 4, 4)
    """
    import h5py

    path = existing(path, "single-cell images")
    try:
        with h5py.File(path) as file:
            obs, about = read_elem(file["obs"]), _about(file)
            images = _images(file, obs, about, rows, path)
    except (SchemaError, MemoryError, IndexError):
        raise
    except Exception as error:  # h5py and anndata raise what the damage hits
        raise SchemaError(
            [
                f"'{path}' is no whole file of single-cell images: "
                f"{type(error).__name__}: {error} ({path.stat().st_size} bytes). Give "
                "the single_cells.h5sc that scPortrait extracted."
            ]
        ) from error
    if rows is not None:
        obs = obs.iloc[np.asarray(rows)]
    adata = _named_rows(obs, images, named(path, name), path)
    adata.uns[keys.CROPS] = about
    validate(adata)
    return adata


def _about(file: Any) -> dict[str, Any]:
    """Names of channels and what each is, where the file says so."""
    var = read_elem(file["var"]) if "var" in file else pd.DataFrame()
    about = {}
    for column, key in ((CHANNELS, "channel_names"), (MAPPING, MAPPING)):
        if column in var:
            about[key] = var[column].astype(str).to_numpy(dtype=object)
    return about


def _images(
    file: Any,
    obs: pd.DataFrame,
    about: dict[str, Any],
    rows: Sequence[int] | np.ndarray | None,
    path: Path,
) -> np.ndarray:
    stored = file.get(IMAGES)
    if stored is None or CELL not in obs:
        raise SchemaError(
            [
                f"scPortrait keeps images in '{IMAGES}' and cells in 'obs/{CELL}'; "
                f"found obs {listing(obs.columns)} and "
                f"{'no images' if stored is None else 'images'} in '{path}'. Give the "
                "single_cells.h5sc that it extracted."
            ]
        )
    named_channels = [len(v) for v in about.values()]
    if (
        len(stored.shape) != 4
        or stored.shape[0] != len(obs)
        or stored.dtype.kind not in "fiub"
        or any(n != stored.shape[1] for n in named_channels)
    ):
        raise SchemaError(
            [
                f"images have shape (cells, channels, height, width), one per row of "
                f"obs; found {stored.shape}, {stored.dtype}, for {len(obs)} cells and "
                f"{listing(named_channels)} names of channels in '{path}'."
            ]
        )
    n = stored.shape[0] if rows is None else len(rows)
    size = 4.0 * n * float(np.prod(stored.shape[1:], dtype=float))
    if size > MOST_BYTES:
        raise MemoryError(
            f"images of {n} cells take {size * 1e-9:.1f} GB; at most "
            f"{MOST_BYTES * 1e-9:g} GB are read at once. Read a part: "
            f"cs.io.read_scportrait(path, rows=range({int(n * MOST_BYTES / size)}))."
        )
    if rows is None:
        return stored[...].astype(np.float32)
    wanted = np.asarray(rows)
    if wanted.size and (wanted.min() < 0 or wanted.max() >= len(obs)):
        raise IndexError(
            f"rows are 0 to {len(obs) - 1}; found {wanted.min()} to {wanted.max()}."
        )
    ordered, back = np.unique(wanted, return_inverse=True)
    return stored[ordered][back].astype(np.float32)


def _named_rows(
    obs: pd.DataFrame, images: np.ndarray, name: str, path: Path
) -> AnnData:
    if not len(obs):
        raise SchemaError(
            [f"a file of images has at least one cell; found 0 rows in '{path}'."]
        )
    rows = pd.DataFrame(
        {
            keys.FRAME: 0,
            keys.LABEL: obs[CELL].to_numpy(),
            keys.TRACK: np.arange(1, len(obs) + 1),
        }
    )
    made = read_table(rows, columns={c: c for c in rows}, frame_interval=1.0, name=name)
    for column in obs.columns:
        if column != CELL:
            made.obs[free_name(str(column), made.obs)] = obs[column].array
    for about in _store.root(made)[keys.MOVIES].values():
        del about["frame_interval"]
    made.obsm[keys.CROPS] = images
    return made
