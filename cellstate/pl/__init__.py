"""Draw what is stored; every function takes `ax`, returns it and computes nothing."""

from cellstate.pl._chain import chapman_kolmogorov, implied_timescales
from cellstate.pl._committor import committor, rate_scan
from cellstate.pl._coupling import relatives
from cellstate.pl._fit_diagnosis import fit_diagnosis
from cellstate.pl._flow import drift_field, flow, potential
from cellstate.pl._flux import pathways, reactive_current
from cellstate.pl._growth import growth
from cellstate.pl._raster import event_raster
from cellstate.pl._shapes import mode_choice, shape_modes
from cellstate.pl._state_space import state_space
from cellstate.pl._strips import event_strips, image_strip
from cellstate.pl._summaries import calibration, qc, rates
from cellstate.pl._tracks import committor_tracks
from cellstate.pl._truth import committor_truth

__all__ = [
    "calibration",
    "chapman_kolmogorov",
    "committor",
    "committor_tracks",
    "committor_truth",
    "drift_field",
    "event_raster",
    "event_strips",
    "fit_diagnosis",
    "flow",
    "growth",
    "image_strip",
    "implied_timescales",
    "mode_choice",
    "pathways",
    "potential",
    "qc",
    "rate_scan",
    "rates",
    "reactive_current",
    "relatives",
    "shape_modes",
    "state_space",
]
