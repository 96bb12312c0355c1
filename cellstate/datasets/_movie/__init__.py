"""Simulated movies: a hidden law, how it shows, and the camera."""

from cellstate.datasets._movie._attach import attach_truth
from cellstate.datasets._movie._files import SimulatedMovie, read_simulated
from cellstate.datasets._movie._look import Affine, Individuality, Look
from cellstate.datasets._movie._optics import Optics
from cellstate.datasets._movie._presets import PRESETS, scene
from cellstate.datasets._movie._scene import Life, Motion, Scene
from cellstate.datasets._movie._simulate import simulate_movie
from cellstate.datasets._movie._truth import MovieTruth

__all__ = [
    "PRESETS",
    "Affine",
    "Individuality",
    "Life",
    "Look",
    "Motion",
    "MovieTruth",
    "Optics",
    "Scene",
    "SimulatedMovie",
    "attach_truth",
    "read_simulated",
    "scene",
    "simulate_movie",
]
