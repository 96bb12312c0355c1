"""Embeddings learned from crops: which way a cell is turned makes no difference.

Nothing here imports torch; the files that do are imported inside functions.
"""

from cellstate.statespace._learned._averaged import Encoder, averaged_encoding
from cellstate.statespace._learned._diagnosis import EmbeddingDiagnosis, diagnose
from cellstate.statespace._learned._fit import fit_autoencoder
from cellstate.statespace._learned._model import Autoencoder

__all__ = [
    "Autoencoder",
    "EmbeddingDiagnosis",
    "Encoder",
    "averaged_encoding",
    "diagnose",
    "fit_autoencoder",
]
