"""Committor and rate of a double well, against quadrature."""

import numpy as np
import pytest

from cellstate.kinetics import committor_from_tracks, estimate_rates
from cellstate.tracks import Tracks


def fit(well, tracks, **options):
    options = {"n_bootstrap": 0, "n_landmarks": 80, "rng": 0} | options
    return committor_from_tracks(
        well.x,
        tracks,
        well.source,
        well.target,
        frame_interval=well.interval,
        **options,
    )


def rate(well, tracks, fitted, **options):
    return estimate_rates(
        tracks,
        well.source,
        well.target,
        fitted.forward,
        fitted.backward,
        decision_time=fitted.decision_time,
        frame_interval=well.interval,
        rng=0,
        **options,
    )


@pytest.fixture(scope="module")
def fitted(double_well):
    return fit(double_well, double_well.tracks)


@pytest.fixture(scope="module")
def cut(double_well):
    """The same rows, cut to tracks of 20 frames."""
    tracks = double_well.tracks
    return Tracks.from_arrays(
        track=tracks.track * 1000 + tracks.frame // 20,
        frame=tracks.frame,
        time=tracks.time,
    )


@pytest.fixture(scope="module")
def cut_fit(double_well, cut):
    return fit(double_well, cut)


def rmse(values, exact, rows):
    return np.sqrt(np.mean((values - exact)[rows] ** 2))


@pytest.mark.parametrize("which", ["fitted", "cut_fit"])
def test_committor_against_quadrature(double_well, request, which):
    committor = request.getfixturevalue(which)
    outside = ~double_well.source & ~double_well.target
    exact = double_well.committor(double_well.x[:, 0])
    # About 90 crossings decide: 0.5 / sqrt(90) = 0.05 near the top, less elsewhere.
    assert rmse(committor.forward, exact, outside) < 0.05
    # A reversible system: where a cell comes from is where it might go.
    assert rmse(committor.backward, 1 - exact, outside) < 0.05
    assert committor.residual < 1e-8


def test_refits_to_other_lineages_spread_as_much_as_the_error(double_well):
    committor = fit(double_well, double_well.tracks, n_bootstrap=10, folds=0)
    outside = ~double_well.source & ~double_well.target
    exact = double_well.committor(double_well.x[:, 0])
    spread = np.sqrt(committor.replicates[outside].var(axis=1).mean())
    error = rmse(committor.forward, exact, outside)
    assert 0.25 < error / spread < 4


def test_rate_against_quadrature(double_well, fitted):
    rates = rate(double_well, double_well.tracks, fitted)
    assert rates.n_events > 30
    for k in (rates.k_ab, rates.k_ba):
        # The bootstrap's own standard error, from its 95 % interval.
        se = (k.high - k.low) / (2 * 1.96)
        assert abs(k.value - double_well.rate) < 3 * se
        assert se < 0.25 * double_well.rate
        assert k.unit == "1/h"
    assert rates.mfpt_ab.value == pytest.approx(1 / rates.k_ab.value)
    assert rates.mfpt_ab.low == pytest.approx(1 / rates.k_ab.high)


def test_tracks_cut_to_20_frames_give_the_same_rate(double_well, fitted, cut, cut_fit):
    whole = rate(double_well, double_well.tracks, fitted).k_ab
    parts = rate(double_well, cut, cut_fit).k_ab
    # The same frames, so the sampling error is shared: one standard error.
    assert abs(parts.value - whole.value) < (whole.high - whole.low) / (2 * 1.96)


@pytest.mark.parametrize("lag", [1, 10])
def test_the_lag_does_not_move_the_committor_of_cut_tracks(
    double_well, cut, cut_fit, lag
):
    outside = ~double_well.source & ~double_well.target
    again = fit(double_well, cut, lag_frames=lag)
    assert rmse(again.forward, cut_fit.forward, outside) < 0.03


def test_halving_the_frame_interval_doubles_every_rate(double_well, fitted):
    rates, fast = (
        estimate_rates(
            double_well.tracks,
            double_well.source,
            double_well.target,
            fitted.forward,
            fitted.backward,
            decision_time=fitted.decision_time * interval / double_well.interval,
            frame_interval=interval,
            rng=0,
            n_bootstrap=50,
        )
        for interval in (double_well.interval, double_well.interval / 2)
    )
    for name, factor in (
        ("k_ab", 2),
        ("k_ba", 2),
        ("nu", 2),
        ("mfpt_ab", 0.5),
        ("transition_path_time", 0.5),
    ):
        one, two = getattr(rates, name), getattr(fast, name)
        for field in ("value", "low", "high"):
            assert getattr(two, field) == pytest.approx(factor * getattr(one, field))
    assert fast.n_events == rates.n_events
