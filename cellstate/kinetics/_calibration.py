"""Does a predicted chance mean what it says? Reliability, Brier score, ranking."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit

from cellstate._base.checks import fraction, integer
from cellstate._base.results import Result
from cellstate.kinetics._calibration_intervals import (
    WILSON,
    bins_of_equal_counts,
    by_lineage,
    log_odds,
    wilson,
)

UNKNOWN = float("nan")


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration(Result):
    """Predicted chances against what became of the cells.

    Attributes
    ----------
    predicted, observed, low, high, count
        Per bin of equal counts: mean prediction, share of cells that did reach B, its
        interval, cells. Means are weighted when there are weights.
    slope, intercept
        Of logit(outcome) against logit(prediction); 1 and 0 when calibrated,
        slope below 1 when predictions are too extreme.
    slope_low, slope_high, brier_low, brier_high
        Intervals by lineage bootstrap; NaN without lineages. That of the slope is
        Student's, with the standard error of the draws.
    brier, brier_base
        Mean squared error of the prediction, and of always saying the base rate.
    auroc, average_precision
        Of the ranking; NaN when only one outcome was seen.
    base_rate
        Share of cells that reached B.
    n, n_positive, n_excluded
        Cells judged, those that reached B, those whose future was cut off or that
        have no prediction.
    level, method
        Coverage of the intervals and how they were made.
    n_lineages
        Lineages with a judged cell; 0 when they were not given.
    n_effective
        Cells of equal weight that would tell as much (Kish): `n` without weights.
    max_weight
        Largest weight, 1 without.
    decided
        Share of the cells whose fate the longest watched paths let us know, 1 without
        censoring; see `cellstate.kinetics.WeightedFates`. NaN when it was not
        estimated.
    direction
        "forward" (which set is met next) or "backward" (which was met last).
    """

    kind: ClassVar[str] = "calibration"
    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray
    slope: float
    intercept: float
    brier: float
    brier_base: float
    auroc: float
    average_precision: float
    base_rate: float
    n: int
    n_positive: int
    n_excluded: int
    level: float
    slope_low: float = UNKNOWN
    slope_high: float = UNKNOWN
    brier_low: float = UNKNOWN
    brier_high: float = UNKNOWN
    method: str = WILSON
    n_lineages: int = 0
    n_effective: float = UNKNOWN
    max_weight: float = 1.0
    decided: float = UNKNOWN
    direction: str = "forward"


def calibration(
    predicted: ArrayLike,
    outcome: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    lineage: ArrayLike | None = None,
    n_bins: int = 10,
    n_bootstrap: int = 200,
    level: float = 0.95,
    decided: float = UNKNOWN,
    direction: str = "forward",
    rng: int | np.random.Generator | None = None,
) -> Calibration:
    """Judge predicted chances by outcomes of 0 or 1; NaN outcomes are excluded.

    Parameters
    ----------
    predicted
        Chances, shape (n,).
    outcome
        What happened, shape (n,): in [0, 1] (a mother whose daughters differ counts
        half), NaN when the future was cut off.
    weight
        How many cells each one stands for, shape (n,); 1 when None. See
        `weighted_fates`.
    lineage
        Lineage of each cell, shape (n,). Relatives are dependent: with lineages the
        intervals come from lineages drawn with replacement (weights kept as given),
        without them cells are taken as independent and only bins have an interval.
    n_bins
        Bins of equal counts; fewer where predictions coincide.
    n_bootstrap, level, rng
        Draws of lineages, coverage of the intervals, seed or Generator.
    decided, direction
        Kept in the result.

    Examples
    --------
    >>> report = calibration([0.1, 0.2, 0.8, 0.9, 0.5], [0, 0, 1, 1, np.nan], n_bins=2)
    >>> report.auroc, round(report.brier, 3), report.n_excluded
    (1.0, 0.025, 1)
    """
    predicted, outcome = (np.asarray(v, dtype=float) for v in (predicted, outcome))
    n_bins, level = integer(n_bins, "n_bins", 1), fraction(level, "level")
    known = np.isfinite(predicted) & np.isfinite(outcome)
    if not known.any():
        raise ValueError(
            f"no cell has both a prediction and a known future; found {known.size} "
            f"cells, {int(np.isfinite(predicted).sum())} predicted, "
            f"{int(np.isfinite(outcome).sum())} with a known future."
        )
    p, y = predicted[known], outcome[known]
    w = np.ones(p.size) if weight is None else np.asarray(weight, dtype=float)[known]
    bins = bins_of_equal_counts(p, n_bins)
    if lineage is None:
        intervals = wilson(y, w, bins, level)
    else:
        lineage = np.unique(np.asarray(lineage)[known], return_inverse=True)[1]
        draws = integer(n_bootstrap, "n_bootstrap", 1)
        intervals = by_lineage(p, y, w, bins, lineage, draws, level, rng)
    return Calibration(
        **_scores(p, y, w, bins),
        **intervals,
        n=int(known.sum()),
        n_positive=int((y > 0.5).sum()),
        n_excluded=int((~known).sum()),
        level=level,
        n_effective=float(w.sum() ** 2 / (w @ w)),
        max_weight=float(w.max()),
        decided=decided,
        direction=direction,
    )


def _scores(p: np.ndarray, y: np.ndarray, w: np.ndarray, bins: np.ndarray) -> dict:
    from sklearn.metrics import average_precision_score, roc_auc_score

    hit, total = y > 0.5, np.bincount(bins, w)
    both = hit.any() and not hit.all()
    slope, intercept = _slope(p, y, w) if both else (np.nan, np.nan)
    base = float(np.average(y, weights=w))
    ranked = {"y_true": hit, "y_score": p, "sample_weight": w}
    return {
        "predicted": np.bincount(bins, w * p) / total,
        "observed": np.bincount(bins, w * y) / total,
        "count": np.bincount(bins),
        "slope": slope,
        "intercept": intercept,
        "brier": float(np.average((p - y) ** 2, weights=w)),
        "brier_base": float(np.average((base - y) ** 2, weights=w)),
        "auroc": float(roc_auc_score(**ranked)) if both else np.nan,
        "average_precision": (
            float(average_precision_score(**ranked)) if both else np.nan
        ),
        "base_rate": base,
    }


def _slope(p: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[float, float]:
    """Fit logit(y) = intercept + slope logit(p) by maximum likelihood.

    Predictions of exactly 0 or 1 would be infinite; they are moved inside by half
    a cell in n, the most that n cells can tell.
    """
    design = np.stack([np.ones(p.size), log_odds(p)], axis=1)
    w = w / w.sum()

    def loss(c: np.ndarray) -> tuple[float, np.ndarray]:
        eta = design @ c
        value = w @ (np.logaddexp(0, eta) - y * eta)
        return value, design.T @ (w * (expit(eta) - y))

    fit = minimize(loss, np.array([0.0, 1.0]), jac=True, method="BFGS")
    return float(fit.x[1]), float(fit.x[0])
