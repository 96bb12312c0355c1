"""Fit a committor to tracks: penalty by lineage folds, cells judged by others' fit."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.random import generator
from cellstate.kinetics._basis import smooth_basis
from cellstate.kinetics._fate import realised_fate
from cellstate.kinetics._held_out import SPLITS, HeldOut, Judged
from cellstate.kinetics._moments import divisions_of, evaluator
from cellstate.kinetics._result import REASONS, Committor
from cellstate.kinetics._stopping import Crossings, StoppedPairs, stopped_pairs
from cellstate.kinetics._sums import fold_sums, n_groups_for
from cellstate.tracks import Tracks, lineage_groups

# Strengths of the ridge penalty that cross-validation chooses from.
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)
# Rows by which the strength of the penalty is chosen, at most.
CHOOSING = 100_000
DIVISIONS = ("random", "mass", "any")


@dataclass(frozen=True, eq=False, kw_only=True)
class Sets:
    """The two sets between which cells go, and what is known of their edges.

    Attributes
    ----------
    source, target
        Boolean masks (n,) of A and B.
    unknown
        Rows of which nobody can tell whether they are in B, shape (n,).
    target_is_event
        B is known from the future only (the last frames before a division).
    dies
        Last rows of cells that die, shape (n,); None when no death was seen.
    """

    source: np.ndarray
    target: np.ndarray
    unknown: np.ndarray | None = None
    target_is_event: bool = False
    dies: np.ndarray | None = None

    def forward(
        self,
        tracks: Tracks,
        lag_frames: int,
        division: str,
        crossings: Crossings | None,
    ) -> StoppedPairs:
        """Pairs into the future."""
        return stopped_pairs(
            tracks,
            self.source,
            self.target,
            lag_frames=lag_frames,
            target_is_event=self.target_is_event,
            unknown=self.unknown,
            descendants=division != "random",
            dies=self.dies,
            crossings=crossings,
        )

    def backward(
        self, tracks: Tracks, lag_frames: int, crossings: Crossings | None
    ) -> StoppedPairs:
        """Pairs into the past, where A is what is sought."""
        return stopped_pairs(
            tracks,
            self.target,
            self.source,
            lag_frames=lag_frames,
            reverse=True,
            crossings=None if crossings is None else crossings.reversed_for(tracks),
        )

    def at_the_sets(self, q: np.ndarray) -> np.ndarray:
        """Set what holds by definition: 0 in A, and 1 in B if the state shows B."""
        q = np.where(self.source, 0.0, q)
        return q if self.target_is_event else np.where(self.target, 1.0, q)


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
    division: str = "random",
    dies: np.ndarray | None = None,
    crossings: Crossings | None = None,
    folds: int = 5,
    n_bootstrap: int = 30,
    penalty: float | None = None,
    n_landmarks: int | None = None,
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
        Longest step of a stopped transition; 1 with a horizon or "any".
    horizon_frames
        B must be reached within so many frames.
    division
        "random": one daughter is followed at random; "mass": the expected number of
        descendants that reach B before A; "any": the chance that at least one does.
    dies
        Last rows of cells that die, shape (n,): they never reach B.
    crossings
        Chances of visits to A and B between frames, of `hidden_crossings`.
    folds
        Folds by lineage; each cell is judged by the fit to the other folds. 0
        fits and judges on the same cells.
    n_bootstrap
        Refits to lineages drawn with replacement.
    penalty
        Ridge strength; chosen by the Brier score over the folds when None (of a
        daughter followed at random, whatever `division` is).
    n_landmarks
        Gaussians in the basis; see `smooth_basis`.
    fit_rows
        Boolean mask (n,): only these rows are learned from, all are judged.
    rng
        Seed or Generator.
    """
    rng = generator(rng)
    if penalty is not None and not (np.isfinite(penalty) and penalty > 0):
        raise ValueError(f"`penalty` must be a number above 0; found {penalty!r}.")
    known = np.isfinite(x).all(axis=1)
    learned = known if fit_rows is None else known & fit_rows
    sets = Sets(
        source=source,
        target=target,
        unknown=unknown,
        target_is_event=target_is_event,
        dies=dies,
    )
    pairs = sets.forward(tracks, lag_frames, division, crossings)
    _reject_nothing_to_learn(tracks, pairs, learned, horizon_frames)
    basis = smooth_basis(x[learned], n_landmarks=n_landmarks, rng=rng)
    n_groups = n_groups_for(basis, len(x), tracks)
    group = lineage_groups(tracks, n_groups, rng)
    evaluate = evaluator(basis, x)
    held_out = HeldOut.draw(
        group,
        learned,
        target,
        folds=folds,
        n_splits=SPLITS if len(x) <= CHOOSING else 1,
        n_bootstrap=n_bootstrap,
        rng=rng,
    )

    def fits(pairs: StoppedPairs, kind: str, horizon: int | None) -> Judged:
        fitted_group = np.where(learned, group, -1)
        divided = None
        if kind == "any":
            divided = divisions_of(evaluate, pairs, known, fitted_group)
        return Judged(
            basis=basis,
            evaluate=evaluate,
            known=known,
            held_out=held_out,
            sums=fold_sums(evaluate, basis.size, pairs, known, fitted_group, n_groups),
            divisions=divided,
            horizon=horizon,
            ceiling=np.inf if kind == "mass" else 1.0,
        )

    forward = fits(pairs, division, horizon_frames)
    brier = np.nan
    if penalty is None:
        one = forward
        if division != "random":
            single = sets.forward(tracks, lag_frames, "random", crossings)
            one = fits(single, "random", horizon_frames)
        penalty, brier = _choose_penalty(one, sets, tracks, learned, rng)
    q, model = forward.judge(penalty)
    replicates = forward.replicates(penalty)
    replicates = sets.at_the_sets(replicates.T).T.astype(np.float32)
    q_back, back_residual = np.full(len(x), np.nan), 0.0
    if horizon_frames is None and source.any():
        past = fits(sets.backward(tracks, lag_frames, crossings), "random", None)
        q_back, back = past.judge(penalty)
        q_back = np.where(source, 1.0, np.where(target, 0.0, q_back))
        back_residual = back.residual
    result = sets.at_the_sets(q)
    return Committor(
        forward=result,
        backward=q_back,
        reason=_reasons(result, known),
        replicates=replicates,
        residual=float(np.nanmax([model.residual, back_residual])),
        model=model,
        source=names[0],
        target=names[1],
        method="tracks",
        division=division,
        horizon=np.nan if horizon_frames is None else horizon_frames * frame_interval,
        penalty=float(penalty),
        brier=float(brier),
        n_folds=folds,
        n_pairs=int(pairs.start.size),
        n_clipped=int(((q <= 0) | (q >= model.ceiling)).sum()),
    )


