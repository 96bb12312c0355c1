"""Graph committors where a cell has none, and what is refused."""

import numpy as np
import pytest

from cellstate.kinetics import REASONS, committor_on_graph, intrinsic_dimension
from cellstate.kinetics._graph._flow import divergence, fitted, stationary
from cellstate.kinetics._graph._landmarks import extend
from cellstate.kinetics._graph._links import link
from cellstate.kinetics._graph._neighbours import nearest


@pytest.fixture
def square():
    x = np.random.default_rng(0).uniform(0, 1, (500, 2))
    return x, x[:, 0] < 0.2, x[:, 0] > 0.8


def blobs(*centres):
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(c, 0.1, (150, 2)) for c in centres])


def test_cells_without_a_state_have_none(square):
    x, a, b = square
    x = x.copy()
    lost = np.flatnonzero(~(a | b))[:5]
    x[lost, 1] = np.nan
    found = committor_on_graph(x, a, b, rng=0)
    assert np.isnan(found.forward[lost]).all()
    assert np.isnan(found.backward[lost]).all()
    assert {REASONS[r] for r in found.reason[lost]} == {"the state is undefined"}
    assert np.isfinite(np.delete(found.forward, lost)).all()
    assert not np.delete(found.reason, lost).any()


def test_a_part_joined_to_neither_set_has_none(square):
    x, a, b = square
    x = np.vstack([x, blobs((9, 9))])
    a, b = (np.r_[s, np.zeros(150, dtype=bool)] for s in (a, b))
    for options in ({}, {"drift": 0 * x, "diffusion": 1.0}):
        found = committor_on_graph(x, a, b, rng=0, **options)
        assert np.isnan(found.forward[500:]).all()
        assert np.isnan(found.backward[500:]).all()
        assert (found.reason[500:] == REASONS.index(
            "joined neither to the source nor to the target"
        )).all()  # fmt: skip
        assert np.isfinite(found.forward[:500]).all()


def test_sets_in_different_parts_warn_and_give_zero_and_one():
    x = blobs((0, 0), (5, 0), (0, 5))
    a, b = np.zeros((2, 450), dtype=bool)
    a[:20], b[150:170] = True, True
    with pytest.warns(UserWarning, match="sizes 150 and 150 of 450"):
        found = committor_on_graph(x, a, b, rng=0)
    assert (found.forward[:150] == 0).all()
    assert (found.forward[150:300] == 1).all()
    assert (found.backward[:300] == 1 - found.forward[:300]).all()
    assert np.isnan(found.forward[300:]).all()


def test_a_pocket_behind_a_set_has_its_value():
    # From the left end only A can be reached, the cells of A lie in between.
    x = np.random.default_rng(2).uniform([0, 0], [20, 1], (4000, 2))
    a = (x[:, 0] > 6) & (x[:, 0] < 12)
    found = committor_on_graph(x, a, x[:, 0] > 18, rng=0)
    pocket = x[:, 0] < 6
    assert (found.forward[pocket] == 0).all()
    assert (found.backward[pocket] == 1).all()
    between = (x[:, 0] > 12) & (x[:, 0] < 18)
    assert found.forward[between].max() > 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drift": np.zeros((500, 2))}, "without `diffusion`"),
        ({"growth": np.zeros(500)}, "no time scale"),
        ({"drift": np.zeros((500, 3)), "diffusion": 1.0}, r"\(500, 2\).*\(500, 3\)"),
        ({"growth": np.zeros(4), "diffusion": 1.0}, r"\(500,\).*\(4,\)"),
        ({"diffusion": -1.0}, "eigenvalue -1"),
        ({"diffusion": np.array([[1, 1], [0, 1]])}, "asymmetry 1"),
        ({"diffusion": np.ones(3)}, r"found \(3,\)"),
        ({"density": np.zeros(500)}, "above 0"),
        (
            {"density": np.ones(500), "drift": np.zeros((500, 2)), "diffusion": 1.0},
            "found both",
        ),
        ({"n_neighbours": 500}, "found 500"),
        ({"n_neighbours": 2}, ">= 4"),
        ({"n_landmarks": 20}, ">= 65"),
        ({"dimension": 0}, "above 0"),
        ({"source": np.zeros(500, dtype=bool)}, "`source` has no cell"),
        ({"target": np.ones(500, dtype=bool)}, "share"),
        ({"target": np.ones(500)}, "boolean mask"),
        ({"x": np.zeros(500)}, r"shape \(n, d\)"),
        ({"x": np.zeros((500, 2))}, "copies"),
    ],
)
def test_what_is_refused(square, change, message):
    x, a, b = square
    given = {"x": x, "source": a, "target": b, "rng": 0} | change
    with pytest.raises(ValueError, match=message):
        committor_on_graph(**given)


