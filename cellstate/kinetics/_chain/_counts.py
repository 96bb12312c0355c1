"""From tracks to a Markov chain between cells of the state space."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import MiniBatchKMeans

from cellstate.kinetics._stopping import stopped_pairs
from cellstate.tracks import Tracks

LEARNED = 100_000  # states that the cells are learned from


def discretise(x: np.ndarray, n_cells: int, rng: np.random.Generator) -> np.ndarray:
    """Nearest of `n_cells` k-means centres of each state (n,), -1 where undefined."""
    known = np.flatnonzero(np.isfinite(x).all(axis=1))
    if known.size < n_cells:
        raise ValueError(
            f"{n_cells} cells of the state space need as many states; found "
            f"{known.size}. Lower n_cells."
        )
    some = known[rng.permutation(known.size)[:LEARNED]]
    means = MiniBatchKMeans(
        n_cells, n_init=3, batch_size=4096, random_state=int(rng.integers(2**31))
    ).fit(x[some])
    place = np.full(len(x), -1)
    place[known] = means.predict(x[known])
    return place


def steps_of(
    tracks: Tracks, place: np.ndarray, lag_frames: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows where steps of exactly this lag start and stop, and their weights, (p,)."""
    nobody = np.zeros(tracks.n_rows, dtype=bool)
    pairs = stopped_pairs(tracks, nobody, nobody, lag_frames=lag_frames)
    whole = pairs.elapsed == lag_frames
    whole &= (place[pairs.start] >= 0) & (place[pairs.stop] >= 0)
    if not whole.any():
        raise ValueError(
            f"no track shows a step of {lag_frames} frames between defined states "
            f"({tracks.n_tracks} tracks, {tracks.n_rows} rows). Use a shorter lag."
        )
    return pairs.start[whole], pairs.stop[whole], pairs.weight[whole]


@dataclass(frozen=True, eq=False, kw_only=True)
class Counts:
    """Transitions between cells of the state space, summed by group of lineages.

    Attributes
    ----------
    by_group
        One row per group, the k * k counts in it, (G, k * k), sparse.
    k
        Number of cells.
    lag_frames
        Frames from start to end.
    """

    by_group: sparse.csr_array
    k: int
    lag_frames: int

    @classmethod
    def along(
        cls,
        tracks: Tracks,
        place: np.ndarray,
        k: int,
        lag_frames: int,
        group: np.ndarray,
    ) -> Self:
        """Count all steps of exactly this lag; at a division each daughter has half.

        One draw of groups means the same lineages at every lag only if `group`, the
        group of each row (n,), is the same for all of them.

        Raises
        ------
        ValueError
            No track lasts as long as the lag.
        """
        start, stop, weight = steps_of(tracks, place, lag_frames)
        shape = (int(group.max()) + 1, k * k)
        at = (group[start], place[start] * k + place[stop])
        return cls(
            by_group=sparse.csr_array((weight, at), shape=shape),
            k=k,
            lag_frames=lag_frames,
        )

    @property
    def n_groups(self) -> int:
        """Groups of lineages."""
        return self.by_group.shape[0]

    def of(self, weight: np.ndarray | None = None) -> np.ndarray:
        """Counts (k, k) of groups with these weights (G,), of all when None."""
        weight = np.ones(self.n_groups) if weight is None else weight
        return (weight @ self.by_group).reshape(self.k, self.k)


def connected(counts: np.ndarray) -> np.ndarray:
    """Cells of the largest set in which every cell can be reached from every other."""
    _, part = connected_components(sparse.csr_array(counts), connection="strong")
    weight = np.bincount(part, counts.sum(axis=1))
    return np.flatnonzero(part == np.argmax(weight))


def left(counts: np.ndarray) -> np.ndarray:
    """Cells that somebody left for another such cell, or stayed in, (k,) mask.

    Without steps of its own a cell would seem to hold for ever.
    """
    seen = np.ones(len(counts), dtype=bool)
    while True:
        still = seen & (counts[:, seen].sum(axis=1) > 0)
        if (still == seen).all():
            return seen
        seen = still


def transition_matrix(counts: np.ndarray) -> np.ndarray:
    """Divide each row by its sum; a cell that nobody left stays where it is."""
    total = counts.sum(axis=1, keepdims=True)
    return np.where(
        total > 0, counts / np.where(total > 0, total, 1), np.eye(len(counts))
    )
