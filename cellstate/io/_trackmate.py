"""Spots, links and units of a TrackMate file, XML or CSV -> AnnData."""

from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._base.checks import positive
from cellstate._base.errors import MovieError, listing
from cellstate.io._files import existing
from cellstate.io._forest import cut_at_divisions, rows_of
from cellstate.io._lineage import integers
from cellstate.io._objects import flat_or_deep, named, tracked
from cellstate.io._tables import UNKNOWN
from cellstate.io._trackmate_csv import read_csv_model
from cellstate.io._trackmate_model import DIMENSIONS, TrackMateModel
from cellstate.io._trackmate_xml import read_xml_model

FAMILY = "trackmate"
POSITION = ("POSITION_X", "POSITION_Y", "POSITION_Z")
NEEDED = ("ID", "FRAME", "POSITION_X", "POSITION_Y")
NOT_FEATURES = (
    *("ID", "FRAME", "POSITION_T", "TRACK_ID", "VISIBILITY", "ROI_N_POINTS"),
    *("MANUAL_SPOT_COLOR", "MANUAL_COLOR", "LABEL", "Label", "name", *POSITION),
)


def read_trackmate(
    path: str | Path,
    *,
    edges: str | Path | None = None,
    name: str | None = None,
    frame_interval: float | None = None,
    pixel_size: float | None = None,
) -> AnnData:
    """Read the tracks of a TrackMate file.

    Parameters
    ----------
    path
        The ``.xml`` that TrackMate saves (not the one of "Export tracks to XML",
        which has no links), or its table of spots as ``.csv``.
    edges
        The table of edges that goes with a ``.csv`` of spots; needed where cells
        divide, because a TrackMate track is a whole tree.
    name
        Names the movie; the name of the file when left out.
    frame_interval
        Hours between frames; wins over the file, needed where its times are in
        frames.
    pixel_size
        Micrometres per pixel; wins over the calibration of an XML, needed where
        positions are in pixels.

    Returns
    -------
    AnnData
        One row per spot of a filtered track; `label` is the spot's ID. Trees are
        cut into tracks at divisions, with `parent_track`; a skipped frame leaves a
        gap in its track. Features in X with `family` "trackmate", lengths in um and
        times in h; ``uns["cellstate"]["movies"][name]["n_left_out"]`` counts spots
        in no filtered track.

    Raises
    ------
    FileNotFoundError
        Nothing is there; near names are offered.
    MovieError
        Cut short, no TrackMate file, without spots or tracks, or without units.
    LineageError
        Cells that merge or have more than two daughters, links to unknown spots.

    Notes
    -----
    For a movie with masks, give `read_movie` the table of `lineage_of`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "cells.csv"
    >>> table = {"ID": ["", 7, 8], "TRACK_ID": ["", 0, 0], "FRAME": ["", 0, 1],
    ...          "POSITION_X": ["(micron)", 1.5, 1.6], "POSITION_T": ["(min)", 0, 30],
    ...          "POSITION_Y": ["(micron)", 2.5, 2.5]}
    >>> pd.DataFrame(table).to_csv(path, index=False)
    >>> adata = read_trackmate(path)
    >>> adata.obs_names.tolist(), adata.obs["time"].tolist(), adata.obsm["spatial"][1]
    (['cells:0:7', 'cells:1:8'], [0.0, 0.5], array([1.6, 2.5]))
    """
    path = existing(path, "TrackMate file")
    for field, value, unit in (
        ("frame_interval", frame_interval, "h between frames"),
        ("pixel_size", pixel_size, "um per pixel"),
    ):
        if value is not None:
            positive(value, field, unit, f"cs.io.read_trackmate(..., {field}=...)")
    if path.suffix.lower() == ".xml":
        if edges is not None:
            raise MovieError(
                f"'{path}' holds its own links; found edges='{edges}' beside it. Leave "
                "`edges` out; it goes with a .csv of spots."
            )
        model = read_xml_model(path)
    else:
        model = read_csv_model(path, edges)
    return _as_adata(model, path, named(path, name), frame_interval, pixel_size)


