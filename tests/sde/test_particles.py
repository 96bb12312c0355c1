"""Populations that grow: total mass against closed forms, and single cells."""

from types import SimpleNamespace

import numpy as np
import pytest

from cellstate.sde._lineages import simulate_cells
from cellstate.sde._particles import Particles, propagate_particles
from cellstate.sde._resampling import effective_number, systematic
from cellstate.tracks import Tracks

RATE, D = 1.0, 0.5


def trap(growth=None, rate=RATE):
    law = SimpleNamespace(
        drift=lambda x, t=0.0: -rate * x,
        diffusion=lambda x, t=0.0: np.broadcast_to(
            D * np.eye(x.shape[1]), (len(x), x.shape[1], x.shape[1])
        ),
    )
    if growth is not None:
        law.growth_rate = growth
    return law


def tilted(c, start, t):
    """Mass and mean state at t of cells from `start` that grow at rate c x.

    int X ds is Gaussian, so its exponential is known; the mean state under those
    weights is the plain mean plus c times the covariance of X_t and int X ds.
    """
    e = np.exp(-RATE * t)
    mean = c * start * (1 - e) / RATE
    variance = (
        2 * D * (c / RATE) ** 2 * (t - 2 * (1 - e) / RATE + (1 - e**2) / (2 * RATE))
    )
    shift = c * D / RATE**2 * (1 - e) ** 2
    return np.exp(mean + variance / 2), start * e + shift


def linear_growth(c):
    return lambda x, t=0.0: c * x[:, 0]


# Total mass


def test_constant_growth_multiplies_the_mass_exactly():
    law = trap(lambda x, t: np.full(len(x), 0.3))
    found = propagate_particles(law, np.zeros((60, 2)), None, 1.0, 4.0, rng=0)
    assert found.mass.value == pytest.approx(np.exp(0.9), rel=1e-12)
    assert found.mass.high - found.mass.low < 1e-9
    assert found.effective_number == pytest.approx(60)
    assert (found.start_time, found.time, found.start_mass) == (1.0, 4.0, 1.0)
    assert found.n_resampled == 0


def test_without_growth_the_mass_is_that_given():
    weights = np.arange(1.0, 41)
    found = propagate_particles(trap(), np.zeros((40, 1)), weights, 0, 1, rng=0)
    assert found.mass.value == pytest.approx(weights.sum())
    np.testing.assert_allclose(found.weights, weights)


def test_growth_may_depend_on_time():
    law = trap(lambda x, t: np.full(len(x), np.cos(t)))
    found = propagate_particles(law, np.zeros((20, 1)), None, 0.5, 2.0, rng=0)
    want = np.exp(np.sin(2.0) - np.sin(0.5))
    assert found.mass.value == pytest.approx(want, rel=1e-4)


@pytest.mark.parametrize(("c", "t"), [(0.5, 2.0), (1.0, 3.0), (-0.7, 2.0)])
def test_growth_linear_in_the_state_is_unbiased(c, t):
    mass, mean = tilted(c, 1.0, t)
    runs = [
        propagate_particles(
            trap(linear_growth(c)), np.ones((1000, 1)), None, 0, t, rng=seed
        )
        for seed in range(20)
    ]
    masses = np.array([r.mass.value for r in runs])
    error = masses.std(ddof=1) / np.sqrt(20)
    assert abs(masses.mean() - mass) < 3.5 * error
    means = np.array([r.mean()[0] for r in runs])
    assert abs(means.mean() - mean) < 3.5 * means.std(ddof=1) / np.sqrt(20)
    # The stated interval is as wide as the runs are spread.
    half = np.array([(r.mass.high - r.mass.low) / 2 for r in runs]).mean()
    assert 0.6 < half / (2.09 * masses.std(ddof=1)) < 1.6
    assert sum(r.mass.low < mass < r.mass.high for r in runs) >= 15


