"""The committor along single tracks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate.events import EventTable
from cellstate.pl import _fetch as fetch
from cellstate.pl import _style as style
from cellstate.tracks import Tracks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Tracks shown when none are named: with an event, and without.
N_EVENTS, N_OTHERS = 3, 3
STEP = 1.35  # height of a row; its committor runs from 0 to 1
LEVEL = 0.95


def committor_tracks(
    adata: AnnData,
    *,
    tracks: Sequence[fetch.TrackName] | None = None,
    key: str = keys.COMMITTOR,
    events: str = keys.EVENTS,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the committor against time, one row per track.

    The band around a line holds 95 % of the refits to other lineages. The undecided
    band of the event table is shaded; commitment and its interval, and the first
    frame in the target, are marked. Lines break where a link is not trusted.

    Parameters
    ----------
    adata
        With ``obs[key]``; replicates in obsm and events are drawn when they exist.
    tracks
        Numbers, or (movie, number) pairs. When None: the first tracks with an event
        (smallest q), the undecidable ones that came closest, the longest without.
    key
        Name of the committor.
    events
        Name of the event table.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in. Row i from the top (0 first) of m is raised by
        ``1.35 * (m - 1 - i)``.

    Raises
    ------
    KeyError
        The committor is missing; the message names the call.
    ValueError
        A track that is not there.
    """
    q = extract.column(adata, key).to_numpy(dtype=float)
    linked = extract.tracks(adata)
    table = fetch.events_of(adata, key, events)
    shown = _shown(adata, linked, table, tracks)
    replicates = adata.obsm.get(f"{key}_replicates")
    ax = style.axes(ax, (5.2, max(2.0, 0.7 + 0.75 * len(shown))))
    for i, track in enumerate(shown):
        base = STEP * (len(shown) - 1 - i)
        rows = linked.rows(track)
        status = style.NO_EVENT
        if table is not None:
            one = table.table.iloc[track]
            status = str(one["status"])
            _undecided(ax, table.threshold, base)
            _commitment(ax, one, linked.time[rows[0]], base)
        color = style.STATUS[status]
        _line(ax, linked, rows, q, replicates, base, color)
        _entry(ax, adata, linked, rows, q, key, base)
    _finish(ax, adata, linked, shown, table, key)
    return ax


def _shown(
    adata: AnnData,
    linked: Tracks,
    table: EventTable | None,
    tracks: Sequence[fetch.TrackName] | None,
) -> list[int]:
    if tracks is not None:
        if isinstance(tracks, str | int) or not len(tracks):
            raise ValueError(
                f"`tracks` is a list of track numbers; found {tracks!r}. Use e.g. "
                f"tracks={[int(t) for t in linked.track_id[:2]]}."
            )
        return [fetch.track_index(adata, linked, t) for t in tracks]
    length = np.bincount(linked.index, minlength=linked.n_tracks)
    flagged: list[int] = []
    if table is not None:
        rows = fetch.event_rows(table).index.to_numpy()
        flagged = [int(i) for i in rows if length[i] > 1][:N_EVENTS]
        flagged = flagged or [int(i) for i in rows[:N_EVENTS]]
        status = table.table["status"].astype(str).to_numpy()
        open_ = table.table[status == style.UNDECIDABLE]
        close = open_.sort_values("statistic", ascending=False, kind="stable").index
        flagged += [int(i) for i in close[: N_OTHERS - 1]]
        others = np.flatnonzero(status == style.NO_EVENT)
    else:
        others = np.arange(linked.n_tracks)
    longest = others[np.argsort(-length[others], kind="stable")]
    return flagged + [int(i) for i in longest[: 1 if flagged else N_OTHERS]]


def _undecided(ax: "Axes", threshold: float, base: float) -> None:
    ax.axhspan(
        base + 1 - threshold, base + threshold, color="#F1F1F1", linewidth=0, zorder=0
    )