def _as_adata(
    model: TrackMateModel,
    path: Path,
    name: str,
    frame_interval: float | None,
    pixel_size: float | None,
) -> AnnData:
    spots = _complete(model.spots, path)
    ids, frame = (integers(spots[c]).to_numpy() for c in ("ID", "FRAME"))
    if (frame < 0).any():
        raise MovieError(
            f"frames count from 0; found {int((frame < 0).sum())} of {frame.size} "
            f"spots below, down to {frame.min()}, in '{path}'. Save the file again."
        )
    links = rows_of(ids, model.links.ravel(), "spot", str(path)).reshape(-1, 2)
    kept = model.in_track.copy()
    kept[links] = True
    if not kept.any():
        raise MovieError(
            f"a track joins spots; found {ids.size} spots in '{path}' and none in a "
            "filtered track. Track them, or read spots alone with cs.io.read_table."
        )
    spots, ids, frame = spots[kept].reset_index(drop=True), ids[kept], frame[kept]
    track, parent = cut_at_divisions(
        frame,
        (np.cumsum(kept) - 1)[links],
        name=lambda row: int(ids[row]),
        what="spot",
        source=str(path),
    )
    length = model.length_scale(pixel_size, path)
    hour = model.time_scale(frame_interval, path)
    time, frame_interval = _times(spots, frame, model, frame_interval, hour)
    obs = pd.DataFrame(
        {
            keys.FRAME: frame,
            keys.TIME: time,
            keys.LABEL: ids,
            keys.TRACK: track,
            keys.PARENT_TRACK: parent,
        }
    )
    features, units, texts = _features(spots, model.dimensions, length, hour, path)
    stated = {"n_frames": model.n_frames, "n_left_out": int((~kept).sum())}
    if pixel_size is None and model.pixel_width is not None:
        pixel_size = model.pixel_width * length
    for key, value in (("pixel_size", pixel_size), ("frame_interval", frame_interval)):
        if value is not None:
            stated[key] = float(value)
    return tracked(
        pd.concat([obs, texts], axis=1),
        features,
        units,
        flat_or_deep(_numbers(spots, POSITION, path) * length),
        family=FAMILY,
        name=name,
        stated=stated,
    )


def _complete(spots: pd.DataFrame, path: Path) -> pd.DataFrame:
    missing = [c for c in NEEDED if c not in spots]
    if missing:
        raise MovieError(
            f"each spot of '{path}' has {list(NEEDED)}; found "
            f"{listing(spots.columns, 8)}, {missing} missing. Export the file again."
        )
    return spots if "POSITION_Z" in spots else spots.assign(POSITION_Z="0")


def _times(
    spots: pd.DataFrame,
    frame: np.ndarray,
    model: TrackMateModel,
    frame_interval: float | None,
    hour: float,
) -> tuple[np.ndarray, float | None]:
    """Return hours per row and per frame; what the caller gives wins."""
    if frame_interval is not None:
        return frame * frame_interval, frame_interval
    stated = None if model.time_interval is None else model.time_interval * hour
    if "POSITION_T" in spots:
        time = pd.to_numeric(spots["POSITION_T"], errors="coerce")
        return time.to_numpy(float) * hour, stated
    if stated is None:
        raise MovieError(
            "time in hours is needed; found neither POSITION_T nor a time interval. "
            "Use cs.io.read_trackmate(..., frame_interval=0.5)."
        )
    return frame * stated, stated


def _numbers(
    spots: pd.DataFrame, columns: tuple[str, ...] | list[str], path: Path
) -> np.ndarray:
    values = [pd.to_numeric(spots[c], errors="coerce").to_numpy(float) for c in columns]
    for column, found in zip(columns, values, strict=True):
        if not np.isnan(found).any():
            continue
        written = spots[column].fillna("NaN").astype(str).str.strip().str.lower()
        broken = np.isnan(found) & ~written.isin(("nan", "")).to_numpy()
        if broken.any():
            raise MovieError(
                f"{column} of a spot is a number; found {int(broken.sum())} of "
                f"{len(found)} in '{path}' that are none, e.g. "
                f"{listing(spots[column][broken], 3)}. Save the file again."
            )
    return np.column_stack(values) if values else np.empty((len(spots), 0))


def _features(
    spots: pd.DataFrame,
    dimensions: dict[str, str],
    length: float,
    hour: float,
    path: Path,
) -> tuple[pd.DataFrame, dict[str, str], pd.DataFrame]:
    """Return numbers in um and h, their units, and what is text."""
    columns = [c for c in spots if c not in NOT_FEATURES]
    # A column that the file declares is a number; any other is one if all of it is.
    text = [
        c
        for c in columns
        if dimensions.get(c) == "STRING" or (c not in dimensions and _is_text(c, spots))
    ]
    numeric = [c for c in columns if c not in text]
    values = _numbers(spots, numeric, path)
    units = {}
    for i, column in enumerate(numeric):
        named = dimensions.get(column, UNKNOWN)
        lengths, times, unit = DIMENSIONS.get(named, (0, 0, named))
        values[:, i] *= length**lengths * hour**times
        units[column] = unit
    return (
        pd.DataFrame(values, columns=pd.Index(numeric, dtype=object)),
        units,
        spots[text].fillna("").astype(str),
    )


def _is_text(column: str, spots: pd.DataFrame) -> bool:
    given = spots[column].dropna()
    return bool(pd.to_numeric(given, errors="coerce").isna().mean() > 0.5)
