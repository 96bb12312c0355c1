"""The same small movie as the figures are tested on."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_where = Path(__file__).parents[1] / "pl" / "conftest.py"
_spec = spec_from_file_location("cellstate_example_for_reports", _where)
_shared = module_from_spec(_spec)
_spec.loader.exec_module(_shared)

example, adata, movie = _shared.example, _shared.adata, _shared.movie
one_cell = _shared.one_cell