def _line(
    ax: "Axes",
    linked: Tracks,
    rows: np.ndarray,
    q: np.ndarray,
    replicates: np.ndarray | None,
    base: float,
    color: str,
) -> None:
    """Draw values and the band of the refits, broken where the track is broken."""
    unlinked = np.flatnonzero(linked.previous_row[rows] < 0)
    for part in np.split(rows, unlinked[unlinked > 0]):
        time = linked.time[part]
        if replicates is not None and np.shape(replicates)[1]:
            tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
            refits = np.asarray(replicates, dtype=float)[part]
            low, high = np.quantile(refits, tails, axis=1)
            ax.fill_between(
                time, base + low, base + high, color=color, alpha=0.25, linewidth=0
            )
        ax.plot(
            time,
            base + q[part],
            color=color,
            linewidth=1.2,
            marker="o",
            markersize=2.4,
            markeredgewidth=0,
        )


def _commitment(ax: "Axes", event: pd.Series, start: float, base: float) -> None:
    if not np.isfinite(event["time"]):
        return
    low = max(event["time_low"], start)
    at = base + 1.1
    ax.plot([low, event["time_high"]], [at, at], color=style.BLACK, linewidth=1.2)
    if event["time_low"] < start:  # before the track began
        ax.plot([start], [at], marker="<", markersize=4, color=style.BLACK)
    ax.plot(
        [event["time"]],
        [at],
        marker="v",
        markersize=5,
        color=style.BLACK,
        markeredgewidth=0,
    )


def _entry(
    ax: "Axes",
    adata: AnnData,
    linked: Tracks,
    rows: np.ndarray,
    q: np.ndarray,
    key: str,
    base: float,
) -> None:
    """Ring the first frame in the target."""
    stored = adata.uns.get(keys.ROOT, {}).get(key, {})
    if keys.STATE not in adata.obs or "target" not in stored:
        return
    state = adata.obs[keys.STATE].astype(str).to_numpy()[rows]
    inside = rows[state == stored["target"]]
    if inside.size:
        height = q[inside[0]] if np.isfinite(q[inside[0]]) else 1.0
        ax.plot(
            [linked.time[inside[0]]],
            [base + height],
            marker="o",
            markersize=7,
            markerfacecolor="none",
            markeredgecolor=style.BLACK,
            markeredgewidth=1,
        )


def _finish(
    ax: "Axes",
    adata: AnnData,
    linked: Tracks,
    shown: list[int],
    table: EventTable | None,
    key: str,
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    bases = STEP * (len(shown) - 1 - np.arange(len(shown)))
    ticks = (bases[:, None] + [0, 0.5, 1]).ravel()
    ax.set_yticks(ticks, ["0", "0.5", "1"] * len(shown))
    ax.set_ylim(-0.08, bases[0] + 1.25)
    for base, track in zip(bases, shown, strict=True):
        ax.text(
            1.01,
            base + 0.5,
            fetch.track_label(adata, linked, track),
            transform=ax.get_yaxis_transform(),
            fontsize=style.SMALL,
            color=style.BLACK,
            va="center",
        )
    words = fetch.committor_words(adata, key)
    style.labels(ax, "time (h)", f"{key}\n({words})" if words else f"{key} (1)")
    line = {"markeredgewidth": 0, "linewidth": 1.2}
    handles: list = []
    if table is not None:
        statuses = table.table["status"].astype(str).to_numpy()[shown]
        handles += [
            Line2D([], [], color=color, label=style.STATUS_WORDS[status], **line)
            for status, color in style.STATUS.items()
            if status in statuses
        ]
        handles.append(Patch(color="#F1F1F1", label="undecided band"))
        if style.EVENT in statuses:
            look = {"color": style.BLACK, "marker": "v", "markersize": 5, **line}
            handles.append(Line2D([], [], label="commitment, 95 % interval", **look))
    style.legend_above(ax, handles, 3)
