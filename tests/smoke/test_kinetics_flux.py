"""The benchmark of reactive flux runs, and its scores beat its baselines."""

from importlib import util
from pathlib import Path

HERE = Path(__file__).parents[1] / "benchmarks" / "kinetics_flux.py"


def test_the_benchmark_runs_and_beats_its_baselines(capsys):
    spec = util.spec_from_file_location("kinetics_flux", HERE)
    benchmark = util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    tables = benchmark.main(["--small"])
    current = tables["current"].set_index("method")
    assert current["error"]["cellstate"] < current["error"]["straight way"]
    assert current["cosine"]["cellstate"] > current["cosine"]["what tracks did"]
    assert tables["channels"]["channels"].tolist() == [1]
    assert tables["nu"]["worth"][0] > 5
    assert "cosine" in capsys.readouterr().out
