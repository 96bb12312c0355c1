"""What all fits to one set of tracks share: basis, lineage folds, bootstrap draws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from cellstate.kinetics._basis import SmoothBasis, smooth_basis
from cellstate.kinetics._fate import realised_fate
from cellstate.kinetics._held_out import SPLITS, HeldOut, Judged
from cellstate.kinetics._metric import FEW, PILOT, sensitivity
from cellstate.kinetics._moments import Evaluate, divisions_of, evaluator
from cellstate.kinetics._sets import Sets
from cellstate.kinetics._stopping import StoppedPairs
from cellstate.kinetics._sums import fold_sums, n_groups_for
from cellstate.tracks import Tracks, lineage_groups

# Strengths of the ridge penalty that cross-validation chooses from.
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)
# Rows by which the strength of the penalty is chosen, at most.
CHOOSING = 100_000


def learnable(x: np.ndarray, fit_rows: np.ndarray | None) -> np.ndarray:
    """Rows with a state, of those that may be learned from, shape (n,)."""
    known = np.isfinite(x).all(axis=1)
    return known if fit_rows is None else known & fit_rows


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackFits:
    """Basis of the states, folds of the lineages, and draws of the bootstrap.

    Attributes
    ----------
    tracks, known, learned
        Tracks with n rows; rows with a state; those that are learned from.
    basis, evaluate
        Functions of the state, and their values at rows.
    group, n_groups
        Group of lineages of each row, (n,).
    held_out
        Folds and draws of the groups.
    """

    tracks: Tracks
    known: np.ndarray
    learned: np.ndarray
    basis: SmoothBasis
    evaluate: Evaluate
    group: np.ndarray
    n_groups: int
    held_out: HeldOut

    @classmethod
    def prepare(
        cls,
        x: np.ndarray,
        tracks: Tracks,
        rare: np.ndarray,
        inside: np.ndarray,
        first: Callable[[Self], list[Judged]],
        *,
        fit_rows: np.ndarray | None = None,
        n_landmarks: int | None,
        folds: int,
        n_bootstrap: int,
        rng: np.random.Generator,
    ) -> Self:
        """Choose the basis; spread the lineages with `rare` rows over the folds.

        The basis need not resolve what is `inside` the sets, where nothing is solved
        for. In more than three coordinates `first` is asked what will be fitted: a
        rough fit of it tells along which directions the basis has to resolve.
        """
        about = {"fit_rows": fit_rows, "rng": rng}
        metric = None
        if x.shape[1] > FEW:
            rough = {"n_landmarks": PILOT, "folds": 0, "n_bootstrap": 0}
            pilot = cls._with_basis(x, tracks, rare, inside, None, **rough, **about)
            nowhere = np.zeros(0, dtype=int)
            models = [one.judge(1.0, nowhere)[1] for one in first(pilot)]
            metric = sensitivity(models, x[pilot.learned & ~inside], rng)
        return cls._with_basis(
            x,
            tracks,
            rare,
            inside,
            metric,
            n_landmarks=n_landmarks,
            folds=folds,
            n_bootstrap=n_bootstrap,
            **about,
        )

    @classmethod
    def _with_basis(
        cls,
        x: np.ndarray,
        tracks: Tracks,
        rare: np.ndarray,
        inside: np.ndarray,
        metric: np.ndarray | None,
        *,
        fit_rows: np.ndarray | None,
        n_landmarks: int | None,
        folds: int,
        n_bootstrap: int,
        rng: np.random.Generator,
    ) -> Self:
        known = np.isfinite(x).all(axis=1)
        learned = learnable(x, fit_rows)
        basis = smooth_basis(
            x[learned & ~inside], n_landmarks=n_landmarks, metric=metric, rng=rng
        )
        n_groups = n_groups_for(basis, len(x), tracks)
        group = lineage_groups(tracks, n_groups, rng)
        held_out = HeldOut.draw(
            group,
            learned,
            rare,
            folds=folds,
            n_splits=SPLITS if len(x) <= CHOOSING else 1,
            n_bootstrap=n_bootstrap,
            rng=rng,
        )
        return cls(
            tracks=tracks,
            known=known,
            learned=learned,
            basis=basis,
            evaluate=evaluator(basis, x),
            group=group,
            n_groups=n_groups,
            held_out=held_out,
        )

    def to(
        self,
        pairs: StoppedPairs,
        *,
        horizon: int | None = None,
        any_descendant: bool = False,
        ceiling: float = 1.0,
    ) -> Judged:
        """Fits to stopped transitions."""
        group = np.where(self.learned, self.group, -1)
        divided = None
        if any_descendant:
            divided = divisions_of(self.evaluate, pairs, self.known, group)
        sums = fold_sums(
            self.evaluate, self.basis.size, pairs, self.known, group, self.n_groups
        )
        return Judged(
            basis=self.basis,
            evaluate=self.evaluate,
            known=self.known,
            held_out=self.held_out,
            sums=sums,
            divisions=divided,
            horizon=horizon,
            ceiling=ceiling,
        )

    def choose_penalty(
        self, fits: Judged, sets: Sets, rng: np.random.Generator
    ) -> tuple[float, float]:
        """Take the penalty whose held-out predictions have the lowest Brier score."""
        fate = realised_fate(
            self.tracks,
            sets.source,
            sets.target,
            unknown=sets.unknown,
            horizon_frames=fits.horizon,
        )
        judged = np.isfinite(fate) & ~sets.source & self.learned
        if not sets.target_is_event:
            judged &= ~sets.target
        rows = np.flatnonzero(judged)
        if not self.held_out.n_folds or not rows.size:
            return 1.0, np.nan
        if rows.size > CHOOSING:
            rows = np.sort(rng.choice(rows, CHOOSING, replace=False))
        predicted = fits.judge_each(PENALTIES, rows)
        error = (predicted - fate[rows][:, None]) ** 2
        defined = np.isfinite(error).all(axis=1)
        if not defined.any():
            return 1.0, np.nan
        scores = error[defined].mean(axis=0)
        best = int(np.argmin(scores))
        return PENALTIES[best], float(scores[best])
