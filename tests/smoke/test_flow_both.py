"""The benchmark runs at a small size."""

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[1] / "benchmarks" / "flow_both.py"


def load():
    spec = importlib.util.spec_from_file_location("flow_both", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_at_once_beat_tracks():
    found = load().main(["--small"])["errors"].set_index(["scene", "use"])
    for scene, form in (("well, stationary", "free"), ("choice, growing", "gradient")):
        error = found.loc[scene]["error, cells"]
        assert error[f"both, {form}"] < error[f"tracks, {form}"] < error["no drift"]
    # Snapshots alone cannot tell that the well circulates.
    assert (
        found.loc[("well, stationary", "snapshots told D, growth"), "error, cells"]
        > 0.7
    )
