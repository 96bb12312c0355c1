"""Mean time of cells to a state."""

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import integer
from cellstate.kinetics import (
    Flow,
    PassageTimes,
    passage_times_from_tracks,
    passage_times_on_grid,
)
from cellstate.tl._committor_methods import States, box_of, cores
from cellstate.tl._flow_of import flow_of
from cellstate.tl._frames import lag_frames
from cellstate.tl._states import masks


def mfpt(
    adata: AnnData,
    target: str = keys.TARGET_STATE,
    *,
    source: str = keys.SOURCE_STATE,
    basis: str = keys.STATE_SPACE,
    flow: Flow | str | None = None,
    lag: float | None = None,
    folds: int = 5,
    n_bootstrap: int = 30,
    penalty: float = 1.0,
    key_added: str = keys.MFPT,
    rng: int | np.random.Generator | None = None,
) -> PassageTimes:
    """Mean hours until a cell enters the target, whatever it meets before.

    From tracks, or on a grid in up to three coordinates where a flow is given. The
    mean over a population that has just entered A is ``cs.tl.rates(adata).mfpt_ab``.

    Parameters
    ----------
    adata
        ``obsm[basis]``, ``obs["state"]``, and tracks unless there is a flow.
    target
        State in obs["state"].
    source
        Another state; with a flow only, where the grid needs two.
    basis
        Coordinates in obsm.
    flow
        Object with ``drift(x, t)`` and ``diffusion(x, t)``, or the key of a stored one
        ("flow_fit").
    lag
        Longest stopped transition (h); one frame when None.
    folds
        Folds by lineage; 0 judges each cell by a fit that has seen it.
    n_bootstrap
        Refits to lineages drawn with replacement, for the standard error.
    penalty
        Ridge strength.
    key_added
        Name of the obs column and of the result.
    rng
        Seed or Generator.

    Returns
    -------
    PassageTimes
        `mean` also in ``obs["mfpt"]``, its standard error in ``obs["mfpt_se"]``.

    Raises
    ------
    ValueError
        No track enters the target, or cells are not followed: from a snapshot no
        time can be told.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=40, n_frames=200, rng=0)
    >>> states = cs.tl.define_states(cells, source="x < -1", target="x > 1")
    >>> times = cs.tl.mfpt(cells, n_bootstrap=0, rng=0)
    >>> left = cells.obs["state"] == "A"
    >>> bool(times.mean[left].mean() > times.mean[~left].mean())
    True
    """
    x = extract.basis(adata, basis)
    states = States(source, target, *masks(adata, source, target))
    flow = flow_of(adata, flow, basis)
    if flow is not None:
        a, b = cores(x, states)
        found = passage_times_on_grid(flow, x, a, b, box_of(x), name=target)
        inputs = (basis, keys.STATE)
    else:
        linked, interval = extract.tracks(adata), extract.frame_interval(adata)
        found = passage_times_from_tracks(
            x,
            linked,
            states.in_target,
            frame_interval=interval,
            name=target,
            lag_frames=1 if lag is None else lag_frames(linked, lag, interval),
            folds=integer(folds, "folds", 0),
            n_bootstrap=integer(n_bootstrap, "n_bootstrap", 0),
            penalty=penalty,
            rng=rng,
        )
        inputs = (basis, keys.STATE, *keys.TRACKING)
    store.put(
        adata,
        key_added,
        found,
        per_cell={
            "mean": ("obs", key_added),
            "standard_error": ("obs", f"{key_added}_se"),
        },
        inputs=inputs,
        params={"basis": basis, "lag": lag},
        rng=rng,
    )
    return found
