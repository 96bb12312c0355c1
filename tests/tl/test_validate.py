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
DIRECTIONS = ("forward", "backward")


def predicted(adata, forward, backward=None, **about):
    """Store a committor that somebody else found."""
    forward = np.asarray(forward, dtype=float)
    backward = 1 - forward if backward is None else backward
    about = {"source": "A", "target": "B", "division": ""} | about
    fitted = Committor(
        forward=forward, backward=backward, residual=0.0, method="grid", **about
    )
    store.put(adata, keys.COMMITTOR_RESULT, fitted, inputs=(keys.STATE, *keys.TRACKING))
    return adata


def exact(seed, **watching):
    """Cells of a double well, with the states and the committor of the law."""
    cells = cs.datasets.double_well(**LAW, **watching, rng=seed)
    cs.tl.define_states(cells, source="truth_set == 'A'", target="truth_set == 'B'")
    q, past = cells.obs["truth_committor"], cells.obs["truth_committor_backward"]
    return predicted(cells, q, past.to_numpy())


def dropped(adata, direction):
    """What it would be without weights: cells that were cut off are left out."""
    state = adata.obs["state"].astype(str).to_numpy()
    rows = state == "other"
    back = direction == "backward"
    fate = realised_fate(
        extract.tracks(adata), state == "A", state == "B", reverse=back
    )
    q = getattr(cs.get.committor(adata), direction)
    return calibration(q[rows], (1 - fate if back else fate)[rows])


def error(values):
    return np.std(values, ddof=1) / np.sqrt(len(values))


@pytest.fixture(scope="module")
def lost():
    """Per direction: slopes of cells never lost, of lost ones dropped, weighted.

    Forward, cells are lost; backward, they come into view late.
    """
    watching = {"forward": {"lost_rate": 1.5}, "backward": {"late_entry": 5.0}}
    found = {d: {"watched": [], "dropped": [], "weighted": []} for d in DIRECTIONS}
    with cs.settings.override(progress=False):
        for seed in range(SEEDS):
            whole = exact(seed)
            for direction in DIRECTIONS:
                part = exact(100 + seed, **watching[direction])
                found[direction]["watched"].append(dropped(whole, direction))
                found[direction]["dropped"].append(dropped(part, direction))
                report = cs.tl.validate_committor(
                    part, direction=direction, n_bootstrap=50, rng=0
                )
                found[direction]["weighted"].append(report)
    return found


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_dropping_lost_cells_is_biased_and_weighting_is_not(lost, direction):
    slope = {k: [r.slope for r in v] for k, v in lost[direction].items()}
    print(direction, {k: (np.mean(v), error(v)) for k, v in slope.items()})
    base = {k: [r.base_rate for r in v] for k, v in lost[direction].items()}
    print(direction, {k: (np.mean(v), error(v)) for k, v in base.items()})
    gap = {
        k: [np.mean(np.abs(r.observed - r.predicted)) for r in v]
        for k, v in lost[direction].items()
    }
    print(direction, {k: (np.mean(v), error(v)) for k, v in gap.items()})
    r = lost[direction]["weighted"][0]
    print(
        r.n,
        r.n_excluded,
        r.n_effective,
        r.max_weight,
        r.decided,
        r.n_lineages,
        r.slope_low,
        r.slope_high,
        r.brier_low,
        r.brier,
        r.brier_high,
        r.brier_base,
    )
