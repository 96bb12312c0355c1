"""Who becomes whom between snapshots, and where relatives of some cells are."""

from collections.abc import Mapping

import numpy as np
from anndata import AnnData
from numpy.typing import ArrayLike

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._adata._couplings import (
    Relatives,
    put_couplings,
    read_couplings,
    snapshot_times,
)
from cellstate.tl._core_rules import matching
from cellstate.transport import Couplings
from cellstate.transport import couple as couple_arrays


def couple(
    adata: AnnData,
    time: str = keys.TIME,
    *,
    basis: str = keys.STATE_SPACE,
    method: str = "semirelaxed",
    growth: str | ArrayLike | None = None,
    masses: Mapping[float, float] | ArrayLike | None = None,
    weights: str | None = None,
    lineage: str | None = None,
    regularization: float | None = None,
    relaxation: float | tuple[float, float] | None = None,
    max_iterations: int = 2000,
    max_cells: int = 5000,
    key_added: str = keys.COUPLING,
    rng: int | np.random.Generator | None = None,
) -> Couplings:
    """Couple the cells of each time to those of the next by optimal transport.

    Parameters
    ----------
    adata
        ``obsm[basis]`` and ``obs[time]``. Rows with NaN are left out and counted.
    time
        obs column, in hours; cells of equal time are a snapshot.
    basis
        Coordinates in obsm; squared distances there are the cost.
    method
        "exact", "entropic", "unbalanced" or "semirelaxed", where growth does not bend
        the motion; see `cellstate.transport.couple`.
    growth
        obs column or array (n,): expected log offspring rate (1/h), from
        `cellstate.transport.growth_prior_from_counts` say. None: equal for all.
    masses
        Relative number of cells in all at each time, when counts matter.
    weights
        obs column of weights of the cells within their snapshot.
    lineage
        obs column of clone codes, unknown where -1, "" or missing, or an obsp key of
        known ancestors (row) of cells (column): unrelated pairs are made expensive.
    regularization, relaxation
        In units of the median cost of an interval; what the method takes.
    max_iterations, max_cells
        Of the scaling; of a block, above which snapshots are cut at random.
    key_added
        Name of the result, of the obsp key of the plans, and of the obs columns.
    rng
        Seed or Generator, for null rows and blocks.

    Returns
    -------
    Couplings
        Also under ``uns["cellstate"]["coupling"]``; plans, rows source and columns
        target, in ``obsp["coupling"]``; implied growth rate (1/h) in
        ``obs["coupling_growth"]``, weights in ``obs["coupling_weight"]``. `null` is
        the table of held-out distances that need no model.

    Raises
    ------
    ValueError
        One time only, a time with fewer than two cells, times that are no numbers, or
        cells that all lie at one point.

    Examples
    --------
    >>> import cellstate as cs
    >>> adata = AnnData(np.zeros((4, 1)))
    >>> adata.obs["time"] = [0.0, 0.0, 6.0, 6.0]
    >>> adata.obsm["X_state"] = np.array([[0.0], [1.0], [1.5], [0.5]])
    >>> chain = cs.tl.couple(adata, method="exact", rng=0)
    >>> chain.pairs(0).target, chain.n_left_out
    (array([3, 2]), 0)
    """
    x = extract.basis(adata, basis)
    result = couple_arrays(
        x,
        snapshot_times(adata, time),
        method=method,
        growth=_values(adata, growth),
        masses=masses,
        weights=_values(adata, weights),
        lineage=_lineage(adata, lineage),
        regularization=regularization,
        relaxation=relaxation,
        max_iterations=max_iterations,
        max_cells=max_cells,
        rng=rng,
    )
    columns = (growth, weights, lineage)
    put_couplings(
        adata,
        key_added,
        result,
        time=time,
        inputs=(basis, *(c for c in columns if isinstance(c, str) and c in adata.obs)),
        params={
            "basis": basis,
            "growth": growth if isinstance(growth, str) else None,
            "weights": weights,
            "lineage": lineage,
            "max_cells": max_cells,
        },
        rng=rng,
    )
    return result


