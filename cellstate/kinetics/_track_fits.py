"""What all fits to one set of tracks share: basis, lineage folds, bootstrap draws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from cellstate.kinetics._held_out import SPLITS, HeldOut, Judged
from cellstate.kinetics._metric import FEW, PILOT, sensitivity
from cellstate.kinetics._moments import Evaluate, divisions_of, evaluator
from cellstate.kinetics._sets import Sets
from cellstate.kinetics._stopping import StoppedPairs
from cellstate.kinetics._sums import fold_sums, n_groups_for
from cellstate.statespace._smooth_basis import SmoothBasis, smooth_basis
from cellstate.tracks import Tracks, lineage_groups

# Strengths of the ridge penalty that cross-validation chooses from.
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)
# Rows by which the strength of the penalty is chosen, at most.
CHOOSING = 100_000
# Lineages per coordinate that a metric needs: it is made from all of them, those that
# are judged too, and must not remember any.
LINEAGES = 10
# Penalties, and rows at most, by which a metric is judged.
TRIED, JUDGED = (0.1, 1.0, 10.0), 20_000


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
        first: Callable[[Self], list[Judged]] | None = None,
        outcome: np.ndarray | None = None,
        *,
        fit_rows: np.ndarray | None = None,
        n_landmarks: int | None,
        folds: int,
        n_bootstrap: int,
        rng: np.random.Generator,
    ) -> Self:
        """Choose the basis; spread the lineages with `rare` rows over the folds.

        The basis need not resolve what is `inside` the sets, where nothing is solved
        for. In more than three coordinates `first` is asked what will be fitted; a
        rough fit tells along which directions the basis should resolve, if that
        predicts the `outcome` (n,) of other lineages better.
        """
        about = {"fit_rows": fit_rows, "rng": rng}
        metric = None
        founders = np.unique(tracks.row_lineage[learnable(x, fit_rows)]).size
        enough = founders >= LINEAGES * x.shape[1]
        if x.shape[1] > FEW and enough and first is not None:
            metric = cls._metric(x, tracks, inside, first, outcome, fit_rows, rng)
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
    def _metric(
        cls,
        x: np.ndarray,
        tracks: Tracks,
        inside: np.ndarray,
        first: Callable[[Self], list[Judged]],
        outcome: np.ndarray,
        fit_rows: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray | None:
        """Directions that matter, or None: what half of the lineages say of the other.

        A metric of few data follows their accidents. It is taken if it lowers the
        squared error by more than a standard error over lineages.
        """
        learned = learnable(x, fit_rows)
        rough = {"n_landmarks": PILOT, "folds": 0, "n_bootstrap": 0, "rng": rng}

        def fitted(rows: np.ndarray, metric: np.ndarray | None) -> list[Judged]:
            return first(
                cls._with_basis(
                    x, tracks, inside, inside, metric, fit_rows=rows, **rough
                )
            )

        def found(rows: np.ndarray, plain: list[Judged]) -> np.ndarray:
            nowhere = np.zeros(0, dtype=int)
            models = [one.judge(1.0, nowhere)[1] for one in plain]
            return sensitivity(models, x[rows & ~inside], rng)

        half = lineage_groups(tracks, 2, rng)
        gain, of = [], []
        for part in range(int(half.max()) + 1):
            train = learned & (half == part)
            asked = np.flatnonzero(
                learned & (half != part) & ~inside & np.isfinite(outcome)
            )
            asked = asked[rng.permutation(asked.size)[:JUDGED]]
            if not (train & ~inside).any() or not asked.size:
                return None
            plain = fitted(train, None)
            bent = fitted(train, found(train, plain))
            lost = [
                _least_error(one[0].judge_each(TRIED, asked), outcome[asked])
                for one in (plain, bent)
            ]
            gain.append(lost[0] - lost[1])
            of.append(tracks.row_lineage[asked])
        if not _clearly_positive(np.concatenate(gain), np.concatenate(of)):
            return None
        return found(learned, fitted(learned, None))

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
        fate = sets.fate(self.tracks, fits.horizon)
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


def _least_error(predicted: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Squared errors of the best of several penalties, (r,)."""
    error = np.nan_to_num((predicted - outcome[:, None]) ** 2, nan=1.0)
    return error[:, np.argmin(error.mean(axis=0))]


def _clearly_positive(gain: np.ndarray, lineage: np.ndarray) -> bool:
    """Whether a sum over rows is above 0 by more than its standard error."""
    each = np.bincount(lineage, gain)
    return bool(each.sum() > np.sqrt((each**2).sum()))
