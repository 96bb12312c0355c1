"""Macrostates of tracked cells, with what speaks for and against them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate._base.results import Result
from cellstate.kinetics._chain._counts import (
    Counts,
    connected,
    discretise,
    left,
    transition_matrix,
)
from cellstate.kinetics._chain._gpcca import coarse, lump, splits_a_pair
from cellstate.kinetics._chain._spectrum import implied_timescales, stationary_law
from cellstate.tracks import Tracks, lineage_groups

MOST_GROUPS = 100  # that lineages are drawn in
MOST_STATES, SHOWN = 8, 5  # sets that are tried, and timescales kept
SINGULAR = 1e12  # condition beyond which sets cannot be told apart
MULTIPLES = (1, 2, 3, 4, 5)  # of the lag, in the Chapman-Kolmogorov test


@dataclass(frozen=True, eq=False, kw_only=True)
class Macrostates(Result):
    """Metastable sets of the state space.

    Attributes
    ----------
    memberships
        Of each cell in each set, shape (n, m); NaN where the state is undefined or
        lies outside the part of the state space that is left and entered again.
    certainty
        The largest of them, shape (n,).
    names
        "m1", "m2", ... by falling weight.
    weights
        Share of time in each set in the steady state, (m,).
    transitions
        Between the sets over one lag, (m, m).
    lag
        Hours.
    crispness
        1 when every cell belongs to one set wholly.
    why
        Why so many sets.
    residual
        Of the stationary law, |pi T - pi|.
    n_lost
        Cells with a state that belong to no set.
    lags, timescales, timescales_low, timescales_high
        Implied timescales (h) of the slowest processes, (L, 5), at several lags (h),
        (L,), with 95 % intervals over lineages.
    times, predicted, estimated, estimated_low, estimated_high
        Chapman-Kolmogorov test at multiples of the lag (h), (K,): transitions between
        the sets (K, m, m) by the chain of one lag, and as seen, with 95 % intervals.
    largest_deviation
        Largest difference of the two in standard errors, of all sets and times: about
        3 is nothing unusual.
    """

    kind: ClassVar[str] = "macrostates"
    memberships: np.ndarray
    certainty: np.ndarray
    names: tuple[str, ...]
    weights: np.ndarray
    transitions: np.ndarray
    lag: float
    crispness: float
    why: str
    residual: float
    n_lost: int
    lags: np.ndarray
    timescales: np.ndarray
    timescales_low: np.ndarray
    timescales_high: np.ndarray
    times: np.ndarray
    predicted: np.ndarray
    estimated: np.ndarray
    estimated_low: np.ndarray
    estimated_high: np.ndarray
    largest_deviation: float


def macrostates_from_tracks(
    x: np.ndarray,
    tracks: Tracks,
    *,
    lag_frames: int,
    lags: list[int],
    frame_interval: float,
    n_states: int | None = None,
    n_cells: int = 100,
    n_bootstrap: int = 50,
    rng: int | np.random.Generator | None = None,
) -> Macrostates:
    """Lump the Markov chain between cells of the state space into metastable sets.

    Parameters
    ----------
    x
        States, shape (n, d), NaN where undefined.
    tracks
        Tracks with the same n rows.
    lag_frames
        Lag of the chain.
    lags
        Lags of the implied timescales, frames.
    frame_interval
        Hours between frames.
    n_states
        2 or more; after the widest gap between timescales when None.
    n_cells
        k-means cells of the state space.
    n_bootstrap
        Draws of lineages, for the intervals.
    rng
        Seed or Generator.

    Raises
    ------
    ValueError
        The lag is longer than every track, or fewer than 3 cells are left and entered
        again.
    """
    rng = generator(rng)
    place = discretise(x, n_cells, rng)
    group = lineage_groups(tracks, MOST_GROUPS, rng)
    counts = Counts.along(tracks, place, n_cells, lag_frames, group)
    kept = connected(counts.of())
    if kept.size < 3:
        raise ValueError(
            f"only {kept.size} of {n_cells} cells of the state space are left and "
            "entered again, so there is no steady state to lump. Use a shorter lag, "
            "fewer cells, or follow more cells."
        )
    chain = transition_matrix(counts.of()[np.ix_(kept, kept)])
    law, residual = stationary_law(chain)
    m, why = _number(chain, lag_frames * frame_interval, n_states)
    lumped = lump(chain, law, m)
    memberships = np.full((n_cells + 1, m), np.nan)  # the last is for undefined states
    memberships[kept] = lumped.memberships
    draws = rng.multinomial(
        counts.n_groups, np.full(counts.n_groups, 1 / counts.n_groups), n_bootstrap
    )
    about = (tracks, place, n_cells, kept, draws, group)
    each = memberships[place]
    return Macrostates(
        memberships=each,
        certainty=each.max(axis=1),
        names=tuple(f"m{i + 1}" for i in range(m)),
        weights=lumped.weights,
        transitions=lumped.transitions,
        lag=lag_frames * frame_interval,
        crispness=lumped.crispness,
        why=why,
        residual=residual,
        n_lost=int((np.isnan(each[:, 0]) & (place >= 0)).sum()),
        **_timescales(lags, frame_interval, *about),
        **_chapman_kolmogorov(
            lumped.memberships, law, lag_frames, frame_interval, *about
        ),
    )


def _number(chain: np.ndarray, lag: float, n_states: int | None) -> tuple[int, str]:
    """Number of sets, and the reason."""
    if n_states is not None:
        return n_states, "given"
    most = min(MOST_STATES, len(chain) - 2)
    times = implied_timescales(chain, lag, most)
    ratio = {
        m: times[m - 2] / max(times[m - 1], 1e-3 * lag)
        for m in range(2, most + 1)
        if np.isfinite(times[m - 2]) and not splits_a_pair(chain, m)
    }
    if not ratio:
        return 2, "no gap between timescales: two sets, the fewest"
    m = max(ratio, key=ratio.__getitem__)
    return m, (
        f"timescale {m - 1} is {ratio[m]:.3g} times timescale {m} "
        f"({times[m - 2]:.3g} h against {times[m - 1]:.3g} h), the widest gap"
    )


def _timescales(
    lags: list[int],
    interval: float,
    tracks: Tracks,
    place: np.ndarray,
    k: int,
    kept: np.ndarray,
    draws: np.ndarray,
    group: np.ndarray,
) -> dict[str, np.ndarray]:
    """Implied timescales at each lag, with intervals."""
    values, ends = [], []
    for lag in progress(lags, "implied timescales"):
        counts = Counts.along(tracks, place, k, lag, group)
        # At this lag fewer cells may be left and entered again. A draw of lineages
        # may fall apart into sets without a step between them: infinite timescales.
        again = kept[connected(counts.of()[np.ix_(kept, kept)])]
        some = [counts.of(), *(counts.of(draw.astype(float)) for draw in draws)]
        each = [_slowest(one[np.ix_(again, again)], lag * interval) for one in some]
        values.append(each[0])
        ends.append(_ends(np.array(each[1:]), each[0]))
    return {
        "lags": np.array(lags) * interval,
        "timescales": np.array(values),
        "timescales_low": np.array(ends)[:, 0],
        "timescales_high": np.array(ends)[:, 1],
    }


def _slowest(counts: np.ndarray, lag: float) -> np.ndarray:
    seen = left(counts)
    if seen.sum() < 2:
        return np.full(SHOWN, np.nan)
    return implied_timescales(transition_matrix(counts[np.ix_(seen, seen)]), lag, SHOWN)


def _chapman_kolmogorov(
    memberships: np.ndarray,
    law: np.ndarray,
    lag_frames: int,
    interval: float,
    tracks: Tracks,
    place: np.ndarray,
    k: int,
    kept: np.ndarray,
    draws: np.ndarray,
    group: np.ndarray,
) -> dict[str, np.ndarray | float]:
    """Transitions between the sets after several lags: predicted, and as seen."""
    predicted, seen, ends, worst = [], [], [], 0.0
    once = None
    for multiple in MULTIPLES:
        try:
            counts = Counts.along(tracks, place, k, multiple * lag_frames, group)
        except ValueError:
            break  # no track is as long
        some = [counts.of(), *(counts.of(draw.astype(float)) for draw in draws)]
        each = np.array(
            [_between(memberships, law, one[np.ix_(kept, kept)]) for one in some]
        )
        if np.isnan(each[0]).any():
            break  # a set that nobody is seen in at the start of so long a step
        once = each if once is None else once
        power = np.array([np.linalg.matrix_power(t, multiple) for t in once])
        predicted.append(power[0])
        seen.append(each[0])
        ends.append(_ends(each[1:], each[0]))
        apart = each[1:] - power[1:]
        apart = apart[~np.isnan(apart).any(axis=(1, 2))]
        if multiple > 1 and len(apart) > 1:
            # What both have in common cancels: the spread is that of the difference.
            spread = np.std(apart, axis=0, ddof=1)
            deviation = np.abs(each[0] - power[0]) / np.where(
                spread > 0, spread, np.inf
            )
            worst = max(worst, float(deviation.max()))
    return {
        "times": np.array(MULTIPLES[: len(seen)]) * lag_frames * interval,
        "predicted": np.array(predicted),
        "estimated": np.array(seen),
        "estimated_low": np.array(ends)[:, 0],
        "estimated_high": np.array(ends)[:, 1],
        "largest_deviation": worst,
    }


def _between(
    memberships: np.ndarray, law: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Transitions between the sets, from the cells that somebody left, (m, m)."""
    seen = law * (counts.sum(axis=1) > 0)
    if np.linalg.cond((memberships.T * seen) @ memberships) > SINGULAR:
        return np.full((memberships.shape[1],) * 2, np.nan)
    return coarse(memberships, seen, transition_matrix(counts))


def _ends(drawn: np.ndarray, value: np.ndarray) -> np.ndarray:
    """95 % intervals over draws, (2, ...); NaN without draws."""
    if len(drawn):
        drawn = drawn[~np.isnan(drawn).reshape(len(drawn), -1).any(axis=1)]
    if len(drawn) < 2:
        return np.full((2, *value.shape), np.nan)
    return np.quantile(drawn, [0.025, 0.975], axis=0, method="nearest")
