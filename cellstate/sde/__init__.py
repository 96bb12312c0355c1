"""Stochastic differential equations: steps along tracks, paths, noise, residuals."""

from cellstate.sde._steps import Steps, track_steps

__all__ = ["Steps", "track_steps"]
