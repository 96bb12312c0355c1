"""Rows join to tracks, tracks to trees."""

import numpy as np
import pytest

from cellstate._base.errors import LineageError
from cellstate.tracks import Tracks


def test_a_gap_breaks_the_link():
    tracks = Tracks.from_arrays(track=[7] * 4, frame=[0, 1, 3, 4], time=[0, 1, 3, 4])
    np.testing.assert_array_equal(tracks.previous_row, [-1, 0, -1, 2])
    np.testing.assert_array_equal(tracks.next_row, [1, -1, 3, -1])
    assert tracks.n_tracks == 1
    assert (tracks.first_row[0], tracks.last_row[0]) == (0, 3)


def test_a_distrusted_link_is_broken_both_ways():
    tracks = Tracks.from_arrays(
        track=[1, 1, 1], frame=[0, 1, 2], time=[0, 1, 2], broken=[False, True, False]
    )
    np.testing.assert_array_equal(tracks.previous_row, [-1, -1, 1])
    np.testing.assert_array_equal(tracks.next_row, [-1, 2, -1])


def test_division_joins_both_daughters_to_the_mothers_last_row(family):
    tracks = Tracks.from_arrays(**family)
    np.testing.assert_array_equal(tracks.divides, [True, False, False])
    np.testing.assert_array_equal(tracks.daughters(0), [1, 2])
    np.testing.assert_array_equal(tracks.lineage, [0, 0, 0])
    np.testing.assert_array_equal(tracks.row_lineage, np.zeros(8))
    np.testing.assert_array_equal(tracks.mother_row(), [-1, -1, -1, 2, -1, -1, 2, -1])
    # The daughters' first rows do not continue the mother's track.
    assert tracks.next_row[2] == -1
    assert tracks.previous_row[3] == -1


def test_mother_row_needs_the_very_next_frame(family):
    late = family | {"frame": family["frame"] + (family["track"] == 3)}
    tracks = Tracks.from_arrays(**late)
    np.testing.assert_array_equal(np.flatnonzero(tracks.mother_row() >= 0), [3])
    assert tracks.divides[0]


def test_rows_of_a_track_come_in_the_order_of_time():
    tracks = Tracks.from_arrays(
        track=[1, 2, 1, 1], frame=[5, 0, 3, 4], time=[5, 0, 3, 4]
    )
    np.testing.assert_array_equal(tracks.rows(0), [2, 3, 0])


def test_grandchildren_belong_to_the_founder():
    tracks = Tracks.from_arrays(
        track=[1, 2, 3, 4, 5],
        frame=[0, 1, 1, 2, 0],
        time=[0, 1, 1, 2, 0],
        parent_track=[-1, 1, 1, 3, -1],
    )
    np.testing.assert_array_equal(tracks.lineage, [0, 0, 0, 0, 4])


def test_permuting_rows_changes_nothing(family):
    order = np.random.default_rng(1).permutation(8)
    straight = Tracks.from_arrays(**family)
    mixed = Tracks.from_arrays(**{k: v[order] for k, v in family.items()})
    place = np.argsort(order)

    def moved(rows):
        return np.where(rows >= 0, place[rows], -1)

    for name in ("previous_row", "next_row"):
        np.testing.assert_array_equal(
            getattr(mixed, name), moved(getattr(straight, name))[order]
        )
    np.testing.assert_array_equal(
        mixed.mother_row(), moved(straight.mother_row())[order]
    )
    for name in ("parent", "lineage", "track_id", "divides"):
        np.testing.assert_array_equal(getattr(mixed, name), getattr(straight, name))
    np.testing.assert_array_equal(mixed.last_row, place[straight.last_row])


def test_the_same_track_numbers_in_two_movies_are_other_tracks(family):
    twice = {k: np.r_[v, v] for k, v in family.items()}
    tracks = Tracks.from_arrays(**twice, movie=np.repeat([0, 1], 8))
    assert tracks.n_tracks == 6
    np.testing.assert_array_equal(tracks.track_movie, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(tracks.parent, [-1, 0, 0, -1, 3, 3])
    np.testing.assert_array_equal(np.unique(tracks.row_lineage), [0, 3])
    # No link leads from one movie to the other.
    linked = np.flatnonzero(tracks.previous_row >= 0)
    np.testing.assert_array_equal(
        tracks.movie[linked], tracks.movie[tracks.previous_row[linked]]
    )


def test_a_mother_that_was_left_out_leaves_orphans():
    tracks = Tracks.from_arrays(
        track=[2, 3], frame=[3, 3], time=[3, 3], parent_track=[1, 1]
    )
    np.testing.assert_array_equal(tracks.parent, [-1, -1])
    np.testing.assert_array_equal(tracks.lineage, [0, 1])


def test_arrays_are_read_only(family):
    tracks = Tracks.from_arrays(**family)
    with pytest.raises(ValueError, match="read-only"):
        tracks.next_row[0] = 5


BROKEN = {
    "cycle": (
        {"track": [1, 2, 3], "frame": [0, 1, 2], "parent_track": [3, 1, 2]},
        r"cycle through tracks \[1, 2, 3\].*parent_track = -1",
    ),
    "two mothers": (
        {"track": [1, 2, 5, 5], "frame": [0, 0, 1, 2], "parent_track": [-1, -1, 1, 2]},
        r"one mother; found several.*\[5\].*same value",
    ),
    "three daughters": (
        {"track": [9, 1, 2, 3], "frame": [0, 1, 1, 1], "parent_track": [-1, 9, 9, 9]},
        r"at most two daughters; found 3 of track 9.*surplus",
    ),
    "own mother": (
        {"track": [4, 5], "frame": [0, 0], "parent_track": [4, -1]},
        r"tracks \[4\] are their own mothers",
    ),
    "mother lives on": (
        {"track": [6, 6, 7], "frame": [0, 1, 1], "parent_track": [-1, -1, 6]},
        r"ends before.*found 1.*track 6 ends in frame 1.*daughter 7 begins in frame 1",
    ),
    "two rows of a track in one frame": (
        {"track": [8, 8], "frame": [3, 3], "parent_track": [-1, -1]},
        r"one cell per frame; found 1 repeated.*\[8\].*relabel",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_lineage_is_named(name):
    arrays, message = BROKEN[name]
    with pytest.raises(LineageError, match=message):
        Tracks.from_arrays(**arrays, time=arrays["frame"])
