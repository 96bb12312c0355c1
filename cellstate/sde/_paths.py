"""Paths of a law with noise."""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import choice, matrix, positive
from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate.sde._law import Law, fastest_rate, is_additive, noise_root

AUTO, HEUN, EULER = "auto", "heun", "euler_maruyama"
# dt lambda_max of a step. Moments of an Ornstein-Uhlenbeck process are then off by
# less than 0.1 % (Heun, constant D) and 1 % (Euler-Maruyama).
FINE = {HEUN: 0.05, EULER: 0.02}
COARSE = 0.2  # a given step above this is warned of
MOST_STEPS = 1_000_000


def euler_maruyama(
    law: Law, x: np.ndarray, t: float, dt: float, noise: np.ndarray
) -> np.ndarray:
    """One Euler-Maruyama step: weak order 1; strong 1 with constant D, 1/2 without.

    Parameters
    ----------
    law
        Law of motion, Ito.
    x
        States, (n, d).
    t, dt
        Time and step, h.
    noise
        Standard normal numbers, (n, d).

    References
    ----------
    Kloeden and Platen, Numerical Solution of SDEs (1992), 10.2.
    """
    return x + law.drift(x, t) * dt + kick(law, x, t, dt, noise)


def heun(law: Law, x: np.ndarray, t: float, dt: float, noise: np.ndarray) -> np.ndarray:
    """One Heun step: weak order 2 and strong order 1 with constant D.

    The drift is the mean of those before and after a trial step; the noise is taken
    at the start, so that it stays an Ito equation where D depends on the state, with
    the orders of Euler-Maruyama.

    Parameters
    ----------
    law, x, t, dt, noise
        As of `euler_maruyama`.

    References
    ----------
    Kloeden and Platen (1992), 14.2 and 15.1.
    """
    jump = kick(law, x, t, dt, noise)
    here = law.drift(x, t)
    there = law.drift(x + here * dt + jump, t + dt)
    return x + (here + there) * (dt / 2) + jump


STEPS = {HEUN: heun, EULER: euler_maruyama}
Scheme = Callable[[Law, np.ndarray, float, float, np.ndarray], np.ndarray]


def kick(law: Law, x: np.ndarray, t: float, dt: float, noise: np.ndarray) -> np.ndarray:
    """Random part sqrt(2 D dt) xi of a step, (n, d)."""
    root = np.sqrt(dt) * noise_root(law, x, t)
    if len(root) == 1:
        return noise @ root[0].T
    return np.einsum("nij,nj->ni", root, noise)


