"""Cells under a hidden law: grown, observed, and put in tables with their truth."""
