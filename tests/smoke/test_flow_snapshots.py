"""The benchmark of snapshots runs at a small size; its rows hold what they say."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "flow_snapshots.py"
DATA = Path(os.environ.get("CELLSTATE_DATA", FILE.parents[3] / "shared" / "data"))
EB = DATA / "snapshots" / "eb_subset_2750.npz"


@pytest.fixture(scope="module")
def tables():
    if not EB.exists():
        pytest.skip(f"no {EB.name} in {EB.parent}")
    spec = importlib.util.spec_from_file_location("flow_snapshots", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main(["--small", "--only", "EB", "4i"])


def test_a_held_out_time_is_met_better_than_by_its_neighbours(tables):
    rows = tables["EB"].set_index("method")["mean"]
    ours = rows[["cellstate, fit_flow", "cellstate, interpolate"]]
    assert (ours < rows["previous snapshot"]).all()
    assert (ours < rows["next snapshot"]).all()
    along = rows[["cellstate, interpolate", "cellstate, follow paths"]]
    assert (along < rows["plan midpoint"]).all()


def test_the_peer_has_a_score_or_a_word(tables):
    last = tables["EB"].iloc[-1]
    assert "not installed" in last["method"] or np.isfinite(last["mean"])


def test_the_mass_of_the_drug_comes_back(tables):
    rows = tables["4i"].set_index("method")
    assert rows.loc["cellstate, fit_flow", "mass at 48 h"] == pytest.approx(
        0.751, rel=0.03
    )
    assert (
        rows.loc["cellstate, fit_flow", "W1"]
        < rows.loc["previous: test cells of 8 h", "W1"]
    )
