"""Observation, tables and snapshots of simulated cells."""

import numpy as np
import pytest
from scipy import stats

import cellstate as cs
from cellstate.datasets._cells import _observe as observe
from cellstate.datasets._cells._grow import grow
from cellstate.datasets._cells._rows import all_rows
from cellstate.datasets._cells._snapshots import to_snapshots
from cellstate.datasets._cells._swaps import swap_identities
from cellstate.datasets._cells._tables import simulate_tracks
from cellstate.systems._laws._wells import DoubleWell, RotatedDoubleWell
from cellstate.tracks import Tracks

WELL = DoubleWell()
INTERVAL = 0.02


def simulate(**options):
    usual = {"frame_interval": INTERVAL, "n_cells": 20, "n_frames": 30, "rng": 0}
    return simulate_tracks(WELL, **(usual | options))


@pytest.fixture(scope="module")
def cells():
    """300 founders that divide and die, 40 frames."""
    return grow(
        WELL,
        n_cells=300,
        n_frames=40,
        frame_interval=INTERVAL,
        division_rate=1.5,
        death_rate=0.5,
        rng=1,
    )


def forest(rows):
    return Tracks.from_arrays(
        track=rows.track,
        frame=rows.frame,
        time=rows.frame * INTERVAL,
        parent_track=rows.parent_track,
        movie=rows.movie,
    )


def test_every_row_is_seen_when_nothing_is_asked_for(cells):
    rows, movie = observe.observe(cells, rng=0)
    assert np.array_equal(rows.track, cells.track)
    assert np.array_equal(rows.parent_track, cells.parent_track)
    assert np.array_equal(rows.values, cells.state)
    assert not movie.any()


def test_noise_has_the_stated_variance(cells):
    rows = observe.add_noise(all_rows(cells), 0.2, rng=2)
    error = (rows.values - cells.state).ravel()
    n = error.size
    assert abs(error.mean()) < 4 * 0.2 / np.sqrt(n)
    assert error.var() == pytest.approx(0.04, rel=4 * np.sqrt(2 / n))
    assert stats.kstest(error / 0.2, "norm").pvalue > 0.001


def test_noise_may_differ_between_axes():
    law = RotatedDoubleWell(d=2)
    seen = simulate_tracks(
        law, frame_interval=0.02, n_cells=200, n_frames=20, noise=[0.0, 0.5], rng=0
    )
    error = seen.obsm["X_state"] - seen.obsm["truth_state"]
    assert not error[:, 0].any()
    assert error[:, 1].std() == pytest.approx(0.5, rel=4 / np.sqrt(2 * 4000))
    assert np.array_equal(seen.X, seen.obsm["X_state"])


def test_frames_are_missed_at_the_stated_rate(cells):
    rows = observe.miss_frames(all_rows(cells), 0.2, rng=3)
    n = cells.track.size
    share = 1 - rows.track.size / n
    assert abs(share - 0.2) < 4 * np.sqrt(0.16 / n)
    forest(rows)
    assert set(rows.parent_track) - {-1} <= set(rows.track)


def test_tracks_are_lost_at_the_stated_rate():
    """Without divisions the share still seen is e^(-rate t), from birth on."""
    n, rate = 3000, 2.0
    cells = grow(WELL, n_cells=n, n_frames=26, frame_interval=INTERVAL, rng=4)
    rows = observe.lose_tracks(all_rows(cells), rate, INTERVAL, rng=4)
    for frame in (0, 10, 25):
        share = (rows.frame == frame).sum() / n
        exact = np.exp(-rate * frame * INTERVAL)
        assert abs(share - exact) <= 4 * np.sqrt(exact * (1 - exact) / n)
    # Once lost, never seen again.
    assert (np.diff(rows.frame)[np.diff(rows.track) == 0] == 1).all()


def test_a_lost_cell_takes_its_descendants_along(cells):
    rows = observe.lose_tracks(all_rows(cells), 3.0, INTERVAL, rng=5)
    born = cells.parent_track[np.isin(cells.track, rows.track)]
    tracks = forest(rows)
    # Every daughter that is seen has a mother that was seen to the end.
    daughters = np.flatnonzero(tracks.parent >= 0)
    assert daughters.size == np.unique(rows.track[rows.parent_track > 0]).size > 50
    assert (tracks.mother_row()[tracks.first_row[daughters]] >= 0).all()
    assert (born > 0).sum() == (rows.parent_track > 0).sum() + _hidden(cells, rows)


def _hidden(cells, rows):
    """Rows of seen daughters that were hidden later."""
    seen = np.isin(cells.track, rows.track[rows.parent_track > 0])
    return seen.sum() - (rows.parent_track > 0).sum()


