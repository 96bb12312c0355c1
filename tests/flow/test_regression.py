"""Drift and diffusion from tracks against laws that are known, and invariances."""

import numpy as np
import pytest

from cellstate import systems
from cellstate.flow import fit_regression
from cellstate.sde import track_steps
from cellstate.tracks import Tracks

OU = systems.OrnsteinUhlenbeck(D=1.0, rate=1.0, rotation=1.0)
WELL = systems.DoubleWell(D=1 / 3)
PLACES = np.random.default_rng(11).normal(size=(40, 2))
TURNED = np.array([[0.6, -0.8], [0.8, 0.6]])


def recorded(law, n, n_frames, interval, rng, noise=0.0):
    """States (n, frames, d) from the stationary law, read with noise."""
    rng = np.random.default_rng(rng)
    paths = systems.simulate(
        law, law.sample(n, rng), n_frames=n_frames, frame_interval=interval, rng=rng
    )
    paths = paths.transpose(1, 0, 2)
    return paths + noise * rng.standard_normal(paths.shape)


def fitted(paths, interval, tracks_of, **options):
    n, n_frames, d = paths.shape
    x = paths.reshape(-1, d)
    steps = track_steps(x, tracks_of(n, n_frames, interval))
    return fit_regression(x, steps, rng=0, **options)


def naive_slope(paths, interval):
    """Regress increments over the frame on where it begins, (d, d)."""
    here = paths[:, :-1].reshape(-1, paths.shape[2])
    moves = np.diff(paths, axis=1).reshape(-1, paths.shape[2]) / interval
    return np.linalg.lstsq(here, moves, rcond=None)[0].T


def deviations(fit, law, x):
    """Errors of the drift in units of their standard errors."""
    return (fit.drift(x) - law.drift(x)) / fit.standard_error(x)


# The slope is [[-1, -1], [1, -1]]. Regression of increments on the state gives
# [[-0.90, -1.00], [1.00, -1.18]] from the clean tracks, [[-1.78, -0.94], [0.94, -2.13]]
# from the noisy ones and [[-0.91, -0.72], [0.76, -0.94]] from the coarse ones.
KINDS = {
    "clean": {"interval": 0.05, "noise": 0.0},
    "noisy": {"interval": 0.05, "noise": np.sqrt(0.05)},
    "coarse": {"interval": 0.3, "noise": 0.0},
}


@pytest.fixture(scope="module", params=KINDS)
def swirl(request, tracks_of):
    options = KINDS[request.param]
    paths = recorded(OU, 60, 100, rng=3, **options)
    fit = fitted(paths, options["interval"], tracks_of)
    return request.param, paths, options, fit


def test_the_drift_lies_within_its_standard_errors(swirl):
    kind, paths, options, fit = swirl
    z = deviations(fit, OU, PLACES)
    assert np.abs(z).max() < 4
    assert np.sqrt(np.mean(z**2)) < 2
    # So sure that it tells something, and that naive regression would fail.
    assert np.median(fit.standard_error(PLACES)) < 0.2
    naive = naive_slope(paths, options["interval"]) - OU.jacobian(np.zeros(2))
    assert (np.abs(naive).max() > 0.2) == (kind != "clean")


def test_rotation_is_seen_at_any_noise_and_interval(swirl):
    slope = swirl[3].jacobian(np.zeros((1, 2)))[0]
    assert (slope[1, 0] - slope[0, 1]) / 2 == pytest.approx(1.0, abs=0.2)


def test_the_diffusion_is_free_of_noise_and_drift(swirl):
    _, _, options, fit = swirl
    found, error = fit.diffusion(PLACES), fit.model.diffusion_standard_error(PLACES)
    # Half of the truth's second order in the interval is left: (lambda dt)^2 / 12.
    assert np.abs(found - np.eye(2)).max() < 4 * error.max() + 0.01
    assert error.max() < 0.15
    noise = options["noise"] ** 2
    if noise:
        assert fit.diagnosis.noise_p < 1e-6
        np.testing.assert_allclose(
            fit.diagnosis.noise, noise * np.eye(2), atol=0.2 * noise
        )
    else:
        assert not fit.diagnosis.noise.any()


def test_a_double_well_is_found(tracks_of):
    paths = recorded(WELL, 40, 200, 0.02, rng=5)
    fit = fitted(paths, 0.02, tracks_of)
    x = np.linspace(-1.3, 1.3, 27)[:, None]
    assert np.abs(deviations(fit, WELL, x)).max() < 4
    assert fit.standard_error(x).max() < 1.0  # of a drift up to 3.6
    # V = (x^2 - 1)^2 up to a constant.
    height = fit.potential(x) - WELL.potential(x)
    assert np.ptp(height) < 0.35  # V itself goes from 0 to 1
    assert fit.circulation is None


