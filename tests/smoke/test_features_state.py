"""The benchmarks of state from pixels and of shape modes run at a small size."""

import importlib.util
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
DATA = Path(os.environ.get("CELLSTATE_DATA", FOLDER.parents[2] / "shared" / "data"))
U373 = DATA / "contours" / "PhC-C2DH-U373.npz"


def benchmark(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_true_look_tells_more_than_its_area():
    words = ["--movies", "2", "--frames", "10", "--cells", "40", "--steps", "3"]
    words += ["--crops", "200", "--components", "2", "--looks", "alike"]
    with warnings.catch_warnings():
        # Whatever sklearn thinks of canonical correlations of so few cells.
        warnings.simplefilter("ignore")
        scores = benchmark("features_state").main([*words, "--threads", "1"])
    rows = scores.set_index("embedding")
    assert rows.loc["true look", "CC1 R2"] > 0.8
    assert rows.loc["true look", "CC1 R2"] > rows.loc["log area", "CC1 R2"]
    assert rows.loc["learned", "leak"] < 0.1
    assert rows.loc["nothing", "CC1 R2"] == 0
    assert np.isfinite(rows["q, taught"]).all()


def test_outlines_of_real_cells_are_explained_by_few_modes():
    if not U373.exists():
        pytest.skip(f"no {U373.name} in {U373.parent}")
    table = benchmark("features_shapes").main(["--sets", "PhC-C2DH-U373"])
    twelve = table[(table["modes"] == 12)]
    assert len(twelve) == 2
    assert (twelve["all"] >= 0.9).all()
    assert (twelve["held out"] > 0.88).all()
    ellipse = table[table["by"] == "an ellipse each"]["all"].iloc[0]
    assert (twelve["all"] > ellipse).all()
