"""Weights for fates that were seen, in the place of those that were cut off."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.results import frozen
from cellstate.kinetics._fate import FatePaths

# A weight above this would let a handful of cells speak for all that were lost.
MAX_WEIGHT = 20.0


@dataclass(frozen=True, eq=False, kw_only=True)
class WeightedFates:
    """The fate of each row, and how many rows it stands for.

    Attributes
    ----------
    outcome
        Share of the row's decided paths that met B, shape (n,); NaN where none was
        decided or the row was not followed.
    weight
        Inverse of the chance that so long a path is seen to its end, shape (n,); 0
        where `outcome` is NaN. A mother with one daughter cut off has the weight of
        the other's path.
    decided
        Share of the rows followed whose fate the longest watched paths let us know,
        by Kaplan and Meier. Below 1 the fates that take longest were never seen, and
        no weight can stand for them.
    n_bounded
        Paths whose weight was cut at `MAX_WEIGHT`.
    """

    outcome: np.ndarray
    weight: np.ndarray
    decided: float
    n_bounded: int


def weighted_fates(paths: FatePaths, strata: np.ndarray | None = None) -> WeightedFates:
    r"""Weight decided fates by the inverse probability of being watched so long.

    To drop the cells that were cut off favours fast fates: a path of t frames is seen
    to its end only if the cell stays in view for t frames. With G(t) the chance to be
    in view for longer than t, estimated by Kaplan and Meier with censoring as the
    event, a fate decided after t frames counts 1 / G(t).

    Parameters
    ----------
    paths
        Of `fate_paths`.
    strata
        Integer group of each row, shape (n,), values 0, 1 ...; G is estimated for
        each group of start rows apart. One group when None.

    Returns
    -------
    WeightedFates

    Notes
    -----
    Right if, within a group, being cut off has nothing to do with the fate to come.
    Cells that are lost *because* they are about to change are beyond any such weight.

    References
    ----------
    Graf, Schmoor, Sauerbrei, Schumacher, Stat. Med. 18 (1999) 2529. Robins,
    Finkelstein, Biometrics 56 (2000) 779.

    Examples
    --------
    Of four cells one is lost before the second frame; the cell decided after it
    stands for her too, and the weights add up to four.

    >>> paths = FatePaths(
    ...     start=np.arange(4), weight=np.ones(4), elapsed=np.array([1, 2, 2, 3]),
    ...     value=np.array([0.0, np.nan, 1.0, 1.0]), n_rows=4)
    >>> weighted_fates(paths).weight
    array([1. , 0. , 1.5, 1.5])
    """
    groups = np.zeros(paths.n_rows, np.int64) if strata is None else np.asarray(strata)
    group = groups[paths.start]
    shape = (
        int(groups.max(initial=0)) + 1,
        int(paths.elapsed.max(initial=0)) + 1,
    )
    cut = _table(group, paths.elapsed, paths.weight * paths.cut_off, shape)
    ended = _table(group, paths.elapsed, paths.weight, shape)
    # At risk of being lost in a frame are all that had not ended before it.
    at_risk = ended[:, ::-1].cumsum(axis=1)[:, ::-1]
    in_view = _survival(cut, at_risk)
    # Of those in view, decisions are what ends a path.
    watched = at_risk - cut
    undecided = _survival(ended - cut, watched)
    chance = in_view[group, paths.elapsed]
    seen = ~paths.cut_off
    rarely = seen & (chance < 1 / MAX_WEIGHT)
    worth = np.where(seen, paths.weight / np.maximum(chance, 1 / MAX_WEIGHT), 0.0)
    total = np.bincount(paths.start, worth, paths.n_rows)
    hits = np.bincount(paths.start, worth * np.nan_to_num(paths.value), paths.n_rows)
    outcome = np.divide(hits, total, out=np.full(total.shape, np.nan), where=total > 0)
    return WeightedFates(
        outcome=frozen(outcome),
        weight=frozen(total),
        decided=float(_mean_by_group(1 - undecided[:, -1], at_risk[:, 0])),
        n_bounded=int(rarely.sum()),
    )


def _table(
    group: np.ndarray, elapsed: np.ndarray, weight: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Sum weights by group and frames elapsed."""
    flat = np.bincount(group * shape[1] + elapsed, weight, shape[0] * shape[1])
    return flat.reshape(shape)


def _survival(events: np.ndarray, at_risk: np.ndarray) -> np.ndarray:
    """Kaplan-Meier chance to have had no event up to each frame, by group."""
    hazard = np.divide(events, at_risk, out=np.zeros(events.shape), where=at_risk > 0)
    return np.cumprod(np.clip(1 - hazard, 0, 1), axis=1)


def _mean_by_group(values: np.ndarray, sizes: np.ndarray) -> float:
    return float(values @ sizes / sizes.sum()) if sizes.sum() > 0 else np.nan
