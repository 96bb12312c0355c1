"""Committors, rates and currents of a known law of motion on a grid."""

from cellstate.kinetics._grid._error import GridError, grid_error
from cellstate.kinetics._grid._flow import Core, Flow, LabelledCore, core_from_cells
from cellstate.kinetics._grid._result import GridKinetics
from cellstate.kinetics._grid._solve import solve_on_grid
from cellstate.kinetics._grid._within import GridHorizons, solve_within

__all__ = [
    "Core",
    "Flow",
    "GridError",
    "GridHorizons",
    "GridKinetics",
    "LabelledCore",
    "core_from_cells",
    "grid_error",
    "solve_on_grid",
    "solve_within",
]
