"""Fates that were cut off: paths by hand, weights by formula, bias gone."""

import numpy as np
import pytest

import cellstate as cs
from cellstate._adata import _extract as extract
from cellstate.kinetics import (
    FatePaths,
    calibration,
    fate_paths,
    realised_fate,
    weighted_fates,
)
from cellstate.tracks import Tracks


@pytest.fixture
def tree(family):
    return Tracks.from_arrays(**family)


def at(*rows):
    mask = np.zeros(8, dtype=bool)
    mask[list(rows)] = True
    return mask


def as_set(paths):
    return {
        (int(s), float(w), int(t), None if np.isnan(v) else float(v))
        for s, w, t, v in zip(
            paths.start, paths.weight, paths.elapsed, paths.value, strict=True
        )
    }


def test_paths_of_a_division_are_told_apart(tree):
    # The first daughter meets B in row 5; the second ends in row 7, undecided.
    assert as_set(fate_paths(tree, at(0), at(5))) == {
        (1, 0.5, 4, 1.0),
        (1, 0.5, 4, None),
        (2, 0.5, 3, 1.0),
        (2, 0.5, 3, None),
        (3, 1.0, 2, 1.0),
        (4, 1.0, 1, 1.0),
        (6, 1.0, 2, None),
        (7, 1.0, 1, None),
    }
    past = fate_paths(tree, at(0), at(5), reverse=True)
    assert {(7, 1.0, 4, 0.0), (4, 1.0, 4, 0.0)} <= as_set(past)
    assert not past.cut_off.any()


@pytest.mark.parametrize(
    "options",
    [{}, {"horizon_frames": 2}, {"horizon_frames": 0}, {"reverse": True}],
)
def test_paths_and_fates_agree(options):
    """On walks without divisions a path is a fate."""
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.integers(-1, 2, (40, 30)), axis=1).ravel()
    tracks = Tracks.from_arrays(
        track=np.repeat(range(40), 30),
        frame=np.tile(range(30), 40),
        time=np.tile(range(30), 40),
    )
    unknown = (rng.random(x.size) < 0.1) & (np.abs(x) < 3)
    options = options | ({"unknown": unknown} if "horizon_frames" in options else {})
    paths = fate_paths(tracks, x <= -3, x >= 3, **options)
    fate = realised_fate(tracks, x <= -3, x >= 3, **options)
    np.testing.assert_array_equal(np.sort(paths.start), np.flatnonzero(np.abs(x) < 3))
    later = paths.value if "horizon_frames" not in options else None
    if later is not None:
        np.testing.assert_array_equal(fate[paths.start], later)
    # A blind frame on the way hides what comes after; what is told must agree.
    told = ~paths.cut_off
    np.testing.assert_array_equal(fate[paths.start[told]], paths.value[told])


def made(elapsed, value):
    return FatePaths(
        start=np.arange(len(elapsed)),
        weight=np.ones(len(elapsed)),
        elapsed=np.asarray(elapsed),
        value=np.asarray(value, dtype=float),
        n_rows=len(elapsed),
    )


def test_without_censoring_every_cell_counts_once():
    fates = weighted_fates(made([1, 2, 5], [0, 1, 1]))
    np.testing.assert_array_equal(fates.weight, 1)
    np.testing.assert_array_equal(fates.outcome, [0, 1, 1])
    assert (fates.decided, fates.n_bounded) == (1.0, 0)


def test_weights_are_the_inverse_of_kaplan_and_meier():
    # Six cells: lost at 2 (of five at risk) and at 3 (of three).
    fates = weighted_fates(made([1, 2, 2, 3, 3, 4], [0, np.nan, 1, np.nan, 1, 0]))
    second, third = 5 / 4, 5 / 4 * 3 / 2
    np.testing.assert_allclose(fates.weight, [1, 0, second, 0, third, third])
    # As long as the last is decided, nobody is lost without somebody in her place.
    assert fates.weight.sum() == pytest.approx(6)
    assert fates.decided == pytest.approx(1)


