"""Voxels of a stack sorted by cell, and moments of solid cells."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Voxels:
    """Voxels of the n cells of a stack, sorted by cell."""

    labels: np.ndarray
    label: np.ndarray  # (n,)
    place: np.ndarray  # (N,) in the flattened stack
    start: np.ndarray  # (n,) first voxel of each cell
    position: np.ndarray  # (N, 3) z, y, x
    box: np.ndarray  # (n, 6)

    @classmethod
    def of(cls, labels: np.ndarray) -> "Voxels":
        """Voxels of every label above 0."""
        place = np.flatnonzero(labels)
        label, cell = np.unique(labels.ravel()[place], return_inverse=True)
        order = np.argsort(cell, kind="stable")
        place, start = place[order], np.searchsorted(cell[order], np.arange(label.size))
        position = np.stack(np.unravel_index(place, labels.shape), axis=1)
        low, high = (
            f.reduceat(position, start, axis=0) if start.size else np.zeros((0, 3), int)
            for f in (np.minimum, np.maximum)
        )
        return cls(
            labels=labels,
            label=label.astype(np.int64),
            place=place,
            start=start,
            position=position,
            box=np.hstack([low, high + 1]),
        )

    @property
    def n(self) -> int:
        return self.label.size

    @property
    def count(self) -> np.ndarray:
        return np.diff(self.start, append=self.place.size)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the voxels of each cell, shape (n, ...)."""
        if not self.n:
            return np.zeros((0, *values.shape[1:]))
        return np.add.reduceat(values, self.start, axis=0)

    def mean(self, values: np.ndarray) -> np.ndarray:
        count = self.count.reshape(-1, *(1,) * (values.ndim - 1))
        return self.sum(values) / count

    def spread(self, per_cell: np.ndarray) -> np.ndarray:
        """One value per cell, repeated for each of its voxels."""
        return np.repeat(per_cell, self.count, axis=0)


def solid_moments(cells: Voxels, spacing: np.ndarray) -> dict[str, np.ndarray]:
    """Volume (n,), centroid in voxels (n, 3) and full axes, long first, (n, 3)."""
    corner = cells.box[:, :3]
    centroid = corner + cells.mean(cells.position - cells.spread(corner))
    away = (cells.position - cells.spread(centroid)) * spacing
    covariance = cells.mean(away[:, :, None] * away[:, None, :])
    covariance += np.diag(spacing**2 / 12)
    spread = np.linalg.eigvalsh(covariance)[:, ::-1]
    return {
        "volume": cells.count * spacing.prod(),
        "centroid": centroid,
        # A solid ellipsoid has variance a^2 / 5 along its semi-axis a.
        "axes": 2 * np.sqrt(5 * spread),
    }
