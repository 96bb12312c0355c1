"""Cells with a known truth, simulated movies, and movies that come along."""

from cellstate.datasets._cells._grow import grow
from cellstate.datasets._cells._population import Population
from cellstate.datasets._cells._snapshots import to_snapshots
from cellstate.datasets._cells._tables import simulate_tracks
from cellstate.datasets._laws._bifurcations import (
    pitchfork,
    ramped_pitchfork,
    saddle_node,
)
from cellstate.datasets._laws._chains_and_trees import (
    bifurcating_autoregression,
    birth_death,
    branching,
    desai_zwanzig,
    polarity,
)
from cellstate.datasets._laws._irreversible import (
    maier_stein,
    nonequilibrium_landscape,
    ornstein_uhlenbeck,
    rotational_double_well,
    toggle_switch,
)
from cellstate.datasets._laws._plane import (
    binary_choice,
    binary_flip,
    mueller_brown,
    rugged_mueller,
    triple_well,
)
from cellstate.datasets._laws._wells import (
    double_well,
    prinz,
    rotated_double_well,
    tilted_double_well,
)
from cellstate.datasets._movie import (
    Affine,
    Individuality,
    Life,
    Look,
    Motion,
    MovieTruth,
    Optics,
    Scene,
    SimulatedMovie,
    attach_truth,
    read_simulated,
    scene,
    simulate_movie,
)
from cellstate.datasets._shipped_movies import (
    hela_h2b,
    hela_h2b_files,
    simulated_differentiation,
    simulated_differentiation_files,
)

__all__ = [
    "Affine",
    "Individuality",
    "Life",
    "Look",
    "Motion",
    "MovieTruth",
    "Optics",
    "Population",
    "Scene",
    "SimulatedMovie",
    "attach_truth",
    "bifurcating_autoregression",
    "binary_choice",
    "binary_flip",
    "birth_death",
    "branching",
    "desai_zwanzig",
    "double_well",
    "grow",
    "hela_h2b",
    "hela_h2b_files",
    "maier_stein",
    "mueller_brown",
    "nonequilibrium_landscape",
    "ornstein_uhlenbeck",
    "pitchfork",
    "polarity",
    "prinz",
    "ramped_pitchfork",
    "read_simulated",
    "rotated_double_well",
    "rotational_double_well",
    "rugged_mueller",
    "saddle_node",
    "scene",
    "simulate_movie",
    "simulate_tracks",
    "simulated_differentiation",
    "simulated_differentiation_files",
    "tilted_double_well",
    "to_snapshots",
    "toggle_switch",
    "triple_well",
]
