"""The backward equation in weak form on curved triangles."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph, linalg
from scipy.spatial import cKDTree

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._paths import Field
from cellstate.systems._routes._finite_volumes import density_known
from cellstate.systems._routes._triangles import (
    POINTS,
    WEIGHTS,
    Triangles,
    shapes,
    slopes,
)

ROOM = 25.0  # V / D above the lowest pass between the sets that is still meshed
LOWEST = 40.0  # and above the bottom, at least


@dataclass(frozen=True, eq=False, kw_only=True)
class WeakForm:
    """The weak form on a mesh.

    `form` and `mass` (k, k) and `load` (k,) are weighted with w; `rho` (t, q) is the
    density at the quadrature points times their area, `grads` (t, q, 6, 2) the
    derivatives of the shape functions there, `w` (k,) the null vector of the
    transposed form, `used` (k,) the nodes of triangles that were not left out.
    """

    mesh: Triangles
    form: sparse.csc_array
    mass: sparse.csc_array
    load: np.ndarray
    rho: np.ndarray
    w: np.ndarray
    grads: np.ndarray
    used: np.ndarray
    density: Field

    def field(self, values: np.ndarray) -> Field:
        """Function of states; beyond the triangles in use the nearest node's value."""
        nearest = cKDTree(self.mesh.x[self.used]).query(self.mesh.x[~self.used])[1]
        whole = values.copy()
        whole[~self.used] = values[self.used][nearest]
        return lambda x: self.mesh.field(whole, x)


def weak_form(system: Diffusion, mesh: Triangles) -> WeakForm:
    corners = mesh.x[mesh.nodes]
    values, local = shapes(POINTS), slopes(POINTS)
    x = np.einsum("qa,tai->tqi", values, corners)
    map_ = np.einsum("tai,qaj->tqij", corners, local)
    area = np.abs(np.linalg.det(map_)) * WEIGHTS / 2
    grads = np.einsum("qaj,tqji->tqai", local, np.linalg.inv(map_))
    known = density_known(system)
    if known:
        weight, density = _boltzmann_weight(system, mesh, x, area)
        v = system.drift(x) + system.gradient(x)
    else:
        weight, v = area, system.drift(x)
    flat = grads.transpose(0, 2, 1, 3).reshape(len(x), 6, -1)
    spread = np.repeat(weight, 2, axis=1)[:, None]
    stiff = system.D * (flat * spread) @ flat.transpose(0, 2, 1)
    along = np.einsum("tqai,tqi->tqa", grads, v) * weight[..., None]
    form = _gather(mesh, stiff - np.einsum("qa,tqb->tab", values, along))
    mass = _gather(mesh, np.einsum("qa,qb,tq->tab", values, values, weight))
    load = np.asarray(mass.sum(axis=1)).ravel()
    used = np.zeros(len(mesh.x), dtype=bool)
    used[mesh.nodes[weight.any(axis=1)]] = True
    form = form + sparse.diags_array(1.0 - used)
    w, rho = np.ones(len(mesh.x)), weight
    if not known:
        w = _null_vector(system, mesh, form)
        w = w / (w @ load)
        rho = (w[mesh.nodes] @ values.T) * area
        density = _positive_field(mesh, w)
    return WeakForm(
        mesh=mesh, form=form.tocsc(), mass=mass, load=load, rho=rho, w=w,
        grads=grads, used=used, density=density,
    )  # fmt: skip


def _boltzmann_weight(
    system: Diffusion, mesh: Triangles, x: np.ndarray, area: np.ndarray
) -> tuple[np.ndarray, Field]:
    """Density times area at the quadrature points, 0 in triangles left out."""
    energy = system.potential(x) / system.D
    bottom = energy.min()
    height = (system.potential(mesh.x[mesh.nodes]) / system.D).min(axis=1) - bottom
    kept = height < max(LOWEST, _pass(mesh, height) + ROOM)
    weight = np.where(kept[:, None], np.exp(np.minimum(bottom - energy, 1)), 0) * area
    z = weight.sum()
    return weight / z, lambda x: np.exp(bottom - system.potential(x) / system.D) / z


def _pass(mesh: Triangles, height: np.ndarray) -> float:
    """Least height over which triangles lead from the source to the target."""
    low, high = 0.0, float(height.max()) + 1
    while high - low > 0.5:
        level = (low + high) / 2
        corners = mesh.nodes[height < level, :3]
        first, second = corners.ravel(), np.roll(corners, -1, axis=1).ravel()
        links = sparse.coo_array(
            (np.ones(len(first)), (first, second)), shape=(len(mesh.x),) * 2
        )
        label = csgraph.connected_components(links, directed=False)[1]
        met = np.intersect1d(label[mesh.source], label[mesh.target]).size
        low, high = (low, level) if met else (level, high)
    return high


def _positive_field(mesh: Triangles, values: np.ndarray) -> Field:
    return lambda x: np.maximum(mesh.field(values, x), 0)


def _gather(mesh: Triangles, blocks: np.ndarray) -> sparse.csc_array:
    """Sum blocks (t, 6, 6) of the triangles into one matrix."""
    rows = np.repeat(mesh.nodes, 6, axis=1).ravel()
    columns = np.tile(mesh.nodes, (1, 6)).ravel()
    k = len(mesh.x)
    return sparse.csc_array((blocks.ravel(), (rows, columns)), shape=(k, k))


def factor(matrix: sparse.sparray) -> linalg.SuperLU:
    return linalg.splu(
        matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.01
    )


def _null_vector(
    system: Diffusion, mesh: Triangles, form: sparse.csc_array
) -> np.ndarray:
    """Vector w with w form = 0: the stationary density, up to a factor."""
    speed = np.abs(system.drift(mesh.x)).max(axis=1)
    others = np.arange(len(mesh.x)) != speed.argmin()
    w = np.ones(len(mesh.x))
    known = form[~others][:, others].toarray().ravel()
    w[others] = factor(form[others][:, others]).solve(-known, "T")
    return w
