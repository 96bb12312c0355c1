"""How long the mean direction of n angles is by chance: the null of polarity."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.special import j0, j1

from cellstate._base.checks import fraction, integer

FEW = 5  # directions from which on the integral of the tail converges well
SMALL, FAR, LIMIT = 1e-4, 100.0, 1000  # of the integrals over Bessel functions


def null_mode(n: int) -> float:
    """Expected first mode |mean e^(i theta)| of n directions without preference.

    Exact: the mean length of a walk of n unit steps, by
    ``E R = int_0^inf (1 - J0(t)^n) / t^2 dt``, over n.

    Examples
    --------
    >>> round(null_mode(20), 4), round(null_mode_limit(20), 4)
    (0.1988, 0.1982)
    """
    n = integer(n, "n", 1)
    if n == 1:
        return 1.0

    def part(t: float) -> float:
        return (1 - j0(t) ** n) / t**2 if t > SMALL else n / 4

    body = quad(part, 0, FAR, limit=LIMIT, epsabs=1e-12)[0]
    return float(body + 1 / FAR) / n


def null_mode_limit(n: int) -> float:
    """sqrt(pi / 4n), what `null_mode` tends to for many directions."""
    return float(np.sqrt(np.pi / (4 * integer(n, "n", 1))))


def rayleigh_p(mode: ArrayLike, n: int) -> np.ndarray:
    """Chance e^(-n m^2) that n directions without preference have a mode above m.

    The limit of many directions; `rayleigh_p_exact` is the exact one.

    Examples
    --------
    >>> float(rayleigh_p(0.5, 20).round(5)), round(rayleigh_p_exact(0.5, 20), 5)
    (0.00674, 0.00543)
    """
    return np.exp(-integer(n, "n", 1) * np.asarray(mode, dtype=float) ** 2)


def rayleigh_p_exact(mode: float, n: int) -> float:
    """Exact chance of a mode above m, by Kluyver's integral; n of at least 5.

    ``P(R < r) = r int_0^inf J1(r t) J0(t)^n dt`` with r = n m.
    """
    n, r = integer(n, "n", FEW), float(mode) * n
    inside = quad(lambda t: r * j1(r * t) * j0(t) ** n, 0, FAR, limit=LIMIT)[0]
    return float(np.clip(1 - inside, 0, 1))


def rayleigh_threshold(n: int, level: float = 0.05) -> float:
    """Mode sqrt(-ln(level) / n) that n directions without preference rarely pass.

    Examples
    --------
    >>> round(rayleigh_threshold(50), 4)
    0.2448
    """
    return float(np.sqrt(-np.log(fraction(level, "level")) / integer(n, "n", 1)))


def first_mode_of(theta: ArrayLike) -> np.ndarray:
    """|mean e^(i theta)| over the last axis of angles (..., n), shape (...)."""
    return np.abs(np.exp(1j * np.asarray(theta, dtype=float)).mean(axis=-1))
