"""Committors by every method, rates of flows, scans, times and fates of an AnnData."""

import re

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate import systems

LAW = systems.DoubleWell(D=1 / 3)


@pytest.fixture(scope="module")
def followed():
    cells = cs.datasets.double_well(n_cells=60, n_frames=150, rng=1)
    cs.tl.define_states(cells, source="x < -1", target="x > 1")
    return cells


@pytest.fixture
def cells(followed):
    return followed.copy()


@pytest.fixture
def snapshot(cells):
    """The same cells, none of them followed."""
    cells.obs["track"] = np.arange(1, cells.n_obs + 1)
    return cells


def error(cells, found):
    """RMSE outside A and B."""
    free = (cells.obs["state"] == "other").to_numpy()
    exact = LAW.committor(cells.obsm["X_state"])
    return np.sqrt(np.mean((found.forward - exact)[free] ** 2))


@pytest.mark.parametrize(
    ("method", "options", "limit"),
    [
        ("tracks", {"n_bootstrap": 0}, 0.06),
        ("tracks", {"n_bootstrap": 0, "between_frames": True, "lag": 0.1}, 0.06),
        ("graph", {}, 0.06),
        ("graph", {"flow": LAW}, 0.02),
        ("grid", {"flow": LAW}, 0.01),
    ],
)
def test_every_method_finds_the_committor(cells, method, options, limit):
    if "lag" in options:
        options = options | {"lag": 2 * float(cells.obs["time"].iloc[1])}
    found = cs.tl.committor(cells, method=method, rng=0, **options)
    assert found.method == method
    assert error(cells, found) < limit
    stored = cs.get.committor(cells)
    np.testing.assert_array_equal(stored.forward, found.forward)
    np.testing.assert_array_equal(cells.obs["committor"], found.forward)


def test_simulated_paths_find_the_committor(cells):
    few = cells[::40].copy()
    cs.tl.define_states(few, source="x < -1", target="x > 1")
    found = cs.tl.committor(few, method="sde", flow=LAW, n_bootstrap=0, rng=0)
    assert found.method == "sde"
    assert error(few, found) < 0.04
    with pytest.raises(ValueError, match="Use method='graph' with this flow"):
        cs.tl.committor(few, method="sde", flow=LAW, direction="backward")


def test_auto_takes_what_is_there(cells):
    assert cs.tl.committor(cells, n_bootstrap=0).method == "tracks"
    assert cs.tl.committor(cells, flow=LAW).method == "grid"
    cells.obs["track"] = np.arange(1, cells.n_obs + 1)
    assert cs.tl.committor(cells).method == "graph"


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("method", ["tracks", "graph", "grid"])
def test_one_direction_leaves_the_other_out(cells, method, direction):
    flow = {"flow": LAW} if method == "grid" else {}
    found = cs.tl.committor(cells, method=method, direction=direction, rng=0, **flow)
    other = {"forward": "backward", "backward": "forward"}[direction]
    assert np.isfinite(getattr(found, direction)).all()
    assert np.isnan(getattr(found, other)).all()


def test_both_ways_between_two_states_add_up_to_one(cells):
    there = cs.tl.committor(cells, "A", "B", n_bootstrap=0, penalty=1.0, rng=0)
    back = cs.tl.committor(cells, "B", "A", n_bootstrap=0, penalty=1.0, rng=0)
    free = (cells.obs["state"] == "other").to_numpy()
    total = (there.forward + back.forward)[free]
    # The same equation but for what is cut to [0, 1], and for the draw of folds.
    assert np.abs(total - 1).mean() < 0.02


