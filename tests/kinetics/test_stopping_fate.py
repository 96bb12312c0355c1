"""Stopped pairs and realised fates of small trees, worked out by hand."""

import numpy as np
import pytest

from cellstate.kinetics import last_met, realised_fate, stopped_pairs
from cellstate.tracks import Tracks

# Rows: mother 0-2, first daughter 3-5, second daughter 6-7.


@pytest.fixture
def tree(family):
    return Tracks.from_arrays(**family)


def at(*rows):
    mask = np.zeros(8, dtype=bool)
    mask[list(rows)] = True
    return mask


def as_set(pairs):
    return {
        (int(s), int(e), float(w), None if np.isnan(v) else float(v))
        for s, e, w, v in zip(
            pairs.start, pairs.stop, pairs.weight, pairs.value, strict=True
        )
    }


def test_one_step_pairs_of_a_division_count_half(tree):
    pairs = stopped_pairs(tree, at(0), at(5))
    assert as_set(pairs) == {
        (1, 2, 1.0, None),
        (2, 3, 0.5, None),
        (2, 6, 0.5, None),
        (3, 4, 1.0, None),
        (4, 5, 1.0, 1.0),
        (6, 7, 1.0, None),
    }
    # Row 7 has no successor and says nothing; rows 0 and 5 are in the sets.


def test_a_longer_lag_stops_at_the_first_entry_and_at_the_end_of_the_track(tree):
    pairs = stopped_pairs(tree, at(7), at(4), lag_frames=3)
    assert as_set(pairs) == {
        (0, 3, 0.5, None),
        (0, 6, 0.5, None),
        (1, 4, 0.5, 1.0),
        (1, 7, 0.5, 0.0),
        (2, 4, 0.5, 1.0),
        (2, 7, 0.5, 0.0),
        (3, 4, 1.0, 1.0),
        (6, 7, 1.0, 0.0),
    }
    weights = np.bincount(pairs.start, pairs.weight)
    np.testing.assert_array_equal(weights[[0, 1, 2, 3]], 1)


def test_lags_stop_before_the_set_is_left_again(tree):
    pairs = stopped_pairs(tree, at(0), at(1), lag_frames=4)
    assert not np.isin(pairs.start, [0, 1]).any()
    pairs = stopped_pairs(tree, at(3), at(6), lag_frames=4)
    assert (2, 3, 0.5, 0.0) in as_set(pairs)
    assert (0, 6, 0.5, 1.0) in as_set(pairs)


def test_pairs_into_the_past_lead_to_the_mother(tree):
    pairs = stopped_pairs(tree, at(0), at(5), reverse=True)
    assert as_set(pairs) == {
        (1, 0, 1.0, 0.0),
        (2, 1, 1.0, None),
        (3, 2, 1.0, None),
        (4, 3, 1.0, None),
        (6, 2, 1.0, None),
        (7, 6, 1.0, None),
    }


def test_an_event_takes_part_without_a_step(tree):
    plain = stopped_pairs(tree, at(0), at(2))
    event = stopped_pairs(tree, at(0), at(2), target_is_event=True)
    assert as_set(event) - as_set(plain) == {(2, 2, 1.0, 1.0)}
    assert as_set(plain) <= as_set(event)


def test_unknown_rows_start_nothing_but_may_be_reached(tree):
    pairs = stopped_pairs(tree, at(0), at(5), unknown=at(6, 7))
    assert not np.isin(pairs.start, [6, 7]).any()
    assert (2, 6, 0.5, None) in as_set(pairs)


@pytest.mark.parametrize(
    ("source", "target", "options", "expected"),
    [
        # Daughters differ: the mother counts half.
        ([7], [5], {}, [0.5, 0.5, 0.5, 1, 1, 1, 0, 0]),
        # The second daughter is cut off undecided, and her mother with her.
        ([], [5], {}, [np.nan] * 3 + [1, 1, 1] + [np.nan] * 2),
        # Sets met on the way decide for all rows before them.
        ([0], [2], {}, [0, 1, 1] + [np.nan] * 5),
        # Within two frames.
        ([], [5], {"horizon_frames": 2}, [0, 0, 0, 1, 1, 1, np.nan, np.nan]),
        ([], [4], {"horizon_frames": 0}, [0, 0, 0, 0, 1, 0, 0, 0]),
        # Two frames after row 2 the second daughter is still watched, in row 7.
        ([], [4], {"horizon_frames": 2}, [0, 0, 0.5, 1, 1, np.nan] + [np.nan] * 2),
        # In the past: 1 where the target was met last.
        ([0], [3], {"reverse": True}, [0, 0, 0, 1, 1, 1, 0, 0]),
    ],
)
def test_realised_fate(tree, source, target, options, expected):
    fate = realised_fate(tree, at(*source), at(*target), **options)
    np.testing.assert_array_equal(fate, expected)


def test_fate_of_rows_that_nobody_can_tell_is_unknown(tree):
    fate = realised_fate(tree, at(), at(2), unknown=at(5, 7), horizon_frames=0)
    np.testing.assert_array_equal(fate, [0, 0, 1, 0, 0, np.nan, 0, np.nan])
    fate = realised_fate(tree, at(), at(2), unknown=at(5, 7), horizon_frames=1)
    np.testing.assert_array_equal(fate, [0, 1, 1, 0, np.nan, np.nan, np.nan, np.nan])


def test_last_and_next_set_met_with_filled_ends(tree):
    fill = np.arange(8) / 10
    past = last_met(tree, at(1), at(3), fill, reverse=True)
    np.testing.assert_allclose(past, [0, 1, 1, 0, 0, 0, 1, 1])
    future = last_met(tree, at(1), at(4), fill, reverse=False)
    # Row 7 is filled with 0.7; the mother's last row is the mean of 1 and 0.7.
    np.testing.assert_allclose(future, [0, 0, 0.85, 1, 1, 0.5, 0.7, 0.7])
