"""Sets of states: source and target of a transition."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import positive

# A point that rounding puts this far outside still counts as inside.
ROUNDING = 1e-12


class Region(Protocol):
    """A closed set of states with a signed distance to its edge."""

    def distance(self, x: ArrayLike) -> np.ndarray:
        """Distance of states (..., d) to the edge, negative inside, shape (...)."""
        ...

    def contains(self, x: ArrayLike) -> np.ndarray:
        """Whether states (..., d) lie inside, shape (...)."""
        ...


def _states(x: ArrayLike, dimension: int) -> np.ndarray:
    """Return states (..., d) as floats; reject those of another dimension."""
    x = np.asarray(x, dtype=float)
    if x.ndim == 0 or x.shape[-1] != dimension:
        raise ValueError(
            f"states of this region have shape (..., {dimension}); found {x.shape}. "
            "Keep the last axis for the coordinates, also on a line."
        )
    return x


def _numbers(values: ArrayLike, name: str) -> tuple[float, ...]:
    """Return finite numbers as a tuple: a region can be a key then, as laws are."""
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(
            f"`{name}` holds one finite number per coordinate; found {values!r}."
        )
    return tuple(numbers.tolist())


class _Contains:
    def contains(self, x: ArrayLike) -> np.ndarray:
        """Whether states (..., d) lie inside, shape (...)."""
        return self.distance(x) <= ROUNDING


@dataclass(frozen=True)
class HalfSpace(_Contains):
    """States with ``normal . x <= bound``; `normal` has length 1.

    Examples
    --------
    >>> HalfSpace((1.0,), -1.0).contains([[-1.5], [0.0]])
    array([ True, False])
    """

    normal: tuple[float, ...]
    bound: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "normal", _numbers(self.normal, "normal"))
        object.__setattr__(self, "bound", _numbers([self.bound], "bound")[0])
        length = float(np.linalg.norm(self.normal))
        if not np.isclose(length, 1):
            raise ValueError(
                f"`normal` has length 1; found {self.normal} of length {length:g}. "
                "Divide it by its length."
            )

    def distance(self, x: ArrayLike) -> np.ndarray:
        """Distance of states (..., d) to the edge, negative inside, shape (...)."""
        return _states(x, len(self.normal)) @ np.asarray(self.normal) - self.bound


def below(value: float) -> HalfSpace:
    """All x <= value on a line."""
    return HalfSpace((1.0,), float(value))


def above(value: float) -> HalfSpace:
    """All x >= value on a line."""
    return HalfSpace((-1.0,), -float(value))


@dataclass(frozen=True)
class Ball(_Contains):
    """States at most `radius` away from `center`.

    Examples
    --------
    >>> Ball((1.0, 0.0), 0.25).distance([[1.0, 1.0], [1.0, 0.0]])
    array([ 0.75, -0.25])
    """

    center: tuple[float, ...]
    radius: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", _numbers(self.center, "center"))
        positive(self.radius, "radius", "units of the state", "Ball((0, 0), 0.3)")

    def distance(self, x: ArrayLike) -> np.ndarray:
        """Distance of states (..., d) to the edge, negative inside, shape (...)."""
        away = _states(x, len(self.center)) - np.asarray(self.center)
        return np.sqrt((away**2).sum(axis=-1)) - self.radius


@dataclass(frozen=True)
class Box(_Contains):
    """States at most `half_width` away from `center` along every axis."""

    center: tuple[float, ...]
    half_width: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", _numbers(self.center, "center"))
        positive(self.half_width, "half_width", "units of the state", "Box((0, 0), 1)")

    def distance(self, x: ArrayLike) -> np.ndarray:
        """Distance of states (..., d) to the edge, negative inside, shape (...)."""
        over = np.abs(_states(x, len(self.center)) - np.asarray(self.center))
        over = over - self.half_width
        outside = np.sqrt((np.maximum(over, 0) ** 2).sum(axis=-1))
        return outside + np.minimum(over.max(axis=-1), 0)


@dataclass(frozen=True)
class Union(_Contains):
    """States in any of several regions, for example either of two fates."""

    parts: tuple[Region, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        if not self.parts:
            raise ValueError("`parts` holds one region or more; found none.")

    def distance(self, x: ArrayLike) -> np.ndarray:
        """Distance of states (..., d) to the edge, negative inside, shape (...)."""
        return np.min([part.distance(x) for part in self.parts], axis=0)