def test_lineages_enter_late_together(cells):
    rows = observe.enter_late(all_rows(cells), 0.4, INTERVAL, rng=6)
    tracks = forest(rows)
    first = rows.frame[tracks.first_row[tracks.parent < 0]] * INTERVAL
    assert first.max() <= 0.4 + INTERVAL
    assert first.mean() == pytest.approx(0.21, abs=0.03)
    late = rows.frame * INTERVAL >= 0.4
    assert late.sum() == (cells.frame * INTERVAL >= 0.4).sum()


@pytest.mark.parametrize("chance", [0.02, 0.2])
def test_identities_are_swapped_at_the_stated_rate(cells, chance):
    rows = all_rows(cells)
    swapped = swap_identities(rows, chance, rng=7)
    tracks = forest(swapped)
    assert tracks.n_tracks == np.unique(rows.track).size
    for name in ("frame", "movie", "values", "cell"):
        assert np.array_equal(getattr(rows, name), getattr(swapped, name))
    # A step of an observed track that jumps to another cell is half a swap.
    later = np.flatnonzero(tracks.previous_row >= 0)
    jumps = rows.track[later] != rows.track[tracks.previous_row[later]]
    share = jumps.sum() / 2 / jumps.size
    # A pair that is drawn from both ends, or shares a cell, is swapped once.
    assert 0.7 * chance < share < chance + 4 * np.sqrt(chance / jumps.size)


def test_swapped_cells_are_nearest_neighbours(cells):
    rows = all_rows(cells)
    swapped = swap_identities(rows, 0.05, rng=8)
    tracks = forest(swapped)
    later = np.flatnonzero(tracks.previous_row >= 0)
    moved = rows.track[later] != rows.track[tracks.previous_row[later]]
    step = np.abs(rows.values[later] - rows.values[tracks.previous_row[later]])
    assert np.median(step[moved]) < 1.5 * np.median(step[~moved])


def test_daughters_stay_with_the_identity_of_their_mother(cells):
    """Swaps exchange identities: each division still has its two daughters."""
    rows = all_rows(cells)
    swapped = swap_identities(rows, 0.1, rng=9)
    tracks = forest(swapped)
    assert tracks.divides.sum() == (cells.ending == "division").sum()
    mother = tracks.mother_row()
    born = np.flatnonzero(mother >= 0)
    assert born.size == (cells.parent_track[forest(rows).first_row] > 0).sum()
    # The observed mother's last row is the true mother.
    assert np.array_equal(rows.track[mother[born]], cells.parent_track[born])


def test_batches_shift_whole_movies():
    seen = simulate(n_cells=40, n_batches=4, batch_shift=0.7, division_rate=2.0)
    shift = (seen.obsm["X_state"] - seen.obsm["truth_state"])[:, 0]
    by_movie = seen.obs.assign(shift=shift).groupby("movie", observed=True)["shift"]
    assert by_movie.std().max() < 1e-12
    assert by_movie.mean().nunique() == 4
    founders = seen.obs[seen.obs["frame"] == 0].groupby("movie", observed=True).size()
    assert founders.tolist() == [10] * 4
    movies = seen.obs.groupby("truth_track")["movie"].nunique()
    assert movies.max() == 1
    shifts = [
        np.unique((simulate(n_batches=20, n_frames=1, batch_shift=0.7, rng=s).X
                   - simulate(n_batches=20, n_frames=1, rng=s).X).round(9))
        for s in range(20)
    ]  # fmt: skip
    assert np.concatenate(shifts).std() == pytest.approx(0.7, rel=4 / np.sqrt(800))


def test_observation_does_not_touch_the_hidden_cells():
    plain = simulate(division_rate=1.0)
    noisy = simulate(
        division_rate=1.0, noise=0.3, miss_rate=0.2, swap_rate=0.1, n_batches=2,
        batch_shift=1.0,
    )  # fmt: skip
    one, two = (c.obs["truth_track"] * 1000 + c.obs["frame"] for c in (plain, noisy))
    both = np.isin(one, two)
    assert noisy.n_obs < plain.n_obs
    np.testing.assert_array_equal(
        plain.obsm["truth_state"][both], noisy.obsm["truth_state"]
    )


def test_the_table_has_what_the_schema_asks_for():
    seen = simulate(control=0.5, division_rate=1.0)
    cs.validate(seen)
    assert seen.var_names.tolist() == ["x"]
    assert seen.var["family"].tolist() == ["state"]
    assert seen.obs_names[0] == "movie:0:1"
    assert set(seen.obs["condition"]) == {"treated", "control"}
    np.testing.assert_allclose(seen.obs["time"], seen.obs["frame"] * INTERVAL)
    assert seen.uns["cellstate"]["movies"]["movie"]["n_frames"] == 30


def test_same_seed_same_table():
    options = {"noise": 0.1, "swap_rate": 0.1, "miss_rate": 0.1, "n_batches": 2}
    one, two, other = (simulate(rng=s, **options) for s in (1, 1, 2))
    assert one.obs.equals(two.obs)
    assert np.array_equal(one.X, two.X)
    assert one.n_obs != other.n_obs or not np.array_equal(one.X, other.X)


