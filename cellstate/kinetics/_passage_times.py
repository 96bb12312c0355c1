"""Mean time until a set is reached, as a function of the state, from tracks."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from cellstate._base.checks import positive
from cellstate._base.random import generator
from cellstate._base.results import Result
from cellstate.kinetics._committor import CommittorModel
from cellstate.kinetics._grid import Core, Flow, solve_on_grid
from cellstate.kinetics._stopping import stopped_pairs
from cellstate.kinetics._track_fits import TrackFits, learnable
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class PassageTimes(Result):
    """Mean first-passage time of cells to a set.

    Attributes
    ----------
    mean
        Hours until the target is entered, shape (n,); 0 inside, NaN where the state
        is undefined.
    standard_error
        Over lineages drawn with replacement, shape (n,); NaN without refits.
    target
        Name of the set.
    method
        "tracks" or "grid".
    residual
        Relative residual of the linear solve.
    model
        The time as a function of the state; None unless it was fitted to tracks.
    n_passages
        Stopped transitions that entered the target; 0 on a grid.
    """

    kind: ClassVar[str] = "passage_times"
    mean: np.ndarray
    standard_error: np.ndarray
    target: str
    method: str
    residual: float
    model: CommittorModel | None = None
    n_passages: int = 0


def passage_times_from_tracks(
    x: np.ndarray,
    tracks: Tracks,
    target: np.ndarray,
    *,
    frame_interval: float,
    name: str = "B",
    lag_frames: int = 1,
    folds: int = 5,
    n_bootstrap: int = 30,
    penalty: float = 1.0,
    n_landmarks: int | None = None,
    rng: int | np.random.Generator | None = None,
) -> PassageTimes:
    """Fit the mean time to the target by stopped transitions along tracks.

    T = (time of the step) + T(where it ends), T = 0 in the target: tracks that are
    cut off before they get there count for the steps that were seen. At a division
    one daughter is followed at random. Each cell is judged by fits to other lineages.

    Parameters
    ----------
    x
        States, shape (n, d), NaN where undefined.
    tracks
        Tracks with the same n rows.
    target
        Boolean mask (n,).
    frame_interval
        Hours between frames.
    name
        Of the target.
    lag_frames
        Longest step of a stopped transition.
    folds, n_bootstrap, n_landmarks, rng
        As of `committor_from_tracks`.
    penalty
        Ridge strength.

    Returns
    -------
    PassageTimes
        In hours.

    Raises
    ------
    ValueError
        No track enters the target, so no time can be learned.

    Notes
    -----
    Where no track leads to the target in any number of steps the time is infinite;
    a finite answer there is the smoothness of the fit.
    """
    rng = generator(rng)
    interval = positive(frame_interval, "frame_interval", "h", "frame_interval=0.25")
    nothing = np.zeros(tracks.n_rows, dtype=bool)
    pairs = stopped_pairs(tracks, nothing, target, lag_frames=lag_frames)
    pairs = replace(pairs, constant=pairs.elapsed * interval)
    n_passages = int(pairs.absorbed[learnable(x, None)[pairs.start]].sum())
    if not n_passages:
        raise ValueError(
            f"no track enters {name!r} (found {int(target.sum())} rows in it, "
            f"{tracks.n_tracks} tracks), so the time to it cannot be learned. Choose a "
            "larger set, or follow the cells longer."
        )
    fits = TrackFits.prepare(
        x,
        tracks,
        target,
        target,
        n_landmarks=n_landmarks,
        folds=folds,
        n_bootstrap=n_bootstrap,
        rng=rng,
    )
    times = fits.to(pairs, ceiling=np.inf)
    mean, model = times.judge(penalty)
    again = times.replicates(penalty)
    error = np.full(len(x), np.nan)
    if again.shape[1] > 1:
        error = np.std(again, axis=1, ddof=1)
    return PassageTimes(
        mean=np.where(target, 0.0, mean),
        standard_error=np.where(target, 0.0, error),
        target=name,
        method="tracks",
        residual=model.residual,
        model=model,
        n_passages=n_passages,
    )


def passage_times_on_grid(
    flow: Flow, x: np.ndarray, source: Core, target: Core, box: np.ndarray, *, name: str
) -> PassageTimes:
    """Mean time of cells to the target under a flow; see `solve_on_grid`."""
    solved = solve_on_grid(flow, source, target, box)
    known = np.isfinite(x).all(axis=1)
    mean = np.full(len(x), np.nan)
    mean[known] = solved.passage_time_of(x[known])
    return PassageTimes(
        mean=mean,
        standard_error=np.full(len(x), np.nan),
        target=name,
        method="grid",
        residual=solved.residual,
    )
