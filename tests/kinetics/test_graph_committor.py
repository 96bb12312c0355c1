"""Committors of snapshots against laws of the plane and formulas of a strip."""

import numpy as np
import pytest

from cellstate import systems
from cellstate.kinetics import committor_on_graph, intrinsic_dimension


def rmse(values, exact, rows):
    return float(np.sqrt(np.mean((values - exact)[rows] ** 2)))


def sets_of(law, x):
    return law.source.contains(x), law.target.contains(x)


def cells(law, n, seed=1):
    x = law.sample(n, seed)
    return (x, *sets_of(law, x))


@pytest.fixture(scope="module")
def triple():
    law = systems.TripleWell(D=1 / 1.67)
    return law, *cells(law, 10_000)


def test_triple_well_from_ten_thousand_cells(triple):
    law, x, a, b = triple
    found = committor_on_graph(x, a, b, rng=0)
    # 0.0075 +- 0.0010 over ten seeds; a plain graph of neighbours has 0.1.
    assert rmse(found.forward, law.committor(x), ~(a | b)) < 0.011
    assert found.residual < 1e-6
    assert (found.forward[a] == 0).all()
    assert (found.forward[b] == 1).all()
    np.testing.assert_array_equal(found.backward, 1 - found.forward)
    assert found.replicates.shape == (10_000, 0)
    assert (found.method, found.division) == ("graph", "")


def test_error_falls_with_the_number_of_cells(triple):
    law, x, a, b = triple
    errors = []
    for n in (600, 10_000):
        q = committor_on_graph(x[:n], a[:n], b[:n], rng=0).forward
        errors.append(rmse(q, law.committor(x[:n]), ~(a | b)[:n]))
    assert errors[1] < errors[0] / 2


def test_landmarks_are_as_good_as_their_number(triple):
    law = triple[0]
    x, a, b = cells(law, 60_000)
    found = committor_on_graph(x, a, b, n_landmarks=6_000, rng=0)
    assert np.isfinite(found.forward).all()
    # The cells around each landmark count: better than 1e4 cells on their own.
    assert rmse(found.forward, law.committor(x), ~(a | b)) < 0.0075
    np.testing.assert_allclose(found.backward, 1 - found.forward, atol=1e-12)


def test_small_sets_are_among_the_landmarks():
    law = systems.RotationalDoubleWell(
        source=systems.Ball((-1, 0), 0.05), target=systems.Ball((1, 0), 0.05)
    )
    x, a, b = cells(law, 20_000)
    assert a.sum() < 200
    options = {"drift": law.drift(x), "diffusion": law.D, "rng": 0}
    every = committor_on_graph(x, a, b, **options)
    some = committor_on_graph(x, a, b, n_landmarks=5_000, **options)
    likely = ~(a | b)
    assert rmse(some.forward, every.forward, likely) < 0.05
    assert rmse(some.backward, every.backward, likely) < 0.05


def test_forward_and_swapped_sets_sum_to_one(triple):
    law, x, a, b = (v[:3000] if isinstance(v, np.ndarray) else v for v in triple)
    for options in ({}, {"drift": law.drift(x), "diffusion": law.D}):
        q = committor_on_graph(x, a, b, rng=0, **options).forward
        p = committor_on_graph(x, b, a, rng=0, **options).forward
        np.testing.assert_allclose(q + p, 1, atol=1e-6)


def test_order_turn_and_unit_of_time_do_not_matter(triple):
    law, x, a, b = (v[:3000] if isinstance(v, np.ndarray) else v for v in triple)
    drift = law.drift(x) @ np.array([[1, 0.5], [-0.5, 1]])
    first = committor_on_graph(x, a, b, drift=drift, diffusion=law.D, rng=0)
    order = np.random.default_rng(2).permutation(3000)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    again = committor_on_graph(
        7 * x[order] @ turn + 3,
        a[order],
        b[order],
        drift=60 * 7 * drift[order] @ turn,
        diffusion=60 * 49 * law.D,
        rng=1,
    )
    np.testing.assert_allclose(again.forward, first.forward[order], atol=1e-6)
    np.testing.assert_allclose(again.backward, first.backward[order], atol=1e-6)


