"""Move the cells of one time forward by a learned flow."""

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.errors import listing
from cellstate.flow import FlowFit
from cellstate.sde import Particles, propagate_particles

SAME_TIME = 1e-6  # relative to the whole time seen


def propagate(
    adata: AnnData,
    start_time: float,
    stop_time: float,
    *,
    n: int | None = None,
    key: str = keys.FLOW_FIT,
    key_added: str = keys.PARTICLES,
    rng: int | np.random.Generator | None = None,
) -> Particles:
    """Predict where the cells of one time are later, and how many they have become.

    Cells move by drift and diffusion; their weights change by exp(int g dt) along
    the way, and where few of them come to hold most of the weight they are drawn anew
    by it. Where the data do not fix the diffusion (snapshots without ``diffusion=``),
    cells follow the drift alone.

    Parameters
    ----------
    adata
        With a flow of `cs.tl.fit_flow`.
    start_time
        Hours; the cells seen then start, each with the same weight.
    stop_time
        Hours, later.
    n
        Particles, drawn from these cells; each cell once when None.
    key
        Name of the flow.
    key_added
        Name of the result.
    rng
        Seed or Generator.

    Returns
    -------
    Particles
        `states`, `weights` and `mass`: the number of cells relative to that at the
        start, with an interval over batches of the starting cells. The interval knows
        the noise and the draw of the cells, not the error of the flow. Also under
        ``uns["cellstate"]["particles"]``.

    Raises
    ------
    KeyError
        There is no such flow; the message names the call.
    ValueError
        No cell was seen at that time, or time runs backward.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=60, n_frames=100, rng=0)
    >>> flow = cs.tl.fit_flow(cells, rng=0)
    >>> later = cs.tl.propagate(cells, 0.0, 0.5, n=1000, rng=0)
    >>> later.states.shape, round(later.mass.value, 6)
    ((1000, 1), 1.0)
    """
    fit, basis = stored_flow(adata, key)
    x = cells_at(adata, basis, start_time)
    result = propagate_particles(fit, x, None, start_time, stop_time, n=n, rng=rng)
    store.put(
        adata,
        key_added,
        result,
        inputs=(basis, keys.TIME),
        params={"flow": key, "basis": basis},
        rng=rng,
    )
    return result


def stored_flow(adata: AnnData, key: str) -> tuple[FlowFit, str]:
    """Return the flow and the basis that it was fitted in."""
    fit = get.flow_fit(adata, key)
    return fit, str(adata.uns[keys.ROOT][key]["params"]["basis"])


def cell_times(adata: AnnData) -> np.ndarray:
    """Hours of each row, (n,)."""
    return extract.column(adata, keys.TIME).to_numpy(dtype=float)


def cells_at(adata: AnnData, basis: str, time: float) -> np.ndarray:
    """States (m, d) of the cells seen at a time, those with an undefined one left out.

    Raises
    ------
    ValueError
        There is none; the message names times that exist.
    """
    x, times = extract.basis(adata, basis), cell_times(adata)
    known = np.isfinite(x).all(axis=1) & np.isfinite(times)
    span = np.ptp(times[known]) or 1.0
    found = known & (np.abs(times - time) <= SAME_TIME * span)
    if not found.any():
        have = np.unique(times[known])
        near = have[np.argsort(np.abs(have - time), kind="stable")[:5]]
        raise ValueError(
            f"no cell was seen at {time:g} h; found {have.size} times from "
            f"{have[0]:g} to {have[-1]:g} h, the nearest {listing(np.sort(near))}. "
            f"Use e.g. {near[0]:g}."
        )
    return x[found]
