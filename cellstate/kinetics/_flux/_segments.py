"""Reactive segments: every excursion, whole or cut, and the ways from A to B."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from cellstate._base.checks import fraction, integer
from cellstate._base.random import generator
from cellstate._base.results import Estimate, Result
from cellstate.kinetics._flux._excursions import Excursions, excursions
from cellstate.kinetics._flux._given import Given, given
from cellstate.kinetics._flux._path_time import path_time
from cellstate.kinetics._flux._ways import channel_fields, divide_paths
from cellstate.kinetics._passages import last_met
from cellstate.tracks import Tracks, lineage_groups

# Lineages are drawn in at most so many groups, put together at random.
MOST_GROUPS = 1000
UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False, kw_only=True)
class ReactiveSegments(Result):
    """Excursions outside A and B, and the channels of those from A to B.

    Attributes
    ----------
    table
        One row per excursion. `movie`, `lineage` (track of the founder), `track_start`,
        `frame_start`, `track_end`, `frame_end`: its last row in a set before and its
        first one after, or the first and last rows seen. `time_start`, `time_end`,
        `duration` (h): a set is left, and entered, half a frame after, and before,
        its row, so that an excursion of m rows between two sets takes m frames.
        `came_from`, `goes_to`: a set or "unknown". `left_censored`,
        `right_censored`: its beginning or end was not seen. `reactive`: seen to go
        from A to B. `share`: 1, halved at every division on the way, so that
        daughters share their mother's part. `weight`: share times the chance to come
        from A and go to B, which the committors give for ends not seen.
        `n_divisions`. `channel`: number of the way taken, -1 for none.
    transition_path_time
        Mean time from leaving A for good to entering B; excursions that were cut off
        count for as long as they were seen. Its upper end is infinite where too many
        of the longest were. Returns to A between two frames are not seen, so it is too
        long where frames are far apart: by 10 % in a double well with paths of 0.76 h
        and frames of 0.02 h, by 22 % with paths of 1.02 h and frames of 0.05 h.
    unresolved
        Share of paths bound for B, or not known to return, that were still on their
        way at the longest time followed; the mean is over the others.
    n_channels
        1 where nothing speaks for more.
    channel_share, channel_low, channel_high
        Share of the paths from A to B in each channel, shape (c,), and its interval
        by lineages drawn with replacement.
    levels
        Committors at which paths are compared, shape (L,).
    channel_path
        Mean place in each channel where they are passed last, shape (c, L, d).
    silhouette, channel_p
        Mean silhouette of the channels; chance of ones as distinct where there is a
        single one, NaN where it was not tested.
    level
        Coverage of the intervals.
    source, target
        Names of A and B.
    """

    kind: ClassVar[str] = "reactive_segments"
    table: pd.DataFrame
    transition_path_time: Estimate
    unresolved: float
    n_channels: int
    channel_share: np.ndarray
    channel_low: np.ndarray
    channel_high: np.ndarray
    levels: np.ndarray
    channel_path: np.ndarray
    silhouette: float
    channel_p: float
    level: float
    source: str
    target: str


def reactive_segments(
    x: np.ndarray,
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    *,
    frame_interval: float,
    names: tuple[str, str] = ("A", "B"),
    along: np.ndarray | None = None,
    n_channels: int | None = None,
    n_bootstrap: int = 200,
    level: float = 0.95,
    rng: int | np.random.Generator | None = None,
) -> ReactiveSegments:
    """List every excursion outside A and B, and the channels from A to B.

    Parameters
    ----------
    x
        States, shape (n, d); rows may be NaN.
    tracks
        Tracks with the same n rows. Excursions follow each daughter at a division.
    source, target
        Boolean masks (n,) of A and B.
    forward, backward
        Committors of the rows, shape (n,): what is not seen of cut ends.
    frame_interval
        Hours between frames.
    names
        Of A and B.
    along
        Committor by which paths are compared, shape (n,): one function of the state
        for all rows, where `forward` was fitted in folds. `forward` when None.
    n_channels
        Number of channels; chosen when None, and 1 with fewer than 20 paths.
    n_bootstrap, level, rng
        Lineages drawn with replacement, and coverage of the intervals.

    Raises
    ------
    ValueError
        No excursion was seen, or more channels are wanted than there are paths.
    """
    rng = generator(rng)
    drawing = {
        "n_bootstrap": integer(n_bootstrap, "n_bootstrap", 1),
        "level": fraction(level, "level"),
        "rng": rng,
    }
    cells = given(x, tracks, source, target, forward, backward, frame_interval)
    found = _seen(cells)
    table = _table(found, cells, names)
    group = lineage_groups(tracks, MOST_GROUPS, rng)
    time, unresolved = path_time(found, cells, group, **drawing)
    along = cells.forward if along is None else np.asarray(along, dtype=float)
    ways, which = divide_paths(found, cells, along, n_channels, rng)
    table.loc[which, "channel"] = ways.channel
    weight = table["share"].to_numpy()[which]
    order = ["movie", "track_end", "frame_end"]
    return ReactiveSegments(
        table=table.sort_values(order, kind="stable", ignore_index=True),
        transition_path_time=time,
        unresolved=unresolved,
        level=drawing["level"],
        source=names[0],
        target=names[1],
        **channel_fields(ways, weight, group[found.last[which]], **drawing),
    )


def _seen(cells: Given) -> Excursions:
    found = excursions(cells.tracks, cells.source, cells.target)
    if not found.last.size:
        inside = int((cells.source | cells.target).sum())
        raise ValueError(
            f"no excursion outside A and B in {cells.tracks.n_tracks} tracks of "
            f"{cells.tracks.n_rows} rows, {inside} of them in A or B. "
            "Define smaller sets, or take frames more often."
        )
    return found


def _chance(found: Excursions, cells: Given) -> np.ndarray:
    """Chance that each excursion came from A and goes to B, (s,)."""
    sets = (cells.tracks, cells.source, cells.target)
    from_a = last_met(*sets, cells.backward, reverse=True)
    to_b = last_met(*sets, cells.forward, reverse=False)
    return from_a[found.first] * to_b[found.last]


def _table(found: Excursions, cells: Given, names: tuple[str, str]) -> pd.DataFrame:
    first, last, tracks = found.first, found.last, cells.tracks
    half = cells.interval / 2
    start = tracks.time[first] + np.where(found.cut_before, 0.0, half)
    end = tracks.time[last] - np.where(found.cut_after, 0.0, half)
    share = 0.5**found.n_divisions
    named = np.array([*names, UNKNOWN])
    met = np.where(cells.source, 0, np.where(cells.target, 1, 2))
    came, goes = met[first], met[last]
    return pd.DataFrame(
        {
            "movie": tracks.movie[last],
            "lineage": tracks.track_id[tracks.row_lineage[last]],
            "track_start": tracks.track[first],
            "frame_start": tracks.frame[first],
            "track_end": tracks.track[last],
            "frame_end": tracks.frame[last],
            "time_start": start,
            "time_end": end,
            "duration": end - start,
            "came_from": named[came],
            "goes_to": named[goes],
            "left_censored": found.cut_before,
            "right_censored": found.cut_after,
            "reactive": (came == 0) & (goes == 1),
            "share": share,
            "weight": share * _chance(found, cells),
            "n_divisions": found.n_divisions,
            "channel": np.full(last.size, -1),
        }
    )
