"""A stationary jump process on the cells of a grid, and its transition paths."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import linalg

from cellstate.systems._grid import Grid
from cellstate.systems._paths import Field, TransitionPaths
from cellstate.systems._regions import Region

APART = 8  # cells that must lie between the two sets
SUBCELLS = 8  # points per axis that measure a cell cut by the edge of a set


def bernoulli(u: ArrayLike) -> np.ndarray:
    """B(u) = u / (e^u - 1), B(0) = 1.

    Examples
    --------
    >>> bernoulli([0.0, 1.0, -1.0]).round(6)
    array([1.      , 0.581977, 1.581977])
    """
    u = np.clip(u, -700, 700)
    small = np.abs(u) < 1e-5
    safe = np.where(small, 1.0, u)
    return np.where(small, 1 - u / 2 + u**2 / 12, safe / np.expm1(safe))


@dataclass(frozen=True, eq=False, kw_only=True)
class JumpProcess:
    """Probability that jumps between neighbouring cells, in its stationary state.

    Between the ends of a link k B(-f / k) goes from i to j and k B(f / k) back, per
    unit of time: f is the stationary flux, k the conductance.

    Attributes
    ----------
    grid
        The cells; `cells` (k,) are those in use, as flat indices.
    pi
        Probability of every cell in use, shape (k,).
    i, j
        Ends of the links, indices into `cells`, shape (m,).
    k, f
        Conductance and flux of the links, shape (m,).
    density
        Stationary density as a function of states.
    """

    grid: Grid
    cells: np.ndarray
    pi: np.ndarray
    i: np.ndarray
    j: np.ndarray
    k: np.ndarray
    f: np.ndarray
    density: Field

    @property
    def x(self) -> np.ndarray:
        """Centres of the cells in use, shape (k, 2)."""
        return self.grid.nodes.reshape(-1, 2)[self.cells]

    def generator(self, links: np.ndarray, loss: np.ndarray) -> sparse.csc_array:
        """Rates from cell to cell over some links, less a further loss (k,) of mass."""
        i, j = self.i[links], self.j[links]
        out, back = fluxes(self.k[links], self.f[links])
        n = len(self.pi)
        rows = np.concatenate([i, j])
        flux = np.concatenate([out, back])
        leaving = np.bincount(rows, flux, n) + loss
        diagonal = np.arange(n)
        entries = np.concatenate([flux, -leaving]) / np.append(
            self.pi[rows], self.pi[diagonal]
        )
        where = (np.append(rows, diagonal), np.concatenate([j, i, diagonal]))
        return sparse.csc_array((entries, where), shape=(n, n))


def fluxes(k: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability per time from i to j and from j to i."""
    return k * bernoulli(-f / k), k * bernoulli(f / k)


@dataclass(frozen=True, eq=False, kw_only=True)
class CutSet:
    """A set in the process: links into it end at its edge.

    Attributes
    ----------
    region
        The set.
    distance
        Of every cell in use to the edge, negative inside, shape (k,).
    mass
        Probability of the set.
    links
        Which links lead into it or lie within it, shape (m,).
    out, back
        Flux of every cell to the edge and from it, shape (k,).
    """

    region: Region
    distance: np.ndarray
    mass: float
    links: np.ndarray
    out: np.ndarray
    back: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """Cells whose centre lies in the set, shape (k,)."""
        return self.distance <= 0


def cut(process: JumpProcess, region: Region) -> CutSet:
    """Shorten the links that cross the edge of a set to the part outside it."""
    x, n = process.x, len(process.pi)
    distance = region.distance(x)
    inside = distance <= 0
    crossing = np.flatnonzero(inside[process.i] != inside[process.j])
    i, j, f = process.i[crossing], process.j[crossing], process.f[crossing]
    turned = inside[i]
    i, j = np.where(turned, j, i), np.where(turned, i, j)
    f = np.where(turned, -f, f)
    part = _part_outside(region, x[i], x[j])
    # Conductance goes with the density in the middle of a link and its length.
    middle, partial = (x[i] + x[j]) / 2, x[i] + part[:, None] * (x[j] - x[i]) / 2
    denser = process.density(partial) / process.density(middle)
    k = process.k[crossing] * denser / part
    out, back = fluxes(k, f)
    return CutSet(
        region=region,
        distance=distance,
        mass=_mass(process, region, distance),
        links=inside[process.i] | inside[process.j],
        out=np.bincount(i, out, n),
        back=np.bincount(i, back, n),
    )


