"""The benchmark of fates runs at a small size and agrees with a dense solve."""

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[1] / "benchmarks" / "kinetics_fates.py"


def test_random_chains_against_a_dense_solve():
    spec = importlib.util.spec_from_file_location("kinetics_fates", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.main(["--small"])["random"]
    assert (found["difference, dense"] < 1e-8).all()
    assert (found["residual"] < 1e-8).all()