def test_a_mixture_that_stands_still_grows_type_by_type():
    """Two types with rates a, b: the mass is the mean of the exponentials."""
    a, b, t = 0.4, -0.6, 3.0
    law = SimpleNamespace(
        drift=lambda x, t: 0 * x,
        diffusion=lambda x, t: np.zeros((len(x), 1, 1)),
        growth_rate=lambda x, t: np.where(x[:, 0] > 0, a, b),
    )
    x = np.repeat([[1.0], [-1.0]], [300, 100], axis=0)
    found = propagate_particles(law, x, None, 0, t, rng=0)
    want = 0.75 * np.exp(a * t) + 0.25 * np.exp(b * t)
    assert found.mass.low <= want <= found.mass.high
    assert found.mass.value == pytest.approx(want, rel=0.03)
    share = found.weights[found.states[:, 0] > 0].sum() / found.weights.sum()
    assert share == pytest.approx(0.75 * np.exp(a * t) / want, abs=0.01)


def test_resampling_keeps_the_effective_number_up():
    law = trap(linear_growth(1.5))
    found = propagate_particles(law, np.ones((1000, 1)), None, 0, 4, rng=0)
    assert found.n_resampled > 0
    assert found.effective_number > 0.3 * 1000
    assert np.bincount(found.batch).tolist() == [50] * 20


def test_descendants_of_growing_cells_are_the_more():
    law = SimpleNamespace(
        drift=lambda x, t: 0 * x,
        diffusion=lambda x, t: np.zeros((len(x), 1, 1)),
        growth_rate=lambda x, t: 2 * x[:, 0],
    )
    x = np.repeat([[0.0], [1.0]], 500, axis=0)
    found = propagate_particles(law, x, None, 0, 3, rng=0)
    assert found.n_resampled > 0
    np.testing.assert_array_equal(found.states, x[found.origin])
    share = found.weights[found.origin >= 500].sum() / found.weights.sum()
    assert share == pytest.approx(np.exp(6) / (1 + np.exp(6)), abs=0.01)


def test_the_unit_of_time_does_not_matter():
    slow = trap(linear_growth(0.5))
    fast = SimpleNamespace(
        drift=lambda x, t: 60 * slow.drift(x),
        diffusion=lambda x, t: 60 * slow.diffusion(x),
        growth_rate=lambda x, t: 60 * slow.growth_rate(x),
    )
    x = np.random.default_rng(0).normal(size=(100, 2))
    one = propagate_particles(slow, x, None, 0, 3, rng=0)
    two = propagate_particles(fast, x, None, 0, 3 / 60, rng=0)
    np.testing.assert_allclose(one.states, two.states, atol=1e-9)
    np.testing.assert_allclose(one.weights, two.weights, rtol=1e-9)


def test_n_particles_are_drawn_by_the_weights():
    x, weights = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 0.0, 3.0])
    still = SimpleNamespace(
        drift=lambda x, t: 0 * x, diffusion=lambda x, t: np.zeros((len(x), 1, 1))
    )
    found = propagate_particles(still, x, weights, 0, 1, n=400, rng=0)
    assert found.states.shape == (400, 1)
    assert found.mass.value == pytest.approx(4.0)
    assert np.bincount(found.states[:, 0].astype(int)).tolist() == [100, 0, 300]
    np.testing.assert_array_equal(found.states[:, 0], found.origin)


def test_one_cell_has_no_interval():
    found = propagate_particles(trap(), [[1.0]], None, 0, 1, rng=0)
    assert np.isnan(found.mass.low)
    assert np.isnan(found.mass.high)


def test_nothing_moves_in_no_time():
    x = np.random.default_rng(0).normal(size=(30, 2))
    found = propagate_particles(trap(linear_growth(1.0)), x, None, 2, 2, rng=0)
    np.testing.assert_array_equal(found.states, x)
    assert found.mass.value == pytest.approx(1.0)


def test_a_saved_population_comes_back():
    x = np.zeros((10, 1))
    found = propagate_particles(trap(), x, None, 0, 1, rng=0)
    again = Particles.from_dict(found.to_dict())
    np.testing.assert_array_equal(again.states, found.states)
    assert again.mass.value == found.mass.value
    assert again.draw(5, rng=0).shape == (5, 1)


# Resampling


def test_systematic_draws_have_the_expected_counts():
    rng = np.random.default_rng(0)
    weights = rng.random(7)
    counts = sum(
        np.bincount(systematic(weights, 10, rng), minlength=7) for _ in range(4000)
    )
    want = 10 * weights / weights.sum()
    # A count is one of two neighbouring integers: variance at most 1/4.
    np.testing.assert_allclose(counts / 4000, want, atol=4 * 0.5 / np.sqrt(4000))


