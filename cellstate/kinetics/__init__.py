"""Committors, rates and their validation; arrays in, frozen results out."""

from cellstate.kinetics._basis import SmoothBasis, smooth_basis
from cellstate.kinetics._calibration import Calibration, calibration
from cellstate.kinetics._committor import (
    CommittorModel,
    Moments,
    fold_moments,
    solve_committor,
    solve_horizon,
)
from cellstate.kinetics._fate import realised_fate
from cellstate.kinetics._fit import committor_from_tracks
from cellstate.kinetics._rates import Rates, estimate_rates, last_met
from cellstate.kinetics._result import REASONS, Committor
from cellstate.kinetics._stopping import StoppedPairs, stopped_pairs

__all__ = [
    "REASONS",
    "Calibration",
    "Committor",
    "CommittorModel",
    "Moments",
    "Rates",
    "SmoothBasis",
    "StoppedPairs",
    "calibration",
    "committor_from_tracks",
    "estimate_rates",
    "fold_moments",
    "last_met",
    "realised_fate",
    "smooth_basis",
    "solve_committor",
    "solve_horizon",
    "stopped_pairs",
]
