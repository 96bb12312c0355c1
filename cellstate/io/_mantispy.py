"""AnnData in the schema of mantispy (profiling of plates), in and out."""

import re
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from anndata import AnnData
from pandas.api.types import is_numeric_dtype

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store
from cellstate._adata._schema import validate
from cellstate._base.checks import positive
from cellstate._base.errors import SchemaError, listing
from cellstate.io._cellprofiler_files import PRIMARY
from cellstate.io._cellprofiler_names import unit_of
from cellstate.io._files import existing
from cellstate.io._results import write
from cellstate.io._tables import UNKNOWN, read_table
from cellstate.io._zarr_sizes import oversized

MANTISPY = "mantispy"  # in uns
VERSION, STATUS = "2.0", "experimental"
OBJECT = "object"  # the resolution of one row per cell; "cell" before 2.0
RESOLUTIONS = {"1.0": "cell", VERSION: OBJECT}
PLATE, WELL, IMAGE = "Metadata_Plate", "Metadata_Well", "Metadata_ImageID"
NUMBER, TYPE = "Metadata_ObjectNumber", "Metadata_ObjectType"
CENTER = ("Metadata_Center_X", "Metadata_Center_Y")  # px within the image
# What tells images apart where no id does, the widest first.
IMAGE_PARTS = (PLATE, WELL, "Metadata_Site", "Metadata_ImageNumber")
KIND, KINDS = "feature_kind", ("measurement", "embedding", "derived")
GROUP = "feature_group"
TEXTS = ("object", GROUP, "feature", "channel", "radial_bin", "params")
NUMBERS = ("scale", "angle", "gray_levels")
WELLS = re.compile(r"[A-Za-z]{1,2}\d{1,2}")


def read_mantispy(
    path_or_adata: str | Path | AnnData, *, pixel_size: float | None = None
) -> AnnData:
    """Read single objects in the schema of mantispy (1.0 or 2.0).

    Parameters
    ----------
    path_or_adata
        A ``.h5ad`` file, a ``.zarr`` folder, or the AnnData, which is not changed.
    pixel_size
        Micrometres per pixel, for ``Metadata_Center_X`` and ``_Y``; without it
        positions stay in obs. What `write_mantispy` wrote knows its own.

    Returns
    -------
    AnnData
        Passes `cs.validate`; all that was in it is kept. An image (Metadata_ImageID)
        is a movie of one frame at 0 h, `label` is Metadata_ObjectNumber. `family` is
        the feature's group, or its kind where it is no measurement. What
        `write_mantispy` wrote has its movies, frames and tracks again.

    Raises
    ------
    FileNotFoundError
        Nothing is there; near names are offered.
    SchemaError
        No such AnnData; rows that are wells or aggregates; images or objects
        without number, or repeated.

    References
    ----------
    mantispy, morphology schema 2.0 (experimental), github.com/scverse/mantispy.

    Examples
    --------
    >>> adata = AnnData(np.ones((2, 1), "float32"))
    >>> adata.var_names = ["Cells_AreaShape_Area"]
    >>> adata.var["feature_kind"] = "measurement"
    >>> adata.obs["Metadata_ImageID"] = "P1|A01"
    >>> adata.obs["Metadata_ObjectNumber"] = [1, 2]
    >>> adata.uns["mantispy"] = {"schema_version": "2.0", "resolution": "object"}
    >>> found = read_mantispy(adata)
    >>> found.obs_names[1], found.var["unit"].iloc[0]
    ('P1|A01:0:2', 'px2')
    """
    if pixel_size is not None:
        positive(
            pixel_size, "pixel_size", "um per pixel", "cs.io.read_mantispy(..., 0.5)"
        )
    adata = _loaded(path_or_adata)
    try:
        _check_stamp(adata.uns.get(MANTISPY))
        if {keys.TRACK, keys.FRAME, keys.TIME} <= set(adata.obs):
            _positions_of_movies(adata, pixel_size)
        else:
            _name_rows(adata, pixel_size)
        _describe(adata.var)
    except SchemaError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise SchemaError(
            [
                f"what uns['mantispy'], obs or var hold cannot be right: "
                f"{type(error).__name__}: {error}. Write the AnnData again."
            ]
        ) from error
    validate(adata)
    return adata


