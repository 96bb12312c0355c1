"""Robust z-scores whose statistics are kept, so that a held-out movie reuses them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import matrix, row_mask
from cellstate._base.errors import listing
from cellstate._base.results import Result

# Turns a median absolute deviation into the sd of a normal distribution.
MAD_TO_SD = 1.4826


@dataclass(frozen=True, eq=False, kw_only=True)
class Scaling(Result):
    """Median and spread of each feature.

    Attributes
    ----------
    names
        Features, in the order of the columns, p of them.
    center, scale
        Median and 1.4826 x median absolute deviation, shape (p,), in the
        feature's unit; the standard deviation where more than half of the values
        are equal, and NaN where the feature is not used.
    used
        False for features that are constant or undefined in the fitted rows, (p,).
    n_undefined
        Values that were NaN or infinite in the fitted rows, per feature, (p,).
    """

    kind: ClassVar[str] = "scaling"
    names: tuple[str, ...]
    center: np.ndarray
    scale: np.ndarray
    used: np.ndarray
    n_undefined: np.ndarray

    def transform(self, x: ArrayLike) -> np.ndarray:
        """Return (x - center) / scale, shape (n, p); NaN stays, unused become 0."""
        x = matrix(x, "x")
        if x.shape[1] != len(self.names):
            raise ValueError(
                f"the scaling knows {len(self.names)} features "
                f"({listing(self.names, 3)}); found {x.shape[1]} columns."
            )
        z = np.zeros_like(x)
        used = np.asarray(self.used, dtype=bool)
        z[:, used] = (x[:, used] - self.center[used]) / self.scale[used]
        z[~np.isfinite(z)] = np.nan
        return z


def fit_scaling(
    x: ArrayLike, names: tuple[str, ...], rows: ArrayLike | None = None
) -> Scaling:
    """Fit the median and spread of each feature.

    Parameters
    ----------
    x
        Features, shape (n, p); NaN are left out, feature by feature.
    names
        One per column.
    rows
        Boolean mask (n,) of the rows to fit on; all when None.

    Examples
    --------
    >>> scaling = fit_scaling([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], ("area", "flat"))
    >>> scaling.used
    array([ True, False])
    >>> scaling.transform([[2.4826, 1.0]]).round(3)
    array([[1., 0.]])
    """
    x = matrix(x, "x")
    x = np.where(np.isfinite(x), x, np.nan)[row_mask(rows, len(x), "rows")]
    known = np.isfinite(x)
    center, scale = (np.full(x.shape[1], np.nan) for _ in range(2))
    for j in np.flatnonzero(known.sum(axis=0) >= 2):
        values = x[known[:, j], j]
        center[j] = np.median(values)
        spread = MAD_TO_SD * np.median(np.abs(values - center[j]))
        scale[j] = spread if spread > 0 else values.std()
    # Round-off in a constant column must not pass for a spread.
    used = scale > 1e-9 * np.maximum(np.abs(np.nan_to_num(center)), 1e-12)
    return Scaling(
        names=tuple(names),
        center=np.where(used, center, np.nan),
        scale=np.where(used, scale, np.nan),
        used=used,
        n_undefined=(~known).sum(axis=0),
    )
