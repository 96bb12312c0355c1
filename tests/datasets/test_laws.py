"""One function per law: usual options, stored answers, and what is refused."""

import inspect
import json

import numpy as np
import pytest

import cellstate as cs
from cellstate.datasets._cells._tables import simulate_tracks
from cellstate.datasets._laws import _bifurcations, _irreversible, _plane, _wells
from cellstate.datasets._laws._sampled import OPTIONS, usual_interval
from cellstate.systems._laws._decisions import BinaryChoice
from cellstate.systems._laws._wells import DoubleWell

MODULES = (_wells, _bifurcations, _plane, _irreversible)
LAWS = {
    name: function
    for module in MODULES
    for name, function in vars(module).items()
    if inspect.isfunction(function)
    and function.__module__ == module.__name__
    and not name.startswith("_")
}
NO_SETS = ("ornstein_uhlenbeck", "ramped_pitchfork")
# Stored reference values: A to B passages and rate per unit of time, tolerance.
STORED = {
    "double_well": (0.018769, 0.037537, 1e-4),
    "tilted_double_well": (4.6226e-3, 5.3357e-3, 1e-4),
    "rotated_double_well": (0.018769, 0.037537, 1e-4),
    "prinz": (0.190538, 0.515380, 1e-5),
    "pitchfork": (7.5451e-3, 1.50902e-2, 1e-4),
    "triple_well": (0.018917, 0.037835, 5e-3),
    "mueller_brown": (4.9143e-3, 5.0425e-3, 1e-3),
    "rugged_mueller": (4.6018e-3, 4.7262e-3, 1e-3),
    "maier_stein": (0.028982, 0.057963, 1e-2),
    "rotational_double_well": (0.037143, 0.074287, 1.5e-2),
}


def small(name, **options):
    return LAWS[name](**({"n_cells": 6, "n_frames": 5, "rng": 0} | options))


def test_every_law_is_there():
    assert len(LAWS) == 17


@pytest.mark.parametrize("name", LAWS)
def test_usual_options_give_a_valid_table_without_warnings(name):
    cells = small(name)
    cs.validate(cells)
    truth = cs.get.truth(cells)
    assert cells.var_names.tolist() == list(truth.axes)
    assert truth.frame_interval * truth.fastest_rate <= 0.2
    assert np.isfinite(cells.obsm["truth_drift"]).all()
    has_sets = name not in NO_SETS
    assert np.isfinite(truth.k_ab) == has_sets
    assert ("truth_set" in cells.obs) == has_sets


@pytest.mark.parametrize("name", STORED)
def test_rates_are_the_stored_ones(name):
    nu, rate, within = STORED[name]
    truth = cs.get.truth(small(name))
    assert truth.nu == pytest.approx(nu, rel=within)
    assert truth.k_ab == pytest.approx(rate, rel=within)


@pytest.mark.parametrize("name", LAWS)
def test_unknown_keywords_are_refused(name):
    with pytest.raises(TypeError, match=r"\['n_cell'\] are no options.*'swap_rate'"):
        LAWS[name](n_cell=3)


