"""Randomness enters as `rng` (a seed or a Generator) and leaves no global trace."""

import numpy as np


def generator(rng: int | np.random.Generator | None) -> np.random.Generator:
    """Return a numpy Generator from a seed, a Generator or None (SPEC 7).

    Examples
    --------
    >>> int(generator(1).integers(100)) == int(generator(1).integers(100))
    True
    """
    return np.random.default_rng(rng)


def seed_of(rng: int | np.random.Generator | None) -> int:
    """Return the seed to write beside a result: -1 when none was given."""
    return int(rng) if isinstance(rng, int | np.integer) else -1
