"""Transition paths of a stationary jump process: linear solves on its cells."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import linalg

from cellstate.systems._paths import TransitionPaths
from cellstate.systems._routes._jump_process import CutSet, JumpProcess, fluxes

REFINEMENTS = 3  # corrections after a solve
SETTLED = 1e-6  # relative size of the last correction, and of what is not conserved
MODES = 6  # eigenvalues found near 0, of which the gap has the least real part
LOST = 0.01  # relative difference of two expressions for an eigenvalue, at most


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
    """The generator outside some sets; keeps the residuals of its solutions.

    `i`, `j` are the links that end in no set, `forth` and `home` the fluxes along
    them, `out` and `back` those of every cell to the sets and from them.
    """

    pi: np.ndarray
    free: np.ndarray
    i: np.ndarray
    j: np.ndarray
    forth: np.ndarray
    home: np.ndarray
    out: np.ndarray
    back: np.ndarray
    lu: linalg.SuperLU
    residuals: list[float]

    @classmethod
    def of(cls, process: JumpProcess, sets: tuple[CutSet, ...]) -> "_Solver":
        free = ~np.any([one.inside for one in sets], axis=0)
        links = ~np.any([one.links for one in sets], axis=0)
        out = np.sum([one.out for one in sets], axis=0)
        back = np.sum([one.back for one in sets], axis=0)
        matrix = process.generator(links, out)[free][:, free].tocsc()
        fluxes_ = fluxes(process.k[links], process.f[links])
        ends = process.i[links], process.j[links]
        return cls(process.pi, free, *ends, *fluxes_, out, back, factor(matrix), [])

    def __call__(self, flux: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Find u: pi L u = flux on the free cells, u = values in the sets."""
        return self._refined(flux, values, (self.forth, self.home, self.out), "N")

    def reversed(self, flux: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The same run backward: the transposed generator, weighted by pi."""
        return self._refined(flux, values, (self.home, self.forth, self.back), "T")

    def _refined(
        self,
        flux: np.ndarray,
        values: np.ndarray,
        rates: tuple[np.ndarray, np.ndarray, np.ndarray],
        trans: str,
    ) -> np.ndarray:
        """Solve, then correct by what differences between neighbours still lack.

        The diagonal of the matrix is rounded, which is a leak of its own; it would
        show where a deep well is left more slowly than that. NaN where the
        corrections do not settle.
        """
        u, free, pi = values * 0.0, self.free, self.pi
        for _ in range(REFINEMENTS + 1):
            lack, _ = self._lack(u, flux, *rates)
            if trans == "N":
                step = self.lu.solve((lack / pi)[free])
            else:
                step = self.lu.solve(lack[free], "T") / pi[free]
            u[free] += step
        lack, size = self._lack(u, flux, *rates)
        settled = np.abs(step).max() < SETTLED * np.abs(u).max()
        balanced = abs(lack[free].sum()) < SETTLED * np.abs(flux[free]).sum()
        if not (settled and balanced):
            return np.where(free, np.nan, values)
        some = free & (size > 0)
        self.residuals.append(float((np.abs(lack[some]) / size[some]).max()))
        return np.where(free, u, values)

    def _lack(
        self,
        u: np.ndarray,
        flux: np.ndarray,
        forth: np.ndarray,
        home: np.ndarray,
        loss: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Flux less pi L u, and the size of the terms it is the sum of, shape (k,)."""
        i, j, n = self.i, self.j, len(u)
        rise = u[j] - u[i]
        gained = np.bincount(i, forth * rise, n) - np.bincount(j, home * rise, n)
        sizes = np.abs(u[j]) + np.abs(u[i])
        size = np.bincount(i, forth * sizes, n) + np.bincount(j, home * sizes, n)
        return flux - gained + loss * u, size + np.abs(flux) + loss * np.abs(u)


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
    if np.isnan(q + back + leave).any():
        raise FloatingPointError(
            "cells take so long to leave a well outside both sets that the time is "
            "lost in rounding (about 1e14 jumps). Put a set around it, or raise D."
        )
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
    """Slowest relaxation rate; NaN if lost in rounding."""
    pi, everything = process.pi, np.ones(len(process.i), dtype=bool)
    whole = process.generator(everything, np.zeros(len(pi)))
    shifted = whole - nu * sparse.eye_array(len(pi), format="csc")
    inverse = factor(shifted.tocsc())
    operator = linalg.LinearOperator(whole.shape, inverse.solve, dtype=float)
    start = np.random.default_rng(0).standard_normal(len(pi))
    found, modes = linalg.eigs(operator, k=MODES, v0=start)
    second = np.argsort(np.abs((nu + 1 / found).real))[1]
    gap = -float((nu + 1 / found[second]).real)
    # Differences between neighbours show what the rounded diagonal hides.
    mode = modes[:, second]
    mode = mode - pi @ mode
    rise = mode[process.j] - mode[process.i]
    out, home = fluxes(process.k, process.f)
    weight = (home * mode[process.j] - out * mode[process.i]).conj()
    confirmed = (weight @ rise).real / (pi @ np.abs(mode) ** 2)
    return gap if abs(confirmed - gap) < LOST * gap else float("nan")


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
        """A waiting time that is 0 in some sets; NaN where it was lost in rounding."""
        process = self.process
        lost = bool(np.isnan(values).any())
        whole = process.grid.spread(process.cells, values)
        for one in sets:
            whole = process.grid.continued(whole, one.region.distance, 0.0)
        spline = process.grid.field(whole)

        def read(x: ArrayLike) -> np.ndarray:
            over = np.any([one.region.contains(x) for one in sets], axis=0)
            return np.where(over, 0.0, np.nan if lost else np.maximum(spline(x), 0))

        return read
