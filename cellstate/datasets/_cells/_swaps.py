"""Identities that a tracker confuses."""

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from cellstate._base.random import generator
from cellstate.datasets._cells._rows import NO_PARENT, Rows, checked_chance


def swap_identities(
    rows: Rows, chance: float, rng: int | np.random.Generator | None = None
) -> Rows:
    """Confuse cells with their nearest neighbours in state, from a frame on.

    In every frame each cell that was seen before has this chance to start a swap with
    the nearest such cell, in value, of the same movie and frame; a cell takes part in
    one swap per frame at most. From then on each carries the identity of the other,
    also to its daughters.

    Parameters
    ----------
    rows
        n rows.
    chance
        Per cell and frame.
    rng
        Seed or Generator.
    """
    chance = checked_chance(chance, "swap_rate")
    rng = generator(rng)
    if chance == 0:
        return rows
    most = int(rows.track.max(initial=0)) + 1
    identity, mother = np.arange(most), np.full(most, NO_PARENT)
    born = np.zeros(most, dtype=bool)
    track = rows.track.copy()
    order = np.lexsort((rows.track, rows.movie, rows.frame))
    for frame in np.split(order, np.flatnonzero(np.diff(rows.frame[order])) + 1):
        known = born[rows.track[frame]]
        new = frame[~known & (rows.parent_track[frame] >= 0)]
        mother[rows.track[new]] = identity[rows.parent_track[new]]
        born[rows.track[frame]] = True
        old = frame[known]
        movies = np.flatnonzero(np.diff(rows.movie[old])) + 1
        for together in np.split(old, movies):
            one, two = _pairs(rows.values[together], chance, rng)
            one, two = rows.track[together[one]], rows.track[together[two]]
            identity[one], identity[two] = identity[two], identity[one]
        track[frame] = identity[rows.track[frame]]
    return replace(rows, track=track, parent_track=mother[track])


def _pairs(
    values: np.ndarray, chance: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cells that swap in one frame: nearest pairs, no cell twice."""
    starts = rng.permutation(np.flatnonzero(rng.random(len(values)) < chance))
    if len(values) < 2 or not starts.size:
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    _, near = cKDTree(values).query(values[starts], k=2)
    # A cell at the very place of another may be found second.
    other = np.where(near[:, 0] == starts, near[:, 1], near[:, 0])
    free = np.ones(len(values), dtype=bool)
    kept = []
    for k, (a, b) in enumerate(zip(starts, other, strict=True)):
        if free[a] and free[b]:
            free[[a, b]] = False
            kept.append(k)
    return starts[kept], other[kept]
