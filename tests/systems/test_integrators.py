"""Schemes against closed forms: orders, exact moments, and what `simulate` promises."""

import numpy as np
import pytest
from scipy.integrate import quad

from cellstate.systems._integrate import euler_maruyama, heun, simulate
from cellstate.systems._laws._bifurcations import Pitchfork
from cellstate.systems._laws._irreversible import MaierStein
from cellstate.systems._laws._ornstein_uhlenbeck import OrnsteinUhlenbeck
from cellstate.systems._laws._ramp import RampedPitchfork
from cellstate.systems._laws._wells import DoubleWell
from cellstate.systems._orders import strong_errors, weak_errors

LINE = OrnsteinUhlenbeck(D=1.0, rate=1.0, d=1)
WELL = DoubleWell(D=1 / 3)


def _factors(step, dt):
    """x becomes keep * x + pass_on * kick in one step on dx = -x dt + kick."""
    if step is heun:
        return 1 - dt + dt**2 / 2, 1 - dt / 2
    return 1 - dt, 1.0


def _moments(step, dt):
    """Mean and mean square of the scheme itself after a time of 1 from x = 1."""
    keep, pass_on = _factors(step, dt)
    mean, square = 1.0, 1.0
    for _ in range(round(1 / dt)):
        mean = keep * mean
        square = keep**2 * square + 2 * LINE.D * dt * pass_on**2
    return mean, square


# Orders


@pytest.mark.parametrize("step", [euler_maruyama, heun])
def test_strong_order_is_1_with_additive_noise(step):
    for system in (WELL, MaierStein(D=0.1)):
        found = strong_errors(step, system=system, n=400, rng=1)
        # Higher orders of dt move the slope by less than 0.1 at these steps.
        assert abs(found.order - 1) < 0.1 + 3 * found.order_error
        assert found.order_error < 0.1


@pytest.mark.parametrize("step", [euler_maruyama, heun])
def test_strong_errors_are_those_of_the_linear_law(step):
    found = strong_errors(step, system=LINE, n=2000, rng=2)
    for dt, error, spread in zip(
        found.steps, found.errors, found.standard_errors, strict=True
    ):
        keep, pass_on = _factors(step, dt)
        count = round(1 / dt)
        square = LINE.D * (keep**count - np.exp(-1)) ** 2  # from the start
        for k in range(count):
            held = keep**k * pass_on
            square += (
                2
                * LINE.D
                * quad(lambda s, h=held: (h - np.exp(-s)) ** 2, k * dt, (k + 1) * dt)[0]
            )
        # The reference path is not exact: one part in 100.
        assert abs(error - np.sqrt(square)) < 4 * spread + 0.01 * error


@pytest.mark.parametrize(("step", "order"), [(euler_maruyama, 1), (heun, 2)])
@pytest.mark.parametrize("moment", [1, 2])
def test_weak_order(step, order, moment):
    found = weak_errors(step, moment=moment, n=40_000, rng=3)
    assert abs(found.order - order) < 0.1 + 3 * found.order_error
    assert found.order_error < 0.2


@pytest.mark.parametrize("step", [euler_maruyama, heun])
@pytest.mark.parametrize("moment", [1, 2])
def test_weak_errors_are_those_of_the_linear_law(step, moment):
    found = weak_errors(step, moment=moment, n=20_000, rng=4)
    exact = (np.exp(-1), np.exp(-2) + LINE.D * (1 - np.exp(-2)))[moment - 1]
    wanted = [abs(_moments(step, dt)[moment - 1] - exact) for dt in found.steps]
    assert (np.abs(found.errors - wanted) < 4 * found.standard_errors).all()


@pytest.mark.parametrize(
    "steps", [(0.25,), (0.25, 0.1), (0.3, 0.15), (1 / 8, 1 / 4), (1 / 4, 1 / 16)]
)
def test_steps_that_are_not_halved_are_refused(steps):
    with pytest.raises(ValueError, match="each half the one before; found"):
        weak_errors(heun, steps=steps, n=20, rng=0)


def test_orders_refuse_what_they_cannot_measure():
    with pytest.raises(ValueError, match="`moment` must be one of"):
        weak_errors(heun, moment=3, n=20, rng=0)
    with pytest.raises(ValueError, match="`n` must be an integer >= 20"):
        strong_errors(heun, n=5, rng=0)


# Moments of ensembles


@pytest.mark.parametrize("step", [euler_maruyama, heun])
def test_ensemble_has_the_moments_of_the_scheme(step):
    n = 40_000
    x = simulate(
        LINE, np.ones((n, 1)), n_frames=3, frame_interval=0.5, substeps=5,
        step=step, rng=5,
    )[-1, :, 0]  # fmt: skip
    mean, square = _moments(step, 0.1)
    assert abs(x.mean() - mean) < 4 * x.std() / np.sqrt(n)
    variance = square - mean**2
    assert abs(x.var() - variance) < 4 * variance * np.sqrt(2 / n)


def test_paths_follow_their_autocorrelation():
    law = OrnsteinUhlenbeck(D=0.5, rate=0.8, rotation=1.5, d=2)
    n = 20_000
    x = simulate(law, law.sample(n, rng=6), n_frames=4, frame_interval=0.4, rng=7)
    for frame, lag in enumerate([0, 0.4, 0.8, 1.2]):
        same = (x[0] * x[frame]).sum(axis=-1)
        wanted = 2 * law.D / law.rate * np.exp(-law.rate * lag) * np.cos(1.5 * lag)
        assert abs(same.mean() - wanted) < 4 * same.std() / np.sqrt(n)


