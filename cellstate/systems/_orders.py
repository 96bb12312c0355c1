"""Measured order of a scheme: how its error falls with the step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cellstate._base.checks import choice, integer
from cellstate._base.random import generator
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._integrate import Step, heun
from cellstate.systems._laws._ornstein_uhlenbeck import OrnsteinUhlenbeck
from cellstate.systems._laws._wells import DoubleWell

GROUPS = 20  # of paths, for the standard error of the order
FINER = 16  # steps of the reference path in the shortest step measured
STRONG_STEPS = (1 / 8, 1 / 16, 1 / 32, 1 / 64)
WEAK_STEPS = (1 / 4, 1 / 8, 1 / 16, 1 / 32)

# Per step: increments of Brownian motion and what else the exact path needs.
Noise = Callable[[float, np.random.Generator], tuple[np.ndarray, np.ndarray]]
Exact = Callable[[np.ndarray, float, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False, kw_only=True)
class OrderOfScheme:
    """Errors of a scheme at the end of a run, for several steps.

    Attributes
    ----------
    steps
        Steps dt, shape (m,), in units of 1 / lambda_max.
    errors, standard_errors
        Size of the error and its standard error over paths, shape (m,).
    order, order_error
        Slope of log error against log step, least squares weighted by the precision
        of the errors, and its standard error (jackknife over 20 groups of paths).
    """

    steps: np.ndarray
    errors: np.ndarray
    standard_errors: np.ndarray
    order: float
    order_error: float


def strong_errors(
    step: Step,
    *,
    system: Diffusion | None = None,
    steps: tuple[float, ...] = STRONG_STEPS,
    n: int = 2000,
    rng: int | np.random.Generator | None = None,
) -> OrderOfScheme:
    """Root mean square distance from a fine path with the same Brownian motion.

    The reference takes 16 Heun steps in the shortest step, so that its own error
    changes the result by less than one in 100.

    Parameters
    ----------
    step
        A scheme, for example `heun`.
    system
        A law; the double well with D = 1/3 when left out. Paths start from its
        stationary density and run for 1 / lambda_max.
    steps
        Steps in units of 1 / lambda_max, each half the one before, the first 1 / 2^k.
    n
        Paths.
    rng
        Seed or Generator.

    References
    ----------
    Kloeden and Platen, Numerical Solution of SDEs (1992), 9.3: with additive noise
    both schemes are of strong order 1.

    Examples
    --------
    >>> round(strong_errors(heun, n=500, rng=1).order, 1)
    1.0
    """
    system = DoubleWell(D=1 / 3) if system is None else system
    n, rng = integer(n, "n", GROUPS), generator(rng)
    unit = 1 / system.fastest_rate
    start = system.sample(n, rng)

    def draw(dt: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        noise = rng.standard_normal(start.shape) * np.sqrt(dt)
        return noise, noise

    def fine(x: np.ndarray, dt: float, noise: np.ndarray) -> np.ndarray:
        return heun(system, x, 0.0, dt, noise)

    ends, end = _run(system, step, start, _checked(steps), unit, FINER, draw, fine, rng)
    squares = [((x - end) ** 2).sum(axis=-1) for x in ends]
    return _collected(steps, np.array(squares), power=0.5)


def weak_errors(
    step: Step,
    *,
    moment: int = 2,
    D: float = 1.0,
    steps: tuple[float, ...] = WEAK_STEPS,
    n: int = 2000,
    rng: int | np.random.Generator | None = None,
) -> OrderOfScheme:
    """Error of the mean or the mean square on an Ornstein-Uhlenbeck law.

    Every path is compared with the exact one of the same Brownian motion: the mean
    of the difference is the weak error, without the scatter of the paths. The law
    has rate 1, starts at x = 1 and runs for a time of 1.

    Parameters
    ----------
    step
        A scheme, for example `heun`.
    moment
        1: mean of x. 2: mean of x^2.
    D
        Diffusion.
    steps
        Steps in units of 1 / rate, each half the one before, the first 1 / 2^k.
    n
        Paths.
    rng
        Seed or Generator.

    References
    ----------
    Kloeden and Platen (1992), 14.1 and 15.1: with additive noise Euler-Maruyama is
    of weak order 1, the Heun scheme of weak order 2.

    Examples
    --------
    >>> round(weak_errors(heun, n=20_000, rng=1).order)
    2
    """
    moment = choice(moment, "moment", (1, 2))
    n, rng = integer(n, "n", GROUPS), generator(rng)
    law = OrnsteinUhlenbeck(D=D, rate=1.0, d=1)

    def draw(dt: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        # Increment of W and integral of e^(s - dt) dW over the step, jointly Gaussian.
        shared, decayed = -np.expm1(-dt), -np.expm1(-2 * dt) / 2
        noise, other = rng.standard_normal((2, n, 1))
        noise = noise * np.sqrt(dt)
        rest = np.sqrt(decayed - shared**2 / dt)
        return noise, noise * shared / dt + rest * other

    def exact(x: np.ndarray, dt: float, kick: np.ndarray) -> np.ndarray:
        return np.exp(-dt) * x + np.sqrt(2 * law.D) * kick

    start = np.ones((n, 1))
    ends, end = _run(law, step, start, _checked(steps), 1.0, 1, draw, exact, rng)
    gaps = [(x**moment - end**moment)[:, 0] for x in ends]
    return _collected(steps, np.array(gaps), power=1.0)


def _run(
    system: Diffusion,
    step: Step,
    start: np.ndarray,
    levels: list[int],
    duration: float,
    finer: int,
    draw: Noise,
    reference: Exact,
    rng: np.random.Generator,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Ends of the paths with each number of steps, and of the reference path."""
    total = levels[-1] * finer
    dt = duration / total
    end = start.copy()
    ends = [start.copy() for _ in levels]
    sums = [np.zeros_like(start) for _ in levels]
    for k in range(1, total + 1):
        noise, kick = draw(dt, rng)
        end = reference(end, dt, kick)
        for level, count in enumerate(levels):
            sums[level] += noise
            if k % (total // count) == 0:
                # None of the laws here changes with time.
                ends[level] = step(
                    system, ends[level], 0.0, duration / count, sums[level]
                )
                sums[level] = np.zeros_like(start)
    return ends, end


def _checked(steps: tuple[float, ...]) -> list[int]:
    """Numbers of steps, from few to many."""
    counts = 1 / np.asarray(steps, dtype=float)
    whole = np.rint(counts).astype(int)
    halved = whole.size > 1 and (whole[1:] == 2 * whole[:-1]).all()
    if not halved or not np.allclose(counts, whole):
        raise ValueError(
            "`steps` are two or more parts 1/k of the run, each half the one before; "
            f"found {steps}. Use for example {WEAK_STEPS}."
        )
    return whole.tolist()


def _collected(
    steps: tuple[float, ...], values: np.ndarray, power: float
) -> OrderOfScheme:
    """Errors |mean|^power of values per path (m, n), their slope, jackknife."""
    scale = np.log(steps)
    means = np.abs(values.mean(axis=1))
    errors = means**power
    spread = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    groups = np.array_split(np.arange(values.shape[1]), GROUPS)
    rest = np.array([np.delete(values, g, axis=1).mean(axis=1) for g in groups])
    weight = means / spread
    slopes = np.polyfit(scale, power * np.log(np.abs(rest)).T, 1, w=weight)[0]
    return OrderOfScheme(
        steps=np.asarray(steps, dtype=float),
        errors=errors,
        standard_errors=power * errors * spread / means,
        order=float(np.polyfit(scale, np.log(errors), 1, w=weight)[0]),
        order_error=float(np.sqrt((GROUPS - 1) * slopes.var())),
    )
