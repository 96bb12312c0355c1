"""Committors of snapshots, on a graph of neighbouring cells."""

from cellstate.kinetics._graph._committor import committor_on_graph
from cellstate.kinetics._graph._dimension import intrinsic_dimension

__all__ = ["committor_on_graph", "intrinsic_dimension"]