def test_diffusion_matrix_is_a_stretch_of_the_space(triple):
    law, x, a, b = (v[:3000] if isinstance(v, np.ndarray) else v for v in triple)
    stretch = np.array([[2.0, 0.0], [1.0, 0.5]])
    plain = committor_on_graph(x, a, b, drift=law.drift(x), diffusion=law.D, rng=0)
    options = {"drift": law.drift(x) @ stretch.T}
    d = law.D * stretch @ stretch.T
    for diffusion in (d, np.tile(d, (3000, 1, 1))):
        found = committor_on_graph(
            x @ stretch.T, a, b, diffusion=diffusion, rng=0, **options
        )
        np.testing.assert_allclose(found.forward, plain.forward, atol=1e-5)
        np.testing.assert_allclose(found.backward, plain.backward, atol=1e-5)


@pytest.mark.parametrize(
    "law", [systems.RotationalDoubleWell(D=1 / 3), systems.MaierStein(D=0.1)]
)
def test_drift_that_circulates(law):
    x, a, b = cells(law, 8000)
    rest = ~(a | b)
    found = committor_on_graph(x, a, b, drift=law.drift(x), diffusion=law.D, rng=0)
    forward, backward = law.committor(x), law.committor_backward(x)
    assert rmse(found.forward, forward, rest) < 0.02
    assert rmse(found.backward, backward, rest) < 0.02
    # The law is not reversible: the one is not the rest of the other.
    assert rmse(found.backward, 1 - forward, rest) > 0.03
    blind = committor_on_graph(x, a, b, rng=0)
    assert rmse(blind.forward, forward, rest) > 2 * rmse(found.forward, forward, rest)


def test_circulation_moves_the_middle():
    law = systems.RotationalDoubleWell(D=1 / 3)
    x, a, b = cells(law, 20_000)
    probe = np.flatnonzero(np.linalg.norm(x - [0, 0.5], axis=1) < 0.15)
    found = committor_on_graph(
        x, a, b, drift=law.drift(x), diffusion=law.D, rng=0
    ).forward[probe]
    exact = law.committor(x[probe])
    assert abs(exact.mean() - 0.18) < 0.05  # a reversible method says 0.5
    assert abs(found.mean() - exact.mean()) < 0.03


def test_drift_is_followed_wherever_cells_are(triple):
    # Cells spread evenly over the box: their density says nothing of the law.
    law = triple[0]
    x = np.random.default_rng(3).uniform([-2, -1.5], [2, 2.5], (8000, 2))
    a, b = sets_of(law, x)
    q, likely = law.committor(x), law.density(x) > 1e-3
    rows = ~(a | b) & likely
    moved = committor_on_graph(x, a, b, drift=law.drift(x), diffusion=law.D, rng=0)
    weighed = committor_on_graph(x, a, b, density=law.density(x), rng=0)
    assert rmse(moved.forward, q, rows) < 0.02
    assert rmse(moved.backward, 1 - q, rows) < 0.02
    assert rmse(weighed.forward, q, rows) < 0.02
    assert rmse(committor_on_graph(x, a, b, rng=0).forward, q, rows) > 0.05


@pytest.fixture(scope="module")
def strip():
    """Even cells of a strip; A left of 0, B right of 1."""
    x = np.random.default_rng(4).uniform([-0.2, 0], [1.2, 0.4], (8000, 2))
    return x, x[:, 0] <= 0, x[:, 0] >= 1, (x[:, 0] > 0) & (x[:, 0] < 1)


