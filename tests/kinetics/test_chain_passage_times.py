"""Mean passage times of chains solved by iteration."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve
from sklearn.neighbors import kneighbors_graph

from cellstate.kinetics._chain import mean_passage_times


def test_what_is_surely_met_takes_a_finite_time():
    """Neighbours in the plane: one part, so no mean is infinite however long it is."""
    x = np.random.default_rng(0).normal(size=(5000, 2))
    near = kneighbors_graph(x, 12)
    links = sparse.csr_array(near + near.T + sparse.eye(5000))
    p = sparse.csr_array(sparse.diags_array(1 / links.sum(axis=1)) @ links)
    target = x[:, 0] > 2
    times, residual = mean_passage_times(p, target, lag=1.0)
    free = np.flatnonzero(~target)
    inner = sparse.eye_array(free.size, format="csr") - p[free][:, free]
    exact = spsolve(inner.tocsc(), np.ones(free.size))
    np.testing.assert_allclose(times[free], exact, rtol=1e-6)
    assert residual < 1e-8


def test_a_trap_that_is_hardly_ever_met_still_makes_it_infinite():
    p = np.array([[0.5, 0.5 - 1e-12, 1e-12], [0, 1, 0], [0, 0, 1]])
    times, _ = mean_passage_times(p, np.array([False, True, False]), lag=1.0)
    np.testing.assert_array_equal(times, [np.inf, 0, np.inf])
