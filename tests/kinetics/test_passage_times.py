"""Mean passage times and fates of random walks, against their formulas."""

import numpy as np
import pytest

from cellstate.kinetics import (
    entropy_bits,
    fates_from_tracks,
    fates_from_transitions,
    passage_times_from_tracks,
)
from cellstate.tracks import Tracks

K, DT = 8, 0.5


@pytest.fixture(scope="module")
def walk(chain_paths):
    """Fair walk on 0..K, reflected at 0 and at K: states (n, 1) and tracks."""
    p = np.diag(np.full(K, 0.5), 1) + np.diag(np.full(K, 0.5), -1)
    p[0, 1] = p[K, K - 1] = 1.0
    n_tracks, n_frames = 400, 60
    rng = np.random.default_rng(0)
    start = rng.integers(K + 1, size=n_tracks)
    states = chain_paths(p, n_tracks, n_frames, rng, start).ravel()
    frame = np.tile(np.arange(n_frames), n_tracks)
    track = np.repeat(np.arange(n_tracks), n_frames)
    return p, states, Tracks.from_arrays(track=track, frame=frame, time=frame * DT)


def passages(walk, tracks=None, **options):
    _, states, whole = walk
    options = {"frame_interval": DT, "n_bootstrap": 0, "penalty": 0.01} | options
    return passage_times_from_tracks(
        states[:, None].astype(float), tracks or whole, states == K, rng=0, **options
    )


def test_time_to_the_far_end_of_a_reflected_walk(walk):
    """K^2 - x^2 steps."""
    _, states, _ = walk
    found = passages(walk, n_bootstrap=20)
    exact = DT * (K**2 - states**2)
    away = states < K
    assert (found.mean[~away] == 0).all()
    se = found.standard_error[away]
    error = (found.mean - exact)[away]
    assert np.abs(error / se).max() < 3.5
    assert (se < 0.2 * exact[away] + 1).all()
    assert found.residual < 1e-8
    assert found.n_passages > 500


def test_tracks_cut_short_give_the_same_times(walk):
    """Half of K^2 steps on average; tracks of 10 frames see no whole passage."""
    _, states, tracks = walk
    cut = Tracks.from_arrays(
        track=tracks.track * 100 + tracks.frame // 10,
        frame=tracks.frame,
        time=tracks.time,
    )
    found = passages(walk, cut)
    exact = DT * (K**2 - states**2)
    np.testing.assert_allclose(found.mean[states == 0], exact[states == 0], rtol=0.15)


def test_times_scale_with_the_unit(walk):
    np.testing.assert_allclose(
        passages(walk, frame_interval=3 * DT).mean, 3 * passages(walk).mean, rtol=1e-9
    )


def test_a_target_that_nobody_enters_is_refused(walk):
    _, states, tracks = walk
    nobody = np.zeros(states.size, dtype=bool)
    with pytest.raises(ValueError, match=r"no track enters 'B'.*0 rows"):
        passage_times_from_tracks(
            states[:, None] * 1.0, tracks, nobody, frame_interval=DT
        )


# Fates


def sets_of(states):
    return {"low": states == 0, "middle": states == 5, "high": states == K}


def test_fates_of_a_walk_are_those_of_the_gambler(walk):
    _, states, tracks = walk
    x = states[:, None].astype(float)
    found = fates_from_tracks(x, tracks, sets_of(states), n_bootstrap=20, rng=0)
    p = found.probability
    np.testing.assert_allclose(p.sum(axis=1), 1)
    for state in (1, 2, 3, 4):
        exact = np.array([(5 - state) / 5, state / 5, 0])
        rows = states == state
        error = np.abs(p[rows] - exact).max(axis=0)
        assert (error < 3.5 * found.standard_error[rows].max(axis=0) + 0.03).all()
    assert (found.entropy[states == 5] == 0).all()
    # Fit by fit the chances add up before they are made to.
    assert found.largest_correction < 0.05


def test_fates_of_transitions_are_exact(walk):
    p, _, _ = walk
    at = np.arange(K + 1)
    found = fates_from_transitions(p, sets_of(at))
    np.testing.assert_allclose(found.probability[:6, 1], at[:6] / 5, atol=1e-12)
    np.testing.assert_allclose(found.probability[5:, 2], (at[5:] - 5) / 3, atol=1e-12)
    assert found.entropy[2] == pytest.approx(-0.6 * np.log2(0.6) - 0.4 * np.log2(0.4))


def test_the_order_of_cells_does_not_matter(walk, rng_order):
    p, _, _ = walk
    order = rng_order(K + 1)
    at = np.arange(K + 1)
    one = fates_from_transitions(p, sets_of(at)).probability
    two = fates_from_transitions(p[np.ix_(order, order)], sets_of(at[order]))
    np.testing.assert_allclose(two.probability, one[order], atol=1e-12)


def test_entropy_is_between_none_and_log_k():
    assert entropy_bits(np.full((1, 8), 1 / 8))[0] == pytest.approx(3)
    assert np.isnan(entropy_bits(np.full((1, 2), np.nan))[0])


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        ({"low": [0]}, "at least two sets; found \\['low'\\]"),
        ({"low": [0], "none": []}, "\\['none'\\] hold none"),
        ({"low": [0, 1], "high": [1, 8]}, "found .* cells in more than one"),
    ],
)
def test_sets_that_do_not_part_the_cells(walk, sets, words):
    _, states, tracks = walk
    masks = {name: np.isin(states, rows) for name, rows in sets.items()}
    with pytest.raises(ValueError, match=words):
        fates_from_tracks(states[:, None] * 1.0, tracks, masks)