def simulate_paths(
    law: Law,
    start: ArrayLike,
    times: ArrayLike,
    *,
    dt: float | None = None,
    scheme: str = AUTO,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    """States of independent cells at given times.

    Parameters
    ----------
    law
        Object with ``drift(x, t)`` (n, d) and ``diffusion(x, t)`` (n, d, d), per h.
    start
        States at the first time, (n, d).
    times
        Hours at which states are kept, increasing, (n_times,).
    dt
        Longest step, h. When None it is chosen anew for every interval so that
        dt lambda_max is at most 0.05 (Heun) or 0.02 (Euler-Maruyama), lambda_max the
        fastest rate of the law at up to 200 of the states.
    scheme
        "heun", "euler_maruyama"; "auto" is Heun where D is constant.
    rng
        Seed or Generator.

    Returns
    -------
    ndarray
        States, (n_times, n, d).

    Raises
    ------
    FloatingPointError
        Paths ran away.
    ValueError
        Times do not increase, states are undefined, or the law is too fast.

    Warns
    -----
    UserWarning
        A given step has dt lambda_max above 0.2.

    Examples
    --------
    >>> from types import SimpleNamespace as Law
    >>> fall = Law(
    ...     drift=lambda x, t: -x, diffusion=lambda x, t: np.full((len(x), 1, 1), 0.5)
    ... )
    >>> x = simulate_paths(fall, np.full((4000, 1), 2.0), [0, 1, 8], rng=0)
    >>> x.shape, x.mean(axis=(1, 2)).round(1), round(float(x[2].var()), 1)
    ((3, 4000, 1), array([2. , 0.7, 0. ]), 0.5)
    """
    x, times = checked_states(start), checked_times(times)
    scheme, rng = chosen_scheme(law, x, times[0], scheme), generator(rng)
    frames = np.empty((times.size, *x.shape))
    frames[0] = x
    for k in progress(range(1, times.size), "paths"):
        begin, span = times[k - 1], times[k] - times[k - 1]
        for t, step in steps_of(law, x, begin, span, scheme, dt):
            noise = rng.standard_normal(x.shape)
            x = moved(STEPS[scheme], law, x, t, step, noise)
        frames[k] = x
    return frames


def moved(
    scheme: Scheme, law: Law, x: np.ndarray, t: float, dt: float, noise: np.ndarray
) -> np.ndarray:
    """States one step later; an error where they are no longer finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        after = scheme(law, x, t, dt, noise)
    lost = ~np.isfinite(after).all(axis=1)
    if lost.any():
        far = x[lost][0]
        raise FloatingPointError(
            f"{int(lost.sum())} of {len(x)} paths ran away at {t:.4g} h with a step of "
            f"{dt:.3g} h; the first was at {np.array2string(far, precision=3)} before. "
            "Use a shorter dt=, or do not follow the law so far outside the data."
        )
    return after


def steps_of(
    law: Law, x: np.ndarray, begin: float, span: float, scheme: str, dt: float | None
) -> list[tuple[float, float]]:
    """Beginning and length of the steps that fill an interval."""
    fastest = fastest_rate(law, x, begin) if len(x) else 0.0
    if dt is None:
        wanted = span * fastest / FINE[scheme]
    else:
        dt = positive(dt, "dt", "h", "dt=0.01")
        wanted = span / dt - 1e-9
        if dt * fastest > COARSE:
            warnings.warn(
                f"the step is long for this law: dt * lambda_max = {dt:g} h * "
                f"{fastest:.3g} 1/h = {dt * fastest:.3g}, above {COARSE:g}. Use "
                f"dt={COARSE / fastest / 4:.2g}, or leave dt out.",
                UserWarning,
                stacklevel=3,
            )
    if not wanted < MOST_STEPS:
        raise ValueError(
            f"the law is too fast to be followed: {span:g} h at lambda_max = "
            f"{fastest:.3g} 1/h need {wanted:.3g} steps, above {MOST_STEPS}. Give a "
            "longer dt=, or states that the law was learned from."
        )
    n = max(1, int(np.ceil(wanted)))
    return [(begin + k * span / n, span / n) for k in range(n)]


def chosen_scheme(law: Law, x: np.ndarray, t: float, scheme: str) -> str:
    """Heun where D is constant, Euler-Maruyama where it is not, unless told."""
    choice(scheme, "scheme", (AUTO, HEUN, EULER))
    if scheme != AUTO:
        return scheme
    return HEUN if is_additive(law, x, t) else EULER


def checked_states(x: ArrayLike) -> np.ndarray:
    """States (n, d), at least one, all finite."""
    x = matrix(x, "start")
    lost = ~np.isfinite(x).all(axis=1)
    if not len(x) or not x.shape[1] or lost.any():
        raise ValueError(
            f"states to start from are finite, at least one; found {len(x)} of "
            f"{x.shape[1]} coordinates, {int(lost.sum())} of them undefined. Leave "
            "those out: x[np.isfinite(x).all(axis=1)]."
        )
    return x


def checked_times(times: ArrayLike) -> np.ndarray:
    """Increasing times (n_times,), at least one."""
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or not times.size or not np.isfinite(times).all():
        raise ValueError(
            "`times` are finite hours, shape (n_times,), at least one; found shape "
            f"{times.shape}, {int((~np.isfinite(times)).sum())} not finite. Use e.g. "
            "times=np.linspace(0, 10, 21)."
        )
    back = np.flatnonzero(np.diff(times) <= 0)
    if back.size:
        raise ValueError(
            f"`times` must increase; found {times[back[0]]:g} h followed by "
            f"{times[back[0] + 1]:g} h. Use np.unique(times)."
        )
    return times
