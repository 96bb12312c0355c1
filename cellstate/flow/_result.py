"""A learned flow: drift, diffusion and growth at any state and time."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cellstate._base.checks import matrix
from cellstate._base.results import Result
from cellstate.flow._circulation import Circulation
from cellstate.flow._diagnosis import Diagnosis
from cellstate.flow._fixed_points import fixed_points
from cellstate.flow._neural import TrainingHistory
from cellstate.flow._support import Support


class Model(Protocol):
    """What holds a flow's numbers: a regression or networks."""

    has_potential: bool

    def drift(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray: ...
    def diffusion(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray: ...
    def growth_rate(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray: ...
    def jacobian(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray: ...
    def potential(self, x: np.ndarray, t: ArrayLike = 0.0) -> np.ndarray: ...


@dataclass(frozen=True, eq=False, kw_only=True)
class FlowFit(Result):
    """dX = b(X, t) dt + sqrt(2 D(X, t)) dW (Ito), with growth g(X, t).

    States are in the coordinates that were fitted, times in hours. A fit plugs into
    `cs.tl.committor`, `cs.tl.rates` and `cs.tl.mfpt` as ``flow=``.

    Attributes
    ----------
    method
        "regression" or "neural".
    use
        "tracks", "snapshots" or "both".
    drift_kind
        "free", "gradient" or "split".
    model
        The numbers.
    support
        States that were visited.
    diagnosis
        What speaks for and against the fit.
    identifiable
        Table of `quantity`, `status` ("yes", "no", "assumed") and `why`.
    circulation
        Share of the drift that is no gradient, and the test of detailed balance; None
        where the data cannot tell.
    training
        How the networks were trained; None without any.
    """

    kind: ClassVar[str] = "flow_fit"
    method: str
    use: str
    drift_kind: str
    model: Result
    support: Support
    diagnosis: Diagnosis
    identifiable: pd.DataFrame
    circulation: Circulation | None = None
    training: TrainingHistory | None = None

    @property
    def dimension(self) -> int:
        """Coordinates of a state."""
        return self.support.scale.size

    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Drift b at states (n, d) and time t (h), shape (n, d), per h."""
        return self.model.drift(self._states(x), t)

    def diffusion(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Diffusion matrix D at states (n, d), shape (n, d, d), squares per h."""
        return self.model.diffusion(self._states(x), t)

    def growth_rate(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Growth rate g, births less deaths, at states (n, d), shape (n,), 1/h."""
        return self.model.growth_rate(self._states(x), t)

    def standard_error(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Standard error of the drift, (n, d) to (n, d); NaN where it is unknown."""
        x = self._states(x)
        if not hasattr(self.model, "standard_error"):
            return np.full_like(x, np.nan)
        return self.model.standard_error(x, t)

    def jacobian(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Derivatives d b_i / d x_j at states (n, d), shape (n, d, d), 1/h."""
        return self.model.jacobian(self._states(x), t)

    def divergence(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Divergence of the drift at states (n, d), shape (n,), 1/h."""
        return np.trace(self.jacobian(x, t), axis1=1, axis2=2)

    def potential(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Potential V of the drift's gradient part at states (n, d), shape (n,).

        That part is ``-M grad V`` with M the diffusion over its mean (the identity
        where the diffusion is the same in all directions), so V has the unit of D.

        Raises
        ------
        ValueError
            No gradient part was fitted.
        """
        if not self.model.has_potential:
            raise ValueError(
                f"this fit (use={self.use!r}, drift={self.drift_kind!r}) has no "
                "potential: without tracks a free drift is not cut into gradient and "
                "circulation. Fit one: cs.tl.fit_flow(adata, drift='gradient')."
            )
        return self.model.potential(self._states(x), t)

    def extrapolated(self, x: ArrayLike) -> np.ndarray:
        """Whether states (n, d) lie where no cell was seen, shape (n,)."""
        return self.support.outside(self._states(x))

    def fixed_points(self, t: float = 0.0) -> pd.DataFrame:
        """Where the drift is zero: one row each, stable ones first.

        Columns ``x0, x1 ...``, their standard errors ``se0 ...``, `kind` ("stable",
        "saddle", "unstable"), `fastest` and `slowest` (real parts of the eigenvalues,
        1/h) and `extrapolated`.
        """
        return fixed_points(self.model, self.support, t)

    def _states(self, x: ArrayLike) -> np.ndarray:
        x = matrix(x, "x")
        if x.shape[1] != self.dimension:
            raise ValueError(
                f"states of this flow have {self.dimension} coordinates; found shape "
                f"{x.shape}. Give the coordinates of the basis that was fitted."
            )
        return x
