"""AnnData -> tracks in the Graph Exchange File Format."""

import re
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata._schema import validate
from cellstate._base.errors import MovieError, listing
from cellstate.io._forest import chains
from cellstate.io._geff_own import OWN
from cellstate.io._tables import UNKNOWN
from cellstate.tracks import Tracks

LINEAGE = "lineage"
T, SPACE = "t", ("x", "y", "z")


def write_geff(adata: AnnData, path: str | Path) -> Path:
    """Write cells, features and lineage in the Graph Exchange File Format.

    Nodes are cells with time (hour), position (micrometer), frame, label, track,
    mother track and every feature with its unit; edges lead from a cell to itself in
    its next frame and from mother to daughters. `read_geff` restores rows, X, obs,
    ``obsm["spatial"]`` and ``obsp["lineage"]``; results and layers are not written
    (use `write`).

    Parameters
    ----------
    adata
        One movie that passes `cs.validate`.
    path
        New; by custom it ends in ``.geff``. It appears when all of it is written.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ImportError
        The package geff is missing.
    FileExistsError
        Something is at `path`; it is not touched.
    SchemaError
        The AnnData breaks the schema.
    MovieError
        Several movies.

    References
    ----------
    geff, Graph Exchange File Format, live-image-tracking-tools.github.io/geff.

    Examples
    --------
    >>> adata = AnnData(np.array([[50.0], [52.0]]))
    >>> adata.var_names = ["area"]
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 4, [0, 1], [0, .5]
    >>> path = write_geff(adata, Path(tempfile.mkdtemp()) / "tracks.geff")
    >>> sorted(p.name for p in path.iterdir() if not p.name.startswith("."))
    ['edges', 'nodes']
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(
            f"'{path}' must be new; found {'a file' if path.is_file() else 'a folder'} "
            "there. Give another path."
        )
    validate(adata)
    _, names = extract.movie_codes(adata)
    if len(names) > 1:
        raise MovieError(
            f"a GEFF holds one movie; found {len(names)}: {listing(names)}. Write "
            "adata[adata.obs['movie'] == name].copy() for each."
        )
    tracks = extract.tracks(adata)
    props, described, own = _properties(adata, tracks)
    movie = adata.uns.get(keys.ROOT, {}).get(keys.MOVIES, {}).get(names[0], {})
    own |= {"name": names[0], "movie": _plain(movie, tracks)}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        _write(unfinished / "graph", props, described, _edges(tracks), own, tracks)
        (unfinished / "graph").replace(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return path


def _plain(movie: Any, tracks: Tracks) -> dict[str, float | int]:
    numbers = {
        k: v.item() if hasattr(v, "item") else v
        for k, v in dict(movie).items()
        if isinstance(v, int | float | np.number)
    }
    return {"n_frames": int(tracks.last_frame[0]) + 1, **numbers}


def _edges(tracks: Tracks) -> np.ndarray:
    """Pairs of rows: along a track, gaps included, and from mother to daughter."""
    along = chains(tracks.index, tracks.frame)
    born = np.flatnonzero(tracks.parent >= 0)
    down = np.column_stack(
        [tracks.last_row[tracks.parent[born]], tracks.first_row[born]]
    )
    return np.concatenate([along, down]).astype(np.uint64)


def _properties(
    adata: AnnData, tracks: Tracks
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, str]], dict[str, Any]]:
    """Return values, their units and names, and what `read_geff` restores by."""
    obs = adata.obs
    parent = obs.get(keys.PARENT_TRACK)
    label = obs.get(keys.LABEL, obs[keys.TRACK])
    props = {
        T: tracks.time,
        keys.FRAME: tracks.frame,
        keys.LABEL: label.to_numpy(np.int64),
        keys.TRACK: tracks.track,
        keys.PARENT_TRACK: (
            np.full(adata.n_obs, -1) if parent is None else parent.to_numpy(np.int64)
        ),
        LINEAGE: tracks.row_lineage,
    }
    described: dict[str, dict[str, str]] = {}
    if keys.SPATIAL in adata.obsm:
        position = np.asarray(adata.obsm[keys.SPATIAL], dtype=np.float64)
        props |= {SPACE[i]: position[:, i] for i in range(position.shape[1])}
    own: dict[str, Any] = {"features": [], "obs": []}
    if adata.X is not None:
        values, var = extract.features(adata), adata.var
        for i, name in enumerate(adata.var_names):
            key = _identifier(str(name), props)
            props[key] = values[:, i]
            unit = str(var[keys.UNIT].iloc[i]) if keys.UNIT in var else UNKNOWN
            family = str(var[keys.FAMILY].iloc[i]) if keys.FAMILY in var else UNKNOWN
            described[key] = {"unit": unit, "name": str(name)}
            own["features"].append([key, str(name), family])
    identity = (keys.TIME, keys.FRAME, keys.LABEL, keys.TRACK, keys.PARENT_TRACK)
    for column in obs.columns.difference((*identity, keys.MOVIE), sort=False):
        stored, categories = _storable(obs[column])
        key = _identifier(str(column), props)
        props[key] = stored
        described[key] = {"name": str(column)}
        own["obs"].append([key, str(column), categories])
    return props, described, own


def _storable(column: pd.Series) -> tuple[np.ndarray, list[str] | None]:
    """Return numbers as they are, anything else as text; and categories."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = [str(c) for c in column.cat.categories]
        return column.astype(str).to_numpy(dtype=str), categories
    values = column.to_numpy()
    if values.dtype.kind in "iub" or values.dtype in (np.float32, np.float64):
        return values, None
    return column.astype(str).to_numpy(dtype=str), None


def _identifier(name: str, taken: dict[str, np.ndarray]) -> str:
    """Make a name that zarr takes and no other property has."""
    key = re.sub(r"[^\w.+-]", "_", name).strip(".") or "_"
    while key in taken or key.startswith("__"):
        key = f"{key}_".removeprefix("_") if key.startswith("__") else f"{key}_"
    return key


def _write(
    path: Path,
    props: dict[str, np.ndarray],
    described: dict[str, dict[str, str]],
    edges: np.ndarray,
    own: dict[str, Any],
    tracks: Tracks,
) -> None:
    try:
        from geff.core_io import write_arrays
        from geff_spec import Axis, GeffMetadata, PropMetadata
    except ImportError as error:
        raise ImportError(
            "GEFF needs the package geff, which is not installed. Run pip install "
            '"cellstate[geff]".'
        ) from error
    axes = [Axis(name=T, type="time", unit="hour")] + [
        Axis(name=n, type="space", unit="micrometer") for n in SPACE[::-1] if n in props
    ]
    track_props = {LINEAGE: LINEAGE}
    if _maximal(tracks):
        track_props["tracklet"] = keys.TRACK
    metadata = GeffMetadata(
        directed=True,
        axes=axes,
        node_props_metadata={
            k: PropMetadata(identifier=k, dtype=v.dtype, **described.get(k, {}))
            for k, v in props.items()
        },
        edge_props_metadata={},
        track_node_props=track_props,
        extra={OWN: own},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units of features are free text
        write_arrays(
            path,
            np.arange(tracks.n_rows, dtype=np.uint64),
            {k: {"values": v, "missing": None} for k, v in props.items()},
            edges,
            {},
            metadata,
        )


def _maximal(tracks: Tracks) -> bool:
    """Whether tracks are tracklets of the format: no mother of one daughter."""
    litter = np.bincount(tracks.parent[tracks.parent >= 0], minlength=1)
    return not (litter == 1).any()
