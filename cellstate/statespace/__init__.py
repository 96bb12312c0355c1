"""From feature tables to a state space: scaling, PCA, delay embedding."""

from cellstate.statespace._delay import DelayEmbedding, delay_embedding
from cellstate.statespace._pca import Projection, fit_pca
from cellstate.statespace._scaling import Scaling, fit_scaling

__all__ = [
    "DelayEmbedding",
    "Projection",
    "Scaling",
    "delay_embedding",
    "fit_pca",
    "fit_scaling",
]
