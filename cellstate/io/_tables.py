"""Object tables with named columns -> AnnData."""

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy.sparse import coo_matrix, csr_matrix

from cellstate._adata import _keys as keys
from cellstate._adata import _store
from cellstate._adata._schema import validate
from cellstate._base.checks import positive
from cellstate._base.errors import LineageError, SchemaError, listing
from cellstate.io._files import existing
from cellstate.io._lineage import NO_PARENT, integers
from cellstate.tracks import Tracks

X, Y = "x", "y"
NAMES = (
    keys.FRAME,
    keys.TRACK,
    keys.LABEL,
    keys.PARENT_TRACK,
    keys.MOVIE,
    X,
    Y,
    keys.TIME,
    keys.CONDITION,
)
HOURS = {"h": 1.0, "min": 1 / 60, "s": 1 / 3600}
MICROMETRES = {"um": 1.0, "nm": 1e-3, "mm": 1e3}
PIXELS = "px"
FAMILY = "table"
UNKNOWN = "unknown"


def read_table(
    path_or_frame: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str],
    units: Mapping[str, str] | None = None,
    frame_interval: float | None = None,
    pixel_size: float | None = None,
    name: str = "table",
) -> AnnData:
    """Read a table of objects, one row = one cell in one frame.

    Parameters
    ----------
    path_or_frame
        A CSV (or TSV; ``.gz`` too) or a DataFrame.
    columns
        Names of the schema -> names of the file's columns: `frame`, `time`,
        `track`, `label`, `parent_track`, `movie`, `x`, `y`, `condition`. Needed is
        `frame`, or `time` with `frame_interval`. Other numeric columns become
        features; other texts are kept in obs. Unnamed columns (the index of a
        saved table) are left out.
    units
        Units by name. ``units["time"]`` is "h", "min" or "s" and is needed with a
        time column; ``units["x"]`` is "px" or "um" (also nm, mm) and holds for y;
        for a feature any text, "unknown" when left out.
    frame_interval
        Hours between frames; time = frame x `frame_interval` without a time column.
    pixel_size
        Micrometres per pixel; positions in px are multiplied by it. Positions
        without a stated unit are in px.
    name
        Name of the movie when there is no movie column.

    Returns
    -------
    AnnData
        Features in X with `family` "table" and `unit`; obs_names
        ``movie:frame:label``; ``obsm["spatial"]`` (x, y) in um;
        ``obsp["lineage"]``. Without a track column each row is its own track;
        without labels the label is the track.

    Raises
    ------
    SchemaError
        Columns that are not there, numbers or units missing, repeated objects.
    LineageError
        A mother that is not in the table, a cycle, more than two daughters. A
        mother that is NaN, negative, or 0 where no track is 0, means none.

    Examples
    --------
    >>> table = pd.DataFrame({"t": [0, 1, 1], "id": [1, 1, 2], "col": [4., 6., 9.],
    ...                       "row": [2., 2., 8.], "area": [50., 52., 47.]})
    >>> adata = read_table(
    ...     table, columns={"frame": "t", "track": "id", "x": "col", "y": "row"},
    ...     units={"area": "px^2"}, frame_interval=0.5, pixel_size=0.65, name="well_A1",
    ... )
    >>> adata.obs_names[1], float(adata.obs["time"].iloc[1]), adata.obsm["spatial"][1]
    ('well_A1:1:1', 0.5, array([3.9, 1.3]))
    """
    units = dict(units or {})
    table = _loaded(path_or_frame)
    _check_columns(table, columns, units)
    rows = {known: table[column] for known, column in columns.items()}
    for field, value, unit in (
        ("frame_interval", frame_interval, "h between frames"),
        ("pixel_size", pixel_size, "um per pixel"),
    ):
        if value is not None:
            positive(value, field, unit, f"cs.io.read_table(..., {field}=...)")
    obs = _identity(rows, units, frame_interval, name)
    rest = table.drop(columns=list(set(columns.values())))
    rest = rest[[c for c in rest if not str(c).startswith("Unnamed: ")]]
    numeric = [c for c in rest if pd.api.types.is_numeric_dtype(rest[c])]
    for column in rest.columns.difference(numeric, sort=False):
        obs[free_name(str(column), obs)] = rest[column].astype(str).to_numpy()

    adata = AnnData(
        rest[numeric].to_numpy(dtype=np.float64),
        obs=obs,
        var=pd.DataFrame(
            {
                keys.FAMILY: np.full(len(numeric), FAMILY, dtype=object),
                keys.UNIT: [units.get(c, UNKNOWN) for c in numeric],
            },
            index=pd.Index([str(c) for c in numeric], dtype=object),
        ),
    )
    if X in rows:
        adata.obsm[keys.SPATIAL] = _positions(rows, units, pixel_size)
    adata.obsp[keys.LINEAGE] = _lineage(obs)
    _store.root(adata)[keys.MOVIES] = {
        movie: _stated(part, frame_interval, pixel_size)
        for movie, part in obs.groupby(keys.MOVIE, observed=True)
    }
    validate(adata)
    return adata


