"""Lineage tables beside masks: every label has one track, every track its labels."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from cellstate._base.errors import LineageError, MovieError, listing
from cellstate._base.progress import progress
from cellstate._movie import LINEAGE_COLUMNS, Stack
from cellstate.io._files import existing
from cellstate.io._forest import NO_PARENT, cut_at_divisions, rows_of

REQUIRED = ("frame", "label", "track")
# What trackastra calls an edge table: links between labels of the masks.
EDGES = ("source_frame", "source_label", "target_frame", "target_label")
# Beyond 2^53 a float, which is what tables are read as, skips whole numbers.
LARGEST_WHOLE = 2**53


def scan_labels(masks: Stack) -> pd.DataFrame:
    """Read the masks once, frame by frame; return a row for every (frame, label).

    Raises
    ------
    MovieError
        A negative label.
    """
    found = []
    n_frames = masks.shape[0]
    for frame in progress(range(n_frames), "labels", n_frames):
        labels = np.unique(np.asarray(masks[frame]))
        if labels.size and labels[0] < 0:
            raise MovieError(
                f"labels are integers >= 0, 0 for background; found "
                f"{listing(labels[labels < 0])} in frame {frame}. Set them to 0: "
                "masks[masks < 0] = 0."
            )
        found.append(labels[labels > 0].astype(np.int64))
    sizes = [labels.size for labels in found]
    return pd.DataFrame(
        {
            "frame": np.repeat(np.arange(n_frames), sizes),
            "label": np.concatenate(found),
        }
    )


def lineage_beside(tracks: str | Path | pd.DataFrame, masks: Stack) -> pd.DataFrame:
    """Return the lineage that `tracks` gives to the labels of the masks.

    Parameters
    ----------
    tracks
        A Cell Tracking Challenge table (``man_track.txt``: L B E P; masks carry the
        track as label), a CSV or a table with frame, label, track[, parent_track],
        or one of links, as trackastra's edge table (`EDGES`).
    masks
        Labels, shape (T, Y, X); read once.
    """
    if not isinstance(tracks, pd.DataFrame):
        path = existing(tracks, "track table")
        if path.suffix.lower() == ".txt":
            return from_ctc(read_ctc_table(path), masks, str(path))
        try:
            tracks = pd.read_csv(path)
        except (ValueError, EOFError, OSError, OverflowError) as error:
            raise MovieError(
                f"'{path}' ({path.stat().st_size} bytes) is no table with a header and "
                f"columns separated by ',': {error}. Export it as CSV, or read it "
                "yourself and pass the DataFrame."
            ) from error
    if set(EDGES) <= set(tracks.columns):
        return from_edges(tracks, masks)
    return from_table(tracks, masks)


def read_ctc_table(path: Path) -> pd.DataFrame:
    """Read L B E P: track, first frame, last frame, mother track (0 none)."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise MovieError(
            f"a track table of the Cell Tracking Challenge is plain text, L B E P per "
            f"line; '{path}' is not: {error}. Write it anew."
        ) from error
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = [int(field) for field in line.split()]
        except ValueError:
            row = []
        if len(row) != 4 or max(map(abs, row)) > LARGEST_WHOLE:
            raise MovieError(
                f"each line of '{path}' holds four integers, L B E P (track, first "
                f"frame, last frame, mother or 0), up to 2^53; found {line!r} in line "
                f"{number}."
            )
        rows.append(row)
    table = pd.DataFrame(rows, columns=["L", "B", "E", "P"], dtype=np.int64)
    _check_ctc(table, str(path))
    return table


def _check_ctc(table: pd.DataFrame, source: str) -> None:
    twice = table["L"][table["L"].duplicated()]
    if twice.size:
        raise LineageError(
            f"a track has one line and so one mother in '{source}'; found "
            f"{twice.size} tracks with more: {listing(twice)}. Keep one line each."
        )
    backward = table[(table["B"] > table["E"]) | (table["B"] < 0)]
    if len(backward):
        raise LineageError(
            f"a track begins before it ends (0 <= B <= E); found {len(backward)} of "
            f"{len(table)} lines in '{source}' that do not, L B E P = "
            f"{listing(backward.to_numpy().tolist(), 3)}. Mend these lines."
        )
    if (table["L"] <= 0).any():
        raise LineageError(
            f"tracks are numbered from 1; found "
            f"{listing(table['L'][table['L'] <= 0])} in '{source}'. Renumber them."
        )
    _reject_unknown_parents(table["L"], table["P"].where(table["P"] != 0, NO_PARENT))


