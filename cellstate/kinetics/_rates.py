"""Rates between two sets from tracks that begin, end and divide anywhere."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.random import generator
from cellstate._base.results import Estimate, Result
from cellstate.kinetics import _passages as passages
from cellstate.kinetics._grid import Core, Flow, grid_error, solve_on_grid
from cellstate.kinetics._passages import Ends, step_sums
from cellstate.kinetics._rate_intervals import (
    bootstrap_rate,
    bootstrap_time,
    inverse,
    poisson_rate,
    ratio,
)
from cellstate.kinetics._stopping import Crossings
from cellstate.tracks import Tracks, lineage_groups

# Lineages are drawn in at most so many groups, put together at random.
MOST_GROUPS = 1000


@dataclass(frozen=True, eq=False, kw_only=True)
class Rates(Result):
    """Kinetics between the source A and the target B.

    Attributes
    ----------
    k_ab, k_ba
        Passages from A to B per hour that A is the last set met; B to A.
    nu
        Transitions from A to B per hour of observation.
    mfpt_ab, mfpt_ba
        1 / k_ab and 1 / k_ba: mean time from entering A until B is entered (h).
    transition_path_time
        Mean time from leaving A for the last time until entering B (h).
    k_ab_events, k_ba_events
        The same from what was seen alone: passages whose beginning and end were seen,
        over the hours of which the last set met was seen, with the exact Poisson
        interval. It needs no committor, and passages independent of each other. None
        where nothing was counted, for a flow.
    k_ab_at_frames, k_ba_at_frames
        Without what is met between two frames; None unless that was asked for, for
        then k_ab and k_ba are without it.
    n_events, n_events_back
        Observed entries into B coming from A, and into A coming from B.
    exposure
        Cell-hours in A and from each exit until A or B is met: those under k_ab.
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
    k_ab_events: Estimate | None = None
    k_ba_events: Estimate | None = None
    k_ab_at_frames: Estimate | None = None
    k_ba_at_frames: Estimate | None = None
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
    decision_time: np.ndarray,
    frame_interval: float,
    names: tuple[str, str] = ("A", "B"),
    n_bootstrap: int = 1000,
    level: float = 0.95,
    crossings: Crossings | None = None,
    rng: int | np.random.Generator | None = None,
) -> Rates:
    """Count passages and the time at risk, filling the ends of tracks.

    k_AB follows every exit from A: whether B is met before A is returned to, and how
    long that takes; where the track ends before, by the committor and the mean time to
    a decision of its last row. Nothing is dropped for being unfinished, no passage for
    having begun before the track, and the cells need not be stationary: it is enough
    that inside A they are as they would be.

    nu counts entries into B whose last set was A, per hour of observation; where a
    track has met neither set yet the backward committor of its first row tells the
    chance. It and the transition-path time take the cells as they were seen: they are
    those of the steady state if the cells were in it.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    source, target
        Boolean masks (n,) of A and B.
    forward, backward
        Committors of the rows, shape (n,); NaN where undefined.
    decision_time
        Mean hours until A or B is met, shape (n,).
    frame_interval
        Hours between frames.
    names
        Of A and B.
    n_bootstrap, level, rng
        Lineages are drawn with replacement; the filled ends are kept as given.
    crossings
        Chances of visits between frames, of `hidden_crossings`.

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
    ends = Ends(forward=forward, backward=backward, decision_time=decision_time)
    group = lineage_groups(tracks, MOST_GROUPS, rng)
    n = int(group.max()) + 1
    draws = rng.multinomial(n, np.full(n, 1 / n), size=n_bootstrap).T

    def summed(met: Crossings | None) -> np.ndarray:
        about = {"interval": frame_interval, "crossings": met}
        return step_sums(tracks, source, target, ends, group, **about)

    seen = summed(None)
    sums, at_frames = seen, {}
    if crossings is not None:
        sums = summed(crossings)
        k_ab, k_ba = _both_ways(seen, seen @ draws, level)
        at_frames = {"k_ab_at_frames": k_ab, "k_ba_at_frames": k_ba}
    drawn, whole = sums @ draws, seen.sum(axis=1)
    k_ab, k_ba = _both_ways(sums, drawn, level)
    path = ratio(sums[passages.ON_THE_WAY].sum(), _events(sums, passages.INTO_B))
    paths = ratio(drawn[passages.ON_THE_WAY], drawn[passages.INTO_B])
    return Rates(
        k_ab=k_ab,
        k_ba=k_ba,
        nu=_rate(sums, drawn, passages.INTO_B, passages.HOURS, level),
        mfpt_ab=inverse(k_ab),
        mfpt_ba=inverse(k_ba),
        transition_path_time=bootstrap_time(path, paths, k_ab.n_effective, level),
        k_ab_events=poisson_rate(
            whole[passages.SURE_INTO_B], whole[passages.SURE_AFTER_A], level
        ),
        k_ba_events=poisson_rate(
            whole[passages.SURE_INTO_A], whole[passages.SURE_AFTER_B], level
        ),
        n_events=round(float(whole[passages.SEEN_INTO_B])),
        n_events_back=round(float(whole[passages.SEEN_INTO_A])),
        exposure=float(sums[passages.WITH_A].sum()),
        source=names[0],
        target=names[1],
        **at_frames,
    )


def _both_ways(
    sums: np.ndarray, drawn: np.ndarray, level: float
) -> tuple[Estimate, Estimate]:
    k_ab = _rate(sums, drawn, passages.FROM_A, passages.WITH_A, level)
    return k_ab, _rate(sums, drawn, passages.FROM_B, passages.WITH_B, level)


def _rate(
    sums: np.ndarray, drawn: np.ndarray, top: int, bottom: int, level: float
) -> Estimate:
    events, hours = _events(sums, top), float(sums[bottom].sum())
    # Lineages that were at risk: others bring nothing to the spread.
    at_risk = float((sums[bottom] > 0).sum())
    value, each = ratio(events, hours), ratio(drawn[top], drawn[bottom])
    return bootstrap_rate(value, each, events, hours, level, at_risk)


def _events(sums: np.ndarray, column: int) -> float:
    """Passages; round-off in 1 - past must not pass for one."""
    return float(np.where(sums[column] > 1e-9, sums[column], 0.0).sum())


def rates_on_grid(
    flow: Flow,
    source: Core,
    target: Core,
    box: np.ndarray,
    *,
    names: tuple[str, str] = ("A", "B"),
) -> Rates:
    """Rates of a flow; the intervals tell the error of the grid, not of the flow.

    Parameters
    ----------
    flow, source, target, box
        As of `solve_on_grid`.
    names
        Of A and B.

    Returns
    -------
    Rates
        `level` is 1 and `n_effective` infinite: nothing was drawn. No events and no
        exposure.
    """
    found = solve_on_grid(flow, source, target, box)
    error = grid_error(found, flow, source, target)

    def known(value: float, relative: float, unit: str) -> Estimate:
        return Estimate(
            value=value,
            low=value * (1 - relative),
            high=value * (1 + relative),
            level=1.0,
            method="grid, against cells twice as large",
            n_effective=np.inf,
            unit=unit,
        )

    k_ab = known(found.k_ab, error.k_ab, "1/h")
    k_ba = known(found.k_ba, error.k_ba, "1/h")
    return Rates(
        k_ab=k_ab,
        k_ba=k_ba,
        nu=known(found.nu, error.nu, "1/h"),
        mfpt_ab=inverse(k_ab),
        mfpt_ba=inverse(k_ba),
        transition_path_time=known(
            found.transition_path_time, error.transition_path_time, "h"
        ),
        n_events=0,
        n_events_back=0,
        exposure=0.0,
        source=names[0],
        target=names[1],
    )
