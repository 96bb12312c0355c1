"""Flagged events against the truth, where the truth is known."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import choice
from cellstate._base.results import Estimate, Result

STATUSES = ("event", "no_event", "undecidable")


@dataclass(frozen=True, eq=False, kw_only=True)
class EventScore(Result):
    """How flags compare with what happened.

    Attributes
    ----------
    n_tracks
        Tracks with a known truth.
    n_true
        Of them, those in which the event happened.
    n_right, n_false, n_missed
        Flagged and true; flagged and not true; true and called "no_event".
    n_silent
        Called "no_event" and nothing happened.
    n_undecidable, n_undecidable_true
        Called "undecidable"; of them, those in which the event happened.
    sensitivity
        Share of the true events that were flagged, with its Wilson interval.
    precision
        Share of the flags that are true; flagging every track would give `base_rate`.
    base_rate
        Share of the tracks in which the event happened.
    time_error
        Median of flagged minus true time (h) of the right flags; the interval
        holds half of them (quartiles).
    """

    kind: ClassVar[str] = "event_score"
    n_tracks: int
    n_true: int
    n_right: int
    n_false: int
    n_missed: int
    n_silent: int
    n_undecidable: int
    n_undecidable_true: int
    sensitivity: Estimate
    precision: Estimate
    base_rate: float
    time_error: Estimate


def score_events(
    status: ArrayLike,
    time: ArrayLike,
    happened: ArrayLike,
    true_time: ArrayLike,
    *,
    level: float = 0.95,
) -> EventScore:
    """Count right, false and missed flags.

    Parameters
    ----------
    status
        Flag of each track, shape (m,): "event", "no_event" or "undecidable".
    time, true_time
        Hours of the flagged and of the true event, shape (m,); NaN without.
    happened
        1 when the event happened within the track, 0 when not, NaN when it cannot
        be said (such tracks are left out), shape (m,).
    level
        Of the Wilson intervals; relatives are dependent, so the truth is somewhat
        less certain.

    Raises
    ------
    ValueError
        Another status, or lengths that differ.

    Examples
    --------
    >>> score = score_events(["event", "event", "no_event"], [2.0, 3.0, float("nan")],
    ...                      [1, 0, 0], [1.5, float("nan"), float("nan")])
    >>> score.n_right, score.n_false, score.time_error.value
    (1, 1, 0.5)
    """
    status = np.asarray(status).astype(str)
    for name in np.unique(status):
        choice(str(name), "status", STATUSES)
    numbers = [np.asarray(v, dtype=float) for v in (time, happened, true_time)]
    if {v.shape for v in numbers} != {status.shape}:
        raise ValueError(
            f"one value per track is expected; found {status.size} statuses and "
            f"{[v.size for v in numbers]} times, truths and true times."
        )
    known = np.isfinite(numbers[1])
    status, (time, happened, true_time) = status[known], (v[known] for v in numbers)
    true, flagged = happened > 0.5, status == "event"
    unsure, right = status == "undecidable", flagged & true
    n_true, n_flagged = int(true.sum()), int(flagged.sum())
    n_right = int(right.sum())
    return EventScore(
        n_tracks=int(known.sum()),
        n_true=n_true,
        n_right=n_right,
        n_false=n_flagged - n_right,
        n_missed=int((true & (status == "no_event")).sum()),
        n_silent=int((~true & (status == "no_event")).sum()),
        n_undecidable=int(unsure.sum()),
        n_undecidable_true=int((unsure & true).sum()),
        sensitivity=_share(n_right, n_true, level),
        precision=_share(n_right, n_flagged, level),
        base_rate=n_true / max(int(known.sum()), 1),
        time_error=_spread((time - true_time)[right]),
    )


def _share(hits: int, n: int, level: float) -> Estimate:
    """A share with its Wilson interval; of nothing it is not known."""
    from statsmodels.stats.proportion import proportion_confint

    value, low, high = np.nan, 0.0, 1.0
    if n:
        value = hits / n
        low, high = proportion_confint(hits, n, alpha=1 - level, method="wilson")
    return Estimate(
        value=float(value),
        low=float(low),
        high=float(high),
        level=level,
        method="Wilson",
        n_effective=float(n),
        unit="1",
    )


def _spread(values: np.ndarray) -> Estimate:
    values = values[np.isfinite(values)]
    low, value, high = (
        np.quantile(values, [0.25, 0.5, 0.75]) if values.size else [np.nan] * 3
    )
    return Estimate(
        value=float(value),
        low=float(low),
        high=float(high),
        level=0.5,
        method="quartiles",
        n_effective=float(values.size),
        unit="h",
    )
