"""The two parts of the reactive current, at landmarks and from there at the cells."""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from cellstate._base.progress import progress
from cellstate.kinetics._flux._landmarks import Landmarks, Sums


@dataclass(frozen=True, eq=False, kw_only=True)
class Parts:
    """Sums at landmarks of what follows the committors' slopes and of what is steady.

    Attributes
    ----------
    places
        L landmarks.
    slopes, steady
        Sums over steps by landmark and group of lineages.
    widths
        Factors of the smoothing width of either; NaN for one that is left out.
    """

    places: Landmarks
    slopes: Sums
    steady: Sums
    widths: tuple[float, float]

    def at(
        self, x: np.ndarray, chance: np.ndarray, draws: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Current and standard error at states (n, d), q- q+ of which is `chance`."""
        near, share = self.places.blend(x)
        scales = (np.ones(len(x)), chance)
        used = [
            (sums, self.places.kernel(width), scale)
            for sums, width, scale in zip(
                (self.slopes, self.steady), self.widths, scales, strict=True
            )
            if np.isfinite(width)
        ]
        # Each state blends a few places of the first part, then of the second.
        weight = np.hstack([share * scale[:, None] for _, _, scale in used])
        count = len(self.places.place)
        near = np.hstack([near + count * i for i in range(len(used))])

        def fields(drawn: np.ndarray) -> np.ndarray:
            return np.concatenate([s.field(k, drawn) for s, k, _ in used], axis=1)

        n_groups = len(self.slopes.hours)
        field = fields(np.ones((1, n_groups)))[0]
        current = np.einsum("nk,nkd->nd", weight, field[near])
        if n_groups < 2 or draws < 2:
            return current, np.full(current.shape, np.nan)
        even = np.full(n_groups, 1 / n_groups)
        drawn = fields(rng.multinomial(n_groups, even, size=draws).astype(float))
        return current, _scatter(drawn, near, weight)


def _scatter(drawn: np.ndarray, near: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Standard deviation over draws (b, L, d) of blends, both (n, k); shape (n, d).

    From covariances between places, so that many draws cost no more than few.
    """
    drawn = drawn - drawn.mean(axis=0)
    found = np.empty((len(near), drawn.shape[2]))
    for j in progress(range(drawn.shape[2]), "standard errors", drawn.shape[2]):
        covariance = drawn[..., j].T @ drawn[..., j] / (len(drawn) - 1)
        variance = np.zeros(len(near))
        for one, two in combinations_with_replacement(range(near.shape[1]), 2):
            times = weight[:, one] * weight[:, two] * (1 if one == two else 2)
            variance += times * covariance[near[:, one], near[:, two]]
        found[:, j] = np.sqrt(np.maximum(variance, 0))
    return found
