"""A potential from snapshots, for a diffusion that is given."""

import numpy as np
import pandas as pd
from scipy.linalg import solve

from cellstate._base.random import generator
from cellstate.flow._basis import n_monomials, polynomials
from cellstate.flow._choice import JITTER
from cellstate.flow._design import GRADIENT, Design
from cellstate.flow._diffusion import DiffusionModel, given_diffusion
from cellstate.flow._identifiable import from_snapshots
from cellstate.flow._regression_model import RegressionModel
from cellstate.flow._result import FlowFit
from cellstate.flow._snapshot_fit import snapshot_diagnosis
from cellstate.flow._state_function import StateFunction
from cellstate.flow._support import support_of
from cellstate.flow._weak import Snapshots, weak_form

DEGREES = (2, 3, 4)  # of the potential; test functions go to 4
FOLDS = 5
ROUNDS = 2  # of weights and coefficients


def fit_balance(
    snapshots: Snapshots,
    diffusion: np.ndarray,
    *,
    growth: StateFunction | None = None,
    growth_source: str = "",
    null: pd.DataFrame | None = None,
    rng: int | np.random.Generator | None = None,
) -> FlowFit:
    """Gradient drift from the balance of probability between snapshots.

    Its degree is the simplest within one standard error of the best on cells that
    were held out.

    Parameters
    ----------
    snapshots
        At least two times.
    diffusion
        D, (d, d) per h, the same everywhere.
    growth, growth_source
        Growth rate as a function of the state, and where it comes from.
    null
        Null rows of the snapshots, for the diagnosis.
    rng
        Seed or Generator: which cells are held out.
    """
    rng = generator(rng)
    cells = np.concatenate(snapshots.x)
    spread = given_diffusion(cells, diffusion)
    mobility = diffusion * (len(diffusion) / np.trace(diffusion))
    designs = [
        Design(potential=polynomials(cells, degree), mobility=mobility)
        for degree in DEGREES
        if n_monomials(cells.shape[1], degree) * FOLDS <= len(cells)
    ]
    parts = [rng.permutation(len(x)) % FOLDS for x in snapshots.x]
    errors = np.array(
        [
            [
                _held_out(design, snapshots, parts, fold, spread, growth)
                for fold in range(FOLDS)
            ]
            for design in designs
        ]
    )
    apart = errors - errors[int(errors.mean(axis=1).argmin())]
    deviation = apart.std(axis=1, ddof=1) / np.sqrt(FOLDS)
    design = designs[int(np.flatnonzero(apart.mean(axis=1) <= deviation)[0])]
    c, covariance = _solved(design, snapshots, spread, growth)
    support = support_of(cells, rng)
    model = RegressionModel(
        design=design,
        coefficients=c,
        covariance=covariance,
        diffusion_model=spread,
        growth_model=growth,
        potential_design=design,
        potential_coefficients=c,
    )
    return FlowFit(
        method="regression",
        use="snapshots",
        drift_kind=GRADIENT,
        model=model,
        support=support,
        diagnosis=snapshot_diagnosis(
            null, len(snapshots.x), int(support.outside(cells).sum())
        ),
        identifiable=from_snapshots(diffusion_given=True, growth=growth_source),
    )


def _solved(
    design: Design,
    snapshots: Snapshots,
    diffusion: DiffusionModel,
    growth: StateFunction | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and their covariance."""
    c = np.zeros(design.size)
    rate = None if growth is None else lambda y: growth(y)[:, 0]
    for _ in range(ROUNDS):
        field = c  # bound per round: the weights follow the last coefficients
        weak = weak_form(
            snapshots, lambda y, c=field: design.field(y, c), diffusion, rate
        )
        a, b = weak.equations(design)
        a += np.diag(JITTER * np.full(len(a), np.trace(a) / len(a)))
        c = solve(a, b)
    return c, np.linalg.inv(a)


def _held_out(
    design: Design,
    snapshots: Snapshots,
    parts: list[np.ndarray],
    fold: int,
    diffusion: DiffusionModel,
    growth: StateFunction | None,
) -> float:
    """Misfit of the balance of cells that were held out, per row."""
    seen, others = (
        Snapshots(
            tuple(
                x[(part == fold) == out]
                for x, part in zip(snapshots.x, parts, strict=True)
            ),
            snapshots.times,
        )
        for out in (False, True)
    )
    c = _solved(design, seen, diffusion, growth)[0]
    rate = None if growth is None else lambda y: growth(y)[:, 0]
    # Weighted alike for every design, so that their errors compare.
    a, b = weak_form(others, np.zeros_like, diffusion, rate).equations(design)
    return float(c @ a @ c - 2 * c @ b)
