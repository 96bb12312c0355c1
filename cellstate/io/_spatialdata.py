"""SpatialData -> table of cells, images and label images, with zarr alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anndata
import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._adata import _store
from cellstate._adata._schema import validate
from cellstate._base.checks import positive
from cellstate._base.errors import SchemaError, listing
from cellstate._movie import Stack
from cellstate.io._files import existing
from cellstate.io._ome_zarr import is_zarr
from cellstate.io._stacks import read_images, read_masks
from cellstate.io._tables import FAMILY, UNKNOWN, read_table
from cellstate.io._zarr_sizes import oversized

ATTRIBUTES = "spatialdata_attrs"
REGION, INSTANCE = "region_key", "instance_key"


@dataclass(frozen=True, eq=False, kw_only=True)
class SpatialElements:
    """What a SpatialData store holds that a movie or an analysis can use.

    Attributes
    ----------
    adata
        The table, one row per cell; None where there is none.
    images
        Name -> stack of one frame, shape (1, C, Y, X), read when asked for.
    masks
        Name -> label image of one frame, shape (1, Y, X).
    """

    adata: AnnData | None
    images: Mapping[str, Stack]
    masks: Mapping[str, Stack]


def read_spatialdata(
    path: str | Path, *, table: str | None = None, pixel_size: float | None = None
) -> SpatialElements:
    """Read table, images and label images of a SpatialData store.

    Points and shapes are not read, nor coordinate systems: images are as they are
    stored, at full resolution.

    Parameters
    ----------
    path
        The ``.zarr`` folder that SpatialData wrote.
    table
        Name of the table; needed where there are several.
    pixel_size
        Micrometres per pixel, where ``obsm["spatial"]`` of the table is in px; without
        it positions are in ``obsm["spatial_unscaled"]``.

    Returns
    -------
    SpatialElements
        The table passes `cs.validate`: `movie` is the region (a label image), `label`
        the instance, all in frame 0 at 0 h. An image and its masks make a movie:
        ``read_movie(found.images["a"], found.masks["b"], ...)``.

    Raises
    ------
    FileNotFoundError
        Nothing is there; near names are offered.
    MovieError
        An image that is damaged or not flat.
    SchemaError
        No such store, several tables, a table that is damaged or names no cells.

    References
    ----------
    Marconato et al., Nat. Methods 22 (2025); spatialdata.scverse.org.

    Examples
    --------
    >>> import tempfile, zarr
    >>> path = Path(tempfile.mkdtemp()) / "sample.zarr"
    >>> root = zarr.open_group(path, mode="w")
    >>> image = root.create_group("labels").create_group("cells")
    >>> image.create_array("0", data=np.eye(8, dtype="uint16")).shape
    (8, 8)
    >>> image.attrs["ome"] = {"multiscales": [
    ...     {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "0"}]}]}
    >>> read_spatialdata(path).masks["cells"].shape
    (1, 8, 8)
    """
    if pixel_size is not None:
        positive(
            pixel_size, "pixel_size", "um per pixel", "cs.io.read_spatialdata(..., 0.5)"
        )
    path = existing(path, "SpatialData")
    found = {kind: _elements(path / kind) for kind in ("images", "labels", "tables")}
    found["tables"] |= _elements(path / "table")  # before version 0.1 of the store
    if not any(found.values()):
        inside = sorted(p.name for p in path.iterdir()) if path.is_dir() else "a file"
        raise SchemaError(
            [
                f"SpatialData has folders images, labels or tables; found "
                f"{listing(inside) if path.is_dir() else inside} at '{path}'. Give the "
                "folder that sdata.write made."
            ]
        )
    tables = found["tables"]
    if len(tables) > 1 if table is None else table not in tables:
        raise SchemaError(
            [
                f"one table is read; found {listing(sorted(tables))} in '{path}', "
                f"asked for {table!r}. Use cs.io.read_spatialdata(path, table=...)."
            ]
        )
    name = table if table is not None else next(iter(tables), None)
    return SpatialElements(
        adata=None if name is None else _table(tables[name], pixel_size),
        images=MappingProxyType(
            {n: read_images(p) for n, p in found["images"].items()}
        ),
        masks=MappingProxyType({n: read_masks(p) for n, p in found["labels"].items()}),
    )


def _elements(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {p.name: p for p in sorted(folder.iterdir()) if is_zarr(p)}


def _table(path: Path, pixel_size: float | None) -> AnnData:
    try:
        wrong = oversized(path)
        if wrong is not None:
            raise ValueError(wrong)
        adata = anndata.read_zarr(path)
        rows = _rows(adata, path)
    except SchemaError:
        raise
    except Exception as error:  # zarr and anndata raise what the damage hits
        raise SchemaError(
            [
                f"'{path}' is no whole table of SpatialData: {type(error).__name__}: "
                f"{error}. Write the store again."
            ]
        ) from error
    made = read_table(rows, columns={c: c for c in rows}, frame_interval=1.0)
    ours = [c for c in made.obs if c in adata.obs]
    adata.obs = adata.obs.rename(columns={c: f"{c}_in_file" for c in ours})
    adata.obs_names = made.obs_names
    for column in made.obs:
        adata.obs[column] = made.obs[column].array
    adata.obsp[keys.LINEAGE] = made.obsp[keys.LINEAGE]
    movies = _store.root(made)[keys.MOVIES]
    for about in movies.values():
        del about["frame_interval"]
        about |= {} if pixel_size is None else {"pixel_size": float(pixel_size)}
    adata.uns[keys.ROOT] = made.uns[keys.ROOT]
    if keys.SPATIAL in adata.obsm:
        xy = np.asarray(adata.obsm.pop(keys.SPATIAL))
        if pixel_size is None:
            adata.obsm[keys.UNSCALED] = xy
        else:
            adata.obsm[keys.SPATIAL] = xy.astype(float) * pixel_size
    for column, value in ((keys.FAMILY, FAMILY), (keys.UNIT, UNKNOWN)):
        if column not in adata.var:
            adata.var[column] = np.full(adata.n_vars, value, dtype=object)
    validate(adata)
    return adata


def _rows(adata: AnnData, path: Path) -> pd.DataFrame:
    """Name each row by the region and instance that the table states."""
    said: Any = adata.uns.get(ATTRIBUTES)
    known = isinstance(said, Mapping) and {REGION, INSTANCE} <= set(said)
    columns = [str(said[k]) for k in (REGION, INSTANCE)] if known else []
    if not known or not set(columns) <= set(adata.obs):
        raise SchemaError(
            [
                f"a table names cells by uns[{ATTRIBUTES!r}], {REGION} and {INSTANCE}; "
                f"found {columns or 'neither'} and obs {listing(adata.obs.columns)} in "
                f"'{path}'. Annotate a label image: TableModel.parse(...)."
            ]
        )
    return pd.DataFrame(
        {
            keys.MOVIE: adata.obs[columns[0]].astype(str).to_numpy(dtype=object),
            keys.FRAME: 0,
            keys.LABEL: adata.obs[columns[1]].to_numpy(),
            keys.TRACK: np.arange(1, adata.n_obs + 1),
        }
    )
