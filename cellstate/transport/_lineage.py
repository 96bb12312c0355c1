"""What is known of kinship, as a mask of pairs that cannot be related."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, issparse


class Kinship:
    """Codes of lineages, or a matrix of known ancestors.

    Parameters
    ----------
    lineage
        Shape (n,): a code or name per cell, where -1, NaN, None and "" are unknown;
        two cells of different known lineages are unrelated. Or shape (n, n), sparse
        or dense: an entry that is not 0 says that the row's cell is an ancestor of
        the column's; a cell with known ancestors descends from no other cell of
        their time.
    n
        Number of cells.
    """

    def __init__(self, lineage: ArrayLike | csr_matrix, n: int) -> None:
        self.ancestors: csr_matrix | None = None
        if issparse(lineage) or np.ndim(lineage) == 2:
            if lineage.shape != (n, n):
                raise ValueError(
                    f"a matrix of ancestors must have shape ({n}, {n}); found "
                    f"{lineage.shape}."
                )
            self.ancestors = csr_matrix(lineage)
            return
        self.codes = _codes(lineage)
        if self.codes.shape != (n,):
            raise ValueError(
                f"`lineage` must have one code per row, shape ({n},), or be a matrix "
                f"({n}, {n}); found shape {self.codes.shape}."
            )

    def unrelated(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Pairs of the given rows that are known to be unrelated, shape (s, t)."""
        if self.ancestors is not None:
            known = self.ancestors[source][:, target].toarray() != 0
            return known.any(axis=0)[None, :] & ~known
        first, second = self.codes[source][:, None], self.codes[target][None, :]
        return (first != second) & (first >= 0) & (second >= 0)


def _codes(lineage: ArrayLike) -> np.ndarray:
    """Integer codes from 0, -1 where unknown."""
    values = np.asarray(lineage)
    if values.dtype.kind in "iu":
        return np.where(values < 0, -1, values).astype(np.int64)
    if values.dtype.kind == "f":
        unknown = ~np.isfinite(values) | (values < 0)
    else:
        values = values.astype(str)
        unknown = np.isin(values, ("", "nan", "None", "<NA>", "-1"))
    codes = np.full(values.shape, -1, dtype=np.int64)
    codes[~unknown] = np.unique(values[~unknown], return_inverse=True)[1]
    return codes
