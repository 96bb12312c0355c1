"""Markov chains between cells: absorption, passages, fluxes and their pathways."""

from cellstate.kinetics._chain._absorption import absorption_probabilities
from cellstate.kinetics._chain._pathways import dominant_pathways

__all__ = ["absorption_probabilities", "dominant_pathways"]
