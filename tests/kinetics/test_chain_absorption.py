"""Absorption: identities, invariances, and a dense solve of closed form."""

import numpy as np
import pytest
from scipy import sparse

from cellstate.kinetics import absorption_probabilities

K = 40


@pytest.fixture(scope="module")
def chain():
    """Random, not reversible, each state with links to all others."""
    rng = np.random.default_rng(5)
    return rng.dirichlet(0.1 * np.ones(K), K)


def ends(*starts, size=3):
    at = np.arange(K)
    return [(at >= s) & (at < s + size) for s in starts]


def fundamental(p, sets):
    """N R, with N = 1 + Q + Q^2 + ... summed by doubling: no linear solve."""
    free = ~np.any(sets, axis=0)
    q = p[np.ix_(free, free)]
    total, power = np.eye(len(q)), q
    for _ in range(60):
        total, power = total + power @ total, power @ power
    out = np.array(sets, dtype=float).T
    out[free] = total @ np.stack([p[np.ix_(free, s)].sum(axis=1) for s in sets], axis=1)
    return out


def test_it_is_the_sum_over_all_ways(chain):
    sets = ends(0, 10, 30)
    found, residual = absorption_probabilities(chain, sets)
    np.testing.assert_allclose(found, fundamental(chain, sets), atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-10)
    assert residual < 1e-12


def test_sparse_is_dense(chain):
    sets = ends(0, 10)
    for form in (sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        np.testing.assert_array_equal(
            absorption_probabilities(form(chain), sets)[0],
            absorption_probabilities(chain, sets)[0],
        )


def test_two_sets_taken_together_have_the_sum_of_their_chances(chain):
    a, b, c = ends(0, 10, 30)
    three = absorption_probabilities(chain, [a, b, c])[0]
    two = absorption_probabilities(chain, [a | b, c])[0]
    np.testing.assert_allclose(two[:, 0], three[:, 0] + three[:, 1], atol=1e-12)


def test_the_order_of_states_and_of_sets_does_not_matter(chain, rng_order):
    a, b = ends(0, 10)
    order = rng_order(K)
    one = absorption_probabilities(chain, [a, b])[0]
    turned = chain[np.ix_(order, order)]
    two = absorption_probabilities(turned, [b[order], a[order]])[0]
    np.testing.assert_allclose(two[:, ::-1], one[order], atol=1e-12)


def test_waiting_changes_nothing(chain):
    """A lazy chain takes longer and ends in the same place."""
    sets = ends(0, 10)
    wait = np.random.default_rng(0).uniform(0, 0.99, K)[:, None]
    lazy = wait * np.eye(K) + (1 - wait) * chain
    np.testing.assert_allclose(
        absorption_probabilities(lazy, sets)[0],
        absorption_probabilities(chain, sets)[0],
        atol=1e-10,
    )


def test_one_set_is_met_for_sure(chain):
    found, _ = absorption_probabilities(chain, ends(0))
    np.testing.assert_allclose(found, 1)


def test_a_set_that_loses_cells_to_a_trap_takes_less_than_all():
    """0 goes to the set or to a trap with one half each; the trap has no answer."""
    p = np.array([[0.0, 0.5, 0.5], [0, 1, 0], [0, 0, 1]])
    found, _ = absorption_probabilities(p, [np.arange(3) == 1])
    np.testing.assert_allclose(found[:2, 0], [0.5, 1])
    assert np.isnan(found[2, 0])


def test_a_missing_number_is_no_chance(chain):
    broken = chain.copy()
    broken[3, 4] = np.nan
    with pytest.raises(ValueError, match=r"0 or more; found 1 entries .* e\.g\. nan"):
        absorption_probabilities(broken, ends(0, 10))
