"""Cell-state trajectories and rare events from images.

>>> import cellstate as cs

`cs.io` reads movies, masks, tracks and tables; `cs.pp` measures and checks cells;
`cs.tl` learns the state space, committors, rates and events; `cs.pl` draws what is
stored; `cs.get` reads it back; `cs.datasets` ships and simulates data from the laws in
`cs.systems`, whose answers are known exactly; `cs.settings` is shared.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cellstate._base.settings import settings

if TYPE_CHECKING:
    from cellstate import datasets, get, io, pl, pp, systems, tl
    from cellstate._adata._schema import validate
    from cellstate._movie import Movie

__version__ = "0.5.0"
__all__ = [
    "Movie",
    "datasets",
    "get",
    "io",
    "pl",
    "pp",
    "settings",
    "systems",
    "tl",
    "validate",
]

# Looked up on first use, so that importing the package loads nothing heavy.
_MODULES = ("datasets", "get", "io", "pl", "pp", "systems", "tl")
_NAMES = {"Movie": "cellstate._movie", "validate": "cellstate._adata._schema"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"cellstate.{name}")
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'cellstate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
