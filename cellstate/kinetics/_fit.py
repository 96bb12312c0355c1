"""Fit a committor to tracks: penalty by lineage folds, cells judged by others' fit."""

import numpy as np

from cellstate._base.checks import choice
from cellstate._base.random import generator
from cellstate.kinetics._held_out import Judged
from cellstate.kinetics._metric import FEW
from cellstate.kinetics._result import REASONS, Committor
from cellstate.kinetics._sets import Sets
from cellstate.kinetics._stopping import Crossings, StoppedPairs
from cellstate.kinetics._track_fits import TrackFits, learnable
from cellstate.tracks import Tracks

DIVISIONS = ("random", "mass", "any")
DIRECTIONS = ("both", "forward", "backward")


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
    division: str | None = None,
    dies: np.ndarray | None = None,
    crossings: Crossings | None = None,
    folds: int = 5,
    n_bootstrap: int = 30,
    penalty: float | None = None,
    n_landmarks: int | None = None,
    fit_rows: np.ndarray | None = None,
    direction: str = "both",
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
        "random", or None: one daughter is followed at random; "mass": the expected
        number of descendants that reach B before A; "any": the chance that at least
        one does.
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
    direction
        "both", "forward" or "backward"; what is left out is NaN.
    rng
        Seed or Generator.
    """
    rng = generator(rng)
    choice(direction, "direction", DIRECTIONS)
    divides = division is not None or bool((tracks.mother_row() >= 0).any())
    division = choice(division or "random", "division", DIVISIONS)
    if penalty is not None and not (np.isfinite(penalty) and penalty > 0):
        raise ValueError(f"`penalty` must be a number above 0; found {penalty!r}.")
    sets = Sets(
        source=source,
        target=target,
        unknown=unknown,
        target_is_event=target_is_event,
        dies=dies,
    )
    pairs = sets.forward(tracks, lag_frames, division, crossings)
    _reject_nothing_to_learn(tracks, pairs, learnable(x, fit_rows), horizon_frames)
    past = None
    if direction != "forward" and horizon_frames is None and source.any():
        past = sets.backward(tracks, lag_frames, crossings)
    kind = {
        "horizon": horizon_frames,
        "any_descendant": division == "any",
        "ceiling": np.inf if division == "mass" else 1.0,
    }

    def first(pilot: TrackFits) -> list[Judged]:
        back = [] if past is None else [pilot.to(past)]
        return [pilot.to(pairs, **kind), *back]

    fits = TrackFits.prepare(
        x,
        tracks,
        target,
        source if target_is_event else source | target,
        first,
        sets.fate(tracks, horizon_frames) if x.shape[1] > FEW else None,
        fit_rows=fit_rows,
        n_landmarks=n_landmarks,
        folds=folds,
        n_bootstrap=n_bootstrap,
        rng=rng,
    )
    forward = fits.to(pairs, **kind)
    brier = np.nan
    if penalty is None:
        one = forward
        if division != "random":
            single = sets.forward(tracks, lag_frames, "random", crossings)
            one = fits.to(single, horizon=horizon_frames)
        penalty, brier = fits.choose_penalty(one, sets, rng)
    asked = {}
    if direction != "backward":
        asked["forward"] = forward.members_of_splits(penalty)
    if past is not None:
        asked["backward"] = fits.to(past).members_of_splits(penalty)
        asked["time"] = forward.times_of_splits(penalty)
    values = dict(zip(asked, forward.predict(list(asked.values())), strict=True))
    models = {name: members[0][-1] for name, members in asked.items()}
    nothing = np.full(len(x), np.nan)
    q, back = (values.get(name, nothing) for name in ("forward", "backward"))
    model, back_model = models.get("forward"), models.get("backward")
    again = np.zeros((len(x), 0))
    if model is not None:
        again = forward.replicates(penalty)
    times = np.zeros(0)
    if "time" in values:
        times = np.where(source | target, 0.0, values["time"] * frame_interval)
    fitted = [(v, m) for v, m in ((q, model), (back, back_model)) if m is not None]
    result = q if model is None else sets.at_the_sets(q)
    return Committor(
        forward=result,
        backward=back if back_model is None else sets.at_the_sets_back(back),
        reason=_reasons(back if model is None else result, fits.known),
        decision_time=times,
        replicates=sets.at_the_sets(again.T).T.astype(np.float32),
        residual=float(np.nanmax([m.residual for _, m in fitted])),
        model=model,
        model_backward=back_model,
        source=names[0],
        target=names[1],
        method="tracks",
        division=division if divides else "",
        horizon=np.nan if horizon_frames is None else horizon_frames * frame_interval,
        penalty=float(penalty),
        brier=float(brier),
        n_folds=folds,
        n_pairs=int(pairs.start.size),
        n_clipped=sum(int(((v <= 0) | (v >= m.ceiling)).sum()) for v, m in fitted),
        between_frames=crossings is not None,
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
