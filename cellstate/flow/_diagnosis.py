"""Whether residuals look like noise, and how far the data can be trusted."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm, normaltest

from cellstate._base.results import Result
from cellstate.flow._choice import Choice, penalised
from cellstate.flow._robust import following_rows
from cellstate.flow._track_fit import TrackFit

LAGS = 10
PROBABILITIES = np.linspace(0.005, 0.995, 100)
TRIED = 500  # states at which slopes are judged
STEEP = 0.95  # quantile of the rates over visited states


def _none() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Diagnosis(Result):
    """What speaks for and against a fit.

    Attributes
    ----------
    n_steps, n_lineages, n_snapshots
        What was fitted.
    lags, autocorrelation, band
        Frames (k,), autocorrelation of standardised residuals (k, d), and the size
        that chance keeps below in 95 of 100 cases.
    whiteness_p, gaussianity_p
        Chance of such residuals if they were white (Ljung-Box; without the first lag
        where measurement noise was seen, which correlates neighbours) or Gaussian
        (D'Agostino and Pearson); the least over coordinates, times their number.
    quantiles, residual_quantiles
        Of a standard Gaussian (r,) and of standardised residuals (r, d).
    dt_lambda_max
        Frame interval times the fastest rate of change, at the 95 % quantile of the
        visited states: above about 0.5 a step is too long for the correction.
    condition_number
        Of the normal equations with their ridge, scaled to unit diagonal.
    functions, penalties, held_out_error, held_out_deviation
        Every trial: its basis, ridge, held-out error per hour (0 is that of a zero
        drift), and the standard error of its difference to the best.
    chosen, penalty
        What was taken.
    noise, noise_p
        Covariance of measurement noise per frame (d, d), zeros where none was seen,
        and the chance of such residuals without any.
    intervals
        What the standard errors allow for.
    agreement_p
        Chance of snapshots as far from the tracks' law as these; NaN without both.
    n_extrapolated
        Cells outside of the states that were fitted.
    null_rows
        Of snapshots: trivial predictions of a held-out time beside the fit.
    """

    kind: ClassVar[str] = "diagnosis"
    n_steps: int = 0
    n_lineages: int = 0
    n_snapshots: int = 0
    lags: np.ndarray = field(default_factory=_none)
    autocorrelation: np.ndarray = field(default_factory=_none)
    band: float = float("nan")
    whiteness_p: float = float("nan")
    gaussianity_p: float = float("nan")
    quantiles: np.ndarray = field(default_factory=_none)
    residual_quantiles: np.ndarray = field(default_factory=_none)
    dt_lambda_max: float = float("nan")
    condition_number: float = float("nan")
    functions: tuple[str, ...] = ()
    penalties: np.ndarray = field(default_factory=_none)
    held_out_error: np.ndarray = field(default_factory=_none)
    held_out_deviation: np.ndarray = field(default_factory=_none)
    chosen: str = ""
    penalty: float = float("nan")
    noise: np.ndarray = field(default_factory=_none)
    noise_p: float = float("nan")
    intervals: str = ""
    agreement_p: float = float("nan")
    n_extrapolated: int = 0
    null_rows: pd.DataFrame | None = None


def diagnose_tracks(
    fit: TrackFit, *, n_snapshots: int, n_extrapolated: int, agreement_p: float
) -> Diagnosis:
    """Judge a fit by the residuals of its steps."""
    rows, choice = fit.rows, fit.choice
    standard = _standardised(fit)
    correlation, pairs = _autocorrelation(fit, standard)
    first = 1 if fit.noisy else 0
    tests = chi2.sf(
        (correlation[first:] ** 2 * pairs[first:, None]).sum(axis=0),
        (pairs[first:] > 0).sum(),
    )
    d = standard.shape[1]
    shape = normaltest(standard).pvalue if len(standard) >= 20 else np.full(d, np.nan)
    return Diagnosis(
        n_steps=rows.size,
        n_lineages=int(np.unique(rows.group).size),
        n_snapshots=n_snapshots,
        lags=np.arange(1, LAGS + 1),
        autocorrelation=correlation,
        band=float(norm.ppf(0.975) / np.sqrt(max(pairs[0], 1))),
        whiteness_p=float(min(1.0, d * tests.min())),
        gaussianity_p=float(min(1.0, d * shape.min())),
        quantiles=norm.ppf(PROBABILITIES),
        residual_quantiles=np.quantile(standard, PROBABILITIES, axis=0),
        dt_lambda_max=_steepness(fit),
        condition_number=_condition(choice),
        functions=choice.names,
        penalties=choice.ridges,
        held_out_error=choice.errors,
        held_out_deviation=choice.standard_errors,
        chosen=fit.design.name,
        penalty=choice.ridge,
        noise=fit.noise,
        noise_p=fit.noise_p,
        intervals=fit.dependence,
        agreement_p=agreement_p,
        n_extrapolated=n_extrapolated,
    )


def _standardised(fit: TrackFit) -> np.ndarray:
    """Residuals in units of what diffusion and noise make of them, (m, d)."""
    rows = fit.rows
    spread = 2 * fit.diffusion(rows.x[rows.first]) * rows.dt[:, None, None]
    roots = np.linalg.cholesky(spread + 2 * fit.noise)
    return np.linalg.solve(roots, fit.left[:, :, None])[:, :, 0]


def _autocorrelation(
    fit: TrackFit, standard: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of every lag: autocorrelation (k, d) and the number of pairs (k,)."""
    following = following_rows(fit.rows.first, fit.rows.second)
    at, values, pairs = np.arange(len(standard)), [], []
    scale = (standard**2).mean(axis=0)
    for _ in range(LAGS):
        at = np.where(at >= 0, following[at], -1)
        has = np.flatnonzero(at >= 0)
        product = standard[has] * standard[at[has]]
        values.append(product.sum(axis=0) / max(len(has), 1) / scale)
        pairs.append(len(has))
    return np.array(values), np.array(pairs)


def _steepness(fit: TrackFit) -> float:
    rows = fit.rows
    some = rows.first[:: max(1, rows.size // TRIED)]
    slopes = fit.design.jacobian(rows.x[some], fit.coefficients)
    rates = np.abs(np.linalg.eigvals(slopes)).max(axis=1)
    return float(np.quantile(rates, STEEP) * np.median(rows.dt))


def _condition(choice: Choice) -> float:
    own = choice.candidate
    equations = own.equations
    matrix = penalised(
        equations.m.sum(axis=0), choice.ridge, own.weights, equations.hours.sum()
    )
    scale = np.sqrt(np.diag(matrix))
    scale = np.where(scale > 0, scale, 1.0)
    values = np.linalg.eigvalsh(matrix / np.outer(scale, scale))
    rounding = len(values) * np.finfo(float).eps * values[-1]
    return float(values[-1] / values[0]) if values[0] > rounding else float("inf")
