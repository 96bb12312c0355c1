"""Every track over time, by lineage, with the events on them."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._base.checks import integer
from cellstate.pl import _style as style
from cellstate.tracks import Tracks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 0.6  # empty rows between two lineages


def event_raster(
    adata: AnnData,
    *,
    key: str = keys.EVENTS,
    max_lineages: int = 40,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw one line per track over time, daughters joined to their mother.

    Lineages with events come first, the earliest event on top. Colour is the
    status of the track; a marker with its interval is the time of commitment; a
    cross ends a track that was lost before the movie ended.

    Parameters
    ----------
    adata
        With the event table of `cs.tl.differentiation_events`.
    key
        Name of the event table.
    max_lineages
        Draw that many; the rest is counted in the title.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in. The first collection has one segment per track drawn.

    Raises
    ------
    KeyError
        There is no event table; the message names the call.
    """
    table = get.events(adata, key).table
    linked = extract.tracks(adata)
    wanted = integer(max_lineages, "max_lineages", 1)
    founders = _founders(linked, table)
    heights = _heights(linked, founders[:wanted])
    drawn = np.array(sorted(heights, key=heights.__getitem__))
    rows = heights[drawn[-1]] + 1
    ax = style.axes(ax, (5.4, float(np.clip(0.9 + 0.055 * rows, 2.2, 8.5))))
    _draw_tracks(ax, linked, table, drawn, heights)
    _draw_births(ax, linked, table, drawn, heights)
    _draw_endings(ax, linked, table, drawn, heights)
    _draw_events(ax, linked, table, drawn, heights)
    _finish(ax, adata, linked, table, drawn, heights, founders, wanted)
    return ax


def _founders(linked: Tracks, table: pd.DataFrame) -> list[int]:
    """Founders of the lineages, those with events first, by their earliest event."""
    found = np.unique(linked.lineage)
    time = pd.Series(table["time"].to_numpy()).groupby(linked.lineage).min()
    begin = linked.time[linked.first_row]
    order = np.lexsort(
        (found, begin[found], time.reindex(found).fillna(np.inf).to_numpy())
    )
    return [int(i) for i in found[order]]


def _heights(linked: Tracks, founders: list[int]) -> dict[int, float]:
    """Row of each track: a mother between her daughters."""
    children: dict[int, list[int]] = {}
    for track in np.flatnonzero(linked.parent >= 0):
        children.setdefault(int(linked.parent[track]), []).append(int(track))
    heights: dict[int, float] = {}
    row = 0.0
    for founder in founders:
        stack = [(founder, False)]
        while stack:
            track, ready = stack.pop()
            below = children.get(track, [])
            if ready:
                heights[track] = float(np.mean([heights[c] for c in below]))
            elif not below:
                heights[track] = row
                row += 1
            else:
                # A mother with one daughter takes the row beside her.
                stack += [(track, True)] + [(c, False) for c in reversed(below)]
        row += GAP
    return heights


def _draw_tracks(
    ax: "Axes",
    linked: Tracks,
    table: pd.DataFrame,
    drawn: np.ndarray,
    heights: dict[int, float],
) -> None:
    from matplotlib.collections import LineCollection

    begin, end = linked.time[linked.first_row], linked.time[linked.last_row]
    status = table["status"].astype(str).to_numpy()
    ax.add_collection(
        LineCollection(
            [[(begin[t], heights[t]), (end[t], heights[t])] for t in drawn],
            colors=[style.STATUS[status[t]] for t in drawn],
            linewidths=2.0,
            capstyle="round",
        )
    )


def _draw_births(
    ax: "Axes",
    linked: Tracks,
    table: pd.DataFrame,
    drawn: np.ndarray,
    heights: dict[int, float],
) -> None:
    """Join daughters to their mother; a track of one frame is a dot."""
    from matplotlib.collections import LineCollection

    begin, end = linked.time[linked.first_row], linked.time[linked.last_row]
    status = table["status"].astype(str).to_numpy()
    single = [t for t in drawn if begin[t] == end[t]]
    ax.scatter(
        begin[single],
        [heights[t] for t in single],
        s=5,
        c=[style.STATUS[status[t]] for t in single],
        linewidths=0,
        zorder=2.5,
        clip_on=False,
    )
    born = [t for t in drawn if linked.parent[t] >= 0]
    mothers = [int(linked.parent[t]) for t in born]
    ax.add_collection(
        LineCollection(
            [
                [(end[m], heights[m]), (begin[t], heights[t])]
                for t, m in zip(born, mothers, strict=True)
            ],
            colors=style.BLACK,
            linewidths=0.6,
            zorder=1.5,
        )
    )


