"""Exact distance between two weighted clouds of cells."""

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import matrix

SIMPLEX_STEPS = 10_000_000


def wasserstein(
    x: ArrayLike,
    y: ArrayLike,
    x_weights: ArrayLike | None = None,
    y_weights: ArrayLike | None = None,
) -> float:
    """Exact 1-Wasserstein distance with the Euclidean metric, by network simplex.

    It grows as samples shrink: two halves of one snapshot are far from 0 apart, so
    compare only distances of equal sample sizes, beside `null_rows`.

    Parameters
    ----------
    x, y
        States, shapes (n, d) and (m, d); memory is about 50 n m bytes.
    x_weights, y_weights
        Weights >= 0, shapes (n,) and (m,), scaled to sum 1; None for equal ones.

    Raises
    ------
    ValueError
        Other dimensions, no cells, NaN, or weights that do not fit.
    RuntimeError
        The solver stopped before the optimum.

    Examples
    --------
    >>> wasserstein([[0.0], [1.0]], [[2.0], [3.0]])
    2.0
    """
    import ot

    x, y = matrix(x, "x"), matrix(y, "y")
    if x.shape[1] != y.shape[1] or not (len(x) and len(y)):
        raise ValueError(
            f"`x` and `y` must hold cells of one space; found {x.shape}, {y.shape}."
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("`x` and `y` must be finite; leave out rows with NaN.")
    cost = ot.dist(x, y, metric="euclidean")
    a, b = _shares(x_weights, len(x), "x"), _shares(y_weights, len(y), "y")
    value, log = ot.emd2(a, b, cost, numItermax=SIMPLEX_STEPS, log=True)
    if log["warning"] is not None:
        raise RuntimeError(
            f"network simplex stopped before the optimum on {len(x)} x {len(y)} cells: "
            f"{log['warning']}. Use fewer cells."
        )
    return float(value)


def _shares(weights: ArrayLike | None, n: int, name: str) -> np.ndarray:
    if weights is None:
        return np.full(n, 1 / n)
    w = np.asarray(weights, dtype=float)
    if w.shape != (n,) or not np.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
        raise ValueError(
            f"`{name}_weights` must be >= 0 with a positive sum, shape ({n},); found "
            f"shape {w.shape}, sum {w.sum():g}."
        )
    return w / w.sum()
