"""States of an AnnData: cores, hysteresis, dwell, and what is said when none is left.

Rules, keeps and stays along one track are checked by hand; of a measured noise by
what the exact law forbids.
"""

import re

import numpy as np
import pytest

import cellstate as cs
from cellstate._base.errors import StaleResultError


def fails(*parts):
    pattern = "".join(f"(?=.*{re.escape(part)})" for part in parts)
    return pytest.raises(ValueError, match=f"(?s){pattern}")


@pytest.fixture
def one_track(bare):
    """One cell, half an hour from frame to frame."""

    def made(*x, frame=None):
        frame = np.arange(len(x)) if frame is None else np.asarray(frame)
        adata = bare(np.array(x, float), np.ones(len(x), int), frame)
        adata.obs["x"] = np.array(x, float)
        return adata

    return made


def letters(adata):
    return "".join(s[0] for s in adata.obs["state"].astype(str))


# Hysteresis


def test_a_cell_stays_until_the_loose_rule_fails(one_track):
    adata = one_track(0, 1.5, 0.5, 2.5, 1.5, 4, 5.5, 4.5, 3.5, 4.5)
    rules = {"source": "x < 1", "target": "x > 5"}
    cs.tl.define_states(adata, **rules)
    assert letters(adata) == "AoAoooBooo"
    states = cs.tl.define_states(
        adata, **rules, source_keep="x < 2", target_keep="x > 4"
    )
    # 1.5 in frame 4 and 4.5 in frame 9 come from outside: no stay to keep.
    assert letters(adata) == "AAAoooBBoo"
    assert (states.source_keep, states.target_keep) == ("x < 2", "x > 4")
    assert (states.n_source, states.n_target) == (3, 2)
    # Without hysteresis A is entered again in frame 2.
    assert states.n_entries_source[0] == 0
    assert cs.tl.define_states(adata, **rules).n_entries_source[0] == 1


def test_a_keep_that_is_the_rule_itself_changes_nothing(walkers):
    rules = {"source": "x < -2", "target": "x > 2"}
    plain = cs.tl.define_states(walkers, **rules)
    before = walkers.obs["state"].copy()
    kept = cs.tl.define_states(
        walkers, **rules, source_keep="x < -2", target_keep="x > 2"
    )
    assert before.equals(walkers.obs["state"])
    np.testing.assert_array_equal(plain.n_entries_target, kept.n_entries_target)


def test_daughters_inherit_a_stay_that_ends_at_a_gap(bare):
    # Mother 1 in frames 0-1, daughters 2 and 3 from frame 2; 3 is missed in frame 3.
    track = [1, 1, 2, 2, 2, 3, 3, 3]
    frame = [0, 1, 2, 3, 4, 2, 4, 5]
    adata = bare(np.zeros(8), track, frame)
    adata.obs["parent_track"] = [-1, -1, 1, 1, 1, 1, 1, 1]
    adata.obs["x"] = [9, 0, 1, 1, 0, 1, 1, 9]
    adata.obs["y"] = [0, 6, 4, 4, 1, 4, 4, 0]
    cs.tl.define_states(adata, source="x == 9", target="y > 5", target_keep="y > 3")
    assert letters(adata) == "ABBBoBoA"


def test_states_do_not_depend_on_the_order_of_the_rows(walkers, rng_order):
    rules = {"source": "x < -2", "target": "x > 2", "source_keep": "x < 0"}
    rules |= {"target_keep": "x > 0", "min_dwell": 1.0}
    states = cs.tl.define_states(walkers, **rules)
    shuffled = walkers[rng_order(walkers.n_obs)].copy()
    again = cs.tl.define_states(shuffled, **rules)
    expected = walkers.obs["state"].loc[shuffled.obs_names].astype(str)
    assert (shuffled.obs["state"].astype(str) == expected).all()
    np.testing.assert_array_equal(again.n_entries_source, states.n_entries_source)


def test_rules_for_staying_may_not_meet(one_track):
    adata = one_track(0, 3, 6)
    with fails("(x < 1)", "(x > 2)", "share 1 cells", "tighten the rules for staying"):
        cs.tl.define_states(adata, source="x < 1", source_keep="x < 5", target="x > 2")
    assert "state" not in adata.obs


# Dwell


