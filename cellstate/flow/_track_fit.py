"""Drift, diffusion and measurement noise from steps along tracks."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cellstate.flow._basis import polynomials
from cellstate.flow._candidates import (
    candidates,
    highest_degree,
    polynomial_candidates,
)
from cellstate.flow._choice import Choice, choose, penalised, solve_equations
from cellstate.flow._design import FREE, Design
from cellstate.flow._diffusion import DiffusionModel
from cellstate.flow._equations import (
    Rows,
    fitted_rows,
    residuals,
    scores,
    sum_equations,
)
from cellstate.flow._robust import following_rows, summed_squares
from cellstate.flow._track_diffusion import (
    Sureness,
    diffusion_of,
    moments_of,
    noise_in_drift,
)
from cellstate.sde import Steps
from cellstate.sde._noise import (
    Spread,
    noise_covariance,
    noise_p,
    positive_part,
    step_diffusion,
)

NOISY = 0.01  # chance below which anticorrelated residuals are called noise
CORRECTIONS = 2  # rounds in which noise and drift are fitted in turn
FLATTEST = 1e-6  # smallest eigenvalue of a diffusion, of its mean
SHRINK = 1e-4  # ridge of the first fit; more of it leaves drift that looks like noise
PLAIN = 3  # degree of the first fits

# What snapshots add to the equations of a design, given a field and a diffusion.
Known = Callable[[Design], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class TrackFit:
    """What steps along tracks tell.

    Attributes
    ----------
    rows
        The steps that were fitted.
    design, coefficients, covariance
        The drift, and how sure its coefficients are, (q,) and (q, q).
    choice
        How the design and the ridge were chosen.
    diffusion
        D as a function of the state.
    noise, noise_p
        Covariance of the measurement noise (zeros where none is seen) and the chance
        of such residuals without any (NaN where it cannot be told).
    precision
        Inverse of twice the mean diffusion, (d, d).
    left
        Residuals, (m, d).
    dependence
        What the intervals allow for.
    """

    rows: Rows
    design: Design
    coefficients: np.ndarray
    covariance: np.ndarray
    choice: Choice
    diffusion: DiffusionModel
    noise: np.ndarray
    noise_p: float
    precision: np.ndarray
    left: np.ndarray
    dependence: str

    @property
    def noisy(self) -> bool:
        """Whether measurement noise was seen and corrected for."""
        return bool(self.noise.any())


@dataclass(frozen=True, eq=False)
class _Scale:
    """Diffusion and noise that the equations are written with."""

    rows: Rows
    diffusion: np.ndarray
    noise: np.ndarray | None
    noise_p: float

    @property
    def precision(self) -> np.ndarray:
        return np.linalg.inv(2 * self.diffusion)

    @property
    def mobility(self) -> np.ndarray:
        return self.diffusion * (len(self.diffusion) / np.trace(self.diffusion))


def fit_tracks(
    x: np.ndarray,
    steps: Steps,
    fold: np.ndarray,
    *,
    form: str = FREE,
    group: np.ndarray | None = None,
    ridge: float | None = None,
    known: Callable[["TrackFit"], Known] | None = None,
    rng: int | np.random.Generator | None = None,
) -> TrackFit:
    """Fit a field to increments: weighted least squares, in closed form.

    Parameters
    ----------
    x
        States, shape (n, d).
    steps
        m steps.
    fold
        Fold of each step, (m,); whole lineages where there are enough.
    form
        "free", "gradient" or "split".
    group
        Matrices of a symmetry about the origin, (g, d, d).
    ridge
        Strength; chosen in held-out folds when None.
    known
        Given a fit to the tracks alone, returns what snapshots add.
    rng
        Seed or Generator.
    """
    scale = _first_scale(x, steps, fold)
    first = _fit(scale, form, group, ridge, None, rng)
    if known is None:
        return first
    return _fit(scale, form, group, ridge, known(first), rng)


def told_by_tracks(fit: TrackFit) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients in a fit's design, and their covariance, without the snapshots."""
    own = fit.choice.candidate
    bare = replace(own.equations, known_a=0.0, known_b=0.0)
    choice = replace(fit.choice, candidate=replace(own, equations=bare))
    noise = fit.noise if fit.noisy else None
    scale = _Scale(fit.rows, np.linalg.inv(fit.precision) / 2, noise, fit.noise_p)
    left = residuals(fit.rows, fit.design, choice.coefficients)
    return choice.coefficients, _sureness(scale, choice, left).covariance


