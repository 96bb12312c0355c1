"""Each cell is judged by fits that have not seen its lineage."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from cellstate._base.progress import progress
from cellstate.kinetics._committor import (
    CommittorModel,
    Moments,
    solve_committor,
    solve_horizon,
    solve_time,
)
from cellstate.kinetics._descendants import solve_any, solve_any_within
from cellstate.kinetics._moments import Divisions, Evaluate, predictions
from cellstate.kinetics._sums import FoldSums
from cellstate.statespace._smooth_basis import SmoothBasis
from cellstate.tracks import split

# Splits into folds that a cell's committor is averaged over: which lineages happen to
# share a fold should not decide what is said of a cell.
SPLITS = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOut:
    """Which group of lineages is in which fold, in every split and every refit.

    Attributes
    ----------
    group
        Group of each row, shape (n,).
    seen
        Groups that are learned from, shape (G,).
    n_folds
        0 when cells are judged by the fit to all.
    splits
        Fold of each group, shape (S, G).
    refits
        The same for the bootstrap, shape (R, G).
    draws
        How often each group was drawn, shape (R, G).
    """

    group: np.ndarray
    seen: np.ndarray
    n_folds: int
    splits: np.ndarray
    refits: np.ndarray
    draws: np.ndarray

    @classmethod
    def draw(
        cls,
        group: np.ndarray,
        learned: np.ndarray,
        target: np.ndarray,
        *,
        folds: int,
        n_splits: int,
        n_bootstrap: int,
        rng: np.random.Generator,
    ) -> Self:
        """Split lineages into folds, those that reach B evenly; draw the bootstrap."""
        size = int(group.max()) + 1
        rare, seen = np.zeros(size, bool), np.zeros(size, bool)
        rare[group[target]] = True
        seen[group[learned]] = True

        def some(n: int) -> np.ndarray:
            if not folds:
                return np.zeros((n, size), dtype=np.int64)
            drawn = [split(rare, folds, rng) for _ in range(n)]
            return np.array(drawn, dtype=np.int64).reshape(n, size)

        return cls(
            group=group,
            seen=seen,
            n_folds=folds,
            splits=some(n_splits if folds else 1),
            refits=some(n_bootstrap),
            draws=rng.multinomial(size, np.full(size, 1 / size), size=n_bootstrap),
        )

    def judges(self, folds: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Member that judges each row: its fold's, or the fit to all, (m, r)."""
        group = self.group[rows]
        return np.where(self.seen[group], folds[:, group], self.n_folds)


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """Fits to all but one fold, for every fold, split and refit.

    Attributes
    ----------
    basis, evaluate, known
        Functions of the state, their values at rows, rows with a state.
    held_out
        Folds of lineages.
    sums, divisions
        What the fits are made from.
    horizon
        Steps within which B must be met; None for no limit.
    ceiling
        1 for a chance.
    """

    basis: SmoothBasis
    evaluate: Evaluate
    known: np.ndarray
    held_out: HeldOut
    sums: FoldSums
    divisions: Divisions | None
    horizon: int | None
    ceiling: float

    def solve(
        self, moments: Moments, weight: np.ndarray, penalty: float
    ) -> CommittorModel:
        """Fit to sums over groups of these weights (G,)."""
        if self.divisions is not None:
            about = (self.basis, moments, self.divisions, weight, penalty)
            if self.horizon is None:
                return solve_any(*about)
            return solve_any_within(*about, self.horizon)
        if self.horizon is None:
            return solve_committor(self.basis, moments, penalty, ceiling=self.ceiling)
        return solve_horizon(
            self.basis, moments, penalty, self.horizon, ceiling=self.ceiling
        )

    @property
    def n_parts(self) -> int:
        """Parts that sums are made for: the folds, or one of all."""
        return max(self.held_out.n_folds, 1)

    def members(
        self, parts: Moments, weight: np.ndarray, fold: np.ndarray, penalty: float
    ) -> list[CommittorModel]:
        """Fits without each fold, then the fit to all."""
        kept = 1 - np.eye(self.n_parts)
        models = [
            self.solve(parts.weighted(kept[f]), weight * (fold != f), penalty)
            for f in range(self.held_out.n_folds)
        ]
        whole = parts.weighted(np.ones(self.n_parts))
        return [*models, self.solve(whole, weight, penalty)]

    def members_of_splits(self, penalty: float) -> list[list[CommittorModel]]:
        """Fits without each fold and to all, for every split."""
        splits = self.held_out.splits
        ones = np.ones(splits.shape[1])
        return [
            self.members(self.sums.of(ones, fold, self.n_parts), ones, fold, penalty)
            for fold in splits
        ]

    def times_of_splits(self, penalty: float) -> list[list[CommittorModel]]:
        """The same of the mean number of frames until A or B is met."""
        kept = np.vstack([1 - np.eye(self.n_parts), np.ones(self.n_parts)])
        kept = kept if self.held_out.n_folds else kept[-1:]
        found = []
        for fold in self.held_out.splits:
            parts = self.sums.of(np.ones(fold.size), fold, self.n_parts)
            found.append(
                [solve_time(self.basis, parts.weighted(k), penalty) for k in kept]
            )
        return found

    def judge(
        self, penalty: float, rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, CommittorModel]:
        """Predict rows (all by default), averaged over splits; and the fit to all."""
        fitted = self.members_of_splits(penalty)
        return self.predict([fitted], rows)[0], fitted[0][-1]

    def judge_each(self, penalties: tuple[float, ...], rows: np.ndarray) -> np.ndarray:
        """Predict rows with each penalty, (r, len(penalties))."""
        asked = [self.members_of_splits(penalty) for penalty in penalties]
        return np.stack(self.predict(asked, rows), axis=1)

    def predict(
        self, asked: list[list[list[CommittorModel]]], rows: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """Predict rows by several fits in one pass over the states; each (r,).

        Parameters
        ----------
        asked
            Of each fit its members for every split.
        rows
            All when None.
        """
        rows = np.arange(len(self.known)) if rows is None else rows
        splits = np.tile(self.held_out.splits, (len(asked), 1))
        values = self._predict([m for one in asked for m in one], splits, rows)
        parts = np.split(values, len(asked), axis=1)
        return [_mean(part) for part in parts]

    def replicates(self, penalty: float) -> np.ndarray:
        """Predict all rows by refits to lineages drawn with replacement, (n, R)."""
        rows = np.arange(len(self.known))
        folds, draws = self.held_out.refits, self.held_out.draws
        if not len(draws):
            return np.zeros((rows.size, 0))
        fitted = []
        for r in progress(range(len(draws)), "refitting the committor"):
            drawn = draws[r].astype(float)
            parts = self.sums.of(drawn, folds[r], self.n_parts)
            fitted.append(self.members(parts, drawn, folds[r], penalty))
        return self._predict(fitted, folds, rows)

    def _predict(
        self, fitted: list[list[CommittorModel]], folds: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        coefficients = np.array([[m.coefficients for m in one] for one in fitted])
        values = np.full((rows.size, len(fitted)), np.nan)
        known = np.flatnonzero(self.known[rows])
        values[known] = predictions(
            self.evaluate,
            rows[known],
            coefficients,
            self.held_out.judges(folds, rows[known]),
        )
        return np.clip(values, 0, [one[0].ceiling for one in fitted])


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the splits that have a prediction; NaN where none has."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
