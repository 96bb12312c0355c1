"""What a grid tells of the transitions between two sets."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import matrix
from cellstate._base.results import Result
from cellstate.kinetics._grid._fields import Reader, reader
from cellstate.kinetics._grid._mesh import Mesh
from cellstate.kinetics._result import REASONS, Committor

OUTSIDE = REASONS.index("outside the grid")
UNDEFINED = REASONS.index("the state is undefined")


@dataclass(frozen=True, eq=False, kw_only=True)
class GridKinetics(Result):
    """Transitions from A to B of a flow, solved on a grid; fields have its shape.

    Attributes
    ----------
    box
        Ends per axis, (d, 2); cells have equal sizes, and values stand for their
        centres.
    forward
        Committor q+: 0 in A, 1 in B. With ``division="mass"`` an expected number.
    backward
        Committor q-: chance to have come from A rather than B; NaN where the
        stationary density underflows.
    density
        Stationary density, integral 1.
    passage_time
        Mean hours until B is reached first, A being no obstacle.
    current
        Reactive current, (*shape, d), probability per hour and width across.
    nu
        Passages from A to B per hour of one long run: the flux into B.
    nu_from_source
        The same as the flux out of A.
    nu_difference
        Relative difference of these two and of the sum of all net fluxes against the
        rise of q+.
    k_ab, k_ba
        Rates 1/h: nu over the chance that the last set visited is A, or B.
    last_source
        That chance for A.
    mfpt_ab
        Mean hours from leaving B for A to reaching B: 1 / k_ab.
    transition_path_time
        Mean hours of a reactive path, from leaving A to reaching B.
    residual
        Largest relative residual of the linear solves.
    division
        What is followed at a division, as in `Committor`; "" when cells do not
        divide.
    reason
        Why everything but `forward` is NaN; empty when it is not.
    source_distance, target_distance
        Signed distance to the edges of A and B.
    source_edge, target_edge
        Where links of the grid cross the edges, (m, d).

    Notes
    -----
    With births or deaths there is no stationary law of one cell: only `forward` is
    defined.
    """

    kind: ClassVar[str] = "grid_kinetics"
    box: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    density: np.ndarray
    passage_time: np.ndarray
    current: np.ndarray
    nu: float
    nu_from_source: float
    nu_difference: float
    k_ab: float
    k_ba: float
    last_source: float
    mfpt_ab: float
    transition_path_time: float
    residual: float
    division: str
    reason: str
    source_distance: np.ndarray
    target_distance: np.ndarray
    source_edge: np.ndarray
    target_edge: np.ndarray

    @property
    def mesh(self) -> Mesh:
        """The grid."""
        return Mesh(np.asarray(self.box), self.forward.shape)

    def committor(self, x: ArrayLike) -> np.ndarray:
        """q+ of states (n, d), shape (n,); NaN outside the box."""
        top = np.inf if self.division == "mass" else 1.0
        return np.clip(self._forward(self._states(x)), 0, top)

    def committor_backward(self, x: ArrayLike) -> np.ndarray:
        """q- of states (n, d), shape (n,); NaN outside the box."""
        return np.clip(self._backward(self._states(x)), 0, 1)

    def passage_time_of(self, x: ArrayLike) -> np.ndarray:
        """Mean hours of states (n, d) until B, shape (n,); NaN outside the box."""
        return np.maximum(self._passage_time(self._states(x)), 0)

    def density_of(self, x: ArrayLike) -> np.ndarray:
        """Stationary density of states (n, d), shape (n,); NaN outside the box."""
        return np.exp(self._log_density(self._states(x)))

    def current_of(self, x: ArrayLike) -> np.ndarray:
        """Reactive current of states (n, d), shape (n, d); NaN outside the box."""
        x = self._states(x)
        return np.stack([read(x) for read in self._current], axis=-1)

    def at(self, x: ArrayLike, *, names: tuple[str, str] = ("A", "B")) -> Committor:
        """Both committors of states (n, d); NaN outside the box, with the reason."""
        x = self._states(x)
        forward = self.committor(x)
        reason = np.where(np.isnan(forward), OUTSIDE, 0).astype(np.int8)
        reason[~np.isfinite(x).all(axis=1)] = UNDEFINED
        return Committor(
            forward=forward,
            backward=self.committor_backward(x),
            reason=reason if reason.any() else reason[:0],
            replicates=np.zeros((len(x), 0)),
            residual=self.residual,
            source=names[0],
            target=names[1],
            method="grid",
            division=self.division,
        )

    def _states(self, x: ArrayLike) -> np.ndarray:
        x = matrix(x, "x")
        if x.shape[1] != len(self.box):
            raise ValueError(
                f"`x` must have {len(self.box)} coordinates, those of the grid; found "
                f"{x.shape[1]}."
            )
        return x

    def _read(self, values: np.ndarray, *known: tuple[str, float]) -> Reader:
        sets = {
            name: (getattr(self, f"{name}_distance"), getattr(self, f"{name}_edge"), v)
            for name, v in known
        }
        return reader(self.mesh, values, sets)

    @cached_property
    def _forward(self) -> Reader:
        return self._read(self.forward, ("source", 0.0), ("target", 1.0))

    @cached_property
    def _backward(self) -> Reader:
        return self._read(self.backward, ("source", 1.0), ("target", 0.0))

    @cached_property
    def _passage_time(self) -> Reader:
        return self._read(self.passage_time, ("target", 0.0))

    @cached_property
    def _log_density(self) -> Reader:
        lowest = np.log(np.finfo(float).tiny)
        with np.errstate(divide="ignore"):
            return self._read(np.maximum(np.log(self.density), lowest))

    @cached_property
    def _current(self) -> list[Reader]:
        free = (("source", np.nan), ("target", np.nan))
        return [self._read(self.current[..., k], *free) for k in range(len(self.box))]
