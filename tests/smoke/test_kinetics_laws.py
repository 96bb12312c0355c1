"""The benchmark runs at a small size."""

import importlib.util
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "benchmarks" / "kinetics_laws.py"


def load():
    spec = importlib.util.spec_from_file_location("kinetics_laws", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_committors_without_detailed_balance_and_in_ten_dimensions():
    tables = load().main(["--small"])
    for name in ("circulating", "ten"):
        found = tables[name]
        assert (found["RMSE q"] < 0.15).all()
        assert (found["RMSE q"] < 0.3 * found["q = 1/2"]).all()
        assert np.isfinite(found["RMSE q-"]).all()
    # A reversible reading is wrong where probability circulates.
    well = tables["circulating"].iloc[0]
    assert well["RMSE q-"] < 0.6 * well["if 1 - q"]
