"""Cells in frames, joined to tracks, joined to lineage trees."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.errors import LineageError, listing
from cellstate._base.results import frozen


@dataclass(frozen=True, eq=False, kw_only=True)
class Tracks:
    """Which row is which cell at which time, and who descends from whom.

    A track ends at division; a lineage goes on. Rows are observations (one cell
    in one frame), in any order. Tracks are numbered 0..m-1 internally.

    Attributes
    ----------
    movie, track, frame, time
        Per row, shape (n,): movie code, track identity within its movie, frame,
        time in hours.
    index
        Per row: which of the m tracks it belongs to.
    previous_row, next_row
        Per row: the row of the same track one frame before or after; -1 where
        there is none, across a gap, or where the link is not trusted.
    track_id, track_movie, parent
        Per track, shape (m,): identity, movie code, index of the mother track (-1).
    first_row, last_row
        Per track: its first and last observation.
    lineage
        Per track: index of the founder of its tree.
    last_frame
        Per movie code: the last frame of the movie.

    Examples
    --------
    A mother (track 1) seen in frames 0 and 1 divides into tracks 2 and 3.

    >>> tracks = Tracks.from_arrays(
    ...     track=[1, 1, 2, 3], frame=[0, 1, 2, 2], time=[0, 0.5, 1, 1],
    ...     parent_track=[-1, -1, 1, 1],
    ... )
    >>> tracks.previous_row
    array([-1,  0, -1, -1])
    >>> tracks.daughters(0)
    array([1, 2])
    >>> tracks.lineage
    array([0, 0, 0])
    """

    movie: np.ndarray
    track: np.ndarray
    frame: np.ndarray
    time: np.ndarray
    index: np.ndarray
    previous_row: np.ndarray
    next_row: np.ndarray
    track_id: np.ndarray
    track_movie: np.ndarray
    parent: np.ndarray
    first_row: np.ndarray
    last_row: np.ndarray
    lineage: np.ndarray
    last_frame: np.ndarray

    @classmethod
    def from_arrays(
        cls,
        *,
        track: ArrayLike,
        frame: ArrayLike,
        time: ArrayLike,
        parent_track: ArrayLike | None = None,
        movie: ArrayLike | None = None,
        broken: ArrayLike | None = None,
        last_frame: ArrayLike | None = None,
    ) -> Self:
        """Join rows to tracks and tracks to trees.

        Parameters
        ----------
        track, frame, time
            Per row: track identity, integer frame, time (h).
        parent_track
            Per row: identity of the mother track, -1 for none.
        movie
            Per row: integer code of the movie; one movie when left out.
        broken
            Per row: True where the link from the frame before is not trusted.
        last_frame
            Per movie code: last frame of the movie; the largest seen when left out.

        Raises
        ------
        LineageError
            Two rows of a track in one frame, a track with two mothers, a mother
            that lives on after her daughters' birth or has more than two, or a
            cycle. A mother without rows leaves her daughters founders.
        """
        track = np.asarray(track, dtype=np.int64)
        n = track.size
        frame = np.asarray(frame, dtype=np.int64)
        movie = np.zeros(n, np.int64) if movie is None else np.asarray(movie, np.int64)
        keys, index = np.unique(np.stack([movie, track]), axis=1, return_inverse=True)
        index = index.reshape(-1)
        order = np.lexsort((frame, index))
        _reject_twins(order, index, frame, keys)
        previous_row = _previous_rows(order, index, frame)
        if broken is not None:
            previous_row[np.asarray(broken, dtype=bool)] = -1
        next_row = np.full(n, -1)
        linked = previous_row >= 0
        next_row[previous_row[linked]] = np.flatnonzero(linked)

        starts = np.searchsorted(index[order], np.arange(keys.shape[1]))
        first_row = order[starts]
        last_row = order[np.r_[starts[1:], n] - 1] if n else first_row
        parent = _parents(keys, index, parent_track, first_row, last_row, frame)
        if last_frame is None:
            movies = int(movie.max()) + 1 if n else 0
            last_frame = np.full(movies, -1)
            np.maximum.at(last_frame, movie, frame)
        arrays = {
            "movie": movie,
            "track": track,
            "frame": frame,
            "time": np.asarray(time, dtype=float),
            "index": index,
            "previous_row": previous_row,
            "next_row": next_row,
            "track_id": keys[1],
            "track_movie": keys[0],
            "parent": parent,
            "first_row": first_row,
            "last_row": last_row,
            "lineage": _founders(parent, keys[1]),
            "last_frame": np.asarray(last_frame, dtype=np.int64),
        }
        return cls(**{name: frozen(values) for name, values in arrays.items()})

    @property
    def n_rows(self) -> int:
        """Observations."""
        return self.track.size

    @property
    def n_tracks(self) -> int:
        """Tracks."""
        return self.track_id.size

    @property
    def row_lineage(self) -> np.ndarray:
        """Founder's track index of each row, shape (n,)."""
        return self.lineage[self.index]

    @property
    def divides(self) -> np.ndarray:
        """Whether each track ends in two daughters, shape (m,)."""
        return np.bincount(self.parent[self.parent >= 0], minlength=self.n_tracks) == 2

    def daughters(self, track_index: int) -> np.ndarray:
        """Indices of the tracks whose mother is `track_index`."""
        return np.flatnonzero(self.parent == track_index)

    def rows(self, track_index: int) -> np.ndarray:
        """Rows of one track in the order of time."""
        rows = np.flatnonzero(self.index == track_index)
        return rows[np.argsort(self.frame[rows])]

    def by_frame(self, *, reverse: bool = False) -> Iterator[np.ndarray]:
        """Yield the rows of each frame, in the order of time or against it."""
        parts = self._rows_of_frames
        yield from reversed(parts) if reverse else parts

    @cached_property
    def _rows_of_frames(self) -> list[np.ndarray]:
        order = np.argsort(self.frame, kind="stable")
        ends = np.flatnonzero(np.diff(self.frame[order])) + 1
        return np.split(order, ends) if order.size else []

    def mother_row(self) -> np.ndarray:
        """Last row of the mother for each first row of a daughter, -1 elsewhere.

        Only mothers last seen one frame before the daughter's birth count.
        """
        found = np.full(self.n_rows, -1)
        born = np.flatnonzero(self.parent >= 0)
        birth, last = self.first_row[born], self.last_row[self.parent[born]]
        joined = self.frame[birth] == self.frame[last] + 1
        found[birth[joined]] = last[joined]
        return found