@pytest.mark.parametrize("speed", [-3.0, 2.0, 8.0])
def test_constant_drift(strip, speed):
    x, a, b, rest = strip
    drift = np.tile([speed, 0.0], (len(x), 1))
    found = committor_on_graph(x, a, b, drift=drift, diffusion=0.5, rng=0)
    exact = np.expm1(-2 * speed * x[:, 0]) / np.expm1(-2 * speed)
    assert rmse(found.forward, exact, rest) < 0.012


def test_drift_so_strong_that_cells_come_from_one_side_only(strip):
    x, a, b, rest = strip
    drift = np.tile([20.0, 0.0], (len(x), 1))
    found = committor_on_graph(x, a, b, drift=drift, diffusion=0.5, rng=0)
    assert found.forward[rest & (x[:, 0] > 0.3)].min() > 0.99
    # The stationary law falls by e^40 from B to A: a tenth of the cells is visited.
    back = found.backward[rest]
    assert 0.5 < np.isnan(back).mean() < 0.95
    assert np.nanmax(back) < 1e-3
    assert not found.reason.any()


def test_diffusion_that_varies(strip):
    x, a, b, rest = strip
    d = (1 + x[:, 0])[:, None, None] * np.eye(2)
    # Reversible in an even density: (D q')' = 0.
    even = committor_on_graph(x, a, b, diffusion=d, rng=0).forward
    exact = np.log(1 + np.clip(x[:, 0], 0, 1)) / np.log(2)
    assert rmse(even, exact, rest) < 0.012
    # Ito motion without drift: D q'' = 0.
    still = committor_on_graph(x, a, b, drift=0 * x, diffusion=d, rng=0).forward
    assert rmse(still, x[:, 0], rest) < 0.012
    assert rmse(exact, x[:, 0], rest) > 0.03


@pytest.mark.parametrize("rate", [-6.0, 2.0, 5.0])
@pytest.mark.parametrize("drifting", [False, True])
def test_growth_counts_descendants(strip, rate, drifting):
    # D q'' + g q = 0: sin or sinh; 5 / 1 is half of what pi^2 D allows.
    x, a, b, rest = strip
    wave = np.sqrt(complex(rate))
    exact = (np.sin(wave * x[:, 0]) / np.sin(wave)).real
    options = {"drift": 0 * x} if drifting else {}
    found = committor_on_graph(
        x, a, b, diffusion=1.0, growth=np.full(len(x), rate), rng=0, **options
    )
    assert rmse(found.forward, exact, rest) < 0.03 * max(1, exact[rest].max())
    assert np.isnan(found.backward).all()
    assert found.division == "mass"
    if rate == 5:
        assert found.forward.max() > 1.1


def test_growth_beyond_all_bounds_is_an_error(strip):
    x, a, b, _ = strip
    with pytest.raises(FloatingPointError, match="infinite"):
        committor_on_graph(x, a, b, diffusion=1.0, growth=np.full(len(x), 14.0), rng=0)


def test_no_growth_is_no_growth(strip):
    x, a, b, _ = strip
    plain = committor_on_graph(x, a, b, rng=0).forward
    zero = committor_on_graph(x, a, b, diffusion=2.0, growth=np.zeros(len(x)), rng=0)
    np.testing.assert_allclose(zero.forward, plain, atol=1e-6)


def test_ten_coordinates_beat_the_distance_to_the_sets():
    law = systems.RotatedDoubleWell(D=1 / 2)
    x, a, b = cells(law, 4000)
    rest = ~(a | b)
    found = committor_on_graph(x, a, b, n_neighbours=24, rng=0)
    q = law.committor(x)
    assert rmse(found.forward, q, rest) < 0.1 < q[rest].std() / 3
    assert 8 < intrinsic_dimension(x) < 10.5


def test_dimension_of_a_curved_sheet():
    angle, height = np.random.default_rng(5).uniform(0, 3, (2, 4000))
    x = np.column_stack([np.cos(angle), np.sin(angle), height, np.zeros(4000)])
    assert abs(intrinsic_dimension(x) - 2) < 0.1
