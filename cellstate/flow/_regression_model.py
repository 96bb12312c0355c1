"""A flow that is linear in its coefficients."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.results import Result
from cellstate.flow._basis import blocks
from cellstate.flow._design import Design
from cellstate.flow._diffusion import DiffusionModel
from cellstate.flow._state_function import StateFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class RegressionModel(Result):
    """Drift, diffusion and growth in closed form; the same at all times.

    Attributes
    ----------
    design, coefficients, covariance
        The drift, (q,) and (q, q).
    diffusion_model
        D as a function of the state.
    growth_model
        Growth rate as a function of the state, or None: cells neither divide nor die.
    potential_design, potential_coefficients
        Nearest gradient field, or None where none was fitted.
    """

    kind: ClassVar[str] = "regression_model"
    design: Design
    coefficients: np.ndarray
    covariance: np.ndarray
    diffusion_model: DiffusionModel
    growth_model: StateFunction | None = None
    potential_design: Design | None = None
    potential_coefficients: np.ndarray | None = None

    @property
    def dimension(self) -> int:
        """Coordinates of a state."""
        return self.design.dimension

    @property
    def mobility(self) -> np.ndarray:
        """M of the gradient part ``-M grad V``, (d, d)."""
        return self.design.mobility

    def drift(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift at states (n, d), shape (n, d) per h."""
        return self.design.field(x, self.coefficients)

    def diffusion(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Diffusion matrix at states (n, d), shape (n, d, d) per h."""
        return self.diffusion_model(x)

    def growth_rate(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Growth rate at states (n, d), shape (n,) in 1/h."""
        if self.growth_model is None:
            return np.zeros(len(x))
        return self.growth_model(x)[:, 0]

    def jacobian(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivatives d b_i / d x_j at states (n, d), shape (n, d, d)."""
        return self.design.jacobian(x, self.coefficients)

    @property
    def has_potential(self) -> bool:
        """Whether a potential was fitted."""
        return self.potential_design is not None

    def potential(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Potential of the nearest gradient field at states (n, d), shape (n,)."""
        return self.potential_design.height(x, self.potential_coefficients)

    def standard_error(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray:
        """Standard error of the drift at states (n, d), shape (n, d)."""
        errors = np.empty_like(x)
        for part in blocks(len(x)):
            errors[part] = self._standard_error(x[part])
        return errors

    def diffusion_standard_error(self, x: np.ndarray) -> np.ndarray:
        """Standard error of every entry of D at states (n, d), shape (n, d, d)."""
        return self.diffusion_model.standard_error(x)

    def growth_standard_error(self, x: np.ndarray) -> np.ndarray:
        """Standard error of the growth rate at states (n, d), shape (n,)."""
        if self.growth_model is None:
            return np.full(len(x), np.nan)
        return self.growth_model.standard_error(x)[:, 0]

    def drift_covariance(self, x: np.ndarray) -> np.ndarray:
        """Covariance of the drift's components at states (n, d), shape (n, d, d)."""
        fields = self.design.columns(x)
        return np.einsum(
            "niq,qr,njr->nij", fields, self.covariance, fields, optimize=True
        )

    def _standard_error(self, x: np.ndarray) -> np.ndarray:
        design = self.design
        if design.potential is not None or design.group is not None:
            variance = np.einsum("nii->ni", self.drift_covariance(x))
            return np.sqrt(np.maximum(variance, 0))
        values, p = design.free(x), design.free.size
        errors = np.empty_like(x)
        for i in range(design.dimension):
            own = self.covariance[i * p : (i + 1) * p, i * p : (i + 1) * p]
            variance = np.einsum("np,pq,nq->n", values, own, values, optimize=True)
            errors[:, i] = np.sqrt(np.maximum(variance, 0))
        return errors
