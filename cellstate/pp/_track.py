"""Link label masks to tracks, divisions included."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from cellstate._base.checks import integer, positive
from cellstate._base.errors import MovieError, listing
from cellstate._base.progress import progress
from cellstate._movie import Movie

NONE = -1
# What differs between a real mother and her two daughters, as standard deviations:
# log of the masses of both over hers, log of the daughters' areas and brightnesses
# over each other, and the daughters' midpoint as a part of the longest distance.
MASS, AREA, BRIGHTNESS, MIDPOINT = 0.15, 0.25, 0.2, 0.2
LARGEST_DEVIATION = 3.0  # in standard deviations, all cues together
LARGEST_DEVIATION_WITHOUT_MASS = 2.0


def track(
    movie: Movie,
    *,
    max_distance: float = 15.0,
    max_division_distance: float | None = 25.0,
    channel: int | str | None = 0,
    max_gap: int = 0,
) -> Movie:
    r"""Link the masks of a movie: least total squared distance, then divisions.

    Centroids of consecutive frames are assigned to each other by laptrack (linear
    assignment). A track that begins in frame t + 1 is then joined to a mother in
    frame t if she and the two daughters fit: with mass :math:`m` (brightness above
    background x area), area :math:`a`, brightness :math:`b` and position :math:`x`,

    .. math::
        \left(\frac{\ln[(m_1 + m_2) / m]}{0.15}\right)^2 +
        \left(\frac{\ln[a_1 / a_2]}{0.25}\right)^2 +
        \left(\frac{\ln[b_1 / b_2]}{0.2}\right)^2 +
        \left(\frac{|(x_1 + x_2) / 2 - x|}{0.2\,d}\right)^2 < 3^2 ,

    where d is `max_division_distance`. Her track ends there and both daughters
    begin new ones. The best fits are taken first.

    Parameters
    ----------
    movie
        Label masks; a lineage that is there already is replaced.
    max_distance
        Largest step of a cell between frames, in um.
    max_division_distance
        Largest distance of a daughter from her mother, in um; None for cells that
        do not divide.
    channel
        Number or name of a channel whose total intensity a division halves, as DNA
        and histones do. None uses shape and position alone, and a stricter limit.
    max_gap
        Frames for which a cell may be missing from the masks; 0 breaks its track.

    Returns
    -------
    Movie
        The same movie with `lineage`; labels are those of the masks, tracks are
        numbered from 1 in the order of their first frame.

    Raises
    ------
    ImportError
        laptrack is not installed.
    MovieError
        No label in any frame, a negative label, or no such channel.
    ValueError
        A distance that is not above 0, or a negative gap.

    References
    ----------
    Jaqaman et al., Nat. Methods 5 (2008); Fukai and Kawaguchi, Bioinformatics 39
    (2023), laptrack.

    Examples
    --------
    A disc moves by 2 px, while another appears far away.

    >>> masks = np.zeros((2, 40, 40), dtype=int)
    >>> masks[0, 5:10, 5:10] = 4
    >>> masks[1, 7:12, 5:10], masks[1, 30:36, 30:36] = 9, 2
    >>> movie = Movie(images=masks[:, None] * 10.0, masks=masks,
    ...               pixel_size=0.5, frame_interval=0.5)
    >>> track(movie).lineage[["frame", "label", "track"]].to_numpy()
    array([[0, 4, 1],
           [1, 2, 2],
           [1, 9, 1]])
    """
    positive(max_distance, "max_distance", "um", "cs.pp.track(movie, max_distance=15)")
    if max_division_distance is not None:
        positive(
            max_division_distance,
            "max_division_distance",
            "um",
            "cs.pp.track(movie, max_division_distance=25)",
        )
    integer(max_gap, "max_gap", 0)
    linker = _linker()
    cells = _cells(movie, _channel_index(movie, channel))
    following = _following(linker, cells, max_distance, movie.n_frames)
    divisions = np.empty((0, 3), dtype=np.int64)
    if max_division_distance is not None:
        divisions = _divisions(
            cells, following, max_division_distance, with_mass=channel is not None
        )
        following[divisions[:, 0]] = NONE
    if max_gap:
        following = _over_gaps(
            linker, cells, following, divisions, max_distance, max_gap, movie.n_frames
        )
    return replace(movie, lineage=_lineage(cells, following, divisions))


def _linker() -> type:
    try:
        from laptrack import LapTrack
    except ImportError as error:
        raise ImportError(
            "cs.pp.track links masks with laptrack, which is not installed. Run pip "
            "install 'cellstate[track]', or give tracks to cs.io.read_movie(..., "
            "tracks=...)."
        ) from error
    return LapTrack


def _channel_index(movie: Movie, channel: int | str | None) -> int | None:
    if channel is None:
        return None
    if isinstance(channel, str) and channel in movie.channels:
        return movie.channels.index(channel)
    if isinstance(channel, int | np.integer) and 0 <= channel < len(movie.channels):
        return int(channel)
    raise MovieError(
        f"`channel` is one of {list(movie.channels)}, its number, or None; found "
        f"{channel!r}. Use cs.pp.track(movie, channel={movie.channels[0]!r})."
    )


def _cells(movie: Movie, channel: int | None) -> pd.DataFrame:
    """Frame, label, x, y (um), area (px) and brightness of every object."""
    parts = [
        _cells_of(movie, frame, channel)
        for frame in progress(range(movie.n_frames), "cells", movie.n_frames)
    ]
    cells = pd.concat(parts, ignore_index=True)
    if cells.empty:
        raise MovieError(
            f"masks hold at least one label above 0; found none in the "
            f"{movie.n_frames} frames of movie {movie.name!r}. Check the path given to "
            "cs.io.read_movie."
        )
    return cells


def _cells_of(movie: Movie, frame: int, channel: int | None) -> pd.DataFrame:
    labels = movie.labels(frame)
    inside = np.nonzero(labels)
    label, of_pixel, area = np.unique(
        labels[inside], return_inverse=True, return_counts=True
    )
    if label.size and label[0] < 0:
        raise MovieError(
            f"labels are integers >= 0, 0 for background; found "
            f"{listing(label[label < 0])} in frame {frame} of movie {movie.name!r}. "
            "Set them to 0: masks[masks < 0] = 0."
        )
    y, x = (
        (np.bincount(of_pixel, axis, label.size) / area + 0.5) * movie.pixel_size
        for axis in inside
    )
    brightness = np.ones(label.size)
    if channel is not None and label.size:
        pixels = movie.image(frame)[channel].astype(float)
        outside = pixels[labels == 0]
        background = np.median(outside) if outside.size else 0.0
        total = np.bincount(of_pixel, pixels[inside], label.size)
        brightness = total / area - background
    return pd.DataFrame(
        {
            "frame": np.full(label.size, frame),
            "label": label.astype(np.int64),
            "x": x,
            "y": y,
            "area": area.astype(float),
            # A cell not above background has no mass; the floor keeps logs finite.
            "brightness": np.maximum(brightness, np.finfo(float).tiny),
        }
    )


def _nodes(cells: pd.DataFrame, n_frames: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return positions by frame, and the first row of each frame."""
    start = np.searchsorted(cells["frame"], np.arange(n_frames + 1))
    xy = cells[["x", "y"]].to_numpy()
    return [xy[a:b] for a, b in pairwise(start)], start


