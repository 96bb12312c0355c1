"""Masses of cells: what they gain through a plan, where one starts, their shares."""

import numpy as np
from numpy.typing import ArrayLike


def implied_growth(
    times: np.ndarray,
    time_index: np.ndarray,
    weight: np.ndarray,
    source: np.ndarray,
    mass: np.ndarray,
) -> np.ndarray:
    """Growth rate (1/h) of each source row; NaN without descendants, shape (n,)."""
    left = np.bincount(source, mass, len(weight))
    growth = np.full(len(weight), np.nan)
    some = left > 0
    interval = np.diff(times)[time_index[some]]
    growth[some] = np.log(left[some] / weight[some]) / interval
    return growth


def chosen_mass(cells: ArrayLike, weight: np.ndarray) -> np.ndarray:
    """Starting mass per row: a mask or row numbers count by weight of the cells."""
    cells = np.asarray(cells)
    n = len(weight)
    if cells.dtype == bool and cells.shape == (n,):
        return np.where(cells, weight, 0.0)
    if np.issubdtype(cells.dtype, np.integer) and cells.size:
        if cells.min() < 0 or cells.max() >= n:
            raise ValueError(
                f"row numbers must lie in 0..{n - 1}; found {cells.min()} to "
                f"{cells.max()}."
            )
        mask = np.zeros(n, dtype=bool)
        mask[cells] = True
        return np.where(mask, weight, 0.0)
    if cells.shape != (n,) or not (np.isfinite(cells).all() and (cells >= 0).all()):
        raise ValueError(
            f"`cells` must be a boolean mask or weights >= 0 of shape ({n},), or row "
            f"numbers; found dtype {cells.dtype}, shape {cells.shape}."
        )
    return cells.astype(float)


def shares(mass: np.ndarray, what: str, time: float) -> np.ndarray:
    total = mass.sum()
    if total <= 0:
        raise ValueError(
            f"the cells have no {what} at {time:g} h: the plan gives them no mass. Use "
            "method='semirelaxed' or raise `relaxation`."
        )
    return mass / total
