"""Validation of a committor: forward and backward, with cells lost on the way.

The prediction is the exact committor of the law, so any departure of the slope from
1 and of the bins from the diagonal is the validation's own.
"""

import re

import numpy as np
import pytest

import cellstate as cs
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.errors import StaleResultError
from cellstate.kinetics import Committor, calibration, realised_fate

SEEDS = 6
LAW = {"n_cells": 250, "n_frames": 250, "frame_interval": 0.02}


def exact(adata):
    """States and committor of the law itself, stored as if they had been fitted."""
    cs.tl.define_states(adata, source="truth_set == 'A'", target="truth_set == 'B'")
    cs.tl.committor(adata, folds=0, n_bootstrap=0, rng=0)
    fitted = cs.get.committor(adata)
    known = {
        "forward": adata.obs["truth_committor"].to_numpy(),
        "backward": adata.obs["truth_committor_backward"].to_numpy(),
        "replicates": np.empty((adata.n_obs, 0)),
    }
    store.put(
        adata,
        keys.COMMITTOR_RESULT,
        Committor(**(vars(fitted) | known)),
        inputs=(keys.STATE, *keys.TRACKING),
    )
    return adata