def _first_scale(x: np.ndarray, steps: Steps, fold: np.ndarray) -> _Scale:
    """Diffusion and noise from plain fits.

    The first takes positions for exact: noise shows in its residuals all the same, and
    without noise it is the better one. With noise, both are fitted in turn.
    """
    rows = fitted_rows(x, steps, fold, noisy=False)
    moments = _plain_moments(rows)
    asked = bool((steps.before >= 0).mean() > 0.5)
    p = noise_p(moments) if asked else float("nan")
    if not p < NOISY:
        diffusion = _regular(step_diffusion(moments, noisy=False)[0].mean(axis=0))
        return _Scale(rows, diffusion, None, p)
    rows = fitted_rows(x, steps, fold, noisy=True)
    for _ in range(CORRECTIONS):
        noise = noise_covariance(moments)
        diffusion = _regular(step_diffusion(moments, noisy=True)[0].mean(axis=0))
        precision = np.linalg.inv(2 * diffusion)
        choice = choose(precision, polynomial_candidates(rows, PLAIN, precision, noise))
        design, c = choice.candidate.design, choice.coefficients
        moments = moments_of(rows, residuals(rows, design, c))
    noise = noise_covariance(moments)
    mean = step_diffusion(moments, noisy=True)[0].mean(axis=0)
    mean = mean - noise_in_drift(rows, design, c, noise)
    return _Scale(rows, _regular(mean), noise, p)


def _plain_moments(rows: Rows) -> Spread:
    """Second moments of what a polynomial leaves, positions taken for exact."""
    d = rows.x.shape[1]
    degree = min(PLAIN, highest_degree(FREE, d, rows.size))
    design = Design(free=polynomials(rows.x[rows.first], degree), mobility=np.eye(d))
    equations = sum_equations(rows, design, np.eye(d))
    weights = np.abs(np.diag(equations.m.sum(axis=0))) / rows.hours
    c = solve_equations(equations, SHRINK, weights)
    return moments_of(rows, residuals(rows, design, c))


def _fit(
    scale: _Scale,
    form: str,
    group: np.ndarray | None,
    ridge: float | None,
    known: Known | None,
    rng: int | np.random.Generator | None,
) -> TrackFit:
    rows, precision = scale.rows, scale.precision
    offered = candidates(
        rows,
        form,
        scale.mobility,
        precision,
        noise=scale.noise,
        group=group,
        ridge=ridge,
        rng=rng,
    )
    if known is not None:
        offered = [c.knowing(*known(c.design)) for c in offered]
    choice = choose(precision, offered)
    design, c = choice.candidate.design, choice.coefficients
    left = residuals(rows, design, c)
    sure = _sureness(scale, choice, left)
    return TrackFit(
        rows=rows,
        design=design,
        coefficients=c,
        covariance=sure.covariance,
        choice=choice,
        diffusion=diffusion_of(rows, choice, left, sure, scale.diffusion, scale.noise),
        noise=np.zeros_like(precision) if scale.noise is None else scale.noise,
        noise_p=scale.noise_p,
        precision=precision,
        left=left,
        dependence=sure.dependence,
    )


def _sureness(scale: _Scale, choice: Choice, left: np.ndarray) -> Sureness:
    """Covariance of the coefficients: what the residuals of steps make of them.

    The ridge is counted as what it would be worth as knowledge beforehand: its share
    makes up, on average over states, for the bias that it brings (Nychka, J. Am. Stat.
    Assoc. 83, 1134 (1988)).
    """
    own, rows = choice.candidate, scale.rows
    equations = own.equations
    values = scores(rows, own.design, scale.precision, left)
    following = following_rows(rows.first, rows.second)
    meat, dependence = summed_squares(values, rows.group, following)
    a = equations.a.sum(axis=0) + equations.known_a
    full = penalised(a, choice.ridge, own.weights, rows.hours)
    inverse = np.linalg.inv(full)
    known = inverse @ (equations.known_a + (full - a)) @ inverse.T
    return Sureness(
        covariance=inverse @ meat @ inverse.T + known,
        known=known,
        scores=values,
        inverse=inverse,
        dependence=dependence,
    )


def _regular(diffusion: np.ndarray) -> np.ndarray:
    """Positive definite, so that it can be inverted."""
    size = np.abs(np.diag(diffusion)).mean()
    if not size > 0:
        raise ValueError(
            "no motion is left to fit: the increments of every track are 0. Check "
            "that the coordinates change from frame to frame."
        )
    return positive_part(diffusion, FLATTEST * size)
