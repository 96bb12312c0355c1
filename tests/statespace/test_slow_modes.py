"""Slow modes of processes whose eigenvalues are known."""

import numpy as np
import pytest

from cellstate.statespace import choose_modes, fit_tica, fit_vamp
from cellstate.statespace._lagged import lagged_moments, lagged_rows
from cellstate.statespace._mode_choice import scores_of
from cellstate.statespace._slow_modes import vamp_of
from cellstate.tracks import Tracks

MIX = np.array([[2.0, 0.3, -1.0], [0.0, 0.7, 0.4], [5.0, -0.2, 11.0]])


def linear(step, n_tracks, n_frames, rng):
    """Stationary x' = step x + noise of unit covariance, rows track by track."""
    rng, d = np.random.default_rng(rng), len(step)
    noise = np.linalg.cholesky(np.eye(d) - step @ step.T)
    x = np.empty((n_tracks, n_frames, d))
    x[:, 0] = rng.normal(size=(n_tracks, d))
    for t in range(1, n_frames):
        x[:, t] = x[:, t - 1] @ step.T + rng.normal(size=(n_tracks, d)) @ noise.T
    return x.reshape(-1, d)


def flipping(p, n_tracks, n_frames, rng, noise=0.0, idle=2):
    """A sign that flips with chance p per frame, and `idle` columns of noise."""
    rng = np.random.default_rng(rng)
    flips = rng.random((n_tracks, n_frames)) < p
    flips[:, 0] = rng.random(n_tracks) < 0.5
    sign = 1.0 - 2 * (np.cumsum(flips, axis=1) % 2)
    sign += noise * rng.normal(size=sign.shape)
    return np.c_[sign.ravel(), rng.normal(size=(sign.size, idle))]


@pytest.mark.parametrize("fit", [fit_tica, fit_vamp])
@pytest.mark.parametrize("lag", [1, 3])
def test_relaxation_times_of_independent_coordinates(tracks_of, fit, lag):
    rates, hours = np.array([0.1, 0.8, 4.0]), 0.25
    x = linear(np.diag(np.exp(-rates * hours)), 300, 80, 0)
    modes = fit(x @ MIX, tracks_of(300, 80), lag_frames=lag, frame_interval=hours)
    expected = np.exp(-rates * hours * lag)
    # Standard error of an autocorrelation of Gaussian steps: Bartlett's formula.
    n = 300 * (80 - lag)
    error = np.sqrt((1 - expected**2) * (1 + expected ** (2 / lag)) * lag / n)
    assert (abs(modes.values - expected) < 5 * error + 0.003).all()
    assert modes.timescales[0] == pytest.approx(10, rel=0.2)  # error 6 %
    assert modes.lag == lag * hours
    assert modes.n_pairs == n


def test_a_rotation_is_seen_whole_by_vamp_and_as_its_cosine_by_tica(tracks_of):
    decay, angle = 0.9, 0.7
    turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    x = linear(decay * np.array(turn), 200, 100, 1)
    tracks = tracks_of(200, 100)
    vamp = fit_vamp(x, tracks, frame_interval=1.0)
    tica = fit_tica(x, tracks, frame_interval=1.0)
    np.testing.assert_allclose(vamp.values, decay, atol=0.02)
    np.testing.assert_allclose(tica.values, decay * np.cos(angle), atol=0.02)


@pytest.mark.parametrize("fit", [fit_tica, fit_vamp])
def test_units_origin_and_order_of_rows_do_not_matter(tracks_of, fit, rng_order):
    x = linear(np.diag([0.9, 0.5, 0.1]), 40, 50, 2)
    tracks = tracks_of(40, 50)
    modes = fit(x, tracks, frame_interval=1.0)
    other = fit(x @ MIX * [1, 1e4, 1e-4] + 1e3, tracks, frame_interval=1.0)
    np.testing.assert_allclose(other.values, modes.values, rtol=1e-6)
    turned = other.transform(x @ MIX * [1, 1e4, 1e-4] + 1e3)
    straight = modes.transform(x)
    signs = np.sign((turned * straight).sum(axis=0))
    np.testing.assert_allclose(turned * signs, straight, atol=1e-5)
    order = rng_order(len(x))
    frame, track = np.tile(np.arange(50), 40), np.repeat(np.arange(1, 41), 50)
    shuffled = Tracks.from_arrays(
        track=track[order], frame=frame[order], time=frame[order]
    )
    again = fit(x[order], shuffled, frame_interval=1.0)
    np.testing.assert_allclose(again.values, modes.values, rtol=1e-9)


def test_coordinates_have_the_variance_that_is_remembered(tracks_of):
    x = linear(np.diag([0.9, 0.5]), 60, 40, 3)
    tracks = tracks_of(60, 40)
    modes = fit_vamp(x, tracks, frame_interval=1.0)
    first, _ = lagged_rows(x, tracks, 1)
    spread = modes.transform(x)[first].var(axis=0)
    np.testing.assert_allclose(spread, modes.values**2, rtol=1e-9)
    assert modes.first(1).transform(x).shape == (2400, 1)