def _loaded(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        table = source.reset_index(drop=True)
    else:
        table = csv_of(existing(source, "table"))
    if table.empty:
        raise SchemaError(
            [
                f"a table has at least one row; found {len(table)} rows of columns "
                f"{listing(table.columns)}. Give the table of the objects."
            ]
        )
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()]
        raise SchemaError(
            [
                f"columns have distinct names; found {listing(twice)} repeated. Rename "
                "them."
            ]
        )
    return table


def csv_of(path: Path) -> pd.DataFrame:
    """Read a CSV or TSV, compressed or not, or say that it is none."""
    separator = "\t" if ".tsv" in path.suffixes else ","
    try:
        return pd.read_csv(path, sep=separator, low_memory=False)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise SchemaError(
            [
                f"'{path}' ({path.stat().st_size} bytes) is no table with a header "
                f"and columns separated by {separator!r}: {error}. Export it as "
                "CSV, or read it yourself and pass the DataFrame."
            ]
        ) from error


def _check_columns(
    table: pd.DataFrame, columns: Mapping[str, str], units: Mapping[str, str]
) -> None:
    violations = []
    strange = [known for known in columns if known not in NAMES]
    if strange:
        violations.append(
            f"`columns` maps names among {list(NAMES)} to the table's; found "
            f"{strange}. Other numeric columns become features by themselves."
        )
    absent = {k: v for k, v in columns.items() if v not in table}
    if absent:
        violations.append(
            f"`columns` names columns of the table; {absent} are not there, found "
            f"{listing(table.columns, 12)}. Use columns={{'frame': 't', ...}} with "
            "these names."
        )
    if keys.FRAME not in columns and keys.TIME not in columns:
        violations.append(
            f"a cell needs a frame or a time; `columns` maps {list(columns)}. Add "
            "columns={'frame': ...}, or {'time': ...} with frame_interval."
        )
    if (X in columns) != (Y in columns):
        violations.append(
            f"positions need both 'x' and 'y'; `columns` maps {list(columns)}."
        )
    used = set(columns.values())
    known = {*columns, *(str(c) for c in table if c not in used)}
    unused = [u for u in units if u not in known]
    if unused:
        violations.append(
            f"`units` names features or {list(columns)}; found {unused}, which are "
            "neither. Use the table's own names for features."
        )
    if violations:
        raise SchemaError(violations)