def write_mantispy(
    adata: AnnData, path: str | Path, *, overwrite: bool = False
) -> Path:
    """Write cells in the schema of mantispy (2.0), one row per object.

    X becomes float32 and positions become ``Metadata_Center_X`` and ``_Y`` in px, as
    the schema asks; an image is a frame of a movie. All else is written as by
    `write`, so that `read_mantispy` gives it back.

    Parameters
    ----------
    adata
        Passes `cs.validate`; ``obs["Metadata_Plate"]`` and ``obs["Metadata_Well"]``
        say where the cells come from. It is not changed.
    path
        Ends in ``.h5ad`` or ``.zarr``.
    overwrite
        Replace what is there.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    FileExistsError
        Something is there and `overwrite` is False.
    SchemaError
        The AnnData breaks our schema, or lacks plate or well.

    References
    ----------
    mantispy, morphology schema 2.0 (experimental), github.com/scverse/mantispy.

    Examples
    --------
    >>> import tempfile
    >>> adata = AnnData(np.ones((2, 1)))
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 1, [0, 1], [0, .5]
    >>> adata.obs["Metadata_Plate"], adata.obs["Metadata_Well"] = "P1", "A01"
    >>> path = write_mantispy(adata, Path(tempfile.mkdtemp()) / "cells.h5ad")
    >>> read_mantispy(path).obs["Metadata_ImageID"].tolist()
    ['movie|0', 'movie|1']
    """
    validate(adata)
    _check_plate(adata)
    made = adata.copy()
    made.X = extract.features(adata).astype(np.float32)
    codes, names = extract.movie_codes(adata)
    obs, frame = made.obs, adata.obs[keys.FRAME].to_numpy()
    if IMAGE not in obs:
        obs[IMAGE] = [f"{names[c]}|{f}" for c, f in zip(codes, frame, strict=True)]
    obs[NUMBER] = obs.get(keys.LABEL, obs[keys.TRACK]).to_numpy()
    if TYPE not in obs:
        obs[TYPE] = "Object"  # of what, the movie does not say
    _check_objects(obs)
    sizes = _pixel_sizes(adata)
    if keys.SPATIAL in made.obsm and np.isfinite(sizes).all():
        for i, column in enumerate(CENTER):
            obs[column] = made.obsm[keys.SPATIAL][:, i] / sizes
        if made.obsm[keys.SPATIAL].shape[1] == 2:
            del made.obsm[keys.SPATIAL]
    _annotate(made.var)
    said = dict(made.uns.get(MANTISPY) or {})
    made.uns[MANTISPY] = {
        "history": [],
        **said,
        "schema_version": VERSION,
        "schema_status": STATUS,
        "resolution": OBJECT,
        "grouped_by": [],
    }
    return write(made, path, overwrite=overwrite)


def _loaded(source: str | Path | AnnData) -> AnnData:
    if isinstance(source, AnnData):
        return source.copy()
    path = existing(source, "AnnData")
    load = anndata.read_zarr if path.is_dir() else anndata.read_h5ad
    try:
        wrong = oversized(path) if path.is_dir() else None
        if wrong is not None:
            raise ValueError(wrong)
        return load(path)
    except Exception as error:
        raise SchemaError(
            [
                f"'{path}' is no whole AnnData: {type(error).__name__}: {error}. Give "
                "a .h5ad file or a .zarr folder that mantispy wrote."
            ]
        ) from error


def _check_stamp(said: Any) -> None:
    if not isinstance(said, dict) or "schema_version" not in said:
        raise SchemaError(
            [
                "an AnnData of mantispy has uns['mantispy'] with its schema_version; "
                f"found {type(said).__name__}. For any other AnnData set obs "
                "['track'], ['frame'] and ['time'] and run cs.validate(adata)."
            ]
        )
    version, resolution = str(said["schema_version"]), said.get("resolution")
    if version not in RESOLUTIONS:
        raise SchemaError(
            [
                f"schema {' or '.join(RESOLUTIONS)} of mantispy is read; found "
                f"{version!r}. Migrate it there: mantispy.io.read(path)."
            ]
        )
    if resolution != RESOLUTIONS[version]:
        raise SchemaError(
            [
                f"one row is one cell, resolution {RESOLUTIONS[version]!r}; found "
                f"{resolution!r}, grouped by {list(said.get('grouped_by', []))}. Give "
                "the profiles from before aggregation."
            ]
        )


def _name_rows(adata: AnnData, pixel_size: float | None) -> None:
    """Give each row of a foreign object a movie, a frame and a track."""
    obs = adata.obs
    parts = [IMAGE] if IMAGE in obs else [c for c in IMAGE_PARTS if c in obs]
    if not parts or NUMBER not in obs:
        raise SchemaError(
            [
                f"obs names images by {IMAGE!r} and objects by {NUMBER!r}; found "
                f"{listing(obs.columns, 8)}. Write the file with mantispy 2.0."
            ]
        )
    image = obs[parts[0]].astype(str)
    for part in parts[1:]:
        image = image + "|" + obs[part].astype(str)
    rows = pd.DataFrame(
        {
            keys.MOVIE: image.to_numpy(dtype=object),
            keys.FRAME: 0,
            keys.LABEL: obs[NUMBER].to_numpy(),
            keys.TRACK: np.arange(1, adata.n_obs + 1),
        }
    )
    made = read_table(rows, columns={c: c for c in rows}, frame_interval=1.0)
    taken = [c for c in made.obs if c in obs]
    if taken:
        raise SchemaError(
            [
                f"obs has columns {taken}, which name cells here, without "
                f"{[c for c in (keys.TRACK, keys.FRAME, keys.TIME) if c not in obs]}. "
                "Rename them."
            ]
        )
    adata.obs_names = made.obs_names
    for column in made.obs:
        adata.obs[column] = made.obs[column].array
    adata.obsp[keys.LINEAGE] = made.obsp[keys.LINEAGE]
    movies = _store.root(made)[keys.MOVIES]
    for about in movies.values():
        del about["frame_interval"]
        about |= {} if pixel_size is None else {"pixel_size": float(pixel_size)}
    _store.root(adata)[keys.MOVIES] = movies
    _place(adata, np.full(adata.n_obs, np.nan if pixel_size is None else pixel_size))


