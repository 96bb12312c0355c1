"""Paths of a diffusion: two schemes for additive noise, and frames of many cells.

With constant D the Ito and Stratonovich equations are the same.
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, positive
from cellstate._base.random import generator
from cellstate.systems._diffusion import Diffusion, checked_states

COARSE = 0.2  # dt lambda_max above which a step or a frame is too long
FINE = 0.02  # dt lambda_max aimed at inside a frame


def euler_maruyama(
    system: Diffusion, x: np.ndarray, t: float, dt: float, noise: np.ndarray
) -> np.ndarray:
    """One step of the Euler-Maruyama scheme: strong and weak order 1 here.

    Parameters
    ----------
    system
        The law.
    x
        States, shape (..., d).
    t, dt
        Time and step, in the law's unit.
    noise
        Increments of Brownian motion, shape (..., d), variance `dt`.

    References
    ----------
    Kloeden and Platen, Numerical Solution of SDEs (1992), 10.2: strong order 1 with
    additive noise, 0.5 without.
    """
    return x + system.drift(x, t) * dt + np.sqrt(2 * system.D) * noise


def heun(
    system: Diffusion, x: np.ndarray, t: float, dt: float, noise: np.ndarray
) -> np.ndarray:
    """One step of the stochastic Heun scheme: strong order 1, weak order 2 here.

    Two evaluations of the drift a step.

    Parameters
    ----------
    system
        The law.
    x
        States, shape (..., d).
    t, dt
        Time and step, in the law's unit.
    noise
        Increments of Brownian motion, shape (..., d), variance `dt`.

    References
    ----------
    Kloeden and Platen (1992), 14.2 and 15.1: with additive noise the scheme is of
    weak order 2.
    """
    kick = np.sqrt(2 * system.D) * noise
    here = system.drift(x, t)
    there = system.drift(x + here * dt + kick, t + dt)
    return x + (here + there) * (dt / 2) + kick


Step = Callable[[Diffusion, np.ndarray, float, float, np.ndarray], np.ndarray]


def simulate(
    system: Diffusion,
    start: ArrayLike,
    *,
    n_frames: int,
    frame_interval: float,
    substeps: int | None = None,
    start_time: float = 0.0,
    step: Step = heun,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    """States of many independent cells, frame by frame.

    Parameters
    ----------
    system
        The law.
    start
        States in the first frame, shape (..., d): any number of cells.
    n_frames
        Frames, the first included.
    frame_interval
        Time between frames, in the law's unit.
    substeps
        Steps of the scheme per frame; None keeps dt lambda_max at most 0.02.
    start_time
        Time of the first frame, for laws that change with time.
    step
        `heun` or `euler_maruyama`.
    rng
        Seed or Generator.

    Returns
    -------
    ndarray
        States, shape (n_frames, ..., d).

    Raises
    ------
    FloatingPointError
        A path ran away because the step is too long.

    Warns
    -----
    UserWarning
        A given step has dt lambda_max above 0.2: the scheme is off by several per cent.

    Examples
    --------
    >>> from cellstate.systems._laws._ornstein_uhlenbeck import OrnsteinUhlenbeck
    >>> law = OrnsteinUhlenbeck(D=1.0, rate=2.0)
    >>> paths = simulate(
    ...     law, law.sample(1000, rng=1), n_frames=20, frame_interval=0.5, rng=2
    ... )
    >>> paths.shape, round(float(paths.var()), 1)
    ((20, 1000, 2), 0.5)
    """
    n_frames = integer(n_frames, "n_frames", 1)
    interval = positive(
        frame_interval, "frame_interval", "time of the law", "frame_interval=0.1"
    )
    substeps = substeps_of(system, interval, substeps)
    rng = generator(rng)
    x = np.array(start, dtype=float)
    _check_states(x, system)
    frames = np.empty((n_frames, *x.shape))
    frames[0] = x
    dt = interval / substeps
    # A path that runs away overflows first; what counts is the error below.
    with np.errstate(over="ignore", invalid="ignore"):
        for frame in range(1, n_frames):
            begin = start_time + (frame - 1) * interval
            for k in range(substeps):
                noise = rng.standard_normal(x.shape) * np.sqrt(dt)
                x = step(system, x, begin + k * dt, dt, noise)
            frames[frame] = x
    check_finite(frames[-1], system, dt)
    return frames


def substeps_of(system: Diffusion, interval: float, substeps: int | None) -> int:
    """Steps per frame that keep dt lambda_max small; warn when too few were given."""
    fastest = system.fastest_rate
    if substeps is None:
        wanted = interval * fastest / FINE if np.isfinite(fastest) else 10
        return max(1, int(np.ceil(wanted)))
    substeps = integer(substeps, "substeps", 1)
    warn_coarse(interval / substeps, fastest, "the step", "more substeps")
    return substeps


def warn_coarse(dt: float, fastest: float, what: str, mend: str) -> None:
    """Warn when a time is too long for the law to look smooth over it."""
    if dt * fastest > COARSE:
        warnings.warn(
            f"{what} is long for this law: dt * lambda_max = {dt:g} * {fastest:g} = "
            f"{dt * fastest:.3g}, above {COARSE:g}. Use {mend}.",
            UserWarning,
            stacklevel=3,
        )


def check_finite(x: np.ndarray, system: Diffusion, dt: float) -> None:
    """Say that paths ran away, and what to do."""
    lost = ~np.isfinite(x).all(axis=-1)
    if lost.any():
        raise FloatingPointError(
            f"{int(lost.sum())} of {lost.size} paths of {system.name} ran away with "
            f"dt = {dt:g} (lambda_max = {system.fastest_rate:g}). Use more substeps."
        )


def _check_states(x: np.ndarray, system: Diffusion) -> None:
    checked_states(x, system.dimension, system.name)
    if not np.isfinite(x).all():
        raise ValueError(
            f"states must be finite; found {int((~np.isfinite(x)).sum())} of {x.size} "
            "numbers that are not. Drop those cells."
        )
