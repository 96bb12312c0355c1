"""Diffusion from the residuals of a drift, freed of noise and of the drift's part."""

import numpy as np

from cellstate.flow._choice import Choice
from cellstate.flow._design import Design
from cellstate.flow._diffusion import DiffusionModel, fit_diffusion
from cellstate.flow._equations import Rows
from cellstate.flow._robust import following_rows
from cellstate.flow._state_function import Seen
from cellstate.sde._noise import Spread, spread, step_diffusion

SOME = 2000  # steps over which slopes are averaged


def diffusion_of(
    rows: Rows,
    choice: Choice,
    left: np.ndarray,
    covariance: np.ndarray,
    diffusion: np.ndarray,
    noise: np.ndarray | None,
) -> DiffusionModel:
    """Fit the diffusion to what the drift has left.

    Parameters
    ----------
    rows, choice
        Steps, and the drift that was chosen.
    left
        Residuals, (m, d).
    covariance
        Of the drift's coefficients, (q, q).
    diffusion
        A first estimate of the mean, (d, d).
    noise
        Covariance of measurement noise, (d, d), or None.
    """
    noisy = noise is not None
    seen, which = step_diffusion(moments_of(rows, left), noisy=noisy)
    if noisy:
        c, design = choice.coefficients, choice.candidate.design
        seen = seen - noise_in_drift(rows, design, c, noise)
    # What the fitted drift took from the residuals.
    used = float(choice.sizes[choice.taken]) / rows.x.shape[1]
    seen = seen * (rows.size / max(rows.size - used, 1.0))
    found = fit_diffusion(
        Seen(
            values=seen.reshape(len(seen), -1),
            # Not the step's own state: its noise is in the square too.
            x=rows.x[rows.instrument[which]],
            weight=np.ones(len(seen)),
            first=rows.first[which],
            second=rows.second[which],
            group=rows.group[which],
        )
    )
    taken = _taken_by_slope(rows, choice.candidate.design, diffusion)
    return found.widened(np.einsum("eq,qr,er->e", taken, covariance, taken))


def _taken_by_slope(rows: Rows, design: Design, diffusion: np.ndarray) -> np.ndarray:
    """What each coefficient of the drift takes from the entries of D, (entries, q).

    The drift at the end of a step moves with the step's own noise: a slope that is too
    steep by J makes D too small by ``dt (J D + D J') / 2``.
    """
    d = design.dimension
    some = rows.x[rows.first[:: max(1, rows.size // SOME)]]
    slopes = np.empty((d, d, design.size))  # component, coordinate, coefficient
    for k in range(d):
        step = np.zeros(d)
        step[k] = 1e-4 * (some[:, k].std() or 1.0)
        change = design.columns(some + step) - design.columns(some - step)
        slopes[:, k] = change.mean(axis=0) / (2 * step[k])
    moved = np.einsum("ikq,kj->ijq", slopes, diffusion)
    moved = (moved + moved.transpose(1, 0, 2)) * np.median(rows.dt) / 2
    upper = np.triu_indices(d)
    return moved[upper]


def moments_of(rows: Rows, left: np.ndarray) -> Spread:
    """Second moments of residuals (m, d)."""
    return spread(left, following_rows(rows.first, rows.second), rows.dt)


def noise_in_drift(
    rows: Rows, design: Design, coefficients: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Part of the diffusion seen that is noise, carried into residuals by the drift.

    With J the drift's slope, ``dt J noise J' / 2``.
    """
    some = rows.first[:: max(1, rows.size // SOME)]
    slopes = design.jacobian(rows.x[some], coefficients)
    carried = slopes @ noise @ slopes.transpose(0, 2, 1)
    return carried.mean(axis=0) * np.median(rows.dt) / 2
