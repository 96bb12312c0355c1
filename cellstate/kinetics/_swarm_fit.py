"""The committor of all cells from simulated paths of some of them."""

from dataclasses import replace

import numpy as np

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate.kinetics._grid import Core, Flow
from cellstate.kinetics._held_out import HeldOut
from cellstate.kinetics._result import REASONS, Committor
from cellstate.kinetics._stopping import StoppedPairs
from cellstate.kinetics._swarms import SwarmCommittor, committor_by_swarms
from cellstate.kinetics._track_fits import PENALTIES, TrackFits
from cellstate.tracks import Tracks

UNDEFINED = REASONS.index("the state is undefined")


def committor_from_swarms(
    flow: Flow,
    x: np.ndarray,
    source: Core | None,
    target: Core,
    *,
    names: tuple[str, str] = ("A", "B"),
    n_states: int = 500,
    n_paths: int = 100,
    horizon: float | None = None,
    n_bootstrap: int = 30,
    penalty: float | None = None,
    n_landmarks: int | None = None,
    rng: int | np.random.Generator | None = None,
) -> Committor:
    """Committor of cells in any dimension, from paths simulated from some of them.

    Paths start at `n_states` cells outside A and B drawn at random; the shares that
    reach B are then fitted in the smooth basis that tracks are fitted in.

    Parameters
    ----------
    flow, source, target, horizon
        As of `committor_by_swarms`.
    x
        States, shape (n, d), NaN where undefined.
    names
        Of A and B.
    n_states, n_paths
        States that paths start from, and paths from each.
    n_bootstrap
        Refits to states drawn with replacement.
    penalty
        Ridge strength; chosen over five folds of the states when None.
    n_landmarks
        Gaussians in the basis.
    rng
        Seed or Generator.

    Returns
    -------
    Committor
        `backward` is NaN: where paths came from is not told by paths that start at
        the cells; on a grid or a graph with this flow it is.
    """
    rng = generator(rng)
    cores = [target] if source is None else [target, source]
    known = np.isfinite(x).all(axis=1)
    inside = np.zeros((len(cores), len(x)), dtype=bool)
    inside[:, known] = [core.distance(x[known]) <= 0 for core in cores]
    free = np.flatnonzero(known & ~inside.any(axis=0))
    if not free.size:
        raise ValueError(
            f"no cell lies outside both sets; found {int(known.sum())} cells with a "
            "state, all in A or B. Choose smaller sets."
        )
    size = min(integer(n_states, "n_states", 10), free.size)
    rows = np.sort(rng.choice(free, size, replace=False))
    swarm = committor_by_swarms(
        flow, x[rows], source, target, n_paths=n_paths, horizon=horizon, rng=rng
    )
    pairs = _shares(rows, swarm)
    share = np.full(len(x), np.nan)
    share[rows] = swarm.forward
    fits = _alone(x, rows, pairs, share, n_landmarks, rng)
    if penalty is None:
        predicted = fits.to(pairs).judge_each(PENALTIES, rows)
        lost = np.nanmean((predicted - swarm.forward[:, None]) ** 2, axis=0)
        penalty = PENALTIES[int(np.argmin(lost))]
    # Each state is as good as any other: all are judged by the fit to all.
    refits = HeldOut.draw(
        fits.group,
        fits.learned,
        fits.learned,
        folds=0,
        n_splits=1,
        n_bootstrap=n_bootstrap,
        rng=rng,
    )
    judged = replace(fits, held_out=refits).to(pairs)
    q, model = judged.judge(penalty)
    again = judged.replicates(penalty)
    at_target, at_source = inside[0], inside[1:].any(axis=0)
    known_values = [np.where(at_target, 1.0, np.where(at_source, 0.0, v))
                    for v in (q, *again.T)]  # fmt: skip
    reason = np.where(known, 0, UNDEFINED).astype(np.int8)
    return Committor(
        forward=np.where(known, known_values[0], np.nan),
        backward=np.full(len(x), np.nan),
        reason=reason if reason.any() else reason[:0],
        replicates=np.array(known_values[1:]).reshape(-1, len(x)).T.astype(np.float32),
        residual=model.residual,
        source=names[0],
        target=names[1],
        method="sde",
        division="",
        horizon=np.nan if horizon is None else horizon,
        model=model,
        penalty=float(penalty),
        n_pairs=size,
    )


def _alone(
    x: np.ndarray,
    rows: np.ndarray,
    pairs: StoppedPairs,
    share: np.ndarray,
    n_landmarks: int | None,
    rng: np.random.Generator,
) -> TrackFits:
    """Every state is independent of all others: a lineage of one row."""
    n = len(x)
    zero = np.zeros(n, dtype=np.int64)
    tracks = Tracks.from_arrays(track=np.arange(1, n + 1), frame=zero, time=zero * 1.0)
    chosen = np.zeros(n, dtype=bool)
    chosen[rows] = True
    return TrackFits.prepare(
        x,
        tracks,
        chosen,
        ~chosen,
        lambda pilot: [pilot.to(pairs)],
        share,
        fit_rows=chosen,
        n_landmarks=n_landmarks,
        folds=5,
        n_bootstrap=0,
        rng=rng,
    )


def _shares(rows: np.ndarray, swarm: SwarmCommittor) -> StoppedPairs:
    """Stopped transitions whose value is the share of paths that reached B."""
    decided = np.isfinite(swarm.forward)
    rows = rows[decided]
    return StoppedPairs(
        start=rows,
        stop=rows,
        weight=np.ones(rows.size),
        constant=np.asarray(swarm.forward)[decided],
        gain=np.zeros(rows.size),
        elapsed=np.ones(rows.size, dtype=np.int64),
    )
