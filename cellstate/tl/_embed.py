"""State spaces: principal components, and windows along tracks."""

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import choice
from cellstate.statespace import DelayEmbedding, Projection, delay_embedding, fit_pca

# What a cell looks like from inside. Outlines add noise more than knowledge where
# masks are drawn by a machine, and neighbours and motion are not the cell itself.
APPEARANCE = ("size", "intensity", "texture")


def embed(
    adata: AnnData,
    *,
    method: str = "pca",
    n_components: int = 40,
    families: tuple[str, ...] | None = APPEARANCE,
    fit_on: str | np.ndarray | None = None,
    projection: Projection | None = None,
    key_added: str = keys.PCA,
) -> Projection:
    """Embed the normalised features; the result becomes ``obsm["X_state"]`` too.

    Parameters
    ----------
    adata
        With ``layers["normalized"]`` from `cs.pp.normalize`.
    method
        "pca".
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
    >>> cs.tl.embed(adata, n_components=2).components.shape
    (2, 4)
    """
    choice(method, "method", ("pca",))
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
    x = projection.transform(z)
    adata.obsm[key_added] = x
    adata.obsm[keys.STATE_SPACE] = x
    store.put(
        adata,
        keys.EMBED,
        projection,
        inputs=(key_added,),
        params={
            "method": method,
            "n_components": n_components,
            "families": list(families or ()),
        },
    )
    return projection


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
