"""Macrostates of an AnnData."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import integer
from cellstate.kinetics import Macrostates, macrostates_from_tracks
from cellstate.tl._frames import lag_frames, longest_frames

# Frames at which implied timescales are told when no lags are named.
LAGS = (1, 2, 5, 10, 20, 50)


def macrostates(
    adata: AnnData,
    n_states: int | None = None,
    *,
    basis: str = keys.STATE_SPACE,
    n_cells: int = 100,
    lag: float | None = None,
    lags: Sequence[float] | None = None,
    n_bootstrap: int = 50,
    key_added: str = keys.MACROSTATES,
    rng: int | np.random.Generator | None = None,
) -> Macrostates:
    """Propose metastable sets of the state space, to take A and B from.

    The state space is cut into cells by k-means; the Markov chain between them is
    counted along tracks and lumped by GPCCA, which does not ask for reversibility.
    Two diagnostics come along: timescales that do not depend on the lag, and a
    Chapman-Kolmogorov test.

    Parameters
    ----------
    adata
        Tracks and ``obsm[basis]``.
    n_states
        2 or more; after the widest gap between timescales when None.
    basis
        Coordinates in obsm.
    n_cells
        k-means cells; as many as the tracks can fill.
    lag
        Hours, a whole number of frames; one frame when None. Take it where the
        implied timescales have become flat.
    lags
        Hours at which implied timescales are told; 1 to 50 frames when None, as far
        as half the longest track reaches.
    n_bootstrap
        Draws of lineages for the intervals.
    key_added
        Name under ``uns["cellstate"]``; another name than "macrostates" also takes the
        place of "macrostate" in the names of what is written per cell.
    rng
        Seed or Generator.

    Returns
    -------
    Macrostates
        Sets by falling weight in ``obs["macrostate"]`` ("m1", "m2", ...; missing
        where there is none), ``obs["macrostate_certainty"]`` and
        ``obsm["macrostate_memberships"]``. Then ``cs.tl.define_states(adata,
        source="macrostate == 'm1' and macrostate_certainty > 0.9", target=...)``.

    Raises
    ------
    ValueError
        The lag is longer than every track, more sets than cells are asked for, or too
        little of the state space is left and entered again.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=200, n_frames=600, rng=3)
    >>> found = cs.tl.macrostates(cells, n_cells=20, n_bootstrap=0, rng=0)
    >>> found.names, [round(float(w), 1) for w in found.weights]
    (('m1', 'm2'), [0.5, 0.5])
    """
    linked, interval = extract.tracks(adata), extract.frame_interval(adata)
    if lags is None:
        reach = max(1, longest_frames(linked) // 2)
        frames = [f for f in LAGS if f <= reach]
    else:
        frames = [lag_frames(linked, hours, interval) for hours in lags]
    found = macrostates_from_tracks(
        extract.basis(adata, basis),
        linked,
        lag_frames=1 if lag is None else lag_frames(linked, lag, interval),
        lags=frames,
        frame_interval=interval,
        n_states=None if n_states is None else integer(n_states, "n_states", 2),
        n_cells=integer(n_cells, "n_cells", 3),
        n_bootstrap=integer(n_bootstrap, "n_bootstrap", 0),
        rng=rng,
    )
    column = keys.MACROSTATE if key_added == keys.MACROSTATES else key_added
    store.put(
        adata,
        key_added,
        found,
        per_cell={
            "memberships": ("obsm", keys.MEMBERSHIPS.replace(keys.MACROSTATE, column)),
            "certainty": ("obs", keys.CERTAINTY.replace(keys.MACROSTATE, column)),
        },
        inputs=(basis, *keys.TRACKING),
        params={"basis": basis, "lag": lag, "n_cells": n_cells},
        rng=rng,
    )
    adata.obs[column] = _labels(found)
    return found


def _labels(found: Macrostates) -> pd.Categorical:
    """Set that each cell belongs to most."""
    code = np.full(len(found.certainty), -1)
    known = np.isfinite(found.certainty)
    code[known] = np.argmax(found.memberships[known], axis=1)
    return pd.Categorical.from_codes(code, list(found.names))
