"""The benchmark runs at a small size."""

import importlib.util
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "benchmarks" / "kinetics_tracks.py"


def load():
    spec = importlib.util.spec_from_file_location("kinetics_tracks", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tracks_beat_the_baselines():
    tables = load().main(["--small"])
    exact = tables["exact"].iloc[0]
    assert exact["residual"] < 1e-8
    # Frames hide passages.
    assert 0.95 < exact["at frames"] / exact["continuous"] < 1
    found = tables["tracks"]

    def row(tracks, method, lag=None):
        rows = (found["tracks"] == tracks) & (found["method"] == method)
        rows &= True if lag is None else found["lag"] == lag
        return found[rows].iloc[0]

    for tracks in ("whole", "cut", "in A"):
        ours = row(tracks, "cellstate, between frames", 1)
        assert ours["RMSE q"] < 0.1
        assert ours["RMSE q"] < 0.3 * row(tracks, "q = 1/2")["RMSE q"]
        assert 0.4 < ours["k_AB"] / exact["continuous"] < 2
    peer = row("whole", "deeptime", 1)
    assert np.isfinite(peer["RMSE q"]) or peer["outcome"] == "not installed"
