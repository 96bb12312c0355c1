"""Reactive current, flux between groups, pathways, reactive segments, channels."""

from cellstate.kinetics._flux._current import ReactiveCurrent, reactive_current
from cellstate.kinetics._flux._result import ReactiveFlux, reactive_flux
from cellstate.kinetics._flux._segments import ReactiveSegments, reactive_segments
from cellstate.kinetics._flux._steps import ReactiveSteps, reactive_steps

__all__ = [
    "ReactiveCurrent",
    "ReactiveFlux",
    "ReactiveSegments",
    "ReactiveSteps",
    "reactive_current",
    "reactive_flux",
    "reactive_segments",
    "reactive_steps",
]
