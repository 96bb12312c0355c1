"""Fit a committor to tracks: penalty by lineage folds, cells judged by others' fit."""

from dataclasses import dataclass, replace

import numpy as np

from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate.kinetics._basis import SmoothBasis, smooth_basis
from cellstate.kinetics._committor import (
    CommittorModel,
    Moments,
    fold_moments,
    solve_committor,
    solve_horizon,
)
from cellstate.kinetics._fate import realised_fate
from cellstate.kinetics._result import Committor
from cellstate.kinetics._stopping import StoppedPairs, stopped_pairs
from cellstate.tracks import Tracks, lineage_folds, lineage_weights

# Strengths of the ridge penalty that cross-validation chooses from.
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)
# The basis at all rows is kept when it takes less than this many numbers (400 MB).
KEPT = 50_000_000
# Splits into folds that a cell's committor is averaged over: which lineages happen to
# share a fold should not decide what is said of a cell.
SPLITS = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class _Problem:
    """What stays the same from fit to fit."""

    x: np.ndarray
    tracks: Tracks
    source: np.ndarray
    target: np.ndarray
    unknown: np.ndarray
    target_is_event: bool
    lag_frames: int
    horizon_steps: int | None
    basis: SmoothBasis
    fold: np.ndarray
    phi: np.ndarray | None

    def moments(
        self, pairs: StoppedPairs, row_weight: np.ndarray | None = None
    ) -> Moments:
        return fold_moments(
            self.basis, self.x, pairs, self.fold, row_weight, phi=self.phi
        )

    def at(self, model: CommittorModel, rows: np.ndarray) -> np.ndarray:
        return model(self.x[rows]) if self.phi is None else model.at(self.phi[rows])

    def pairs(self, *, reverse: bool = False) -> StoppedPairs:
        forward = not reverse
        return stopped_pairs(
            self.tracks,
            self.source if forward else self.target,
            self.target if forward else self.source,
            lag_frames=self.lag_frames,
            reverse=reverse,
            target_is_event=self.target_is_event and forward,
            unknown=self.unknown if forward else None,
        )

    def solved(self, moments: Moments, penalty: float) -> CommittorModel:
        if self.horizon_steps is None:
            return solve_committor(self.basis, moments, penalty)
        return solve_horizon(self.basis, moments, penalty, self.horizon_steps)

    def judged(
        self, moments: Moments, penalty: float, *, backward: bool = False
    ) -> tuple[np.ndarray, CommittorModel]:
        """Predict each fold by the others; also fit to all of them."""

        def fit(part: Moments) -> CommittorModel:
            if backward:
                return solve_committor(self.basis, part, penalty)
            return self.solved(part, penalty)

        whole = fit(moments.total())
        q = np.full(len(self.x), np.nan)
        n_folds = len(moments.gram)
        for f in range(n_folds):
            rows = np.flatnonzero(self.fold == f)
            model = whole if n_folds == 1 else fit(moments.without(f))
            q[rows] = self.at(model, rows)
        rest = np.flatnonzero(self.fold < 0)
        q[rest] = self.at(whole, rest)
        return q, whole


