"""From feature tables to a state space: scaling, PCA, delays, a smooth basis."""

from cellstate.statespace._delay import DelayEmbedding, delay_embedding
from cellstate.statespace._pca import Projection, fit_pca
from cellstate.statespace._scaling import Scaling, fit_scaling
from cellstate.statespace._smooth_basis import SmoothBasis, smooth_basis

__all__ = [
    "DelayEmbedding",
    "Projection",
    "Scaling",
    "SmoothBasis",
    "delay_embedding",
    "fit_pca",
    "fit_scaling",
    "smooth_basis",
]
