"""A smooth basis: constant, linear, and Gaussians at landmarks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import cdist

from cellstate._base.random import generator
from cellstate._base.results import Result

# Directions of the landmark kernel below this share of the largest are left out:
# the penalty would hold their coefficients near 0 in any case, at full cost.
KERNEL_FLOOR = 1e-4
# States whose distances to the landmarks are held in memory at once.
BLOCK = 10_000


@dataclass(frozen=True, eq=False, kw_only=True)
class SmoothBasis(Result):
    """Functions of the state that are smooth everywhere and cheap to evaluate.

    Columns: 1, the centred state over its total spread, and Gaussians at the
    landmarks, whitened so that the squared norm of their coefficients is the norm
    of the function (Nystroem). The penalty on them does not depend on how many
    landmarks there are.

    Attributes
    ----------
    landmarks
        Shape (k, d).
    whitening
        Shape (k, r).
    center
        Shape (d,).
    bandwidth
        Width of the Gaussians, in units of the state space.
    """

    kind: ClassVar[str] = "smooth_basis"
    landmarks: np.ndarray
    whitening: np.ndarray
    center: np.ndarray
    bandwidth: float

    @property
    def size(self) -> int:
        """Number of functions."""
        return 1 + self.center.size + self.whitening.shape[1]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Evaluate at states (n, d); returns (n, size)."""
        values = np.empty((len(x), self.size))
        values[:, 0] = 1.0
        linear = self.center.size
        # In blocks: distances to all landmarks take more room than the values.
        for start in range(0, len(x), BLOCK):
            part = slice(start, start + BLOCK)
            kernel = _gaussian(x[part], self.landmarks, self.bandwidth)
            values[part, 1 : 1 + linear] = (x[part] - self.center) / self.bandwidth
            values[part, 1 + linear :] = kernel @ self.whitening
        return values

    def penalty(self, linear: float = 1.0) -> np.ndarray:
        """Weights of the squared coefficients; the constant is free, shape (size,)."""
        weights = np.ones(self.size)
        weights[0] = 0.0
        weights[1 : 1 + self.center.size] = linear
        return weights


def smooth_basis(
    x: np.ndarray,
    *,
    n_landmarks: int = 1000,
    bandwidth: float | None = None,
    rng: int | np.random.Generator | None = None,
) -> SmoothBasis:
    """Place landmarks at random cells and set the width from the spread of the data.

    Parameters
    ----------
    x
        States without NaN, shape (n, d).
    n_landmarks
        At most n.
    bandwidth
        Width sigma of exp(-r^2 / 2 sigma^2); by default the square root of the
        total variance, which adapts to dimension and scale.
    rng
        Seed or Generator.
    """
    rng = generator(rng)
    count = min(n_landmarks, len(x))
    # In an order that the states themselves give, so that the order of rows does
    # not decide which cells become landmarks.
    x = x[np.lexsort(x.T[::-1])]
    landmarks = x[np.sort(rng.choice(len(x), size=count, replace=False))]
    if bandwidth is None:
        bandwidth = float(np.sqrt(x.var(axis=0).sum()))
        bandwidth = bandwidth if bandwidth > 0 else 1.0
    values, vectors = eigh(_gaussian(landmarks, landmarks, bandwidth))
    keep = values > KERNEL_FLOOR * values.max()
    return SmoothBasis(
        landmarks=landmarks,
        whitening=vectors[:, keep] / np.sqrt(values[keep]),
        center=x.mean(axis=0),
        bandwidth=bandwidth,
    )


def _gaussian(x: np.ndarray, y: np.ndarray, bandwidth: float) -> np.ndarray:
    return np.exp(-cdist(x, y, "sqeuclidean") / (2 * bandwidth**2))
