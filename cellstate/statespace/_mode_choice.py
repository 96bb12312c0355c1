"""How many slow modes, and at which lag: judged on lineages that were held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import t as student

from cellstate._base.checks import integer, matrix, positive
from cellstate._base.progress import progress
from cellstate._base.results import Result
from cellstate.statespace._lagged import LaggedMoments, lagged_moments, lagged_rows
from cellstate.statespace._slow_modes import SlowModes, check_pairs, vamp_of
from cellstate.tracks import Tracks
from cellstate.tracks._resample import split

FOLDS, FEWEST = 10, 5
LEVEL = 0.05  # chance below which timescales of two lags are told apart


@dataclass(frozen=True, eq=False, kw_only=True)
class StateSpace(Result):
    """A state space of slow modes, and why it is this one.

    Attributes
    ----------
    modes
        Those that were kept.
    scores
        Per lag (h) and `n_components`: held-out `score` (VAMP-E: how much of the
        motion over the lag is predicted; 1 is nothing), `standard_error` of its
        difference to the best of this lag, and held-out `vamp2`.
    timescales
        Per lag (h): implied timescale (h) of the slowest mode, `low` and `high` (95 %,
        jackknife over folds), and `p_longer`, the smallest chance, over longer lags,
        of a difference this large if there is none (NaN for the longest lag).
    lag
        Hours.
    lag_decided
        Whether the slowest timescale is the same at this and at all longer lags.
    n_components
        Modes kept.
    n_folds
        Of held-out lineages.
    reason
        In words.
    """

    kind: ClassVar[str] = "state_space"
    modes: SlowModes
    scores: pd.DataFrame
    timescales: pd.DataFrame
    lag: float
    lag_decided: bool
    n_components: int
    n_folds: int
    reason: str

    def transform(self, x: ArrayLike) -> np.ndarray:
        """Map states (n, p) to the state space, (n, n_components)."""
        return self.modes.transform(x)

    def __str__(self) -> str:
        return self.reason


def choose_modes(
    x: ArrayLike,
    tracks: Tracks,
    *,
    lags: Sequence[int] = (1, 2, 4, 8),
    frame_interval: float,
    max_components: int = 20,
    rng: int | np.random.Generator | None = None,
) -> StateSpace:
    """Fit slow modes at several lags; held-out lineages choose how many to keep.

    At every lag the modes of the training lineages predict the others. The number of
    modes is the smallest whose score lies within one standard error of the best.
    Scores of different lags do not compare; the lag is the shortest from which on the
    implied timescale of the slowest mode stays the same, as far as can be told.

    Parameters
    ----------
    x
        States, shape (n, p); rows may be NaN.
    tracks
        Tracks with n rows.
    lags
        Frames.
    frame_interval
        Hours.
    max_components
        Most modes to try.
    rng
        Seed or Generator, for the folds.

    Raises
    ------
    ValueError
        Too few pairs of states at one of the lags.

    Notes
    -----
    VAMP-E is used to choose, since it falls when a mode of noise is added; the
    VAMP-2 score of the same subspace on held-out data never does.

    References
    ----------
    Wu and Noe, J. Nonlinear Sci. 30, 23 (2020), for both scores.

    Examples
    --------
    >>> rng, frames = np.random.default_rng(0), np.tile(np.arange(50), 40)
    >>> track = np.repeat(np.arange(1, 41), 50)
    >>> tracks = Tracks.from_arrays(track=track, frame=frames, time=frames)
    >>> slow = np.sign(rng.normal(size=40)).repeat(50)  # a state that lasts, and noise
    >>> x = np.c_[slow, rng.normal(size=(2000, 3))]
    >>> choose_modes(x, tracks, frame_interval=1.0, lags=(1, 2), rng=0).n_components
    1
    """
    x = matrix(x, "x")
    most = min(integer(max_components, "max_components", 1), x.shape[1])
    hours = positive(frame_interval, "frame_interval", "h", "frame_interval=0.25")
    row_fold = _row_folds(tracks, rng)
    frames = sorted({integer(lag, "lags", 1) for lag in lags})
    scores, slowest, whole = [], [], []
    for lag in progress(frames, "lags"):
        first, second = lagged_rows(x, tracks, lag)
        check_pairs(len(first), x.shape[1], lag * hours)
        moments = lagged_moments(x, first, second, row_fold[first])
        found, own = _held_out(moments, lag * hours, most)
        scores.append(found)
        slowest.append(own)
        whole.append(vamp_of(moments, lag * hours))
    return _chosen(scores, np.array(slowest), whole)


def _row_folds(
    tracks: Tracks, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    """Fold of each row: whole lineages, or stretches of time where these are few."""
    founders, code = np.unique(tracks.row_lineage, return_inverse=True)
    if len(founders) >= FEWEST:
        n_folds = FOLDS if len(founders) >= FOLDS else FEWEST
        return split(np.zeros(len(founders), dtype=bool), n_folds, rng)[code]
    fold = np.empty(tracks.n_rows, dtype=np.int64)
    for k in range(len(founders)):
        own = np.flatnonzero(code == k)
        order = own[np.argsort(tracks.frame[own], kind="stable")]
        fold[order] = np.arange(own.size) * FEWEST // own.size
    return fold


def _held_out(
    moments: LaggedMoments, lag: float, most: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Score 1 .. `most` modes; ln timescale of the slowest without each fold."""
    folds = np.flatnonzero(moments.count > 0)
    score, vamp2, slowest = [], [], []
    for fold in folds:
        held = np.arange(len(moments.count)) == fold
        model = vamp_of(moments.of_folds(~held), lag)
        model = model.first(min(most, len(model.values)))
        one = scores_of(model, moments.of_folds(held))
        score.append(one[0])
        vamp2.append(one[1])
        slowest.append(np.log(max(model.timescales[0], 1e-12)))
    kept = min(len(one) for one in score)
    score, vamp2 = (np.array([v[:kept] for v in part]) for part in (score, vamp2))
    mean = score.mean(axis=0)
    gap = score - score[:, [mean.argmax()]]
    table = pd.DataFrame(
        {
            "lag": lag,
            "n_components": np.arange(1, kept + 1),
            "score": mean,
            "standard_error": gap.std(axis=0, ddof=1) / np.sqrt(len(folds)),
            "vamp2": vamp2.mean(axis=0),
        }
    )
    return table, np.array(slowest)


