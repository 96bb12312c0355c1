"""Markov chains between cells: absorption, macrostates, fluxes and their pathways."""

from cellstate.kinetics._chain._absorption import absorption_probabilities
from cellstate.kinetics._chain._gpcca import Lumping, lump
from cellstate.kinetics._chain._macrostates import (
    Macrostates,
    macrostates_from_tracks,
)
from cellstate.kinetics._chain._markov import (
    MarkovChain,
    count_transitions,
    estimate_chain,
)
from cellstate.kinetics._chain._passages import (
    ChainFlux,
    chain_committor,
    chain_flux,
    mean_passage_times,
)
from cellstate.kinetics._chain._pathways import dominant_pathways
from cellstate.kinetics._chain._spectrum import implied_timescales, stationary_law

__all__ = [
    "ChainFlux",
    "Lumping",
    "Macrostates",
    "MarkovChain",
    "absorption_probabilities",
    "chain_committor",
    "chain_flux",
    "count_transitions",
    "dominant_pathways",
    "estimate_chain",
    "implied_timescales",
    "lump",
    "macrostates_from_tracks",
    "mean_passage_times",
    "stationary_law",
]
