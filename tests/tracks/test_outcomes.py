"""How the observed future of each cell ends."""

import numpy as np
import pytest

from cellstate.tracks import ENDINGS, Tracks, outcomes


def names(outcome):
    return [ENDINGS[e] for e in outcome.ending]


def test_endings_of_a_family(family):
    outcome = outcomes(Tracks.from_arrays(**family))
    np.testing.assert_array_equal(outcome.steps, [2, 1, 0, 2, 1, 0, 1, 0])
    np.testing.assert_array_equal(outcome.end_row, [2, 2, 2, 5, 5, 5, 7, 7])
    assert names(outcome) == ["division"] * 3 + ["end_of_movie"] * 3 + ["lost"] * 2
    np.testing.assert_array_equal(outcome.divides, np.arange(8) < 3)


def test_a_gap_and_a_distrusted_link_end_what_is_known():
    frame = [0, 1, 3, 4, 0, 1, 2, 3, 4]
    tracks = Tracks.from_arrays(
        track=[1] * 4 + [2] * 5,
        frame=frame,
        time=frame,
        broken=[False] * 6 + [True] + [False] * 2,
    )
    assert names(outcomes(tracks)) == (
        ["lost"] * 2 + ["end_of_movie"] * 2 + ["lost"] * 2 + ["end_of_movie"] * 3
    )


def test_frames_of_a_dividing_track_before_a_gap_are_not_seen_to_divide(family):
    gap = {k: np.delete(v, 1) for k, v in family.items()}
    assert names(outcomes(Tracks.from_arrays(**gap)))[:2] == ["lost", "division"]


@pytest.mark.parametrize("missing", ["one daughter", "one daughter late"])
def test_a_division_needs_two_daughters_in_the_next_frame(family, missing):
    if missing == "one daughter":
        family = {k: v[:6] for k, v in family.items()}
    else:
        family = family | {"frame": family["frame"] + (family["track"] == 3)}
    assert names(outcomes(Tracks.from_arrays(**family)))[:3] == ["lost"] * 3


def test_the_movie_may_be_longer_than_its_tracks(family):
    seen = outcomes(Tracks.from_arrays(**family, last_frame=[9]))
    assert names(seen)[3:] == ["lost"] * 5


def test_each_movie_has_its_own_end():
    tracks = Tracks.from_arrays(
        track=[1, 1, 1], frame=[0, 1, 0], time=[0, 1, 0], movie=[0, 0, 1]
    )
    assert names(outcomes(tracks)) == ["end_of_movie"] * 3
