"""Solvers: each answer by two that share no code."""
