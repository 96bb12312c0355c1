"""Transition paths of a finite chain by linear solves with its generator."""

from collections.abc import Callable

import numpy as np

from cellstate.systems._paths import Field, TransitionPaths


def stationary_by_solve(generator: np.ndarray) -> np.ndarray:
    """Stationary law of an irreducible generator, shape (k,).

    Grassmann, Taksar and Heyman's elimination: it never subtracts, so small
    probabilities keep all their digits.

    References
    ----------
    Grassmann, Taksar, Heyman, Oper. Res. 33, 1107 (1985).

    Examples
    --------
    >>> stationary_by_solve(np.array([[-1.0, 1.0], [3.0, -3.0]]))
    array([0.75, 0.25])
    """
    rates = np.array(generator, dtype=float)
    for k in range(len(rates) - 1, 0, -1):
        rates[:k, k] /= rates[k, :k].sum()
        rates[:k, :k] += np.outer(rates[:k, k], rates[k, :k])
    law = np.ones(len(rates))
    for k in range(1, len(rates)):
        law[k] = law[:k] @ rates[:k, k]
    return law / law.sum()


def paths_by_solve(
    generator: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    field: Callable[[np.ndarray], Field],
) -> TransitionPaths:
    """Transition paths between two sets of states of an irreducible chain.

    Parameters
    ----------
    generator
        Rates, rows sum to 0, shape (k, k); the chain need not be reversible.
    source, target
        Masks, shape (k,).
    field
        Turns values per state (k,) into a function of states.
    """
    pi = stationary_by_solve(generator)
    backward = generator.T * pi / pi[:, None]
    between = ~(source | target)
    q, first = _reach(generator, between, target.astype(float), np.zeros(len(pi)))
    back, second = _reach(backward, between, source.astype(float), np.zeros(len(pi)))
    zero, one = np.zeros(len(pi)), np.ones(len(pi))
    passage, third = _reach(generator, ~target, zero, one)
    leave, fourth = _reach(generator, between, zero, one)
    # Every jump carries pi_i q-_i G_ij q+_j of the reactive flux; count those out of A.
    nu = float((pi * source) @ (generator - np.diag(generator.diagonal())) @ q)
    last_a = float(pi @ back)
    return TransitionPaths(
        route="linear solve",
        nu=nu,
        k_ab=nu / last_a,
        k_ba=nu / (1 - last_a),
        last_a=last_a,
        pi_a=float(pi[source].sum()),
        pi_b=float(pi[target].sum()),
        reactive=float(pi @ (q * back)),
        committor=field(q),
        committor_backward=field(back),
        density=field(pi),
        passage_time=field(passage),
        exit_time=field(leave),
        gap=float(np.sort(-np.linalg.eigvals(generator).real)[1]),
        residual=max(first, second, third, fourth),
        size=(len(pi),),
    )


def _reach(
    generator: np.ndarray, free: np.ndarray, ends: np.ndarray, pay: np.ndarray
) -> tuple[np.ndarray, float]:
    """Solve G f = -pay on the free states with f = ends elsewhere; and the residual."""
    values = ends.copy()
    if not free.any():
        return values, 0.0
    inner = generator[np.ix_(free, free)]
    load = -pay[free] - generator[np.ix_(free, ~free)] @ ends[~free]
    values[free] = np.linalg.solve(inner, load)
    size = np.abs(inner).max() * np.abs(values[free]).max() + np.abs(load).max()
    return values, float(np.abs(inner @ values[free] - load).max() / size)
