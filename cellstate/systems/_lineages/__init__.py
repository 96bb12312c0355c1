"""Counts, clones and lineage trees."""
