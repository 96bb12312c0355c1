"""Integrators: orders of convergence, moments, refusals."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import expm

from cellstate.sde._law import fastest_rate, is_additive, noise_root
from cellstate.sde._paths import euler_maruyama, heun, simulate_paths
from cellstate.sde._push import push

SLOW, TURN = 0.5, 1.5
A = np.array([[SLOW, -TURN], [TURN, SLOW]])
D = np.array([[0.4, 0.1], [0.1, 0.2]])


def linear(a, d, growth=None):
    """Ornstein-Uhlenbeck law dX = -a X dt + sqrt(2 d) dW."""
    a, d = np.atleast_2d(a), np.atleast_2d(d)
    law = SimpleNamespace(
        drift=lambda x, t=0.0: -x @ a.T,
        diffusion=lambda x, t=0.0: np.broadcast_to(d, (len(x), *d.shape)),
    )
    if growth is not None:
        law.growth_rate = growth
    return law


def geometric(a, s):
    """dX = a X dt + s X dW, so that D = s^2 x^2 / 2."""
    return SimpleNamespace(
        drift=lambda x, t=0.0: a * x,
        diffusion=lambda x, t=0.0: (s**2 / 2 * x**2)[:, :, None],
    )


def covariance(a, d, t):
    """Covariance of an Ornstein-Uhlenbeck process from a point, by Van Loan."""
    n = len(a)
    block = expm(np.block([[a, 2 * d], [np.zeros((n, n)), -a.T]]) * t)
    return expm(-a * t) @ block[:n, n:]


# Orders: the mean and variance of a scheme follow from one step, without sampling


def moments_of(scheme, law, dt, n):
    """Mean and variance after n steps from 1, integrating each step over its noise."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / weights.sum()

    def step_moments(x):
        after = scheme(law, np.full((8, 1), x), 0.0, dt, nodes[:, None])[:, 0]
        return weights @ after, weights @ after**2

    # Both laws are linear: E X' = p X, E X'^2 = q X^2 + r.
    p, r = step_moments(1.0)[0], step_moments(0.0)[1]
    q = step_moments(1.0)[1] - r
    mean, second = 1.0, 1.0
    for _ in range(n):
        mean, second = p * mean, q * second + r
    return np.array([mean, second - mean**2])


OU_TRUTH = np.array([np.exp(-1), 0.5 * (1 - np.exp(-2))])
GROWN_TRUTH = np.array([np.exp(-0.5), np.exp(-1 + 0.36) - np.exp(-1)])


