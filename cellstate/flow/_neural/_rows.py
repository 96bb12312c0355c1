"""What a training sees: whitened residuals of the base, precomputed once.

Every row, a step along a track or a point on a bridge between coupled cells, ends in
the same form. With c the correction that is learned, the loss of a row is::

    weight * (|residual - matrix @ c_mean|^2 / 2 - lean . c_half)

where ``c_mean`` and ``c_half`` are half the sum and half the difference of c at the two
points ``center + spread`` and ``center - spread``.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

BLOCK = 20_000


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one source, see above.

    Attributes
    ----------
    center, spread
        (n, d).
    ahead
        Hours by which `center` is moved along the correction, (n,).
    time
        Hours, (n,).
    residual
        (n, d).
    matrix
        (n, d, d).
    lean
        (n, d); 0 without measurement noise.
    weight
        (n,).
    unit
        Code of what is held out whole, (n,).
    """

    center: np.ndarray
    spread: np.ndarray
    ahead: np.ndarray
    time: np.ndarray
    residual: np.ndarray
    matrix: np.ndarray
    lean: np.ndarray
    weight: np.ndarray
    unit: np.ndarray

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.time)


@dataclass(frozen=True, eq=False)
class Kicks:
    """Noise that put each point on its bridge, for the score.

    Attributes
    ----------
    x, time
        Points (n, d) and times (n,).
    root, normal
        A point is its mean plus ``root @ normal``, (n, d, d) and (n, d).
    weight, unit
        (n,).
    """

    x: np.ndarray
    time: np.ndarray
    root: np.ndarray
    normal: np.ndarray
    weight: np.ndarray
    unit: np.ndarray


def joined(parts: list) -> Any:
    """Join blocks of rows."""

    def join(name: str) -> np.ndarray | None:
        pieces = [getattr(part, name) for part in parts]
        return None if pieces[0] is None else np.concatenate(pieces)

    return type(parts[0])(**{f.name: join(f.name) for f in fields(parts[0])})


def apply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Product of each matrix with its vector."""
    return np.einsum("nij,nj->ni", matrices, vectors)


def blocks(n: int) -> list[slice]:
    """Cut n rows into pieces that fit in memory."""
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]
