"""Growth rates of an AnnData as a function of the state."""

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate.flow import given_growth, growth_from_events
from cellstate.flow._state_function import StateFunction
from cellstate.tl._flow_data import FlowData

EVENTS, COUNTS = "events", "counts"


def growth_of(
    adata: AnnData,
    data: FlowData,
    growth: str | None,
    dies: str | np.ndarray | None,
) -> tuple[StateFunction | None, str]:
    """Growth of cells that are followed, and where it comes from.

    Raises
    ------
    ValueError
        Deaths are marked but growth is not asked for, counts are asked for beside
        tracks, or neither a division nor a death was seen.
    """
    if dies is not None and growth != EVENTS:
        raise ValueError(
            f"`dies` marks deaths for growth='events'; found growth={growth!r}. Give "
            "growth='events', or leave it out."
        )
    if growth is None:
        return None, ""
    if growth == COUNTS:
        raise ValueError(
            "growth='counts' is for snapshots alone: beside tracks divisions and "
            "deaths are seen one by one. Use growth='events'."
        )
    if growth != EVENTS:
        return given_growth(data.x, rate_of(adata, growth)), "given"
    found = growth_from_events(
        data.x,
        data.tracks,
        None if dies is None else extract.row_mask(adata, dies, "dies", empty=True),
        extract.frame_interval(adata),
    )
    return found, EVENTS


def rate_of(adata: AnnData, growth: str) -> np.ndarray:
    """Growth rates of an obs column, (n,) in 1/h."""
    column = extract.column(adata, growth)
    try:
        rate = column.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`growth` is 'events', 'counts' or an obs column of rates in 1/h; found "
            f"{growth!r}, which holds {column.dtype}, {column.iloc[0]!r} first. Give "
            "growth=None, or a column of numbers."
        ) from error
    known = int(np.isfinite(rate).sum())
    if known < len(rate) / 2:
        raise ValueError(
            f"growth={growth!r} must give most cells a rate in 1/h; found {known} of "
            f"{len(rate)} that are finite. Give growth=None where it is not known."
        )
    return rate