def test_a_law_of_time_is_driven_by_its_own_time():
    # Near 0 dx = r x dt, r = -1 + t / 2: a factor e^-1 until r = 0, then e^1 up to 1.
    law = RampedPitchfork(eps=0.5, D=1e-12, h=0.0)
    options = {"n_frames": 11, "frame_interval": 0.2, "substeps": 40, "rng": 0}
    down = simulate(law, [[1e-3]], start_time=0.0, **options)[-1, 0, 0]
    up = simulate(law, [[1e-3]], start_time=2.0, **options)[-1, 0, 0]
    assert down == pytest.approx(1e-3 * np.exp(-1), abs=2e-5)
    assert up == pytest.approx(1e-3 * np.exp(1), abs=2e-5)


def test_change_of_the_time_unit_changes_nothing():
    law = OrnsteinUhlenbeck(D=1.0, rate=2.0, d=2)
    slow = OrnsteinUhlenbeck(D=0.1, rate=0.2, d=2)
    start = np.ones((4, 2))
    fast = simulate(law, start, n_frames=5, frame_interval=0.1, rng=8)
    other = simulate(slow, start, n_frames=5, frame_interval=1.0, rng=8)
    np.testing.assert_allclose(fast, other, rtol=1e-10)


# Promises of simulate


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_any_batch_shape(batch):
    start = np.broadcast_to([-1.0, 0.0], (*batch, 2))
    x = simulate(MaierStein(D=0.1), start, n_frames=4, frame_interval=0.1, rng=0)
    assert x.shape == (4, *batch, 2)
    np.testing.assert_array_equal(x[0], start)
    assert np.unique(x[-1]).size == x[-1].size  # every cell has noise of its own


def test_shape_of_the_batch_does_not_change_the_paths():
    start = np.linspace(-1, 1, 6)
    options = {"n_frames": 5, "frame_interval": 0.1, "rng": 3}
    flat = simulate(WELL, start.reshape(6, 1), **options)
    folded = simulate(WELL, start.reshape(2, 3, 1), **options)
    np.testing.assert_array_equal(flat.reshape(folded.shape), folded)


def test_same_seed_same_paths_and_the_start_is_left_alone():
    start = np.zeros((3, 1))
    options = {"n_frames": 5, "frame_interval": 0.1}
    first = simulate(WELL, start, rng=1, **options)
    again = simulate(WELL, start, rng=np.random.default_rng(1), **options)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, simulate(WELL, start, rng=2, **options))
    np.testing.assert_array_equal(start, 0)


@pytest.mark.parametrize("rng", [None, 1])
def test_global_random_state_is_never_touched(rng):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    simulate(WELL, [[0.0]], n_frames=3, frame_interval=0.1, rng=rng)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_steps_are_short_when_none_are_given():
    seen = []

    def spy(system, x, t, dt, noise):
        seen.append((t, dt))
        return heun(system, x, t, dt, noise)

    simulate(WELL, [[0.0]], n_frames=3, frame_interval=0.1, start_time=2.0, step=spy)
    times, steps = np.array(seen).T
    assert steps.max() * WELL.fastest_rate <= 0.02 * (1 + 1e-12)
    np.testing.assert_allclose(times, 2.0 + np.arange(times.size) * steps[0])
    assert steps.sum() == pytest.approx(0.2)


def test_a_law_without_stable_point_still_moves():
    law = Pitchfork(D=0.1, mu=0.0)  # 0 attracts, but at no rate
    x = simulate(law, np.zeros((3, 1)), n_frames=3, frame_interval=0.1, rng=0)
    assert np.isfinite(x).all()


def test_long_step_warns_with_both_numbers():
    wanted = r"dt \* lambda_max = 0\.05 \* 8 = 0\.4, above 0\.2\. Use more substeps"
    with pytest.warns(UserWarning, match=wanted):
        simulate(WELL, [[1.0]], n_frames=2, frame_interval=0.1, substeps=2, rng=0)


def test_step_at_the_limit_does_not_warn():
    simulate(WELL, [[1.0]], n_frames=2, frame_interval=0.1, substeps=4, rng=0)


def test_runaway_paths_are_counted():
    start = np.array([[1.0], [100.0], [-100.0]])
    with (
        pytest.warns(UserWarning, match="long for this law"),
        pytest.raises(FloatingPointError, match="2 of 3 paths of double well ran away"),
    ):
        simulate(WELL, start, n_frames=30, frame_interval=0.05, substeps=1, rng=0)


@pytest.mark.parametrize(
    ("start", "options", "message"),
    [
        (0.0, {}, r"shape \(\.\.\., 1\); found \(\)"),
        (np.zeros((4, 2)), {}, r"shape \(\.\.\., 1\); found \(4, 2\)"),
        ([[0.0]], {"n_frames": 0}, "`n_frames` must be an integer >= 1; found 0"),
        ([[0.0]], {"frame_interval": -0.1}, "`frame_interval` must be a number above"),
        ([[0.0]], {"substeps": 0}, "`substeps` must be an integer >= 1; found 0"),
        ([[np.nan], [0.0]], {}, "1 of 2"),
    ],
)
def test_impossible_arguments_are_refused(start, options, message):
    options = {"n_frames": 2, "frame_interval": 0.1, "rng": 0, **options}
    with pytest.raises(ValueError, match=message):
        simulate(WELL, start, **options)
