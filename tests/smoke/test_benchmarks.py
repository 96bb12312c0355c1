"""Every benchmark runs at a small size and prints a table that makes sense."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def benchmark(name: str):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hela_divisions_beats_always_saying_the_base_rate(capsys):
    words = ["--crop", "--seeds", "1", "--folds", "3", "--horizons", "0.5"]
    words += ["--learn-from", "shipped"]
    scores = benchmark("hela_divisions").main(words)
    printed = capsys.readouterr().out
    assert "AUROC" in printed
    assert "excluded" in printed
    ours = scores[
        (scores["method"] == "committor") & (scores["judged by"] == "shipped")
    ]
    assert len(ours) == 1
    row = ours.iloc[0]
    assert row["dividing"] == 27
    assert row["cells"] + row["excluded"] == 1721
    assert row["Brier"] < row["Brier base"]
    # The standard error of an AUROC of .9 with 27 positives is about .04.
    assert row["AUROC"] > 0.8
    assert np.isfinite(row["slope"])


def test_hela_divisions_says_where_it_sought_the_movie(tmp_path):
    with pytest.raises(SystemExit, match="--data"):
        benchmark("hela_divisions").main(["--data", str(tmp_path)])


def test_features_speed_prints_both(capsys):
    benchmark("features_speed").main(["--cells", "50", "--repeats", "1"])
    assert "regionprops" in capsys.readouterr().out
