"""Typed readers of what is stored; a stale result is refused."""

from cellstate.get._results import (
    calibration,
    committor,
    comparison,
    delay_embedding,
    events,
    fate_probabilities,
    flow_fit,
    macrostates,
    mfpt,
    projection,
    quality,
    rate_scan,
    rates,
    reactive_flux,
    reactive_segments,
    scaling,
    states,
)
from cellstate.get._truth import truth

__all__ = [
    "calibration",
    "committor",
    "comparison",
    "delay_embedding",
    "events",
    "fate_probabilities",
    "flow_fit",
    "macrostates",
    "mfpt",
    "projection",
    "quality",
    "rate_scan",
    "rates",
    "reactive_flux",
    "reactive_segments",
    "scaling",
    "states",
    "truth",
]
