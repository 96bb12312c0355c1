"""The tables in a btrack HDF5 file, checked before they are used."""

from pathlib import Path

import numpy as np

from cellstate._base.errors import MovieError, listing
from cellstate.io._lineage import LARGEST_WHOLE

OBJECTS = {"coords": ("iuf", 4)}
TRACKS = {"tracks": ("iu", 1), "map": ("iu", 2), "LBEPR": ("iu", 4)}


def read_tables(
    path: Path, object_type: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read the tables of objects and of tracks whole.

    Raises
    ------
    MovieError
        No HDF5, cut short, or tables that are missing or of another shape.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            groups = []
            for part in ("objects", "tracks"):
                if part not in file or object_type not in file[part]:
                    found = list(file[part]) if part in file else list(file)
                    raise MovieError(
                        f"a btrack file has '{part}/{object_type}'; found "
                        f"{listing(found)} in '{path}'. Write tracks with btrack, or "
                        f"name the objects: cs.io.read_btrack(..., object_type=...)."
                    )
                groups.append(_arrays(file[part][object_type]))
    except MovieError:
        raise
    except Exception as error:  # h5py raises what the damage happens to hit
        raise MovieError(
            f"'{path}' cannot be read as HDF5: {error} ({path.stat().st_size} bytes). "
            "Copy or export it again."
        ) from error
    objects, tables = groups
    _check_tables(objects, OBJECTS, path)
    _check_tables(tables, TRACKS, path)
    n = len(objects["coords"])
    if "labels" in objects:
        _check_tables(objects, {"labels": ("iufb", 1)}, path)
        if len(objects["labels"]) != n:
            raise MovieError(
                f"'labels' has one row per row of 'coords'; found "
                f"{len(objects['labels'])} and {n} in '{path}'. Export it again."
            )
    return objects, tables


def _arrays(group: object) -> dict[str, np.ndarray]:
    """Read every table of a group; those of ``properties`` as properties/<name>."""
    found = {}
    # A name that is no text comes as bytes.
    for key in (k for k in group if isinstance(k, str)):
        entry = group[key]
        if hasattr(entry, "shape"):
            found[key] = np.asarray(entry[()])
        elif key == "properties":
            found |= {f"properties/{k}": np.asarray(entry[k][()]) for k in entry}
    return found


def _check_tables(
    found: dict[str, np.ndarray], needed: dict[str, tuple[str, int]], path: Path
) -> None:
    """Check kind and width; a table of width 1 may be a single column."""
    for key, (kinds, width) in needed.items():
        if key not in found:
            raise MovieError(
                f"a btrack file has the tables {list(needed)}; found "
                f"{listing(found)} in '{path}', {key!r} missing. Export it again."
            )
        table = found[key]
        if table.ndim == 1 and width == 1:
            table = found[key] = table[:, None]
        good = table.dtype.kind in kinds and table.ndim == 2
        if not good or table.shape[1] < width:
            raise MovieError(
                f"{key!r} holds {'numbers' if 'f' in kinds else 'whole numbers'} in "
                f"{width} columns or more; found {table.dtype} of shape "
                f"{table.shape} in '{path}'. Export it again."
            )
        if "f" not in kinds and table.size and int(table.max()) > LARGEST_WHOLE:
            raise MovieError(
                f"{key!r} holds whole numbers up to 2^53; found {table.max()} in "
                f"'{path}'. Export it again."
            )
