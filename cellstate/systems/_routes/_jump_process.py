"""A stationary jump process on the cells of a grid, and its transition paths."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from cellstate.systems._paths import Field
from cellstate.systems._regions import Region
from cellstate.systems._routes._grid import Grid

APART = 8  # cells that must lie between the two sets
SUBCELLS = 8  # points per axis that measure a cell cut by the edge of a set


def bernoulli(u: ArrayLike) -> np.ndarray:
    """B(u) = u / (e^u - 1), B(0) = 1.

    Examples
    --------
    >>> bernoulli([0.0, 1.0, -1.0]).round(6)
    array([1.      , 0.581977, 1.581977])
    """
    u = np.asarray(u, dtype=float)
    small = np.abs(u) < 1e-5
    safe = np.where(small, 1.0, u)
    # Beyond 700 the exponential overflows and B is 0 to rounding.
    fitted = safe / np.expm1(np.minimum(safe, 700))
    return np.where(small, 1 - u / 2, fitted)


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
