"""Objects and tracks of a btrack HDF5 file -> AnnData."""

from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._base.checks import positive
from cellstate._base.errors import LineageError, MovieError, listing
from cellstate.io._btrack_tables import read_tables
from cellstate.io._files import existing
from cellstate.io._lineage import LARGEST_WHOLE, NO_PARENT
from cellstate.io._objects import flat_or_deep, named, tracked
from cellstate.io._tables import UNKNOWN

FAMILY = "btrack"
OBJECT_TYPE = "obj_type_1"
# btrack's own codes of how a track ends.
FATES = {
    0: "false_positive",
    1: "initialize",
    2: "terminate",
    3: "link",
    4: "divide",
    5: "apoptosis",
    6: "merge",
    7: "extrude",
    10: "initialize_border",
    11: "initialize_front",
    12: "initialize_lazy",
    20: "terminate_border",
    21: "terminate_back",
    22: "terminate_lazy",
    666: "dead",
    999: "undefined",
}


def read_btrack(
    path: str | Path,
    *,
    pixel_size: float,
    frame_interval: float,
    name: str | None = None,
    object_type: str = OBJECT_TYPE,
) -> AnnData:
    """Read the tracks of a btrack HDF5 file.

    Parameters
    ----------
    path
        With ``objects/<object_type>`` and ``tracks/<object_type>``.
    pixel_size
        Micrometres per pixel; the file states no units.
    frame_interval
        Hours between frames.
    name
        Names the movie; the name of the file when left out.
    object_type
        Name of the objects in the file.

    Returns
    -------
    AnnData
        One row per tracked object; `label` is its row in the file.
        ``obs["object_class"]`` is the number of its class, ``obs["fate"]`` how
        btrack says its track ends. Properties and class scores are in X with
        `family` "btrack". Objects that btrack imagined to bridge a gap (dummies) are
        left out, so that the track has a gap; they and untracked objects are counted
        in ``uns["cellstate"]["movies"][name]["n_left_out"]``.

    Raises
    ------
    ValueError
        `pixel_size` or `frame_interval` is missing or not above 0.
    FileNotFoundError
        Nothing is there; near names are offered.
    MovieError
        No HDF5, cut short, tables that are missing or do not fit together.
    LineageError
        An object in two tracks, mothers that are not there.

    Notes
    -----
    Positions are x, y, z in the order of ``coords``. Files of older versions hold
    y first: there use ``adata.obsm["spatial"][:, [1, 0]]``.

    Examples
    --------
    >>> import h5py, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "cells.h5"
    >>> with h5py.File(path, "w") as file:
    ...     place = "objects/obj_type_1/coords"
    ...     file[place] = [[0, 4.0, 6.0, 0, 0], [1, 5.0, 6.0, 0, 0]]
    ...     file["tracks/obj_type_1/tracks"] = [0, 1]
    ...     file["tracks/obj_type_1/map"] = [[0, 2]]
    ...     file["tracks/obj_type_1/LBEPR"] = [[3, 0, 1, 3, 3, 0]]
    >>> adata = read_btrack(path, pixel_size=0.5, frame_interval=0.1)
    >>> adata.obs["track"].tolist(), adata.obsm["spatial"][1]
    ([3, 3], array([2.5, 3. ]))
    """
    for field, value, unit, example in (
        ("pixel_size", pixel_size, "um per pixel", 0.33),
        ("frame_interval", frame_interval, "h between frames", 0.1),
    ):
        positive(value, field, unit, f"cs.io.read_btrack(..., {field}={example})")
    path = existing(path, "btrack file")
    objects, tables = read_tables(path, object_type)
    row, track, parent, fate = _rows(tables, len(objects["coords"]), path)
    coords = objects["coords"][row].astype(np.float64)
    frame = coords[:, 0]
    counted = (frame >= 0) & (frame <= LARGEST_WHOLE) & (frame == np.floor(frame))
    if not counted.all():
        raise MovieError(
            f"the first column of 'coords' holds frames from 0; found "
            f"{listing(frame[~counted], 3)} in '{path}'. Export it again."
        )
    features, units = _features(objects, row)
    obs = pd.DataFrame(
        {
            keys.FRAME: frame,
            keys.TIME: frame * frame_interval,
            keys.LABEL: row,
            keys.TRACK: track,
            keys.PARENT_TRACK: parent,
        }
    )
    if "labels" in objects:
        obs[keys.OBJECT_CLASS] = _classes(objects["labels"][row, 0], path)
    if fate is not None:
        obs[keys.FATE] = pd.Categorical([FATES.get(f, f"code_{f}") for f in fate])
    return tracked(
        obs,
        features,
        units,
        flat_or_deep(coords[:, 1:4]) * pixel_size,
        family=FAMILY,
        name=named(path, name),
        stated={
            "pixel_size": float(pixel_size),
            "frame_interval": float(frame_interval),
            "n_left_out": len(tables["tracks"]) + len(objects["coords"]) - 2 * len(row),
        },
    )


