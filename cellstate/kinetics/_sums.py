"""Sums over stopped pairs for any choice of lineages, without a pass for each."""

from dataclasses import dataclass

import numpy as np

from cellstate.kinetics._committor import Moments
from cellstate.kinetics._moments import KEPT, Evaluate, sum_moments
from cellstate.kinetics._stopping import StoppedPairs
from cellstate.statespace._smooth_basis import SmoothBasis
from cellstate.tracks import Tracks

# Numbers that the sums of all groups may take (400 MB), and groups at most: an
# interval from 200 independent units is not made better by more of them.
SUMS, MOST_GROUPS, FEWEST_GROUPS = 50_000_000, 200, 20


def n_groups_for(basis: SmoothBasis, n: int, tracks: Tracks) -> int:
    """Groups of lineages that can be summed apart."""
    lineages = np.unique(tracks.row_lineage).size
    room = max(FEWEST_GROUPS, min(MOST_GROUPS, SUMS // (2 * basis.size**2)))
    if room >= min(lineages, MOST_GROUPS) or n * basis.size >= KEPT:
        return min(lineages, room)
    return lineages  # summed anew from the basis that is kept in memory


@dataclass(frozen=True, eq=False, kw_only=True)
class FoldSums:
    """Sums over pairs of weighted groups of lineages.

    Attributes
    ----------
    evaluate, size
        The basis at rows, and its number of functions.
    pairs, known
        Stopped pairs; rows with a defined state (n,).
    group, n_groups
        Group of each row (n,), -1 for rows that are not learned from.
    stored
        The sums of each group; None where they are made anew each time.
    """

    evaluate: Evaluate
    size: int
    pairs: StoppedPairs
    known: np.ndarray
    group: np.ndarray
    n_groups: int
    stored: Moments | None

    def of(self, weight: np.ndarray, fold: np.ndarray, n_folds: int) -> Moments:
        """Sums of each fold, (n_folds, ...); weight and fold of each group, (G,)."""
        if self.stored is not None:
            table = np.zeros((n_folds, self.n_groups))
            table[fold, np.arange(self.n_groups)] = weight
            return self.stored.weighted(table)
        learned = self.group >= 0
        folds = np.where(learned, fold[self.group], -1)
        weights = np.where(learned, weight[self.group], 0.0)
        sums = sum_moments(
            self.evaluate, self.size, self.pairs, self.known, folds, weights
        )
        missing = n_folds - len(sums.gram)
        return sums.padded(missing) if missing else sums


def fold_sums(
    evaluate: Evaluate,
    size: int,
    pairs: StoppedPairs,
    known: np.ndarray,
    group: np.ndarray,
    n_groups: int,
) -> FoldSums:
    """Sum each group once if there is room for it; see `FoldSums`."""
    stored = None
    if 2 * n_groups * size**2 <= 2 * SUMS:
        stored = sum_moments(evaluate, size, pairs, known, group)
        stored = stored.padded(n_groups - len(stored.gram))
    return FoldSums(
        evaluate=evaluate,
        size=size,
        pairs=pairs,
        known=known,
        group=group,
        n_groups=n_groups,
        stored=stored,
    )
