"""The flow of a drift, without noise."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from cellstate.sde._law import Law
from cellstate.sde._paths import checked_states

TOLERANCE = 1e-7  # relative


def push(law: Law, x: ArrayLike, start_time: float, stop_time: float) -> np.ndarray:
    """Move states along the drift, without noise: dX = b(X, t) dt.

    Parameters
    ----------
    law
        Object with ``drift(x, t)``.
    x
        States at `start_time`, (n, d).
    start_time, stop_time
        Hours; an earlier stop goes back in time.

    Returns
    -------
    ndarray
        States at `stop_time`, (n, d).

    Raises
    ------
    FloatingPointError
        States ran away, in finite time or back in time against a stable law.

    Notes
    -----
    Dormand-Prince 5(4) with steps common to all states, relative tolerance 1e-7
    against the spread of the states.

    Examples
    --------
    >>> from types import SimpleNamespace as Law
    >>> push(Law(drift=lambda x, t: -x), [[1.0]], 0.0, np.log(4)).round(6)
    array([[0.25]])
    """
    x = checked_states(x)
    if stop_time == start_time or not len(x):
        return x
    scale = np.abs(x).max() + 1e-12
    with np.errstate(over="ignore", invalid="ignore"):
        solved = solve_ivp(
            lambda t, y: np.asarray(law.drift(y.reshape(x.shape), t)).ravel(),
            (start_time, stop_time),
            x.ravel(),
            t_eval=[stop_time],
            rtol=TOLERANCE,
            atol=TOLERANCE * scale,
        )
    if not solved.success or not np.isfinite(solved.y).all():
        raise FloatingPointError(
            f"{len(x)} states were pushed from {start_time:g} h to {stop_time:g} h and "
            f"ran away on the way ({solved.message}). Push less far, and only "
            "forward where the law contracts."
        )
    return solved.y[:, -1].reshape(x.shape)
