"""From features to a state space: scaling, PCA, delays, slow modes, diffusion maps."""

from cellstate.statespace._delay import DelayEmbedding, delay_embedding
from cellstate.statespace._diffusion_map import DiffusionMap, fit_diffusion_map
from cellstate.statespace._mode_choice import StateSpace, choose_modes
from cellstate.statespace._pca import Projection, fit_pca
from cellstate.statespace._scaling import Scaling, fit_scaling
from cellstate.statespace._shape_modes import ShapeModes, fit_shape_modes
from cellstate.statespace._slow_modes import SlowModes, fit_tica, fit_vamp
from cellstate.statespace._smooth_basis import SmoothBasis, smooth_basis

__all__ = [
    "DelayEmbedding",
    "DiffusionMap",
    "Projection",
    "Scaling",
    "ShapeModes",
    "SlowModes",
    "SmoothBasis",
    "StateSpace",
    "choose_modes",
    "delay_embedding",
    "fit_diffusion_map",
    "fit_pca",
    "fit_scaling",
    "fit_shape_modes",
    "fit_tica",
    "fit_vamp",
    "smooth_basis",
]
