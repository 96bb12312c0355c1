"""Vector fields that are linear in their coefficients: free, gradient, or both."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result
from cellstate.flow._basis import FieldBasis, blocks

FREE, GRADIENT, SPLIT = "free", "gradient", "split"
KINDS = (FREE, GRADIENT, SPLIT)


@dataclass(frozen=True, eq=False, kw_only=True)
class Design(Result):
    """A field ``b(x) = sum_k c_k B_k(x)``: gradients first, then free components.

    Attributes
    ----------
    free
        Functions of each component of the field, or None.
    potential
        Functions whose slopes, times the mobility, are fields, or None. The constant
        has none and is left out.
    mobility
        Shape (d, d): a gradient field is ``-mobility @ grad V``. The diffusion over
        its mean, so that the motion is reversible where the field is a gradient.
    group
        Matrices of a symmetry about the basis's center, (g, d, d), or None: the field
        is averaged over them, so that ``b(R x) = R b(x)`` holds exactly.
    """

    kind: ClassVar[str] = "flow_design"
    free: FieldBasis | None = None
    potential: FieldBasis | None = None
    mobility: np.ndarray
    group: np.ndarray | None = None

    @property
    def form(self) -> str:
        """Which of free, gradient and split this is."""
        if self.free is None:
            return GRADIENT
        return FREE if self.potential is None else SPLIT

    @property
    def dimension(self) -> int:
        """Coordinates of a state."""
        return len(self.mobility)

    @property
    def n_gradients(self) -> int:
        """Number of gradient fields; they come first."""
        return 0 if self.potential is None else self.potential.size - 1

    @property
    def size(self) -> int:
        """Number of coefficients."""
        free = 0 if self.free is None else self.dimension * self.free.size
        return self.n_gradients + free

    @property
    def name(self) -> str:
        """In words."""
        if self.free is None:
            return f"gradient of a {self.potential.name}"
        return self.free.name

    @property
    def center(self) -> np.ndarray:
        """What a symmetry leaves where it is, shape (d,)."""
        return (self.free or self.potential).center

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Every field at states (n, d), shape (n, d, size)."""
        if self.group is None:
            return self._columns(x)
        total = np.zeros((*x.shape, self.size))
        for turn in self.group:
            turned = self.center + (x - self.center) @ turn.T
            total += np.einsum("ji,njq->niq", turn, self._columns(turned))
        return total / len(self.group)

    def along(self, x: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Inner product of every field with a vector per state, (n, size)."""
        if self.form == FREE and self.group is None:
            values = self.free(x)
            return (vectors[:, :, None] * values[:, None, :]).reshape(len(x), -1)
        return np.einsum("niq,ni->nq", self.columns(x), vectors, optimize=True)

    def field(self, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Sum of the fields at states (n, d), shape (n, d)."""
        return _in_blocks(x, lambda part: self._averaged(part, coefficients))

    def jacobian(self, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Derivatives d b_i / d x_j at states (n, d), shape (n, d, d)."""
        if self.group is None:
            return _in_blocks(x, lambda part: self._jacobian(part, coefficients))
        total = np.zeros((*x.shape, x.shape[1]))
        for turn in self.group:
            turned = self.center + (x - self.center) @ turn.T
            inner = _in_blocks(turned, lambda part: self._jacobian(part, coefficients))
            total += turn.T @ inner @ turn
        return total / len(self.group)

    def height(self, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Potential of the gradient part at states (n, d), shape (n,)."""
        own = coefficients[: self.n_gradients]
        turns = [np.eye(self.dimension)] if self.group is None else self.group
        total = np.zeros(len(x))
        for turn in turns:
            turned = self.center + (x - self.center) @ turn.T
            total -= _in_blocks(turned, lambda part: self.potential(part)[:, 1:] @ own)
        return total / len(turns)

    def _averaged(self, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        if self.group is None:
            return self._field(x, coefficients)
        total = np.zeros_like(x)
        for turn in self.group:
            turned = self.center + (x - self.center) @ turn.T
            total += self._field(turned, coefficients) @ turn
        return total / len(self.group)

    def _columns(self, x: np.ndarray) -> np.ndarray:
        d, k = self.dimension, self.n_gradients
        columns = np.zeros((len(x), d, self.size))
        if self.potential is not None:
            slopes = self.potential.slopes(x)[:, :, 1:]
            columns[:, :, :k] = np.einsum("ij,njq->niq", self.mobility, slopes)
        if self.free is not None:
            values, p = self.free(x), self.free.size
            for i in range(d):
                columns[:, i, k + i * p : k + (i + 1) * p] = values
        return columns

    def _field(self, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        k, field = self.n_gradients, np.zeros_like(x)
        if self.potential is not None:
            field += (self.potential.slopes(x)[:, :, 1:] @ coefficients[:k]) @ (
                self.mobility.T
            )
        if self.free is not None:
            field += self.free(x) @ coefficients[k:].reshape(self.dimension, -1).T
        return field

    def _jacobian(self, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        d, k = self.dimension, self.n_gradients
        jacobian = np.zeros((len(x), d, d))
        if self.potential is not None:
            hessian = np.empty((len(x), d, d))
            for i in range(d):
                for j in range(i, d):
                    unit = np.zeros((d, d))
                    unit[i, j] = 1.0
                    curved = self.potential.curvature(x, unit)[:, 1:]
                    hessian[:, i, j] = hessian[:, j, i] = curved @ coefficients[:k]
            jacobian += self.mobility @ hessian
        if self.free is not None:
            own = coefficients[k:].reshape(d, -1)
            jacobian += np.einsum(
                "njp,ip->nij", self.free.slopes(x), own, optimize=True
            )
        return jacobian


def _in_blocks(x: np.ndarray, evaluate) -> np.ndarray:
    if len(x) == 0:
        return evaluate(x)
    return np.concatenate([evaluate(x[part]) for part in blocks(len(x))])
