"""Directions: density, motion, and the null without preference, each by two routes."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from cellstate.systems._first_mode import (
    first_mode_of,
    null_mode,
    null_mode_limit,
    rayleigh_p,
    rayleigh_p_exact,
    rayleigh_threshold,
)
from cellstate.systems._integrate import simulate
from cellstate.systems._laws._angles import AngularPolarity

LAW = AngularPolarity(a=0.6, axis=0.4, D=0.8)


@pytest.mark.parametrize("a", [0.0, 0.3, 0.9])
def test_first_mode_by_two_routes(a):
    law = AngularPolarity(a=a, axis=-1.0)
    assert law.first_mode() == a / 2
    parts = [
        quad(lambda t, f=f: law.density([t]) * f(t), -np.pi, np.pi)[0]
        for f in (np.cos, np.sin)
    ]
    assert np.hypot(*parts) == pytest.approx(a / 2, abs=1e-10)
    assert quad(lambda t: law.density([t]), -np.pi, np.pi)[0] == pytest.approx(1)


def test_drift_and_jacobian_are_derivatives():
    theta = np.linspace(-3, 3, 42).reshape(2, 21, 1)
    slope = (LAW.potential(theta + 1e-6) - LAW.potential(theta - 1e-6)) / 2e-6
    np.testing.assert_allclose(LAW.drift(theta)[..., 0], -slope, atol=1e-7)
    bend = (LAW.drift(theta + 1e-6) - LAW.drift(theta - 1e-6)) / 2e-6
    np.testing.assert_allclose(LAW.jacobian(theta)[..., 0], bend, atol=1e-7)


def test_no_flux_in_the_stationary_law():
    theta = np.linspace(-3, 3, 41)[:, None]
    slope = (LAW.density(theta + 1e-6) - LAW.density(theta - 1e-6)) / 2e-6
    flux = LAW.drift(theta)[:, 0] * LAW.density(theta) - LAW.D * slope
    np.testing.assert_allclose(flux, 0, atol=1e-8)


def test_fixed_points_are_the_axis_and_its_opposite():
    points = LAW.fixed_points()
    turns = np.mod(points.x[:, 0] - LAW.axis, 2 * np.pi)
    assert set(np.round(turns, 6) % round(2 * np.pi, 6)) == {0.0, round(np.pi, 6)}
    np.testing.assert_allclose(turns[points.stable] % (2 * np.pi), 0, atol=1e-8)


def test_samples_and_moved_samples_follow_the_density():
    x = LAW.sample(20_000, rng=0)
    assert kstest(x[:, 0], lambda t: LAW.distribution(t[:, None])).pvalue > 1e-3
    moved = simulate(LAW, x, n_frames=2, frame_interval=1.0, rng=1)[-1]
    around = LAW.axis + np.remainder(moved - LAW.axis + np.pi, 2 * np.pi) - np.pi
    assert kstest(around[:, 0], lambda t: LAW.distribution(t[:, None])).pvalue > 1e-3


@pytest.mark.parametrize("a", [0.0, 0.6])
def test_memory_by_modes_and_by_simulation(a):
    law = AngularPolarity(a=a, D=0.5)
    start = law.sample(20_000, rng=2)
    x = simulate(law, start, n_frames=4, frame_interval=0.5, rng=3)[..., 0]
    turned = np.cos(x - x[0])
    error = turned.std(axis=1) / np.sqrt(20_000) + 1e-4
    wanted = law.direction_memory(0.5 * np.arange(4))
    assert (np.abs(turned.mean(axis=1) - wanted) < 4 * error).all()


def test_memory_begins_at_one_and_ends_at_the_square_of_the_mode():
    assert LAW.direction_memory(0.0) == pytest.approx(1, abs=1e-9)
    assert LAW.direction_memory(1e3) == pytest.approx(LAW.first_mode() ** 2, rel=1e-6)
    lags = np.array([0.0, 0.5, 2.0])
    free = AngularPolarity(a=0.0, D=0.7).direction_memory(lags)
    np.testing.assert_allclose(free, np.exp(-0.7 * lags), atol=1e-12)


def test_persistence_time_is_the_integral_of_the_memory():
    end = LAW.first_mode() ** 2
    area = quad(lambda t: float(LAW.direction_memory(t)) - end, 0, 60, limit=200)[0]
    assert LAW.persistence_time() == pytest.approx(area / (1 - end), rel=1e-6)
    assert AngularPolarity(a=0.0, D=0.5).persistence_time() == pytest.approx(2)


@pytest.mark.parametrize(("n", "stored"), [(20, 0.1996), (50, 0.1257), (200, 0.0625)])
def test_null_mode_exact_limit_and_stored(n, stored):
    x = np.random.default_rng(n).uniform(0, 2 * np.pi, (20_000, n))
    modes = first_mode_of(x)
    assert abs(modes.mean() - null_mode(n)) < 4 * modes.std() / np.sqrt(20_000)
    # The stored values were simulated, with an error of about one in 200.
    assert null_mode(n) == pytest.approx(stored, rel=0.005)
    assert null_mode(n) == pytest.approx(null_mode_limit(n), rel=0.2 / n)


def test_mean_walks_of_one_and_two_steps():
    assert null_mode(1) == 1
    assert null_mode(2) == pytest.approx(2 / np.pi, abs=1e-3)


def test_rayleigh_p_exact_limit_and_counted():
    n, m = 20, 0.4
    x = np.random.default_rng(5).uniform(0, 2 * np.pi, (200_000, n))
    counted = (first_mode_of(x) > m).mean()
    exact = rayleigh_p_exact(m, n)
    assert abs(counted - exact) < 4 * np.sqrt(exact / 200_000)
    assert rayleigh_p(m, n) == pytest.approx(exact, rel=0.1)


def test_the_level_of_the_null_and_the_power():
    n, trials = 50, 4000
    null = np.random.default_rng(6).uniform(0, 2 * np.pi, (trials, n))
    share = (first_mode_of(null) > rayleigh_threshold(n)).mean()
    assert share == pytest.approx(0.05, abs=0.015)
    polar = AngularPolarity(a=0.9).sample(trials * n, rng=7).reshape(trials, n)
    assert (first_mode_of(polar) > rayleigh_threshold(n)).mean() > 0.95


def test_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="below 1"):
        AngularPolarity(a=1.0)
    with pytest.raises(ValueError, match="D"):
        AngularPolarity(D=0)
    with pytest.raises(ValueError, match="axis"):
        AngularPolarity(axis=np.nan)
    with pytest.raises(ValueError, match="level"):
        rayleigh_threshold(10, level=1.5)
