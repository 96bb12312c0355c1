"""Robust z-scores of features, with statistics that travel to other movies."""

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.errors import listing
from cellstate.statespace import Scaling, fit_scaling


def normalize(
    adata: AnnData,
    *,
    fit_on: str | np.ndarray | None = None,
    scaling: Scaling | None = None,
    compress: bool = True,
) -> Scaling:
    """Scale each feature to (x - median) / (1.4826 MAD) in layers["normalized"].

    Parameters
    ----------
    adata
        Features in X, in raw units; X is not changed.
    fit_on
        obs column or boolean mask (n,): statistics from these rows (controls, the
        training lineages), all rows scaled.
    scaling
        Statistics of other cells, ``cs.get.scaling(other)``; nothing is fitted.
    compress
        Take arcsinh of the z-scores: linear inside one spread, logarithmic far
        outside, so that a few bright or torn cells do not make the axes.

    Returns
    -------
    Scaling
        Also under ``uns["cellstate"]["normalize"]``; ``var["used"]`` is False for
        features that are constant or undefined, which become 0.

    Examples
    --------
    >>> import numpy as np
    >>> adata = AnnData(np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]))
    >>> normalize(adata).used
    array([ True, False])
    """
    x = extract.features(adata)
    names = tuple(str(n) for n in adata.var_names)
    if scaling is None:
        scaling = fit_scaling(x, names, extract.row_mask(adata, fit_on, "fit_on"))
    elif scaling.names != names:
        lacking = [n for n in scaling.names if n not in names]
        raise ValueError(
            f"the statistics are of {len(scaling.names)} features, the cells have "
            f"{len(names)}; {len(lacking)} lacking {listing(lacking)}. Measure both "
            "with the same channels, then adata = adata[:, list(scaling.names)]."
        )
    if not scaling.used.any():
        raise ValueError(
            f"none of the {len(names)} features varies over {len(x)} cells; check the "
            "images, or fit on more cells."
        )
    z = scaling.transform(x)
    adata.layers[keys.NORMALIZED] = np.arcsinh(z) if compress else z
    adata.var[keys.USED] = np.asarray(scaling.used)
    store.put(adata, keys.NORMALIZE, scaling, params={"compress": compress})
    return scaling