def descendants(
    adata: AnnData,
    cells: str | np.ndarray,
    *,
    time: float | None = None,
    coupling: str = keys.COUPLING,
    key_added: str = keys.DESCENDANTS,
) -> Relatives:
    """Where the descendants of some cells are at a later time, through the couplings.

    Parameters
    ----------
    adata
        With couplings from `cs.tl.couple`.
    cells
        Cells of one time: boolean mask (n,), boolean obs column, or an expression over
        obs columns and features: ``"time == 0 and state == 'A'"``.
    time
        Later time (h); None for the last.
    coupling
        Key of the couplings.
    key_added
        obs column for the shares, and name of the result.

    Returns
    -------
    Relatives
        `share` sums to 1 over the cells of that time; branches that grow more hold
        more of the descendants. Also in ``obs["descendants"]``.

    Examples
    --------
    >>> import cellstate as cs
    >>> adata = AnnData(np.zeros((4, 1)))
    >>> adata.obs["time"] = [0.0, 0.0, 6.0, 6.0]
    >>> adata.obsm["X_state"] = np.array([[0.0], [1.0], [1.5], [0.5]])
    >>> _ = cs.tl.couple(adata, method="exact", rng=0)
    >>> cs.tl.descendants(adata, "index == '0'").share
    array([0., 0., 0., 1.])
    """
    return _relatives(adata, "descendants", cells, time, coupling, key_added)


def ancestors(
    adata: AnnData,
    cells: str | np.ndarray,
    *,
    time: float | None = None,
    coupling: str = keys.COUPLING,
    key_added: str = keys.ANCESTORS,
) -> Relatives:
    """Where the ancestors of some cells were at an earlier time, through the couplings.

    Parameters
    ----------
    adata
        With couplings from `cs.tl.couple`.
    cells
        Cells of one time: boolean mask (n,), boolean obs column, or an expression over
        obs columns and features: ``"time == 24 and state == 'B'"``.
    time
        Earlier time (h); None for the first.
    coupling
        Key of the couplings.
    key_added
        obs column for the probabilities, and name of the result.

    Returns
    -------
    Relatives
        `share` is the probability that the ancestor of a cell drawn from these was
        each cell of that time. Also in ``obs["ancestors"]``.

    Examples
    --------
    >>> import cellstate as cs
    >>> adata = AnnData(np.zeros((4, 1)))
    >>> adata.obs["time"] = [0.0, 0.0, 6.0, 6.0]
    >>> adata.obsm["X_state"] = np.array([[0.0], [1.0], [1.5], [0.5]])
    >>> _ = cs.tl.couple(adata, method="exact", rng=0)
    >>> cs.tl.ancestors(adata, np.array([False, False, True, False])).share
    array([0., 1., 0., 0.])
    """
    return _relatives(adata, "ancestors", cells, time, coupling, key_added)


def _relatives(
    adata: AnnData,
    relation: str,
    cells: str | np.ndarray,
    time: float | None,
    coupling: str,
    key_added: str,
) -> Relatives:
    chain = read_couplings(adata, coupling)
    mask = _mask(adata, cells)
    share = getattr(chain, relation)(mask, time)
    reached = share[share > 0]
    found = Relatives(
        share=share,
        relation=relation,
        cell_time=float(chain.times[chain.time_index[mask][0]]),
        time=float(chain.times[chain.time_index[share > 0][0]]),
        n_cells=int(mask.sum()),
        n_effective=float(np.exp(-(reached * np.log(reached)).sum())),
        coupling=coupling,
    )
    store.put(
        adata,
        key_added,
        found,
        per_cell={"share": ("obs", key_added)},
        inputs=(f"{coupling}_growth", f"{coupling}_weight"),
        params={"cells": cells if isinstance(cells, str) else None, "time": time},
    )
    return found


def _mask(adata: AnnData, cells: str | np.ndarray) -> np.ndarray:
    if isinstance(cells, str) and cells not in adata.obs:
        mask = matching(adata, cells, "cells")
        return extract.row_mask(adata, np.asarray(mask, dtype=bool), "cells")
    return extract.row_mask(adata, cells, "cells")


def _values(adata: AnnData, given: str | ArrayLike | None) -> ArrayLike | None:
    if not isinstance(given, str):
        return given
    return extract.column(adata, given).to_numpy(dtype=float)


def _lineage(adata: AnnData, key: str | None) -> ArrayLike | None:
    if key is None:
        return None
    if key in adata.obsp:
        return adata.obsp[key]
    column = extract.column(adata, key)
    if column.dtype.kind in "iuf":
        return column.to_numpy()
    return column.astype(object).where(column.notna(), "").to_numpy().astype(str)
