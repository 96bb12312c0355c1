"""Stochastic differential equations: steps along tracks, paths, noise, residuals."""

from cellstate.sde._law import Law
from cellstate.sde._lineages import SimulatedCells, simulate_cells
from cellstate.sde._particles import Particles, carried, propagate_particles
from cellstate.sde._paths import simulate_paths
from cellstate.sde._push import push
from cellstate.sde._steps import Steps, track_steps

__all__ = [
    "Law",
    "Particles",
    "SimulatedCells",
    "Steps",
    "carried",
    "propagate_particles",
    "push",
    "simulate_cells",
    "simulate_paths",
    "track_steps",
]
