"""Flows: drift, diffusion and growth learned from tracks, snapshots, or both."""
