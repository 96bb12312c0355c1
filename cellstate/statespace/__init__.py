"""From features and crops to a state space; arrays in, results out."""

from cellstate.statespace._delay import DelayEmbedding, delay_embedding
from cellstate.statespace._diffusion_map import DiffusionMap, fit_diffusion_map
from cellstate.statespace._learned import (
    Autoencoder,
    EmbeddingDiagnosis,
    Encoder,
    averaged_encoding,
    diagnose,
    fit_autoencoder,
)
from cellstate.statespace._mode_choice import StateSpace, choose_modes
from cellstate.statespace._pca import Projection, fit_pca
from cellstate.statespace._scaling import Scaling, fit_scaling
from cellstate.statespace._shape_modes import ShapeModes, fit_shape_modes
from cellstate.statespace._slow_modes import SlowModes, fit_tica, fit_vamp
from cellstate.statespace._smooth_basis import SmoothBasis, smooth_basis

__all__ = [
    "Autoencoder",
    "DelayEmbedding",
    "DiffusionMap",
    "EmbeddingDiagnosis",
    "Encoder",
    "Projection",
    "Scaling",
    "ShapeModes",
    "SlowModes",
    "SmoothBasis",
    "StateSpace",
    "averaged_encoding",
    "choose_modes",
    "delay_embedding",
    "diagnose",
    "fit_autoencoder",
    "fit_diffusion_map",
    "fit_pca",
    "fit_scaling",
    "fit_shape_modes",
    "fit_tica",
    "fit_vamp",
    "smooth_basis",
]
