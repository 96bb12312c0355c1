"""Drift, diffusion and growth of an AnnData."""

from collections.abc import Sequence

import numpy as np
from anndata import AnnData
from numpy.typing import ArrayLike

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import choice, fraction
from cellstate.flow import (
    KINDS,
    FlowFit,
    fit_regression,
    given_growth,
    growth_from_events,
    symmetry_group,
)
from cellstate.flow._state_function import StateFunction
from cellstate.tl._flow_data import USES, FlowData, flow_data
from cellstate.tracks import lineage_folds

EVENTS = "events"
GROWTH_FOLDS = 5


def fit_flow(
    adata: AnnData,
    *,
    basis: str = keys.STATE_SPACE,
    use: str = "auto",
    drift: str = "free",
    growth: str | None = None,
    dies: str | np.ndarray | None = None,
    symmetry: Sequence[ArrayLike] | None = None,
    penalty: float | None = None,
    level: float = 0.95,
    key_added: str = keys.FLOW_FIT,
    rng: int | np.random.Generator | None = None,
) -> FlowFit:
    choice(use, "use", USES)
    choice(drift, "drift", KINDS)
    data = flow_data(adata, basis, use)
    d = data.x.shape[1]
    model, source = _growth(adata, data, growth, dies, rng)
    result = fit_regression(
        data.x,
        data.steps,
        snapshots=data.snapshots,
        drift=drift,
        symmetry=None if symmetry is None else symmetry_group(symmetry, d),
        growth=model,
        growth_source=source,
        penalty=penalty,
        level=fraction(level, "level"),
        rng=rng,
    )
    _write(adata, data.x, basis, result, key_added)
    store.put(
        adata,
        key_added,
        result,
        inputs=(basis, *(keys.TRACKING if data.tracks is not None else ())),
        params={"basis": basis, "growth": growth, "penalty": penalty},
        rng=rng,
    )
    return result


def _growth(
    adata: AnnData,
    data: FlowData,
    growth: str | None,
    dies: str | np.ndarray | None,
    rng: int | np.random.Generator | None,
) -> tuple[StateFunction | None, str]:
    """Growth rate as a function of the state, and where it comes from."""
    if growth is None:
        return None, ""
    if growth != EVENTS:
        rate = extract.column(adata, growth).to_numpy(dtype=float)
        return given_growth(data.x, rate), "given"
    if data.tracks is None:
        raise ValueError(
            "growth='events' counts divisions and deaths along tracks; found "
            "snapshots. Give growth='counts' (numbers of cells per time), or an obs "
            "column with a rate in 1/h."
        )
    found = growth_from_events(
        data.x,
        data.tracks,
        None if dies is None else extract.row_mask(adata, dies, "dies"),
        extract.frame_interval(adata),
        lineage_folds(data.tracks, GROWTH_FOLDS, rng=rng),
    )
    return found, "events"


def _write(
    adata: AnnData, x: np.ndarray, basis: str, fit: FlowFit, key_added: str
) -> None:
    """One value per cell: drift with its error, diffusion, growth, extrapolation."""
    name = basis.removeprefix("X_")
    prefix = "" if key_added == keys.FLOW_FIT else f"{key_added}_"
    known = np.isfinite(x).all(axis=1)
    n, d = x.shape
    cells = x[known]

    def filled(values: np.ndarray) -> np.ndarray:
        full = np.full((n, *values.shape[1:]), np.nan)
        full[known] = values
        return full

    drift, diffusion = (
        f"{prefix}{keys.DRIFT}_{name}",
        f"{prefix}{keys.DIFFUSION}_{name}",
    )
    adata.obsm[drift] = filled(fit.drift(cells))
    adata.obsm[f"{drift}_se"] = filled(fit.standard_error(cells))
    adata.obsm[diffusion] = filled(fit.diffusion(cells).reshape(-1, d * d))
    adata.obs[f"{prefix}{keys.GROWTH_RATE}"] = filled(fit.growth_rate(cells))
    outside = np.ones(n, dtype=bool)
    outside[known] = fit.extrapolated(cells)
    adata.obs[f"{prefix}{keys.EXTRAPOLATED}"] = outside