def committor_from_tracks(
    x: np.ndarray,
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    *,
    unknown: np.ndarray | None = None,
    target_is_event: bool = False,
    names: tuple[str, str] = ("A", "B"),
    lag_frames: int = 1,
    horizon_frames: int | None = None,
    frame_interval: float = 1.0,
    folds: int = 5,
    n_bootstrap: int = 30,
    penalty: float | None = None,
    n_landmarks: int = 1000,
    fit_rows: np.ndarray | None = None,
    rng: int | np.random.Generator | None = None,
) -> Committor:
    """Fit forward and backward committor by stopped transitions along tracks.

    Parameters
    ----------
    x
        States, shape (n, d), NaN where undefined.
    tracks
        Tracks with the same n rows.
    source, target
        Boolean masks (n,). The source may be empty when there is a horizon.
    unknown
        Rows of which nobody can tell whether they are in B, shape (n,).
    target_is_event
        B is known from the future only; see `stopped_pairs`.
    lag_frames
        Longest step of a stopped transition.
    horizon_frames
        B must be reached within so many frames.
    folds
        Folds by lineage; each cell is judged by the fit to the other folds. 0
        fits and judges on the same cells.
    n_bootstrap
        Refits to lineages drawn with replacement.
    penalty
        Ridge strength; chosen by the Brier score over the folds when None.
    n_landmarks
        Gaussians in the basis.
    fit_rows
        Boolean mask (n,): only these rows are learned from, all are judged.
    rng
        Seed or Generator.
    """
    rng = generator(rng)
    if penalty is not None and not (np.isfinite(penalty) and penalty > 0):
        raise ValueError(f"`penalty` must be a number above 0; found {penalty!r}.")
    defined = np.isfinite(x).all(axis=1)
    fitted = defined if fit_rows is None else defined & fit_rows

    def split() -> np.ndarray:
        fold = np.zeros(len(x), dtype=np.int64)
        if folds:
            fold = lineage_folds(tracks, folds, stratify=target, rng=rng)
        fold[~fitted] = -1
        return fold

    basis = smooth_basis(x[fitted], n_landmarks=n_landmarks, rng=rng)
    first = _Problem(
        x=x,
        tracks=tracks,
        source=source,
        target=target,
        unknown=np.zeros(len(x), bool) if unknown is None else unknown,
        target_is_event=target_is_event,
        lag_frames=1 if horizon_frames is not None else lag_frames,
        horizon_steps=horizon_frames,
        basis=basis,
        fold=split(),
        phi=basis(x) if len(x) * basis.size < KEPT else None,
    )
    problems = [first] + [replace(first, fold=split()) for _ in range(SPLITS - 1)]
    problems = problems if folds else problems[:1]
    pairs = first.pairs()
    _reject_nothing_to_learn(first, pairs)
    moments = [problem.moments(pairs) for problem in problems]
    brier = np.nan
    if penalty is None:
        penalty, brier = _choose_penalty(problems, moments)
    judged = [p.judged(m, penalty) for p, m in zip(problems, moments, strict=True)]
    q, model = _mean([one for one, _ in judged]), judged[0][1]
    replicates = np.full((len(x), n_bootstrap), np.nan, dtype=np.float32)
    for r in progress(range(n_bootstrap), "refitting the committor"):
        problem = replace(first, fold=split()) if folds else first
        resampled = problem.moments(pairs, lineage_weights(tracks, rng))
        replicates[:, r] = _at_the_sets(problem.judged(resampled, penalty)[0], first)
    forward = _at_the_sets(q, first)
    backward, backward_residual = _backward(problems, penalty)
    return Committor(
        forward=forward,
        backward=backward,
        replicates=replicates,
        residual=float(np.nanmax([model.residual, backward_residual])),
        model=model,
        source=names[0],
        target=names[1],
        method="tracks",
        horizon=np.nan if horizon_frames is None else horizon_frames * frame_interval,
        penalty=float(penalty),
        brier=float(brier),
        n_folds=folds,
        n_pairs=int(pairs.start.size),
        n_clipped=int(((q <= 0) | (q >= 1)).sum()),
    )


def _reject_nothing_to_learn(problem: _Problem, pairs: StoppedPairs) -> None:
    learned = problem.fold[pairs.start] >= 0
    if not learned.any():
        raise ValueError(
            "a committor is learned from cells that are followed from one frame to the "
            f"next outside both sets; found none among {problem.tracks.n_rows} rows in "
            f"{problem.tracks.n_tracks} tracks. Link the masks with "
            "cs.pp.track(movie), or choose smaller sets."
        )
    if problem.horizon_steps is None and not pairs.absorbed[learned].any():
        raise ValueError(
            f"none of the {int(learned.sum())} transitions outside both sets enters "
            "one of them, so nothing decides between source and target. Choose larger "
            "sets, or follow the cells longer."
        )


def _choose_penalty(
    problems: list[_Problem], moments: list[Moments]
) -> tuple[float, float]:
    """Take the penalty whose held-out predictions have the lowest Brier score."""
    first = problems[0]
    fate = realised_fate(
        first.tracks,
        first.source,
        first.target,
        unknown=first.unknown,
        horizon_frames=first.horizon_steps,
    )
    judged = np.isfinite(fate) & ~first.source & (first.fold >= 0)
    if not first.target_is_event:
        judged &= ~first.target
    if len(moments[0].gram) == 1 or not judged.any():
        return 1.0, np.nan
    scores = []
    for penalty in PENALTIES:
        q = _mean(
            [p.judged(m, penalty)[0] for p, m in zip(problems, moments, strict=True)]
        )
        error = (q[judged] - fate[judged]) ** 2
        scores.append(np.mean(error[np.isfinite(error)]) if error.size else np.nan)
    best = int(np.argmin(scores))
    return PENALTIES[best], float(scores[best])


def _mean(predictions: list[np.ndarray]) -> np.ndarray:
    """Mean over the splits that have a prediction; NaN where none has."""
    stacked = np.stack(predictions)
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _at_the_sets(q: np.ndarray, problem: _Problem) -> np.ndarray:
    """Set what holds by definition: 0 in A, and 1 in B if the state shows B."""
    q = np.where(problem.source, 0.0, q)
    return q if problem.target_is_event else np.where(problem.target, 1.0, q)


def _backward(problems: list[_Problem], penalty: float) -> tuple[np.ndarray, float]:
    """Chance that A, not B, was the last set met; solved apart, never 1 - q."""
    first = problems[0]
    if first.horizon_steps is not None or not first.source.any():
        return np.full(len(first.x), np.nan), 0.0
    pairs = first.pairs(reverse=True)
    judged = [p.judged(p.moments(pairs), penalty, backward=True) for p in problems]
    q = _mean([one for one, _ in judged])
    q = np.where(first.source, 1.0, np.where(first.target, 0.0, q))
    return q, judged[0][1].residual
