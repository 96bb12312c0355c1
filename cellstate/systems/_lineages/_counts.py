"""Checks of rates and of whole numbers."""

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike


def rate(value: object, name: str) -> float:
    """Return a rate of 0 or above as a float, or say what was found.

    Examples
    --------
    >>> rate(0, "death_rate")
    0.0
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or value < 0:
        raise ValueError(
            f"`{name}` (1/time) must be a number of 0 or above; found {value!r}."
        )
    return float(value)


def times(t: ArrayLike) -> np.ndarray:
    """Return times as floats; reject those below 0."""
    t = np.asarray(t, dtype=float)
    if not (t >= 0).all():
        raise ValueError(f"times are 0 or above; found {t[~(t >= 0)].flat[0]:g}.")
    return t


def whole_numbers(x: ArrayLike, what: str) -> np.ndarray:
    """Return counts as integers; reject fractions and what lies below 0.

    Examples
    --------
    >>> whole_numbers([2.0, 3.0], "cells")
    array([2, 3])
    """
    x = np.asarray(x)
    if x.dtype.kind not in "iuf":
        raise ValueError(f"{what} are whole numbers; found {x.dtype}.")
    bad = ~((x >= 0) & (x == np.floor(x)) & np.isfinite(x))
    if bad.any():
        raise ValueError(
            f"{what} are whole numbers of 0 or above; found {int(bad.sum())} of "
            f"{bad.size} others, the first {x[bad].flat[0]:g}."
        )
    return x.astype(np.int64)
