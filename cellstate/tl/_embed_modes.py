"""Slow modes and diffusion maps of coordinates that are there already."""

from collections.abc import Callable

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.results import Result
from cellstate.statespace import (
    DiffusionMap,
    SlowModes,
    fit_diffusion_map,
    fit_tica,
    fit_vamp,
)
from cellstate.tl._frames import lag_frames

RowMask = str | np.ndarray | None


def embed_tica(
    adata: AnnData,
    *,
    basis: str = keys.PCA,
    lag: float | None = None,
    n_components: int = 10,
    fit_on: RowMask = None,
    projection: SlowModes | None = None,
    key_added: str = keys.TICA,
) -> SlowModes:
    """Slow modes of motion that is in balance (TICA); ``obsm["X_state"]`` too.

    Where cells change for good, or turn in circles, use `embed_vamp`.

    Parameters
    ----------
    adata
        Tracks and ``obsm[basis]``.
    basis
        Coordinates to combine.
    lag
        Hours between the two states of a pair; one frame when left out.
    n_components
        Modes; fewer when the basis has fewer.
    fit_on
        obs column or boolean mask (n,): fit on these rows, place all.
    projection
        Modes of other cells: nothing is fitted.
    key_added
        Name in obsm.

    Returns
    -------
    SlowModes
        Also under ``uns["cellstate"]["embed_tica"]``.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=50, n_frames=100, rng=0)
    >>> modes = cs.tl.embed_tica(cells, basis="X_state", lag=0.5)
    >>> bool(modes.timescales[0] > 1.0)  # h
    True
    """
    return _slow(
        adata, fit_tica, basis, lag, n_components, fit_on, projection, key_added
    )


def embed_vamp(
    adata: AnnData,
    *,
    basis: str = keys.PCA,
    lag: float | None = None,
    n_components: int = 10,
    fit_on: RowMask = None,
    projection: SlowModes | None = None,
    key_added: str = keys.VAMP,
) -> SlowModes:
    """Slow modes of any motion (VAMP); ``obsm["X_state"]`` too.

    `cs.tl.state_space` chooses lag and number of modes.

    Parameters
    ----------
    adata, basis, lag, n_components, fit_on, projection, key_added
        As in `embed_tica`.

    Returns
    -------
    SlowModes
        Also under ``uns["cellstate"]["embed_vamp"]``.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=50, n_frames=100, rng=0)
    >>> round(cs.tl.embed_vamp(cells, basis="X_state", n_components=1).lag, 3)  # h
    0.02
    """
    return _slow(
        adata, fit_vamp, basis, lag, n_components, fit_on, projection, key_added
    )


def embed_diffmap(
    adata: AnnData,
    *,
    basis: str = keys.PCA,
    n_components: int = 10,
    n_neighbors: int = 30,
    fit_on: RowMask = None,
    projection: DiffusionMap | None = None,
    key_added: str = keys.DIFFMAP,
    rng: int | np.random.Generator | None = None,
) -> DiffusionMap:
    """Diffusion map of ``obsm[basis]``; ``obsm["X_state"]`` too.

    Parameters
    ----------
    adata
        With ``obsm[basis]``.
    basis, n_components, n_neighbors, rng
        As `cs.statespace.fit_diffusion_map` takes them.
    fit_on, projection, key_added
        As in `embed_tica`.

    Returns
    -------
    DiffusionMap
        Also under ``uns["cellstate"]["embed_diffmap"]``. Cells too far from all fitted
        ones to be placed have NaN.

    Examples
    --------
    >>> import numpy as np, cellstate as cs
    >>> adata = AnnData(np.zeros((200, 1)))
    >>> adata.obsm["X_pca"] = np.linspace(0, 1, 200)[:, None]
    >>> cs.tl.embed_diffmap(adata, n_components=2, rng=0).values.shape
    (2,)
    """
    x = extract.basis(adata, basis)
    if projection is None:
        rows = extract.row_mask(adata, fit_on, "fit_on")
        projection = fit_diffusion_map(
            x[rows], n_components, n_neighbors=n_neighbors, rng=rng
        )
    of_kind(projection, DiffusionMap)
    params = {"basis": basis, "n_neighbors": n_neighbors}
    placed(
        adata, "diffmap", projection, projection.transform(x), key_added, params, rng
    )
    return projection


def _slow(
    adata: AnnData,
    fit: Callable[..., SlowModes],
    basis: str,
    lag: float | None,
    n_components: int,
    fit_on: RowMask,
    projection: SlowModes | None,
    key_added: str,
) -> SlowModes:
    x = extract.basis(adata, basis)
    if projection is None:
        tracks, interval = extract.tracks(adata), extract.frame_interval(adata)
        frames = lag_frames(tracks, interval if lag is None else lag, interval)
        rows = extract.row_mask(adata, fit_on, "fit_on")
        known = np.where(rows[:, None], x, np.nan)
        modes = fit(known, tracks, lag_frames=frames, frame_interval=interval)
        projection = modes.first(n_components)
    of_kind(projection, SlowModes)
    params = {"basis": basis, "lag": projection.lag}
    method, coordinates = projection.method, projection.transform(x)
    placed(adata, method, projection, coordinates, key_added, params)
    return projection


def of_kind(projection: object, kind: type[Result]) -> None:
    """Refuse the result of another method."""
    if not isinstance(projection, kind):
        raise TypeError(
            f"`projection` must be the {kind.__name__} that the same method returned "
            f"for other cells; found {type(projection).__name__}."
        )


def placed(
    adata: AnnData,
    method: str,
    result: Result,
    coordinates: np.ndarray,
    key_added: str,
    params: dict,
    rng: int | np.random.Generator | None = None,
) -> None:
    """Write coordinates to obsm, to the state space too, and what made them to uns."""
    adata.obsm[key_added] = coordinates
    adata.obsm[keys.STATE_SPACE] = coordinates.copy()
    store.put(
        adata,
        f"{keys.EMBED}_{method}",
        result,
        inputs=(key_added,),
        params={"method": method} | params,
        rng=rng,
    )
