"""Learn the state space, committors, rates and events; write them and return them."""

from cellstate.tl._committor import committor, validate_committor
from cellstate.tl._embed import delay_embed, embed
from cellstate.tl._events import differentiation_events
from cellstate.tl._rates import rates
from cellstate.tl._states import define_states
from cellstate.tl._truth import compare_with_truth

__all__ = [
    "committor",
    "compare_with_truth",
    "define_states",
    "delay_embed",
    "differentiation_events",
    "embed",
    "rates",
    "validate_committor",
]
