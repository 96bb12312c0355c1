"""Intervals and long lags of macrostates: one draw of lineages, no invented traps."""

import numpy as np
import pytest

from cellstate.kinetics import macrostates_from_tracks
from cellstate.kinetics._chain._counts import Counts, left
from cellstate.tracks import Tracks

DT = 0.5


def chain_of_blocks(leak=0.05):
    """Three blocks of four states."""
    rng = np.random.default_rng(0)
    p = np.full((12, 12), leak / 12)
    for i in range(3):
        at = slice(4 * i, 4 * i + 4)
        p[at, at] += (1 - leak) * rng.dirichlet(np.ones(4), 4)
    return p


def lumped(states, n_tracks, **options):
    """Macrostates of states (n_tracks, n_frames), each a point in the plane."""
    n_frames = states.shape[1]
    frame = np.tile(np.arange(n_frames), n_tracks)
    track = np.repeat(np.arange(n_tracks), n_frames)
    places = np.array([(4.0 * (i // 4), 1.0 * (i % 4)) for i in range(12)])
    places = np.vstack([places, [4.0, 30.0]])
    noise = 0.01 * np.random.default_rng(1).normal(size=(frame.size, 2))
    return macrostates_from_tracks(
        places[states.ravel()] + noise,
        Tracks.from_arrays(track=track, frame=frame, time=frame * DT),
        lag_frames=1,
        frame_interval=DT,
        rng=0,
        **options,
    )


def test_a_place_without_later_frames_is_no_trap(chain_paths):
    """A state seen in the last frames only has no step over a long lag."""
    p, n, frames = chain_of_blocks(), 60, 40
    states = chain_paths(p, n, frames, 3, np.arange(n) % 12)
    plain = lumped(states, n, lags=[1, 5], n_cells=12, n_bootstrap=10)
    states[:30, frames - 3] = 12
    found = lumped(states, n, lags=[1, 5], n_cells=13, n_bootstrap=10)
    size = np.sort(np.abs(np.linalg.eigvals(p)))[-2]
    assert found.timescales[1, 0] == pytest.approx(-DT / np.log(size), rel=0.3)
    np.testing.assert_allclose(
        found.timescales[1, :2], plain.timescales[1, :2], rtol=0.1
    )
    np.testing.assert_allclose(found.estimated.sum(axis=2), 1)


def test_cells_that_lead_nowhere_are_dropped_in_turn():
    counts = np.array([[2.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 3], [0, 0, 0, 0]])
    np.testing.assert_array_equal(left(counts), [True, True, False, False])


def test_one_draw_means_the_same_lineages_at_every_lag(tracks_of):
    """Two frames more lose two steps a track: no other weights come in."""
    tracks, n = tracks_of(300, 20), 300 * 20
    place = np.zeros(n, dtype=int)
    group = (np.arange(n) // 20) % 100
    draw = np.random.default_rng(0).multinomial(100, np.full(100, 0.01)).astype(float)
    sums = [Counts.along(tracks, place, 1, lag, group).of(draw)[0, 0] for lag in (1, 3)]
    assert sums == [300 * 19, 300 * 17]


def test_deviations_of_a_markov_chain_are_a_few_standard_errors(chain_paths):
    """More lineages than groups: paired draws make a spread that is not too wide.

    Largest of 4 times 9 correlated differences: near 2.5 for a Markov chain. With
    groups drawn anew at each lag the spread is several times as wide, and it is
    never above 1.
    """
    p, worst = chain_of_blocks(), []
    for seed in range(6):
        states = chain_paths(p, 400, 30, seed, np.arange(400) % 12)
        found = lumped(states, 400, lags=[1], n_cells=12, n_bootstrap=60, n_states=3)
        worst.append(found.largest_deviation)
    assert 1.2 < np.median(worst) < 4


def test_sets_that_are_too_short_for_a_test_leave_times_out(chain_paths):
    """Tracks of four frames: three multiples of the lag are all that can be seen."""
    states = chain_paths(chain_of_blocks(), 500, 4, 0, np.arange(500) % 12)
    found = lumped(states, 500, lags=[1], n_cells=12, n_bootstrap=5)
    np.testing.assert_allclose(found.times, DT * np.arange(1, 4))
    assert found.predicted.shape == (3, 3, 3)
