"""Put observed rows and their truth into an AnnData."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._adata._truth import EVENT_COLUMNS, Truth
from cellstate.datasets._cells._rows import Rows
from cellstate.datasets._cells._truth import TrueCells

FAMILY, UNIT = "state", "1"


def movie_names(n: int) -> list[str]:
    """Return "movie", or "movie_1" ... "movie_n" with as many digits as needed."""
    digits = len(str(n))
    return ["movie"] if n == 1 else [f"movie_{i:0{digits}d}" for i in range(1, n + 1)]


def events_table(true: TrueCells, movie: np.ndarray) -> pd.DataFrame:
    """Events with the movie of each true track; `movie` per row of the population."""
    table = true.events.copy()
    first = np.flatnonzero(np.diff(true.rows[keys.TRUTH_TRACK].to_numpy(), prepend=0))
    table.insert(0, "movie", movie[first])
    return table[[c for c in EVENT_COLUMNS if c in table]]


def track_table(
    rows: Rows,
    *,
    axes: Sequence[str],
    movie_names: Sequence[str],
    frame_interval: float,
    n_frames: int,
    condition: np.ndarray | None = None,
) -> AnnData:
    """Make an AnnData of observed rows, in their order.

    Parameters
    ----------
    rows
        n observed rows.
    axes
        Names of the d values.
    movie_names
        By number of the movie.
    frame_interval
        Hours between frames.
    n_frames
        Frames of every movie.
    condition
        Per row, or None.

    Raises
    ------
    ValueError
        No row is left.
    """
    if not rows.track.size:
        raise ValueError(
            "no cell is left to observe in any frame; found 0 rows. Lower `miss_rate`, "
            "`lost_rate` or `late_entry`, or use more cells."
        )
    movie = np.array(list(movie_names), dtype=object)[rows.movie]
    names = pd.Series(movie) + ":" + pd.Series(rows.frame.astype(str)) + ":"
    obs = pd.DataFrame(
        {
            keys.MOVIE: pd.Categorical(movie),
            keys.FRAME: rows.frame,
            keys.TIME: rows.frame * frame_interval,
            keys.LABEL: rows.track,
            keys.TRACK: rows.track,
            keys.PARENT_TRACK: rows.parent_track,
        },
        index=pd.Index((names + pd.Series(rows.track.astype(str))).to_numpy(object)),
    )
    if condition is not None:
        obs[keys.CONDITION] = pd.Categorical(condition)
    table = pd.DataFrame(
        {
            keys.FAMILY: np.full(len(axes), FAMILY, dtype=object),
            keys.UNIT: np.full(len(axes), UNIT, dtype=object),
        },
        index=pd.Index(list(axes), dtype=object),
    )
    adata = AnnData(np.array(rows.values, dtype=float), obs=obs, var=table)
    adata.obsm[keys.STATE_SPACE] = np.array(rows.values, dtype=float)
    about = {"frame_interval": float(frame_interval), "n_frames": int(n_frames)}
    seen = sorted(set(movie))
    store.root(adata)[keys.MOVIES] = {name: dict(about) for name in seen}
    return adata


def attach_truth(
    adata: AnnData, true: TrueCells, cell: np.ndarray, truth: Truth
) -> None:
    """Write the truth of each row into an AnnData, in place.

    Parameters
    ----------
    adata
        n cells.
    true
        Truth of the population.
    cell
        Which row of the population each cell is, shape (n,); -1 for none: its truth
        is NaN, -1 or missing.
    truth
        Goes to ``uns["cellstate"]["truth"]``.
    """
    cell = np.asarray(cell)
    known = cell >= 0
    for name, column in true.rows.items():
        values = column.iloc[cell]
        if not known.all():
            blank = -1 if column.dtype.kind in "iu" else None
            values = values.astype(column.dtype).mask(~known, blank)
        adata.obs[name] = values.array
    for name, values in (
        (keys.TRUTH_STATE, true.state),
        (keys.TRUTH_DRIFT, true.drift),
    ):
        adata.obsm[name] = np.where(known[:, None], values[cell], np.nan)
    put_truth(adata, truth)


def put_truth(adata: AnnData, truth: Truth) -> None:
    """Write the truth of the law; it holds for any subset of the cells."""
    stored: dict[str, Any] = {**store.root(adata), keys.TRUTH: truth.to_dict()}
    adata.uns[keys.ROOT] = stored
