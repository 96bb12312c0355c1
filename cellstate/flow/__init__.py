"""Flows: drift, diffusion and growth learned from tracks, snapshots, or both."""

from cellstate.flow._circulation import Circulation
from cellstate.flow._design import KINDS, Design
from cellstate.flow._diagnosis import Diagnosis
from cellstate.flow._fit import fit_regression
from cellstate.flow._growth import given_growth, growth_from_events
from cellstate.flow._regression_model import RegressionModel
from cellstate.flow._result import FlowFit
from cellstate.flow._symmetry import symmetry_group
from cellstate.flow._weak import Snapshots

__all__ = [
    "KINDS",
    "Circulation",
    "Design",
    "Diagnosis",
    "FlowFit",
    "RegressionModel",
    "Snapshots",
    "fit_regression",
    "given_growth",
    "growth_from_events",
    "symmetry_group",
]
