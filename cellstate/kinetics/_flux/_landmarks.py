"""Fields measured along steps, smoothed over landmarks of the state space."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

# Steps that a landmark has on average, and landmarks at most.
STEPS, LANDMARKS = 50, 1000
# Landmarks are drawn half from all steps, half from those on the way.
ON_THE_WAY = 0.5
# Width of the kernel at a landmark: its distance to this neighbour, times a factor
# that is chosen by lineages left out.
NEIGHBOUR = 4
FACTORS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
USUAL = 1.0
# Landmarks between which a value at a cell is drawn.
BLENDED = 6
FOLDS = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class Landmarks:
    """Places to which steps are added up.

    Attributes
    ----------
    place
        Shape (L, d).
    distance
        Between places, shape (L, L).
    spacing
        Distance of each to its neighbours, shape (L,).
    """

    place: np.ndarray
    distance: np.ndarray
    spacing: np.ndarray

    @classmethod
    def drawn(
        cls, points: np.ndarray, on_the_way: np.ndarray, rng: np.random.Generator
    ) -> "Landmarks":
        """Draw landmarks from points (m, d), half of them by weights (m,)."""
        count = int(np.clip(len(points) // STEPS, 1, LANDMARKS))
        even = np.full(len(points), 1 / len(points))
        total = on_the_way.sum()
        way = on_the_way / total if total > 0 else even
        chance = (1 - ON_THE_WAY) * even + ON_THE_WAY * way
        chosen = rng.choice(len(points), count, replace=False, p=chance)
        # The middle of what lies nearest: places follow the points they stand for.
        nearest = KDTree(points[chosen]).query(points)[1]
        size = np.bincount(nearest, minlength=count)
        sums = [np.bincount(nearest, v, minlength=count) for v in points.T]
        place = np.stack(sums, axis=1)[size > 0] / size[size > 0, None]
        distance = cdist(place, place)
        neighbour = min(NEIGHBOUR, len(place) - 1)
        spacing = np.partition(distance, neighbour, axis=1)[:, neighbour]
        positive = spacing[spacing > 0]
        least = positive.min() if positive.size else 1.0
        return cls(place=place, distance=distance, spacing=np.maximum(spacing, least))

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """Index of the landmark nearest to each point, (m, d) -> (m,)."""
        return KDTree(self.place).query(points)[1]

    def kernel(self, factor: float) -> np.ndarray:
        """Gaussian weights of the landmarks (columns) at each one, (L, L)."""
        width = factor * self.spacing
        return np.exp(-0.5 * (self.distance / width[:, None]) ** 2)

    def blend(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks near each state (n, d) and their weights, both (n, k)."""
        k = min(BLENDED, len(self.place))
        distance, near = KDTree(self.place).query(x, k=np.arange(1, k + 1))
        width = np.maximum(distance[:, -1:] / 2, 1e-300)
        weight = np.exp(-0.5 * (distance / width) ** 2)
        return near, weight / weight.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class Sums:
    """What steps near each landmark add up to, for each group of lineages.

    Attributes
    ----------
    hours
        Shape (G, L).
    values
        Shape (G, L, d).
    """

    hours: np.ndarray
    values: np.ndarray

    @classmethod
    def of(
        cls,
        cell: np.ndarray,
        group: np.ndarray,
        hours: np.ndarray,
        values: np.ndarray,
        shape: tuple[int, int],
    ) -> "Sums":
        """Add up steps by landmark `cell` and `group`, both (m,)."""
        flat, size = group * shape[1] + cell, shape[0] * shape[1]
        columns = [np.bincount(flat, v, size).reshape(shape) for v in values.T]
        return cls(
            hours=np.bincount(flat, hours, size).reshape(shape),
            values=np.stack(columns, axis=-1),
        )

    def field(self, kernel: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Value per hour at landmarks, 0 if unseen, (b, L, d); groups weighted (b, G).

        Examples
        --------
        Two groups moved 1 and 3 in an hour each; the second counts twice.

        >>> sums = Sums(hours=np.ones((2, 1)), values=np.array([[[1.0]], [[3.0]]]))
        >>> float(sums.field(np.ones((1, 1)), np.array([[1.0, 2.0]])).round(3)[0, 0, 0])
        2.333
        """
        hours = (weight @ self.hours @ kernel.T)[..., None]
        values = np.tensordot(weight, self.values, 1)
        values = np.swapaxes(np.tensordot(kernel, values, axes=(1, 1)), 0, 1)
        return np.divide(values, hours, out=np.zeros_like(values), where=hours > 0)


def best_factor(places: Landmarks, sums: Sums, *, or_none: bool) -> float:
    """Width factor with the least squared error on lineages left out.

    With `or_none` the answer is NaN when no field predicts better than any: what is
    seen is then noise. Without groups to leave out the factor is `USUAL`.
    """
    n_groups = len(sums.hours)
    if n_groups < 2:
        return USUAL
    folds = np.arange(min(FOLDS, n_groups))
    left_out = np.arange(n_groups) % len(folds) == folds[:, None]
    hours = (left_out @ sums.hours)[..., None]
    values = np.tensordot(left_out.astype(float), sums.values, 1)
    losses = []
    for factor in FACTORS:
        field = sums.field(places.kernel(factor), (~left_out).astype(float))
        # The error of the field, less what no field can change.
        losses.append(float((field * (hours * field - 2 * values)).sum()))
    best = int(np.argmin(losses))
    return float("nan") if or_none and losses[best] >= 0 else FACTORS[best]
