"""Principal components of features."""

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate.statespace import Projection, fit_pca
from cellstate.tl._embed_modes import of_kind

# What a cell looks like from inside. Outlines add noise more than knowledge where
# masks are drawn by a machine, and neighbours and motion are not the cell itself.
APPEARANCE = ("size", "intensity", "texture")


def embed_pca(
    adata: AnnData,
    *,
    n_components: int = 40,
    families: tuple[str, ...] | None = APPEARANCE,
    fit_on: str | np.ndarray | None = None,
    projection: Projection | None = None,
    key_added: str = keys.PCA,
) -> Projection:
    """Principal components of the normalised features; ``obsm["X_state"]`` too.

    Parameters
    ----------
    adata
        With ``layers["normalized"]`` from `cs.pp.normalize`.
    n_components
        Dimensions; fewer when cells or features are fewer.
    families
        Families of features (``var["family"]``) that make the state, each scaled to
        the same total variance; features that depend on how the picture is turned
        are left out. None takes every feature. Without families in
        `var` every feature counts alike.
    fit_on
        obs column or boolean mask (n,): fit on these rows, project all.
    projection
        Reuse the projection of other cells instead of fitting.
    key_added
        Name in obsm.

    Returns
    -------
    Projection
        Also under ``uns["cellstate"]["embed"]``.

    Examples
    --------
    >>> import numpy as np, cellstate as cs
    >>> adata = AnnData(np.random.default_rng(0).normal(size=(50, 4)))
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = range(50), 0, 0.0
    >>> _ = cs.pp.normalize(adata)
    >>> cs.tl.embed_pca(adata, n_components=2).components.shape
    (2, 4)
    """
    z = normalized(adata)
    rows = extract.row_mask(adata, fit_on, "fit_on")
    if projection is None:
        blocks = _family_codes(adata, families)
        varies = np.nan_to_num(z[rows], nan=0.0).std(axis=0) > 0
        usable = int((varies & (blocks >= 0)).sum())
        if usable == 0:
            raise ValueError(
                f"none of the {int((blocks >= 0).sum())} features of the families "
                f"{list(families or ())} varies over {int(rows.sum())} cells; print "
                "cs.pp.qc(adata), which names dead features, and check the images."
            )
        size = min(n_components, usable, int(rows.sum()))
        projection = fit_pca(z, size, rows, blocks=blocks)
    of_kind(projection, Projection)
    x = projection.transform(z)
    adata.obsm[key_added] = x
    adata.obsm[keys.STATE_SPACE] = x
    store.put(
        adata,
        keys.EMBED,
        projection,
        inputs=(key_added,),
        params={
            "method": "pca",
            "n_components": n_components,
            "families": list(families or ()),
        },
    )
    return projection


def _family_codes(adata: AnnData, families: tuple[str, ...] | None) -> np.ndarray:
    """Code of each feature's family, -1 for those left out, shape (p,).

    Features that change when the picture is turned are no state of the cell.
    """
    if families is None or keys.FAMILY not in adata.var:
        return np.zeros(adata.n_vars, dtype=np.int64)
    family = adata.var[keys.FAMILY].astype(str).to_numpy()
    found = sorted(set(family))
    if not set(families) & set(found):
        if keys.INVARIANT not in adata.var:
            return np.zeros(adata.n_vars, dtype=np.int64)  # a table from elsewhere
        raise ValueError(
            f"`families`={list(families)} are none of those in var['family']: {found}."
        )
    codes = {name: i for i, name in enumerate(families)}
    code = np.array([codes.get(f, -1) for f in family])
    if keys.INVARIANT in adata.var:
        code[~adata.var[keys.INVARIANT].to_numpy(dtype=bool)] = -1
    return code


def normalized(adata: AnnData) -> np.ndarray:
    """Return layers["normalized"], or say that `cs.pp.normalize` makes it."""
    if keys.NORMALIZED not in adata.layers:
        named = [name for name in adata.layers if name]
        raise KeyError(
            f"no layers['{keys.NORMALIZED}']; found {named}. Run "
            "cs.pp.normalize(adata)."
        )
    return np.asarray(adata.layers[keys.NORMALIZED], dtype=float)
