"""The benchmark runs at a small size."""

import importlib.util
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "benchmarks" / "kinetics_coverage.py"


def load():
    spec = importlib.util.spec_from_file_location("kinetics_coverage", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_intervals_are_judged():
    tables = load().main(["--small"])
    rates = tables["rates"]
    assert set(rates["rate"]) >= {"k_ab", "k_ba_events", "k_ab_at_frames"}
    assert (rates["cover %"] >= 40).all()
    assert np.isfinite(rates["width"]).all()
    assert len(tables["committor"]) == 16
