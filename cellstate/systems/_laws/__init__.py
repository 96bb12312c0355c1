"""Diffusions with exact answers."""