def _part_outside(region: Region, out: np.ndarray, into: np.ndarray) -> np.ndarray:
    """Share of the way from `out` to `into` at which the edge is met."""
    low, high = np.zeros(len(out)), np.ones(len(out))
    for _ in range(30):
        middle = (low + high) / 2
        there = region.distance(out + middle[:, None] * (into - out)) <= 0
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    return np.maximum(high, 1e-6)


def _mass(process: JumpProcess, region: Region, distance: np.ndarray) -> float:
    """Probability of a set; cells at its edge are measured on a finer grid."""
    step = process.grid.step
    split = np.abs(distance) < step.max()
    whole = process.pi[(distance <= 0) & ~split].sum()
    side = (np.arange(SUBCELLS) + 0.5) / SUBCELLS - 0.5
    offsets = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    fine = process.x[split][:, None] + offsets * step
    # A small cell at the edge counts by about the part of it that lies inside.
    covered = np.clip(0.5 - region.distance(fine) * SUBCELLS / step.min(), 0, 1)
    share = (process.density(fine) * covered).mean(axis=1).sum() * step.prod()
    return float(whole + share)


def check_resolution(process: JumpProcess, source: CutSet, target: CutSet) -> None:
    """Say when the grid cannot tell the two sets apart, or misses one."""
    h = process.grid.step.max()
    for name, one in (("source", source), ("target", target)):
        if one.inside.sum() < 4:
            raise ValueError(
                f"`{name}` must hold at least 4 cells of the grid; it holds "
                f"{int(one.inside.sum())} of side {h:.3g}. Raise n or enlarge the set."
            )
    gap = target.distance[source.inside].min()
    if gap < APART * h:
        raise ValueError(
            f"source and target must lie at least {APART} cells apart; found a "
            f"distance of {gap:.3g} with cells of side {h:.3g}. Raise n or move them."
        )


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
    """LU factors of a generator and the largest residual met so far."""

    matrix: sparse.csc_array
    lu: linalg.SuperLU
    residuals: list[float]

    @classmethod
    def of(cls, matrix: sparse.csc_array) -> "_Solver":
        return cls(matrix, factor(matrix), [])

    def __call__(self, b: np.ndarray, trans: str = "N") -> np.ndarray:
        x = self.lu.solve(b, trans)
        a = self.matrix if trans == "N" else self.matrix.T
        scale = abs(a) @ np.abs(x) + np.abs(b)
        self.residuals.append(float(np.abs(a @ x - b).max() / scale.max()))
        return x


def solve_paths(
    process: JumpProcess, source: CutSet, target: CutSet, route: str
) -> TransitionPaths:
    """Solve for committors, times, rates and gap."""
    pi = process.pi
    free = ~(source.inside | target.inside)
    inner = ~(source.links | target.links)
    between = process.generator(inner, source.out + target.out)[free][:, free]
    solver = _Solver.of(between.tocsc())
    q, back, leave = target.inside * 1.0, source.inside * 1.0, np.zeros(len(pi))
    q[free] = solver(-(target.out / pi)[free])
    # Reversed in time the process has the transposed generator, weighted by pi.
    back[free] = solver(-source.back[free], "T") / pi[free]
    leave[free] = solver(-np.ones(free.sum()))
    outside = ~target.inside
    reach = np.zeros(len(pi))
    to_target = process.generator(~target.links, target.out)[outside][:, outside]
    arrival = _Solver.of(to_target.tocsc())
    reach[outside] = arrival(-np.ones(outside.sum()))
    nu = _passages(process, source, target, q, back)
    last_a = float(pi @ back)
    fields = _Fields(process, source, target)
    return TransitionPaths(
        route=route,
        nu=nu,
        k_ab=nu / last_a,
        k_ba=nu / (1 - last_a),
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
        residual=max(solver.residuals + arrival.residuals),
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
    """Slowest relaxation rate; the shift keeps the matrix regular."""
    everything = np.ones(len(process.i), dtype=bool)
    whole = process.generator(everything, np.zeros(len(process.pi)))
    shifted = whole - nu * sparse.eye_array(len(process.pi), format="csc")
    inverse = factor(shifted.tocsc())
    operator = linalg.LinearOperator(whole.shape, inverse.solve, dtype=float)
    start = np.random.default_rng(0).standard_normal(len(process.pi))
    found = linalg.eigs(operator, k=3, v0=start, return_eigenvectors=False)
    rates = -(nu + 1 / found).real
    return float(np.sort(np.abs(rates))[1])


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