def test_a_grid_counts_descendants_and_looks_ahead(cells):
    about = {"method": "grid", "flow": LAW}
    plain = cs.tl.committor(cells, **about)
    mass = cs.tl.committor(cells, division="mass", birth_rate=0.3, **about)
    some = cs.tl.committor(cells, division="any", birth_rate=0.3, **about)
    free = (cells.obs["state"] == "other").to_numpy()
    assert (mass.forward >= some.forward - 1e-9)[free].all()
    assert (some.forward >= plain.forward - 1e-9)[free].all()
    assert (mass.division, some.division, plain.division) == ("mass", "any", "")
    soon = cs.tl.committor(cells, horizon=0.5, **about)
    assert (soon.forward <= plain.forward + 1e-3).all()
    assert soon.horizon == 0.5
    cells.obs["dying"] = 0.3
    dying = cs.tl.committor(cells, division="random", death_rate="dying", **about)
    assert (dying.forward < plain.forward)[free].all()


def test_options_of_other_methods_are_refused(cells):
    for given in ({"method": "graph", "lag": 0.5}, {"method": "tracks", "flow": LAW},
                  {"method": "sde", "flow": LAW, "division": "any"}):  # fmt: skip
        name = [k for k in given if k != "method" and (k != "flow" or len(given) == 2)]
        with pytest.raises(ValueError, match=f"`{name[0]}` is for method in"):
            cs.tl.committor(cells, **given)
    with pytest.raises(ValueError, match="method='grid' solves for a flow; found none"):
        cs.tl.committor(cells, method="grid")


def test_a_flow_needs_drift_and_diffusion(cells):
    with pytest.raises(
        TypeError, match=r"found object without \['drift', 'diffusion'\]"
    ):
        cs.tl.committor(cells, flow=object())


def test_times_must_increase(cells):
    cells.obs["time"] = -cells.obs["time"].to_numpy()
    with pytest.raises(ValueError, match=r"must increase .* 8940 of 8940 not above 0"):
        cs.tl.committor(cells)


def test_a_lag_longer_than_every_track_is_refused(cells):
    interval = float(cells.obs["time"].iloc[1])
    with pytest.raises(ValueError, match=r"longer than every track.*149 frames"):
        cs.tl.committor(cells, lag=150 * interval)


def test_a_division_is_told_by_tracks_only(cells):
    states = cells.uns["cellstate"]["define_states"]
    cells.uns["cellstate"]["define_states"] = states | {"target_is_event": True}
    with pytest.raises(ValueError, match="told by tracks only; found method='graph'"):
        cs.tl.committor(cells, method="graph")


# Rates


def test_rates_of_a_flow_are_exact(cells):
    cs.tl.committor(cells, n_bootstrap=0, rng=0)
    found = cs.tl.rates(cells, flow=LAW)
    exact = systems.quadrature(LAW)
    # The sets are known by labelled cells only, a thousandth apart.
    assert found.k_ab.value == pytest.approx(exact.k_ab, rel=0.02)
    assert found.nu.value == pytest.approx(exact.nu, rel=0.02)
    assert found.k_ab_events is None
    assert found.k_ab.unit == "1/h"


def test_snapshots_have_no_rate(snapshot):
    cs.tl.committor(snapshot, rng=0)
    with pytest.raises(ValueError, match="Snapshots fix no scale of time"):
        cs.tl.rates(snapshot)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"division": "mass"}, r"division='mass'.*division='random'"),
        ({"direction": "forward"}, "no backward committor.*direction='both'"),
    ],
)
def test_rates_of_other_committors_are_refused(cells, options, words):
    cs.tl.committor(cells, n_bootstrap=0, rng=0, **options)
    with pytest.raises(ValueError, match=words):
        cs.tl.rates(cells)


def test_rates_fill_ends_with_any_committor(cells):
    by_tracks = cs.tl.committor(cells, n_bootstrap=0, rng=0)
    one = cs.tl.rates(cells, rng=0)
    cs.tl.committor(cells, method="grid", flow=LAW)
    two = cs.tl.rates(cells, rng=0)
    assert by_tracks.decision_time.shape == (cells.n_obs,)
    # Four hours of track against 27 h of waiting: most of it is filled in.
    exact = systems.quadrature(LAW).k_ab
    for found in (one, two):
        assert found.k_ab.low < exact < found.k_ab.high
    assert two.k_ab_at_frames is not None


