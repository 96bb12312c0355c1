"""Rates between two sets from tracks that begin, end and divide anywhere."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.random import generator
from cellstate._base.results import Estimate, Result
from cellstate.kinetics._stopping import Crossings, steps
from cellstate.tracks import Tracks, lineage_groups

# The past of a row is certain when its set was met in the track itself.
CERTAIN = 1 - 1e-9
# Lineages are drawn in at most so many groups, put together at random.
MOST_GROUPS = 1000


@dataclass(frozen=True, eq=False, kw_only=True)
class Rates(Result):
    """Kinetics between the source A and the target B.

    Attributes
    ----------
    k_ab, k_ba
        Transitions per hour spent with A (B) as the last set met.
    nu
        Transitions from A to B per hour of observation.
    mfpt_ab, mfpt_ba
        1 / k_ab and 1 / k_ba: mean time from entering A until B is entered (h).
    transition_path_time
        Mean time from leaving A for the last time until entering B (h).
    n_events, n_events_back
        Observed entries into B coming from A, and into A coming from B.
    exposure
        Cell-hours with A as the last set met.
    source, target
        Names of the states.
    """

    kind: ClassVar[str] = "rates"
    k_ab: Estimate
    k_ba: Estimate
    nu: Estimate
    mfpt_ab: Estimate
    mfpt_ba: Estimate
    transition_path_time: Estimate
    n_events: int
    n_events_back: int
    exposure: float
    source: str
    target: str


def estimate_rates(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    *,
    frame_interval: float,
    names: tuple[str, str] = ("A", "B"),
    n_bootstrap: int = 1000,
    level: float = 0.95,
    crossings: Crossings | None = None,
    rng: int | np.random.Generator | None = None,
) -> Rates:
    """Count transitions and the time at risk, filling the ends of tracks.

    Where a track has met neither set yet, the chance that it came from A is the
    backward committor at its first row; where it ends before meeting one, the
    chance to reach B is the forward committor at its last row. So cut tracks
    count for the time they were seen, and nothing is dropped for being unfinished.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    source, target
        Boolean masks (n,) of A and B.
    forward, backward
        Committors of the rows, shape (n,); NaN where undefined.
    frame_interval
        Hours between frames.
    names
        Of A and B.
    n_bootstrap, level, rng
        Lineages are drawn with replacement; the filled ends are kept as given.

    Returns
    -------
    Rates
        With no event at all, ``value = 0`` and `high` is the Poisson upper bound
        -ln(1 - level) / exposure (one-sided), 3 / T for 95 %.

    Notes
    -----
    Steps over a division count half for each daughter.

    References
    ----------
    Metzner, Schuette, Vanden-Eijnden, Multiscale Model. Simul. 7 (2009) 1192.
    """
    rng = generator(rng)
    sums = _lineage_sums(
        tracks, source, target, forward, backward, frame_interval, crossings, rng
    )
    founders = sums.shape[1]
    draws = rng.multinomial(founders, np.full(founders, 1 / founders), size=n_bootstrap)
    whole, resampled = sums.sum(axis=1), draws @ sums.T
    # Round-off in 1 - past must not pass for an event.
    independent = (sums[:2] > 1e-9).sum(axis=1)
    whole[:2][independent == 0] = 0.0

    def estimate(top: int, bottom: int, unit: str, invert: bool = False) -> Estimate:
        value = _ratio(whole[top], whole[bottom])
        replicates = _ratio(resampled[:, top], resampled[:, bottom])
        n = float(independent[1 if top == 1 else 0])
        if invert:
            value, replicates = _ratio(1.0, value), _ratio(1.0, replicates)
        return _interval(value, replicates, whole[bottom], n, level, unit, invert)

    return Rates(
        k_ab=estimate(0, 2, "1/h"),
        k_ba=estimate(1, 3, "1/h"),
        nu=estimate(0, 4, "1/h"),
        mfpt_ab=estimate(0, 2, "h", invert=True),
        mfpt_ba=estimate(1, 3, "h", invert=True),
        transition_path_time=_path_time(whole, resampled, independent[0], level),
        n_events=round(float(sums[6].sum())),
        n_events_back=round(float(sums[7].sum())),
        exposure=float(whole[2]),
        source=names[0],
        target=names[1],
    )


def last_met(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    fill: np.ndarray,
    *,
    reverse: bool,
    crossings: Crossings | None = None,
) -> np.ndarray:
    """Chance that A (reverse=True: the past) or B (the future) is the set met.

    In the past the last set met decides, 1 for A; in the future the next one, 1
    for B; `fill` where a track is cut off before. What was met between two frames is
    told by `crossings`.
    """
    inside = np.where(source, 1.0, np.where(target, 0.0, np.nan))
    chance = inside if reverse else 1 - inside
    successor, _ = steps(tracks, reverse=reverse)
    met, left = _met_between(tracks, crossings, reverse=reverse)
    undecided = np.isnan(chance)
    for rows in tracks.by_frame(reverse=not reverse):
        rows = rows[undecided[rows]]
        one, two = successor[rows].T
        ahead = np.where(two >= 0, (chance[one] + chance[two]) / 2, chance[one])
        ahead = met[rows] + left[rows] * ahead
        chance[rows] = np.where(one >= 0, ahead, fill[rows])
    return chance


def _met_between(
    tracks: Tracks, crossings: Crossings | None, *, reverse: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Per row: chance to meet the set sought on the step, and to meet neither."""
    if crossings is None:
        return np.zeros(tracks.n_rows), np.ones(tracks.n_rows)
    if reverse:
        crossings = crossings.reversed_for(tracks)
    met = crossings.target
    return met, np.maximum(1 - crossings.source - met, 0.0)


