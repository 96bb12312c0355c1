"""Checks at the door: inside the package arrays are trusted."""

import math
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike


def positive(value: object, name: str, unit: str, call: str) -> float:
    """Return `value` as a finite float above zero, or say how to give it.

    Examples
    --------
    >>> positive(0.645, "pixel_size", "um", "cs.Movie(..., pixel_size=0.645)")
    0.645
    """
    if value is None:
        raise ValueError(f"`{name}` ({unit}) is missing; give it: {call}.")
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise ValueError(
            f"`{name}` must be a number above 0 in {unit}; found {value!r}. Use {call}."
        )
    return float(value)


def not_negative(value: object, name: str) -> float:
    """Return `value` as a finite float of at least 0."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ValueError(f"`{name}` must be a finite number >= 0; found {value!r}.")
    return float(value)


def integer(value: object, name: str, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
        raise ValueError(f"`{name}` must be an integer >= {minimum}; found {value!r}.")
    return int(value)


def fraction(value: object, name: str) -> float:
    """Return `value` as a float strictly between 0 and 1."""
    if not isinstance(value, Real) or not 0 < value < 1:
        raise ValueError(f"`{name}` must lie between 0 and 1; found {value!r}.")
    return float(value)


def choice(value: object, name: str, options: tuple[str, ...]) -> str:
    """Return `value` if it is one of `options`."""
    if value not in options:
        raise ValueError(f"`{name}` must be one of {list(options)}; found {value!r}.")
    return value


def matrix(values: ArrayLike, name: str) -> np.ndarray:
    """Return `values` as a two-dimensional float array."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 2:
        raise ValueError(
            f"`{name}` must have shape (n, d); found {array.ndim} dimension(s), "
            f"shape {array.shape}."
        )
    return array


def row_mask(mask: ArrayLike | None, n: int, name: str) -> np.ndarray:
    """Return a boolean mask of length n; None selects every row."""
    if mask is None:
        return np.ones(n, dtype=bool)
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != (n,):
        raise ValueError(
            f"`{name}` must be a boolean mask of shape ({n},); found dtype "
            f"{mask.dtype}, shape {mask.shape}."
        )
    return mask