def test_short_stays_become_other_and_cut_off_ones_are_kept(one_track):
    #                 cut  long        short    long           cut
    adata = one_track(9, 0, 0, 0, 1, 9, 9, 1, 9, 9, 9, 1, 0)
    states = cs.tl.define_states(adata, source="x < 1", target="x > 8", min_dwell=1.0)
    assert letters(adata) == "BAAAooooBBBoA"
    assert (states.n_short_source, states.n_short_target) == (0, 2)
    assert (states.n_cut_off_source, states.n_cut_off_target) == (1, 1)
    assert (states.n_source, states.n_target) == (4, 4)
    # Entries that last 0, 1, 2, 3 frames: the one cut off lasts for all we know.
    np.testing.assert_array_equal(states.dwell_frames[:4], [0, 1, 2, 3])
    np.testing.assert_array_equal(states.n_entries_source[:4], [2, 2, 2, 1])
    np.testing.assert_array_equal(states.n_entries_target[:4], [2, 2, 1, 0])


def test_a_dwell_between_two_frames_asks_for_the_next(walkers):
    rules = {"source": "x < -2", "target": "x > 2"}
    sizes = [
        cs.tl.define_states(walkers, **rules, min_dwell=hours).n_target
        for hours in (0.0, 0.5, 0.6, 1.0)
    ]
    assert sizes[0] > sizes[1] > sizes[2] == sizes[3]


def test_entries_are_those_that_a_dwell_would_leave(walkers):
    rules = {"source": "x < -2", "target": "x > 2"}
    counts = cs.tl.define_states(walkers, **rules).n_entries_target
    for frames in (1, 3):
        cs.tl.define_states(walkers, **rules, min_dwell=0.5 * frames)
        table = walkers.obs.sort_values(["track", "frame"])
        in_b = table["state"] == "B"
        first = table["frame"] == 0
        entered = in_b & ~in_b.shift(fill_value=False) & ~first
        assert entered.sum() == counts[frames]


def test_dwell_leaves_divisions_alone(dividers):
    plain = cs.tl.define_states(dividers, target="division", source="none")
    long = cs.tl.define_states(
        dividers, target="division", source="none", min_dwell=5.0
    )
    assert plain.n_target == long.n_target == 20
    assert long.n_short_target == 0


def test_of_measurement_noise_cores_and_dwell_leave_the_true_passages():
    cells = cs.datasets.double_well(n_cells=60, n_frames=600, noise=0.4, rng=1)
    cells.obs["x"] = cells.X[:, 0]

    def passages(column="state"):
        met = cells.obs[cells.obs[column].isin(["A", "B"])]
        now = met[column].astype(str)
        before = now.groupby(met["track"]).shift()
        return int(((now == "B") & (before == "A")).sum())

    true = passages("truth_set")
    assert true > 5
    cs.tl.define_states(cells, source="x < -0.1", target="x > 0.1")
    assert passages() > 20 * true
    wells = {"source": "x < -0.8", "target": "x > 0.8"}
    narrow = cs.tl.define_states(cells, **wells)
    stays = {"source_keep": "x < 0", "target_keep": "x >= 0", "min_dwell": 0.1}
    states = cs.tl.define_states(cells, **wells, **stays)
    assert abs(passages() - true) <= 2
    # Flicker is to be seen in the entries: nearly all of them last a frame or two.
    fall = narrow.n_entries_target[5] / narrow.n_entries_target[0]
    flat = states.n_entries_target[5] / states.n_entries_target[0]
    assert flat > 2 * fall


# Cores


def two_heaps(bare, sizes=(900, 500), distance=6.0):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(sum(sizes), 2))
    x[sizes[0] :, 0] += distance
    adata = bare(x, np.arange(len(x)), np.zeros(len(x), int))
    adata.obs["x"] = x[:, 0]
    return adata


def test_density_of_both_is_one_core_for_each_mode(bare):
    adata = two_heaps(bare)
    states = cs.tl.define_states(
        adata, source="density", target="density", core_fraction=0.4
    )
    x, state = adata.obs["x"], adata.obs["state"]
    assert "larger of two modes" in states.source_rule
    assert "smaller of two modes" in states.target_rule
    assert states.n_source == pytest.approx(0.4 * 900, rel=0.05)
    assert states.n_target == pytest.approx(0.4 * 500, rel=0.05)
    # The densest 40 % of two normal coordinates: within sqrt(-2 log .6) = 1.01.
    for name, centre in (("A", 0.0), ("B", 6.0)):
        inside = adata.obsm["X_state"][state == name] - [centre, 0]
        assert np.quantile(np.linalg.norm(inside, axis=1), 0.9) < 1.5
    assert x[state == "A"].max() < x[state == "B"].min()


def test_density_of_one_mode_cannot_be_both(bare):
    adata = two_heaps(bare, distance=0.0)
    with fails("need two modes; found one", "1400 cells", "Give one of them"):
        cs.tl.define_states(adata, source="density", target="density")
    assert "state" not in adata.obs


