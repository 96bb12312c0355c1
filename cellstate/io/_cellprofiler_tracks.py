"""What CellProfiler's TrackObjects says -> tracks that end at division."""

import numpy as np
import pandas as pd

from cellstate._base.errors import LineageError, SchemaError, listing
from cellstate.io._cellprofiler_files import IMAGE, OBJECT, numbers_of
from cellstate.io._forest import NO_PARENT, cut_at_divisions

TRACKED = "TrackObjects"


def linked(
    table: pd.DataFrame,
    compartments: list[str],
    movie: np.ndarray,
    frame: np.ndarray,
    frame_interval: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return track and mother of each row; each row is a track where none was tracked.

    Raises
    ------
    SchemaError
        Tracks without `frame_interval`.
    LineageError
        Parents that are not there, or no forest.
    """
    alone = np.arange(1, len(table) + 1), np.full(len(table), NO_PARENT)
    columns = {
        what: _column(table, compartments, what)
        for what in ("Label", "ParentObjectNumber", "ParentImageNumber")
    }
    parent, label = columns["ParentObjectNumber"], columns["Label"]
    if parent is None and label is None:
        return alone
    if frame_interval is None:
        raise SchemaError(
            [
                f"tracked objects need the time between images; found "
                f"{parent or label!r} and no `frame_interval` (h). Use "
                "cs.io.read_cellprofiler(..., frame_interval=0.5)."
            ]
        )
    if parent is not None:
        links = _links(table, parent, columns["ParentImageNumber"], movie)
        image = table[IMAGE].to_numpy()
        number = table[_number(table, parent)].to_numpy()
        return cut_at_divisions(
            frame,
            links,
            name=lambda row: f"image {image[row]} object {number[row]}",
            what="object",
            source=parent,
        )
    numbers = numbers_of(table[label], label)
    known = numbers > 0
    pairs = pd.MultiIndex.from_arrays([movie[known], numbers[known]])
    track = np.zeros(len(table), dtype=np.int64)
    track[known] = pd.factorize(pairs)[0] + 1
    track[~known] = track.max() + np.arange(1, int((~known).sum()) + 1)
    return track, alone[1]


def _column(table: pd.DataFrame, compartments: list[str], what: str) -> str | None:
    """TrackObjects_Label_50 of the first compartment that has it, any distance."""
    for compartment in compartments:
        start = f"{compartment}_{TRACKED}_{what}"
        for column in table:
            if column == start or column.startswith(f"{start}_"):
                return column
    return None


def _number(table: pd.DataFrame, column: str) -> str:
    """Column with the object numbers of the compartment that was tracked."""
    number = f"{column.split('_', 1)[0]}_{OBJECT}"
    if number not in table:
        raise SchemaError(
            [
                f"parents are named by object number; found {column!r} but no "
                f"{number!r}. Export the table with its object numbers."
            ]
        )
    return number


def _links(
    table: pd.DataFrame, parent: str, parent_image: str | None, movie: np.ndarray
) -> np.ndarray:
    image = table[IMAGE].to_numpy()
    number = numbers_of(table[_number(table, parent)], _number(table, parent))
    wanted = numbers_of(table[parent], parent)
    at = image - 1 if parent_image is None else numbers_of(table[parent_image], "")
    child = np.flatnonzero(wanted > 0)
    here = number > 0  # a cell whose tracked part is missing has no number
    names = ["movie", "image", "number"]
    own = pd.DataFrame(
        {"movie": movie[here], "image": image[here], "number": number[here]}
    )
    own["row"] = np.flatnonzero(here)
    twice = own.duplicated(names)
    if twice.any():
        raise LineageError(
            f"a tracked object belongs to one row; found {int(twice.sum())} in several "
            f"(movie, image, object): {listing(own.loc[twice, names].to_numpy(), 3)}. "
            "Give the table of the tracked objects alone."
        )
    asked = pd.DataFrame(
        {"movie": movie[child], "image": at[child], "number": wanted[child]}
    )
    found = asked.merge(own, on=names, how="left")["row"]
    lost = found.isna().to_numpy()
    if lost.any():
        pairs = asked.loc[lost, names].to_numpy().tolist()
        raise LineageError(
            f"parents are objects of the same movie in the tables; found "
            f"{int(lost.sum())} of {len(asked)} that are not, (movie, image, object) = "
            f"{listing(pairs, 3)}. Give the tables of the whole run."
        )
    return np.column_stack([found.astype(np.int64).to_numpy(), child])
