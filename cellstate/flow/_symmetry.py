"""Groups of reflections, rotations and exchanges from their generators."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

MOST = 120  # elements
SAME = 1e-8


def symmetry_group(generators: Sequence[ArrayLike], d: int) -> np.ndarray:
    """All products of some orthogonal matrices, shape (g, d, d), the identity first.

    Parameters
    ----------
    generators
        Matrices (d, d): a reflection, a rotation by a part of a full turn, the
        exchange of two coordinates (of sisters, say).
    d
        Coordinates.

    Raises
    ------
    ValueError
        A matrix is not orthogonal, or the products do not close.

    Examples
    --------
    >>> turn = [[0.0, -1.0], [1.0, 0.0]]  # a quarter
    >>> len(symmetry_group([turn], 2)), len(symmetry_group([turn, [[0, 1], [1, 0]]], 2))
    (4, 8)
    """
    basic = [_orthogonal(g, d) for g in generators]
    found = [np.eye(d)]
    for element in found:  # grows while it is walked through
        for matrix in basic:
            product = element @ matrix
            if not any(np.allclose(product, known, atol=SAME) for known in found):
                found.append(product)
        if len(found) > MOST:
            raise ValueError(
                f"`symmetry` generates more than {MOST} elements; a group must be "
                "finite. Rotate by a full turn over a whole number."
            )
    return np.array(found)


def _orthogonal(generator: ArrayLike, d: int) -> np.ndarray:
    try:
        matrix = np.asarray(generator, dtype=float)
    except ValueError:
        matrix = np.empty(0)
    if matrix.shape != (d, d) or not np.allclose(matrix @ matrix.T, np.eye(d)):
        raise ValueError(
            f"`symmetry` takes a list of orthogonal matrices of shape ({d}, {d}), "
            f"generators of a group; found {generator!r}. A reflection of the first of "
            "two coordinates is [[[-1, 0], [0, 1]]]."
        )
    return matrix