def test_all_at_once_is_a_valid_table():
    seen = simulate(
        n_cells=60, noise=0.1, miss_rate=0.1, lost_rate=0.5, late_entry=0.2,
        swap_rate=0.1, n_batches=3, batch_shift=0.1, control=0.3, division_rate=2.0,
        death_rate=1.0, cycle_stages=4, inheritance_noise=0.05, sister_asymmetry=0.1,
    )  # fmt: skip
    cs.validate(seen)
    assert seen.obs["movie"].nunique() == 3


def test_one_cell_and_one_frame():
    assert simulate(n_cells=1).n_obs == 30
    assert simulate(n_frames=1).n_obs == 20


def test_a_long_frame_interval_warns_with_both_numbers():
    with pytest.warns(UserWarning, match=r"5 \* 8 = 40, above 0.2.*increments"):
        simulate(frame_interval=5.0, n_frames=2)  # minutes, taken for hours


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": -0.1}, "`noise` is a standard deviation"),
        ({"noise": [0.1, 0.1]}, r"one per axis \(1\)"),
        ({"miss_rate": 1.0}, "`miss_rate` is a chance from 0 to below 1.*1.0"),
        ({"swap_rate": -0.5}, "`swap_rate` is a chance"),
        ({"lost_rate": -1.0}, r"`lost_rate` \(1/h\) is a number >= 0; found -1.0"),
        ({"late_entry": np.inf}, r"`late_entry` \(h\)"),
        ({"n_batches": 21}, "n_batches=21 for 20 founders"),
        ({"n_batches": 0}, "`n_batches` must be an integer >= 1"),
        ({"batch_shift": np.nan}, "`batch_shift` is a standard deviation"),
        ({"threshold": 0.4}, "`threshold` must lie between 0.5 and 1"),
        ({"frame_interval": -1.0}, "`frame_interval` must be a number above 0"),
        ({"n_frames": 1, "late_entry": 1e9}, "no cell is left to observe"),
    ],
)
def test_bad_parameters_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        simulate(**options)


# Snapshots


@pytest.fixture(scope="module")
def watched():
    return simulate(n_cells=400, division_rate=1.5, swap_rate=0.05, noise=0.1)


def test_every_lineage_is_seen_at_one_time(watched):
    shots = to_snapshots(watched, times=[0.0, 0.2, 0.58], rng=1)
    cs.validate(shots)
    events = cs.get.truth(watched).events.set_index("track")
    founder = {}
    for track, mother in events["parent_track"].items():
        founder[track] = founder.get(mother, track)
    lineage = shots.obs["truth_track"].map(founder)
    assert shots.obs.groupby(lineage)["frame"].nunique().max() == 1
    assert lineage.nunique() == 400
    assert (shots.obs.groupby("frame").size() > 100).all()
    assert shots.obs.groupby(lineage).size().max() > 1  # sisters stay together


def test_snapshots_have_no_tracks_left(watched):
    shots = to_snapshots(watched, rng=1)
    assert shots.obs["track"].is_unique
    assert (shots.obs["parent_track"] == -1).all()
    assert shots.obs["frame"].nunique() == 8
    assert (np.diff(shots.obs["frame"]) >= 0).all()
    for _, at in shots.obs.groupby("frame"):
        found = stats.spearmanr(at["track"], at["truth_track"])
        assert found.pvalue > 0.001  # the order tells nothing


def test_snapshots_keep_truth_and_law(watched):
    shots = to_snapshots(watched, rng=1)
    assert cs.get.truth(shots).k_ab == cs.get.truth(watched).k_ab
    x = shots.obsm["truth_state"]
    np.testing.assert_allclose(shots.obs["truth_committor"], WELL.committor(x))
    # Same law: a stationary ensemble, one cell of each lineage (relatives depend).
    alone = ~shots.obs["truth_parent_track"].gt(0).to_numpy()
    grid = np.linspace(-2.5, 2.5, 4001)
    mass = np.cumsum(WELL.density(grid[:, None]))
    found = stats.kstest(x[alone, 0], lambda v: np.interp(v, grid, mass / mass[-1]))
    assert alone.sum() > 150
    assert found.pvalue > 0.001


def test_tables_without_truth_can_be_snapped(walkers):
    shots = to_snapshots(walkers, times=[0.0, 5.0], rng=0)
    assert shots.n_obs == 30
    cs.validate(shots)


def test_times_without_a_frame_are_told(watched):
    with pytest.raises(ValueError, match=r"found \[0.03\], but frames at \[0.0, 0.02"):
        to_snapshots(watched, times=[0.03])
    with pytest.raises(ValueError, match="at least one time"):
        to_snapshots(watched, times=[])


def test_snapshots_are_drawn_from_the_seed(watched):
    one, two = (to_snapshots(watched, rng=3) for _ in range(2))
    assert one.obs.equals(two.obs)
