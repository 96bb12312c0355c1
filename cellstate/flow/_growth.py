"""Growth rate from the divisions and deaths along tracks."""

import numpy as np

from cellstate.flow._state_function import Seen, StateFunction, fit_function
from cellstate.tracks import Tracks


def growth_from_events(
    x: np.ndarray,
    tracks: Tracks,
    dies: np.ndarray | None,
    interval: float,
) -> StateFunction:
    """Fit divisions less deaths per cell and hour to the state, by least squares.

    The fitted growth, summed over the cell-intervals that were seen, is exactly the
    number of divisions less that of deaths.

    Parameters
    ----------
    x
        States, shape (n, d); rows may be NaN.
    tracks
        Tracks with the same n rows.
    dies
        Last rows of cells that die, boolean (n,); None for none.
    interval
        Hours between frames.

    Raises
    ------
    ValueError
        Neither a division nor a death was seen.
    """
    rows, event = watched(x, tracks, dies)
    if not event.any():
        raise ValueError(
            "growth needs divisions or deaths; found none in "
            f"{tracks.n_tracks} tracks of {rows.size * interval:.4g} cell-hours. "
            "Link daughters to mothers in obs['parent_track'], mark dying cells with "
            "dies=, or leave growth=None."
        )
    _, group = np.unique(tracks.row_lineage[rows], return_inverse=True)
    return fit_function(
        Seen(
            values=event[:, None] / interval,
            x=x[rows],
            weight=np.full(rows.size, interval),
            first=rows,
            second=np.where(tracks.next_row[rows] >= 0, tracks.next_row[rows], rows),
            group=group,
        )
    )


def watched(
    x: np.ndarray, tracks: Tracks, dies: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows that were watched for one interval, and what came of them: 1, -1 or 0.

    A cell counts that is followed to the next frame, or divides (1) or dies (-1)
    before it.
    """
    event = np.zeros(tracks.n_rows)
    event[tracks.last_row[tracks.divides]] = 1.0
    if dies is not None:
        event[dies] = -1.0
    seen = (tracks.next_row >= 0) | (event != 0)
    rows = np.flatnonzero(seen & np.isfinite(x).all(axis=1))
    return rows, event[rows]


def given_growth(x: np.ndarray, rate: np.ndarray) -> StateFunction:
    """Smooth growth rates (n,) that were given per cell, in 1/h."""
    known = np.isfinite(rate) & np.isfinite(x).all(axis=1)
    rows = np.flatnonzero(known)
    return fit_function(
        Seen(
            values=rate[rows, None],
            x=x[rows],
            weight=np.ones(rows.size),
            first=rows,
            second=rows,
            group=rows,
        )
    )
