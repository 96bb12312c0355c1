"""Typed readers of what is stored; a stale result is refused."""

from cellstate.get._results import (
    calibration,
    committor,
    events,
    quality,
    rates,
    scaling,
    states,
)

__all__ = [
    "calibration",
    "committor",
    "events",
    "quality",
    "rates",
    "scaling",
    "states",
]
