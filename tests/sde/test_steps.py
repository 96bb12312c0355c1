"""Steps along tracks: what is linked, and what is left out."""

import numpy as np

from cellstate.sde import track_steps
from cellstate.tracks import Tracks


def test_no_step_leads_across_a_division(family):
    steps = track_steps(np.zeros((8, 1)), Tracks.from_arrays(**family))
    np.testing.assert_array_equal(steps.first, [0, 1, 3, 4, 6])
    np.testing.assert_array_equal(steps.second, [1, 2, 4, 5, 7])
    np.testing.assert_array_equal(steps.before, [-1, 0, -1, 3, -1])
    np.testing.assert_allclose(steps.dt, 0.5)
    assert len(np.unique(steps.group)) == 1  # one lineage


def test_rows_without_a_state_break_steps(tracks_of):
    x = np.arange(12.0).reshape(-1, 1)
    x[[2, 7]] = np.nan
    steps = track_steps(x, tracks_of(2, 6))
    np.testing.assert_array_equal(steps.first, [0, 3, 4, 8, 9, 10])
    # No frame is known before the first step after a hole.
    np.testing.assert_array_equal(steps.before, [-1, -1, 3, -1, 8, 9])


def test_a_missed_frame_is_no_step():
    tracks = Tracks.from_arrays(
        track=[1, 1, 1, 1], frame=[0, 1, 3, 4], time=[0, 1, 3, 4]
    )
    steps = track_steps(np.zeros((4, 1)), tracks)
    np.testing.assert_array_equal(steps.first, [0, 2])
    np.testing.assert_array_equal(steps.second, [1, 3])


def test_single_cells_make_no_steps(tracks_of):
    steps = track_steps(np.zeros((5, 2)), tracks_of(5, 1))
    assert steps.size == 0
    assert steps.first.dtype.kind == "i"


def test_hours_are_those_of_each_step():
    tracks = Tracks.from_arrays(track=[1, 1, 1], frame=[0, 1, 2], time=[0.0, 0.1, 0.4])
    np.testing.assert_allclose(track_steps(np.zeros((3, 1)), tracks).dt, [0.1, 0.3])


def test_lineages_are_told_apart(tracks_of):
    steps = track_steps(np.zeros((12, 1)), tracks_of(3, 4))
    np.testing.assert_array_equal(np.bincount(steps.group), [3, 3, 3])


def test_row_order_does_not_change_the_steps(rng_order, tracks_of):
    x, tracks = np.random.default_rng(0).normal(size=(40, 2)), tracks_of(8, 5, 0.5)
    order = rng_order(40)
    mixed = Tracks.from_arrays(
        track=np.repeat(np.arange(1, 9), 5)[order],
        frame=np.tile(np.arange(5), 8)[order],
        time=tracks.time[order],
    )
    steps, again = track_steps(x, tracks), track_steps(x[order], mixed)
    moves = x[steps.second] - x[steps.first]
    moves_again = x[order][again.second] - x[order][again.first]
    np.testing.assert_allclose(
        moves[np.lexsort(moves.T)], moves_again[np.lexsort(moves_again.T)]
    )
