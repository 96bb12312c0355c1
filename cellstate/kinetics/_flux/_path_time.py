"""Mean time of a transition path when some paths were cut off."""

import numpy as np
from scipy import sparse

from cellstate._base.results import Estimate
from cellstate.kinetics._flux._excursions import Excursions
from cellstate.kinetics._flux._given import Given


def path_time(
    found: Excursions,
    cells: Given,
    group: np.ndarray,
    *,
    n_bootstrap: int,
    level: float,
    rng: np.random.Generator,
) -> tuple[Estimate, float]:
    """Mean time (h) from leaving A for good to entering B, and what stays open.

    Excursions that were seen to leave A end in B, end in A again, or are cut off: two
    competing ends and right censoring, hence the Aalen-Johansen estimate. Those whose
    beginning was not seen say nothing about a time since then and are left out. The
    second number is the share of the excursions bound for B, or still open, that were
    open at the longest time followed; beyond `1 - level` the mean has no upper bound.

    Parameters
    ----------
    found
        Excursions of n rows.
    cells
        What is known of the rows.
    group
        Group of lineages of each row, shape (n,).

    References
    ----------
    Aalen, Johansen, Scand. J. Statist. 5 (1978) 141.
    """
    left_a = cells.source[found.first]
    weight = 0.5 ** found.n_divisions[left_a]
    length = found.n_outside[left_a]
    owner = group[found.last[left_a]]
    ends = (cells.target[found.last[left_a]], cells.source[found.last[left_a]])
    shape = (int(group.max()) + 1, int(length.max(initial=0)) + 1)
    counts = [
        sparse.csr_array((weight * kind, (owner, length)), shape=shape)
        for kind in (*ends, found.cut_after[left_a])
    ]
    whole = np.ones((1, shape[0]))
    value, still_open = _mean(*(whole @ c for c in counts))
    even = np.full(shape[0], 1 / shape[0])
    drawn = rng.multinomial(shape[0], even, size=n_bootstrap).astype(float)
    means = _mean(*(drawn @ c for c in counts))[0] * cells.interval
    paths = float((weight * ends[0] > 0).sum())
    low, high = _ends(means, level, float(still_open[0]))
    return Estimate(
        value=float(value[0]) * cells.interval,
        low=low,
        high=high,
        level=level,
        method="Aalen-Johansen, lineage bootstrap",
        n_effective=paths,
        unit="h",
    ), float(still_open[0])


def _mean(
    into_b: np.ndarray, into_a: np.ndarray, cut: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean length in frames of paths to B and the share still open, each (draws,).

    Counts by rows outside, shape (draws, longest + 1).
    """
    gone = into_b + into_a
    # A path cut off after m rows may still end with m or more: it is not at risk at m.
    at_risk = np.cumsum((gone + cut)[:, ::-1], axis=1)[:, ::-1] - cut
    none = at_risk <= 1e-9
    left = np.where(none, 0.0, 1 - gone / np.where(none, 1.0, at_risk))
    left = np.where(none, 1.0, np.clip(left, 0, 1))
    before = np.cumprod(left, axis=1)
    still_open = before[:, -1]
    before = np.concatenate([np.ones((len(before), 1)), before[:, :-1]], axis=1)
    arrive = before * np.where(none, 0.0, into_b / np.where(none, 1.0, at_risk))
    total = arrive.sum(axis=1)
    some = total > 0
    mean = np.full(len(total), np.nan)
    frames = np.arange(arrive.shape[1])
    mean[some] = (arrive @ frames)[some] / total[some]
    share = np.full(len(total), np.nan)
    known = total + still_open > 0
    share[known] = still_open[known] / (total + still_open)[known]
    return mean, share


def _ends(means: np.ndarray, level: float, still_open: float) -> tuple[float, float]:
    known = means[np.isfinite(means)]
    if not known.size:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float("inf") if still_open > 1 - level else float(high)