def from_ctc(table: pd.DataFrame, masks: Stack, source: str) -> pd.DataFrame:
    """Match an L B E P table with masks in which label means track.

    A label absent in a middle frame of its track gives no row there.
    """
    late = table[table["E"] >= masks.shape[0]]
    if len(late):
        raise MovieError(
            f"'{source}' names frames up to {late['E'].max()} ({len(late)} tracks), "
            f"but the masks have frames 0 to {masks.shape[0] - 1}. Give the whole "
            "stack of masks."
        )
    rows = scan_labels(masks).rename(columns={"label": "L"})
    seen = rows.groupby("L")["frame"].agg(["min", "max"])
    unseen = sorted(set(table["L"]) - set(seen.index))
    if unseen:
        raise MovieError(
            f"tracks name labels of the masks; found {len(unseen)} of {len(table)} "
            f"tracks without any pixel: {listing(unseen)}. Masks must be tracked, "
            "label = track; for others give a table frame, label, track."
        )
    untracked = sorted(set(seen.index) - set(table["L"]))
    if untracked:
        raise MovieError(
            f"each label of the masks has a line in '{source}'; found "
            f"{len(untracked)} of {len(seen)} labels without one: "
            f"{listing(untracked)}. Add their lines (L B E P), or link the masks "
            "with cs.pp.track(movie)."
        )
    joined = table.set_index("L").join(seen)
    off = joined[(joined["B"] != joined["min"]) | (joined["E"] != joined["max"])]
    if len(off):
        label, one = off.index[0], off.iloc[0]
        raise MovieError(
            f"a track begins and ends where '{source}' says; found {len(off)} of "
            f"{len(table)} that do not, e.g. track {label} from frame {one['B']} to "
            f"{one['E']}, but its label is in frames {one['min']} to {one['max']}. "
            "Mend B and E, or the masks."
        )
    parent = table.set_index("L")["P"].replace(0, NO_PARENT)
    return pd.DataFrame(
        {
            "frame": rows["frame"],
            "label": rows["L"],
            "track": rows["L"],
            "parent_track": rows["L"].map(parent),
        }
    )


def from_table(table: pd.DataFrame, masks: Stack) -> pd.DataFrame:
    """Match a table of frame, label, track[, parent_track] with the masks."""
    missing = [c for c in REQUIRED if c not in table]
    if missing:
        raise MovieError(
            f"a track table has columns {list(REQUIRED)} and may have 'parent_track'; "
            f"found {listing(table.columns, 8)}, {missing} missing. Rename them: "
            "table.rename(columns={'t': 'frame', ...})."
        )
    table = table.copy()
    if "parent_track" not in table:
        table["parent_track"] = NO_PARENT
    table["parent_track"] = table["parent_track"].fillna(NO_PARENT)
    table = table[list(LINEAGE_COLUMNS)].apply(integers)
    twice = table.duplicated(["frame", "label"])
    if twice.any():
        pairs = table.loc[twice, ["frame", "label"]].to_numpy().tolist()
        raise MovieError(
            f"an object is one (frame, label); found {int(twice.sum())} repeated in "
            f"the track table: {listing(pairs)}. Keep one row each."
        )
    both = table.merge(
        scan_labels(masks), how="outer", on=["frame", "label"], indicator=True
    )
    for side, text, call in (
        (
            "left_only",
            "rows of the track table name objects that are not in the masks",
            "Drop these rows, or give the masks they were made from",
        ),
        (
            "right_only",
            "objects of the masks have no row in the track table",
            "Give each a track of its own, or link anew with cs.pp.track(movie)",
        ),
    ):
        alone = both.loc[both["_merge"] == side, ["frame", "label"]]
        if len(alone):
            raise MovieError(
                f"masks and tracks name the same objects; found {len(alone)} {text}, "
                f"(frame, label) = {listing(alone.to_numpy().tolist())}. {call}."
            )
    _reject_unknown_parents(table["track"], table["parent_track"])
    return table


def from_edges(table: pd.DataFrame, masks: Stack) -> pd.DataFrame:
    """Cut the trees of linked labels into tracks; a label without links is its own."""
    rows = scan_labels(masks)
    ends = np.column_stack([integers(table[c]) for c in EDGES])
    places = np.concatenate(
        [rows.to_numpy(np.int64), ends.reshape(-1, 2)]
    )  # a pair of frame and label each
    _, number = np.unique(places, axis=0, return_inverse=True)
    number = number.reshape(-1)
    objects, wanted = number[: len(rows)], number[len(rows) :]
    absent = ~np.isin(wanted, objects)
    if absent.any():
        pairs = np.unique(places[len(rows) :][absent], axis=0).tolist()
        raise MovieError(
            f"links join objects of the masks; found {len(pairs)} (frame, label) that "
            f"are not in them: {listing(pairs)}. Give the masks that were tracked."
        )
    links = rows_of(objects, wanted, "object", "the edge table").reshape(-1, 2)
    track, parent = cut_at_divisions(
        rows["frame"].to_numpy(),
        links,
        name=lambda row: rows.iloc[row].tolist(),
        what="(frame, label)",
        source="the edge table",
    )
    return rows.assign(track=track, parent_track=parent)


def integers(column: pd.Series) -> pd.Series:
    """Return whole numbers as int64, or name those that are none or too large."""
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    broken = ~((numbers.abs() <= LARGEST_WHOLE) & (numbers == np.floor(numbers)))
    if broken.any():
        raise MovieError(
            f"column {column.name!r} holds whole numbers up to 2^53; found "
            f"{int(broken.sum())} of {len(column)} that are none, e.g. "
            f"{listing(column[broken], 3)} in rows "
            f"{listing(np.flatnonzero(broken), 3)}. Round or drop them."
        )
    return numbers.astype(np.int64)


def _reject_unknown_parents(track: Iterable[int], parent: Iterable[int]) -> None:
    known = set(track)
    unknown = sorted({p for p in parent if p != NO_PARENT and p not in known})
    if unknown:
        raise LineageError(
            f"mothers are tracks of the same table; found {len(unknown)} that are not: "
            f"{listing(unknown)}. Add their rows, or set the parent to -1 for none (0 "
            "in man_track.txt)."
        )
