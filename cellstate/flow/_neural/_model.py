"""A flow with networks on top of a base: what is stored, and what can be asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import matrix
from cellstate._base.results import Result
from cellstate.flow._neural._stored import Networks

BLOCK = 20_000  # states evaluated at once, so that memory stays small


@dataclass(frozen=True, eq=False, kw_only=True)
class NeuralModel(Networks, Result):
    """A flow: a base plus networks; a network that is None corrects nothing.

    With c the free network, psi the potential network and E the lower triangular
    matrix of the diffusion network, where L L' is the base's diffusion:

    - drift ``b = b_base + c - M grad psi``
    - diffusion ``D = L E E' L'``
    - growth rate ``g = g_base + network``

    averaged over the group of a symmetry, if there is one.

    Attributes
    ----------
    base
        The flow that training started from; to be stored it must be a result.
    """

    kind: ClassVar[str] = "neural_model"
    base: Any

    @property
    def has_potential(self) -> bool:
        """Whether the drift, or a part of it, is the gradient of a potential."""
        own = getattr(self.base, "has_potential", hasattr(self.base, "potential"))
        return self.drift_kind != "free" and own

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift of states (n, d) at times t (h), shape (n, d), per h."""

        def one(x: np.ndarray, t: np.ndarray) -> np.ndarray:
            found = np.asarray(self.base.drift(x, t), dtype=float)
            return found + _fields().drift(self, x, t)

        return self._averaged(one, x, t, _turned_back)

    def diffusion(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Diffusion matrix of states (n, d), shape (n, d, d), per h."""

        def one(x: np.ndarray, t: np.ndarray) -> np.ndarray:
            found = np.asarray(self.base.diffusion(x, t), dtype=float)
            if self.root is None:
                return found
            part = np.linalg.cholesky(found) @ _fields().root(self, x, t)
            return part @ part.transpose(0, 2, 1)

        return self._averaged(one, x, t, _matrix_back)

    def growth_rate(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Growth rate of states (n, d), shape (n,), 1/h; 0 where nothing is known."""

        def one(x: np.ndarray, t: np.ndarray) -> np.ndarray:
            rate = getattr(self.base, "growth_rate", None)
            found = np.zeros(len(x)) if rate is None else np.asarray(rate(x, t))
            if self.growth is None:
                return found
            return found + _fields().growth(self, x, t)

        return self._averaged(one, x, t, lambda values, turn: values)

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivatives d b_i / d x_j of the drift, shape (n, d, d), 1/h."""

        def one(x: np.ndarray, t: np.ndarray) -> np.ndarray:
            found = np.asarray(self.base.jacobian(x, t), dtype=float)
            return found + _fields().jacobian(self, x, t)

        return self._averaged(one, x, t, _matrix_back)

    def potential(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Potential V of the gradient part ``-M grad V`` of the drift, shape (n,)."""
        if not self.has_potential:
            raise ValueError(
                f"a {self.drift_kind} drift on a base of kind "
                f"{getattr(self.base, 'kind', type(self.base).__name__)!r} has no "
                "potential. Fit a regression and networks with drift='gradient' or "
                "'split'."
            )

        def one(x: np.ndarray, t: np.ndarray) -> np.ndarray:
            found = np.asarray(self.base.potential(x, t), dtype=float)
            return found + _fields().psi(self, x, t)

        return self._averaged(one, x, t, lambda values, turn: values)

    def standard_error(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Standard error of the base's drift, (n, d); NaN once networks add to it.

        These have none in closed form: fit again on lineages drawn with replacement.
        """
        x = matrix(x, "x")
        if self.free is not None or self.psi is not None:
            return np.full(x.shape, np.nan)
        return np.asarray(self.base.standard_error(x, t), dtype=float)

    def correction(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift that the networks add to the base's, shape (n, d), per h."""

        def one(x: np.ndarray, t: np.ndarray) -> np.ndarray:
            return _fields().drift(self, x, t)

        return self._averaged(one, x, t, _turned_back)

    def _averaged(self, one: Callable, x: ArrayLike, t: ArrayLike, back: Callable):
        """Average a field over the group, block by block."""
        x = matrix(x, "x")
        t = np.broadcast_to(np.asarray(t, dtype=float), (len(x),))
        turns, fixed = self.frame.turns, self.frame.fixed_point
        pieces = []
        for start in range(0, max(len(x), 1), BLOCK):
            part, at = x[start : start + BLOCK], t[start : start + BLOCK]
            if self.frame.group is None:
                pieces.append(one(part, at))
                continue
            turned = [one(fixed + (part - fixed) @ turn.T, at) for turn in turns]
            back_home = [back(v, turn) for v, turn in zip(turned, turns, strict=True)]
            pieces.append(sum(back_home) / len(turns))
        return np.concatenate(pieces)


def _turned_back(vectors: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """R' v for every vector v."""
    return vectors @ turn


def _matrix_back(matrices: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """R' A R for every matrix A."""
    return turn.T @ matrices @ turn


def _fields():
    """The file with the networks: it needs torch, which is slow to import."""
    from cellstate.flow._neural import _fields as fields

    return fields
