"""Which cells commit, when, and how surely."""

from cellstate.events._commitment import EventTable, commitment_events
from cellstate.events._score import EventScore, score_events

__all__ = ["EventScore", "EventTable", "commitment_events", "score_events"]
