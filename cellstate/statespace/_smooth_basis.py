"""A smooth basis: constant, linear, and Gaussians at landmarks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import cdist

from cellstate._base.random import generator
from cellstate._base.results import Result

# Directions of the landmark kernel below this share of the largest, or below 1 / n,
# are left out: the penalty would hold their coefficients near 0, at full cost.
KERNEL_FLOOR = 1e-4
# States whose distances to the landmarks are held in memory at once.
BLOCK = 10_000
# States among which landmarks are drawn.
CANDIDATES = 20_000
# At most this many landmarks, and kernel values at n states.
LANDMARKS, KERNEL_VALUES = 1000, 130_000_000
# n states can carry n^RICHNESS functions: narrower Gaussians are taken, each time by
# NARROWER, until there are that many.
RICHNESS, NARROWER, NARROWEST = 0.33, 0.5**0.5, 1 / 8
# Beyond this many states functions are evaluated in single precision, at half the
# cost: its rounding, some 1e-5 of a function, is far below the sampling error.
SINGLE = 200_000


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
    metric
        Matrix (d, d) that states are multiplied by before anything else; None for
        none. Landmarks and center are behind it.
    """

    kind: ClassVar[str] = "smooth_basis"
    landmarks: np.ndarray
    whitening: np.ndarray
    center: np.ndarray
    bandwidth: float
    metric: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Number of functions."""
        return 1 + self.center.size + self.whitening.shape[1]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Evaluate at states (n, d); returns (n, size)."""
        x = self._measured(x)
        values = np.empty((len(x), self.size))
        # In blocks: distances to all landmarks take more room than the values.
        for start in range(0, len(x), BLOCK):
            part = slice(start, start + BLOCK)
            kernel = _gaussian(x[part], self.landmarks, self.bandwidth)
            values[part] = self._joined(x[part], kernel @ self.whitening)
        return values

    def rough(self, x: np.ndarray) -> np.ndarray:
        """Evaluate at a block of states (n, d) in single precision, (n, size)."""
        x = self._measured(x)
        near = (x - self.center).astype(np.float32)
        marks = (self.landmarks - self.center).astype(np.float32)
        kernel = near @ marks.T
        kernel *= 2
        kernel -= (marks**2).sum(axis=1)
        kernel -= (near**2).sum(axis=1)[:, None]
        kernel *= np.float32(0.5 / self.bandwidth**2)
        np.exp(kernel, out=kernel)
        return self._joined(x, kernel @ self.whitening.astype(np.float32))

    def slope(self, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Derivatives of the function with these coefficients, (n, d) -> (n, d)."""
        linear, x = self.center.size, self._measured(x)
        kernel = _gaussian(x, self.landmarks, self.bandwidth)
        kernel *= self.whitening @ coefficients[1 + linear :]
        toward = kernel @ self.landmarks - kernel.sum(axis=1)[:, None] * x
        slope = toward / self.bandwidth**2
        slope += coefficients[1 : 1 + linear] / self.bandwidth
        return slope if self.metric is None else slope @ self.metric.T

    def slopes(self, x: np.ndarray) -> np.ndarray:
        """Derivatives of every function at states (n, d), shape (n, d, size)."""
        linear, x = self.center.size, self._measured(x)
        kernel = _gaussian(x, self.landmarks, self.bandwidth)
        slopes = np.zeros((len(x), linear, self.size))
        own = kernel @ self.whitening
        for j in range(linear):
            toward = kernel @ (self.landmarks[:, j, None] * self.whitening)
            slopes[:, j, 1 + linear :] = toward - own * x[:, j, None]
            slopes[:, j, 1 + j] = self.bandwidth
        slopes /= self.bandwidth**2
        if self.metric is None:
            return slopes
        return np.einsum("ij,njp->nip", self.metric, slopes, optimize=True)

    def curvature(self, x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """Second derivatives summed with a matrix (d, d) or (n, d, d), (n, size)."""
        linear, x = self.center.size, self._measured(x)
        if self.metric is not None:
            matrix = self.metric.T @ matrix @ self.metric
        matrix = np.broadcast_to(matrix, (len(x), linear, linear))
        kernel = _gaussian(x, self.landmarks, self.bandwidth)
        curved = np.zeros((len(x), self.size))
        quadratic = np.zeros_like(kernel)
        for i in range(linear):
            left = self.landmarks[:, i] - x[:, i, None]
            for j in range(linear):
                right = self.landmarks[:, j] - x[:, j, None]
                quadratic += matrix[:, i, j, None] * left * right
        quadratic /= self.bandwidth**4
        quadratic -= np.trace(matrix, axis1=1, axis2=2)[:, None] / self.bandwidth**2
        curved[:, 1 + linear :] = (kernel * quadratic) @ self.whitening
        return curved

    def _measured(self, x: np.ndarray) -> np.ndarray:
        return x if self.metric is None else x @ self.metric

    def _joined(self, x: np.ndarray, gaussians: np.ndarray) -> np.ndarray:
        linear = self.center.size
        values = np.empty((len(x), self.size), dtype=gaussians.dtype)
        values[:, 0] = 1.0
        values[:, 1 : 1 + linear] = (x - self.center) / self.bandwidth
        values[:, 1 + linear :] = gaussians
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
    n_landmarks: int | None = None,
    bandwidth: float | None = None,
    metric: np.ndarray | None = None,
    rng: int | np.random.Generator | None = None,
) -> SmoothBasis:
    """Place landmarks at random cells; the width follows the spread and the number.

    Parameters
    ----------
    x
        States without NaN, shape (n, d).
    n_landmarks
        At most n; 1000 when None, fewer beyond 200,000 states.
    bandwidth
        Width sigma of exp(-r^2 / 2 sigma^2). By default the square root of the total
        variance, which adapts to dimension and scale; where so few directions come of
        it that n states could tell many more apart (in one to three dimensions),
        narrower.
    metric
        Matrix (d, d) that stretches the state space; see `sensitivity`.
    rng
        Seed or Generator.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(10_000, 2))
    >>> smooth_basis(x[:100], rng=0).size, smooth_basis(x, rng=0).size
    (26, 44)
    """
    rng = generator(rng)
    if n_landmarks is None:
        n_landmarks = min(LANDMARKS, max(KERNEL_VALUES // max(len(x), 1), 100))
    count = min(n_landmarks, len(x))
    # In an order that the states themselves give, so that the order of rows does
    # not decide which cells become landmarks.
    x = x[np.lexsort(x.T[::-1])]
    x = x if metric is None else x @ metric
    landmarks = x[_spread(x, count, rng)]
    if bandwidth is None:
        bandwidth, values, vectors = _adapted(x, landmarks)
    else:
        values, vectors = _directions(landmarks, bandwidth, len(x))
    return SmoothBasis(
        landmarks=landmarks,
        whitening=vectors / np.sqrt(values),
        center=x.mean(axis=0),
        bandwidth=bandwidth,
        metric=metric,
    )


def _spread(x: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw landmarks one by one, far from those that are there: rare states get some.

    References
    ----------
    Arthur and Vassilvitskii, SODA (2007), the seeds of k-means++.
    """
    size = min(len(x), max(CANDIDATES, 2 * count))
    offered = np.sort(rng.choice(len(x), size=size, replace=False))
    at = x[offered]
    chosen = [int(rng.integers(size))]
    away = ((at - at[chosen[0]]) ** 2).sum(axis=1)
    draws = rng.random(count - 1)
    for draw in draws:
        total = np.cumsum(away)
        if not total[-1] > 0:
            break
        chosen.append(int(np.searchsorted(total, draw * total[-1], side="right")))
        np.minimum(away, ((at - at[chosen[-1]]) ** 2).sum(axis=1), out=away)
    return offered[np.sort(chosen)]


def _adapted(
    x: np.ndarray, landmarks: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the widest bandwidth with enough directions, and these."""
    widest = float(np.sqrt(x.var(axis=0).sum())) or 1.0
    bandwidth, enough = widest, min(len(x) ** RICHNESS, len(landmarks) / 2)
    while True:
        values, vectors = _directions(landmarks, bandwidth, len(x))
        if values.size >= enough or bandwidth <= NARROWEST * widest:
            return bandwidth, values, vectors
        bandwidth *= NARROWER


def _directions(
    landmarks: np.ndarray, bandwidth: float, n: int
) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = eigh(_gaussian(landmarks, landmarks, bandwidth))
    keep = values > min(KERNEL_FLOOR, 1 / n) * values.max()
    return values[keep], vectors[:, keep]


def _gaussian(x: np.ndarray, y: np.ndarray, bandwidth: float) -> np.ndarray:
    return np.exp(-cdist(x, y, "sqeuclidean") / (2 * bandwidth**2))
