"""Transition paths in the plane by finite volumes: the first route."""

import numpy as np
from scipy import sparse

from cellstate._base.checks import integer
from cellstate.systems._diffusion import Diffusion, Gradient
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._routes._grid import Grid, boltzmann
from cellstate.systems._routes._jump_paths import factor, solve_paths
from cellstate.systems._routes._jump_process import (
    JumpProcess,
    bernoulli,
    check_resolution,
    cut,
)

POINTS = 200  # cells per axis when not told: about two seconds
SWEEPS = 2  # solves for an unknown density
LOWEST = 150.0  # V / D above the bottom beyond which a cell is left out


def finite_volumes(
    system: Diffusion, n: int | tuple[int, int] = POINTS
) -> TransitionPaths:
    r"""Transition paths in the plane, from a jump process on a reflecting grid.

    Cells i and j, h apart, exchange probability by exponentially fitted rates, with
    B(u) = u / (e^u - 1)::

        pi_i r_ij = K B(-F / K),    pi_j r_ji = K B(F / K)

    F is the stationary flux across the face and K its conductance. Where the density
    rho = e^(-V/D) / Z is known, pi is rho, K is D rho / h^2 in the middle of the face
    and F the difference of the stream function between its ends, 0 for a gradient
    system: detailed balance, or a circulation free of sources, holds to rounding.
    Otherwise pi is solved for: with g = log pi_j / pi_i and u = b h / D, b the drift
    in the middle of the face, r_ij = D / h^2 e^(g/2) B(g - u), where g = u at first
    and then comes from the solution before.
    Time reversal is F -> -F. Links that the edge of A or B cuts end there.

    Parameters
    ----------
    system
        A law with d = 2 and two sets.
    n
        Cells per axis, one number or two. Errors fall as 1 / n^2.

    Returns
    -------
    TransitionPaths
        Functions take states (..., 2); committors are exactly 0 and 1 in the sets.
        A gap below about 1e-13, and a passage time above 1e14, of the time of a jump
        are lost in rounding and NaN.

    Raises
    ------
    ValueError
        d is not 2, a set is missing, or the grid is too coarse for the sets.
    FloatingPointError
        A well outside both sets is hardly ever left.

    References
    ----------
    Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969); Lie, Fackeldey and
    Weber, SIAM J. Matrix Anal. Appl. 34 (2013); Metzner, Schuette and Vanden-Eijnden,
    J. Chem. Phys. 125 (2006).

    Examples
    --------
    >>> from cellstate.systems._laws._landscapes import DoubleWell2D
    >>> round(finite_volumes(DoubleWell2D(D=1 / 3), n=100).nu, 6)
    0.018769
    """
    check_plane(system)
    process = jump_process(system, n)
    source, target = cut(process, system.source), cut(process, system.target)
    check_resolution(process, source, target)
    return solve_paths(process, source, target, "finite volumes")


def check_plane(system: Diffusion) -> None:
    """Say what a solver in the plane needs."""
    if system.dimension != 2:
        raise ValueError(
            f"this route solves in the plane, d = 2; {system.name} has "
            f"d = {system.dimension}."
        )
    missing = [k for k in ("source", "target") if getattr(system, k) is None]
    if missing:
        raise ValueError(
            f"transition paths need a source and a target; {system.name} has no usual "
            f"{' and '.join(missing)} with these parameters. Give both, for example "
            "source=Ball((-1, 0), 0.3), target=Ball((1, 0), 0.3)."
        )


def jump_process(system: Diffusion, n: int | tuple[int, int] = POINTS) -> JumpProcess:
    """Jump process on a grid of n cells per axis, without any sets."""
    counts = (n, n) if np.ndim(n) == 0 else tuple(n)
    grid = Grid(system.box, tuple(integer(k, "n", 16) for k in counts))
    known = density_known(system)
    return _from_potential(system, grid) if known else _from_drift(system, grid)


def density_known(system: Diffusion) -> bool:
    """Whether e^(-V/D) is the stationary density: a gradient, or one with a swirl."""
    return isinstance(system, Gradient) or hasattr(system, "swirl")


