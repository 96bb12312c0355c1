"""Flows: drift, diffusion and growth learned from tracks, snapshots, or both."""

from cellstate.flow._balance_fit import fit_balance
from cellstate.flow._circulation import Circulation
from cellstate.flow._design import KINDS, Design
from cellstate.flow._diagnosis import Diagnosis
from cellstate.flow._fit import fit_regression
from cellstate.flow._growth import given_growth, growth_from_events, watched
from cellstate.flow._neural import (
    Births,
    Bridges,
    NeuralModel,
    TrainingHistory,
    fit_neural,
)
from cellstate.flow._regression_model import RegressionModel
from cellstate.flow._result import FlowFit
from cellstate.flow._snapshot_fit import fit_transport, refuse_snapshots
from cellstate.flow._snapshot_model import SnapshotModel
from cellstate.flow._symmetry import symmetry_group
from cellstate.flow._transport_paths import (
    TransportPaths,
    follow,
    transport_paths,
)
from cellstate.flow._weak import Snapshots

__all__ = [
    "KINDS",
    "Births",
    "Bridges",
    "Circulation",
    "Design",
    "Diagnosis",
    "FlowFit",
    "NeuralModel",
    "RegressionModel",
    "SnapshotModel",
    "Snapshots",
    "TrainingHistory",
    "TransportPaths",
    "fit_balance",
    "fit_neural",
    "fit_regression",
    "fit_transport",
    "follow",
    "given_growth",
    "growth_from_events",
    "refuse_snapshots",
    "symmetry_group",
    "transport_paths",
    "watched",
]
