"""Transition paths of a stationary jump process: linear solves on its cells."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import linalg

from cellstate.systems._jump_process import CutSet, JumpProcess, fluxes
from cellstate.systems._paths import TransitionPaths

LOST = 100 * np.finfo(float).eps  # eigenvalues below this share of a rate are noise


def factor(matrix: sparse.csc_array) -> linalg.SuperLU:
    """LU factors of a generator less some loss; its diagonal is a safe pivot."""
    return linalg.splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


@dataclass(frozen=True, eq=False)
class _Solver:
    """LU factors of the generator outside some sets; keeps the residuals."""

    pi: np.ndarray
    free: np.ndarray
    matrix: sparse.csc_array
    lu: linalg.SuperLU
    residuals: list[float]

    @classmethod
    def of(cls, process: JumpProcess, sets: tuple[CutSet, ...]) -> "_Solver":
        free = ~np.any([one.inside for one in sets], axis=0)
        links = ~np.any([one.links for one in sets], axis=0)
        loss = np.sum([one.out for one in sets], axis=0)
        matrix = process.generator(links, loss)[free][:, free].tocsc()
        return cls(process.pi, free, matrix, factor(matrix), [])

    def __call__(self, flux: np.ndarray, values: np.ndarray) -> np.ndarray:
        """U with pi L u = flux on the free cells, u = values in the sets."""
        whole = values.copy()
        whole[self.free] = self._solve((flux / self.pi)[self.free], "N")
        return whole

    def reversed(self, flux: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The same run backward: the transposed generator, weighted by pi."""
        whole = values.copy()
        whole[self.free] = self._solve(flux[self.free], "T") / self.pi[self.free]
        return whole

    def _solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        x = self.lu.solve(b, trans)
        a = self.matrix if trans == "N" else self.matrix.T
        scale = abs(a) @ np.abs(x) + np.abs(b)
        self.residuals.append(float(np.abs(a @ x - b).max() / scale.max()))
        return x


def solve_paths(
    process: JumpProcess, source: CutSet, target: CutSet, route: str
) -> TransitionPaths:
    """Solve for committors, times, rates and gap."""
    pi, fields = process.pi, _Fields(process, source, target)
    between = _Solver.of(process, (source, target))
    alone = _Solver.of(process, (target,))
    q = between(-target.out, target.inside * 1.0)
    back = between.reversed(-source.back, source.inside * 1.0)
    leave = between(-pi, np.zeros(len(pi)))
    reach = alone(-pi, np.zeros(len(pi)))
    nu = _passages(process, source, target, q, back)
    last_a = float(pi @ back)
    return TransitionPaths(
        route=route,
        nu=nu,
        k_ab=nu / last_a,
        k_ba=nu / float(pi @ (1 - back)),
        last_a=last_a,
        pi_a=source.mass,
        pi_b=target.mass,
        reactive=float(pi @ (q * back)),
        committor=fields.probability(q, at_source=0.0),
        committor_backward=fields.probability(back, at_source=1.0),
        density=process.density,
        passage_time=fields.time(reach, (target,)),
        exit_time=fields.time(leave, (source, target)),
        gap=_gap(process, nu),
        residual=max(between.residuals + alone.residuals),
        size=process.grid.shape,
    )


def _passages(
    process: JumpProcess,
    source: CutSet,
    target: CutSet,
    q: np.ndarray,
    back: np.ndarray,
) -> float:
    """Reactive flux, averaged over lines between the sets, away from cut links."""
    place = source.distance / (source.distance + target.distance)
    stage = np.clip(2 * place - 0.5, 0, 1)
    stage[source.inside], stage[target.inside] = 0, 1
    out, home = fluxes(process.k, process.f)
    i, j = process.i, process.j
    reactive = back[i] * q[j] * out - back[j] * q[i] * home
    return float(reactive @ (stage[j] - stage[i]))


def _gap(process: JumpProcess, nu: float) -> float:
    """Slowest relaxation rate, NaN if lost in rounding; shifted to be regular."""
    everything = np.ones(len(process.i), dtype=bool)
    whole = process.generator(everything, np.zeros(len(process.pi)))
    shifted = whole - nu * sparse.eye_array(len(process.pi), format="csc")
    inverse = factor(shifted.tocsc())
    operator = linalg.LinearOperator(whole.shape, inverse.solve, dtype=float)
    start = np.random.default_rng(0).standard_normal(len(process.pi))
    found = linalg.eigs(operator, k=3, v0=start, return_eigenvectors=False)
    gap = float(np.sort(np.abs((nu + 1 / found).real))[1])
    return gap if gap > LOST * abs(whole.diagonal()).max() else float("nan")


@dataclass(frozen=True, eq=False)
class _Fields:
    """Functions of states from values at the cells."""

    process: JumpProcess
    source: CutSet
    target: CutSet

    def probability(
        self, values: np.ndarray, at_source: float
    ) -> Callable[[ArrayLike], np.ndarray]:
        """A committor: `at_source` in the source, its opposite in the target."""
        process, a, b = self.process, self.source.region, self.target.region
        whole = process.grid.spread(process.cells, values)
        whole = process.grid.continued(whole, a.distance, at_source)
        whole = process.grid.continued(whole, b.distance, 1 - at_source)
        spline = process.grid.field(whole)

        def read(x: ArrayLike) -> np.ndarray:
            inside = np.where(a.contains(x), at_source, np.clip(spline(x), 0, 1))
            return np.where(b.contains(x), 1 - at_source, inside)

        return read

    def time(
        self, values: np.ndarray, sets: tuple[CutSet, ...]
    ) -> Callable[[ArrayLike], np.ndarray]:
        """A waiting time that is 0 in some sets."""
        process = self.process
        whole = process.grid.spread(process.cells, values)
        for one in sets:
            whole = process.grid.continued(whole, one.region.distance, 0.0)
        spline = process.grid.field(whole)

        def read(x: ArrayLike) -> np.ndarray:
            over = np.any([one.region.contains(x) for one in sets], axis=0)
            return np.where(over, 0.0, np.maximum(spline(x), 0))

        return read
