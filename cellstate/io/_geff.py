"""Tracks in the Graph Exchange File Format -> AnnData."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._base.checks import positive
from cellstate._base.errors import LineageError, MovieError
from cellstate.io._files import existing
from cellstate.io._forest import cut_at_divisions, rows_of
from cellstate.io._geff_axes import Axes, axes_of
from cellstate.io._geff_own import OWN, restored
from cellstate.io._lineage import LARGEST_WHOLE
from cellstate.io._objects import flat_or_deep, named, tracked
from cellstate.io._tables import UNKNOWN, free_name

FAMILY = "geff"
LABELS = ("label", "seg_id", "segmentation_id")


def read_geff(
    path: str | Path,
    *,
    name: str | None = None,
    frame_interval: float | None = None,
    pixel_size: float | None = None,
) -> AnnData:
    """Read tracks in the Graph Exchange File Format.

    Parameters
    ----------
    path
        The zarr group of the graph itself (``.../tracks.geff``).
    name
        Names the movie; what `write_geff` wrote, or the name of the folder, when
        left out.
    frame_interval
        Hours between frames; needed where times are in frames or no unit is stated.
    pixel_size
        Micrometres per pixel; needed where positions are in pixels or no unit is
        stated.

    Returns
    -------
    AnnData
        One row per node. `label` is the property that the file joins to its label
        image, or "label", or the node's id. Trees are cut into tracks at divisions
        and take the file's tracklet numbers where these mean the same. Numbers are
        features in X, with `family` "geff"; other properties of one value per node
        are in obs. What `write_geff` wrote comes back as it was.

    Raises
    ------
    ImportError
        The package geff is missing.
    FileNotFoundError
        Nothing is there; near names are offered.
    MovieError
        No GEFF, cut short, without time axis or units.
    LineageError
        Cells that merge or have more than two daughters, edges to unknown nodes.

    References
    ----------
    geff, Graph Exchange File Format, live-image-tracking-tools.github.io/geff.

    Examples
    --------
    >>> import tempfile, cellstate as cs
    >>> table = pd.DataFrame({"t": [0, 1], "id": [1, 1], "x": [4., 6.], "y": [2., 2.]})
    >>> adata = cs.io.read_table(
    ...     table, columns={"frame": "t", "track": "id", "x": "x", "y": "y"},
    ...     frame_interval=0.5, pixel_size=0.65)
    >>> path = cs.io.write_geff(adata, Path(tempfile.mkdtemp()) / "tracks.geff")
    >>> cs.io.read_geff(path).obsm["spatial"][1]
    array([3.9, 1.3])
    """
    path = existing(path, "GEFF")
    for field, value, unit in (
        ("frame_interval", frame_interval, "h between frames"),
        ("pixel_size", pixel_size, "um per pixel"),
    ):
        if value is not None:
            positive(value, field, unit, f"cs.io.read_geff(..., {field}=...)")
    graph = _loaded(path)
    metadata, props = graph["metadata"], _one_value_each(graph["node_props"])
    ids, edges = _checked(graph, path)
    links = rows_of(ids, edges.ravel(), "node", str(path)).reshape(-1, 2)
    axes = axes_of(metadata, props, path, frame_interval, pixel_size)
    own = metadata.extra.get(OWN)
    if isinstance(own, dict):
        return restored(own, props, metadata, axes, links, path, name)
    return _foreign(ids, props, metadata, axes, links, path, named(path, name))


def _foreign(
    ids: np.ndarray,
    props: dict[str, np.ndarray],
    metadata: Any,
    axes: Axes,
    links: np.ndarray,
    path: Path,
    name: str,
) -> AnnData:
    """Make tracks from the links that another program wrote."""
    track, parent = cut_at_divisions(
        axes.frame, links, name=lambda row: int(ids[row]), what="node", source=str(path)
    )
    track, parent = _numbered_as_in_file(track, parent, metadata, props)
    label = _label_name(metadata, props)
    obs = pd.DataFrame(
        {
            keys.FRAME: axes.frame,
            keys.TIME: axes.time,
            keys.LABEL: ids if label is None else props[label],
            keys.TRACK: track,
            keys.PARENT_TRACK: parent,
        }
    )
    position = axes.position
    if position is not None and position.shape[1] == 3:
        position = flat_or_deep(position)
    used = {*axes.names, label, *(metadata.track_node_props or {}).values()}
    rest = {k: v for k, v in props.items() if k not in used}
    numeric = {k: v for k, v in rest.items() if v.dtype.kind in "iufb"}
    units = {k: metadata.node_props_metadata[k].unit or UNKNOWN for k in numeric}
    for key in (k for k in rest if k not in numeric):
        obs[free_name(key, obs)] = rest[key].astype(str)
    return tracked(
        obs,
        pd.DataFrame(numeric, index=range(len(ids)), dtype=float),
        units,
        position,
        family=FAMILY,
        name=name,
        stated=axes.stated,
    )


def _loaded(path: Path) -> dict[str, Any]:
    """Read the whole graph into memory, or say why not."""
    try:
        from geff.core_io import read_to_memory
    except ImportError as error:
        raise ImportError(
            "GEFF needs the package geff, which is not installed. Run pip install "
            '"cellstate[geff]".'
        ) from error
    try:
        with warnings.catch_warnings():
            # Units beyond the list of OME-Zarr and older words are read all the same.
            warnings.simplefilter("ignore")
            return read_to_memory(path)
    except Exception as error:  # zarr raises what the damage happens to hit
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise MovieError(
            f"'{path}' is no whole GEFF: {reason}. Give the folder with 'nodes' and "
            "'edges' in it, or export it again."
        ) from error


def _checked(graph: dict[str, Any], path: Path) -> tuple[np.ndarray, np.ndarray]:
    ids, edges = graph["node_ids"], graph["edge_ids"]
    if not graph["metadata"].directed and len(edges):
        raise LineageError(
            f"edges lead from mother to daughter; found an undirected graph of "
            f"{len(edges)} edges in '{path}'. Write it as a directed graph."
        )
    for what, values in (("nodes", ids), ("edges", edges)):
        if values.dtype.kind not in "iu" or (
            values.size and int(values.max()) > LARGEST_WHOLE
        ):
            raise MovieError(
                f"ids of {what} are whole numbers up to 2^53; found {values.dtype} up "
                f"to {values.max() if values.size else 'nothing'} in '{path}'. Number "
                "the nodes anew."
            )
    if not ids.size:
        raise MovieError(f"a GEFF has nodes; found none in '{path}'.")
    return ids.astype(np.int64), edges.astype(np.int64).reshape(-1, 2)


def _one_value_each(props: dict[str, Any]) -> dict[str, np.ndarray]:
    """Keep properties of one value per node; a missing number is NaN."""
    kept = {}
    for key, prop in props.items():
        values, missing = prop["values"], prop.get("missing")
        if values.ndim != 1 or values.dtype.kind not in "iufbU":
            continue
        if missing is not None and missing.any():
            if values.dtype.kind in "iufb":
                values = np.where(missing, np.nan, values.astype(np.float64))
            else:
                values = np.where(missing, "", values)
        kept[key] = values
    return kept


def _label_name(metadata: Any, props: dict[str, np.ndarray]) -> str | None:
    """Name the property that holds labels of a mask; None for the node's id."""
    named = [r.node_prop for r in metadata.related_objects or [] if r.type == "labels"]
    for key in (*named, *LABELS):
        values = props.get(key)
        if values is not None and values.dtype.kind in "iu":
            return key
    return None


def _numbered_as_in_file(
    track: np.ndarray,
    parent: np.ndarray,
    metadata: Any,
    props: dict[str, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Take the numbers of the file's tracklets if they are the same tracks."""
    stated = props.get((metadata.track_node_props or {}).get("tracklet", ""))
    if stated is None or stated.dtype.kind not in "iu" or int(stated.min()) < 0:
        return track, parent
    if int(stated.max()) > LARGEST_WHOLE:
        return track, parent
    pairs = np.unique(np.column_stack([track, stated.astype(np.int64)]), axis=0)
    if len(pairs) != track.max() or len(np.unique(pairs[:, 1])) != len(pairs):
        return track, parent
    number = np.r_[-1, pairs[:, 1]]  # tracks count from 1, -1 wraps to the end
    return number[track], np.where(parent < 0, parent, number[parent])
