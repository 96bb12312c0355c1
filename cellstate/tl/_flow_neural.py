"""Networks that correct the regression of an AnnData."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate.flow import Births, Bridges, FlowFit, fit_neural, watched
from cellstate.tl._flow_data import SNAPSHOTS, FlowData
from cellstate.tl._flow_growth import EVENTS
from cellstate.transport import couple

GRADIENT = "gradient"


def refine(
    adata: AnnData,
    data: FlowData,
    start: FlowFit,
    growth: str | None,
    dies: str | np.ndarray | None,
    training: Mapping[str, object],
    rng: int | np.random.Generator | None,
) -> FlowFit:
    """Train networks from a regression.

    Followed cells give transitions. Cells that are each seen once give bridges
    between coupled pairs; beside tracks they have entered the regression already, by
    a balance that needs no plan of who became whom.
    """
    time = adata.obs[keys.TIME].to_numpy(dtype=float)
    if data.use == SNAPSHOTS and start.drift_kind != GRADIENT:
        raise ValueError(
            "networks weigh the ways between coupled cells by a diffusion, which "
            f"snapshots do not identify; found drift={start.drift_kind!r} and none. "
            "Give one: cs.tl.fit_flow(adata, method='neural', drift='gradient', "
            "diffusion=...)."
        )
    if data.use == SNAPSHOTS:
        given = _bridges(data, time, training, rng)
    else:
        noise = np.asarray(start.diagnosis.noise)
        given = {
            "x": data.x,
            "steps": data.steps,
            "time": time,
            "noise": noise if noise.any() else None,
            "births": _births(adata, data, time, growth, dies),
        }
    model, history = fit_neural(
        start.model, kind=start.drift_kind, rng=rng, **_symmetry(start), **given,
        **training,
    )  # fmt: skip
    return replace(start, method="neural", model=model, training=history)


def _symmetry(start: FlowFit) -> dict[str, np.ndarray]:
    design = getattr(start.model, "design", None)
    if design is None or design.group is None:
        return {}
    return {"symmetry": design.group, "fixed_point": design.center}


def _bridges(
    data: FlowData,
    time: np.ndarray,
    training: Mapping[str, object],
    rng: int | np.random.Generator | None,
) -> dict[str, object]:
    """Pairs that the exact plan couples, and the snapshots for rollouts."""
    time = np.where(np.isin(time, data.snapshots.times), time, np.nan)
    chain = couple(data.x, time, method="exact", rng=rng)
    source, target, mass = (
        np.asarray(values) for values in (chain.source, chain.target, chain.mass)
    )
    found = {
        "bridges": Bridges(
            x0=data.x[source],
            x1=data.x[target],
            t0=time[source],
            t1=time[target],
            weight=mass * (len(source) / mass.sum()),
        ),
        # Its size is not told by snapshots: what the regression has is kept.
        "diffusion": "base",
        "time_dependent": True,
    }
    if training.get("n_rollout_rounds"):
        found["snapshots"] = data.snapshots
    return found


def _births(
    adata: AnnData,
    data: FlowData,
    time: np.ndarray,
    growth: str | None,
    dies: str | np.ndarray | None,
) -> Births | None:
    if growth != EVENTS:
        return None
    dead = None if dies is None else extract.row_mask(adata, dies, "dies", empty=True)
    rows, event = watched(data.x, data.tracks, dead)
    _, group = np.unique(data.tracks.row_lineage[rows], return_inverse=True)
    return Births(
        x=data.x[rows],
        time=time[rows],
        hours=np.full(rows.size, extract.frame_interval(adata)),
        net=event,
        group=group,
    )
