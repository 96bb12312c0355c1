"""Committors, rates and their validation; arrays in, frozen results out."""

from cellstate.kinetics._calibration import Calibration, calibration
from cellstate.kinetics._calibration_intervals import bins_of_equal_counts
from cellstate.kinetics._censoring import WeightedFates, weighted_fates
from cellstate.kinetics._chain import (
    ChainFlux,
    Macrostates,
    MarkovChain,
    absorption_probabilities,
    chain_committor,
    chain_flux,
    count_transitions,
    dominant_pathways,
    estimate_chain,
    implied_timescales,
    macrostates_from_tracks,
    mean_passage_times,
)
from cellstate.kinetics._committor import (
    CommittorModel,
    Moments,
    solve_committor,
    solve_horizon,
)
from cellstate.kinetics._cores import (
    Stays,
    entries_by_dwell,
    hysteresis,
    minimum_dwell,
    stays,
)
from cellstate.kinetics._crossings import hidden_crossings, increment_diffusion
from cellstate.kinetics._density_cores import densest, density_modes
from cellstate.kinetics._fate import FatePaths, fate_paths, realised_fate
from cellstate.kinetics._fates import (
    FateProbabilities,
    entropy_bits,
    fates_from_tracks,
    fates_from_transitions,
)
from cellstate.kinetics._fit import DIRECTIONS, committor_from_tracks
from cellstate.kinetics._flux import (
    ReactiveCurrent,
    ReactiveFlux,
    ReactiveSegments,
    ReactiveSteps,
    reactive_current,
    reactive_flux,
    reactive_segments,
    reactive_steps,
)
from cellstate.kinetics._graph import committor_on_graph, intrinsic_dimension
from cellstate.kinetics._grid import (
    Core,
    Flow,
    GridError,
    GridHorizons,
    GridKinetics,
    core_from_cells,
    grid_error,
    solve_on_grid,
    solve_within,
)
from cellstate.kinetics._moments import sum_moments
from cellstate.kinetics._passage_times import (
    PassageTimes,
    passage_times_from_tracks,
    passage_times_on_grid,
)
from cellstate.kinetics._passages import last_met
from cellstate.kinetics._rate_intervals import poisson_rate
from cellstate.kinetics._rates import Rates, estimate_rates, rates_on_grid
from cellstate.kinetics._result import REASONS, Committor, committor_interval
from cellstate.kinetics._scan import RateScan, scan_cores, scan_lags
from cellstate.kinetics._stopping import Crossings, StoppedPairs, stopped_pairs
from cellstate.kinetics._swarm_fit import committor_from_swarms
from cellstate.kinetics._swarms import SwarmCommittor, committor_by_swarms, swarm_tracks

__all__ = [
    "DIRECTIONS",
    "REASONS",
    "Calibration",
    "ChainFlux",
    "Committor",
    "CommittorModel",
    "Core",
    "Crossings",
    "FatePaths",
    "FateProbabilities",
    "Flow",
    "GridError",
    "GridHorizons",
    "GridKinetics",
    "Macrostates",
    "MarkovChain",
    "Moments",
    "PassageTimes",
    "RateScan",
    "Rates",
    "ReactiveCurrent",
    "ReactiveFlux",
    "ReactiveSegments",
    "ReactiveSteps",
    "Stays",
    "StoppedPairs",
    "SwarmCommittor",
    "WeightedFates",
    "absorption_probabilities",
    "bins_of_equal_counts",
    "calibration",
    "chain_committor",
    "chain_flux",
    "committor_by_swarms",
    "committor_from_swarms",
    "committor_from_tracks",
    "committor_interval",
    "committor_on_graph",
    "core_from_cells",
    "count_transitions",
    "densest",
    "density_modes",
    "dominant_pathways",
    "entries_by_dwell",
    "entropy_bits",
    "estimate_chain",
    "estimate_rates",
    "fate_paths",
    "fates_from_tracks",
    "fates_from_transitions",
    "grid_error",
    "hidden_crossings",
    "hysteresis",
    "implied_timescales",
    "increment_diffusion",
    "intrinsic_dimension",
    "last_met",
    "macrostates_from_tracks",
    "mean_passage_times",
    "minimum_dwell",
    "passage_times_from_tracks",
    "passage_times_on_grid",
    "poisson_rate",
    "rates_on_grid",
    "reactive_current",
    "reactive_flux",
    "reactive_segments",
    "reactive_steps",
    "realised_fate",
    "scan_cores",
    "scan_lags",
    "solve_committor",
    "solve_horizon",
    "solve_on_grid",
    "solve_within",
    "stays",
    "stopped_pairs",
    "sum_moments",
    "swarm_tracks",
    "weighted_fates",
]
