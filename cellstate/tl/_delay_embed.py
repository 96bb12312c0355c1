"""Windows along tracks."""

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate.statespace import DelayEmbedding, delay_embedding


def delay_embed(
    adata: AnnData,
    *,
    basis: str = keys.PCA,
    n_lags: int = 1,
    baseline: bool = True,
    across_division: bool = True,
    key_added: str = keys.DELAY,
) -> DelayEmbedding:
    """Give each cell its recent past, never across a gap; becomes ``X_state`` too.

    Parameters
    ----------
    adata
        Tracks and ``obsm[basis]``.
    basis
        Coordinates whose past is added.
    n_lags
        Frames to look back.
    baseline
        Add the difference to the running median of the cell's own track: a cell
        that is always bright is told from one that became bright.
    across_division
        Let a daughter look back into her mother: newborn cells and cells about to
        divide can look alike, and the past tells them apart.
    key_added
        Name in obsm.

    Returns
    -------
    DelayEmbedding
        `values` also in obsm; `n_held` also in ``obs["n_held"]``: frames of the
        window that lie before the track began.

    Examples
    --------
    >>> import numpy as np, cellstate as cs
    >>> adata = AnnData(np.zeros((3, 1)))
    >>> adata.obs["track"], adata.obs["frame"] = 1, [0, 1, 2]
    >>> adata.obs["time"] = [0.0, 0.5, 1.0]
    >>> adata.obsm["X_state"] = np.array([[0.0], [1.0], [3.0]])
    >>> cs.tl.delay_embed(adata, basis="X_state", baseline=False).values
    array([[0., 0.],
           [1., 1.],
           [3., 2.]])
    """
    window = delay_embedding(
        extract.basis(adata, basis),
        extract.tracks(adata),
        n_lags=n_lags,
        baseline=baseline,
        across_division=across_division,
    )
    adata.obsm[keys.STATE_SPACE] = np.array(window.values)
    store.put(
        adata,
        keys.DELAYS,
        window,
        per_cell={"values": ("obsm", key_added), "n_held": ("obs", keys.N_HELD)},
        inputs=keys.TRACKING,
        params={
            "basis": basis,
            "n_lags": n_lags,
            "baseline": baseline,
            "across_division": across_division,
        },
    )
    return window
