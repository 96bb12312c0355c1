"""The benchmark of streamed features runs at a small size, and its rows agree."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "features_scale.py"


@pytest.fixture
def module():
    spec = importlib.util.spec_from_file_location("features_scale", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rows_agree_and_are_counted(module, tmp_path, capsys):
    table = module.main(["--frames", "3", "--cells", "30", "--folder", str(tmp_path)])
    assert "speed-up" in capsys.readouterr().out
    assert table["bits"].nunique() == 1
    assert table["cell-frames"].nunique() == 1
    assert table["cell-frames"].iloc[0] > 3 * 20
    assert table["GB"].between(0.05, 1.5).all()
    assert (table["workers' CPU s"] > 0).tolist() == [False, True, True, True]
    for workers in (1, 2):
        assert len(list(tmp_path.glob(f"blocks_of_{workers}/movie-*/*-*"))) == 3


def test_values_that_differ_are_told(module, tmp_path, monkeypatch):
    rows = iter(["a", "b", "a", "a"])
    numbers = dict.fromkeys(["cell-frames", "wall s", "alone s", "GB"], 1.0)
    monkeypatch.setattr(module, "watched", lambda words: numbers | {"bits": next(rows)})
    with pytest.raises(SystemExit, match="differ in their values"):
        module.main(["--frames", "1", "--cells", "9", "--folder", str(tmp_path)])
