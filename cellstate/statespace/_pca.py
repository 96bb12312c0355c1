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
    weights
        Factor of each z-score before the projection, 0 for one left out, (p,).
    mean
        Of the weighted z-scores, shape (p,).
    variance_ratio
        Share of the variance along each direction, shape (d,).
    n_imputed
        Undefined values that were set to the median before fitting.
    """

    kind: ClassVar[str] = "projection"
    components: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    variance_ratio: np.ndarray
    n_imputed: int

    def transform(self, z: ArrayLike) -> np.ndarray:
        """Project z-scores (n, p) to (n, d); an undefined feature counts as median.

        A row in which no feature is defined stays NaN.
        """
        z = matrix(z, "z")
        if z.shape[1] != len(self.mean):
            raise ValueError(
                f"the projection knows {len(self.mean)} features; found {z.shape[1]} "
                "columns. Use cells normalised with the same features."
            )
        x = (np.nan_to_num(z, nan=0.0) * self.weights - self.mean) @ self.components.T
        x[np.isnan(z[:, self.weights > 0]).all(axis=1)] = np.nan
        return x


def fit_pca(
    z: ArrayLike,
    n_components: int,
    rows: ArrayLike | None = None,
    *,
    blocks: ArrayLike | None = None,
) -> Projection:
    """Fit principal components to z-scores; undefined values count as the median, 0.

    Parameters
    ----------
    z
        Z-scores, shape (n, p).
    n_components
        Dimensions d to keep, at most min(n, features used).
    rows
        Boolean mask (n,) of the rows to fit on.
    blocks
        Integer code of each feature's block, shape (p,); -1 leaves a feature out.
        Blocks are scaled to the same total variance, so that a family with many
        features does not count for more; one block when None.

    Examples
    --------
    >>> z = np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
    >>> fit_pca(z, 1).transform(z).round(3).ravel()
    array([-1.225,  0.   ,  1.225])
    """
    from sklearn.decomposition import PCA

    z = matrix(z, "z")
    z = z[row_mask(rows, len(z), "rows")]
    codes = np.zeros(z.shape[1], np.int64) if blocks is None else np.asarray(blocks)
    weights = _block_weights(z, codes)
    z = z[~np.isnan(z[:, weights > 0]).all(axis=1)]
    n_components = integer(n_components, "n_components", 1)
    most = min(len(z), int((weights > 0).sum()))
    if n_components > most:
        raise ValueError(
            f"n_components={n_components} is more than {len(z)} cells with "
            f"{int((weights > 0).sum())} usable features allow; ask for at most {most}."
        )
    pca = PCA(n_components, svd_solver="full").fit(np.nan_to_num(z, nan=0.0) * weights)
    # Sign by the largest loading: a rerun gives the same picture.
    largest = np.abs(pca.components_).argmax(axis=1)
    signs = np.sign(pca.components_[np.arange(n_components), largest])
    return Projection(
        components=pca.components_ * signs[:, None],
        weights=weights,
        mean=pca.mean_,
        variance_ratio=pca.explained_variance_ratio_,
        n_imputed=int(np.isnan(z[:, weights > 0]).sum()),
    )


def _block_weights(z: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """One over the root of the block's total variance; 0 for constant features."""
    variance = np.nan_to_num(z, nan=0.0).var(axis=0)
    weights = np.zeros(z.shape[1])
    for code in np.unique(codes[codes >= 0]):
        inside = (codes == code) & (variance > 0)
        weights[inside] = 1 / np.sqrt(max(variance[inside].sum(), 1e-300))
    return weights
