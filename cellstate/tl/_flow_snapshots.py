"""Flows of an AnnData whose cells are each seen once."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike

from cellstate._adata import _keys as keys
from cellstate.flow import (
    FlowFit,
    fit_balance,
    fit_transport,
    given_growth,
    refuse_snapshots,
)
from cellstate.tl._flow_data import FlowData
from cellstate.tl._flow_growth import COUNTS, EVENTS, rate_of
from cellstate.transport import couple, null_rows


def fit(
    adata: AnnData,
    data: FlowData,
    drift: str,
    growth: str | None,
    diffusion: np.ndarray | None,
    masses: Mapping[float, float] | None,
    rng: int | np.random.Generator | None,
) -> FlowFit:
    """Fit snapshots by transport, or by balance where the diffusion is given."""
    refuse_snapshots(drift, diffusion)
    if growth == EVENTS:
        raise ValueError(
            "growth='events' counts divisions and deaths along tracks; found "
            "snapshots. Give growth='counts' (numbers of cells per time), or an obs "
            "column with a rate in 1/h."
        )
    time = adata.obs[keys.TIME].to_numpy(dtype=float)
    time = np.where(np.isin(time, data.snapshots.times), time, np.nan)
    if diffusion is None:
        chain = _couplings(adata, data, time, growth, masses, rng)
        source = {None: "", COUNTS: "masses"}.get(growth, "given")
        return fit_transport(data.x, chain, growth_source=source, rng=rng)
    if growth == COUNTS:
        raise ValueError(
            "with a diffusion the growth rate is taken as given; found "
            "growth='counts'. Give an obs column with a rate in 1/h, or leave it out."
        )
    known = growth is not None
    model = given_growth(data.x, rate_of(adata, growth)) if known else None
    return fit_balance(
        data.snapshots,
        diffusion,
        growth=model,
        growth_source="given" if known else "",
        null=null_rows(data.x, time, rng=rng),
        rng=rng,
    )


def _couplings(
    adata: AnnData,
    data: FlowData,
    time: np.ndarray,
    growth: str | None,
    masses: Mapping[float, float] | None,
    rng: int | np.random.Generator | None,
):
    if growth is None:
        if masses is not None:
            raise ValueError(
                "`masses` are for growth='counts'; found growth=None. Give it, or "
                "leave masses out."
            )
        return couple(data.x, time, method="exact", rng=rng)
    if growth != COUNTS:
        return couple(data.x, time, growth=rate_of(adata, growth), rng=rng)
    if masses is None:
        masses = pd.Series(time).value_counts().sort_index().to_dict()
    return couple(data.x, time, masses=masses, rng=rng)


def matrix(diffusion: ArrayLike | None, d: int) -> np.ndarray | None:
    """Return a given diffusion as a positive matrix (d, d)."""
    if diffusion is None:
        return None
    given = np.asarray(diffusion, dtype=float)
    full = given * np.eye(d) if given.ndim == 0 else given
    good = full.shape == (d, d) and np.isfinite(full).all()
    if not good or not np.allclose(full, full.T) or np.linalg.eigvalsh(full)[0] <= 0:
        raise ValueError(
            f"`diffusion` is a number above 0 or a symmetric positive matrix ({d}, "
            f"{d}), squares per h; found {given.tolist()}."
        )
    return full
