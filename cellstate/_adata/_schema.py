"""Validate an AnnData: every violation at once, each with the call that mends it."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy.sparse import issparse

from cellstate._adata import _keys as keys
from cellstate._base.errors import LineageError, SchemaError, listing
from cellstate.tracks import Tracks

IDENTITY = (keys.TRACK, keys.FRAME, keys.TIME)


def validate(adata: AnnData) -> None:
    """Check an AnnData against the schema; silent when it holds.

    Needed: ``obs["track"]``, ``obs["frame"]`` (integers) and ``obs["time"]`` (h).
    Checked when present: `parent_track`, `movie`, `label`, ``obsm["spatial"]``,
    ``obsm["X_state"]``, ``obsp["lineage"]``, units of features.

    Raises
    ------
    SchemaError
        Lists every violation at once, each with the call that mends it.

    Examples
    --------
    >>> import numpy as np
    >>> adata = AnnData(np.zeros((2, 1)))
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 1, [0, 1], [0, .5]
    >>> validate(adata)
    """
    violations = list(find_violations(adata))
    if violations:
        raise SchemaError(violations)


def check_identity(adata: AnnData) -> None:
    """Check only what every `tl` function needs."""
    violations = list(_identity_violations(adata))
    if violations:
        raise SchemaError(violations)


def find_violations(adata: AnnData) -> Iterator[str]:
    """Yield one line per violation."""
    identity = list(_identity_violations(adata))
    yield from identity
    if adata.n_obs == 0:
        yield "the AnnData has no cell (0 rows); check the masks given to cs.io."
        return
    if not adata.obs_names.is_unique:
        twice = adata.obs_names[adata.obs_names.duplicated()]
        yield (
            f"obs_names are unique; found {len(twice)} repeated: {listing(twice)}. "
            "Run adata.obs_names_make_unique()."
        )
    yield from _duplicate_objects(adata)
    if not identity:
        yield from _lineage_violations(adata)
    yield from _array_violations(adata)
    if keys.FAMILY in adata.var and keys.UNIT not in adata.var:
        yield "features carry a unit; found var['family'] but no var['unit']. Set it."
    stated = adata.uns.get(keys.ROOT, {})
    if stated and stated.get(keys.VERSION) != keys.SCHEMA_VERSION:
        yield (
            f"schema version {keys.SCHEMA_VERSION!r} is read; found "
            f"{stated.get(keys.VERSION)!r}. Make the AnnData anew with this version: "
            "cs.pp.features(movie)."
        )


def _identity_violations(adata: AnnData) -> Iterator[str]:
    for name in IDENTITY:
        if name not in adata.obs:
            yield (
                f"obs[{name!r}] is missing; found {listing(adata.obs.columns)}. "
                f"Set adata.obs[{name!r}] = ... or start from cs.pp.features(movie)."
            )
    integers = [keys.TRACK, keys.FRAME, keys.PARENT_TRACK, keys.LABEL]
    for name in (c for c in integers if c in adata.obs):
        values = adata.obs[name]
        if not pd.api.types.is_integer_dtype(values):
            yield (
                f"obs[{name!r}] holds integers; found {values.dtype}. Run "
                f"adata.obs[{name!r}] = adata.obs[{name!r}].astype(int)."
            )
        elif values.isna().any():
            yield (
                f"obs[{name!r}] holds integers; found {int(values.isna().sum())} "
                f"missing. Leave those rows out: "
                f"adata[adata.obs[{name!r}].notna()].copy()."
            )
    if keys.TIME in adata.obs:
        time = adata.obs[keys.TIME]
        if not pd.api.types.is_numeric_dtype(time):
            yield f"obs['time'] holds hours as numbers; found {time.dtype}."
        elif not np.isfinite(time.to_numpy(float)).all():
            bad = int((~np.isfinite(time.to_numpy(float))).sum())
            yield f"obs['time'] is finite; found {bad} NaN or infinite. Set hours."


def _duplicate_objects(adata: AnnData) -> Iterator[str]:
    names = [c for c in (keys.MOVIE, keys.FRAME, keys.LABEL) if c in adata.obs]
    if keys.LABEL not in names or keys.FRAME not in names:
        return
    twice = adata.obs.duplicated(names)
    if twice.any():
        yield (
            f"an object is one ({', '.join(names)}); found {int(twice.sum())} "
            f"repeated, e.g. {listing(adata.obs.loc[twice, names].iloc[0])}. Keep one: "
            f"adata[~adata.obs.duplicated({names})].copy()."
        )


def _lineage_violations(adata: AnnData) -> Iterator[str]:
    obs = adata.obs
    movies = pd.factorize(obs[keys.MOVIE].astype(str))[0] if keys.MOVIE in obs else None
    try:
        built = Tracks.from_arrays(
            track=obs[keys.TRACK],
            frame=obs[keys.FRAME],
            time=obs[keys.TIME],
            parent_track=obs.get(keys.PARENT_TRACK),
            movie=movies,
        )
    except LineageError as error:
        yield f"tracks form a forest: {error}"
        return
    later = np.flatnonzero(built.previous_row >= 0)
    back = built.time[later] <= built.time[built.previous_row[later]]
    if back.any():
        yield (
            f"time grows along a track; found {int(back.sum())} steps that do not, "
            f"e.g. in track {built.track[later[back][0]]}. Set hours."
        )


def _array_violations(adata: AnnData) -> Iterator[str]:
    if keys.SPATIAL in adata.obsm:
        shape = np.shape(adata.obsm[keys.SPATIAL])
        if len(shape) != 2 or shape[1] not in (2, 3):
            yield f"obsm['spatial'] holds x, y (z) in um; found shape {shape}."
    if keys.STATE_SPACE in adata.obsm:
        values = np.asarray(adata.obsm[keys.STATE_SPACE])
        if values.ndim != 2 or values.dtype.kind not in "fiu":
            yield (
                f"obsm['X_state'] is numeric of shape (n, d); found {values.dtype} of "
                f"shape {values.shape}. Run cs.tl.embed(adata)."
            )
        elif not np.isfinite(values).all(axis=1).any():
            yield "obsm['X_state'] has no row without NaN. Run cs.tl.embed(adata)."
    broken = dict(_broken_matrices(adata))
    for place, error in broken.items():
        yield f"{place} is a whole sparse matrix; found {error}. Write the file again."
    if keys.LINEAGE in adata.obsp and not broken:
        edges = adata.obsp[keys.LINEAGE]
        children = np.asarray((edges != 0).sum(axis=1)).ravel()
        mothers = np.asarray((edges != 0).sum(axis=0)).ravel()
        if (children > 2).any() or (mothers > 1).any():
            yield (
                f"obsp['lineage'] joins a row to at most 2 children and 1 mother; "
                f"found {int(children.max())} and {int(mothers.max())}. Run "
                "cs.pp.features(movie) again."
            )


def _broken_matrices(adata: AnnData) -> Iterator[tuple[str, ValueError]]:
    """Find sparse matrices of damaged files: to use one ends the process."""
    matrices = {"X": adata.X}
    for name in ("layers", "obsm", "obsp"):
        matrices |= {f"{name}[{k!r}]": v for k, v in getattr(adata, name).items()}
    for place, matrix in matrices.items():
        if issparse(matrix) and hasattr(matrix, "check_format"):
            try:
                matrix.check_format(full_check=True)
            except ValueError as error:
                yield place, error