def test_errors_fall_with_the_root_of_the_tracks(tracks_of):
    paths = recorded(OU, 240, 25, 0.05, rng=7)
    few, many = (
        fitted(paths[:n], 0.05, tracks_of, penalty=0.0).standard_error(PLACES).mean()
        for n in (60, 240)
    )
    assert few / many == pytest.approx(2, rel=0.3)


# Invariances: the same cells told otherwise.


@pytest.fixture(scope="module")
def paths():
    return recorded(OU, 40, 40, 0.05, rng=13)


def test_row_order_changes_nothing(paths, tracks_of, rng_order):
    n, n_frames, d = paths.shape
    x, order = paths.reshape(-1, d), rng_order(n * n_frames)
    mixed = Tracks.from_arrays(
        track=np.repeat(np.arange(1, n + 1), n_frames)[order],
        frame=np.tile(np.arange(n_frames), n)[order],
        time=np.tile(np.arange(n_frames), n)[order] * 0.05,
    )
    options = {"penalty": 0.01}
    straight = fit_regression(
        x, track_steps(x, tracks_of(n, n_frames, 0.05)), rng=0, **options
    )
    again = fit_regression(x[order], track_steps(x[order], mixed), rng=0, **options)
    # Folds hold the same lineages, landmarks may differ: what is chosen does not.
    assert again.diagnosis.chosen == straight.diagnosis.chosen
    np.testing.assert_allclose(again.drift(PLACES), straight.drift(PLACES), atol=1e-8)
    np.testing.assert_allclose(
        again.standard_error(PLACES), straight.standard_error(PLACES), atol=1e-8
    )


