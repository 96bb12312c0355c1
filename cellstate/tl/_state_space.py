"""Choose a state space by what it predicts."""

from collections.abc import Sequence

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate.statespace import StateSpace, choose_modes
from cellstate.tl._embed_modes import RowMask
from cellstate.tl._frames import lag_frames, longest_frames

LONGEST = 0.25  # of the longest lineage, for lags that are chosen here


def state_space(
    adata: AnnData,
    *,
    basis: str = keys.PCA,
    lags: float | Sequence[float] | None = None,
    max_components: int = 20,
    fit_on: RowMask = None,
    key_added: str = keys.STATE_SPACE_CHOICE,
    rng: int | np.random.Generator | None = None,
) -> StateSpace:
    """Choose lag and number of slow modes by held-out lineages, and say why.

    Parameters
    ----------
    adata
        Tracks and ``obsm[basis]``.
    basis
        Coordinates to combine.
    lags
        Hours to try, one or several; 1, 2, 4, ... frames up to a quarter of the
        longest lineage when left out.
    max_components
        Most modes to try.
    fit_on
        obs column or boolean mask (n,): learn from these rows, place all.
    key_added
        Name under ``uns["cellstate"]``.
    rng
        Seed or Generator, for the folds.

    Returns
    -------
    StateSpace
        ``print(result)`` says which lag, how many modes, and why; `scores` and
        `timescales` are the tables behind it. Coordinates are in ``obsm["X_state"]``.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=100, n_frames=100, rng=0)
    >>> with cs.settings.override(progress=False):
    ...     found = cs.tl.state_space(cells, basis="X_state", lags=[0.2, 0.4], rng=0)
    >>> found.n_components
    1
    """
    x = extract.basis(adata, basis)
    tracks, interval = extract.tracks(adata), extract.frame_interval(adata)
    if lags is None:
        most = max(int(LONGEST * longest_frames(tracks)), 1)
        frames = [2**k for k in range(int(np.log2(most)) + 1)]
    else:
        given = np.atleast_1d(np.asarray(lags, dtype=object))
        if not given.size:
            raise ValueError("`lags` needs at least one lag in h; found none.")
        frames = [lag_frames(tracks, lag, interval) for lag in given]
    rows = extract.row_mask(adata, fit_on, "fit_on")
    found = choose_modes(
        np.where(rows[:, None], x, np.nan),
        tracks,
        lags=frames,
        frame_interval=interval,
        max_components=max_components,
        rng=rng,
    )
    adata.obsm[keys.STATE_SPACE] = found.transform(x)
    store.put(
        adata,
        key_added,
        found,
        inputs=(basis,) if basis != keys.STATE_SPACE else (),
        params={"basis": basis, "lags": [k * interval for k in frames]},
        rng=rng,
    )
    return found
