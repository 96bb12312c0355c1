"""Types, errors, checks, randomness, settings and results; imports nothing above."""
