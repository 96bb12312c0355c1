"""A diffusion as a jump process between the cells of a grid."""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from scipy import sparse

from cellstate.kinetics._grid._flow import Flow
from cellstate.kinetics._grid._mesh import Mesh
from cellstate.kinetics._grid._selling import offsets_and_weights

# Gauss nodes along a link: enough for its potential, a cubic.
_NODES, _WEIGHTS = legendre.leggauss(6)
ALONG, SHARE = (_NODES + 1) / 2, _WEIGHTS / 2
BLOCK = 100_000  # links whose integrals are held in memory at once


@dataclass(frozen=True)
class Links:
    """Links between the cells i and j, with the rates of jumps along them.

    Attributes
    ----------
    i, j
        Ends, (m,).
    conductance
        Squared inverse length times diffusion, 1/h, (m,).
    slope
        Slope of the local potential at the start, middle and end of a link, in units
        of the link, (m, 3).
    swirl
        Part of the potential's rise along a link that the stationary density does
        not follow; 0 without circulation, (m,).
    out, back
        Rates from i to j and from j to i, 1/h, (m,).
    """

    i: np.ndarray
    j: np.ndarray
    conductance: np.ndarray
    slope: np.ndarray
    swirl: np.ndarray
    out: np.ndarray
    back: np.ndarray


def linked(flow: Flow, mesh: Mesh) -> Links:
    """Jump rates of a flow between the cells of a mesh.

    L u = div(D grad u) + D f . grad u with the force f = D^-1 (b - div D). Links run
    along integer offsets that carry D exactly with positive weights; along each the
    force makes a potential, a cubic from its slope at three places, and the rates are
    those of the diffusion on a line in it: they stay positive whatever the drift, and
    keep detailed balance, to fourth order in the step, where the force is a gradient.
    """
    i, j, conductance = _pairs(flow, mesh)
    nodes = mesh.nodes
    at_nodes = force(flow, nodes, mesh.step)
    way = nodes[j] - nodes[i]
    middle = force(flow, nodes[i] + way / 2, mesh.step)
    slope = -np.stack(
        [(f * way).sum(axis=-1) for f in (at_nodes[i], middle, at_nodes[j])], axis=-1
    )
    none = np.zeros(len(i))
    return Links(i, j, conductance, slope, none, *jump_rates(conductance, slope, none))


def refitted(links: Links, pi: np.ndarray) -> Links:
    """Fit the rates to the slope of a stationary density (size,), not to the drift.

    Exponential fitting is exact where the drift makes the density, and adds diffusion
    where it circulates.
    """
    i, j = links.i, links.j
    told = np.minimum(pi[i], pi[j]) > np.finfo(float).tiny / np.finfo(float).eps
    fall = np.log(np.where(told, pi[i], 1.0) / np.where(told, pi[j], 1.0))
    swirl = np.where(told, _rise(links.slope) - fall, 0.0)
    rates = jump_rates(links.conductance, links.slope, swirl)
    return Links(i, j, links.conductance, links.slope, swirl, *rates)