def test_visits_between_frames_are_told_apart(cells):
    cs.tl.committor(cells, between_frames=True, n_bootstrap=0, rng=0)
    found = cs.tl.rates(cells, rng=0)
    assert found.k_ab_at_frames is not None
    assert found.k_ab_at_frames.value != found.k_ab.value
    cs.tl.committor(cells, n_bootstrap=0, rng=0)
    assert cs.tl.rates(cells, rng=0).k_ab_at_frames is None


# Scans


def test_the_rate_does_not_depend_on_the_lag(cells):
    scan = cs.tl.scan_lags(cells, rng=0)
    assert scan.table["lag"].is_monotonic_increasing
    k = scan.table["k_ab"]
    assert k.max() / k.min() < 1.1
    one = cs.get.rate_scan(cells)
    pd.testing.assert_frame_equal(one.table, scan.table)


def test_wide_cores_are_crossed_more_often(cells):
    cs.tl.committor(cells, n_bootstrap=0, rng=0)
    scan = cs.tl.scan_cores(cells, [0.05, 0.4], rng=0)
    narrow, wide = scan.table["k_ab"]
    assert wide > 1.2 * narrow
    with pytest.raises(ValueError, match=r"between 0 and 0.5; found \[0.7\]"):
        cs.tl.scan_cores(cells, [0.7])


# Times and fates


def test_mean_times_by_tracks_and_by_grid_agree(cells):
    by_tracks = cs.tl.mfpt(cells, n_bootstrap=10, rng=0)
    by_grid = cs.tl.mfpt(cells, flow=LAW, key_added="exact")
    left = cells.obsm["X_state"][:, 0] < -0.5
    se = by_tracks.standard_error[left].mean()
    difference = by_tracks.mean[left].mean() - by_grid.mean[left].mean()
    assert abs(difference) < 4 * se
    assert cells.obs["mfpt"].to_numpy() == pytest.approx(by_tracks.mean)
    exact = systems.quadrature(LAW).passage_time(cells.obsm["X_state"][left])
    np.testing.assert_allclose(by_grid.mean[left], exact, rtol=0.02)


def test_two_fates_are_the_committor(cells):
    rules = {"left": "state == 'A'", "right": "state == 'B'"}
    about = {"penalty": 1.0, "folds": 0, "n_bootstrap": 0, "rng": 0}
    fates = cs.tl.fate_probabilities(cells, rules, **about)
    q = cs.tl.committor(cells, **about)
    np.testing.assert_allclose(fates.probability[:, 1], q.forward, atol=1e-6)
    assert fates.names == ("left", "right")
    assert cells.obs["fate_entropy"].max() <= 1


def test_fates_by_column_and_by_transitions(cells):
    ends = np.where(cells.obs["state"] == "other", None, cells.obs["state"])
    cells.obs["end"] = pd.Categorical(ends)
    walk = np.zeros((cells.n_obs, cells.n_obs), dtype=np.float32)
    order = np.argsort(cells.obsm["X_state"][:, 0])
    walk[order[1:-1], order[2:]] = walk[order[1:-1], order[:-2]] = 0.5
    walk[order[[0, -1]], order[[0, -1]]] = 1
    cells.obsp["walk"] = walk
    found = cs.tl.fate_probabilities(cells, "end", transitions="walk")
    # Step by step through the cells in order: linear in the rank.
    rank = np.argsort(order)
    a, b = (rank[cells.obs["state"] == s] for s in "AB")
    free = (cells.obs["state"] == "other").to_numpy()
    want = (rank[free] - a.max()) / (b.min() - a.max())
    np.testing.assert_allclose(found.probability[free, 1], want, atol=1e-6)
    with pytest.raises(KeyError, match=re.escape("adata.obsp['kernel']")):
        cs.tl.fate_probabilities(cells, "end", transitions="kernel")
