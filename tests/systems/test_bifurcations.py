"""Pitchfork, fold and ramp against closed forms, stored values and other routes."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import kstest

from cellstate.systems._fixed_points import find_fixed_points
from cellstate.systems._integrate import simulate
from cellstate.systems._laws._bifurcations import (
    Pitchfork,
    SaddleNode,
    cubic_roots,
    fold,
)
from cellstate.systems._laws._ramp import RampedPitchfork
from cellstate.systems._regions import above, below
from cellstate.systems._routes._quadrature import quadrature

# Standing landscapes


@pytest.mark.parametrize(
    ("mu", "nu"), [(0.5, 0.0297420489), (1.0, 7.54504850e-3), (2.0, 9.79351687e-6)]
)
def test_pitchfork_rates_of_the_stored_table(mu, nu):
    paths = Pitchfork(D=0.1, mu=mu).transition_paths()
    assert paths.nu == pytest.approx(nu, rel=1e-8)
    assert paths.k_ab == pytest.approx(2 * nu, rel=1e-8)


@pytest.mark.parametrize(
    ("D", "across", "half_way", "gap", "nu", "left", "right"),
    [
        (0.05, 729.67, 361.90, 0.002776, 6.8524e-4, 0.02552, 0.8512),
        (0.0625, 277.05, 135.78, 0.007445, 1.8047e-3, 0.04265, 0.82046),
        (0.10, 66.269, 30.821, 0.033546, 7.5451e-3, 0.09011, 0.75939),
        (0.15, 29.546, 12.868, 0.082136, 1.6923e-2, 0.13238, 0.71723),
        (0.25, 14.278, 5.7434, 0.18717, 3.5020e-2, 0.17512, 0.68048),
    ],
)
def test_stored_table_of_the_other_scaling(D, across, half_way, gap, nu, left, right):
    law = Pitchfork(D=D)
    paths = law.transition_paths()
    to_top = quadrature(Pitchfork(D=D, target=above(0.0)))
    measured = [paths.mfpt_ab, to_top.mfpt_ab, paths.gap, paths.nu]
    np.testing.assert_allclose(measured, [across, half_way, gap, nu], rtol=1.5e-4)
    np.testing.assert_allclose(
        law.committor([[-0.5], [0.25]]), [left, right], atol=6e-6
    )


@pytest.mark.parametrize(
    ("mu", "h"),
    [(1, 0), (1, 0.2), (1, -0.3849), (1, 0.5), (-1, 0.3), (0, 0.2), (0.4, 0)],
)
def test_fixed_points_in_closed_form_against_newton_steps(mu, h):
    law = Pitchfork(mu=mu, h=h)
    known = law.fixed_points()
    found = find_fixed_points(law.drift, law.jacobian, law.box)
    np.testing.assert_allclose(known.x, found.x, atol=1e-5)
    np.testing.assert_allclose(law.drift(known.x), 0, atol=1e-12)
    np.testing.assert_array_equal(known.stable, found.stable)


def _count(law):
    return len(find_fixed_points(law.drift, law.jacobian, law.box).x)


def test_folds_where_the_number_of_fixed_points_changes():
    h = brentq(lambda h: _count(SaddleNode(h=h)) - 2, 0.3, 0.45, xtol=1e-7)
    assert h == pytest.approx(2 / (3 * np.sqrt(3)), abs=1e-5)
    assert SaddleNode().bifurcations["h"] == pytest.approx(
        (-0.384900, 0.384900), abs=1e-6
    )
    mu = brentq(lambda mu: _count(Pitchfork(mu=mu, h=0.1)) - 2, 0.2, 0.9, xtol=1e-7)
    assert Pitchfork(h=0.1).bifurcations["mu"][0] == pytest.approx(mu, abs=1e-5)
    assert Pitchfork().bifurcations == {"mu": (0.0,), "h": (-fold(1.0), fold(1.0))}
    assert Pitchfork(mu=-1.0).bifurcations["h"] == ()


def test_at_the_fold_two_roots_have_met():
    np.testing.assert_allclose(
        cubic_roots(1.0, fold(1.0)), [-1 / np.sqrt(3), 2 / np.sqrt(3)], atol=1e-8
    )


@pytest.mark.parametrize("D", [0.004, 0.002])
def test_before_the_bifurcation_the_law_is_nearly_linear(D):
    """At mu = -1: variance D (1 - 3 D), slowest rate 1 + 3 D, up to order D^2."""
    law = Pitchfork(D=D, mu=-1.0, source=below(-0.5), target=above(0.5))
    x = np.linspace(*law.box[0], 4001)[:, None]
    variance = np.trapezoid(law.density(x) * x[:, 0] ** 2, x[:, 0])
    assert variance / law.linear_variance() == pytest.approx(1 - 3 * D, abs=30 * D**2)
    gap = quadrature(Pitchfork(D=D, mu=-1.0, source=below(-0.1), target=above(0.1))).gap
    assert gap == pytest.approx(1 + 3 * D, abs=30 * D**2)
    assert float(law.linear_autocorrelation(0.5)) == pytest.approx(np.exp(-0.5))


def test_after_the_bifurcation_there_is_no_linear_law():
    with pytest.raises(ValueError, match="mu < 0 only; found mu = 1"):
        Pitchfork(mu=1.0).linear_variance()
    with pytest.raises(ValueError, match="mu < 0 only"):
        Pitchfork(mu=0.0).linear_autocorrelation(1.0)


def test_escape_follows_kramers_far_from_the_fold_only():
    """Kramers holds for a high barrier and fails at a low one; both limits are seen."""

    def ratio(h, D):
        left, top, _ = cubic_roots(1.0, h)
        v = lambda x: x**4 / 4 - x**2 / 2 - h * x  # noqa: E731
        curves = abs((3 * left**2 - 1) * (3 * top**2 - 1)) ** 0.5
        kramers = 2 * np.pi / curves * np.exp((v(top) - v(left)) / D)
        return SaddleNode(D=D, h=h).escape_time() / kramers

    assert ratio(0.1, 0.004) == pytest.approx(1, abs=0.06)
    assert abs(ratio(0.38, 0.02) - 1) > 0.3


def test_escape_time_by_simulation():
    law = SaddleNode(D=0.05, h=0.3)
    left, _, right = cubic_roots(1.0, 0.3)
    n, dt = 400, 0.02
    x = np.full((n, 1), left)
    times, alive, rng = np.full(n, np.nan), np.ones(n, bool), np.random.default_rng(2)
    for k in range(60):
        part = simulate(
            law, x, n_frames=101, frame_interval=dt, substeps=1, rng=rng, start_time=0
        )[..., 0]
        hit = part[1:] >= right - 0.5826 * np.sqrt(2 * law.D * dt)
        first = alive & hit.any(axis=0)
        times[first] = (100 * k + hit.argmax(axis=0)[first] + 1) * dt
        alive &= ~first
        x = part[-1][:, None]
    assert not alive.any()
    error = times.std() / np.sqrt(n)
    assert abs(times.mean() - law.escape_time()) < 4 * error


def test_beyond_the_fold_nothing_is_left_to_escape_from():
    law = SaddleNode(h=0.4)
    assert law.source is None
    assert len(law.fixed_points().x) == 1
    with pytest.raises(ValueError, match="found source None"):
        law.escape_time()


# Ramp


@pytest.mark.parametrize(
    ("eps", "D", "h", "solved"),
    [(0.05, 0.01, 0.02, 0.7132), (0.02, 0.005, 0.01, 0.6916)],
)
def test_choice_by_three_routes(eps, D, h, solved):
    law = RampedPitchfork(D=D, eps=eps, h=h)
    forward = law.history().chance_right[-1]
    x = np.linspace(*law.frozen(law.r_start).box[0], 2001)[:, None]
    backward = np.trapezoid(law.density(x) * law.committor(x, 0.0), x[:, 0])
    assert forward == pytest.approx(backward, abs=2e-5)
    assert forward == pytest.approx(
        law.chance_right(), abs=3e-4
    )  # linear law of choice
    assert forward == pytest.approx(solved, abs=1e-4)  # stored reference value


@pytest.mark.parametrize(
    ("eps", "D", "bimodal", "decided", "at_zero", "before"),
    [
        (0.02, 0.005, 0.088, 0.342, 0.03721, 0.009193),
        (0.05, 0.01, 0.152, 0.430, 0.05031, 0.01705),
    ],
)
def test_delays_of_the_stored_table(eps, D, bimodal, decided, at_zero, before):
    law = RampedPitchfork(D=D, eps=eps)
    history = law.history()
    assert history.r_bimodal == pytest.approx(bimodal, abs=0.004)
    assert history.r_decided == pytest.approx(decided, abs=0.001)
    assert history.variance_at(0.0) == pytest.approx(at_zero, rel=3e-4)
    assert history.variance_at(-0.5) == pytest.approx(before, rel=4e-4)
    np.testing.assert_allclose(history.mean, 0, atol=1e-10)
    np.testing.assert_allclose(history.chance_right, 0.5, atol=1e-10)


def test_linear_variance_of_the_sweep():
    law = RampedPitchfork(D=0.01, eps=0.05)
    at_zero = 0.01 * np.sqrt(np.pi / 0.05)
    assert float(law.linear_variance(0.0)) == pytest.approx(at_zero)
    assert float(law.linear_variance(-20.0)) == pytest.approx(0.01 / 20, rel=1e-3)
    # It solves dv/dt = 2 r v + 2 D.
    r, h = 0.1, 1e-5
    slope = (law.linear_variance(r + h) - law.linear_variance(r - h)) / (2 * h)
    v = float(law.linear_variance(r))
    assert float(slope) * law.eps == pytest.approx(2 * r * v + 2 * law.D, rel=1e-6)


def test_weak_noise_follows_the_linear_variance():
    law = RampedPitchfork(D=1e-4, eps=0.1, r_start=-2.0, r_stop=0.1)
    history = law.history()
    for r in (-0.5, 0.0):
        exact = float(law.linear_variance(r))
        assert history.variance_at(r) == pytest.approx(exact, rel=0.02)


def test_ramp_by_simulation():
    law, n = RampedPitchfork(D=0.01, eps=0.1, h=0.02), 4000
    start = law.sample(n, rng=1)
    path = simulate(law, start, n_frames=101, frame_interval=law.duration / 100, rng=2)[
        ..., 0
    ]
    history = law.history()
    p = history.chance_right[-1]
    assert abs((path[-1] > 0).mean() - p) < 4 * np.sqrt(p * (1 - p) / n)
    middle = history.variance_at(0.0)  # half way, frame 50
    assert abs(path[50].var() / middle - 1) < 4 * np.sqrt(2 / n)
    # The committor half way is the mean outcome of what is seen there: calibration.
    chance = law.committor(path[50][:, None], law.duration / 2)
    right = path[-1] > 0
    for low, high in ((0.1, 0.4), (0.4, 0.6), (0.6, 0.9)):
        group = (chance >= low) & (chance < high)
        mean = chance[group].mean()
        error = np.sqrt(mean * (1 - mean) / group.sum())
        assert abs(right[group].mean() - mean) < 4 * error


def test_committor_of_the_ramp_is_a_chance_with_the_right_symmetry():
    law = RampedPitchfork(D=0.02, eps=0.1)
    x = np.linspace(-1.5, 1.5, 31)[:, None]
    for t in (0.0, 7.3, 15.0, 19.9):
        q = law.committor(x, t)
        np.testing.assert_allclose(q + law.committor(-x, t), 1, atol=1e-9)
        assert (np.diff(q) >= -1e-12).all()
    t = np.linspace(0, 25, 31)
    assert law.committor(x, t).shape == (31,)
    end = law.committor(x, law.duration)
    np.testing.assert_array_equal(end, x[:, 0] > 0)
    # A bias that is mirrored mirrors the chance.
    left, right = (RampedPitchfork(D=0.02, eps=0.1, h=h) for h in (-0.05, 0.05))
    q = left.committor(x, 3.0) + right.committor(-x, 3.0)
    np.testing.assert_allclose(q, 1, atol=1e-9)


def test_the_ramp_holds_at_its_end():
    law = RampedPitchfork(D=0.01, eps=0.05, r_start=-0.5, r_stop=0.8)
    np.testing.assert_allclose(law.r([0.0, 10.0, 26.0, 99.0]), [-0.5, 0.0, 0.8, 0.8])
    x = np.array([[0.3], [0.4], [0.5]])
    t = np.array([0.0, 10.0, 99.0])
    expected = np.array([-0.5, 0.0, 0.8]) * x[:, 0] - x[:, 0] ** 3
    np.testing.assert_allclose(law.drift(x, t)[:, 0], expected)
    slope = (law.drift(x + 1e-6, t) - law.drift(x - 1e-6, t)) / 2e-6
    np.testing.assert_allclose(law.jacobian(x, t)[..., 0], slope, atol=1e-8)
    hill = (law.potential(x + 1e-6, t) - law.potential(x - 1e-6, t)) / 2e-6
    np.testing.assert_allclose(law.drift(x, t)[:, 0], -hill, atol=1e-8)
    assert law.fastest_rate == pytest.approx(1.6)


def test_cells_start_from_the_law_at_the_start_of_the_ramp():
    law = RampedPitchfork(D=0.05, h=0.1)
    still = law.frozen(-1.0)
    x = law.sample(5000, rng=0)[:, 0]
    assert kstest(x, lambda v: still.cumulative(v[:, None])).pvalue > 0.01


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RampedPitchfork(eps=-0.1), "`eps`"),
        (lambda: RampedPitchfork(D=0), "`D`"),
        (lambda: RampedPitchfork(r_start=1.0, r_stop=0.0), "must be below"),
        (lambda: RampedPitchfork(source=below(0.0)), "a ramp has no sets"),
        (lambda: RampedPitchfork().transition_paths(), "no stationary law"),
        (lambda: Pitchfork(mu=float("nan")), "`mu`"),
        (lambda: SaddleNode(h=float("inf")), "`h`"),
    ],
)
def test_impossible_parameters_raise(make, said):
    with pytest.raises(ValueError, match=said):
        make()
