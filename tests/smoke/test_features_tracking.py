"""The benchmark of segmentation and tracking runs on a few frames."""

import importlib.util
import os
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "features_tracking.py"
DATA = Path(
    os.environ.get(
        "CELLSTATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)
MOVIE = DATA / "movies" / "hela_h2b_ctc02_movie"


@pytest.fixture
def module():
    spec = importlib.util.spec_from_file_location("features_tracking", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ours_is_above_the_baselines_and_the_reference_at_one(module, capsys):
    if not MOVIE.is_dir():
        pytest.skip(f"needs {MOVIE}")
    pytest.importorskip("laptrack")
    table = module.main(["--data", str(DATA), "--frames", "3"])
    printed = capsys.readouterr().out
    assert "det. F1" in printed
    assert "goal 0.95" in printed
    assert "simulated, 40 frames" in printed
    field = table[table["area"] == "field"].set_index("method")
    ours, plain = field.loc[module.OURS], field.loc["Otsu + components"]
    assert ours["det. F1"] > 0.94
    assert ours["SEG"] > 0.88
    assert plain["SEG"] < 0.75 < ours["SEG"]
    assert (field.loc["reference masks", ["det. F1", "SEG", "DET"]] == 1).all()
    assert field.loc["reference masks", "anew link F1"] == 1
    whole = table[table["area"] == "frame"].set_index("method")
    assert whole.loc[module.OURS, "prec."] < ours["prec."]
    assert whole.loc[module.OURS, "recall"] == pytest.approx(ours["recall"], abs=0.01)


def test_the_movie_that_is_missing_is_named(module, tmp_path):
    with pytest.raises(SystemExit, match="--data"):
        module.main(["--data", str(tmp_path)])
