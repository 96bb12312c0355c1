"""Diffusion as a function of the state, from the squares of residuals."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result
from cellstate.flow._state_function import (
    Seen,
    StateFunction,
    constant_function,
    fit_function,
)
from cellstate.sde._noise import positive_part

FLOOR = 0.01  # of the mean diffusion: an estimate is never below it


@dataclass(frozen=True, eq=False, kw_only=True)
class DiffusionModel(Result):
    """Diffusion matrix as a polynomial of the state.

    Attributes
    ----------
    entries
        Entries on and above the diagonal, as functions of the state, per h.
    floor
        Smallest eigenvalue allowed.
    """

    kind: ClassVar[str] = "diffusion_model"
    entries: StateFunction
    floor: float

    @property
    def constant(self) -> bool:
        """Whether D is the same everywhere."""
        return self.entries.constant

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """D at states (n, d), shape (n, d, d)."""
        if self.constant:
            one = _unpacked(self.entries.coefficients)
            return np.repeat(positive_part(one, self.floor), len(x), axis=0)
        return positive_part(_unpacked(self.entries(x)), self.floor)

    def standard_error(self, x: np.ndarray) -> np.ndarray:
        """Standard error of every entry at states (n, d), shape (n, d, d)."""
        return _unpacked(self.entries.standard_error(x))

    def widened(self, variance: np.ndarray) -> "DiffusionModel":
        """Add to the variance of every entry, (entries,), the same at all states."""
        covariance = np.array(self.entries.covariance)
        covariance[:, 0, 0] += variance
        return replace(self, entries=replace(self.entries, covariance=covariance))


def given_diffusion(x: np.ndarray, matrix: np.ndarray) -> DiffusionModel:
    """Wrap a diffusion (d, d) that was given and holds everywhere."""
    rows, columns = np.triu_indices(len(matrix))
    return DiffusionModel(
        entries=constant_function(x, matrix[rows, columns]), floor=0.0
    )


def fit_diffusion(seen: Seen) -> DiffusionModel:
    """Fit a constant, linear or quadratic diffusion: the simplest not rejected.

    Parameters
    ----------
    seen
        Diffusion of every step, its matrices flattened to (k, d * d).
    """
    d = seen.x.shape[1]
    upper = np.ravel_multi_index(np.triu_indices(d), (d, d))
    packed = Seen(**{**vars(seen), "values": seen.values[:, upper]})
    mean = np.average(seen.values, axis=0, weights=seen.weight).reshape(d, d)
    return DiffusionModel(
        entries=fit_function(packed),
        floor=FLOOR * max(float(np.trace(mean)) / d, 0.0),
    )


def _unpacked(packed: np.ndarray) -> np.ndarray:
    """Symmetric matrices (n, d, d) from their upper triangles (n, d (d + 1) / 2)."""
    d = int((np.sqrt(8 * packed.shape[1] + 1) - 1) / 2)
    rows, columns = np.triu_indices(d)
    full = np.empty((len(packed), d, d))
    full[:, rows, columns] = packed
    full[:, columns, rows] = packed
    return full
