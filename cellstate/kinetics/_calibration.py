"""Does a predicted chance mean what it says? Reliability, Brier score, ranking."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import fraction, integer
from cellstate._base.results import Result


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration(Result):
    """Predicted chances against what became of the cells.

    Attributes
    ----------
    predicted, observed, low, high, count
        Per bin of equal counts: mean prediction, share of cells that did reach B,
        Wilson interval of that share, cells. Relatives are dependent, so the
        interval is a lower bound of the uncertainty.
    slope, intercept
        Of logit(outcome) against logit(prediction); 1 and 0 when calibrated,
        slope below 1 when predictions are too extreme.
    brier, brier_base
        Mean squared error of the prediction, and of always saying the base rate.
    auroc, average_precision
        Of the ranking; NaN when only one outcome was seen.
    base_rate
        Share of cells that reached B.
    n, n_positive, n_excluded
        Cells judged, those that reached B, those whose future was cut off or that
        have no prediction.
    level
        Of the interval.
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


def calibration(
    predicted: ArrayLike,
    outcome: ArrayLike,
    *,
    n_bins: int = 10,
    level: float = 0.95,
) -> Calibration:
    """Judge predicted chances by outcomes of 0 or 1; NaN outcomes are excluded.

    Parameters
    ----------
    predicted
        Chances, shape (n,).
    outcome
        What happened, shape (n,): in [0, 1] (a mother whose daughters differ counts
        half), NaN when the future was cut off.
    n_bins
        Bins of equal counts; fewer where predictions coincide.

    Examples
    --------
    >>> report = calibration([0.1, 0.2, 0.8, 0.9, 0.5], [0, 0, 1, 1, np.nan], n_bins=2)
    >>> report.auroc, round(report.brier, 3), report.n_excluded
    (1.0, 0.025, 1)
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

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
    hit = y > 0.5
    both = hit.any() and not hit.all()
    slope, intercept = _slope(p, y) if both else (np.nan, np.nan)
    return Calibration(
        **_bins(p, y, n_bins, level),
        slope=slope,
        intercept=intercept,
        brier=float(np.mean((p - y) ** 2)),
        brier_base=float(np.mean((y.mean() - y) ** 2)),
        auroc=float(roc_auc_score(hit, p)) if both else np.nan,
        average_precision=float(average_precision_score(hit, p)) if both else np.nan,
        base_rate=float(y.mean()),
        n=int(known.sum()),
        n_positive=int(hit.sum()),
        n_excluded=int((~known).sum()),
        level=level,
    )


def _bins(p: np.ndarray, y: np.ndarray, n_bins: int, level: float) -> dict:
    from statsmodels.stats.proportion import proportion_confint

    edges = np.unique(np.quantile(p, np.linspace(0, 1, n_bins + 1)))
    index = np.clip(
        np.searchsorted(edges, p, side="right") - 1, 0, max(len(edges) - 2, 0)
    )
    count = np.bincount(index)
    filled = count > 0
    hits = np.bincount(index, y)[filled]
    count, index_sum = count[filled], np.bincount(index, p)[filled]
    low, high = proportion_confint(hits, count, alpha=1 - level, method="wilson")
    return {
        "predicted": index_sum / count,
        "observed": hits / count,
        "low": np.asarray(low),
        "high": np.asarray(high),
        "count": count,
    }


def _slope(p: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Fit logit(y) = intercept + slope logit(p) by maximum likelihood.

    Predictions of exactly 0 or 1 would be infinite; they are moved inside by half
    a cell in n, the most that n cells can tell.
    """
    from scipy.optimize import minimize
    from scipy.special import expit, logit

    inside = 0.5 / p.size
    design = np.stack([np.ones(p.size), logit(np.clip(p, inside, 1 - inside))], axis=1)

    def loss(c: np.ndarray) -> tuple[float, np.ndarray]:
        eta = design @ c
        value = np.logaddexp(0, eta).sum() - y @ eta
        return value, design.T @ (expit(eta) - y)

    fit = minimize(loss, np.array([0.0, 1.0]), jac=True, method="BFGS")
    return float(fit.x[1]), float(fit.x[0])
