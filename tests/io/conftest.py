"""Damage files: `survives` and `contents` of ``_mutate.py`` as fixtures."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

_spec = spec_from_file_location(
    "cellstate_damaged_files", Path(__file__).with_name("_mutate.py")
)
_mutate = module_from_spec(_spec)
_spec.loader.exec_module(_mutate)


@pytest.fixture(scope="session")
def survives():
    return _mutate.survives


@pytest.fixture(scope="session")
def contents():
    return _mutate.contents
