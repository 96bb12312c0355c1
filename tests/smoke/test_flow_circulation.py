"""The benchmark runs at a small size."""

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[1] / "benchmarks" / "flow_circulation.py"


def load():
    spec = importlib.util.spec_from_file_location("flow_circulation", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_share_is_found_and_refused():
    tables = load().main(["--small"])
    found = tables["tracks"].set_index(["c", "of"])
    assert abs(found.loc[(0.5, "share"), "mean"] - 0.2) < 0.1
    assert found.loc[(0.5, "share"), "rejected %"] == 100
    assert found.loc[(0.0, "share"), "mean"] < 0.05
    assert found.loc[(0.0, "share"), "cover %"] >= 50
    answers = tables["snapshots"]["answer"].tolist()
    assert answers == ["no", "None", "refused", "refused"]
