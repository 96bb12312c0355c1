"""TrackMate's tables of spots and edges: one row of names, up to three below it."""

from pathlib import Path

import numpy as np
import pandas as pd

from cellstate._base.errors import LineageError, MovieError, listing
from cellstate.io._files import existing
from cellstate.io._forest import chains
from cellstate.io._lineage import integers
from cellstate.io._trackmate_model import TrackMateModel

SPOTS = ("ID", "TRACK_ID", "FRAME", "POSITION_X", "POSITION_Y")
EDGES = ("SPOT_SOURCE_ID", "SPOT_TARGET_ID")
# Long names, short names, units.
MOST_HEADER_ROWS = 3


def read_csv_model(path: Path, edges: str | Path | None) -> TrackMateModel:
    """Read spots and, where cells divide, the edges between them.

    Raises
    ------
    MovieError
        No table of TrackMate, or without spots.
    LineageError
        Two spots of a track in one frame and no table of edges.
    """
    spots, units = _read(path, SPOTS)
    in_track = spots["TRACK_ID"].notna().to_numpy()
    if edges is not None:
        links, _ = _read(existing(edges, "table of edges"), EDGES)
        pairs = np.column_stack([integers(links[c]).to_numpy() for c in EDGES])
    else:
        pairs = _chained(spots[in_track], path)
    length_unit, time_unit = units.get("POSITION_X", ""), units.get("POSITION_T", "")
    return TrackMateModel(
        spots=spots,
        links=pairs,
        in_track=in_track,
        dimensions={c: _dimension(u, length_unit, time_unit) for c, u in units.items()},
        length_unit=length_unit,
        time_unit=time_unit,
        pixel_width=None,
        time_interval=_interval(spots),
    )


def _read(path: Path, needed: tuple[str, ...]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the rows below the header, as text, and the unit of each column."""
    try:
        table = pd.read_csv(path, dtype=str)
    except (ValueError, EOFError, OSError, OverflowError) as error:
        raise MovieError(
            f"'{path}' ({path.stat().st_size} bytes) is no table with a header and "
            f"columns separated by ',': {error}. Export it again from TrackMate."
        ) from error
    missing = [c for c in needed if c not in table]
    if missing:
        raise MovieError(
            f"TrackMate's table has the columns {list(needed)}; found "
            f"{listing(table.columns, 8)} in '{path}', {missing} missing. Give the "
            "table of spots, and that of edges as `edges`."
        )
    number = pd.to_numeric(table[needed[0]], errors="coerce").notna()
    rows = int(number.to_numpy().argmax()) if number.any() else len(table)
    if rows > MOST_HEADER_ROWS:
        raise MovieError(
            f"at most {MOST_HEADER_ROWS} rows of titles and units stand below the "
            f"names; found {rows} rows of {len(table)} without a number under "
            f"{needed[0]!r} in '{path}'. Export it again from TrackMate."
        )
    if rows == len(table):
        raise MovieError(f"a table has rows below its header; found none in '{path}'.")
    last = table.iloc[rows - 1] if rows else pd.Series(dtype=object)
    units = {
        str(c): u[1:-1]
        for c, u in last.dropna().items()
        if u.startswith("(") and u.endswith(")")
    }
    table.columns = table.columns.astype(str)
    return table.iloc[rows:].reset_index(drop=True), units


def _chained(spots: pd.DataFrame, path: Path) -> np.ndarray:
    """Link the spots of each track frame by frame; refuse trees."""
    ids, track, frame = (
        integers(spots[c]).to_numpy() for c in ("ID", "TRACK_ID", "FRAME")
    )
    twice = pd.DataFrame({"track": track, "frame": frame}).duplicated().to_numpy()
    if twice.any():
        raise LineageError(
            f"without edges a track has one spot per frame; found {int(twice.sum())} "
            f"more, in tracks {listing(np.unique(track[twice]))} of '{path}': they "
            "divide or merge. Use cs.io.read_trackmate(..., edges='edges.csv')."
        )
    return ids[chains(track, frame)]


def _dimension(unit: str, length: str, time: str) -> str:
    """Name the dimension of a unit that is made of the file's units."""
    made_of = {
        f"/{time}": "RATE",
        f"1/{time}": "RATE",
        f"{length}/{time}": "VELOCITY",
        f"{length}^2": "AREA",
        f"{length}^3": "VOLUME",
        f"rad/{time}": "ANGLE_RATE",
        "rad": "ANGLE",
        "radians": "ANGLE",
        time: "TIME",
        length: "LENGTH",
    }
    return made_of.get(unit, unit)


def _interval(spots: pd.DataFrame) -> float | None:
    """Return POSITION_T per FRAME, if it is one number."""
    if "POSITION_T" not in spots:
        return None
    time, frame = (
        pd.to_numeric(spots[c], errors="coerce").to_numpy(float)
        for c in ("POSITION_T", "FRAME")
    )
    later = (frame > 0) & (time > 0) & np.isfinite(time) & np.isfinite(frame)
    if not later.any():
        return None
    steps = time[later] / frame[later]
    same = np.allclose(steps, steps[0], rtol=1e-3)
    return float(np.median(steps)) if same else None
