"""The benchmark of fates runs at a small size and agrees with a dense solve."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "kinetics_fates.py"


@pytest.fixture
def benchmark():
    spec = importlib.util.spec_from_file_location("kinetics_fates", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_random_chains_against_a_dense_solve(benchmark):
    found = benchmark.main(["--small"])["random"]
    assert (found["difference, dense"] < 1e-8).all()
    assert (found["residual"] < 1e-8).all()


def test_peers_that_are_not_there_are_said_to_be_missing(benchmark):
    rows = benchmark.from_peers(Path("no.h5ad"), benchmark.sys.executable)
    assert isinstance(rows, str)
    assert rows == "not installed" or "no.h5ad" in rows