def _lineage_sums(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    interval: float,
    crossings: Crossings | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Per lineage: A->B, B->A, hours after A, hours after B, hours, path, counts.

    Last come hours after A and after B that were seen with certainty.
    """
    about = {"crossings": crossings}
    from_a = last_met(tracks, source, target, backward, reverse=True, **about)
    to_b = last_met(tracks, source, target, forward, reverse=False, **about)
    successor, share = steps(tracks, reverse=False)
    row = np.repeat(np.arange(tracks.n_rows), 2)[successor.ravel() >= 0]
    after = successor.ravel()[successor.ravel() >= 0]
    known = np.isfinite(from_a[row])
    row, after = row[known], after[known]
    weight, past = share[row], from_a[row]
    into_b, into_a = _entries(row, after, past, source, target, tracks, crossings)
    on_the_way = ~source[row] & ~target[row] & np.isfinite(to_b[row])
    path = np.where(on_the_way, past * np.nan_to_num(to_b[row]), 0.0)
    # Transitions seen with certainty; at a division half for each daughter.
    seen_b = target[after] & ~target[row]
    seen_a = source[after] & ~source[row]
    columns = [
        weight * into_b,
        weight * into_a,
        weight * past * interval,
        weight * (1 - past) * interval,
        weight * interval,
        weight * path * interval,
        weight * seen_b * (past > 0.5),
        weight * seen_a * (past < 0.5),
        weight * seen_b * (past > CERTAIN),
        weight * seen_a * (past < 1 - CERTAIN),
        weight * (past > CERTAIN) * interval,
        weight * (past < 1 - CERTAIN) * interval,
    ]
    group = lineage_groups(tracks, MOST_GROUPS, rng)
    size = int(group.max()) + 1
    return np.stack([np.bincount(group[row], c, size) for c in columns])


def _entries(
    row: np.ndarray,
    after: np.ndarray,
    past: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    tracks: Tracks,
    crossings: Crossings | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Passages A to B and B to A of each step, seen or between its two frames."""
    into_b = past * (target[after] & ~target[row])
    into_a = (1 - past) * (source[after] & ~source[row])
    if crossings is None:
        return into_b, into_a
    along = tracks.next_row[row] == after
    met_a = np.where(along, crossings.source[row], 0.0)
    met_b = np.where(along, crossings.target[row], 0.0)
    into_b = np.where(target[after], into_b + met_a * (1 - past), past * met_b)
    into_a = np.where(source[after], into_a + met_b * past, (1 - past) * met_a)
    return into_b, into_a


def _path_time(
    whole: np.ndarray, resampled: np.ndarray, n: float, level: float
) -> Estimate:
    value = _ratio(whole[5], whole[0])
    replicates = _ratio(resampled[:, 5], resampled[:, 0])
    return _interval(value, replicates, whole[0], float(n), level, "h", True)


def _ratio(top: np.ndarray | float, bottom: np.ndarray | float) -> np.ndarray | float:
    bottom = np.asarray(bottom, dtype=float)
    ratio = np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=bottom > 0)
    return ratio if ratio.ndim else float(ratio)


def _interval(
    value: float,
    replicates: np.ndarray,
    exposure: float,
    n: float,
    level: float,
    unit: str,
    inverse: bool,
) -> Estimate:
    """Percentiles of the replicates, or the Poisson bound when nothing happened."""
    if n == 0:
        bound = -np.log(1 - level) / exposure if exposure > 0 else np.nan
        low, high = (np.nan, np.nan) if inverse else (0.0, float(bound))
        if inverse and unit == "h" and np.isfinite(bound):
            low = float(1 / bound)
        method = "Poisson bound, no event"
    else:
        tails = [(1 - level) / 2, (1 + level) / 2]
        # A replicate without an event has no finite passage time: it counts as
        # infinite, and the upper end may be infinite with it.
        filled = np.where(np.isnan(replicates), np.inf if inverse else 0.0, replicates)
        low, high = np.quantile(filled, tails, method="nearest")
        method = "lineage bootstrap"
    return Estimate(
        value=float(value),
        low=float(low),
        high=float(high),
        level=level,
        method=method,
        n_effective=n,
        unit=unit,
    )