def test_effective_number_ignores_the_scale_of_weights():
    weights = np.array([1.0, 2.0, 3.0])
    assert effective_number(weights) == pytest.approx(36 / 14)
    assert effective_number(weights * 1e300) == pytest.approx(36 / 14)
    assert effective_number(np.zeros(3)) == 0


# Single cells


@pytest.mark.parametrize("g", [0.4, -0.4])
def test_single_cells_divide_or_die_at_the_net_rate(g):
    n, t = 3000, 2.0
    law = trap(lambda x, t: np.full(len(x), g))
    found = simulate_cells(law, np.zeros((n, 1)), np.linspace(0, t, 9), rng=0)
    count = np.bincount(found.frame, minlength=9)
    mean = n * np.exp(g * t)
    # Yule process, or pure death: variance of one founder's descendants.
    variance = mean * (np.exp(g * t) - 1) if g > 0 else mean * (1 - np.exp(g * t))
    assert abs(count[-1] - mean) < 4 * np.sqrt(variance)
    assert count[-1] == n + found.n_divisions - found.n_deaths
    assert (found.n_deaths == 0) == (g > 0)
    assert found.dies.sum() == found.n_deaths


def test_single_cells_have_the_mass_of_weighted_particles():
    mass, _ = tilted(0.6, 1.0, 2.0)
    law = trap(linear_growth(0.6))
    counts = [
        np.sum(simulate_cells(law, np.ones((300, 1)), [0, 1, 2], rng=seed).frame == 2)
        for seed in range(30)
    ]
    ratio = np.array(counts) / 300
    assert abs(ratio.mean() - mass) < 3.5 * ratio.std(ddof=1) / np.sqrt(30)


def test_lineages_are_a_forest_and_daughters_begin_where_mothers_end():
    still = SimpleNamespace(
        drift=lambda x, t: 0 * x,
        diffusion=lambda x, t: np.zeros((len(x), 1, 1)),
        growth_rate=lambda x, t: np.full(len(x), 0.8),
    )
    x = np.arange(40.0)[:, None]
    found = simulate_cells(still, x, np.arange(6) * 0.5, rng=0)
    tracks = Tracks.from_arrays(
        track=found.track,
        frame=found.frame,
        time=found.time,
        parent_track=found.parent_track,
    )
    founder = found.states[tracks.first_row[tracks.lineage], 0]
    mine = found.states[tracks.first_row, 0]
    linked = tracks.parent >= 0
    np.testing.assert_array_equal(mine[linked], founder[linked])
    assert np.sum(~linked) == 40 + found.n_unlinked
    begins = tracks.frame[tracks.first_row]
    ends = tracks.frame[tracks.last_row]
    np.testing.assert_array_equal(begins[linked], ends[tracks.parent[linked]] + 1)


def test_everybody_may_die():
    law = trap(lambda x, t: np.full(len(x), -20.0))
    found = simulate_cells(law, np.zeros((50, 1)), [0, 1, 2], rng=0)
    assert found.n_deaths == 50
    assert found.frame.max() == 0
    assert found.dies.all()


def test_too_many_cells_are_refused():
    law = trap(lambda x, t: np.full(len(x), 10.0))
    with pytest.raises(
        ValueError, match=r"multiplied to \d+, above 1000000.*propagate"
    ):
        simulate_cells(law, np.zeros((1000, 1)), [0, 1], rng=0)


# Bad input


@pytest.mark.parametrize(
    ("weights", "times", "message"),
    [
        ([1.0, -1.0], (0, 1), "found shape .2,., least -1"),
        ([0.0, 0.0], (0, 1), "sum above 0"),
        ([1.0], (0, 1), r"2 finite numbers >= 0.*shape \(1,\)"),
        (None, (2, 1), "start_time=2 h and stop_time=1 h"),
        (None, (0, np.nan), "`times` are finite hours.*1 not finite"),
    ],
)
def test_weights_and_times_are_checked(weights, times, message):
    with pytest.raises(ValueError, match=message):
        propagate_particles(trap(), np.zeros((2, 1)), weights, *times)
