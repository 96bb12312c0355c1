"""Weighted particles: a population that moves, grows and dies by a law."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from cellstate._base.checks import fraction, integer
from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate._base.results import Estimate, Result
from cellstate.sde._law import Law, growth_rate
from cellstate.sde._paths import (
    AUTO,
    STEPS,
    checked_states,
    checked_times,
    chosen_scheme,
    moved,
    steps_of,
)
from cellstate.sde._resampling import batches, effective_number, mended, systematic

STRETCHES = 20  # of a propagation; the step is chosen anew in each


@dataclass(frozen=True, eq=False, kw_only=True)
class Particles(Result):
    """A population as weighted states at one time.

    Attributes
    ----------
    states
        (n, d).
    weights
        (n,); their sum is the mass.
    start_time, time
        Hours: when the population was given, and when it is shown.
    start_mass
        Sum of the weights at the start.
    mass
        Mass at `time`, with an interval over batches of the starting cells that were
        resampled apart: noise of the particles and the draw of the starting cells,
        not the error of the law. NaN bounds with fewer than two batches.
    effective_number
        1 over the sum of squared shares of the weights.
    n_resampled
        How many times a batch was resampled.
    origin
        Which of the starting states each particle descends from, (n,).
    batch
        Batch of each particle, (n,).
    """

    kind: ClassVar[str] = "particles"
    states: np.ndarray
    weights: np.ndarray
    start_time: float
    time: float
    start_mass: float
    mass: Estimate
    effective_number: float
    n_resampled: int
    origin: np.ndarray
    batch: np.ndarray

    def mean(self) -> np.ndarray:
        """Weighted mean of the states, (d,)."""
        return self.weights @ self.states / self.weights.sum()

    def draw(self, n: int, rng: int | np.random.Generator | None = None) -> np.ndarray:
        """States (n, d) of equal weight, drawn systematically by the weights."""
        n = integer(n, "n", 1)
        return self.states[systematic(self.weights, n, generator(rng))]


def propagate_particles(
    law: Law,
    x: ArrayLike,
    weights: ArrayLike | None,
    start_time: float,
    stop_time: float,
    *,
    n: int | None = None,
    dt: float | None = None,
    level: float = 0.95,
    rng: int | np.random.Generator | None = None,
) -> Particles:
    r"""Move a population forward: states by the law, weights by the growth.

    A weight changes by exp(int g dt) along its path (trapezium rule). Where the
    effective number of a batch falls below half its size, its particles are drawn
    anew by their weights, systematically, which leaves every mean unbiased.

    Parameters
    ----------
    law
        Object with ``drift(x, t)``, ``diffusion(x, t)`` and, where cells divide or
        die, ``growth_rate(x, t)`` (n,), 1/h.
    x
        States at `start_time`, (n0, d).
    weights
        Weights of them, (n0,); 1 / n0 each when None, so that the mass is the ratio
        of the population to that at the start.
    start_time, stop_time
        Hours, the second not before the first.
    n
        Particles; every state once when None, else drawn by the weights.
    dt
        Longest step (h); chosen by the law when None, see `simulate_paths`.
    level
        Coverage of the interval of the mass.
    rng
        Seed or Generator.

    Returns
    -------
    Particles

    Raises
    ------
    FloatingPointError
        Paths ran away.
    ValueError
        Times run backward, or states or weights are not usable.

    References
    ----------
    Del Moral, Feynman-Kac Formulae (2004); Kitagawa, J. Comput. Graph. Stat. 5
    (1996), systematic resampling.

    Examples
    --------
    >>> from types import SimpleNamespace as Law
    >>> still = Law(
    ...     drift=lambda x, t: 0 * x,
    ...     diffusion=lambda x, t: np.zeros((len(x), 1, 1)),
    ...     growth_rate=lambda x, t: np.full(len(x), np.log(2) / 10),
    ... )
    >>> cells = propagate_particles(still, np.zeros((100, 1)), None, 0, 20, rng=0)
    >>> round(cells.mass.value, 6)
    4.0
    """
    x, rng, level = checked_states(x), generator(rng), fraction(level, "level")
    start_time, stop_time = checked_span(start_time, stop_time)
    weights = checked_weights(weights, len(x))
    start_mass = float(weights.sum())
    origin = np.arange(len(x))
    if n is not None:
        origin = systematic(weights, integer(n, "n", 1), rng)
        x, weights = x[origin], np.full(n, start_mass / n)
    batch = batches(weights, rng)
    before = np.bincount(batch, weights)
    resampled = 0
    log_weights = np.log(weights, out=np.full(len(x), -np.inf), where=weights > 0)
    edges = np.linspace(start_time, stop_time, STRETCHES + 1)
    for begin, end in progress(list(pairwise(edges)), "particles"):
        x, gained = carried(law, x, begin, end, dt=dt, rng=rng)
        log_weights = log_weights + gained
        if end < stop_time:
            rows, log_weights, drawn = mended(log_weights, batch, rng)
            x, origin, resampled = x[rows], origin[rows], resampled + drawn
    weights = np.exp(log_weights)
    return Particles(
        states=x,
        weights=weights,
        start_time=start_time,
        time=stop_time,
        start_mass=start_mass,
        mass=_mass(np.bincount(batch, weights), before, level),
        effective_number=effective_number(weights),
        n_resampled=resampled,
        origin=origin,
        batch=batch,
    )


def carried(
    law: Law,
    x: np.ndarray,
    begin: float,
    end: float,
    *,
    dt: float | None = None,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """States (n, d) at a later time, and int g dt along their paths, (n,)."""
    scheme, gained = chosen_scheme(law, x, begin, AUTO), np.zeros(len(x))
    if end == begin:
        return x, gained
    rate = growth_rate(law, x, begin)
    for t, step in steps_of(law, x, begin, end - begin, scheme, dt):
        x = moved(STEPS[scheme], law, x, t, step, rng.standard_normal(x.shape))
        before, rate = rate, growth_rate(law, x, t + step)
        gained = gained + (before + rate) * (step / 2)
    return x, gained


def _mass(after: np.ndarray, before: np.ndarray, level: float) -> Estimate:
    """Mass of all batches; the spread is that of a ratio estimate over batches."""
    total, n = float(after.sum()), after.size
    spread = np.nan
    if n > 1:
        rest = after - total / before.sum() * before
        spread = np.sqrt(n / (n - 1) * (rest**2).sum())
        spread *= student.ppf((1 + level) / 2, n - 1)
    return Estimate(
        value=total,
        low=float(np.fmax(total - spread, 0)) if n > 1 else np.nan,
        high=float(total + spread),
        level=level,
        method="batches of starting cells",
        n_effective=float(n),
        unit="1",
    )


def checked_weights(weights: ArrayLike | None, n: int) -> np.ndarray:
    """Weights (n,), none negative, not all 0; equal ones that sum to 1 for None."""
    if weights is None:
        return np.full(n, 1 / n)
    weights = np.asarray(weights, dtype=float)
    good = weights.shape == (n,) and np.isfinite(weights).all()
    if not good or weights.min() < 0 or not weights.sum() > 0:
        raise ValueError(
            f"`weights` are {n} finite numbers >= 0, one per state, with a sum above "
            f"0; found shape {weights.shape}, least {np.min(weights, initial=0):.3g}. "
            "Use weights=None for equal ones."
        )
    return weights


def checked_span(start_time: float, stop_time: float) -> tuple[float, float]:
    """Two times, h, the second not before the first."""
    if start_time == stop_time:
        return float(start_time), float(stop_time)
    if stop_time < start_time:
        raise ValueError(
            f"a population is followed forward in time; found start_time="
            f"{start_time:g} h and stop_time={stop_time:g} h. Exchange them, or push "
            "states back along the drift: cellstate.sde.push."
        )
    begin, end = checked_times([start_time, stop_time])
    return float(begin), float(end)
