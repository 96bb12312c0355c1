"""Tracks of cells that a learned flow makes up."""

import warnings

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import integer, positive
from cellstate._base.errors import SchemaError
from cellstate._base.random import generator
from cellstate.flow import FlowFit
from cellstate.sde import SimulatedCells, simulate_cells
from cellstate.tl._propagate import cell_times, cells_at, stored_flow

MOVIE, FAMILY, UNIT = "simulated", "state", "1"
OUTSIDE = 0.01  # share of states in the extrapolated region that is warned of


def simulate_tracks(
    adata: AnnData,
    *,
    start: float | str | ArrayLike | None = None,
    n_cells: int | None = None,
    n_frames: int = 100,
    frame_interval: float | None = None,
    key: str = keys.FLOW_FIT,
    rng: int | np.random.Generator | None = None,
) -> AnnData:
    """Simulate tracks by a learned flow, in the form in which real ones come.

    Where the flow has a growth rate g, cells divide at rate g where it is positive
    and die at rate -g where it is negative. Data fix births less deaths, not both
    apart: this is the quietest population with that growth. Daughters begin where
    their mother ended, one frame later. States carry no measurement noise.

    Parameters
    ----------
    adata
        With a flow of `cs.tl.fit_flow`.
    start
        Where cells start: a time (h), whose cells start; an obs column or boolean
        mask (n,) of rows; or states (m, d). None: the cells of the first time.
    n_cells
        Founders, drawn from these, with replacement when they are more; each start
        once when None.
    n_frames
        Frames, the first included.
    frame_interval
        Hours between frames; that of the data when None.
    key
        Name of the flow.
    rng
        Seed or Generator.

    Returns
    -------
    AnnData
        One row per cell and frame: "track", "frame", "time" (h), "parent_track",
        "dies" (last row of a cell that dies) and "extrapolated" in obs; states in X
        and under the basis of the flow in obsm. Valid for `cs.validate`,
        `cs.tl.fit_flow` and the rest.

    Raises
    ------
    KeyError
        There is no such flow; the message names the call.
    ValueError
        The flow has no diffusion, or starts are not usable.
    FloatingPointError
        Cells ran away.

    Warns
    -----
    UserWarning
        More than 1 % of the states lie where no cell was seen, with the share.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=60, n_frames=100, rng=0)
    >>> flow = cs.tl.fit_flow(cells, rng=0)
    >>> made = cs.tl.simulate_tracks(cells, n_cells=20, n_frames=50, rng=0)
    >>> made.n_obs, made.obs["track"].nunique()
    (1000, 20)
    """
    fit, basis = stored_flow(adata, key)
    known = fit.identifiable.set_index("quantity")["status"]
    if known.get("diffusion") == "no":
        raise ValueError(
            "tracks need a diffusion, which these data do not fix (see `identifiable` "
            "of the flow). Follow tracks, or assume one: cs.tl.fit_flow(adata, "
            "drift='gradient', diffusion=...). Where cells go on average: "
            "cs.tl.propagate."
        )
    rng = generator(rng)
    n_frames = integer(n_frames, "n_frames", 1)
    interval = _interval(adata, frame_interval)
    states, begin = _starts(adata, basis, start, fit.dimension)
    states = _drawn(states, n_cells, rng)
    times = begin + interval * np.arange(n_frames)
    cells = simulate_cells(fit, states, times, rng=rng)
    outside = fit.extrapolated(cells.states)
    _warn_outside(outside)
    return _table(cells, fit, basis, interval, n_frames, outside)


def _interval(adata: AnnData, interval: float | None) -> float:
    """Hours between frames, given or those of the data."""
    if interval is not None:
        return positive(interval, "frame_interval", "h", "frame_interval=0.25")
    try:
        return extract.frame_interval(adata)
    except (SchemaError, ValueError) as error:
        raise ValueError(
            f"`frame_interval` (h) is missing and the data have none of their own: "
            f"{error} Give it: cs.tl.simulate_tracks(adata, frame_interval=0.25)."
        ) from error


def _starts(
    adata: AnnData,
    basis: str,
    start: float | str | ArrayLike | None,
    dimension: int,
) -> tuple[np.ndarray, float]:
    """States to start from, and the time of the first frame."""
    if start is None:
        start = float(np.nanmin(cell_times(adata)))
    if isinstance(start, str):
        start = extract.row_mask(adata, start, "start")
    start = np.asarray(start)
    if start.ndim == 0:
        return cells_at(adata, basis, float(start)), float(start)
    if start.dtype == bool:
        rows = extract.row_mask(adata, start, "start")
        x, times = extract.basis(adata, basis)[rows], cell_times(adata)[rows]
        known = np.isfinite(x).all(axis=1) & np.isfinite(times)
        if not known.any():
            raise ValueError(
                f"`start` selects {rows.sum()} rows, none with a state in {basis!r} "
                "and a time. Choose others."
            )
        return x[known], float(times[known].min())
    start = start.astype(float)
    if start.ndim != 2 or start.shape[1] != dimension:
        raise ValueError(
            f"`start` is a time (h), a boolean mask of {adata.n_obs} rows, or states "
            f"of shape (m, {dimension}); found shape {start.shape}. Use e.g. "
            "start=0.0."
        )
    return start, 0.0


def _drawn(x: np.ndarray, n: int | None, rng: np.random.Generator) -> np.ndarray:
    if n is None:
        return x
    n = integer(n, "n_cells", 1)
    return x[np.sort(rng.choice(len(x), n, replace=n > len(x)))]


def _warn_outside(outside: np.ndarray) -> None:
    share = outside.mean()
    if share > OUTSIDE:
        warnings.warn(
            f"{100 * share:.3g} % of {outside.size} simulated states lie where no cell "
            "was seen: the flow is extrapolated there. See obs['extrapolated']; "
            "simulate a shorter time, or start elsewhere.",
            UserWarning,
            stacklevel=3,
        )


def _table(
    cells: SimulatedCells,
    fit: FlowFit,
    basis: str,
    interval: float,
    n_frames: int,
    outside: np.ndarray,
) -> AnnData:
    """Rows of simulated cells as an AnnData."""
    frame, track = pd.Series(cells.frame), pd.Series(cells.track)
    obs = pd.DataFrame(
        {
            keys.MOVIE: pd.Categorical([MOVIE] * len(frame)),
            keys.FRAME: cells.frame,
            keys.TIME: cells.time,
            keys.LABEL: cells.track,
            keys.TRACK: cells.track,
            keys.PARENT_TRACK: cells.parent_track,
            keys.DIES: cells.dies,
            keys.EXTRAPOLATED: outside,
        },
        index=pd.Index(MOVIE + ":" + frame.astype(str) + ":" + track.astype(str)),
    )
    names = [f"{basis.removeprefix('X_')}_{k + 1}" for k in range(fit.dimension)]
    var = pd.DataFrame({keys.FAMILY: FAMILY, keys.UNIT: UNIT}, index=pd.Index(names))
    adata = AnnData(np.array(cells.states), obs=obs, var=var)
    adata.obsm[basis] = np.array(cells.states)
    about = {"frame_interval": float(interval), "n_frames": int(n_frames)}
    store.root(adata)[keys.MOVIES] = {MOVIE: about}
    return adata
