"""Neural flows: networks that correct a fitted flow where the data ask for it.

Nothing here imports torch; the files that do are imported inside functions.
"""

from cellstate.flow._neural._fit import fit_neural
from cellstate.flow._neural._given import Births, Bridges
from cellstate.flow._neural._history import TrainingHistory
from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._neural._stored import Network

__all__ = [
    "Births",
    "Bridges",
    "Network",
    "NeuralModel",
    "TrainingHistory",
    "fit_neural",
]
