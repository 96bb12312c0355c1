"""Principal components with the projection kept."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, matrix, row_mask
from cellstate._base.results import Result


@dataclass(frozen=True, eq=False, kw_only=True)
class Projection(Result):
    """A linear map to the state space.

    Attributes
    ----------
    components
        Directions, shape (d, p), orthonormal.
    mean
        Shape (p,).
    variance_ratio
        Share of the variance along each direction, shape (d,).
    n_imputed
        Undefined values that were set to the median before fitting.
    """

    kind: ClassVar[str] = "projection"
    components: np.ndarray
    mean: np.ndarray
    variance_ratio: np.ndarray
    n_imputed: int

    def transform(self, z: ArrayLike) -> np.ndarray:
        """Project z-scores (n, p) to (n, d); an undefined feature counts as median.

        A row in which no feature is defined stays NaN.
        """
        z = matrix(z, "z")
        x = (np.nan_to_num(z, nan=0.0) - self.mean) @ self.components.T
        x[np.isnan(z).all(axis=1)] = np.nan
        return x


def fit_pca(
    z: ArrayLike, n_components: int, rows: ArrayLike | None = None
) -> Projection:
    """Fit principal components to z-scores; undefined values count as the median, 0.

    Parameters
    ----------
    z
        Z-scores, shape (n, p).
    n_components
        Dimensions d to keep, at most min(n, p).
    rows
        Boolean mask (n,) of the rows to fit on.

    Examples
    --------
    >>> z = np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
    >>> fit_pca(z, 1).transform(z).round(3).ravel()
    array([-1.414,  0.   ,  1.414])
    """
    from sklearn.decomposition import PCA

    z = matrix(z, "z")
    z = z[row_mask(rows, len(z), "rows")]
    z = z[~np.isnan(z).all(axis=1)]
    n_components = integer(n_components, "n_components", 1)
    if n_components > min(z.shape):
        raise ValueError(
            f"n_components={n_components} is more than {len(z)} cells with "
            f"{z.shape[1]} usable features allow; ask for at most {min(z.shape)}."
        )
    pca = PCA(n_components, svd_solver="full").fit(np.nan_to_num(z, nan=0.0))
    # Sign by the largest loading: a rerun gives the same picture.
    largest = np.abs(pca.components_).argmax(axis=1)
    signs = np.sign(pca.components_[np.arange(n_components), largest])
    return Projection(
        components=pca.components_ * signs[:, None],
        mean=pca.mean_,
        variance_ratio=pca.explained_variance_ratio_,
        n_imputed=int(np.isnan(z).sum()),
    )