def _reject_twins(
    order: np.ndarray, index: np.ndarray, frame: np.ndarray, keys: np.ndarray
) -> None:
    same = (np.diff(index[order]) == 0) & (np.diff(frame[order]) == 0)
    if same.any():
        twins = keys[1, np.unique(index[order][1:][same])]
        raise LineageError(
            f"a track is one cell per frame; found {int(same.sum())} repeated "
            f"(track, frame), in tracks {listing(twins)}. Drop or relabel the repeats."
        )


def _previous_rows(
    order: np.ndarray, index: np.ndarray, frame: np.ndarray
) -> np.ndarray:
    previous = np.full(order.size, -1)
    follows = (np.diff(index[order]) == 0) & (np.diff(frame[order]) == 1)
    previous[order[1:][follows]] = order[:-1][follows]
    return previous


def _parents(
    keys: np.ndarray,
    index: np.ndarray,
    parent_track: ArrayLike | None,
    first_row: np.ndarray,
    last_row: np.ndarray,
    frame: np.ndarray,
) -> np.ndarray:
    """Return the index of each track's mother, -1 for none."""
    m = keys.shape[1]
    parent = np.full(m, -1)
    if parent_track is None or m == 0:
        return parent
    wanted = np.asarray(parent_track, dtype=np.int64)
    mother = wanted[first_row]
    two = np.unique(index[wanted != mother[index]])
    if two.size:
        raise LineageError(
            f"a track has one mother; found several `parent_track` values in tracks "
            f"{listing(keys[1, two])}. Give every row of a track the same value."
        )
    number = {tuple(k): i for i, k in enumerate(keys.T.tolist())}
    has = np.flatnonzero(mother >= 0)
    found = [number.get((int(keys[0, i]), int(mother[i])), -1) for i in has]
    parent[has] = found
    # A mother whose own rows were left out (by quality control, say) leaves an orphan.
    own = np.flatnonzero(parent == np.arange(m))
    if own.size:
        raise LineageError(f"tracks {listing(keys[1, own])} are their own mothers.")
    _reject_cycles(parent, keys[1])
    _reject_litters(parent, keys[1])
    has = np.flatnonzero(parent >= 0)
    late = has[frame[last_row[parent[has]]] >= frame[first_row[has]]]
    if late.size:
        child = late[0]
        raise LineageError(
            f"a mother ends before her daughters begin; found {late.size} that live on,"
            f" e.g. track {keys[1, parent[child]]} ends in frame "
            f"{frame[last_row[parent[child]]]} but its daughter {keys[1, child]} begins"
            f" in frame {frame[first_row[child]]}."
        )
    return parent


def _reject_litters(parent: np.ndarray, track_id: np.ndarray) -> None:
    litter = np.bincount(parent[parent >= 0], minlength=parent.size)
    many = np.flatnonzero(litter > 2)
    if many.size:
        raise LineageError(
            f"a division has at most two daughters; found {int(litter[many[0]])} of "
            f"track {track_id[many[0]]} ({many.size} such tracks: "
            f"{listing(track_id[many])}). Relabel the surplus with parent_track = -1."
        )


def _founders(parent: np.ndarray, track_id: np.ndarray) -> np.ndarray:
    """Walk every track up to the founder of its tree."""
    founder = np.arange(parent.size)
    up = parent.copy()
    while (up >= 0).any():
        founder = np.where(up >= 0, up, founder)
        up = np.where(up >= 0, parent[up], -1)
    return founder


def _reject_cycles(parent: np.ndarray, track_id: np.ndarray) -> None:
    up = parent.copy()
    for _ in range(parent.size):
        if not (up >= 0).any():
            return
        up = np.where(up >= 0, parent[up], -1)
    raise LineageError(
        f"the lineage has a cycle through tracks {listing(track_id[up >= 0])}; "
        "mothers must lead back to a founder with parent_track = -1."
    )