OWN = {
    "tilted_double_well": {"D": 0.3, "tilt": 0.1},
    "rotated_double_well": {"D": 0.3, "d": 4, "seed": 3},
    "pitchfork": {"D": 0.2, "mu": 1.2, "h": 0.1},
    "ramped_pitchfork": {
        "D": 0.02, "eps": 0.1, "h": 0.1, "r_start": -0.5, "r_stop": 0.5,
    },
    "saddle_node": {"D": 0.03, "h": 0.1},
    "rotational_double_well": {"D": 0.4, "circulation": 1.0},
    "binary_choice": {"D": 0.06, "p1": 0.1, "p2": 0.6},
    "ornstein_uhlenbeck": {"D": 0.3, "rate": 2.0, "rotation": 0.0, "d": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_own_parameters_reach_the_law(name):
    options = OWN[name]
    takes = set(inspect.signature(LAWS[name]).parameters)
    assert takes == {*options, "sampling"}
    truth = cs.get.truth(small(name, **options))
    assert json.loads(truth.parameters)["law"] == options
    assert np.diag(truth.diffusion) == pytest.approx([options["D"]] * len(truth.axes))


@pytest.mark.parametrize("name", ["double_well", "binary_choice", "maier_stein"])
def test_time_in_hours_stretches(name):
    """Twice the hours per unit: half the rates, the same cells."""
    interval = cs.get.truth(small(name)).frame_interval
    one = small(name, frame_interval=interval, noise=0.1)
    two = small(name, frame_interval=2 * interval, time_unit=2.0, noise=0.1)
    np.testing.assert_allclose(one.X, two.X, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.obsm["truth_drift"], 2 * two.obsm["truth_drift"])
    assert cs.get.truth(one).k_ab == pytest.approx(2 * cs.get.truth(two).k_ab)


def test_sampling_options_are_those_of_simulate_tracks():
    assert set(inspect.signature(simulate_tracks).parameters) == OPTIONS | {"system"}


@pytest.mark.parametrize(
    ("unit", "interval"), [(1.0, 0.02), (10.0, 0.2), (0.9, 0.02), (0.5, 0.01)]
)
def test_the_usual_interval_is_round_and_short_enough(unit, interval):
    assert usual_interval(DoubleWell(), unit) == interval
    with pytest.raises(ValueError, match="`time_unit`"):
        usual_interval(DoubleWell(), -unit)


def test_progenitors_start_in_a_and_choose_at_random():
    cells = LAWS["binary_choice"](D=0.1, n_cells=150, n_frames=1200, rng=1)
    truth = cs.get.truth(cells)
    first = cells.obs["frame"] == 0
    assert (cells.obs.loc[first, "truth_set"] == "A").all()
    arrived = cells.obs["truth_set"] == "B"
    left = cells.obsm["truth_state"][arrived, 0] < 0
    tracks = cells.obs.loc[arrived, "truth_track"].groupby(left).unique()
    chosen = np.array([len(t) for t in tracks])
    assert chosen.sum() > 20
    # On p1 = 0 the fates are alike.
    assert abs(chosen[0] / chosen.sum() - 0.5) < 4 * 0.5 / np.sqrt(chosen.sum())
    assert truth.source.startswith("within 0.3 of x = 0, y = -0.34")
    assert (truth.events["came_from"] == "A").all()


def test_a_landscape_without_progenitor_still_has_fates():
    cells = small("binary_choice", p2=-0.5)
    law = BinaryChoice(p2=-0.5)
    assert law.progenitor is None
    assert f"x = {law.fates[0][0]:g}" in cs.get.truth(cells).source


def test_beyond_the_fold_nothing_holds_a_cell():
    truth = cs.get.truth(small("saddle_node", h=0.5))
    assert truth.source == ""
    assert truth.number("fold") == pytest.approx(2 / (3 * np.sqrt(3)))


def test_a_biased_ramp_fills_the_right_side_as_the_sweep_law_says():
    cells = LAWS["ramped_pitchfork"](h=0.02, n_cells=600, frame_interval=0.08, rng=2)
    truth = cs.get.truth(cells)
    # The formula is of the linear law; Fokker-Planck gives .7133 as well.
    p = truth.number("chance_right")
    assert p == pytest.approx(0.7133, abs=5e-5)
    right = (truth.events["event"] == "right").mean()
    assert abs(right - p) < 4 * np.sqrt(p * (1 - p) / 600)
    assert cells.obs["time"].max() >= truth.number("duration") - 1e-9


def test_launched_cells_meet_both_sets():
    cells = LAWS["mueller_brown"](n_cells=60, n_frames=200, rng=3)
    assert {"A", "B", "other"} <= set(cells.obs["truth_set"])
    given = LAWS["mueller_brown"](start=[[-0.5, 1.4]], n_cells=1, n_frames=2, rng=0)
    assert given.obsm["truth_state"][0].tolist() == [-0.5, 1.4]
    again = LAWS["mueller_brown"](n_cells=60, n_frames=200, rng=3)
    assert np.array_equal(cells.X, again.X)


def test_exact_numbers_of_laws_out_of_equilibrium():
    """Stored: 2.57655 (c = .5, p2 = 1, D = .1); 2 w^2 / k for Ornstein-Uhlenbeck."""
    landscape = cs.get.truth(small("nonequilibrium_landscape"))
    assert landscape.number("entropy_production") == pytest.approx(2.57655, rel=1e-4)
    turning = cs.get.truth(small("ornstein_uhlenbeck", rotation=2.0, rate=0.5))
    assert turning.number("entropy_production") == pytest.approx(16.0)
    slow = cs.get.truth(
        small("ornstein_uhlenbeck", rotation=2.0, rate=0.5, time_unit=4.0)
    )
    assert slow.number("entropy_production") == pytest.approx(4.0)


def test_cells_of_an_ou_law_have_its_variance():
    cells = LAWS["ornstein_uhlenbeck"](D=2.0, rate=0.5, n_cells=2000, n_frames=2, rng=4)
    variance = cells.obsm["truth_state"][cells.obs["frame"] == 1].var(axis=0)
    assert variance == pytest.approx([4.0, 4.0], rel=4 * np.sqrt(2 / 2000))
