"""The benchmark of snapshot committors runs at a small size and beats its baselines."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "kinetics_snapshots.py"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("kinetics_snapshots", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main(["--small", "--only", "triple well", "drift"])


def rmse(table, method, column="RMSE q"):
    return table.loc[table["method"] == method, column].to_numpy()


def test_the_graph_beats_the_baselines(tables):
    found = tables["triple well"]
    ours = rmse(found, "graph")
    # A thousand cells: 0.018 +- 0.004 over eight seeds.
    assert (ours < 0.04).all()
    assert (rmse(found, "distances") > 2 * ours).all()
    assert (rmse(found, "constant") > 5 * ours).all()
    row = found[found["method"] == "graph"].iloc[0]
    assert row["no value"] == 0
    assert row["seconds"] > 0
    assert 50 < row["peak MB"] < 3000


def test_the_peer_has_a_score_or_a_word(tables):
    peer = tables["triple well"].set_index("method").loc["CellRank"]
    assert peer["outcome"] == "not installed" or np.isfinite(peer["RMSE q"])


def test_a_drift_that_is_told_counts(tables):
    found = tables["drift"]
    for column in ("RMSE q", "RMSE q-"):
        told, alone = (rmse(found, m, column) for m in ("graph, drift told", "graph"))
        assert (told < 0.05).all()
        assert (alone > told).all()
