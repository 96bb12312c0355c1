"""Stationary law and implied timescales of a Markov chain."""

import numpy as np

# Eigenvalues nearer to 1 than this are the stationary law's; imaginary parts below
# it are rounding.
ROUNDING = 1e-12


def stationary_law(transitions: np.ndarray) -> tuple[np.ndarray, float]:
    """Stationary law (k,) of an irreducible chain, and the residual |pi T - pi|.

    Examples
    --------
    >>> law, residual = stationary_law(np.array([[0.9, 0.1], [0.3, 0.7]]))
    >>> law.round(6), residual < 1e-12
    (array([0.75, 0.25]), True)
    """
    k = len(transitions)
    system = np.vstack([transitions.T - np.eye(k), np.ones(k)])
    law = np.linalg.lstsq(system, np.r_[np.zeros(k), 1.0], rcond=None)[0]
    law = np.maximum(law, 0)
    law /= law.sum()
    return law, float(np.abs(law @ transitions - law).sum())


def eigenvalues(transitions: np.ndarray) -> np.ndarray:
    """Eigenvalues by falling modulus, complex (k,)."""
    values = np.linalg.eigvals(transitions)
    return values[np.lexsort((values.imag, -values.real, -np.abs(values).round(12)))]


def implied_timescales(transitions: np.ndarray, lag: float, n: int) -> np.ndarray:
    """-lag / ln |lambda| of the n slowest processes, in the unit of the lag, (n,).

    Infinite where a process does not decay, 0 where it is gone after one lag.

    Examples
    --------
    >>> chain = np.array([[0.9, 0.1], [0.3, 0.7]])
    >>> implied_timescales(chain, 2.0, 1).round(4)  # -2 / ln 0.6
    array([3.9152])
    """
    size = np.abs(eigenvalues(transitions))[1 : n + 1]
    times = np.zeros(n)
    decays = (size > ROUNDING) & (size < 1 - ROUNDING)
    times[: size.size][decays] = -lag / np.log(size[decays])
    times[: size.size][size >= 1 - ROUNDING] = np.inf
    return times