def _identity(
    rows: Mapping[str, pd.Series],
    units: Mapping[str, str],
    frame_interval: float | None,
    name: str,
) -> pd.DataFrame:
    n = len(next(iter(rows.values())))
    time = _hours(rows[keys.TIME], units) if keys.TIME in rows else None
    if time is None and frame_interval is None:
        raise SchemaError(
            [
                "time in hours is needed; found neither a time column nor a frame "
                "interval. Use cs.io.read_table(..., frame_interval=0.5), or "
                "columns={'time': ...} with units={'time': 'h'}."
            ]
        )
    if keys.FRAME in rows:
        frame = _whole(rows[keys.FRAME])
    else:
        frame = _frames_of(time, frame_interval)
    if (frame < 0).any():
        raise SchemaError(
            [
                f"frames count from 0; found {int((frame < 0).sum())} negative, down "
                f"to {frame.min()}. Subtract the first frame."
            ]
        )
    movie = pd.Series(np.full(n, name, dtype=object))
    if keys.MOVIE in rows:
        movie = rows[keys.MOVIE].astype(str).reset_index(drop=True)
    movie = movie.str.replace(r"[:/\\]", "_", regex=True)
    tracked = keys.TRACK in rows
    track = _whole(rows[keys.TRACK]) if tracked else np.arange(n)
    label = _whole(rows[keys.LABEL]) if keys.LABEL in rows else track
    obs = pd.DataFrame(
        {
            keys.MOVIE: movie.to_numpy(dtype=object),
            keys.FRAME: frame,
            keys.TIME: frame * frame_interval if time is None else time,
            keys.LABEL: label,
            keys.TRACK: track,
        }
    )
    obs[keys.PARENT_TRACK] = _parents(rows.get(keys.PARENT_TRACK), obs)
    if keys.CONDITION in rows:
        obs[keys.CONDITION] = rows[keys.CONDITION].astype(str).to_numpy()
    twice = obs.duplicated([keys.MOVIE, keys.FRAME, keys.LABEL])
    if twice.any():
        pairs = obs.loc[twice, [keys.MOVIE, keys.FRAME, keys.LABEL]]
        raise SchemaError(
            [
                f"an object is one (movie, frame, label); found {int(twice.sum())} "
                f"repeated of {n} rows: {listing(pairs.to_numpy().tolist(), 3)}. Name "
                "the columns that tell them apart: columns={'label': ..., 'movie': "
                "...}, or drop the repeats."
            ]
        )
    obs.index = pd.Index(
        [f"{m}:{f}:{i}" for m, f, i in zip(obs[keys.MOVIE], frame, label, strict=True)],
        dtype=object,
    )
    obs[keys.MOVIE] = obs[keys.MOVIE].astype("category")
    return obs


def _hours(column: pd.Series, units: Mapping[str, str]) -> np.ndarray:
    unit = units.get(keys.TIME)
    if unit not in HOURS:
        raise SchemaError(
            [
                f"a time column needs a unit among {list(HOURS)}; found {unit!r}. Use "
                "cs.io.read_table(..., units={'time': 'min'})."
            ]
        )
    time = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    broken = ~np.isfinite(time)
    if broken.any():
        raise SchemaError(
            [
                f"times are numbers; found {int(broken.sum())} of {time.size} that are "
                f"none, e.g. in rows {listing(np.flatnonzero(broken), 3)}. Drop them."
            ]
        )
    return time * HOURS[unit]


def _frames_of(time: np.ndarray, frame_interval: float | None) -> np.ndarray:
    if frame_interval is None:
        raise SchemaError(
            [
                "without a frame column frames are time / frame_interval, and "
                "`frame_interval` (h) is missing. Use cs.io.read_table(..., "
                "frame_interval=0.5)."
            ]
        )
    frame = np.rint(time / frame_interval)
    off = np.abs(time / frame_interval - frame)
    if off.max() > 0.1:
        raise SchemaError(
            [
                f"times are multiples of frame_interval={frame_interval:g} h; found "
                f"{int((off > 0.1).sum())} of {time.size} that are not, e.g. "
                f"{time[off.argmax()]:g} h. Give the right interval or a frame column."
            ]
        )
    return frame.astype(np.int64)


