"""Folds and bootstrap weights by lineage: sisters never part."""

import numpy as np

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate.tracks._tracks import Tracks


def lineage_folds(
    tracks: Tracks,
    n_folds: int,
    *,
    stratify: np.ndarray | None = None,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    """Assign every row to a fold, whole lineages at a time.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    n_folds
        Number of folds, at least 2 and at most the number of lineages.
    stratify
        Per row, shape (n,), True for a rare event; lineages with an event are
        spread evenly over the folds.
    rng
        Seed or Generator.

    Returns
    -------
    ndarray
        Fold of each row, shape (n,), values 0..n_folds-1.
    """
    n_folds = integer(n_folds, "n_folds", 2)
    founders, row_lineage = np.unique(tracks.row_lineage, return_inverse=True)
    rare = np.zeros(founders.size, dtype=bool)
    if stratify is not None:
        rare[row_lineage[np.asarray(stratify, dtype=bool)]] = True
    return split(rare, n_folds, rng)[row_lineage]


def split(
    rare: np.ndarray, n_folds: int, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    """Spread m units over folds, those with a rare event evenly; shape (m,).

    Parameters
    ----------
    rare
        Units with an event, shape (m,).
    """
    if rare.size < n_folds:
        raise ValueError(
            f"{n_folds} folds by lineage need at least {n_folds} lineages; found "
            f"{rare.size}. Ask for fewer folds, or for folds=0 to fit and judge "
            "on the same cells."
        )
    shuffled = generator(rng).permutation(rare.size)
    order = shuffled[np.argsort(~rare[shuffled], kind="stable")]
    fold = np.empty(rare.size, dtype=np.int64)
    fold[order] = np.arange(rare.size) % n_folds
    return fold


def lineage_groups(
    tracks: Tracks, most: int, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    """Put lineages at random into at most `most` groups; group of each row, (n,).

    Groups are as independent as lineages are: a bootstrap may draw them instead.
    """
    founders, row_lineage = np.unique(tracks.row_lineage, return_inverse=True)
    group = np.arange(founders.size)
    if founders.size > most:
        group = generator(rng).permutation(founders.size) % most
    return group[row_lineage]


def lineage_weights(
    tracks: Tracks, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    """Draw one bootstrap sample of lineages; return each row's multiplicity (n,).

    Lineages are drawn with replacement, so that the interval covers what the
    dependence of relatives does to an estimate.
    """
    founders, row_lineage = np.unique(tracks.row_lineage, return_inverse=True)
    draws = generator(rng).integers(founders.size, size=founders.size)
    return np.bincount(draws, minlength=founders.size)[row_lineage].astype(float)