def _following(
    linker: type, cells: pd.DataFrame, max_distance: float, n_frames: int
) -> np.ndarray:
    """Return the row that follows each row in the next frame, -1 for none."""
    coordinates, start = _nodes(cells, n_frames)
    tree = linker(
        metric="sqeuclidean", cutoff=max_distance**2, gap_closing_cutoff=False
    ).predict(coordinates)
    following = np.full(len(cells), NONE)
    for (frame, i), (later, j) in tree.edges():
        following[start[frame] + i] = start[later] + j
    return following


def _divisions(
    cells: pd.DataFrame, following: np.ndarray, distance: float, *, with_mass: bool
) -> np.ndarray:
    """Return mother and both daughters of every division, rows, shape (n, 3)."""
    mother, born, sister = _candidates(cells, following, distance)
    xy = cells[["x", "y"]].to_numpy()
    area = cells["area"].to_numpy()
    brightness = cells["brightness"].to_numpy()
    mass = area * brightness

    def log_ratio(values: np.ndarray) -> np.ndarray:
        return np.log(values[born] / values[sister])

    aside = np.linalg.norm((xy[born] + xy[sister]) / 2 - xy[mother], axis=1)
    deviation = (aside / (MIDPOINT * distance)) ** 2 + (log_ratio(area) / AREA) ** 2
    limit = LARGEST_DEVIATION_WITHOUT_MASS
    if with_mass:
        limit = LARGEST_DEVIATION
        kept = np.log((mass[born] + mass[sister]) / mass[mother])
        deviation += (kept / MASS) ** 2 + (log_ratio(brightness) / BRIGHTNESS) ** 2
    taken = np.zeros(len(cells), dtype=bool)
    mothers = set()
    found = []
    for i in np.argsort(deviation, kind="stable"):
        if deviation[i] >= limit**2:
            break
        trio = (mother[i], born[i], sister[i])
        # A row may be daughter in one division and mother in the next.
        if taken[list(trio[1:])].any() or trio[0] in mothers:
            continue
        taken[list(trio[1:])] = True
        mothers.add(trio[0])
        found.append(trio)
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def _candidates(
    cells: pd.DataFrame, following: np.ndarray, distance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair each newborn with mothers nearby; the sister follows her or is newborn."""
    frame = cells["frame"].to_numpy()
    xy = cells[["x", "y"]].to_numpy()
    orphan = np.ones(len(cells), dtype=bool)
    orphan[following[following >= 0]] = False
    trios = []
    for later in np.unique(frame[orphan & (frame > 0)]):
        mothers = np.flatnonzero(frame == later - 1)
        newborns = np.flatnonzero(orphan & (frame == later))
        if not mothers.size:
            continue
        near = cKDTree(xy[newborns]).query_ball_point(xy[mothers], distance)
        for mother, beside in zip(mothers, near, strict=True):
            around = sorted(newborns[beside])
            if following[mother] >= 0:
                trios += [(mother, new, following[mother]) for new in around]
            else:
                trios += [
                    (mother, a, b)
                    for k, a in enumerate(around)
                    for b in around[k + 1 :]
                ]
    columns = np.array(trios, dtype=np.int64).reshape(-1, 3).T
    return columns[0], columns[1], columns[2]


def _over_gaps(
    linker: type,
    cells: pd.DataFrame,
    following: np.ndarray,
    divisions: np.ndarray,
    max_distance: float,
    max_gap: int,
    n_frames: int,
) -> np.ndarray:
    """Join ends to later beginnings; links and divisions stay as they are."""
    coordinates, start = _nodes(cells, n_frames)
    frame = cells["frame"].to_numpy()

    def node(row: int) -> tuple[int, int]:
        return int(frame[row]), int(row - start[frame[row]])

    known = [(node(a), node(following[a])) for a in np.flatnonzero(following >= 0)]
    known += [(node(m), node(d)) for m, *both in divisions for d in both]
    tree = linker(
        metric="sqeuclidean",
        cutoff=max_distance**2,
        gap_closing_metric="sqeuclidean",
        gap_closing_cutoff=max_distance**2,
        gap_closing_max_frame_count=max_gap + 1,
    ).predict(coordinates, connected_edges=known)
    mothers = set(divisions[:, 0].tolist())
    joined = np.full(len(cells), NONE)
    for (earlier, i), (later, j) in tree.edges():
        row = start[earlier] + i
        if row not in mothers:
            joined[row] = start[later] + j
    return joined


def _lineage(
    cells: pd.DataFrame, following: np.ndarray, divisions: np.ndarray
) -> pd.DataFrame:
    """Number the tracks from 1 in the order of their first rows."""
    mother = np.full(len(cells), NONE)
    for trio in divisions:
        mother[trio[1:]] = trio[0]
    previous = np.full(len(cells), NONE)
    previous[following[following >= 0]] = np.flatnonzero(following >= 0)
    track = np.zeros(len(cells), dtype=np.int64)
    parent = np.full(len(cells), NONE, dtype=np.int64)
    n_tracks = 0
    for row in range(len(cells)):  # rows are in the order of frames
        if previous[row] >= 0:
            track[row], parent[row] = track[previous[row]], parent[previous[row]]
            continue
        n_tracks += 1
        track[row] = n_tracks
        if mother[row] >= 0:
            parent[row] = track[mother[row]]
    return cells[["frame", "label"]].assign(track=track, parent_track=parent)
