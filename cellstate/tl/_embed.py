"""One call for every embedding; each method has a function of its own."""

import inspect
from typing import Any

from anndata import AnnData

from cellstate._base.checks import choice
from cellstate._base.results import Result
from cellstate.tl._embed_contour import embed_contour
from cellstate.tl._embed_learned import embed_autoencoder, embed_encoder
from cellstate.tl._embed_modes import embed_diffmap, embed_tica, embed_vamp
from cellstate.tl._embed_pca import embed_pca

METHODS = {
    "pca": embed_pca,
    "contour": embed_contour,
    "tica": embed_tica,
    "vamp": embed_vamp,
    "diffmap": embed_diffmap,
    "autoencoder": embed_autoencoder,
    "encoder": embed_encoder,
}


def embed(adata: AnnData, *, method: str = "pca", **options: Any) -> Result:
    """Embed cells; the result becomes ``obsm["X_state"]`` too.

    Parameters
    ----------
    adata
        Cells.
    method
        ===========  ================================  ========================
        method       coordinates                       made from
        ===========  ================================  ========================
        pca          principal components of features  ``layers["normalized"]``
        contour      shape modes of outlines           ``obsm["X_contour"]``
        tica         slow modes, motion in balance     `basis` and tracks
        vamp         slow modes, any motion            `basis` and tracks
        diffmap      diffusion map                     `basis`
        autoencoder  learned, blind to orientation     crops and tracks
        encoder      your own model, averaged over     crops and tracks
                     quarter turns and reflections
        ===========  ================================  ========================

        ``obsm["X_contour"]`` is written by `cs.pp.features`, crops by `cs.pp.crops`.
    options
        All methods take `n_components` (but encoder), `fit_on` (obs column or boolean
        mask: learn from these rows, place all), `projection` (the result for other
        cells: place these likewise, learn nothing) and `key_added` (name in obsm).

        pca: `families` of features that make the state. contour: `mirrored`. tica,
        vamp: `basis` ("X_pca"), `lag` (h; one frame when left out). diffmap: `basis`,
        `n_neighbors`, `rng`. autoencoder: `n_steps`, `contrast`, `lag`, `batch` (obs
        column), `crops` (name in obsm), `rng`. encoder: `encoder` (a torch module or a
        function of crops), `lag`, `crops`, `rng`.

        Each is described by ``help(cs.tl.embed_pca)`` and so on.

    Returns
    -------
    Result
        `Projection` (pca), `ShapeModes` (contour), `SlowModes` (tica, vamp),
        `DiffusionMap`, `Autoencoder` or `EmbeddingDiagnosis` (encoder); also under
        ``uns["cellstate"]["embed"]`` (pca) or ``["embed_<method>"]``.

    Raises
    ------
    ValueError
        An unknown method.
    TypeError
        An option that the method does not take.

    Examples
    --------
    >>> import numpy as np, cellstate as cs
    >>> adata = AnnData(np.random.default_rng(0).normal(size=(50, 4)))
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = range(50), 0, 0.0
    >>> _ = cs.pp.normalize(adata)
    >>> cs.tl.embed(adata, n_components=2).components.shape
    (2, 4)
    """
    function = METHODS[choice(method, "method", tuple(METHODS))]
    taken = [name for name in inspect.signature(function).parameters if name != "adata"]
    unknown = [name for name in options if name not in taken]
    if unknown:
        raise TypeError(
            f"cs.tl.embed(method={method!r}) takes {taken}; found {unknown}."
        )
    return function(adata, **options)
