"""Markov chains between cells: absorption, macrostates, fluxes and their pathways."""

from cellstate.kinetics._chain._absorption import absorption_probabilities
from cellstate.kinetics._chain._gpcca import Lumping, lump
from cellstate.kinetics._chain._macrostates import (
    Macrostates,
    macrostates_from_tracks,
)
from cellstate.kinetics._chain._pathways import dominant_pathways
from cellstate.kinetics._chain._spectrum import implied_timescales, stationary_law

__all__ = [
    "Lumping",
    "Macrostates",
    "absorption_probabilities",
    "dominant_pathways",
    "implied_timescales",
    "lump",
    "macrostates_from_tracks",
    "stationary_law",
]
