"""Draw what is stored; every function takes `ax`, returns it and computes nothing."""

from cellstate.pl._raster import event_raster
from cellstate.pl._state_space import state_space
from cellstate.pl._strips import event_strips, image_strip
from cellstate.pl._summaries import qc, rates, reliability
from cellstate.pl._tracks import committor_tracks
from cellstate.pl._truth import committor_truth

__all__ = [
    "committor_tracks",
    "committor_truth",
    "event_raster",
    "event_strips",
    "image_strip",
    "qc",
    "rates",
    "reliability",
    "state_space",
]
