"""Entropic transport with exact or relaxed marginals, by stabilised scaling."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

ABSORB = 30.0  # largest log scaling before it is taken into the kernel
COARSE_STEPS = 10  # scalings at each regularisation above the last
CHECK_EVERY = 5


class Scaled(NamedTuple):
    """Plan of the entropic problem and what is left of its optimality condition."""

    plan: np.ndarray
    source_potential: np.ndarray
    residual: float
    n_iterations: int


def scale(
    cost: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    *,
    regularization: float,
    source_relaxation: float = np.inf,
    target_relaxation: float = np.inf,
    tolerance: float = 1e-5,
    max_iterations: int = 2000,
) -> Scaled:
    r"""Minimise <C, P> + eps KL(P|ab) + tau_a KL(P1|a) + tau_b KL(P'1|b).

    An infinite tau keeps its marginal exact. Scalings live around potentials that
    absorb them, so that nothing overflows at small eps, which is reached from above
    in steps of 4. After each sweep the potentials get the constant shift that the
    dual likes best: without it the total mass creeps at a rate tau / (tau + eps).
    (The stabilised unbalanced solver of POT 0.9.7 loses its potentials when it
    absorbs: at eps = 0.01 its plans weigh 1e26.)

    Parameters
    ----------
    cost
        Shape (n, m).
    source, target
        Positive marginals a and b, shapes (n,) and (m,), of equal sum.
    regularization, source_relaxation, target_relaxation
        eps, tau_a and tau_b, in units of the cost.
    tolerance
        On `residual`.
    max_iterations
        At the last regularisation.

    Returns
    -------
    Scaled
        `residual` is the L1 distance between the marginals of the plan and those its
        own potentials ask for, over the mass: the larger of both sides.

    References
    ----------
    Schmitzer, SIAM J. Sci. Comput. 41 (2019). Sejourne, Vialard, Peyre, AISTATS
    (2022), for the shift.

    Examples
    --------
    >>> half = np.array([0.5, 0.5])
    >>> cost = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> scale(cost, half, half, regularization=1.0).plan.round(4)
    array([[0.3655, 0.1345], [0.1345, 0.3655]])
    """
    sides = _Sides(source, target, source_relaxation, target_relaxation)
    f, g = np.zeros(len(source)), np.zeros(len(target))
    n_iterations = 0
    for eps in _ladder(float(np.ptp(cost)), regularization):
        last = eps == regularization
        limit = max_iterations if last else COARSE_STEPS
        f, g, residual, done = _sweep(cost, sides, f, g, eps, tolerance, limit)
        n_iterations += done
    plan = _kernel(cost, f, g, regularization)
    plan *= source[:, None]
    plan *= target[None, :]
    return Scaled(plan, f, residual, n_iterations)


class _Sides(NamedTuple):
    source: np.ndarray
    target: np.ndarray
    source_relaxation: float
    target_relaxation: float

    def shift(self, f: np.ndarray, g: np.ndarray) -> float:
        """Constant c for which f + c, g - c make the dual largest."""
        p, q = self.source_relaxation, self.target_relaxation
        if np.isinf(p) and np.isinf(q):
            return 0.0
        asked, given = _log_mean(-f / p, self.source), _log_mean(-g / q, self.target)
        return (asked - given) / (1 / p + 1 / q)


def _log_mean(exponent: np.ndarray, weight: np.ndarray) -> float:
    """Log of the sum of weight * exp(exponent); scipy's is slow on few numbers."""
    highest = exponent.max()
    return float(highest + np.log(weight @ np.exp(exponent - highest)))


def _ladder(span: float, eps: float) -> list[float]:
    """Regularisations from about the span of costs down to eps, in steps of 4."""
    n = int(np.ceil(np.log(max(span / eps, 1.0)) / np.log(4)))
    return [eps * 4.0**k for k in range(n, 0, -1)] + [eps]


def _kernel(cost: np.ndarray, f: np.ndarray, g: np.ndarray, eps: float) -> np.ndarray:
    kernel = f[:, None] - cost
    kernel += g[None, :]
    kernel /= eps
    return np.exp(kernel, out=kernel)


def _sweep(
    cost: np.ndarray,
    sides: _Sides,
    f: np.ndarray,
    g: np.ndarray,
    eps: float,
    tolerance: float,
    limit: int,
) -> tuple[np.ndarray, np.ndarray, float, int]:
    """Alternate both updates at one eps until the residual is small."""
    source, target, p, q = sides
    base_f, base_g, kernel = f, g, _kernel(cost, f, g, eps)
    residual = np.inf
    for step in range(1, limit + 1):
        sums = kernel @ (target * np.exp((g - base_g) / eps))
        if step % CHECK_EVERY == 1:
            residual = _residual(sides, f, g, np.exp((f - base_f) / eps) * sums)
            if step > 1 and residual <= tolerance:
                return f, g, residual, step
        f = _updated(cost, base_f, sums, g, target, eps, p)
        if _far(f, base_f, eps):  # before its scaling overflows
            base_f, base_g, kernel = f, g, _kernel(cost, f, g, eps)
        sums = (source * np.exp((f - base_f) / eps)) @ kernel
        g = _updated(cost.T, base_g, sums, f, source, eps, q)
        shift = sides.shift(f, g)
        f, g = f + shift, g - shift
        if _far(f, base_f, eps) or _far(g, base_g, eps):
            base_f, base_g, kernel = f, g, _kernel(cost, f, g, eps)
    sums = kernel @ (target * np.exp((g - base_g) / eps))
    residual = _residual(sides, f, g, np.exp((f - base_f) / eps) * sums)
    return f, g, residual, limit


def _far(potential: np.ndarray, base: np.ndarray, eps: float) -> bool:
    return bool(abs(potential - base).max() > ABSORB * eps)


def _updated(
    cost: np.ndarray,
    base: np.ndarray,
    sums: np.ndarray,
    other: np.ndarray,
    weight: np.ndarray,
    eps: float,
    relaxation: float,
) -> np.ndarray:
    """Best potential of one side given the other's; rows that underflow get logs."""
    with np.errstate(divide="ignore"):
        potential = base - eps * np.log(sums)
    lost = ~np.isfinite(potential)
    if lost.any():
        exponent = (other[None, :] - cost[lost]) / eps
        potential[lost] = -eps * logsumexp(exponent, b=weight[None, :], axis=1)
    return potential / (1 + eps / relaxation)


def _residual(sides: _Sides, f: np.ndarray, g: np.ndarray, ratio: np.ndarray) -> float:
    """L1 gap between row sums a * ratio and what f asks for; columns are just met.

    With a relaxed target, the columns meet what g asked for before the shift; the
    shift is small when the rows are met, so the rows speak for both sides.
    """
    asked = np.exp(-f / sides.source_relaxation)
    return float(
        (sides.source * abs(ratio - asked)).sum() / (sides.source * asked).sum()
    )
