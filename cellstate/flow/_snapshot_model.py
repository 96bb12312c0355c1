"""A flow between snapshots: mean velocity of the transport paths, smooth in x and t."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve

from cellstate._base.random import generator
from cellstate._base.results import Result
from cellstate.flow._basis import blocks
from cellstate.flow._state_function import StateFunction
from cellstate.flow._transport_paths import TransportPaths
from cellstate.statespace import SmoothBasis, smooth_basis

LANDMARKS = 600
WIDTH = 0.6  # of the Gaussians, per root of the total variance
POINTS = 8  # of every path that are fitted
MOST_ROWS = 60_000
BLUR = 0.3  # spread of the points around a path half-way, in units of the cells' spread
RIDGE = 0.01  # relative to the mean information on a Gaussian


@dataclass(frozen=True, eq=False, kw_only=True)
class SnapshotModel(Result):
    """Drift as a smooth function of state and time; no diffusion.

    Attributes
    ----------
    scale, hours
        States enter over `scale` (d,), times over `hours`, the mean interval.
    basis
        Functions of scaled state and time together.
    coefficients, covariance
        Of each component of the drift, (q, d) and (d, q, q).
    first_time, last_time
        Hours; beyond them the drift is that at the nearer end.
    growth_model
        Growth rate as a function of the state, or None.
    """

    kind: ClassVar[str] = "snapshot_model"
    scale: np.ndarray
    hours: float
    basis: SmoothBasis
    coefficients: np.ndarray
    covariance: np.ndarray
    first_time: float
    last_time: float
    growth_model: StateFunction | None = None

    has_potential: ClassVar[bool] = False

    @property
    def dimension(self) -> int:
        """Coordinates of a state."""
        return self.scale.size

    def drift(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift at states (n, d) and times (n,) or one, shape (n, d) per h."""
        z = self._joined(x, t)
        return np.concatenate(
            [self.basis(z[part]) @ self.coefficients for part in blocks(max(len(x), 1))]
        )

    def diffusion(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Zero: snapshots do not tell it, (n, d, d)."""
        d = self.dimension
        return np.zeros((len(x), d, d))

    def growth_rate(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Growth rate at states (n, d), shape (n,) in 1/h."""
        if self.growth_model is None:
            return np.zeros(len(x))
        return self.growth_model(x)[:, 0]

    def jacobian(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivatives d b_i / d x_j, shape (n, d, d)."""
        z, d = self._joined(x, t), self.dimension
        slopes = self.basis.slopes(z)[:, :d] / self.scale[:, None]
        return np.einsum("njq,qi->nij", slopes, self.coefficients, optimize=True)

    def standard_error(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Standard error of the drift given the couplings, shape (n, d)."""
        values = self.basis(self._joined(x, t))
        variance = np.einsum(
            "nq,iqr,nr->ni", values, self.covariance, values, optimize=True
        )
        return np.sqrt(np.maximum(variance, 0))

    def _joined(self, x: np.ndarray, t: ArrayLike) -> np.ndarray:
        t = np.clip(np.asarray(t, dtype=float), self.first_time, self.last_time)
        t = np.broadcast_to(t, (len(x),))
        return np.column_stack([x / self.scale, t / self.hours])


def fit_paths(
    paths: TransportPaths,
    *,
    growth: StateFunction | None = None,
    rng: int | np.random.Generator | None = None,
) -> SnapshotModel:
    """Regress the velocities of the paths on state and time, in closed form.

    Points are drawn around each path, wider half-way than at its ends, as a bridge
    would: neighbouring paths then share a velocity.

    Parameters
    ----------
    paths
        From `transport_paths`.
    growth
        Growth rate as a function of the state.
    rng
        Seed or Generator: points and landmarks.
    """
    rng = generator(rng)
    cells = np.concatenate([paths.start, paths.stop])
    scale = cells.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    hours = float(np.diff(paths.times).mean())
    x, v, t, weight, cell = _points(paths, scale, rng)
    z = np.column_stack([x / scale, t / hours])
    width = WIDTH * float(np.sqrt(z.var(axis=0).sum()))
    basis = smooth_basis(z, n_landmarks=LANDMARKS, bandwidth=width, rng=rng)
    coefficients, covariance = _regression(basis, z, v, weight, cell)
    return SnapshotModel(
        scale=scale,
        hours=hours,
        basis=basis,
        coefficients=coefficients,
        covariance=covariance,
        first_time=float(paths.times[0]),
        last_time=float(paths.times[-1]),
        growth_model=growth,
    )


def _points(
    paths: TransportPaths, scale: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """States, velocities, times, weights and source cells of points along paths."""
    count = len(paths.mass)
    n_points = int(np.clip(MOST_ROWS // count, 1, POINTS))
    parts = []
    for k in range(n_points):
        share = (k + rng.random(count)) / n_points
        x, v = paths.at(share)
        blur = BLUR * 2 * np.sqrt(share * (1 - share))[:, None] * scale
        x = x + blur * rng.standard_normal(x.shape)
        t = paths.times[paths.interval] + share * paths.span
        parts.append((x, v, t, paths.mass, paths.cell))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _regression(
    basis: SmoothBasis,
    z: np.ndarray,
    v: np.ndarray,
    weight: np.ndarray,
    cell: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (q, d) and their covariance (d, q, q), summed by source cell."""
    weight = weight / weight.sum()
    values = np.concatenate([basis(z[part]) for part in blocks(len(z))])
    gram = values.T @ (values * weight[:, None])
    linear = 1 + z.shape[1]
    held = np.zeros(basis.size)
    held[linear:] = RIDGE * np.trace(gram[linear:, linear:]) / basis.size
    full = gram + np.diag(held + 1e-9 * np.trace(gram) / basis.size)
    coefficients = solve(full, values.T @ (v * weight[:, None]))
    left, inverse = v - values @ coefficients, np.linalg.inv(full)
    _, group = np.unique(cell, return_inverse=True)
    covariance = []
    for i in range(v.shape[1]):
        scores = np.zeros((int(group.max()) + 1, basis.size))
        np.add.at(scores, group, values * (weight * left[:, i])[:, None])
        half = scores @ inverse
        covariance.append(half.T @ half)
    return coefficients, np.array(covariance)