def scores_of(model: SlowModes, held: LaggedMoments) -> tuple[np.ndarray, np.ndarray]:
    """VAMP-E and VAMP-2 scores of the first 1 .. k modes on other pairs, each (k,)."""
    xx, xy, yy = held.about(model.mean, model.later_mean)
    u, v, s = model.directions, model.later_directions, model.values
    x_off, y_off = (
        (mean - own) @ side
        for mean, own, side in zip(
            held.means, (model.mean, model.later_mean), (u, v), strict=True
        )
    )
    # The constant function is a mode too, of value 1.
    values = np.r_[1.0, s]
    c00 = _bordered(u.T @ xx @ u, x_off, x_off)
    c0t = _bordered(u.T @ xy @ v, x_off, y_off)
    ctt = _bordered(v.T @ yy @ v, y_off, y_off)
    gained = 2 * np.cumsum(values * np.diag(c0t))
    spent = np.outer(values, values) * c00 * ctt
    spent = np.cumsum(np.cumsum(spent, axis=0), axis=1).diagonal()
    sizes = range(2, len(c00) + 1)
    vamp2 = [_vamp2(c00[:k, :k], c0t[:k, :k], ctt[:k, :k]) for k in sizes]
    return (gained - spent)[1:], np.array(vamp2)


def _bordered(inner: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Products with the constant function before the others; `row` is down the side."""
    return np.block([[np.ones((1, 1)), column[None]], [row[:, None], inner]])


def _vamp2(c00: np.ndarray, c0t: np.ndarray, ctt: np.ndarray) -> float:
    """Squared correlations of two sets of functions, summed."""
    left, right = (np.linalg.pinv(c, hermitian=True) for c in (c00, ctt))
    return float(np.trace(left @ c0t @ right @ c0t.T))


def _chosen(
    scores: list[pd.DataFrame], slowest: np.ndarray, whole: list[SlowModes]
) -> StateSpace:
    """Take lag and number of modes; `slowest` is (lags, folds), ln h."""
    n_folds = slowest.shape[1]
    times = _timescales(slowest, whole)
    same = (times["p_longer"] > LEVEL).to_numpy()
    decided = bool(same.any())
    at = int(same.argmax()) if decided else len(whole) - 1
    table, lag = scores[at], whole[at].lag
    good = table["score"] >= table["score"].max() - table["standard_error"]
    number = int(table["n_components"][good].iloc[0])
    return StateSpace(
        modes=whole[at].first(number),
        scores=pd.concat(scores, ignore_index=True),
        timescales=times,
        lag=lag,
        lag_decided=decided,
        n_components=number,
        n_folds=n_folds,
        reason=_reason(table, times.iloc[at], number, decided, n_folds),
    )


def _timescales(slowest: np.ndarray, whole: list[SlowModes]) -> pd.DataFrame:
    """Implied timescale per lag, with jackknife intervals and differences."""
    n_folds = slowest.shape[1]
    shrink = (n_folds - 1) / np.sqrt(n_folds)  # of a jackknife's standard error
    value = np.log([max(one.timescales[0], 1e-12) for one in whole])
    # Few folds make the standard error itself uncertain.
    error = student.ppf(0.975, n_folds - 1) * shrink * slowest.std(axis=1)
    p_longer = np.full(len(whole), np.nan)
    for k in range(len(whole) - 1):
        wide = shrink * (slowest[k + 1 :] - slowest[k]).std(axis=1)
        z = np.abs(value[k + 1 :] - value[k]) / np.maximum(wide, 1e-12)
        p_longer[k] = min(1.0, float(2 * student.sf(z, n_folds - 1).min()) * len(z))
    return pd.DataFrame(
        {
            "lag": [one.lag for one in whole],
            "timescale": np.exp(value),
            "low": np.exp(value - error),
            "high": np.exp(value + error),
            "p_longer": p_longer,
        }
    )


def _reason(
    table: pd.DataFrame, slow: pd.Series, number: int, decided: bool, n_folds: int
) -> str:
    best = table.loc[table["score"].idxmax()]
    own = table.loc[table["n_components"] == number].iloc[0]
    text = (
        f"{number} of {len(table)} slow modes at a lag of {slow['lag']:g} h: the "
        f"fewest within one standard error of the best held-out score "
        f"({best['score']:.3f} "
        f"with {int(best['n_components'])}; {own['score']:.3f} with {number}, "
        f"difference +- {own['standard_error']:.3f}; {n_folds} folds; 1 is nothing "
        f"predicted). Slowest timescale {slow['timescale']:.3g} h "
        f"[{slow['low']:.3g}, {slow['high']:.3g}], "
    )
    if best["score"] <= 1:
        text += "but no mode predicts other lineages: this state space has no memory, "
    if decided:
        return text + "the same at every longer lag, as far as can be told."
    return text + (
        "which still changes with the lag: the lag is undecided and the longest was "
        "taken. Longer tracks, or coordinates that hold the past "
        "(cs.tl.delay_embed), would decide it."
    )