def _pairs(flow: Flow, mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells that are linked, i < j, and their conductances."""
    matrices = diffusion(flow, mesh.nodes) / np.multiply.outer(mesh.step, mesh.step)
    offsets, weights = offsets_and_weights(matrices)
    place = np.stack(np.unravel_index(np.arange(mesh.size), mesh.shape), axis=-1)
    rows, columns, values = [], [], []
    for k in range(offsets.shape[1]):
        for sign in (1, -1):
            to = place + sign * offsets[:, k]
            good = ((to >= 0) & (to < mesh.shape)).all(axis=1) & (weights[:, k] > 0)
            start = np.flatnonzero(good)
            end = np.ravel_multi_index(to[good].T, mesh.shape)
            rows.append(np.minimum(start, end))
            columns.append(np.maximum(start, end))
            values.append(weights[good, k] / 2)  # the other half comes from the end
    ends = np.concatenate(rows), np.concatenate(columns)
    shape = (mesh.size, mesh.size)
    whole = sparse.coo_array((np.concatenate(values), ends), shape=shape)
    whole.sum_duplicates()
    return whole.row, whole.col, whole.data


def force(flow: Flow, x: np.ndarray, step: np.ndarray) -> np.ndarray:
    """D^-1 (b - div D) of states (n, d), shape (n, d); div D by central differences."""
    drift = np.asarray(flow.drift(x, 0.0), dtype=float)
    if drift.shape != x.shape:
        raise ValueError(f"the drift of states {x.shape} has shape {drift.shape}.")
    if not np.isfinite(drift).all():
        lost = int((~np.isfinite(drift).all(axis=1)).sum())
        raise ValueError(
            f"the drift is not finite in {lost} of {len(x)} places of the box. Give a "
            "smaller box, within which the flow is defined."
        )
    matrices = diffusion(flow, x)
    spread = np.zeros_like(x)
    for axis, h in enumerate(step):
        ahead = np.zeros(len(step))
        ahead[axis] = h / 2
        after, before = diffusion(flow, x + ahead), diffusion(flow, x - ahead)
        spread += (after[:, axis] - before[:, axis]) / h
    return np.linalg.solve(matrices, (drift - spread)[..., None])[..., 0]


def diffusion(flow: Flow, x: np.ndarray) -> np.ndarray:
    """Diffusion matrices of states (n, d), checked."""
    matrices = np.asarray(flow.diffusion(x, 0.0), dtype=float)
    d = x.shape[1]
    if matrices.shape != (len(x), d, d):
        raise ValueError(
            f"the diffusion of states {x.shape} must have shape {(len(x), d, d)}; "
            f"found {matrices.shape}."
        )
    lowest = np.linalg.eigvalsh(matrices)[:, 0] if d > 1 else matrices[:, 0, 0]
    if not (lowest > 0).all():
        raise ValueError(
            "the diffusion must be positive definite all over the box; its lowest "
            f"eigenvalue is {lowest.min():.3g}. Give a smaller box or a floor."
        )
    return matrices


def jump_rates(
    conductance: np.ndarray, slope: np.ndarray, swirl: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rates (m,) to the end of links and back.

    Without a swirl g / int_0^1 exp(V(s) - V(0)) ds and g / int_0^1 exp(V(s) - V(1))
    ds, with V the cubic whose slopes at 0, 1/2 and 1 are given (m, 3). The part of
    the rise of V that is a swirl (m,) enters by central differences instead, as long
    as both rates stay positive.
    """
    rise = _rise(slope)
    mean = np.ones(len(rise))
    for some in np.array_split(np.arange(len(rise)), 1 + len(rise) // BLOCK):
        mean[some] = _bent(slope[some])
    central = _even(rise - swirl)
    even = np.where(2 * central > 1.001 * np.abs(rise), central, _even(rise))
    # On a steep link the difference of two large numbers would be lost in rounding.
    plain = swirl == 0
    out = np.where(plain, bernoulli(rise), even - rise / 2)
    back = np.where(plain, bernoulli(-rise), even + rise / 2)
    return conductance * out / mean, conductance * back / mean


def _rise(slope: np.ndarray) -> np.ndarray:
    return (slope[:, 0] + 4 * slope[:, 1] + slope[:, 2]) / 6


def _even(rise: np.ndarray) -> np.ndarray:
    """Mean of the Bernoulli functions of a rise and its opposite."""
    return (bernoulli(rise) + bernoulli(-rise)) / 2


def _bent(slope: np.ndarray) -> np.ndarray:
    """Integral of exp V along links over that for a straight V of the same ends."""
    first, middle, last = slope.T
    rise, s = _rise(slope), ALONG[:, None]
    curve = 2 * (first - 2 * middle + last)
    turn = -3 * first + 4 * middle - last
    # V(s) - rise s vanishes at both ends.
    bend = s * (first - rise + s * (turn / 2 + s * curve / 3))
    weight = SHARE[:, None] * np.exp(np.where(rise > 0, rise * (s - 1), rise * s))
    return (weight * np.exp(bend)).sum(axis=0) / weight.sum(axis=0)


def bernoulli(x: np.ndarray) -> np.ndarray:
    """Return x / (e^x - 1), 1 at 0."""
    small = np.abs(x) < 1e-8
    safe = np.where(small, 1.0, np.clip(x, -700, 700))
    return np.where(small, 1 - x / 2, safe / np.expm1(safe))
