"""What a microscope and a tracker make of true cells: noise, gaps, losses, swaps.

Each function takes rows and returns rows, so that they combine in any order; what
hides cells goes before `swap_identities`, which swaps cells that are seen.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate.datasets._cells._population import Population
from cellstate.datasets._cells._rows import (
    Rows,
    all_rows,
    checked_chance,
    checked_number,
    checked_spread,
    founder_tracks,
    index_of,
)
from cellstate.datasets._cells._swaps import swap_identities


def split_movies(
    rows: Rows,
    n_batches: int,
    shift: float | ArrayLike = 0.0,
    rng: int | np.random.Generator | None = None,
) -> Rows:
    """Spread lineages over movies, each with a constant shift of the values.

    Parameters
    ----------
    rows
        n rows of one movie.
    n_batches
        Movies; lineages are dealt out evenly, in random order.
    shift
        Standard deviation, for all axes or per axis, of the normal law from which
        each movie's shift is drawn.
    rng
        Seed or Generator.
    """
    rng = generator(rng)
    founder = founder_tracks(rows)
    lineages, lineage = np.unique(founder, return_inverse=True)
    if integer(n_batches, "n_batches", 1) > lineages.size:
        raise ValueError(
            f"every movie needs a lineage; found n_batches={n_batches} for "
            f"{lineages.size} founders. Use more cells or fewer movies."
        )
    dealt = rng.permutation(lineages.size) % n_batches
    movie = dealt[lineage]
    spread = checked_spread(shift, "batch_shift", rows.values.shape[1])
    shifts = spread * rng.standard_normal((n_batches, rows.values.shape[1]))
    return replace(rows, movie=movie, values=rows.values + shifts[movie])


def add_noise(
    rows: Rows, noise: float | ArrayLike, rng: int | np.random.Generator | None = None
) -> Rows:
    """Add independent normal errors of this standard deviation, for all or per axis."""
    spread = checked_spread(noise, "noise", rows.values.shape[1])
    error = generator(rng).standard_normal(rows.values.shape)
    return replace(rows, values=rows.values + spread * error)


def miss_frames(
    rows: Rows, chance: float, rng: int | np.random.Generator | None = None
) -> Rows:
    """Drop each row with this chance: gaps in tracks, now and then a whole track."""
    chance = checked_chance(chance, "miss_rate")
    return rows.take(generator(rng).random(rows.track.size) >= chance)


def lose_tracks(
    rows: Rows,
    rate: float,
    frame_interval: float,
    rng: int | np.random.Generator | None = None,
) -> Rows:
    """Lose cells from sight for good, with all their descendants, at a constant rate.

    Parameters
    ----------
    rows
        n rows.
    rate
        Chance per hour, 1/h.
    frame_interval
        Hours between frames.
    rng
        Seed or Generator.
    """
    rate = checked_number(rate, "lost_rate", "1/h")
    tracks, first, own = np.unique(rows.track, return_index=True, return_inverse=True)
    seen = generator(rng).standard_exponential(tracks.size) / max(rate, 1e-300)
    begin = np.full(tracks.size, np.iinfo(np.int64).max)
    np.minimum.at(begin, own, rows.frame)
    hidden = (rows.frame - begin[own]) * frame_interval > seen[own]
    lost = np.bincount(own, hidden, tracks.size) > 0
    # A mother lost after her last frame, before the next one, is lost in it.
    end = np.zeros(tracks.size, dtype=np.int64)
    np.maximum.at(end, own, rows.frame)
    lost |= (end + 1 - begin) * frame_interval > seen
    mother = index_of(rows.parent_track[first], tracks)
    gone = np.zeros(tracks.size, dtype=bool)
    while True:
        later = (mother >= 0) & (lost | gone)[mother]
        if np.array_equal(later, gone):
            break
        gone = later
    return rows.take(~hidden & ~gone[own])


def enter_late(
    rows: Rows,
    spread: float,
    frame_interval: float,
    rng: int | np.random.Generator | None = None,
) -> Rows:
    """Let each lineage come into view at a time uniform between 0 and `spread` (h)."""
    spread = checked_number(spread, "late_entry", "h")
    founders, lineage = np.unique(founder_tracks(rows), return_inverse=True)
    enters = spread * generator(rng).random(founders.size)
    return rows.take(rows.frame * frame_interval >= enters[lineage])


def observe(
    population: Population,
    *,
    noise: float | ArrayLike = 0.0,
    miss_rate: float = 0.0,
    lost_rate: float = 0.0,
    late_entry: float = 0.0,
    swap_rate: float = 0.0,
    n_batches: int = 1,
    batch_shift: float | ArrayLike = 0.0,
    rng: int | np.random.Generator | None = None,
) -> tuple[Rows, np.ndarray]:
    """Observe a population: movies, late entry, loss, missed frames, swaps, noise.

    Returns
    -------
    tuple
        The rows, and the movie of every row of the population.
    """
    rng, interval = generator(rng), population.frame_interval
    rows = split_movies(all_rows(population), n_batches, batch_shift, rng)
    movie = rows.movie
    rows = enter_late(rows, late_entry, interval, rng)
    rows = lose_tracks(rows, lost_rate, interval, rng)
    rows = miss_frames(rows, miss_rate, rng)
    rows = swap_identities(rows, swap_rate, rng)
    return add_noise(rows, noise, rng), movie
