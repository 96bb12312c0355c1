"""Fit a flow to tracks, alone or together with snapshots."""

import numpy as np

from cellstate._base.checks import not_negative
from cellstate.flow._circulation import Circulation, circulation, nearest_gradient
from cellstate.flow._design import FREE, GRADIENT, Design
from cellstate.flow._diagnosis import diagnose_tracks
from cellstate.flow._folds import step_folds
from cellstate.flow._identifiable import from_tracks
from cellstate.flow._regression_model import RegressionModel
from cellstate.flow._result import FlowFit
from cellstate.flow._state_function import StateFunction
from cellstate.flow._support import support_of
from cellstate.flow._track_fit import Known, TrackFit, fit_tracks, told_by_tracks
from cellstate.flow._weak import Snapshots, WeakForm, weak_form
from cellstate.sde import Steps

FEWEST_STEPS = 20  # per coordinate


def fit_regression(
    x: np.ndarray,
    steps: Steps,
    *,
    snapshots: Snapshots | None = None,
    drift: str = FREE,
    symmetry: np.ndarray | None = None,
    growth: StateFunction | None = None,
    growth_source: str = "",
    penalty: float | None = None,
    level: float = 0.95,
    rng: int | np.random.Generator | None = None,
) -> FlowFit:
    """Weighted least squares in a smooth basis, in closed form.

    Increments along tracks and the balance of probability between snapshots add up in
    the same normal equations, each weighted by how sure it is. Snapshots leave the
    circulation to the tracks.

    Parameters
    ----------
    x
        States, shape (n, d); rows may be NaN.
    steps
        Steps along tracks.
    snapshots
        Cells seen once, at two times or more, in the same coordinates.
    drift
        "free", "gradient" (``-M grad V``) or "split" (a gradient and, held back by a
        penalty of its own, whatever is not one).
    symmetry
        Matrices of a group about the origin, (g, d, d); the drift obeys it exactly.
    growth, growth_source
        Growth rate and where it comes from ("events", "given" or "").
    penalty
        Ridge strength; chosen on held-out lineages when None.
    level
        Of intervals.
    rng
        Seed or Generator.

    Raises
    ------
    ValueError
        Too few steps, nothing moves, or a penalty below 0.

    References
    ----------
    Frishman and Ronceray, Phys. Rev. X 10, 021009 (2020); Vestergaard et al., Phys.
    Rev. E 89, 022726 (2014).
    """
    _check_steps(x, steps)
    if penalty is not None:
        penalty = not_negative(penalty, "penalty")
    fold = step_folds(steps, rng)
    settings = {"group": symmetry, "ridge": penalty, "rng": rng}
    balance: list[WeakForm] = []

    def known(first: TrackFit) -> Known:
        weak = weak_form(
            snapshots,
            lambda y: first.design.field(y, first.coefficients),
            first.diffusion,
            None if growth is None else lambda y: growth(y)[:, 0],
        )
        balance.append(weak)
        return weak.equations

    told = None if snapshots is None else known
    fit = fit_tracks(x, steps, fold, form=drift, known=told, **settings)
    free = fit
    if drift != FREE and x.shape[1] > 1:
        free = fit_tracks(x, steps, fold, form=FREE, known=told, **settings)
    turning = circulation(free, level)
    potential = (
        (fit.design, fit.coefficients) if drift == GRADIENT else nearest_gradient(free)
    )
    agreement_p = float("nan")
    if balance:
        # In the design that both chose: tracks alone may choose one that is too poor
        # for states which only the snapshots show.
        agreement_p = balance[0].agreement(fit.design, *told_by_tracks(fit))
    return _assembled(
        fit, turning, potential, x, snapshots, agreement_p, growth, growth_source, rng
    )


def _assembled(
    fit: TrackFit,
    turning: Circulation | None,
    potential: tuple[Design, np.ndarray],
    x: np.ndarray,
    snapshots: Snapshots | None,
    agreement_p: float,
    growth: StateFunction | None,
    growth_source: str,
    rng: int | np.random.Generator | None,
) -> FlowFit:
    seen = [x[fit.rows.first], *(() if snapshots is None else snapshots.x)]
    support = support_of(np.concatenate(seen), rng)
    cells = x[np.isfinite(x).all(axis=1)]
    return FlowFit(
        method="regression",
        use="tracks" if snapshots is None else "both",
        drift_kind=fit.design.form,
        model=RegressionModel(
            design=fit.design,
            coefficients=fit.coefficients,
            covariance=fit.covariance,
            diffusion_model=fit.diffusion,
            growth_model=growth,
            potential_design=potential[0],
            potential_coefficients=potential[1],
        ),
        support=support,
        diagnosis=diagnose_tracks(
            fit,
            n_snapshots=0 if snapshots is None else len(snapshots.x),
            n_extrapolated=int(support.outside(cells).sum()),
            agreement_p=agreement_p,
        ),
        identifiable=from_tracks(
            noise_known=bool(np.isfinite(fit.noise_p)),
            growth=growth_source,
            d=x.shape[1],
        ),
        circulation=turning,
    )


def _check_steps(x: np.ndarray, steps: Steps) -> None:
    needed = FEWEST_STEPS * x.shape[1]
    if steps.size < needed:
        raise ValueError(
            f"a flow in {x.shape[1]} coordinates needs at least {needed} steps from "
            f"frame to frame; found {steps.size}. Follow more cells, or use fewer "
            "coordinates: cs.tl.embed(adata, n_components=2)."
        )
    seen = x[steps.first]
    still = np.flatnonzero(np.ptp(seen, axis=0) == 0)
    if still.size:
        raise ValueError(
            f"coordinates must vary; found coordinate {still[0]} the same "
            f"({seen[0, still[0]]:g}) in all {steps.size} steps. Leave it out of the "
            "basis."
        )
