"""Typed readers of what is stored; a stale result is refused."""

from cellstate.get._results import (
    calibration,
    committor,
    delay_embedding,
    events,
    projection,
    quality,
    rates,
    scaling,
    states,
)

__all__ = [
    "calibration",
    "committor",
    "delay_embedding",
    "events",
    "projection",
    "quality",
    "rates",
    "scaling",
    "states",
]
