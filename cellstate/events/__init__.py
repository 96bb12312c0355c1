"""Which cells commit, when, and how surely."""

from cellstate.events._commitment import EventTable, commitment_events

__all__ = ["EventTable", "commitment_events"]
