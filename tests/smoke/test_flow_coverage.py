"""The benchmark runs at a small size."""

import importlib.util
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "benchmarks" / "flow_coverage.py"


def load():
    spec = importlib.util.spec_from_file_location("flow_coverage", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_intervals_are_judged():
    found = load().main(["--small"])["coverage"]
    assert len(found) == 8
    assert (found["cover %"] > 60).all()
    assert np.isfinite(found[["bias", "SD", "error", "+-"]]).all(axis=None)
    # No drift at all scores 1.
    assert (found["NRMSE"] < 0.5).all()
    noisy = found["noise"] == "yes"
    assert (found.loc[noisy, "noise seen %"] == 100).all()
    assert (found.loc[~noisy, "noise seen %"] < 50).all()
