"""The jump process of a grid with two sets: its generator and its stationary law."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cellstate.kinetics._grid._cut import Cut
from cellstate.kinetics._grid._linear import Solver
from cellstate.kinetics._grid._links import Links
from cellstate.kinetics._grid._mesh import Mesh


@dataclass(frozen=True)
class Outside:
    """The process on the cells outside some sets, killed at their edges.

    Attributes
    ----------
    cells
        Cells outside, (k,).
    generator
        (k, k); its rows sum to minus the rates of being killed.
    """

    cells: np.ndarray
    generator: sparse.csc_array


def generator(links: Links, size: int) -> sparse.csc_array:
    """Generator of the process without any set; its rows sum to 0."""
    rows = np.concatenate([links.i, links.j])
    columns = np.concatenate([links.j, links.i])
    rates = np.concatenate([links.out, links.back])
    leaving = sparse.diags_array(np.bincount(rows, rates, size))
    whole = sparse.csc_array((rates, (rows, columns)), shape=(size, size))
    return (whole - leaving).tocsc()


def killed(links: Links, size: int, cuts: tuple[Cut, ...]) -> Outside:
    """Generator outside sets whose edges kill."""
    free = ~np.any([c.inside for c in cuts], axis=0)
    good = free[links.i] & free[links.j]
    rows = np.concatenate([links.i[good], links.j[good]])
    columns = np.concatenate([links.j[good], links.i[good]])
    rates = np.concatenate([links.out[good], links.back[good]])
    leaving = np.bincount(rows, rates, size) + sum(c.total(c.rate) for c in cuts)
    cells = np.flatnonzero(free)
    number = np.cumsum(free) - 1
    k = cells.size
    whole = sparse.csc_array((rates, (number[rows], number[columns])), shape=(k, k))
    return Outside(cells, (whole - sparse.diags_array(leaving[cells])).tocsc())


def stationary(links: Links, mesh: Mesh) -> tuple[np.ndarray, float]:
    """Probability of the cells, (size,), and the residual."""
    size = mesh.size
    whole = generator(links, size)
    # The law is known up to a factor: a cell near a state of rest is pinned. The
    # generator makes the drift of the coordinates.
    drift = whole @ (mesh.nodes / mesh.step)
    rest = int((drift**2).sum(axis=1).argmin())
    others = np.arange(size) != rest
    inflow = whole[[rest]][:, others].toarray().ravel()
    solver = Solver(-whole[others][:, others], "the stationary law")
    pi = np.ones(size)
    pi[others] = solver.solve(inflow, transposed=True)
    lost = pi <= 0
    if (pi < -1e-9 * pi.max()).any() or lost.mean() > 0.5:
        raise FloatingPointError(
            f"the stationary law is negative in {int(lost.sum())} of {size} cells: it "
            "is lost in rounding. Take a smaller box."
        )
    return np.maximum(pi, 0) / np.maximum(pi, 0).sum(), solver.residual
