"""The benchmark runs at a small size."""

import importlib.util
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "benchmarks" / "flow_tracks.py"


def load():
    spec = importlib.util.spec_from_file_location("flow_tracks", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_fits_beat_plain_regression_and_peers_answer():
    tables = load().main(["--small"])
    drift = tables["drift"].set_index(["dt l", "noise"])
    assert (drift["zero drift"] == 1).all()
    assert (drift["cellstate"] < drift["least squares"]).all()
    # Long frames and noise are corrected for; plain regression is off by a quarter.
    assert drift.loc[(0.5, 0.0), "cellstate"] < 0.1
    assert tables["D"].set_index(["dt l", "noise"]).loc[(0.1, 0.0), "cellstate"] < 0.1
    seconds = tables["seconds"].set_index("method")
    assert seconds.loc["cellstate", "fits"] == 8
    peer = seconds.loc["linear"]
    assert peer["why"] == "not installed" or peer["fits"] == 8
    if peer["fits"]:
        assert np.isfinite(drift["ratio"]).all()


def test_law_of_a_trap_comes_back_from_its_track():
    made = load()
    law, rng = np.array([1.0, 0.5, 2.0]), np.random.default_rng(0)
    x = made.trap_tracks(law, 0.5, 5e-4, 0.02, 100, 600, rng)
    found, diffusion, noise = made.nearest_trap(x, 0.02)
    # 1,200 h: standard errors about 0.15, 0.05 and 0.25.
    assert np.allclose(found, law, atol=(0.5, 0.2, 0.9))
    assert abs(diffusion - 0.5) < 0.02
    assert abs(noise - 5e-4) < 2e-4


def test_gain_is_largest_for_the_drift_itself():
    made = load()
    law, rng = np.array([1.0, 0.5, 2.0]), np.random.default_rng(1)
    x = made.trap_tracks(law, 0.5, 0.0, made.FILE_DT, 50, 500, rng)
    drift = made.trap(x[:-2], law)
    most = made.gain(drift, x)
    assert most > made.gain(0.5 * drift, x) > 0
    assert made.gain(-drift, x) < 0
