"""Hysteresis, dwell and density cores: by hand, by brute force, on null data."""

import itertools

import numpy as np
import pytest

from cellstate.kinetics import (
    densest,
    density_modes,
    entries_by_dwell,
    hysteresis,
    minimum_dwell,
    stays,
)
from cellstate.tracks import Tracks


def line(n, **options):
    return Tracks.from_arrays(track=[1] * n, frame=range(n), time=range(n), **options)


@pytest.fixture
def tree(family):
    """Rows 0-2 mother, 3-5 first daughter, 6-7 second."""
    return Tracks.from_arrays(**family)


def at(*rows, n=8):
    mask = np.zeros(n, dtype=bool)
    mask[list(rows)] = True
    return mask


def schmitt(x, low, high):
    """One cell's trigger, frame by frame: the definition in words."""
    on, out = False, []
    for value in x:
        on = value > high or (on and value > low)
        out.append(on)
    return np.array(out)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hysteresis_is_a_trigger_with_two_edges(seed):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=(6, 50)), axis=1)
    tracks = Tracks.from_arrays(
        track=np.repeat(range(6), 50),
        frame=np.tile(range(50), 6),
        time=np.tile(range(50), 6),
    )
    found = hysteresis(tracks, (x > 1).ravel(), (x > -1).ravel())
    expected = np.concatenate([schmitt(row, -1, 1) for row in x])
    np.testing.assert_array_equal(found, expected)
    # Another order of the rows: the same cells.
    order = rng.permutation(300)
    shuffled = Tracks.from_arrays(
        track=tracks.track[order], frame=tracks.frame[order], time=tracks.time[order]
    )
    again = hysteresis(shuffled, (x > 1).ravel()[order], (x > -1).ravel()[order])
    np.testing.assert_array_equal(again, expected[order])


def test_daughters_inherit_the_stay_and_sisters_do_not_share_it(tree):
    found = hysteresis(tree, at(1), at(2, 3, 4, 6))
    np.testing.assert_array_equal(found, at(1, 2, 3, 4, 6))
    # Entered by one sister only.
    found = hysteresis(tree, at(3), at(4, 5, 6, 7))
    np.testing.assert_array_equal(found, at(3, 4, 5))


def test_a_stay_ends_at_a_gap_and_at_a_distrusted_link():
    loose = np.ones(4, dtype=bool)
    gap = Tracks.from_arrays(track=[1] * 4, frame=[0, 1, 3, 4], time=[0, 1, 3, 4])
    np.testing.assert_array_equal(
        hysteresis(gap, at(0, n=4), loose), [True, True, False, False]
    )
    broken = line(4, broken=[False, False, True, False])
    np.testing.assert_array_equal(
        hysteresis(broken, at(0, n=4), loose), [True, True, False, False]
    )


def test_short_stays_are_dropped_and_cut_off_ones_kept():
    #                   cut   short        long           cut
    inside = np.array([1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1], dtype=bool)
    kept = minimum_dwell(line(11), inside, 2)
    np.testing.assert_array_equal(kept, [1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1])
    np.testing.assert_array_equal(minimum_dwell(line(11), inside, 0), inside)
    found = stays(line(11), inside)
    np.testing.assert_array_equal(found.dwell, [0, -1, -1, 1, 1, -1, 2, 2, 2, -1, 0])
    np.testing.assert_array_equal(np.flatnonzero(found.entered), [3, 6, 10])
    np.testing.assert_array_equal(np.flatnonzero(found.cut_off), [0, 10])


def test_a_stay_over_a_division_counts_its_longest_path(tree):
    # From the mother's last frame into both daughters; the first leaves in row 5.
    inside = at(2, 3, 4, 6)
    found = stays(tree, inside)
    np.testing.assert_array_equal(found.dwell[[2, 3, 4, 6]], [2, 2, 2, 1])
    assert not found.cut_off.any()
    np.testing.assert_array_equal(minimum_dwell(tree, inside, 2), at(2, 3, 4))
    # Row 7 is the second daughter's last: her stay may have gone on, and her mother's.
    found = stays(tree, at(2, 6, 7))
    np.testing.assert_array_equal(np.flatnonzero(found.cut_off), [2, 6, 7])


def test_entries_by_dwell_equal_the_entries_that_are_left():
    rng = np.random.default_rng(3)
    tracks = Tracks.from_arrays(
        track=np.repeat(range(20), 40),
        frame=np.tile(range(40), 20),
        time=np.tile(range(40), 20),
    )
    inside = rng.random(800) < 0.6
    counts = entries_by_dwell(tracks, inside, longest=6)
    assert counts[0] > counts[3] > 0
    for m, count in enumerate(counts):
        kept = minimum_dwell(tracks, inside, m).reshape(20, 40)
        assert count == (kept[:, 1:] & ~kept[:, :-1]).sum()


def test_flicker_of_white_noise_falls_as_it_must():
    """Stays of independent frames are geometric: half of them last one frame more."""
    n = 20_000
    inside = np.random.default_rng(4).random(n) < 0.5
    counts = entries_by_dwell(line(n), inside, longest=4)
    for before, after in itertools.pairwise(counts):
        assert abs(after - before / 2) < 4 * np.sqrt(before / 4)


def test_masks_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"`loose` must be .* shape \(4,\)"):
        hysteresis(line(4), np.zeros(4, bool), np.zeros(3, bool))
    with pytest.raises(ValueError, match="`n_frames` must be an integer >= 0"):
        minimum_dwell(line(4), np.zeros(4, bool), -1)


# Density


def test_the_densest_share_lies_around_the_mode():
    x = np.random.default_rng(0).normal(size=(4000, 1))
    core = densest(x, 0.5)
    assert core.mean() == pytest.approx(0.5, abs=1e-3)
    # The log-density from 30 neighbours has a standard error of 1 / sqrt(30): the
    # edge of the densest half, at .674, is as blurred as the half of such numbers.
    rng = np.random.default_rng(1)
    y = rng.normal(size=40_000)
    blurred = -(y**2) / 2 + rng.normal(0, 30**-0.5, y.size)
    half = np.abs(y[blurred > np.median(blurred)])
    for share in (0.5, 0.95):
        expected = np.quantile(half, share)
        assert np.quantile(np.abs(x[core]), share) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_two_modes_are_found_wherever_they_lie(d):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1500, d))
    x[1000:, 0] += 6
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    order = rng.permutation(1500)
    mode = density_modes((x @ turn)[order])
    smaller = order >= 1000
    assert (mode[~smaller] == 0).mean() > 0.97
    assert (mode[smaller] == 1).mean() > 0.9


@pytest.mark.parametrize("seed", range(5))
def test_one_mode_is_not_made_two(seed):
    x = np.random.default_rng(seed).normal(size=(2000, 2))
    with pytest.raises(ValueError, match="found one: the density of 2000 cells"):
        density_modes(x)