def test_hours_and_minutes_tell_the_same(paths, tracks_of):
    hours, minutes = fitted(paths, 0.05, tracks_of), fitted(paths, 3.0, tracks_of)
    for name in ("drift", "diffusion", "standard_error", "potential"):
        np.testing.assert_allclose(
            getattr(minutes, name)(PLACES) * 60,
            getattr(hours, name)(PLACES),
            atol=1e-6,
        )
    share = [fit.circulation.share for fit in (hours, minutes)]
    assert share[0].value == pytest.approx(share[1].value, abs=1e-6)
    production = [fit.circulation.entropy_production.value for fit in (hours, minutes)]
    assert production[0] == pytest.approx(60 * production[1], rel=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_shifts_and_units_of_the_state_change_nothing(paths, tracks_of, scale):
    shift = np.array([100.0, -30.0])
    here = fitted(paths, 0.05, tracks_of)
    there = fitted(scale * (paths + shift), 0.05, tracks_of)
    moved = scale * (PLACES + shift)
    np.testing.assert_allclose(
        there.drift(moved) / scale, here.drift(PLACES), atol=1e-5
    )
    np.testing.assert_allclose(
        there.diffusion(moved) / scale**2, here.diffusion(PLACES), atol=1e-6
    )
    assert there.circulation.p == pytest.approx(here.circulation.p, abs=1e-6)


def test_a_turned_space_turns_the_drift(paths, tracks_of):
    # The penalty takes coordinates one by one; without it turning is exact.
    here = fitted(paths, 0.05, tracks_of, penalty=0.0)
    there = fitted(paths @ TURNED.T, 0.05, tracks_of, penalty=0.0)
    assert there.diagnosis.chosen == here.diagnosis.chosen
    moved = PLACES @ TURNED.T
    np.testing.assert_allclose(
        there.drift(moved), here.drift(PLACES) @ TURNED.T, atol=1e-6
    )
    np.testing.assert_allclose(
        there.diffusion(moved), TURNED @ here.diffusion(PLACES) @ TURNED.T, atol=1e-8
    )
    share = [fit.circulation.share.value for fit in (here, there)]
    assert share[0] == pytest.approx(share[1], rel=1e-3)


def test_seeds_reproduce_bit_for_bit(paths, tracks_of):
    one, two = (fitted(paths, 0.05, tracks_of) for _ in range(2))
    np.testing.assert_array_equal(one.drift(PLACES), two.drift(PLACES))
    np.testing.assert_array_equal(one.model.covariance, two.model.covariance)


# Diagnosis


def test_residuals_of_the_right_law_are_white_and_gaussian(swirl):
    diagnosis = swirl[3].diagnosis
    assert diagnosis.whiteness_p > 0.001
    assert diagnosis.gaussianity_p > 0.001
    rate = np.abs(np.linalg.eigvals(OU.jacobian(np.zeros((1, 2)))[0])).max()
    expected = swirl[2]["interval"] * rate
    assert diagnosis.dt_lambda_max == pytest.approx(expected, rel=0.5)


def test_hidden_memory_shows_in_the_residuals(tracks_of):
    # Pushed by a slow variable that is not among the coordinates.
    both = recorded(systems.OrnsteinUhlenbeck(D=1.0, rate=3.0, rotation=0.0), 60, 100,
                    0.05, rng=1)  # fmt: skip
    seen = both[:, :, :1] + np.cumsum(both[:, :, 1:], axis=1) * 0.3
    assert fitted(seen, 0.05, tracks_of).diagnosis.whiteness_p < 1e-6


def test_states_that_no_cell_visited_are_extrapolated(paths, tracks_of):
    fit = fitted(paths, 0.05, tracks_of)
    assert not fit.extrapolated(np.zeros((1, 2))).any()
    assert fit.extrapolated(np.array([[8.0, 8.0]])).all()


# Bad input


def test_too_few_steps_are_refused(tracks_of):
    x = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(ValueError, match=r"at least 40 steps.*found 20.*n_components"):
        fit_regression(x, track_steps(x, tracks_of(10, 3)))


def test_more_coordinates_than_rows_are_refused(tracks_of):
    x = np.random.default_rng(0).normal(size=(30, 50))
    with pytest.raises(ValueError, match="in 50 coordinates needs at least 1000 steps"):
        fit_regression(x, track_steps(x, tracks_of(3, 10)))


def test_a_constant_coordinate_is_refused(paths, tracks_of):
    still = paths.copy()
    still[:, :, 1] = 4.0
    with pytest.raises(ValueError, match=r"coordinate 1 the same \(4\)"):
        fitted(still, 0.05, tracks_of)


def test_cells_that_do_not_move_are_refused(tracks_of):
    x = np.repeat(np.random.default_rng(0).normal(size=(20, 1, 2)), 10, axis=1)
    with pytest.raises(ValueError, match="increments of every track are 0"):
        fitted(x, 0.1, tracks_of)


def test_a_coordinate_told_twice_gives_finite_numbers(paths, tracks_of):
    twice = np.concatenate([paths[:, :, :1], paths[:, :, :1]], axis=2)
    fit = fitted(twice, 0.05, tracks_of)
    x = np.repeat(np.linspace(-1, 1, 5)[:, None], 2, axis=1)
    drift = fit.drift(x)
    assert np.isfinite(drift).all()
    np.testing.assert_allclose(drift[:, 0], drift[:, 1], atol=0.05)


@pytest.mark.parametrize("n", [1, 3])
def test_few_lineages_are_held_out_in_stretches(tracks_of, n):
    paths = recorded(OU, n, 1200 // n, 0.05, rng=17)
    fit = fitted(paths, 0.05, tracks_of)
    assert fit.diagnosis.n_lineages == n
    assert fit.diagnosis.intervals == "neighbouring steps"
    assert np.abs(deviations(fit, OU, 0.5 * PLACES)).max() < 5


def test_tracks_of_two_frames_cannot_tell_noise(tracks_of):
    paths = recorded(OU, 500, 2, 0.05, rng=19)
    fit = fitted(paths, 0.05, tracks_of)
    assert np.isnan(fit.diagnosis.noise_p)
    noise = fit.identifiable.set_index("quantity").loc["measurement noise"]
    assert noise["status"] == "no"
    assert "two frames" in noise["why"]
    assert np.abs(deviations(fit, OU, 0.5 * PLACES)).max() < 4


def test_uneven_steps_count_by_their_hours():
    rng = np.random.default_rng(23)
    # One frame in two is left out of half of the tracks' clocks.
    paths = recorded(OU, 40, 81, 0.05, rng=rng)
    thinned = [path[:: 1 + k % 2] for k, path in enumerate(paths)]
    x = np.concatenate(thinned)
    track = np.repeat(np.arange(40) + 1, [len(path) for path in thinned])
    frame = np.concatenate([np.arange(len(path)) for path in thinned])
    time = np.concatenate(
        [np.arange(len(path)) * 0.05 * (1 + k % 2) for k, path in enumerate(thinned)]
    )
    tracks = Tracks.from_arrays(track=track, frame=frame, time=time)
    fit = fit_regression(x, track_steps(x, tracks), rng=0)
    assert np.abs(deviations(fit, OU, PLACES)).max() < 4
    error = fit.model.diffusion_standard_error(PLACES)
    assert np.abs(fit.diffusion(PLACES) - np.eye(2)).max() < 4 * error.max() + 0.01


def test_the_condition_number_is_that_of_what_is_solved(tracks_of):
    # A split field holds every gradient twice; the ridge tells the two apart.
    paths = recorded(OU, 30, 100, 0.05, rng=8)
    free = fitted(paths, 0.05, tracks_of).diagnosis.condition_number
    split = fitted(paths, 0.05, tracks_of, drift="split").diagnosis.condition_number
    assert 1 <= free < split < 1e8
