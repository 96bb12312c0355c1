"""Values sorted within groups, in one sort."""

from typing import NamedTuple

import numpy as np


class Ordered(NamedTuple):
    """Values sorted within each group, as keys that hold group and value."""

    key: np.ndarray  # (N,) the group, plus half of how high the value lies
    low: float
    scale: float

    def at(self, place: np.ndarray) -> np.ndarray:
        """Values at places of the sorted list, with an error of about 1e-16 x key."""
        key = self.key[place]
        return self.low + (key - np.floor(key)) * self.scale


def sort_within(values: np.ndarray, group: np.ndarray) -> Ordered:
    """Sort values within each group, the groups in ascending order.

    One float key holds both, the group as whole part and half the value below
    it; values come back with an error of about 1e-16 groups x range.

    Parameters
    ----------
    values
        Finite, shape (N,).
    group
        Integers, shape (N,), in any order.
    """
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    if not high > low:
        return Ordered(np.zeros(values.size), low, 0.0)
    key = values - low
    key *= 0.5 / (high - low)
    key += group
    key.sort()
    return Ordered(key, low, 2 * (high - low))
