"""Fit a flow to snapshots alone, and say what they leave open."""

import numpy as np
import pandas as pd

from cellstate.flow._design import FREE, GRADIENT, SPLIT
from cellstate.flow._diagnosis import Diagnosis
from cellstate.flow._identifiable import from_snapshots
from cellstate.flow._result import FlowFit
from cellstate.flow._snapshot_model import fit_paths
from cellstate.flow._state_function import Seen, StateFunction, fit_function
from cellstate.flow._support import support_of
from cellstate.flow._transport_paths import transport_paths
from cellstate.transport import Couplings


def fit_transport(
    x: np.ndarray,
    couplings: Couplings,
    *,
    growth_source: str = "",
    rng: int | np.random.Generator | None = None,
) -> FlowFit:
    """Drift as the mean velocity of the paths that join coupled cells.

    Parameters
    ----------
    x
        States that were coupled, (n, d).
    couplings
        Of consecutive snapshots.
    growth_source
        "" for none; otherwise the growth that the couplings imply is fitted too.
    rng
        Seed or Generator.
    """
    paths = transport_paths(x, couplings)
    growth = implied_growth(x, couplings) if growth_source else None
    seen = x[couplings.time_index >= 0]
    support = support_of(seen, rng)
    known = x[np.isfinite(x).all(axis=1)]
    return FlowFit(
        method="regression",
        use="snapshots",
        drift_kind=FREE,
        model=fit_paths(paths, growth=growth, rng=rng),
        support=support,
        diagnosis=snapshot_diagnosis(
            couplings.null, len(couplings.times), int(support.outside(known).sum())
        ),
        identifiable=from_snapshots(diffusion_given=False, growth=growth_source),
    )


def snapshot_diagnosis(
    null: pd.DataFrame | None, n_snapshots: int, n_extrapolated: int
) -> Diagnosis:
    """What can be said of a fit without steps."""
    return Diagnosis(
        n_snapshots=n_snapshots, n_extrapolated=n_extrapolated, null_rows=null
    )


def implied_growth(x: np.ndarray, couplings: Couplings) -> StateFunction:
    """Growth rate that couplings imply, as a function of the state.

    A constant is added so that the mass of every snapshot, grown along its pairs to the
    next (the rate at either end counts half), gives the ratio of the masses, on
    average over the intervals.
    """
    rows = np.flatnonzero(np.isfinite(couplings.growth))
    found = fit_function(
        Seen(
            values=couplings.growth[rows, None],
            x=x[rows],
            weight=couplings.weight[rows],
            first=rows,
            second=rows,
            group=rows,
        )
    )
    rate = found(np.nan_to_num(x))[:, 0]
    spans = np.diff(couplings.times)
    short = [
        np.log(couplings.mass_ratio[k] / _grown(couplings, k, rate, span))
        for k, span in enumerate(spans)
    ]
    coefficients = np.array(found.coefficients)
    coefficients[0, 0] += np.sum(short) / spans.sum()
    return StateFunction(
        basis=found.basis, coefficients=coefficients, covariance=found.covariance
    )


def _grown(couplings: Couplings, k: int, rate: np.ndarray, span: float) -> float:
    """Mass of a snapshot of mass 1, grown along its pairs over the interval."""
    pair = couplings.pairs(k)
    factor = np.exp(span * (rate[pair.source] + rate[pair.target]) / 2)
    n = len(rate)
    total = np.bincount(pair.source, pair.mass, n)
    mean = np.bincount(pair.source, pair.mass * factor, n)
    own = np.flatnonzero(couplings.time_index == k)
    # A cell without descendants in the plan grows as where it stands.
    here = np.exp(span * rate[own])
    along = np.where(total[own] > 0, mean[own] / np.maximum(total[own], 1e-300), here)
    return float(couplings.weight[own] @ along)


def refuse_snapshots(drift: str, diffusion: object) -> None:
    """Say which drifts snapshots cannot tell.

    Raises
    ------
    ValueError
        A circulation, or a gradient without a diffusion.
    """
    if drift == SPLIT:
        raise ValueError(
            "drift='split' asks for the circulation, which snapshots do not identify: "
            "a circulating drift leaves every density as it is. Use tracks "
            "(use='tracks' or 'both'), or drift='free' or 'gradient'."
        )
    if drift == GRADIENT and diffusion is None:
        raise ValueError(
            "drift='gradient' from snapshots needs a diffusion, which snapshots do "
            "not identify: give diffusion= (a number or matrix, squares per h), "
            "measured on tracks or assumed; or use drift='free'."
        )
    if drift == FREE and diffusion is not None:
        raise ValueError(
            "with a diffusion, snapshots identify a gradient drift and no free one: "
            "use drift='gradient', or leave diffusion out."
        )
