"""Diffusion from the residuals of a drift, freed of noise and of the drift's part."""

from dataclasses import dataclass

import numpy as np

from cellstate.flow._choice import Choice
from cellstate.flow._design import Design
from cellstate.flow._diffusion import DiffusionModel, fit_diffusion
from cellstate.flow._equations import Rows
from cellstate.flow._robust import following_rows
from cellstate.flow._state_function import Seen
from cellstate.sde._noise import Spread, spread, step_diffusion

SOME = 2000  # steps over which slopes are averaged


@dataclass(frozen=True, eq=False)
class Sureness:
    """How sure the coefficients of a drift are.

    Attributes
    ----------
    covariance, known
        Of the coefficients, and the part that the ridge and the snapshots leave,
        (q, q).
    scores
        What every step says, (m, q).
    inverse
        Coefficients that a sum of scores makes, (q, q).
    dependence
        What the covariance allows for.
    """

    covariance: np.ndarray
    known: np.ndarray
    scores: np.ndarray
    inverse: np.ndarray
    dependence: str


def diffusion_of(
    rows: Rows,
    choice: Choice,
    left: np.ndarray,
    sure: Sureness,
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
    sure
        How sure the drift is.
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
    taken = _taken_by_slope(rows, choice.candidate.design, diffusion, noisy=noisy)
    # Steps without a next one say nothing of D, but something of the drift.
    values = np.zeros((rows.size, seen[0].size))
    values[which] = seen.reshape(len(seen), -1)
    weight = np.zeros(rows.size)
    weight[which] = 1.0
    found = fit_diffusion(
        Seen(
            values=values,
            # Not the step's own state: its noise is in the square too.
            x=rows.x[rows.instrument],
            weight=weight,
            first=rows.first,
            second=rows.second,
            group=rows.group,
            shift=sure.scores @ (sure.inverse.T @ taken.T),
        )
    )
    return found.widened(np.einsum("eq,qr,er->e", taken, sure.known, taken))


def _taken_by_slope(
    rows: Rows, design: Design, diffusion: np.ndarray, *, noisy: bool
) -> np.ndarray:
    """What each coefficient of the drift adds to the entries of D, (entries, q).

    The drift at the end of a step moves with the step's own diffusion: a slope that is
    too steep by J makes D too small by ``dt (J D + D J') / 2``. The drift of the next
    step moves with it over the whole of that step, and takes twice as much from the
    product of the two, which counts where there is noise.
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
    return -moved[upper] * (3 if noisy else 1)


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
