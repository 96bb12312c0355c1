"""What is known of growth before any coupling: counts or scores, as rates per hour."""

import numpy as np
from numpy.typing import ArrayLike

from cellstate.transport._snapshots import per_cell


def growth_prior_from_counts(
    divisions: ArrayLike,
    deaths: ArrayLike,
    hours: ArrayLike,
    state: ArrayLike | None = None,
    *,
    prior_hours: float = 0.0,
) -> np.ndarray:
    r"""Expected log offspring per hour from counted divisions and deaths.

    A cell that divides at rate b and dies at rate d leaves exp((b - d) t) cells after
    t hours on average, so the prior is (divisions - deaths) / hours at risk; with
    `prior_hours` of the average cell added to each state, so that few counts do not
    make wild rates.

    Parameters
    ----------
    divisions, deaths
        Counts per row, shape (n,).
    hours
        Hours for which each row was watched, shape (n,).
    state
        Code or name of each row's state; counts are summed within it. None: every
        row is a state of its own.
    prior_hours
        Hours of the average of all rows that each state is given.

    Returns
    -------
    numpy.ndarray
        Rate (1/h) of each row, shape (n,).

    Examples
    --------
    >>> growth_prior_from_counts([1, 1, 0], [0, 0, 1], [10, 10, 5], ["a", "a", "b"])
    array([ 0.1,  0.1, -0.2])
    """
    hours = np.asarray(hours, dtype=float)
    n = hours.size
    hours = per_cell(hours, n, "hours", "h")
    divisions = per_cell(divisions, n, "divisions")
    deaths = per_cell(deaths, n, "deaths")
    for name, values in (
        ("divisions", divisions),
        ("deaths", deaths),
        ("hours", hours),
    ):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise ValueError(f"`{name}` must be numbers >= 0; found {values.min():g}.")
    codes = np.arange(n)
    if state is not None:
        codes = np.unique(np.asarray(state), return_inverse=True)[1]
    if codes.shape != (n,) or hours.sum() <= 0:
        raise ValueError(
            f"expected a state per row and hours at risk; found {codes.size} states, "
            f"{n} rows, {hours.sum():g} h."
        )
    gained = np.bincount(codes, divisions - deaths)
    watched = np.bincount(codes, hours)
    average = gained.sum() / watched.sum()
    if prior_hours < 0 or (watched + prior_hours == 0).any():
        raise ValueError(
            f"{int((watched == 0).sum())} states have 0 h at risk; give prior_hours > "
            f"0 (found {prior_hours:g}) or leave them out."
        )
    return ((gained + prior_hours * average) / (watched + prior_hours))[codes]


def growth_prior_from_scores(
    birth: ArrayLike,
    death: ArrayLike | None = None,
    *,
    slowest: float,
    fastest: float,
) -> np.ndarray:
    """Expected log offspring per hour from scores of proliferation and of death.

    Each score is standardised and squeezed by a logistic function between `slowest`
    and `fastest`; the death rate is taken from the birth rate.

    Parameters
    ----------
    birth
        Proliferation score, shape (n,), in any unit.
    death
        Score of dying, shape (n,); None for no death.
    slowest, fastest
        Rates (1/h) of cells with a score far below and far above the mean: the range
        known for these cells, 0 and log(2) / 12 say. Scores alone do not give it.

    Returns
    -------
    numpy.ndarray
        Rate (1/h), shape (n,).

    Examples
    --------
    >>> growth_prior_from_scores([0.0, 0.0, 5.0], slowest=0.0, fastest=0.06).round(3)
    array([0.02 , 0.02 , 0.048])
    """
    if not 0 <= slowest < fastest < np.inf:
        raise ValueError(
            f"expected 0 <= slowest < fastest (1/h); found {slowest}, {fastest}."
        )
    rate = _squeezed(birth, "birth", slowest, fastest)
    if death is None:
        return rate
    if np.shape(death) != rate.shape:
        raise ValueError(
            f"`birth` and `death` must have one shape; found {rate.shape}, "
            f"{np.shape(death)}."
        )
    return rate - _squeezed(death, "death", slowest, fastest)


def _squeezed(score: ArrayLike, name: str, low: float, high: float) -> np.ndarray:
    score = np.asarray(score, dtype=float)
    if score.ndim != 1 or not np.isfinite(score).all() or score.std() == 0:
        raise ValueError(
            f"`{name}` must be finite numbers that differ, shape (n,); found shape "
            f"{score.shape}, {int((~np.isfinite(score)).sum())} not finite."
        )
    z = (score - score.mean()) / score.std()
    return low + (high - low) / (1 + np.exp(-z))
