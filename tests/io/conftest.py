"""``_mutate.py`` (damaged files) and ``_samples.py`` (whole ones) as fixtures."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest


def _beside(name):
    spec = spec_from_file_location(
        f"cellstate_io_{name}", Path(__file__).with_name(f"_{name}.py")
    )
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_mutate, _samples = _beside("mutate"), _beside("samples")


@pytest.fixture(scope="session")
def survives():
    return _mutate.survives


@pytest.fixture(scope="session")
def survives_tables():
    return _mutate.survives_tables


@pytest.fixture(scope="session")
def contents():
    return _mutate.contents


@pytest.fixture(scope="session")
def samples():
    return _samples