def test_a_density_target_leaves_out_the_source(bare):
    adata = two_heaps(bare)
    states = cs.tl.define_states(
        adata, source="x < 3", target="density", core_fraction=0.4
    )
    x, state = adata.obs["x"], adata.obs["state"]
    assert states.n_target == pytest.approx(0.4 * (x >= 3).sum(), abs=2)
    assert (x[state == "B"] - 6).abs().quantile(0.9) < 1.5


def test_a_core_of_the_committor_makes_that_committor_stale(walkers_ab):
    q = cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0).forward.copy()
    states = cs.tl.define_states(
        walkers_ab, source="committor < 0.3", target="committor > 0.7"
    )
    state = walkers_ab.obs["state"]
    np.testing.assert_array_equal(state == "A", q < 0.3)
    np.testing.assert_array_equal(state == "B", q > 0.7)
    assert states.target_rule == "committor > 0.7"
    assert (walkers_ab.obs["x"][state == "A"] > -3).any()  # wider than before
    with pytest.raises(StaleResultError, match="another 'state'"):
        cs.tl.rates(walkers_ab)
    again = cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0).forward
    assert (again[state == "A"] == 0).all()
    assert (again[state == "B"] == 1).all()


def test_macrostates_by_name_and_certainty(walkers):
    x = walkers.obs["x"]
    walkers.obs["macrostate"] = np.where(x < 0, "m1", "m2")
    walkers.obs["macrostate"] = walkers.obs["macrostate"].astype("category")
    walkers.obs.loc[x == 0, "macrostate"] = np.nan
    walkers.obs["macrostate_certainty"] = x.abs() / 3
    cs.tl.define_states(
        walkers,
        source="macrostate == 'm1' and macrostate_certainty > 0.9",
        target="macrostate == 'm2' and macrostate_certainty > 0.9",
        source_keep="macrostate == 'm1'",
    )
    assert (walkers.obs["state"][x == 3] == "B").all()
    assert (walkers.obs["state"][x == -3] == "A").all()
    assert (walkers.obs["state"][x >= 0] != "A").all()
    assert (walkers.obs["state"][x == -1] == "A").any()


@pytest.mark.parametrize(
    ("rule", "call"),
    [
        ("committor > 0.9", "cs.tl.committor(adata)"),
        ("macrostate == 'm2'", "cs.tl.macrostates(adata)"),
        ("truth_set == 'B'", "cs.datasets.attach_truth(adata, film)"),
    ],
)
def test_a_column_that_is_not_there_yet_names_its_call(walkers, rule, call):
    with fails(rule, f"Run {call} first"):
        cs.tl.define_states(walkers, source="x < 0", target=rule)


# What is refused


def test_an_empty_core_is_told_step_by_step(one_track):
    adata = one_track(9, 0, 2, 3, 9, 9, 0, 9)
    rules = {"source": "x < 1", "source_keep": "x < 3", "target": "x > 8"}
    with fails(
        "`source` is empty: x < 1 holds 2 cells",
        "3 with source_keep='x < 3'",
        "0 after the minimum dwell of 1 h",
        "Lower min_dwell",
    ):
        cs.tl.define_states(adata, **rules, min_dwell=1.0)
    assert "state" not in adata.obs
    assert cs.tl.define_states(adata, **rules, min_dwell=0.5).n_source == 2


@pytest.mark.parametrize("hours", [-1, np.nan, np.inf])
def test_a_dwell_that_is_no_time(walkers, hours):
    with fails("`min_dwell` must be a number of hours, 0 or more", repr(hours)):
        cs.tl.define_states(walkers, source="x < 0", target="x > 2", min_dwell=hours)


def test_keeps_without_anything_to_keep(walkers, dividers):
    with fails("source='none'", "source_keep='x < 0'", "Leave it out"):
        cs.tl.define_states(walkers, source="none", source_keep="x < 0", target="x > 2")
    with fails("target='division' lasts n_frames frames", "target_keep='x > 1'"):
        cs.tl.define_states(dividers, target="division", target_keep="x > 1")


@pytest.mark.parametrize("role", ["source_keep", "target_keep"])
def test_a_bad_keep_names_itself(walkers, role):
    with fails(f"`{role}`='size > 3'", "columns are", "'x'"):
        cs.tl.define_states(
            walkers, source="x < 0", target="x > 0", **{role: "size > 3"}
        )


def test_states_survive_a_file(walkers, tmp_path):
    states = cs.tl.define_states(
        walkers, source="x < -2", target="x > 2", source_keep="x < -1", min_dwell=1.0
    )
    cs.io.write(walkers, tmp_path / "cells.h5ad")
    again = cs.get.states(cs.io.read(tmp_path / "cells.h5ad"))
    for name, value in vars(states).items():
        np.testing.assert_array_equal(getattr(again, name), value)
