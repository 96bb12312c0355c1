"""What really became of each cell: the truth a committor is judged by."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.results import frozen
from cellstate.kinetics._stopping import steps
from cellstate.tracks import Tracks


def realised_fate(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    *,
    unknown: np.ndarray | None = None,
    horizon_frames: int | None = None,
    reverse: bool = False,
) -> np.ndarray:
    """Return 1 if B is met first, 0 if not, NaN if the track was cut off before.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    source, target
        Boolean masks (n,) of A and B.
    unknown
        Rows of which nobody can tell whether they are in B, shape (n,): the last
        frames of a track that was cut off, when B is the time before a division.
    horizon_frames
        B must be met within so many frames; cells seen that long without meeting
        B count 0. Without a horizon only A and B decide.
    reverse
        Follow the past: 1 if B was met last, 0 if A was.

    Returns
    -------
    ndarray
        Shape (n,). At a division, the mean over the daughters.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1, 1, 1], frame=[0, 1, 2], time=[0, 1, 2])
    >>> b = np.array([False, False, True])
    >>> realised_fate(tracks, ~b & b, b, horizon_frames=1)
    array([0., 1., 1.])
    """
    successor, _ = steps(tracks, reverse=reverse)
    decided = np.where(target, 1.0, np.where(source, 0.0, np.nan))
    if horizon_frames is None:
        fate, undecided = decided.copy(), np.isnan(decided)
        for rows in tracks.by_frame(reverse=not reverse):
            rows = rows[undecided[rows]]
            fate[rows] = _mean_of_next(fate, successor[rows])
        return fate
    fate = np.where(np.isnan(decided), 0.0, decided)
    if unknown is not None:
        fate[unknown] = np.nan
    for _ in range(horizon_frames):
        ahead = _mean_of_next(fate, successor)
        fate = np.where(np.isnan(decided), ahead, decided)
    return fate


@dataclass(frozen=True, eq=False, kw_only=True)
class FatePaths:
    """Every row followed until its fate is decided or it is seen no more.

    Attributes
    ----------
    start
        Row, shape (m,); a row has one path more for each division on its way.
    weight
        Chance that a lineage followed at random takes this path, shape (m,); they
        add up to 1 for each start row.
    elapsed
        Frames until the fate is decided, or until the first frame in which nobody
        can tell whether it is, shape (m,).
    value
        1 if B was met first (in reverse: last), 0 if not, NaN if cut off, shape (m,).
    n_rows
        Rows of the tracks.
    """

    start: np.ndarray
    weight: np.ndarray
    elapsed: np.ndarray
    value: np.ndarray
    n_rows: int

    @property
    def cut_off(self) -> np.ndarray:
        """Paths that ended before anything was decided, shape (m,)."""
        return np.isnan(self.value)


def fate_paths(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    *,
    rows: np.ndarray | None = None,
    unknown: np.ndarray | None = None,
    horizon_frames: int | None = None,
    reverse: bool = False,
) -> FatePaths:
    """Follow rows path by path, and say when the fate of each one was decided.

    The fates are those of `realised_fate`; the times are what weights against
    censoring need.

    Parameters
    ----------
    tracks, source, target, unknown, horizon_frames, reverse
        As in `realised_fate`.
    rows
        Rows to follow, boolean (n,); those outside A and B when None.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1, 1, 1], frame=[0, 1, 2], time=[0, 1, 2])
    >>> b = np.array([False, False, True])
    >>> paths = fate_paths(tracks, ~b & b, b)
    >>> paths.start, paths.elapsed, paths.value
    (array([1, 0]), array([1, 2]), array([1., 1.]))
    """
    successor, share = steps(tracks, reverse=reverse)
    hidden = np.zeros(tracks.n_rows, bool) if unknown is None else unknown
    verdict = np.where(target, 1.0, np.where(source, 0.0, ON_THE_WAY))
    verdict[hidden] = np.nan
    followed = ~source & ~target if rows is None else rows
    walk = _Walk.at(np.flatnonzero(followed))
    ended: list[tuple[_Walk, np.ndarray, int]] = []
    elapsed = 0
    while walk.start.size:
        value = verdict[walk.now]
        if elapsed == horizon_frames:
            value = np.where(value == ON_THE_WAY, 0.0, value)
        going = value == ON_THE_WAY
        ended.append((walk.part(~going), value[~going], elapsed))
        walk, elapsed = walk.part(going), elapsed + 1
        goes_on = successor[walk.now, 0] >= 0
        lost = walk.part(~goes_on)
        ended.append((lost, np.full(lost.start.size, np.nan), elapsed))
        walk = walk.part(goes_on).step(successor, share)
    return _collected(ended, tracks.n_rows)


# What `verdict` holds where neither set was met.
ON_THE_WAY = -1.0


@dataclass(frozen=True, eq=False)
class _Walk:
    """Paths under way: where they began, where they are, with which chance."""

    start: np.ndarray
    now: np.ndarray
    weight: np.ndarray

    @classmethod
    def at(cls, rows: np.ndarray) -> "_Walk":
        return cls(rows, rows, np.ones(rows.size))

    def part(self, which: np.ndarray) -> "_Walk":
        return _Walk(self.start[which], self.now[which], self.weight[which])

    def step(self, successor: np.ndarray, share: np.ndarray) -> "_Walk":
        """Go on by one frame; where a cell divides the path becomes two."""
        one, two = successor[self.now].T
        weight = self.weight * share[self.now]
        both = two >= 0
        return _Walk(
            np.r_[self.start, self.start[both]],
            np.r_[one, two[both]],
            np.r_[weight, weight[both]],
        )


def _collected(ended: list[tuple[_Walk, np.ndarray, int]], n_rows: int) -> FatePaths:
    none = (_Walk.at(np.zeros(0, dtype=np.int64)), np.zeros(0), 0)
    ended = [none, *ended]
    return FatePaths(
        start=frozen(np.concatenate([walk.start for walk, _, _ in ended])),
        weight=frozen(np.concatenate([walk.weight for walk, _, _ in ended])),
        elapsed=frozen(
            np.concatenate([np.full(v.size, t, np.int64) for _, v, t in ended])
        ),
        value=frozen(np.concatenate([v for _, v, _ in ended])),
        n_rows=n_rows,
    )


def _mean_of_next(fate: np.ndarray, successor: np.ndarray) -> np.ndarray:
    first = np.where(successor[:, 0] >= 0, fate[successor[:, 0]], np.nan)
    second = fate[successor[:, 1]]
    return np.where(successor[:, 1] >= 0, (first + second) / 2, first)
