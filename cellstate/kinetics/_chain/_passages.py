"""Transition paths of a Markov chain: times, committors and flux from A to B."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from cellstate._base.checks import positive, row_mask
from cellstate._base.results import Result
from cellstate.kinetics._chain._absorption import (
    _reaching,
    _solved,
    absorption_probabilities,
    stochastic,
)
from cellstate.kinetics._chain._markov import MarkovChain


@dataclass(frozen=True, eq=False, kw_only=True)
class ChainFlux(Result):
    """Steady flow of those on their way from A to B.

    Attributes
    ----------
    forward, backward
        Committors (k,): chance of B before A; to come from A last rather than from B.
        The backward one is NaN in states outside the stationary law.
    gross
        Reactive steps per hour from row to column, (k, k).
    net
        What is left of both directions, (k, k).
    nu
        Passages from A to B per hour.
    k_ab
        Per hour, of those that met A last.
    residual
        Largest of the stationary law and both committors.
    """

    kind: ClassVar[str] = "chain_flux"
    forward: np.ndarray
    backward: np.ndarray
    gross: np.ndarray
    net: np.ndarray
    nu: float
    k_ab: float
    residual: float


def mean_passage_times(
    transitions: np.ndarray | sparse.spmatrix, target: np.ndarray, lag: float
) -> tuple[np.ndarray, float]:
    """Mean time (h) until the target is met at a multiple of the lag, and the residual.

    Parameters
    ----------
    transitions
        Rows add up to 1, (k, k), dense or sparse.
    target
        Boolean mask (k,).
    lag
        Hours.

    Returns
    -------
    tuple
        Times (k,), 0 in the target and infinite where it may be missed for ever; and
        the relative residual.

    Examples
    --------
    >>> walk = np.array([[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0, 1]])
    >>> mean_passage_times(walk, np.array([False, False, True]), lag=0.5)[0]
    array([3., 2., 0.])
    """
    matrix = stochastic(transitions)
    lag = positive(lag, "lag", "h", "mean_passage_times(transitions, target, lag=0.5)")
    target = _some(target, matrix.shape[0], "target")
    # Asked of the links: a chance of 1 is known only to the error of its solve.
    never = ~_reaching(matrix, target)
    outside = sparse.diags_array((~target).astype(float)) @ matrix
    outside.eliminate_zeros()
    missed = _reaching(outside, never) & ~target
    times = np.where(target, 0.0, np.inf)
    free = np.flatnonzero(~target & ~missed)
    residual = 0.0
    if free.size:
        left = (sparse.eye_array(free.size) - matrix[free][:, free]).tocsc()
        found, residual = _solved(left, np.full((free.size, 1), lag))
        times[free] = found[:, 0]
    return times, residual


def chain_committor(
    chain: MarkovChain, source: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Forward and backward committor (k,), and the largest residual of the solves.

    The backward one belongs to the chain that runs backward in the stationary law; it
    is 1 minus the forward one for reversible chains only.

    Parameters
    ----------
    chain
        Chain of k states.
    source, target
        Disjoint boolean masks (k,), not empty.

    Examples
    --------
    >>> walk = MarkovChain.of([[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], lag=1)
    >>> a, b = np.array([True, False, False]), np.array([False, False, True])
    >>> chain_committor(walk, a, b)[:2]
    (array([0. , 0.5, 1. ]), array([1. , 0.5, 0. ]))
    """
    k = len(chain.law)
    a, b = _some(source, k, "source"), _some(target, k, "target")
    if (a & b).any():
        raise ValueError(
            f"`source` and `target` share states {np.flatnonzero(a & b)[:5].tolist()}; "
            "they must be disjoint."
        )
    forward, one = absorption_probabilities(chain.transitions, [b, a])
    inside = np.flatnonzero(chain.law > 0)
    law = chain.law[inside]
    turned = chain.transitions[np.ix_(inside, inside)].T * law / law[:, None]
    turned /= turned.sum(axis=1, keepdims=True)  # of a law with rounding
    backward = np.full(k, np.nan)
    found, two = absorption_probabilities(turned, [a[inside], b[inside]])
    backward[inside] = found[:, 0]
    return forward[:, 0], backward, max(one, two)


def chain_flux(chain: MarkovChain, source: np.ndarray, target: np.ndarray) -> ChainFlux:
    """Transition path theory: who goes from A to B by which steps, and how often.

    Parameters
    ----------
    chain
        Chain of k states.
    source, target
        Disjoint boolean masks (k,), not empty.

    References
    ----------
    Metzner, Schuette, Vanden-Eijnden, Multiscale Model. Simul. 7 (2009) 1192.

    Examples
    --------
    >>> walk = MarkovChain.of([[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], lag=1)
    >>> a, b = np.array([True, False, False]), np.array([False, False, True])
    >>> found = chain_flux(walk, a, b)
    >>> round(found.nu, 6), round(found.k_ab, 6)  # 1/12 an hour, of one half
    (0.083333, 0.166667)
    """
    forward, backward, residual = chain_committor(chain, source, target)
    behind = np.nan_to_num(chain.law * backward)
    gross = behind[:, None] * chain.transitions * np.nan_to_num(forward) / chain.lag
    np.fill_diagonal(gross, 0)  # to stay is no step
    net = np.maximum(gross - gross.T, 0)
    source = np.asarray(source)
    nu = float(gross[source].sum())
    last = float(behind.sum())
    return ChainFlux(
        forward=forward,
        backward=backward,
        gross=gross,
        net=net,
        nu=nu,
        k_ab=nu / last if last > 0 else np.nan,
        residual=max(residual, chain.residual),
    )


def _some(mask: np.ndarray, k: int, name: str) -> np.ndarray:
    mask = row_mask(mask, k, name)
    if not mask.any():
        raise ValueError(f"`{name}` holds none of the {k} states; it must hold some.")
    return mask