def test_same_seed_same_numbers(square):
    x, a, b = square
    one, two = (committor_on_graph(x, a, b, n_landmarks=200, rng=3) for _ in range(2))
    np.testing.assert_array_equal(one.forward, two.forward)


def test_dimension_needs_cells():
    with pytest.raises(ValueError, match="found 5"):
        intrinsic_dimension(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="copy"):
        intrinsic_dimension(np.zeros((50, 2)))


@pytest.mark.parametrize("d", [2, 12])
def test_neighbours_leave_out_the_cell_itself(d):
    x = np.random.default_rng(6).normal(size=(300, d))
    x[5] = x[7] = x[9]
    distance, index = nearest(x, 6, np.random.default_rng(0))
    assert (index != np.arange(300)[:, None]).all()
    apart = np.linalg.norm(x[:, None] - x, axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(distance, np.sort(apart)[:, :6], atol=1e-6)


def test_links_are_symmetric_and_joined_both_ways():
    z = np.random.default_rng(8).normal(size=(400, 2))
    w = link(z, 20, None, np.random.default_rng(0)).weights
    assert abs(w - w.T).max() < 1e-15
    assert w.diagonal().max() == 0
    assert np.diff(w.indptr).min() >= 20


def test_exponential_fit_keeps_the_ratio_of_rates():
    u = np.array([-800, -3, -1e-9, 0, 1e-9, 2, 50])
    assert (fitted(u)[1:] > 0).all()
    np.testing.assert_allclose(fitted(u[1:]), np.exp(u[1:]) * fitted(-u[1:]), rtol=1e-8)


def test_stationary_law_balances_in_and_out():
    from scipy import sparse

    rng = np.random.default_rng(9)
    rates = rng.uniform(0, 1, (60, 60)) * (rng.uniform(size=(60, 60)) < 0.3)
    np.fill_diagonal(rates, 0)
    y, residual = stationary(sparse.csr_matrix(rates), np.arange(60) // 6)
    np.testing.assert_allclose(y @ rates, y * rates.sum(axis=1), rtol=1e-6)
    assert residual < 1e-6
    assert y.min() > 0
    np.testing.assert_allclose(y.mean(), 1, rtol=1e-6)


def test_divergence_of_a_linear_field_is_exact():
    z = np.random.default_rng(10).normal(size=(500, 2))
    field = np.empty((500, 2, 2))
    field[:, 0, 0] = 9 + 2 * z[:, 0]
    field[:, 1, 1] = 9 + z[:, 0] - 3 * z[:, 1]
    field[:, 0, 1] = field[:, 1, 0] = z[:, 0] + 4 * z[:, 1]
    w = link(z, 20, None, np.random.default_rng(0)).weights
    np.testing.assert_allclose(
        divergence(w, z, field), np.tile([6.0, -2.0], (500, 1)), atol=1e-8
    )


def test_planes_extend_what_is_flat():
    rng = np.random.default_rng(11)
    known, z = rng.uniform(-1, 1, (2000, 2)), rng.uniform(-0.9, 0.9, (300, 2))
    slope = np.array([[1.0, -0.5], [2.0, 0.3]])
    values = extend(z, known, known @ slope)
    # The penalty takes about a thousandth of the slope over a tenth of the width.
    np.testing.assert_allclose(values, z @ slope, atol=2e-3)