def test_strata_are_weighted_apart():
    elapsed, value = [1, 2, 1, 2], [np.nan, 1, 0, 1]
    fates = weighted_fates(made(elapsed, value), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(fates.weight, [0, 2, 1, 1])


def test_what_no_cell_was_watched_for_is_told():
    # Half are decided in the first frame; the others are all lost in the second.
    fates = weighted_fates(made([1, 1, 2, 2], [0, 1, np.nan, np.nan]))
    assert fates.decided == pytest.approx(0.5)


def test_weights_are_bounded_and_counted():
    elapsed = np.r_[np.full(99, 1), 2]
    value = np.r_[np.full(99, np.nan), 1.0]
    fates = weighted_fates(made(elapsed, value))
    assert fates.weight[-1] == 20
    assert fates.n_bounded == 1


# A random walk with drift, exact chances, tracks lost at random


K, UP = 12, 0.55


def lost_walks(chain_paths, ruin_matrix, seed, lost):
    """Walks from every place, and the same after a random loss of cells."""
    rng = np.random.default_rng(seed)
    start = rng.integers(1, K, 400)
    paths = chain_paths(ruin_matrix(K, UP), 400, 300, rng, start)
    life = rng.geometric(lost, 400)
    frame = np.broadcast_to(np.arange(300), paths.shape)
    seen = frame < life[:, None]
    # After absorption a walk stays; only what is outside is judged anyway.
    tracks = Tracks.from_arrays(
        track=np.repeat(range(400), 300)[seen.ravel()],
        frame=frame.ravel()[seen.ravel()],
        time=frame.ravel()[seen.ravel()],
        last_frame=[299],
    )
    return tracks, paths.ravel()[seen.ravel()]


def test_dropping_cut_off_walks_is_biased_and_weighting_is_not(
    chain_paths, ruin_matrix, ruin_chance
):
    plain, weighted, base = [], [], []
    for seed in range(12):
        tracks, x = lost_walks(chain_paths, ruin_matrix, seed, lost=0.05)
        inside = (x > 0) & (x < K)
        chance = ruin_chance(x, K, UP)
        paths = fate_paths(tracks, x == 0, x == K)
        fates = weighted_fates(paths, np.minimum(x // 3, 3))
        dropped = realised_fate(tracks, x == 0, x == K)
        reports = [
            calibration(chance[inside], dropped[inside]),
            calibration(chance[inside], fates.outcome[inside],
                        weight=fates.weight[inside]),
        ]  # fmt: skip
        assert reports[1].n_effective < reports[1].n
        plain.append(reports[0].slope)
        weighted.append(reports[1].slope)
        base.append(reports[1].base_rate - chance[inside].mean())

    def error(v):
        return np.std(v, ddof=1) / np.sqrt(len(v))

    assert np.mean(plain) - 1 > 4 * error(plain)
    assert abs(np.mean(weighted) - 1) < 3 * error(weighted)
    assert abs(np.mean(base)) < 3 * error(base)


def test_cells_lost_from_a_double_well_are_stood_for():
    """Exact committor as the prediction; slope against that of cells never lost."""
    slopes = {"watched": [], "dropped": [], "weighted": []}
    law = {"n_cells": 300, "n_frames": 250, "frame_interval": 0.02}
    for seed in range(6):
        for lost in (0.0, 1.0):
            cells = cs.datasets.double_well(**law, lost_rate=lost, rng=seed)
            tracks = extract.tracks(cells)
            state = cells.obs["truth_set"].astype(str).to_numpy()
            q = cells.obs["truth_committor"].to_numpy()
            sets = state == "A", state == "B"
            rows = state == "other"
            fate = realised_fate(tracks, *sets)
            plain = calibration(q[rows], fate[rows]).slope
            slopes["dropped" if lost else "watched"].append(plain)
            if lost:
                fates = weighted_fates(fate_paths(tracks, *sets))
                report = calibration(
                    q[rows], fates.outcome[rows], weight=fates.weight[rows]
                )
                slopes["weighted"].append(report.slope)
    mean = {k: np.mean(v) for k, v in slopes.items()}
    spread = {k: np.std(v, ddof=1) / np.sqrt(6) for k, v in slopes.items()}
    # A visit between two frames is not seen: the slope of all cells is not quite 1.
    error = np.hypot(spread["watched"], spread["dropped"])
    assert mean["dropped"] - mean["watched"] > 3 * error
    error = np.hypot(spread["watched"], spread["weighted"])
    assert abs(mean["weighted"] - mean["watched"]) < 3 * error
