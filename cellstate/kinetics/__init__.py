"""Committors, rates and their validation; arrays in, frozen results out."""

from cellstate.kinetics._basis import SmoothBasis, smooth_basis
from cellstate.kinetics._calibration import Calibration, calibration
from cellstate.kinetics._committor import (
    CommittorModel,
    Moments,
    solve_committor,
    solve_horizon,
)
from cellstate.kinetics._fate import realised_fate
from cellstate.kinetics._fit import committor_from_tracks
from cellstate.kinetics._moments import sum_moments
from cellstate.kinetics._rates import Rates, estimate_rates, last_met
from cellstate.kinetics._result import REASONS, Committor
from cellstate.kinetics._stopping import Crossings, StoppedPairs, stopped_pairs

__all__ = [
    "REASONS",
    "Calibration",
    "Committor",
    "CommittorModel",
    "Crossings",
    "Moments",
    "Rates",
    "SmoothBasis",
    "StoppedPairs",
    "calibration",
    "committor_from_tracks",
    "estimate_rates",
    "last_met",
    "realised_fate",
    "smooth_basis",
    "solve_committor",
    "solve_horizon",
    "stopped_pairs",
    "sum_moments",
]
