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


@pytest.fixture(scope="module")
def reference():
    return benchmark("reference_systems").main(["--small"])


def test_two_routes_on_a_line_agree_to_a_millionth(reference):
    line = reference["line"]
    assert line["routes differ"].max() < 1e-6
    assert line["from stored"].max() < 1e-6
    horizons = reference["horizons"]
    assert horizons["routes differ"].max() < 1e-6
    assert horizons["from stored"].max() < 1e-5  # of the stored steps in time


def test_two_routes_in_the_plane_agree_within_the_stored_uncertainty(reference):
    assert (reference["plane"]["holds"] == "yes").all()
    decisions = reference["decisions"]
    assert decisions["routes differ"].max() < 0.01
    assert decisions["from stored"].max() < 0.01


def test_ramps_agree_with_simulation(reference):
    ramps = reference["bifurcations"]
    equations = ramps["se"].isna()
    gap = (ramps["first route"] - ramps["second route"]).abs()
    assert gap[equations].max() < 2e-4
    assert (gap / ramps["se"])[~equations].max() < 5
    assert ((ramps["first route"] / ramps["stored"]) - 1).abs().max() < 3e-3


def test_two_routes_of_chains_trees_and_colonies_agree(reference):
    others = reference["others"]
    drawn = others["quantity"].str.contains("mean|null")
    exact = others[~drawn]
    assert exact["routes differ"].max() < 1e-5
    assert others["from stored"].max() < 0.02  # some stored ones were simulated
    # Means over 2,000 simulations.
    assert others.loc[drawn, "routes differ"].max() < 0.25


def test_ensembles_follow_their_density(reference):
    # Twelve laws: the smallest p of twelve is below 1e-4 once in a thousand runs.
    assert reference["ensembles"]["p"].min() > 1e-4


def test_contours_come_back_from_the_picture(reference):
    columns = [c for c in reference["contours"] if c.startswith("RMSE")]
    assert reference["contours"][columns].to_numpy().max() < 0.004


def test_schemes_have_the_order_that_theory_gives(reference):
    orders = reference["orders"]
    off = (orders["measured"] - orders["theory"]).abs()
    assert (off < 0.15 + 4 * orders["se"]).all()