def _draw_endings(
    ax: "Axes",
    linked: Tracks,
    table: pd.DataFrame,
    drawn: np.ndarray,
    heights: dict[int, float],
) -> None:
    end = linked.time[linked.last_row]
    lost = [t for t in drawn if str(table["ending"].iloc[t]) == "lost"]
    ax.scatter(
        end[lost],
        [heights[t] for t in lost],
        marker="x",
        s=9,
        c=style.BLACK,
        linewidths=0.7,
        zorder=3,
    )


def _draw_events(
    ax: "Axes",
    linked: Tracks,
    table: pd.DataFrame,
    drawn: np.ndarray,
    heights: dict[int, float],
) -> None:
    begin = linked.time[linked.first_row]
    flagged = [t for t in drawn if np.isfinite(table["time"].iloc[t])]
    for track in flagged:
        event, y = table.iloc[track], heights[track]
        low = max(event["time_low"], begin[track])
        if event["time_low"] < begin[track]:  # before the track began
            ax.plot([low], [y], marker=8, color=style.BLACK, ms=6, mew=0, zorder=4)
        ax.plot(
            [low, event["time_high"]], [y, y], color=style.BLACK, linewidth=1, zorder=4
        )
    # Predicted and not seen: an open marker.
    seen = table["observed"].to_numpy(bool)
    for group, face in ((True, style.BLACK), (False, "white")):
        tracks = [t for t in flagged if seen[t] == group]
        if tracks:
            ax.scatter(
                table["time"].to_numpy()[tracks],
                [heights[t] for t in tracks],
                marker="D",
                s=13,
                c=face,
                edgecolors=style.BLACK,
                linewidths=0.8,
                zorder=5,
            )


def _finish(
    ax: "Axes",
    adata: AnnData,
    linked: Tracks,
    table: pd.DataFrame,
    drawn: np.ndarray,
    heights: dict[int, float],
    founders: list[int],
    wanted: int,
) -> None:
    from matplotlib.lines import Line2D

    time = linked.time
    margin = 0.02 * max(float(np.ptp(time)), 0.5)
    ax.set_xlim(time.min() - margin, time.max() + margin)
    ax.set_ylim(max(heights.values()) + 1, -1)
    shown, movies = founders[:wanted], extract.movie_codes(adata)[1]
    if len(shown) <= 60:
        names = [_name(linked, movies, f) for f in shown]
        ax.set_yticks([heights[f] for f in shown], names, fontsize=5.5)
    else:
        ax.set_yticks([])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    part = f"{len(shown)} of {len(founders)}" if len(founders) > wanted else len(shown)
    style.labels(ax, "time (h)", f"lineage, by its first track\n({part} drawn)")
    status = set(table["status"].astype(str).to_numpy()[drawn])
    handles = [
        Line2D([], [], color=color, linewidth=2, label=style.STATUS_WORDS[name])
        for name, color in style.STATUS.items()
        if name in status
    ]
    point = {"linestyle": "none", "color": style.BLACK}
    flagged = table.iloc[drawn]
    flagged = flagged[np.isfinite(flagged["time"])]
    if flagged["observed"].any():
        handles.append(
            Line2D(
                [],
                [],
                marker="D",
                ms=3.5,
                label="commitment, seen (95 % interval)",
                **point,
            )
        )
    if (~flagged["observed"].astype(bool)).any():
        handles.append(
            Line2D(
                [], [], marker="D", ms=3.5, mfc="white", label="predicted only", **point
            )
        )
    if (table["ending"].astype(str).iloc[drawn] == "lost").any():
        handles.append(Line2D([], [], marker="x", ms=3.5, label="track lost", **point))
    style.legend_above(ax, handles, 3)


def _name(linked: Tracks, movies: list[str], founder: int) -> str:
    number = f"{linked.track_id[founder]}"
    if len(movies) == 1:
        return number
    return f"{movies[linked.track_movie[founder]]} {number}"