def _reasons(q: np.ndarray, known: np.ndarray) -> np.ndarray:
    missing = np.isnan(q)
    if not missing.any():
        return np.zeros(0, dtype=np.int8)
    undefined = REASONS.index("the state is undefined")
    unseen = REASONS.index("no transition was seen near this state")
    return np.where(missing, np.where(known, unseen, undefined), 0).astype(np.int8)


def _reject_nothing_to_learn(
    tracks: Tracks, pairs: StoppedPairs, learned: np.ndarray, horizon: int | None
) -> None:
    chosen = learned[pairs.start]
    if not chosen.any():
        raise ValueError(
            "a committor is learned from cells that are followed from one frame to the "
            f"next outside both sets; found none among {tracks.n_rows} rows in "
            f"{tracks.n_tracks} tracks. Link the masks with "
            "cs.pp.track(movie), or choose smaller sets."
        )
    if horizon is None and not pairs.absorbed[chosen].any():
        raise ValueError(
            f"none of the {int(chosen.sum())} transitions outside both sets enters "
            "one of them, so nothing decides between source and target. Choose larger "
            "sets, or follow the cells longer."
        )


def _choose_penalty(
    fits: Judged,
    sets: Sets,
    tracks: Tracks,
    learned: np.ndarray,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Take the penalty whose held-out predictions have the lowest Brier score."""
    fate = realised_fate(
        tracks,
        sets.source,
        sets.target,
        unknown=sets.unknown,
        horizon_frames=fits.horizon,
    )
    judged = np.isfinite(fate) & ~sets.source & learned
    if not sets.target_is_event:
        judged &= ~sets.target
    rows = np.flatnonzero(judged)
    if not fits.held_out.n_folds or not rows.size:
        return 1.0, np.nan
    if rows.size > CHOOSING:
        rows = np.sort(rng.choice(rows, CHOOSING, replace=False))
    predicted = fits.judge_each(PENALTIES, rows)[0]
    error = (predicted - fate[rows][:, None]) ** 2
    defined = np.isfinite(error).all(axis=1)
    if not defined.any():
        return 1.0, np.nan
    scores = error[defined].mean(axis=0)
    best = int(np.argmin(scores))
    return PENALTIES[best], float(scores[best])
