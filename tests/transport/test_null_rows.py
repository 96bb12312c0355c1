"""What needs no model: every row by another route, and the published numbers."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from cellstate.transport import couple, null_rows

DATA = Path(
    os.environ.get(
        "CELLSTATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)


def assigned(x, y, power=1):
    """Best matching of equally many cells, by another algorithm than ours."""
    cost = cdist(x, y) ** power
    return linear_sum_assignment(cost), cost


def distance(x, y):
    (i, j), cost = assigned(x, y)
    return cost[i, j].mean()


@pytest.fixture
def drifting():
    rng = np.random.default_rng(0)
    clouds = [rng.normal((k, k**2 / 4), 1, (40, 2)) for k in range(4)]
    return clouds, np.repeat([0.0, 1.0, 3.0, 4.0], 40)


def test_neighbours_and_midpoints_by_assignment(drifting):
    clouds, time = drifting
    table = null_rows(np.concatenate(clouds), time, rng=0)
    assert table["time"].tolist() == [1.0, 3.0]
    for k, share in ((1, 1 / 3), (2, 2 / 3)):
        row = table.iloc[k - 1]
        before, held, after = clouds[k - 1 : k + 2]
        assert row["previous"] == pytest.approx(distance(before, held))
        assert row["next"] == pytest.approx(distance(after, held))
        (i, j), _ = assigned(before, after, power=2)
        midpoint = (1 - share) * before[i] + share * after[j]
        assert row["midpoint"] == pytest.approx(distance(midpoint, held))
        ends = time[40 * (k - 1)], time[40 * (k + 1)]
        assert (row["previous_time"], row["next_time"]) == ends


def test_splines_through_rigid_motion_hit_the_held_snapshot():
    """Plans of a cloud that is only moved are the motion itself; x(t) is a cubic."""
    rng = np.random.default_rng(1)
    cloud, times = rng.normal(size=(30, 2)), np.array([0.0, 1.0, 2.5, 3.0, 4.0])
    path = np.stack([times, 0.1 * times**3 - 0.3 * times**2], axis=1)
    x = (cloud + path[:, None, :]).reshape(-1, 2)
    table = null_rows(x, np.repeat(times, 30), rng=0)
    np.testing.assert_allclose(table["spline"], 0, atol=1e-6)
    assert (table["midpoint"] > 0.05).all()


def test_with_three_times_the_spline_is_the_midpoint(drifting):
    clouds, time = drifting
    table = null_rows(np.concatenate(clouds[:3]), time[:120], rng=0)
    np.testing.assert_allclose(table["spline"], table["midpoint"])


def test_two_times_have_a_past_and_halves_only(drifting):
    clouds, time = drifting
    table = null_rows(np.concatenate(clouds[:2]), time[:80], rng=0)
    assert table[["previous", "split_half"]].notna().all(axis=None)
    assert table[["next", "next_time", "midpoint", "spline"]].isna().all(axis=None)


def test_halves_of_one_law_are_as_far_apart_as_two_samples_of_it():
    rng = np.random.default_rng(2)
    halves, samples = [], []
    for seed in range(20):
        x = rng.normal(size=(200, 2))
        halves.append(null_rows(x, np.repeat([0, 1], 100), rng=seed)["split_half"][0])
        samples.append(distance(rng.normal(size=(50, 2)), rng.normal(size=(50, 2))))
    error = np.hypot(np.std(halves), np.std(samples)) / np.sqrt(20)
    assert abs(np.mean(halves) - np.mean(samples)) < 3 * error


def test_weights_and_copies_of_cells_agree(drifting):
    clouds, time = drifting
    x = np.concatenate(clouds[:3])
    weights = np.ones(120)
    weights[[5, 50, 100]] = 2
    rows = np.r_[np.arange(120), [5, 50, 100]]
    weighted = null_rows(x, time[:120], weights, rng=0)
    copied = null_rows(x[rows], time[:120][rows], rng=0)
    for name in ("previous", "next", "midpoint"):
        np.testing.assert_allclose(weighted[name], copied[name])


def test_large_snapshots_are_thinned_as_told(drifting):
    clouds, time = drifting
    x = np.concatenate(clouds)
    table = null_rows(x, time, max_cells=25, rng=3)
    assert (table["n_cells"] == 25).all()
    again = null_rows(x, time, max_cells=25, rng=3)
    np.testing.assert_array_equal(table, again)
    with pytest.raises(ValueError, match="`max_cells` must be an integer >= 4"):
        null_rows(x, time, max_cells=1)


def test_couplings_hold_the_table(drifting):
    clouds, time = drifting
    x = np.concatenate(clouds)
    couplings = couple(x, time, method="exact", rng=5)
    table = null_rows(x, time, rng=5)
    np.testing.assert_array_equal(couplings.null, table)


def test_the_midpoints_of_embryoid_bodies_are_those_measured_before():
    path = DATA / "snapshots" / "eb_subset_2750.npz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    with np.load(path, allow_pickle=True) as stored:
        x, time = stored["pcs"][:, :5], stored["sample_labels"].astype(float)
    table = null_rows((x - x.mean(axis=0)) / x.std(axis=0), time, rng=0)
    assert table["n_cells"].tolist() == [550, 550, 550]
    np.testing.assert_allclose(table["previous"], [1.612, 1.400, 0.806], atol=6e-4)
    np.testing.assert_allclose(table["midpoint"], [0.848, 0.884, 0.930], atol=6e-4)
    np.testing.assert_allclose(table["spline"], [1.111, 0.846, 1.146], atol=6e-4)
