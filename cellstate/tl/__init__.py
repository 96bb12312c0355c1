"""Learn the state space, committors, rates and events; write them and return them."""

from cellstate.tl._committor import committor
from cellstate.tl._couple import ancestors, couple, descendants
from cellstate.tl._delay_embed import delay_embed
from cellstate.tl._embed import embed
from cellstate.tl._embed_contour import embed_contour
from cellstate.tl._embed_learned import embed_autoencoder, embed_encoder
from cellstate.tl._embed_modes import embed_diffmap, embed_tica, embed_vamp
from cellstate.tl._embed_pca import embed_pca
from cellstate.tl._events import differentiation_events
from cellstate.tl._fates import fate_probabilities
from cellstate.tl._fit_flow import fit_flow
from cellstate.tl._flux import reactive_flux, reactive_segments
from cellstate.tl._interpolate import interpolate
from cellstate.tl._macrostates import macrostates
from cellstate.tl._passage_times import mfpt
from cellstate.tl._propagate import propagate
from cellstate.tl._quality import segmentation_quality, tracking_quality
from cellstate.tl._rates import rates
from cellstate.tl._scans import scan_cores, scan_lags
from cellstate.tl._simulate import simulate_tracks
from cellstate.tl._state_space import state_space
from cellstate.tl._states import define_states
from cellstate.tl._truth import compare_with_truth
from cellstate.tl._validate import validate_committor

__all__ = [
    "ancestors",
    "committor",
    "compare_with_truth",
    "couple",
    "define_states",
    "delay_embed",
    "descendants",
    "differentiation_events",
    "embed",
    "embed_autoencoder",
    "embed_contour",
    "embed_diffmap",
    "embed_encoder",
    "embed_pca",
    "embed_tica",
    "embed_vamp",
    "fate_probabilities",
    "fit_flow",
    "interpolate",
    "macrostates",
    "mfpt",
    "propagate",
    "rates",
    "reactive_flux",
    "reactive_segments",
    "scan_cores",
    "scan_lags",
    "segmentation_quality",
    "simulate_tracks",
    "state_space",
    "tracking_quality",
    "validate_committor",
]
