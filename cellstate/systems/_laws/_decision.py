"""What landscapes of decisions share: a progenitor, two fates, a linear tilt."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._fixed_points import find_fixed_points
from cellstate.systems._laws._landscapes import Box2, Plane, roomy_box, split
from cellstate.systems._laws._line import finite
from cellstate.systems._regions import Ball, Region, Union

DISC = 0.3  # radius of the usual sets around fates and progenitor

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Decision(Plane):
    """V = shape + p1 x + p2 y with a progenitor and two fates, where they exist."""

    smallest_box: ClassVar[Box2]

    D: float = 0.05
    p1: float = 0.0
    p2: float = 0.0

    @staticmethod
    @abstractmethod
    def _shape(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """V without the tilt."""

    @staticmethod
    @abstractmethod
    def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Derivatives of the shape, shape (..., 2)."""

    @staticmethod
    @abstractmethod
    def _curvature(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Second derivatives of the shape, shape (..., 2, 2)."""

    @staticmethod
    @abstractmethod
    def _role(x: float, y: float) -> int:
        """Of a stable point: 0 first fate, 1 second fate, 2 progenitor."""

    def __post_init__(self) -> None:
        for name in ("p1", "p2"):
            finite(getattr(self, name), name, "energy per state")
        super().__post_init__()

    def potential(self, x: ArrayLike) -> np.ndarray:
        """V of states (..., 2), shape (...)."""
        x, y = split(x)
        return self._shape(x, y) + self.p1 * x + self.p2 * y

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """Derivatives of V at states (..., 2), shape (..., 2)."""
        return self._slope(*split(x)) + np.array([self.p1, self.p2])

    def hessian(self, x: ArrayLike) -> np.ndarray:
        """Second derivatives of V at states (..., 2), shape (..., 2, 2)."""
        return self._curvature(*split(x))

    @property
    def box(self) -> Box2:
        """Wide enough that V at its edge is 15 D above the bottom."""
        return roomy_box(self, self.smallest_box)

    @property
    def fates(self) -> tuple[Point | None, Point | None]:
        """First and second fate; None where a fate does not exist."""
        first, second, _ = _roles(type(self), self.p1, self.p2)
        return first, second

    @property
    def progenitor(self) -> Point | None:
        """The progenitor; None where it does not exist."""
        return _roles(type(self), self.p1, self.p2)[2]

    def commitment(self) -> Self:
        """The same law with A a disc around the progenitor, B discs around both fates.

        Raises
        ------
        ValueError
            The progenitor or a fate does not exist with these parameters.
        """
        first, second = self.fates
        if self.progenitor is None or first is None or second is None:
            raise ValueError(
                f"commitment goes from a progenitor to either fate; with these "
                f"parameters the progenitor is {self.progenitor} and the fates are "
                f"{first} and {second}. Change p1 or p2."
            )
        return replace(
            self,
            source=Ball(self.progenitor, DISC),
            target=Union((Ball(first, DISC), Ball(second, DISC))),
        )

    def _usual_sets(self) -> tuple[Region | None, Region | None]:
        first, second = self.fates
        if first is None or second is None:
            return None, None
        return Ball(first, DISC), Ball(second, DISC)


@lru_cache(maxsize=256)
def _roles(
    kind: type[Decision], p1: float, p2: float
) -> tuple[Point | None, Point | None, Point | None]:
    """First fate, second fate and progenitor; they depend neither on D nor on sets."""
    points = find_fixed_points(
        lambda x: -kind._slope(*split(x)) - np.array([p1, p2]),
        lambda x: -kind._curvature(*split(x)),
        kind.smallest_box,
    )
    roles: list[Point | None] = [None, None, None]
    for x, y in points.x[points.stable]:
        roles[kind._role(x, y)] = (float(x), float(y))
    return roles[0], roles[1], roles[2]