def _rows(
    tables: dict[str, np.ndarray], n_objects: int, path: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the object, track, mother and fate of each row; dummies left out."""
    reference, span, table = tables["tracks"].ravel(), tables["map"], tables["LBEPR"]
    reference, span, table = (a.astype(np.int64) for a in (reference, span, table))
    fate = tables["fates"].reshape(-1) if "fates" in tables else None
    starts, stops = span[:, 0], span[:, 1]
    ends_meet = (
        len(span) == len(table)
        and len(span) > 0
        and (starts <= stops).all()
        and starts[0] == 0
        and stops[-1] == len(reference)
        and (starts[1:] == stops[:-1]).all()
    )
    if not ends_meet or (fate is not None and len(fate) != len(table)):
        raise MovieError(
            f"'map' cuts {len(reference)} references into one piece per row of "
            f"'LBEPR'; found {len(span)} pieces up to {listing(stops[-1:])}, "
            f"{len(table)} rows and {'no' if fate is None else len(fate)} fates in "
            f"'{path}'. Export it again."
        )
    if (reference >= n_objects).any():
        raise LineageError(
            f"tracks refer to objects of the file; found "
            f"{int((reference >= n_objects).sum())} references beyond the {n_objects} "
            f"objects of '{path}': {listing(reference[reference >= n_objects])}. "
            "Export it again."
        )
    number = np.repeat(np.arange(len(table)), stops - starts)
    seen = reference >= 0
    row, number = reference[seen], number[seen]
    twice = np.bincount(row, minlength=1) > 1
    if twice.any():
        raise LineageError(
            f"an object is in one track; found {int(twice.sum())} of {n_objects} in "
            f"several, rows {listing(np.flatnonzero(twice))} of '{path}'. Export it "
            "again."
        )
    return (
        row,
        table[number, 0],
        _mothers(table, number, path),
        (None if fate is None else fate[number].astype(np.int64)),
    )


def _mothers(table: np.ndarray, number: np.ndarray, path: Path) -> np.ndarray:
    """Return the mother of each row; a founder is its own in btrack."""
    label, parent = table[:, 0], table[:, 3].copy()
    parent[(parent == label) | (parent == 0)] = NO_PARENT
    unknown = np.setdiff1d(parent, [NO_PARENT, *label])
    if unknown.size:
        raise LineageError(
            f"mothers are tracks of the same file; found {unknown.size} in 'LBEPR' "
            f"that are not: {listing(unknown)}, in '{path}'. Export it again."
        )
    # A track of dummies alone has no row, so it can be nobody's mother.
    shown = np.isin(parent, label[np.unique(number)])
    return np.where(shown, parent, NO_PARENT)[number]


def _classes(column: np.ndarray, path: Path) -> np.ndarray:
    whole = np.isfinite(column) & (column == np.floor(column)) & (abs(column) < 2**31)
    if not whole.all():
        raise MovieError(
            f"the first column of 'labels' holds numbers of classes; found "
            f"{listing(column[~whole], 3)} in '{path}'. Export it again."
        )
    return column.astype(np.int64)


def _features(
    objects: dict[str, np.ndarray], row: np.ndarray
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return class scores (labels beyond the first column) and properties."""
    columns: dict[str, np.ndarray] = {}
    n = len(objects["coords"])
    tables = {"class_score": objects["labels"][:, 1:]} if "labels" in objects else {}
    for key, values in objects.items():
        if key.startswith("properties/"):
            tables[key.removeprefix("properties/")] = values
    for key, values in tables.items():
        if values.dtype.kind not in "iufb" or len(values) != n:
            continue
        flat = values.reshape(n, -1)
        for i in range(flat.shape[1]):
            several = flat.shape[1] > 1 or key == "class_score"
            columns[f"{key}_{i}" if several else key] = flat[row, i]
    table = pd.DataFrame(columns, index=range(len(row)), dtype=float)
    return table, dict.fromkeys(table, UNKNOWN)
