"""Windows along tracks never look across a gap, nor into the future."""

import numpy as np
import pytest

from cellstate.statespace import delay_embedding
from cellstate.tracks import Tracks


def test_differences_to_each_earlier_frame(tracks_of):
    x = np.array([[1.0], [2.0], [4.0], [8.0]])
    window = delay_embedding(x, tracks_of(1, 4), n_lags=2)
    np.testing.assert_array_equal(
        window.values, [[1, 0, 0], [2, 1, 1], [4, 2, 3], [8, 4, 6]]
    )
    np.testing.assert_array_equal(window.n_held, [2, 1, 0, 0])


def test_never_across_a_gap_or_a_distrusted_link():
    frame = [0, 1, 3, 4, 5]
    tracks = Tracks.from_arrays(
        track=[1] * 5, frame=frame, time=frame, broken=[False] * 4 + [True]
    )
    x = np.array([1.0, 2, 10, 20, 500])[:, None]
    window = delay_embedding(x, tracks, n_lags=1, baseline=True)
    np.testing.assert_array_equal(window.values[:, 1], [0, 1, 0, 10, 0])
    np.testing.assert_array_equal(window.n_held, [1, 0, 1, 0, 1])
    # Running medians: 1, 1.5 | 10, 15 | 500.
    np.testing.assert_array_equal(window.values[:, 2], [0, 0.5, 0, 5, 0])


def test_daughters_look_back_into_their_mother_only_when_asked(family):
    tracks = Tracks.from_arrays(**family)
    x = np.array([1.0, 2, 3, 10, 20, 30, 100, 200])[:, None]
    apart = delay_embedding(x, tracks, n_lags=2)
    joined = delay_embedding(x, tracks, n_lags=2, across_division=True)
    np.testing.assert_array_equal(apart.values[[3, 6]], [[10, 0, 0], [100, 0, 0]])
    np.testing.assert_array_equal(joined.values[[3, 6]], [[10, 7, 8], [100, 97, 98]])
    np.testing.assert_array_equal(joined.values[:3], apart.values[:3])
    np.testing.assert_array_equal(joined.n_held, [2, 1, 0, 0, 0, 0, 0, 0])


def test_running_median_by_hand(tracks_of):
    x = np.array([[5.0, 0], [1, 0], [3, 9], [100, 9], [4, 9]])
    window = delay_embedding(x, tracks_of(1, 5), n_lags=0, baseline=True)
    median = np.array([[5, 0], [3, 0], [3, 0], [4, 4.5], [4, 9]])
    np.testing.assert_array_equal(window.values, np.hstack([x, x - median]))


def test_an_undefined_frame_does_not_spoil_the_baseline_of_later_ones(tracks_of):
    x = np.array([[1.0], [np.nan], [3.0], [8.0]])
    window = delay_embedding(x, tracks_of(1, 4), n_lags=0, baseline=True)
    np.testing.assert_array_equal(window.values[:, 1], [0, np.nan, 1, 5])


def test_the_future_does_not_change_the_present(tracks_of):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3))
    options = {"n_lags": 3, "baseline": True}
    whole = delay_embedding(x, tracks_of(1, 20), **options).values
    early = delay_embedding(x[:12], tracks_of(1, 12), **options).values
    np.testing.assert_array_equal(whole[:12], early)


def test_order_of_rows_does_not_matter(family):
    order = np.random.default_rng(2).permutation(8)
    x = np.random.default_rng(3).normal(size=(8, 2))
    options = {"n_lags": 2, "baseline": True, "across_division": True}
    straight = delay_embedding(x, Tracks.from_arrays(**family), **options)
    mixed = delay_embedding(
        x[order],
        Tracks.from_arrays(**{k: v[order] for k, v in family.items()}),
        **options,
    )
    np.testing.assert_array_equal(mixed.values, straight.values[order])
    np.testing.assert_array_equal(mixed.n_held, straight.n_held[order])


def test_number_of_frames_is_checked(tracks_of):
    with pytest.raises(ValueError, match="`n_lags` must be an integer >= 0; found -1"):
        delay_embedding(np.zeros((2, 1)), tracks_of(1, 2), n_lags=-1)
