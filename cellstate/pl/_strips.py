"""Image strips: look at the cell before reading its numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._base.checks import integer, positive
from cellstate._base.errors import listing
from cellstate._movie import Movie
from cellstate.pl import _fetch as fetch
from cellstate.pl import _style as style
from cellstate.pl._crops import GAP, Tile, paint, read_tiles
from cellstate.tracks import Tracks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TILE = 180  # about so many pixels is one crop wide, whatever its size in um
DIAMETERS = 3.0  # width of a crop, in diameters of the median cell
DEFAULT_WIDTH = 40.0  # um
EMPTY = 245


def image_strip(
    adata: AnnData,
    movie: Movie,
    *,
    track: int,
    frames: Sequence[int] | None = None,
    channel: int = 0,
    width: float | None = None,
    key: str = keys.COMMITTOR,
    events: str = keys.EVENTS,
    ax: "Axes | None" = None,
) -> "Axes":
    """Show one cell over time, with its contour.

    Each crop carries its time (h) and the committor. The contour of the track is
    orange; before its birth and after its division its mother and daughters are
    shown in blue. The frame of commitment has a red border. All crops have
    the same contrast; outside the field of view is black.

    Parameters
    ----------
    adata
        Cells of the movie, with ``obsm["spatial"]``.
    movie
        Its images and masks; only the frames shown are read.
    track
        Number of the track.
    frames
        Frames to show. When None: around the commitment, or the last ones.
    channel
        Of the image.
    width
        Of a crop, in um; 3 diameters of the median cell when None.
    key
        Committor written on the crops, when it is stored.
    events
        Name of the event table, used when it is stored.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in, holding one image.

    Raises
    ------
    ValueError
        The movie, the track, a frame or the channel is not there.
    KeyError
        Positions or labels are missing; the message names the call.
    """
    name = _movie_name(adata, movie)
    _check(adata, movie, channel)
    linked = extract.tracks(adata)
    index = fetch.track_index(adata, linked, (name, track))
    table = fetch.events_of(adata, key, events)
    at = None if table is None else _event_frame(linked, table.table, index)
    chosen = _frames(linked, index, at, movie.n_frames, frames)
    tiles = [
        _tile(adata, movie, linked, index, f, (0, i), at) for i, f in enumerate(chosen)
    ]
    ax = style.axes(ax, (0.95 * len(tiles) + 0.1, 1.35))
    _mosaic(ax, adata, movie, tiles, (1, len(tiles)), channel, width, key)
    words = fetch.committor_words(adata, key)
    below = f"time (h) above, {key} below" if words else "time (h) above"
    style.labels(ax, below, "", f"{name}, track {track}, {movie.channels[channel]}")
    ax.set_xticks([])
    return ax


def event_strips(
    adata: AnnData,
    movie: Movie,
    *,
    n: int = 12,
    before: int = 4,
    after: int = 2,
    channel: int = 0,
    width: float | None = None,
    key: str = keys.EVENTS,
    ax: "Axes | None" = None,
) -> "Axes":
    """Show the flagged cells around their commitment, one strip per row.

    Strips are ordered by q-value, then by the statistic; see `image_strip` for
    what is drawn. The contrast is the same within a strip.

    Parameters
    ----------
    adata
        Cells of the movie, with the event table of `cs.tl.differentiation_events`.
    movie
        Its images and masks; each frame shown is read once.
    n
        Strips at most.
    before, after
        Frames before and after the commitment.
    channel
        Of the image.
    width
        Of a crop, in um; 3 diameters of the median cell when None.
    key
        Name of the event table.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in, holding one image with all strips.

    Raises
    ------
    KeyError
        There is no event table; the message names the call.
    ValueError
        The movie or the channel is not there.
    """
    table = get.events(adata, key)
    name = _movie_name(adata, movie)
    _check(adata, movie, channel)
    n, before = integer(n, "n", 1), integer(before, "before", 0)
    after = integer(after, "after", 0)
    flagged = fetch.event_rows(table)
    flagged = flagged[flagged["movie"].astype(str) == name][:n]
    columns = before + 1 + after
    ax = style.axes(ax, (0.9 * columns + 0.9, 0.9 * max(len(flagged), 1) + 0.6))
    if flagged.empty:
        ax.set_axis_off()
        style.say(ax, f"no event is flagged in movie {name!r}: no cell to show")
        return ax
    linked = extract.tracks(adata)
    tiles, rows = [], []
    for row, index in enumerate(flagged.index):
        at = _event_frame(linked, table.table, index)
        for column, frame in enumerate(range(at - before, at + after + 1)):
            if 0 <= frame < movie.n_frames and _kin(linked, index, frame)[0].size:
                place = (row, column)
                tiles.append(_tile(adata, movie, linked, index, frame, place, at))
        event = table.table.loc[index]
        sure = "seen" if event["observed"] else f"q = {event['q']:.2g}"
        rows.append(f"track {event['track']}\n{event['time']:g} h\n{sure}")
    committor = adata.uns[keys.ROOT][key]["params"].get("committor", keys.COMMITTOR)
    shape = (len(flagged), columns)
    size = _mosaic(ax, adata, movie, tiles, shape, channel, width, committor)
    step = extract.frame_interval(adata)
    offsets = (np.arange(columns) - before) * step
    middle = size / 2 + np.arange(max(shape)) * (size + GAP)
    ax.set_xticks(middle[:columns], [_signed(t) for t in offsets])
    ax.set_yticks(middle[: len(rows)], rows, fontsize=style.SMALL)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    written = f"; on the crops: time, {committor}" if committor in adata.obs else ""
    style.labels(ax, f"time from commitment (h){written}", "")
    return ax


def _signed(hours: float) -> str:
    return "0" if abs(hours) < 1e-9 else f"{hours:+g}".replace("-", "\N{MINUS SIGN}")


def _movie_name(adata: AnnData, movie: Movie) -> str:
    names = extract.movie_codes(adata)[1]
    if movie.name in names:
        return movie.name
    if keys.MOVIE not in adata.obs:
        return names[0]
    raise ValueError(
        f"the cells come from movies {listing(names)}; found a movie named "
        f"{movie.name!r}. Give the movie they were measured in."
    )


def _check(adata: AnnData, movie: Movie, channel: int) -> None:
    if keys.SPATIAL not in adata.obsm:
        raise KeyError(
            f"no positions under adata.obsm[{keys.SPATIAL!r}]; found "
            f"{list(adata.obsm)}. Run cs.pp.features(movie)."
        )
    if keys.LABEL not in adata.obs:
        raise KeyError(
            f"no {keys.LABEL!r} in adata.obs, the number of the cell in its mask; found"
            f" {listing(adata.obs.columns)}. Run cs.pp.features(movie)."
        )
    if integer(channel, "channel", 0) >= len(movie.channels):
        raise ValueError(
            f"`channel`={channel} must be below {len(movie.channels)}: "
            f"{list(movie.channels)}."
        )
    if keys.MOVIE in adata.obs:
        frame = adata.obs.loc[adata.obs[keys.MOVIE].astype(str) == movie.name, "frame"]
    else:
        frame = adata.obs[keys.FRAME]
    if int(frame.max()) >= movie.n_frames:
        raise ValueError(
            f"the cells reach frame {int(frame.max())}, the movie {movie.name!r} ends "
            f"at frame {movie.n_frames - 1}. Give the movie they were measured in."
        )


def _event_frame(linked: Tracks, table: pd.DataFrame, index: int) -> int | None:
    time = table["time"].iloc[index]
    if not np.isfinite(time):
        return None
    rows = linked.rows(index)
    return int(linked.frame[rows[np.argmin(np.abs(linked.time[rows] - time))]])


def _frames(
    linked: Tracks,
    index: int,
    at: int | None,
    n_frames: int,
    frames: Sequence[int] | None,
) -> list[int]:
    if frames is None:
        first, last = (
            linked.frame[r[index]] for r in (linked.first_row, linked.last_row)
        )
        end = last if at is None else at + 3
        start = end - 7 if at is None else at - 4
        low = first if linked.parent[index] < 0 else first - 2
        return list(range(max(start, low, 0), min(end, n_frames - 1) + 1))
    chosen = [int(f) for f in frames]
    wrong = [f for f in chosen if not 0 <= f < n_frames]
    if wrong or not chosen:
        raise ValueError(
            f"`frames` lie between 0 and {n_frames - 1}; found {listing(wrong)}."
        )
    return chosen


def _kin(linked: Tracks, index: int, frame: int) -> tuple[np.ndarray, bool]:
    """Rows of the track in a frame, or else of its daughters or its mother."""
    here = np.flatnonzero(linked.frame == frame)
    own = here[linked.index[here] == index]
    if own.size:
        return own, True
    kin = [*linked.daughters(index), linked.parent[index]]
    return here[np.isin(linked.index[here], [k for k in kin if k >= 0])], False


def _tile(
    adata: AnnData,
    movie: Movie,
    linked: Tracks,
    index: int,
    frame: int,
    place: tuple[int, int],
    at: int | None,
) -> Tile:
    rows, own = _kin(linked, index, frame)
    near = rows
    if not rows.size:  # a gap: look where the track is next
        all_rows = linked.rows(index)
        near = all_rows[[np.argmin(np.abs(linked.frame[all_rows] - frame))]]
    position = np.asarray(adata.obsm[keys.SPATIAL])[near, :2].mean(axis=0)
    return Tile(
        place=place,
        frame=frame,
        rows=rows,
        own=own,
        centre=position[::-1] / movie.pixel_size,
        committed=own and frame == at,
    )


def _mosaic(
    ax: "Axes",
    adata: AnnData,
    movie: Movie,
    tiles: list[Tile],
    shape: tuple[int, int],
    channel: int,
    width: float | None,
    key: str,
) -> int:
    """Draw the crops as one image; return the size of a crop in its pixels."""
    width = (
        _width(adata) if width is None else positive(width, "width", "um", "width=40")
    )
    half = max(2, round(width / movie.pixel_size / 2))
    zoom = max(1, round(TILE / (2 * half + 1)))
    size = (2 * half + 1) * zoom
    read_tiles(adata, movie, tiles, half, zoom, channel)
    rows, columns = shape
    step = size + GAP
    canvas = np.full((rows * step - GAP, columns * step - GAP, 3), 255, np.uint8)
    for row in range(rows):
        for column in range(columns):
            canvas[row * step :, column * step :][:size, :size] = EMPTY
        paint(canvas, [t for t in tiles if t.place[0] == row], size, zoom)
    ax.imshow(canvas)
    for tile in tiles:
        _label(ax, adata, movie, tile, size, key)
    _scale_bar(ax, movie.pixel_size / zoom, size, tiles[0].place, width)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.tick_params(length=0)
    ax.set_xticks([])
    ax.set_yticks([])
    return size


def _width(adata: AnnData) -> float:
    if (
        "area" not in adata.var_names
        or adata.var.get(keys.UNIT, {}).get("area") != "um2"
    ):
        return DEFAULT_WIDTH
    area = np.asarray(adata[:, "area"].X, dtype=float)
    return float(DIAMETERS * np.sqrt(4 / np.pi * np.nanmedian(area)))


def _label(
    ax: "Axes", adata: AnnData, movie: Movie, tile: Tile, size: int, key: str
) -> None:
    """Write time and committor on a crop."""
    from matplotlib.patheffects import withStroke

    top, left = (p * (size + GAP) for p in tile.place)
    look = {
        "color": "white",
        "fontsize": 6.5,
        "path_effects": [withStroke(linewidth=1.4, foreground="black")],
    }
    inset = 0.06 * size
    time = tile.frame * movie.frame_interval
    if tile.rows.size:
        time = float(adata.obs[keys.TIME].iloc[tile.rows[0]])
    ax.text(left + inset, top + inset, f"{time:g} h", va="top", **look)
    if tile.own and key in adata.obs:
        q = float(adata.obs[key].iloc[tile.rows[0]])
        text = f"{q:.2f}" if np.isfinite(q) else "none"
        ax.text(left + inset, top + size - inset, text, va="bottom", **look)


def _scale_bar(
    ax: "Axes",
    um_per_pixel: float,
    size: int,
    place: tuple[int, int],
    width: float,
) -> None:
    """Draw a round length, about a quarter of the first crop."""
    from matplotlib.patheffects import withStroke

    round_lengths = np.outer(10.0 ** np.arange(-3, 6), [1, 2, 5]).ravel()
    length = float(round_lengths[round_lengths <= width / 3][-1])
    top, left = (p * (size + GAP) for p in place)
    right, bottom = left + 0.94 * size, top + 0.93 * size
    pixels = length / um_per_pixel
    ax.plot(
        [right - pixels, right],
        [bottom, bottom],
        color="white",
        linewidth=1.6,
        solid_capstyle="butt",
    )
    ax.text(
        right - pixels / 2,
        bottom - 0.02 * size,
        f"{length:g} µm",
        color="white",
        fontsize=6,
        ha="center",
        va="bottom",
        path_effects=[withStroke(linewidth=1.4, foreground="black")],
    )
