"""Intervals of rates and times: effective events, exact Poisson, bounds."""

import numpy as np
from scipy.stats import chi2, norm, t

from cellstate._base.results import Estimate

NO_EVENT = "Poisson bound, no event"


def ratio(top: np.ndarray | float, bottom: np.ndarray | float) -> np.ndarray | float:
    """Divide; NaN where there is nothing to divide by."""
    bottom = np.asarray(bottom, dtype=float)
    found = np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=bottom > 0)
    return found if found.ndim else float(found)


def poisson_rate(events: float, hours: float, level: float) -> Estimate:
    """Rate of independent events with Garwood's exact interval.

    Parameters
    ----------
    events
        Counted, not necessarily whole: at a division each daughter has half.
    hours
        Time at risk.
    level
        Coverage; without an event the interval is the one-sided bound
        -ln(1 - level) / hours.

    References
    ----------
    Garwood, Biometrika 28 (1936) 437.

    Examples
    --------
    >>> poisson_rate(10, 100.0, 0.95)
    0.1 1/h [0.048, 0.184] (95 %, exact Poisson, n = 10)
    >>> poisson_rate(0, 100.0, 0.95)
    0 1/h [0, 0.03] (95 %, Poisson bound, no event, n = 0)
    """
    if events <= 0:
        high = -np.log(1 - level) / hours if hours > 0 else np.nan
        return _rate(0.0 if hours > 0 else np.nan, 0.0, high, level, NO_EVENT, 0.0)
    low, high = _garwood(events, level)
    value = ratio(events, hours)
    return _rate(value, value * low, value * high, level, "exact Poisson", events)


def bootstrap_rate(
    value: float,
    drawn: np.ndarray,
    events: float,
    hours: float,
    level: float,
    lineages: float = np.inf,
) -> Estimate:
    """Rate with the interval of as many events as would spread like `drawn`.

    The spread over lineages drawn with replacement says how many independent events
    the estimate is worth, n = (value / SD)^2; the interval is Garwood's for n events.
    Percentiles of so few events are too narrow.

    Parameters
    ----------
    value
        1/h.
    drawn
        The same from lineages drawn with replacement, (R,).
    events
        Passages counted; without one the bound of `poisson_rate` holds.
    hours
        Time at risk.
    level
        Coverage.
    lineages
        How many were drawn: their spread is known only as well as Student's t of so
        many less one says.
    """
    if events <= 0:
        return poisson_rate(0.0, hours, level)
    drawn = np.nan_to_num(drawn)
    spread = np.std(drawn, ddof=1) if drawn.size > 1 else 0.0
    if not spread > 1e-9 * value:
        low, high = _garwood(events, level)
        method = "Poisson, one lineage"
        return _rate(value, value * low, value * high, level, method, events)
    worth = float((value / spread) ** 2) * _small_sample(lineages, level)
    low, high = _garwood(worth, level)
    return _rate(value, value * low, value * high, level, "lineage bootstrap", worth)


def _small_sample(lineages: float, level: float) -> float:
    """What few lineages take from the number of events they are worth."""
    if not np.isfinite(lineages) or lineages < 2:
        return 1.0
    tail = (1 + level) / 2
    wider = norm.ppf(tail) / t.ppf(tail, lineages - 1)
    return float(wider**2 * (lineages - 1) / lineages)


def inverse(rate: Estimate) -> Estimate:
    """Mean time of a rate: 1 / value, with the ends exchanged."""
    ends = np.array([rate.value, rate.high, rate.low], dtype=float)
    with np.errstate(divide="ignore"):
        value, low, high = 1 / ends
    if rate.value == 0:
        value, high = np.nan, np.nan
    return Estimate(
        value=float(value),
        low=float(low),
        high=float(high),
        level=rate.level,
        method=rate.method,
        n_effective=rate.n_effective,
        unit="h",
    )


def bootstrap_time(
    value: float, drawn: np.ndarray, worth: float, level: float
) -> Estimate:
    """Mean time with a log-normal interval from lineages drawn with replacement."""
    drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
    low = high = np.nan
    if value == 0:
        low = high = 0.0
    elif drawn.size > 1:
        width = t.ppf((1 + level) / 2, drawn.size - 1) * np.std(np.log(drawn), ddof=1)
        low, high = value * np.exp(-width), value * np.exp(width)
    return Estimate(
        value=float(value),
        low=float(low),
        high=float(high),
        level=level,
        method="lineage bootstrap" if worth > 0 else NO_EVENT,
        n_effective=worth,
        unit="h",
    )


def _garwood(events: float, level: float) -> tuple[float, float]:
    """Ends of the interval of a Poisson mean over what was counted."""
    low = chi2.ppf((1 - level) / 2, 2 * events) / (2 * events)
    high = chi2.ppf((1 + level) / 2, 2 * events + 2) / (2 * events)
    return float(low), float(high)


def _rate(
    value: float, low: float, high: float, level: float, method: str, n: float
) -> Estimate:
    return Estimate(
        value=float(value),
        low=float(low),
        high=float(high),
        level=level,
        method=method,
        n_effective=float(n),
        unit="1/h",
    )
