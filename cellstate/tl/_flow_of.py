"""A flow that was given, or one that is stored."""

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _keys as keys
from cellstate.flow import FlowFit
from cellstate.kinetics import Flow


def flow_of(adata: AnnData, flow: Flow | str | None, basis: str) -> Flow | None:
    """Return the flow itself, or read the one that `cs.tl.fit_flow` stored.

    Raises
    ------
    TypeError
        It has no drift and diffusion.
    ValueError
        It was fitted in another basis, or knows no diffusion.
    """
    if isinstance(flow, str):
        fitted_in = adata.uns.get(keys.ROOT, {}).get(flow, {}).get("params", {})
        flow = get.flow_fit(adata, flow)
        own = fitted_in.get("basis", basis)
        if own != basis:
            raise ValueError(
                f"the flow was fitted in basis={own!r}; found basis={basis!r}. Ask "
                f"for basis={own!r}."
            )
    if flow is None:
        return None
    lacking = [
        m for m in ("drift", "diffusion") if not callable(getattr(flow, m, None))
    ]
    if lacking:
        raise TypeError(
            f"`flow` must have methods drift(x, t) and diffusion(x, t); found "
            f"{type(flow).__name__} without {lacking}."
        )
    if isinstance(flow, FlowFit) and not flow.diffusion(_somewhere(flow)).any():
        raise ValueError(
            "chances and times of transitions need a diffusion; this flow was fitted "
            "to snapshots alone, which do not identify one. Fit it with tracks, or "
            "assume one: cs.tl.fit_flow(adata, drift='gradient', diffusion=...)."
        )
    return flow


def _somewhere(flow: FlowFit) -> np.ndarray:
    return np.asarray(flow.support.points[:1])
