"""How much of a drift circulates, and whether detailed balance can be excluded.

At the visited states the drift is cut into the nearest gradient field, ``-M grad V``
with M proportional to the diffusion D, and a rest, both orthogonal in ``<u . D^-1 w>``.
In a stationary population the rest is the mean velocity of cells, and ``<v . D^-1 v>``
the rate of entropy production; under detailed balance it is zero everywhere.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2
from scipy.stats import f as f_law

from cellstate._base.results import Estimate, Result
from cellstate.flow._basis import blocks, n_monomials, polynomials
from cellstate.flow._candidates import images
from cellstate.flow._design import Design
from cellstate.flow._robust import CLUSTERED
from cellstate.flow._track_fit import TrackFit

SOME = 5000  # visited states over which products are averaged
FLATTEST = 1e-7  # share of the largest eigenvalue below which a direction is rounding
MOST_POTENTIAL = 500  # functions of a potential


@dataclass(frozen=True, eq=False, kw_only=True)
class Circulation(Result):
    """What part of the drift is no gradient.

    Attributes
    ----------
    share
        Of ``<b . D^-1 b>`` over the visited states, 0 to 1.
    entropy_production
        ``<v . D^-1 v>`` in 1/h: the rate of entropy production, in units of
        Boltzmann's constant, if the cells were seen in a stationary state.
    p
        Chance of a circulation as large as this under detailed balance (Wald).
    statistic, n_free
        Of the test: chi-squared, with so many degrees of freedom.
    """

    kind: ClassVar[str] = "circulation"
    share: Estimate
    entropy_production: Estimate
    p: float
    statistic: float
    n_free: int


def nearest_gradient(fit: TrackFit) -> tuple[Design, np.ndarray]:
    """Gradient field nearest to the fitted drift, and its coefficients."""
    x, inverse = _visited(fit), np.linalg.inv(fit.precision) / 2
    gradients = _gradients(fit, inverse)
    _, cross, between = _products(x, fit.design, gradients, np.linalg.inv(inverse))
    nearest = np.linalg.pinv(between, rcond=FLATTEST, hermitian=True)
    return gradients, nearest @ (cross.T @ fit.coefficients)


def _visited(fit: TrackFit) -> np.ndarray:
    x = fit.rows.x[fit.rows.first]
    return x[:: max(1, len(x) // SOME)]


def circulation(fit: TrackFit, level: float = 0.95) -> Circulation | None:
    """Cut the fitted drift into gradient and rest; None in one coordinate.

    Parameters
    ----------
    fit
        With free components, of at least two coordinates.
    level
        Of the intervals.

    References
    ----------
    Frishman and Ronceray, Phys. Rev. X 10, 021009 (2020), for the debiasing of
    squares; Wald's test.
    """
    d = fit.design.dimension
    if d < 2:
        return None
    x, inverse = _visited(fit), np.linalg.inv(fit.precision) / 2
    gradients = _gradients(fit, inverse)
    own, cross, between = _products(x, fit.design, gradients, np.linalg.inv(inverse))
    nearest = np.linalg.pinv(between, rcond=FLATTEST, hermitian=True)
    rest = own - cross @ nearest @ cross.T
    c, covariance = fit.coefficients, fit.covariance
    statistic, n_free = _wald(rest, c, covariance)
    total = float(c @ own @ c - np.trace(own @ covariance))
    value, low, high = _square(rest, c, covariance, level)
    lineages = float(np.unique(fit.rows.group).size)
    about = {
        "level": level,
        "n_effective": lineages,
        "method": "noncentral chi-squared",
    }
    share = [min(max(v / total, 0.0), 1.0) for v in (value, low, high)]
    return Circulation(
        share=Estimate(value=share[0], low=share[1], high=share[2], unit="1", **about),
        entropy_production=Estimate(
            value=value, low=low, high=high, unit="1/h", **about
        ),
        p=_chance(statistic, n_free, fit),
        statistic=statistic,
        n_free=n_free,
    )


def _gradients(fit: TrackFit, diffusion: np.ndarray) -> Design:
    """Gradient fields as rich as the drift: a potential of one degree more."""
    d, free = fit.design.dimension, fit.design.free
    degree = free.degree + 1
    while degree > 2 and n_monomials(d, degree) > MOST_POTENTIAL:
        degree -= 1
    x, group = fit.rows.x[fit.rows.first], fit.design.group
    # Centered where the symmetry is.
    potential = polynomials(x if group is None else images(x, group), degree)
    if free.gaussians is not None:
        potential = potential.with_gaussians(free.gaussians)
    return Design(
        free=None,
        potential=potential,
        mobility=diffusion * (d / np.trace(diffusion)),
        group=group,
    )


def _products(
    x: np.ndarray, design: Design, gradients: Design, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean products of fields with themselves, with gradients, and of gradients."""
    q, k = design.size, gradients.size
    own, cross, between = np.zeros((q, q)), np.zeros((q, k)), np.zeros((k, k))
    for part in blocks(len(x)):
        fields, slopes = design.columns(x[part]), gradients.columns(x[part])
        heavy = (weight @ fields).reshape(-1, q)
        own += heavy.T @ fields.reshape(-1, q)
        cross += heavy.T @ slopes.reshape(-1, k)
        between += (weight @ slopes).reshape(-1, k).T @ slopes.reshape(-1, k)
    return own / len(x), cross / len(x), between / len(x)


