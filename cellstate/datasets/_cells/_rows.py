"""Cells as observed: the rows that observation takes and returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate.datasets._cells._population import Population

NO_PARENT = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """Cells as observed, one row per cell and frame.

    Attributes
    ----------
    movie
        Number of the movie, from 0, shape (n,).
    track, parent_track
        Observed identity and mother, -1 for none, shape (n,).
    frame
        Shape (n,).
    values
        Observed state, shape (n, d).
    cell
        Row of the population that each row shows, shape (n,).
    """

    movie: np.ndarray
    track: np.ndarray
    parent_track: np.ndarray
    frame: np.ndarray
    values: np.ndarray
    cell: np.ndarray

    def take(self, which: np.ndarray) -> "Rows":
        """Rows of a mask; daughters of mothers that are gone become founders."""
        kept = {k: getattr(self, k)[which] for k in self.__dataclass_fields__}
        orphan = ~np.isin(kept["parent_track"], kept["track"])
        kept["parent_track"] = np.where(orphan, NO_PARENT, kept["parent_track"])
        return Rows(**kept)


def all_rows(population: Population) -> Rows:
    """Every true cell, seen as it is, in one movie.

    Track numbers are those of the truth until identities are swapped.
    """
    n = population.track.size
    return Rows(
        movie=np.zeros(n, dtype=np.int64),
        track=population.track,
        parent_track=population.parent_track,
        frame=population.frame,
        values=population.state,
        cell=np.arange(n),
    )


def founder_tracks(rows: Rows) -> np.ndarray:
    """Track of each row's founder, shape (n,)."""
    tracks, first, own = np.unique(rows.track, return_index=True, return_inverse=True)
    up = index_of(rows.parent_track[first], tracks)
    founder = np.where(up >= 0, up, np.arange(tracks.size))
    while (up[founder] >= 0).any():
        founder = np.where(up[founder] >= 0, up[founder], founder)
    return tracks[founder[own]]


def index_of(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Place of each value in a sorted array, -1 where it is not there."""
    place = np.minimum(np.searchsorted(among, values), among.size - 1)
    return np.where(among[place] == values, place, -1)


def checked_chance(value: float, name: str) -> float:
    """Check a chance at the door."""
    if np.ndim(value) or not 0 <= float(value) < 1:
        raise ValueError(
            f"`{name}` is a chance from 0 to below 1, per cell and frame; found "
            f"{value!r}."
        )
    return float(value)


def checked_number(value: float, name: str, unit: str) -> float:
    """Check a number that may be 0 at the door."""
    if np.ndim(value) or not 0 <= float(value) < np.inf:
        raise ValueError(f"`{name}` ({unit}) is a number >= 0; found {value!r}.")
    return float(value)


def checked_spread(value: float | ArrayLike, name: str, d: int) -> np.ndarray:
    """Check a standard deviation for all d axes or one per axis."""
    values = np.asarray(value, dtype=float)
    good = np.isfinite(values).all() and (values >= 0).all()
    if values.shape not in ((), (d,)) or not good:
        raise ValueError(
            f"`{name}` is a standard deviation >= 0, one number or one per axis ({d}); "
            f"found {value!r}."
        )
    return values
