"""Shape modes of outlines."""

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate.statespace import ShapeModes, fit_shape_modes
from cellstate.tl._embed_modes import RowMask, of_kind, placed


def embed_contour(
    adata: AnnData,
    *,
    n_components: int = 12,
    mirrored: bool = True,
    fit_on: RowMask = None,
    projection: ShapeModes | None = None,
    key_added: str = keys.SHAPE,
) -> ShapeModes:
    """Shape modes of outlines of one size, turned to lie alike; ``X_state`` too.

    Parameters
    ----------
    adata
        With ``obsm["X_contour"]``, x and y of point after point, as `cs.pp.features`
        writes it.
    n_components, mirrored
        As `cs.statespace.fit_shape_modes` takes them.
    fit_on
        obs column or boolean mask (n,): fit on these rows, place all.
    projection
        Modes of other cells: nothing is fitted.
    key_added
        Name in obsm.

    Returns
    -------
    ShapeModes
        Also under ``uns["cellstate"]["embed_contour"]``.

    Examples
    --------
    >>> import numpy as np, cellstate as cs
    >>> angle = 2 * np.pi * np.arange(32) / 32
    >>> long = np.linspace(1, 2, 20)[:, None]
    >>> outlines = np.stack([long * np.cos(angle), np.sin(angle) / long], axis=-1)
    >>> adata = AnnData(np.zeros((20, 1)))
    >>> adata.obsm["X_contour"] = outlines.reshape(20, 64)
    >>> modes = cs.tl.embed_contour(adata, n_components=2)
    >>> bool(modes.explained[0] > 0.95)
    True
    """
    flat = extract.basis(adata, keys.CONTOUR)
    if flat.shape[1] % 2:
        raise ValueError(
            f"obsm['{keys.CONTOUR}'] holds x and y of point after point; found "
            f"{flat.shape[1]} columns, an odd number. cs.pp.features(movies) writes it."
        )
    outlines = flat.reshape(len(flat), -1, 2)
    if projection is None:
        rows = extract.row_mask(adata, fit_on, "fit_on")
        known = np.where(rows[:, None, None], outlines, np.nan)
        projection = fit_shape_modes(known, n_components, mirrored=mirrored)
    of_kind(projection, ShapeModes)
    scores = projection.transform(outlines)
    params = {"mirrored": projection.mirrored}
    placed(adata, "contour", projection, scores, key_added, params)
    return projection