def _wald(rest: np.ndarray, c: np.ndarray, covariance: np.ndarray) -> tuple[float, int]:
    values, vectors = np.linalg.eigh(rest)
    keep = values > FLATTEST * max(values.max(), 0.0)
    # A direction that no gradient reaches but that rounding made is left out.
    root = vectors[:, keep] * np.sqrt(values[keep])
    seen = root.T @ c
    spread = root.T @ covariance @ root
    inverse = np.linalg.pinv(spread, rcond=FLATTEST, hermitian=True)
    return float(seen @ inverse @ seen), int(np.linalg.matrix_rank(inverse))


def _chance(statistic: float, n_free: int, fit: TrackFit) -> float:
    """Chance of a Wald statistic; of Hotelling's where it is summed by lineage."""
    if not n_free:
        return 1.0
    lineages = np.unique(fit.rows.group).size
    if fit.dependence != CLUSTERED or lineages <= n_free:
        return float(chi2.sf(statistic, n_free))
    scaled = statistic * (lineages - n_free) / (n_free * (lineages - 1))
    return float(f_law.sf(scaled, n_free, lineages - n_free))


def _square(
    rest: np.ndarray, c: np.ndarray, covariance: np.ndarray, level: float
) -> tuple[float, float, float]:
    """A mean square freed of its noise, with an interval.

    The square of noisy coefficients is close to a scaled noncentral chi-squared, its
    scale and degrees of freedom given by two moments of the noise (Satterthwaite).
    """
    noise = rest @ covariance
    mean, square = float(np.trace(noise)), float(np.trace(noise @ noise))
    seen = float(c @ rest @ c)
    if not mean > 0 or not square > 0:
        return max(seen, 0.0), max(seen, 0.0), max(seen, 0.0)
    scale, free = square / mean, mean**2 / square
    tail = (1 - level) / 2
    ends = [_noncentrality(seen / scale, free, p) for p in (1 - tail, tail)]
    return max(seen - mean, 0.0), scale * ends[0], scale * ends[1]


def _noncentrality(seen: float, free: float, p: float) -> float:
    """Noncentrality under which a value below `seen` has chance p, at least 0."""

    def excess(size: float) -> float:
        below = ncx2.cdf(seen, free, size) if size > 0 else chi2.cdf(seen, free)
        return float(below - p)

    if excess(0.0) <= 0:
        return 0.0
    most = seen + 10 * np.sqrt(seen + free) + 50
    return float(brentq(excess, 0.0, most)) if excess(most) < 0 else most
