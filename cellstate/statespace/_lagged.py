"""Pairs of states a lag apart along tracks, and their moments by fold."""

from dataclasses import dataclass

import numpy as np

from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False)
class LaggedMoments:
    """Sums over pairs of states (x now, y a lag later), one per fold of lineages.

    Attributes
    ----------
    origin
        Taken from every state first, so that sums of squares keep their digits, (p,).
    count
        Pairs, (folds,).
    x, y
        Sums of the states, (folds, p).
    xx, xy, yy
        Sums of their products, (folds, p, p).
    """

    origin: np.ndarray
    count: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    def of_folds(self, folds: np.ndarray) -> "LaggedMoments":
        """Sums over some folds (a boolean mask), as one fold."""
        sums = {k: v[folds].sum(axis=0, keepdims=True) for k, v in self._sums.items()}
        return LaggedMoments(origin=self.origin, **sums)

    @property
    def _sums(self) -> dict[str, np.ndarray]:
        return {k: v for k, v in vars(self).items() if k != "origin"}

    @property
    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean of the states now and later over all folds, each (p,)."""
        n = self.count.sum()
        return (
            self.origin + self.x.sum(axis=0) / n,
            self.origin + self.y.sum(axis=0) / n,
        )

    def about(self, x_mean: np.ndarray, y_mean: np.ndarray) -> tuple[np.ndarray, ...]:
        """Mean products over all folds about two points: xx, xy, yy, each (p, p)."""
        n = self.count.sum()
        x, y = (mean - self.origin for mean in self.means)
        a, b = x_mean - self.origin, y_mean - self.origin
        xx, xy, yy = (part.sum(axis=0) / n for part in (self.xx, self.xy, self.yy))
        return (
            xx - np.outer(x, a) - np.outer(a, x) + np.outer(a, a),
            xy - np.outer(x, b) - np.outer(a, y) + np.outer(a, b),
            yy - np.outer(y, b) - np.outer(b, y) + np.outer(b, b),
        )


def lagged_rows(x: np.ndarray, tracks: Tracks, lag: int) -> tuple[np.ndarray, ...]:
    """Rows of states `lag` frames apart in one track, both known: first and second.

    Never across a gap in the track, and never from a mother to her daughters: what a
    picture shows of a cell jumps there.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(
    ...     track=[1, 1, 1, 1], frame=[0, 1, 2, 4], time=[0, 1, 2, 4]
    ... )
    >>> lagged_rows(np.zeros((4, 1)), tracks, 2)
    (array([0]), array([2]))
    """
    second = np.arange(len(x))
    for _ in range(lag):
        second = np.where(second >= 0, tracks.next_row[second], -1)
    known = np.isfinite(x).all(axis=1)
    first = np.flatnonzero((second >= 0) & known)
    first = first[known[second[first]]]
    return first, second[first]


def lagged_moments(
    x: np.ndarray, first: np.ndarray, second: np.ndarray, fold: np.ndarray
) -> LaggedMoments:
    """Sum over the pairs of every fold; `fold` is (m,) and starts at 0."""
    p, n_folds = x.shape[1], int(fold.max()) + 1
    origin = x[first].mean(axis=0)
    sums = {
        "count": np.zeros(n_folds), "x": np.zeros((n_folds, p)),
        "y": np.zeros((n_folds, p)), "xx": np.zeros((n_folds, p, p)),
        "xy": np.zeros((n_folds, p, p)), "yy": np.zeros((n_folds, p, p)),
    }  # fmt: skip
    for k in range(n_folds):
        own = fold == k
        now, later = x[first[own]] - origin, x[second[own]] - origin
        sums["count"][k] = len(now)
        sums["x"][k], sums["y"][k] = now.sum(axis=0), later.sum(axis=0)
        sums["xx"][k], sums["xy"][k] = now.T @ now, now.T @ later
        sums["yy"][k] = later.T @ later
    return LaggedMoments(origin=origin, **sums)
