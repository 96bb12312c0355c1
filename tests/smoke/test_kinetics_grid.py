"""The benchmark of the grid runs at a small size, and its errors are small."""

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[1] / "benchmarks" / "kinetics_grid.py"


def test_grids_and_paths_agree_with_what_is_exact():
    spec = importlib.util.spec_from_file_location("kinetics_grid", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tables = module.main(["--small"])
    assert (tables["line"]["max error q"] < 1e-5).all()
    assert (tables["plane"]["max error q"] < 0.01).all()
    assert (tables["plane"]["nu %"].abs() < 1).all()
    assert (tables["space"]["max error q"] < 0.05).all()
    assert (tables["swarms"]["mean z"].abs() < 1).all()