@pytest.mark.parametrize(
    ("scheme", "law", "truth", "order"),
    [
        (euler_maruyama, linear(1.0, 0.5), OU_TRUTH, 1),
        (heun, linear(1.0, 0.5), OU_TRUTH, 2),
        (euler_maruyama, geometric(-0.5, 0.6), GROWN_TRUTH, 1),
        (heun, geometric(-0.5, 0.6), GROWN_TRUTH, 1),
    ],
)
def test_weak_order(scheme, law, truth, order):
    coarse, fine = (
        np.abs(moments_of(scheme, law, 1 / n, n) - truth) for n in (80, 160)
    )
    assert np.log2(coarse.max() / fine.max()) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize(
    ("scheme", "law", "order"),
    [
        (euler_maruyama, linear(1.0, 0.5), 1.0),
        (heun, linear(1.0, 0.5), 1.0),
        (euler_maruyama, geometric(0.5, 0.8), 0.5),
    ],
)
def test_strong_order(scheme, law, order):
    """Distance to a far finer path driven by the same noise."""
    rng = np.random.default_rng(0)
    n, fine = 2000, 2048
    noise = rng.standard_normal((fine, n, 1))

    def end(coarse):
        x, dt = np.ones((n, 1)), coarse / fine
        for k in range(0, fine, coarse):
            total = noise[k : k + coarse].sum(axis=0) / np.sqrt(coarse)
            x = scheme(law, x, 0.0, dt, total)
        return x

    reference = end(1)
    errors = [np.sqrt(((end(c) - reference) ** 2).mean()) for c in (256, 128, 64, 32)]
    slope = np.polyfit(np.log([256, 128, 64, 32]), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


# Moments of sampled paths


def test_a_rotating_trap_has_the_known_mean_and_covariance():
    n, start, times = 20_000, np.array([2.0, -1.0]), np.array([0.0, 0.7, 2.0])
    paths = simulate_paths(linear(A, D), np.tile(start, (n, 1)), times, rng=1)
    assert paths.shape == (3, n, 2)
    np.testing.assert_array_equal(paths[0], np.tile(start, (n, 1)))
    for x, t in zip(paths[1:], times[1:], strict=True):
        want = covariance(A, D, t)
        error = np.sqrt(np.diag(want) / n)
        assert (np.abs(x.mean(axis=0) - expm(-A * t) @ start) < 4 * error).all()
        size = np.sqrt(np.outer(np.diag(want), np.diag(want)))
        assert (np.abs(np.cov(x.T) - want) < 4 * np.sqrt(2 / n) * size).all()


def test_a_diffusion_that_grows_with_the_state_has_the_known_moments():
    n, a, s, t = 40_000, -0.3, 0.5, 2.0
    x = simulate_paths(geometric(a, s), np.ones((n, 1)), [0, t], rng=2)[-1, :, 0]
    mean, second = np.exp(a * t), np.exp((2 * a + s**2) * t)
    fourth = np.exp((4 * a + 6 * s**2) * t)
    # The bound dt lambda_max = 0.02 leaves a bias below 1 %.
    assert abs(x.mean() - mean) < 4 * np.sqrt((second - mean**2) / n) + 0.01 * mean
    assert abs((x**2).mean() - second) < 4 * np.sqrt((fourth - second**2) / n) + (
        0.01 * second
    )


def test_a_change_of_the_unit_of_time_changes_nothing():
    hours, minutes = linear(A, D), linear(A / 60, D / 60)
    start = np.random.default_rng(0).normal(size=(50, 2))
    by_hours = simulate_paths(hours, start, [0, 1, 3], rng=0)
    by_minutes = simulate_paths(minutes, start, [0, 60, 180], rng=0)
    np.testing.assert_allclose(by_hours, by_minutes, atol=1e-9)


def test_drift_may_depend_on_time():
    law = linear(0.0, 0.0)
    law.drift = lambda x, t: np.full_like(x, np.cos(t))
    times = np.linspace(1.0, 3.0, 201)
    paths = simulate_paths(law, np.zeros((1, 1)), times, rng=0)
    np.testing.assert_allclose(paths[:, 0, 0], np.sin(times) - np.sin(1.0), atol=1e-4)
    end = push(law, np.zeros((1, 1)), 1.0, 3.0)
    assert end[0, 0] == pytest.approx(np.sin(3) - np.sin(1), abs=1e-6)


def test_seeds_repeat_and_rng_objects_go_on():
    law, start = linear(A, D), np.zeros((5, 2))
    one, two = (simulate_paths(law, start, [0, 1], rng=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(simulate_paths(law, start, [0, 1], rng=rng), one)
    assert not np.array_equal(simulate_paths(law, start, [0, 1], rng=rng), one)


def test_a_coordinate_without_noise_stays_on_its_curve():
    law = linear(np.diag([1.0, 2.0]), np.diag([0.3, 0.0]))
    x = simulate_paths(law, np.ones((100, 2)), [0, 1], rng=0)[-1]
    np.testing.assert_allclose(x[:, 1], np.exp(-2), rtol=2e-3)
    assert x[:, 0].std() > 0.3


# Steps


def test_the_fastest_rate_is_that_of_drift_and_noise():
    x = np.random.default_rng(0).normal(size=(300, 2))
    modulus = np.hypot(SLOW, TURN)
    assert fastest_rate(linear(A, D), x, 0.0) == pytest.approx(modulus, rel=1e-6)
    law = geometric(-0.5, 0.6)
    positive = 1 + np.abs(x[:, :1])
    assert fastest_rate(law, positive, 0.0) == pytest.approx(0.5 + 0.36, rel=1e-5)
    assert fastest_rate(law, np.ones((1, 1)), 0.0) == pytest.approx(0.86, rel=1e-5)


def test_noise_is_told_additive_or_not_even_from_one_state():
    assert is_additive(linear(A, D), np.zeros((1, 2)), 0.0)
    assert not is_additive(geometric(0, 1.0), np.ones((1, 1)), 0.0)


def test_roots_give_the_diffusion_back_even_when_it_is_singular():
    flat = np.outer([1, 2], [1, 2]) * 0.3
    law = SimpleNamespace(
        diffusion=lambda x, t: np.stack([D, flat, np.zeros((2, 2))])[: len(x)]
    )
    root = noise_root(law, np.zeros((3, 2)), 0.0)
    np.testing.assert_allclose(
        root @ root.transpose(0, 2, 1), 2 * np.stack([D, flat, 0 * D]), atol=1e-12
    )


def test_a_coarse_step_is_warned_of_with_its_number():
    with pytest.warns(UserWarning, match=r"dt \* lambda_max = 0.5 h \* 1 1/h = 0.5"):
        simulate_paths(linear(1.0, 0.1), [[1.0]], [0, 1], dt=0.5, rng=0)


def test_given_steps_reach_the_same_law():
    law, n = linear(1.0, 0.5), 20_000
    x = simulate_paths(
        law, np.ones((n, 1)), [0, 1], dt=0.1, scheme="euler_maruyama", rng=0
    )[-1]
    variance = moments_of(euler_maruyama, law, 0.1, 10)[1]
    assert x.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / n))


# Bad input


def test_paths_that_run_away_are_an_error_with_numbers():
    law = linear(0.0, 0.0)
    law.drift = lambda x, t: x**3
    with pytest.raises(FloatingPointError, match=r"3 of 3 paths ran away at 0.0\d+ h"):
        simulate_paths(law, np.full((3, 1), 5.0), [0, 1], rng=0)
    with pytest.raises(FloatingPointError, match="3 states were pushed from 0 h to 1"):
        push(law, np.full((3, 1), 5.0), 0.0, 1.0)


def test_a_law_that_is_too_fast_is_refused():
    with pytest.raises(ValueError, match=r"1 h at lambda_max = 1e\+09 1/h need"):
        simulate_paths(linear(1e9, 0.1), [[1.0]], [0, 1])


@pytest.mark.parametrize(
    ("start", "times", "message"),
    [
        ([[np.nan]], [0, 1], "1 of them undefined"),
        (np.zeros((0, 1)), [0, 1], "at least one; found 0"),
        ([1.0], [0, 1], r"shape \(n, d\); found 1 dimension"),
        ([[1.0]], [0, 1, 1], "found 1 h followed by 1 h"),
        ([[1.0]], [], r"shape \(n_times,\)"),
        ([[1.0]], [0, np.inf], "at least one"),
    ],
)
def test_starts_and_times_are_checked(start, times, message):
    with pytest.raises(ValueError, match=message):
        simulate_paths(linear(1.0, 0.1), start, times)


def test_an_unknown_diffusion_is_said_so():
    with pytest.raises(ValueError, match=r"not a finite number at 1 of 1 .*\.push"):
        simulate_paths(linear(1.0, np.nan), [[1.0]], [0, 1], dt=0.1, scheme="heun")
    with pytest.raises(ValueError, match=r"no negative eigenvalue; found -0\.1"):
        simulate_paths(linear(1.0, -0.1), [[1.0]], [0, 1])


# The flow of the drift alone


def test_pushing_follows_the_matrix_exponential_and_back():
    x = np.random.default_rng(0).normal(size=(40, 2))
    there = push(linear(A, D), x, 0.0, 1.3)
    np.testing.assert_allclose(there, x @ expm(-A * 1.3).T, atol=1e-5)
    np.testing.assert_allclose(push(linear(A, D), there, 1.3, 0.0), x, atol=1e-5)
    np.testing.assert_array_equal(push(linear(A, D), x, 2.0, 2.0), x)


def test_pushing_commutes_with_a_rotation():
    x = np.random.default_rng(0).normal(size=(40, 2))
    turn = expm(np.array([[0, -1.0], [1.0, 0]]) * 0.4)
    law = linear(A, D)
    bent = SimpleNamespace(drift=lambda x, t: law.drift(x) - x**3)
    turned = SimpleNamespace(drift=lambda x, t: bent.drift(x @ turn, t) @ turn.T)
    np.testing.assert_allclose(
        push(turned, x @ turn.T, 0, 2), push(bent, x, 0, 2) @ turn.T, atol=1e-5
    )