def _whole(column: pd.Series) -> np.ndarray:
    try:
        return np.array(integers(column))
    except ValueError as error:
        raise SchemaError([str(error)]) from error


def _parents(column: pd.Series | None, obs: pd.DataFrame) -> np.ndarray:
    """Mothers by track; NaN, negative, or a 0 that is no track mean none."""
    if column is None:
        return np.full(len(obs), NO_PARENT, dtype=np.int64)
    parent = _whole(column.fillna(NO_PARENT))
    parent[parent < 0] = NO_PARENT
    if not (obs[keys.TRACK] == 0).any():
        parent[parent == 0] = NO_PARENT
    known = set(zip(obs[keys.MOVIE], obs[keys.TRACK], strict=True))
    unknown = [
        (movie, p)
        for movie, p in sorted(set(zip(obs[keys.MOVIE], parent.tolist(), strict=True)))
        if p != NO_PARENT and (movie, p) not in known
    ]
    if unknown:
        raise LineageError(
            f"mothers are tracks of the same movie in the table; found {len(unknown)} "
            f"that are not, (movie, parent_track) = {listing(unknown, 3)}. Add their "
            "rows, or set parent_track to -1."
        )
    return parent


def _positions(
    rows: Mapping[str, pd.Series], units: Mapping[str, str], pixel_size: float | None
) -> np.ndarray:
    stated = {units.get(axis, PIXELS) for axis in (X, Y) if axis in units} or {PIXELS}
    unit = next(iter(stated))
    if len(stated) > 1 or unit not in (PIXELS, *MICROMETRES):
        raise SchemaError(
            [
                f"positions have one unit among {[PIXELS, *MICROMETRES]}; found "
                f"{sorted(stated)}. Use units={{'x': 'um'}}."
            ]
        )
    if unit == PIXELS and pixel_size is None:
        raise SchemaError(
            [
                "positions are stored in um; found positions in px (the default) and "
                "no `pixel_size`. Use cs.io.read_table(..., pixel_size=0.645), or "
                "units={'x': 'um'} if they are in um already."
            ]
        )
    scale = pixel_size if unit == PIXELS else MICROMETRES[unit]
    xy = [pd.to_numeric(rows[axis], errors="coerce") for axis in (X, Y)]
    return np.column_stack(xy).astype(float) * scale


def _lineage(obs: pd.DataFrame) -> csr_matrix:
    """Join rows over time, parent row -> child row; also proves the forest."""
    tracks = Tracks.from_arrays(
        track=obs[keys.TRACK],
        frame=obs[keys.FRAME],
        time=obs[keys.TIME],
        parent_track=obs[keys.PARENT_TRACK],
        movie=obs[keys.MOVIE].cat.codes,
    )
    before = np.maximum(tracks.previous_row, tracks.mother_row())
    child = np.flatnonzero(before >= 0)
    ones = np.ones(child.size)
    return coo_matrix((ones, (before[child], child)), shape=(len(obs),) * 2).tocsr()


def _stated(
    part: pd.DataFrame, frame_interval: float | None, pixel_size: float | None
) -> dict[str, float | int]:
    """Units of one movie; what is not known is left out."""
    stated: dict[str, float | int] = {"n_frames": int(part[keys.FRAME].max()) + 1}
    if pixel_size is not None:
        stated["pixel_size"] = float(pixel_size)
    times = part.groupby(keys.FRAME)[keys.TIME].mean()
    if frame_interval is not None:
        stated["frame_interval"] = float(frame_interval)
    elif len(times) > 1:
        steps = np.diff(times.to_numpy()) / np.diff(times.index.to_numpy())
        stated["frame_interval"] = float(np.median(steps))
    return stated


def free_name(column: str, obs: pd.DataFrame) -> str:
    """Return a name that h5ad takes and no column has."""
    name = column.replace("/", "_")
    while name in obs:
        name += "_"
    return name
