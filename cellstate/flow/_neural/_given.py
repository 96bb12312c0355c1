"""What may be given to a neural fit beside steps along tracks."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Bridges:
    """Pairs of cells that a plan couples.

    Attributes
    ----------
    x0, x1
        States at the two times, (p, d).
    t0, t1
        Times (h), (p,).
    weight
        How many observed cells each pair stands for, (p,).
    """

    x0: np.ndarray
    x1: np.ndarray
    t0: np.ndarray
    t1: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class Births:
    """Divisions and deaths seen while cells were watched.

    Attributes
    ----------
    x, time
        States (k, d) and times (h) (k,) at which cells were watched.
    hours
        For how long, (k,).
    net
        Divisions less deaths in that time, (k,).
    group
        Code of the lineage, (k,).
    """

    x: np.ndarray
    time: np.ndarray
    hours: np.ndarray
    net: np.ndarray
    group: np.ndarray

    @property
    def rate(self) -> float:
        """Events per hour."""
        return float(max(np.abs(self.net).sum(), 1.0) / self.hours.sum())
