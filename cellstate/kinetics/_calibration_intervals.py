"""How sure the parts of a calibration are: bins, Brier score and slope."""

import numpy as np
from scipy.sparse import coo_array
from scipy.special import expit, logit
from scipy.stats import norm, t

from cellstate._base.random import generator

WILSON, BOOTSTRAP = "Wilson, cells taken as independent", "lineage bootstrap"
FINE_BINS, NEWTON_STEPS = 500, 30


def bins_of_equal_counts(p: np.ndarray, n_bins: int) -> np.ndarray:
    """Number each prediction's bin, from 0 without a gap, shape (n,).

    Examples
    --------
    >>> bins_of_equal_counts(np.array([0.1, 0.9, 0.2, 0.8]), 2)
    array([0, 1, 0, 1])
    """
    edges = np.unique(np.quantile(p, np.linspace(0, 1, n_bins + 1)))
    index = np.searchsorted(edges, p, side="right") - 1
    index = np.clip(index, 0, max(len(edges) - 2, 0))
    return np.unique(index, return_inverse=True)[1]


def wilson(y: np.ndarray, w: np.ndarray, bins: np.ndarray, level: float) -> dict:
    """Interval of the share in each bin, for as many cells as the weights tell."""
    from statsmodels.stats.proportion import proportion_confint

    total = np.bincount(bins, w)
    n = total**2 / np.bincount(bins, w**2)
    share = np.bincount(bins, w * y) / total
    low, high = proportion_confint(share * n, n, alpha=1 - level, method="wilson")
    return {"low": np.asarray(low), "high": np.asarray(high), "method": WILSON}


def by_lineage(
    p: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    bins: np.ndarray,
    lineage: np.ndarray,
    n_draws: int,
    level: float,
    rng: int | np.random.Generator | None,
) -> dict:
    """Refit everything to lineages drawn with replacement.

    Bins and the Brier score have percentiles. Slopes of draws are skewed, for few
    lineages far more than the slope itself: their middle 68 % give its standard error.
    """
    many = int(lineage.max()) + 1
    draws = generator(rng).multinomial(many, np.full(many, 1 / many), size=n_draws)

    def sums(values: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Sum over the cells of each draw, by column, shape (n_draws, columns)."""
        by_lineage = coo_array((values, (lineage, column))).tocsr()
        return draws @ by_lineage

    total, hits = sums(w, bins), sums(w * y, bins)
    shares = np.divide(hits, total, out=np.full(total.shape, np.nan), where=total > 0)
    one = np.zeros(p.size, dtype=np.int64)
    briers = (sums(w * (p - y) ** 2, one) / sums(w, one))[:, 0]
    # One logit for some hundred neighbouring predictions: no draw is refitted to all.
    near = bins_of_equal_counts(p, FINE_BINS)
    x = np.bincount(near, w * log_odds(p)) / np.bincount(near, w)
    slopes = _slopes(x, sums(w, near), sums(w * y, near))
    whole = np.bincount(near, w)[None], np.bincount(near, w * y)[None]
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = _quantiles(shares, tails)
    low, high = _unanimous(low, high, y, bins, lineage, level)
    slope = _by_standard_error(float(_slopes(x, *whole)[0]), slopes, many, level)
    brier = _quantiles(briers, tails)
    return {
        "low": low,
        "high": high,
        "slope_low": slope[0],
        "slope_high": slope[1],
        "brier_low": float(brier[0]),
        "brier_high": float(brier[1]),
        "method": BOOTSTRAP,
        "n_lineages": many,
    }


def _by_standard_error(
    value: float, drawn: np.ndarray, lineages: int, level: float
) -> tuple[float, float]:
    """Student's interval; NaN for one lineage, whose draws are all the same."""
    if lineages < 2:
        return np.nan, np.nan
    low, high = _quantiles(drawn, list(norm.cdf([-1, 1])))
    width = t.ppf((1 + level) / 2, lineages - 1) * (high - low) / 2
    return float(value - width), float(value + width)


def _slopes(x: np.ndarray, total: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Slopes of many logistic fits by Newton's method, shape (n_draws,).

    Columns are values of x with so many cells and hits in each draw. NaN where a
    draw holds one outcome only.
    """
    both = (hits.sum(axis=1) > 0) & (hits.sum(axis=1) < total.sum(axis=1))
    total, hits = total[both], hits[both]
    fit = np.tile([0.0, 1.0], (len(total), 1))
    for _ in range(NEWTON_STEPS):
        chance = expit(fit[:, :1] + fit[:, 1:] * x)
        rest, spread = hits - total * chance, total * chance * (1 - chance)
        s0, s1, s2 = spread.sum(axis=1), spread @ x, spread @ x**2
        g0, g1 = rest.sum(axis=1), rest @ x
        flat = np.finfo(float).tiny
        area = np.maximum(s0 * s2 - s1**2, flat)
        move = np.stack([s2 * g0 - s1 * g1, s0 * g1 - s1 * g0], axis=1) / area[:, None]
        # Outcomes that a draw separates completely have no finite slope: it grows.
        fit += np.clip(move, -1.0, 1.0)
    slopes = np.full(both.size, np.nan)
    slopes[both] = fit[:, 1]
    return slopes


def log_odds(p: np.ndarray) -> np.ndarray:
    """Log-odds of predictions, those of 0 and 1 moved inside by half a cell in n."""
    inside = 0.5 / p.size
    return logit(np.clip(p, inside, 1 - inside))


def _quantiles(values: np.ndarray, tails: list[float]) -> np.ndarray:
    """Quantiles over the draws that have a value; NaN where none has."""
    found = np.isfinite(values).any(axis=0)
    ends = np.full((2, *values.shape[1:]), np.nan)
    ends[:, found] = np.nanquantile(values[:, found], tails, axis=0)
    return ends


def _unanimous(
    low: np.ndarray,
    high: np.ndarray,
    y: np.ndarray,
    bins: np.ndarray,
    lineage: np.ndarray,
    level: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Widen bins in which all cells did the same: no draw can tell them apart.

    There the interval is the exact one of so many lineages.
    """
    cells, hits = np.bincount(bins), np.bincount(bins, y)
    pairs = np.unique(bins * (int(lineage.max()) + 1) + lineage)
    lineages = np.bincount(pairs // (int(lineage.max()) + 1))
    bound = ((1 - level) / 2) ** (1 / lineages)
    high = np.where(hits == 0, 1 - bound, high)
    return np.where(hits == cells, bound, low), high