def _links(grid: Grid) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ends of the links along each axis, as flat indices of the grid."""
    index = np.arange(np.prod(grid.shape)).reshape(grid.shape)
    ends = [(index[:-1], index[1:]), (index[:, :-1], index[:, 1:])]
    return [(i.ravel(), j.ravel()) for i, j in ends]


def _in_use(kept: np.ndarray, *links: np.ndarray) -> tuple[np.ndarray, ...]:
    """Cells in use, and links (i, j, k, f) between them in their numbering."""
    cells = np.flatnonzero(kept)
    number = np.cumsum(kept) - 1
    i, j, k, f = links
    good = kept[i] & kept[j]
    return cells, number[i[good]], number[j[good]], k[good], f[good]


def _from_potential(system: Diffusion, grid: Grid) -> JumpProcess:
    energy = (system.potential(grid.nodes) / system.D).ravel()
    bottom = energy.min()
    kept = energy - bottom < LOWEST
    weight = np.exp(np.maximum(bottom - energy, -2 * LOWEST))
    z = weight[kept].sum()
    pi = weight / z
    parts = []
    streams = _stream_differences(system, grid, kept, (bottom, z))
    nodes = grid.nodes.reshape(-1, 2)
    for (i, j), h, flux in zip(_links(grid), grid.step, streams, strict=True):
        middle = system.potential((nodes[i] + nodes[j]) / 2) / system.D
        k = system.D / h**2 * np.exp(np.maximum(bottom - middle, -2 * LOWEST)) / z
        parts.append((i, j, k, flux))
    links = (np.concatenate(p) for p in zip(*parts, strict=True))
    cells, i, j, k, f = _in_use(kept, *links)
    return JumpProcess(
        grid=grid, cells=cells, pi=pi[cells], i=i, j=j, k=k, f=f,
        density=boltzmann(system),
    )  # fmt: skip


def _stream_differences(
    system: Diffusion, grid: Grid, kept: np.ndarray, scale: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Stationary flux through the inner faces of either axis, flat.

    With b = -grad V + s J grad V the current s rho J grad V is the curl of the stream
    function s D rho, here set to zero along the reflecting edge of the cells in use.
    """
    n, m = grid.shape
    bottom, z = scale
    swirl = getattr(system, "swirl", 0.0)
    used = kept.reshape(n, m)
    used = used[:-1, :-1] & used[1:, :-1] & used[:-1, 1:] & used[1:, 1:]
    stream = np.zeros((n + 1, m + 1))
    if swirl != 0:
        energy = system.potential(grid.corners[1:-1, 1:-1]) / system.D
        density = np.where(used, np.exp(np.minimum(bottom - energy, 1)), 0) / z
        stream[1:-1, 1:-1] = swirl * system.D * density / grid.step.prod()
    along_x, along_y = np.diff(stream, axis=1)[1:-1], -np.diff(stream, axis=0)[:, 1:-1]
    return along_x.ravel(), along_y.ravel()


def _from_drift(system: Diffusion, grid: Grid) -> JumpProcess:
    nodes, parts = grid.nodes.reshape(-1, 2), []
    for axis, (i, j) in enumerate(_links(grid)):
        h = grid.step[axis]
        along = system.drift((nodes[i] + nodes[j]) / 2)[:, axis] * h / system.D
        parts.append((i, j, along, np.full(len(i), system.D / h**2)))
    i, j, along, scale = (np.concatenate(p) for p in zip(*parts, strict=True))
    rest = np.abs(system.drift(nodes)).max(axis=1).argmin()
    fall = along  # the part of the drift that a gradient would explain, at first all
    for _ in range(SWEEPS):
        out = scale * np.exp(fall / 2) * bernoulli(fall - along)
        back = scale * np.exp(-fall / 2) * bernoulli(along - fall)
        pi = _stationary(len(nodes), rest, (i, j, out, back))
        kept = pi > pi.max() * np.exp(-LOWEST)
        safe = np.where(kept, pi, 1.0)
        sure = kept[i] & kept[j]
        fall = np.where(sure, np.log(safe[j] / safe[i]), along)
    # Once more within the cells in use, at whose edge the process now reflects.
    cells, i, j, out, back = _in_use(kept, i, j, out, back)
    pi = _stationary(len(cells), pi[cells].argmax(), (i, j, out, back))
    forth, home = pi[i] * out, pi[j] * back
    logs = grid.field(grid.spread(cells, np.log(pi / grid.step.prod())))
    # The logarithmic mean of the two fluxes is the conductance that splits them.
    return JumpProcess(
        grid=grid, cells=cells, pi=pi, i=i, j=j,
        k=home / bernoulli(np.log(forth / home)), f=forth - home,
        density=lambda x: np.exp(logs(x)),
    )  # fmt: skip


def _stationary(n: int, rest: int, links: tuple[np.ndarray, ...]) -> np.ndarray:
    """Probability of n cells that jump along links (i, j, rate, rate back)."""
    i, j, out, back = links
    rows, columns = np.concatenate([i, j]), np.concatenate([j, i])
    rates = np.concatenate([out, back])
    leaving = np.bincount(rows, rates, n)
    whole = sparse.csc_array((rates, (rows, columns)), shape=(n, n))
    whole = (whole - sparse.diags_array(leaving)).tocsc()
    others = np.arange(n) != rest
    source = whole[[rest]][:, others].toarray().ravel()
    pi = np.ones(n)
    pi[others] = factor(whole[others][:, others].tocsc()).solve(-source, "T")
    return pi / pi.sum()