def test_pairs_never_cross_a_gap_a_division_or_a_missing_value(family):
    x = np.arange(8.0)[:, None]
    tracks = Tracks.from_arrays(**family)
    first, second = lagged_rows(x, tracks, 1)
    np.testing.assert_array_equal(first, [0, 1, 3, 4, 6])
    np.testing.assert_array_equal(second, [1, 2, 4, 5, 7])
    x[4] = np.nan
    np.testing.assert_array_equal(lagged_rows(x, tracks, 1)[0], [0, 1, 6])
    gap = Tracks.from_arrays(track=[1] * 3, frame=[0, 1, 3], time=[0, 1, 3])
    assert lagged_rows(np.zeros((3, 1)), gap, 2)[0].size == 0


def test_scores_of_the_fitted_pairs_are_sums_of_squared_values(tracks_of):
    x = linear(np.diag([0.9, 0.5, 0.2]), 30, 40, 4) @ MIX + 7
    first, second = lagged_rows(x, tracks_of(30, 40), 1)
    moments = lagged_moments(x, first, second, np.zeros(len(first), np.int64))
    model = vamp_of(moments, 1.0)
    score, vamp2 = scores_of(model, moments)
    np.testing.assert_allclose(score, 1 + np.cumsum(model.values**2), rtol=1e-9)
    np.testing.assert_allclose(vamp2, 1 + np.cumsum(model.values**2), rtol=1e-9)


def test_the_choice_finds_the_one_slow_mode_and_its_time(tracks_of):
    x, tracks = flipping(0.05, 100, 60, 5), tracks_of(100, 60)
    found = choose_modes(x, tracks, lags=(1, 2, 4), frame_interval=0.5, rng=0)
    assert found.n_components == 1
    assert found.lag_decided
    assert found.lag == 0.5
    own = found.timescales.set_index("lag").loc[0.5]
    assert own["low"] < -0.5 / np.log(0.9) < own["high"]
    assert "the same at every longer lag" in str(found)
    scores = found.scores[found.scores["lag"] == 0.5]["score"].to_numpy()
    # Ten tracks of 60 frames: the held-out mean strays by 0.18, which costs 0.06.
    assert scores[0] == pytest.approx(1 + 0.9**2 - 0.06, abs=0.05)
    assert (np.diff(scores) < 0.003).all()  # noise predicts nothing


def test_intervals_of_the_slowest_time_cover(tracks_of):
    tracks, truth, inside = tracks_of(40, 40), -1 / np.log(0.8), 0
    for seed in range(40):
        x = flipping(0.1, 40, 40, 100 + seed, idle=1)
        own = choose_modes(x, tracks, lags=(1,), frame_interval=1.0, rng=0).timescales
        inside += int((own["low"] <= truth)[0] and (truth <= own["high"])[0])
    assert inside >= 33  # 38 expected; 33 or fewer of 40 has a chance of 1 %


def test_noise_on_the_picture_makes_the_lag_longer_or_undecided(tracks_of):
    x, tracks = flipping(0.02, 200, 60, 6, noise=1.0), tracks_of(200, 60)
    found = choose_modes(x, tracks, lags=(1, 2, 4, 8), frame_interval=1.0, rng=0)
    times = found.timescales["timescale"].to_numpy()
    assert (np.diff(times) > 0).all()
    assert not found.lag_decided
    assert found.lag == 8
    assert "undecided" in found.reason


def test_states_without_memory_are_called_so(tracks_of):
    x, tracks = np.random.default_rng(7).normal(size=(3000, 4)), tracks_of(60, 50)
    found = choose_modes(x, tracks, lags=(1, 2), frame_interval=1.0, rng=0)
    assert found.scores["score"].max() < 1.01
    assert found.n_components == 1
    assert "no memory" in found.reason


def test_one_long_track_is_judged_on_stretches_of_time(tracks_of):
    x = flipping(0.05, 1, 4000, 8)
    found = choose_modes(x, tracks_of(1, 4000), lags=(1,), frame_interval=1.0, rng=0)
    assert (found.n_folds, found.n_components) == (5, 1)


def test_seeds_reproduce_and_results_are_stored(tracks_of):
    x, tracks = flipping(0.1, 30, 30, 9), tracks_of(30, 30)
    one, two = (choose_modes(x, tracks, frame_interval=1.0, rng=3) for _ in range(2))
    again = type(one).from_dict(two.to_dict())
    assert again.reason == one.reason
    np.testing.assert_array_equal(again.transform(x), one.transform(x))
    np.testing.assert_array_equal(again.scores["score"], one.scores["score"])


def test_what_cannot_be_fitted_is_refused_with_numbers(tracks_of):
    tracks = tracks_of(2, 4)
    x = np.random.default_rng(0).normal(size=(8, 3))
    with pytest.raises(ValueError, match=r"at least 8 pairs .* 2 h apart; found 4"):
        fit_vamp(x, tracks, lag_frames=2, frame_interval=1.0)
    with pytest.raises(ValueError, match="found none among 1"):
        fit_tica(np.ones((8, 1)), tracks, frame_interval=1.0)
    with pytest.raises(ValueError, match="lag_frames"):
        fit_tica(x, tracks, lag_frames=0, frame_interval=1.0)
    modes = fit_vamp(x[:, :1], tracks, frame_interval=1.0)
    with pytest.raises(ValueError, match="modes are of 1 coordinates; found 3"):
        modes.transform(x)
