"""The benchmark runs at a small size."""

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[1] / "benchmarks" / "flow_neural.py"


def load():
    spec = importlib.util.spec_from_file_location("flow_neural", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_networks_do_no_worse_than_the_regression():
    found = load().main(["--small"])["neural"].set_index("method")
    assert found.loc["neural", "worst ratio"] < 1.2
    assert found.loc["regression", "error"] < found.loc["zero drift", "error"]
    assert (
        found.loc["neural, from linear", "error"]
        < 1.2 * found.loc["linear fit", "error"]
    )