def _positions_of_movies(adata: AnnData, pixel_size: float | None) -> None:
    sizes = _pixel_sizes(adata)
    if pixel_size is not None:
        sizes = np.where(np.isfinite(sizes), sizes, pixel_size)
    _place(adata, sizes)


def _place(adata: AnnData, sizes: np.ndarray) -> None:
    """Put positions in um into obsm, where none are."""
    known = set(CENTER) <= set(adata.obs) and np.isfinite(sizes).all()
    if known and keys.SPATIAL not in adata.obsm:
        xy = adata.obs[list(CENTER)].to_numpy(dtype=float)
        adata.obsm[keys.SPATIAL] = xy * sizes[:, None]


def _pixel_sizes(adata: AnnData) -> np.ndarray:
    """Micrometres per pixel of each row; NaN where they are not known."""
    movies = adata.uns.get(keys.ROOT, {}).get(keys.MOVIES, {})
    codes, names = extract.movie_codes(adata)
    known = [movies.get(n, {}).get("pixel_size", np.nan) for n in names]
    return np.array(known, dtype=float)[codes]


def _describe(var: pd.DataFrame) -> None:
    """Add family and unit, where they are not there."""
    kind = var[KIND].astype(object) if KIND in var else pd.Series(KINDS[0], var.index)
    strange = sorted({str(k) for k in kind} - set(KINDS))
    if strange:
        raise SchemaError(
            [
                f"var[{KIND!r}] is among {list(KINDS)}; found {listing(strange)}. Set "
                "it: adata.var['feature_kind'] = 'measurement'."
            ]
        )
    if keys.FAMILY not in var:
        group = (
            var[GROUP].astype(object) if GROUP in var else pd.Series(None, var.index)
        )
        family = np.where(kind == KINDS[0], group.fillna(UNKNOWN), kind)
        var[keys.FAMILY] = family.astype(str).astype(object)
    if keys.UNIT not in var:
        bare = [_parted(str(n))[1] for n in var.index]
        var[keys.UNIT] = np.array(
            [
                unit_of(b) if k == KINDS[0] else UNKNOWN
                for b, k in zip(bare, kind, strict=True)
            ],
            dtype=object,
        )


def _parted(name: str) -> tuple[str | None, str]:
    """Cells_AreaShape_Area -> Cells, AreaShape_Area."""
    first, _, rest = name.partition("_")
    return (first, rest) if first in PRIMARY and rest else (None, name)


def _annotate(var: pd.DataFrame) -> None:
    """Add the columns that the schema wants; what is not known stays empty."""
    known = {
        "object": [_parted(str(n))[0] for n in var.index],
        GROUP: list(var[keys.FAMILY]) if keys.FAMILY in var else None,
        "feature": [str(n) for n in var.index],
    }
    for column in TEXTS:
        if column not in var:
            values = known.get(column) or [None] * len(var)
            var[column] = pd.Categorical(pd.Series(values, dtype=object))
    for column in NUMBERS:
        if column not in var:
            var[column] = np.full(len(var), np.nan)
    if "is_feature" not in var:
        var["is_feature"] = True
    if KIND not in var:
        var[KIND] = pd.Categorical([KINDS[0]] * len(var), categories=[KINDS[0]])


def _check_plate(adata: AnnData) -> None:
    missing = [c for c in (PLATE, WELL) if c not in adata.obs]
    if missing:
        raise SchemaError(
            [
                f"the schema of mantispy names plate and well; {missing} missing in "
                f"obs, found {listing(adata.obs.columns, 8)}. Set "
                f"adata.obs[{missing[0]!r}] = {'P1' if PLATE in missing else 'A01'!r}."
            ]
        )
    wells = adata.obs[WELL].astype(str).unique()
    wrong = [w for w in wells if not WELLS.fullmatch(w)]
    if wrong:
        raise SchemaError(
            [
                f"obs[{WELL!r}] names wells as A01; found {listing(wrong)}. Rename "
                "them: row letter, column number."
            ]
        )


def _check_objects(obs: pd.DataFrame) -> None:
    twice = obs.duplicated([IMAGE, NUMBER])
    if twice.any() or not is_numeric_dtype(obs[NUMBER]):
        pairs = obs.loc[twice, [IMAGE, NUMBER]].to_numpy().tolist()
        raise SchemaError(
            [
                f"an object is one ({IMAGE}, {NUMBER}); found {int(twice.sum())} "
                f"repeated: {listing(pairs, 3)}. Remove obs[{IMAGE!r}] to name images "
                "by movie and frame."
            ]
        )
