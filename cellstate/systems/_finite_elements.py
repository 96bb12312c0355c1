"""Transition paths in the plane by finite elements: the second route."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import csgraph, linalg
from scipy.spatial import cKDTree

from cellstate._base.checks import integer
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._finite_volumes import check_plane
from cellstate.systems._paths import Field, TransitionPaths
from cellstate.systems._regions import Region
from cellstate.systems._triangles import (
    POINTS,
    WEIGHTS,
    Triangles,
    shapes,
    slopes,
    triangulate,
)

SPACINGS = 100  # per axis when not told
ROOM = 25.0  # V / D above the lowest pass between the sets that is still meshed
LOWEST = 40.0  # and above the bottom, at least


def finite_elements(
    system: Diffusion, n: int | tuple[int, int] = SPACINGS
) -> TransitionPaths:
    r"""Transition paths in the plane, from the weak backward equation.

    Quadratic triangles fitted to the edges of A and B. For every test function phi
    that vanishes on A and B the committor obeys::

        int w (D grad phi . grad q - phi v . grad q) = 0

    with w = rho and v = b + grad V where the density rho = e^(-V/D) / Z is known, and
    w = 1, v = b otherwise; then rho is the null vector of the transposed matrix. The
    transposed matrix also gives the backward committor. The rate is the integral of
    rho D |grad q|^2, which holds for laws that are not reversible too.

    Parameters
    ----------
    system
        A law with d = 2 and two sets made of `Ball`, `Box`, `HalfSpace`, `Union`.
    n
        Spacings per axis, one number or two. Errors fall about as 1 / n^4 where the
        density is known and the edges are smooth.

    Returns
    -------
    TransitionPaths
        Functions take states (..., 2); committors are exactly 0 and 1 in the sets.

    Raises
    ------
    ValueError
        d is not 2, a set is missing, or n too small to tell the edges apart.

    References
    ----------
    E and Vanden-Eijnden, J. Stat. Phys. 123 (2006); Dunavant, Int. J. Numer. Methods
    Eng. 21 (1985) for the quadrature of degree 5.

    Examples
    --------
    >>> from cellstate.systems._landscapes import DoubleWell2D
    >>> round(finite_elements(DoubleWell2D(D=1 / 3), n=40).nu, 6)
    0.018769
    """
    check_plane(system)
    counts = (n, n) if np.ndim(n) == 0 else tuple(n)
    shape = tuple(integer(k, "n", 8) for k in counts)
    mesh = triangulate(system.box, shape, system.source, system.target)
    return _solve(system, _assemble(system, mesh), shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Weak:
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


def _assemble(system: Diffusion, mesh: Triangles) -> _Weak:
    corners = mesh.x[mesh.nodes]
    values, local = shapes(POINTS), slopes(POINTS)
    x = np.einsum("qa,tai->tqi", values, corners)
    map_ = np.einsum("tai,qaj->tqij", corners, local)
    area = np.abs(np.linalg.det(map_)) * WEIGHTS / 2
    grads = np.einsum("qaj,tqji->tqai", local, np.linalg.inv(map_))
    known = hasattr(system, "potential")
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
    return _Weak(
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
    """Least height over which chains of triangles lead from the source to the target."""
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


def _factor(matrix: sparse.sparray) -> linalg.SuperLU:
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
    w[others] = _factor(form[others][:, others]).solve(-known, "T")
    return w


class _Solves:
    """Solutions of the form with given values on some nodes; keeps the residual."""

    def __init__(self, form: sparse.csc_array, fixed: np.ndarray) -> None:
        self.free = ~fixed
        self.rows = form[self.free].tocsc()
        self.columns = form[:, self.free].tocsc()
        self.inner = self.rows[:, self.free].tocsc()
        self.lu = _factor(self.inner)
        self.residual = 0.0

    def forward(self, values: np.ndarray, load: ArrayLike = 0.0) -> np.ndarray:
        """U = values on the fixed nodes, form u = load on the others."""
        return self._solve(self.rows @ values, self.inner, values, load, "N")

    def transposed(self, values: np.ndarray) -> np.ndarray:
        """The same for the transposed form without load."""
        return self._solve(self.columns.T @ values, self.inner.T, values, 0.0, "T")

    def _solve(
        self,
        known: np.ndarray,
        matrix: sparse.sparray,
        values: np.ndarray,
        load: ArrayLike,
        trans: str,
    ) -> np.ndarray:
        b = np.broadcast_to(load, values.shape)[self.free] - known
        x = self.lu.solve(b, trans)
        scale = abs(matrix) @ np.abs(x) + np.abs(b)
        off = np.abs(matrix @ x - b).max() / scale.max()
        self.residual = max(self.residual, float(off))
        whole = values.copy()
        whole[self.free] = x
        return whole


def _solve(system: Diffusion, weak: _Weak, shape: tuple[int, int]) -> TransitionPaths:
    mesh = weak.mesh
    either = _Solves(weak.form, mesh.source | mesh.target)
    outside = _Solves(weak.form, mesh.target)
    zero = np.zeros(len(mesh.x))
    q = either.forward(mesh.target * 1.0)
    came = either.transposed(np.where(mesh.source, weak.w, 0.0))
    back = came / np.where(weak.w == 0, 1, weak.w)
    leave = either.forward(zero, weak.load)
    reach = outside.forward(zero, weak.load)
    slope = np.einsum("tqai,ta->tqi", weak.grads, q[mesh.nodes])
    nu = float(system.D * (weak.rho * (slope**2).sum(axis=-1)).sum())
    last_a = float(came @ weak.load)
    share = weak.rho.sum(axis=1)
    return TransitionPaths(
        route="finite elements",
        nu=nu,
        k_ab=nu / last_a,
        k_ba=nu / (1 - last_a),
        last_a=last_a,
        pi_a=float(share[mesh.in_source].sum()),
        pi_b=float(share[mesh.in_target].sum()),
        reactive=float(came @ (weak.mass @ q)),
        committor=_probability(system, weak, q, 0.0),
        committor_backward=_probability(system, weak, back, 1.0),
        density=weak.density,
        passage_time=_time(weak, reach, (system.target,)),
        exit_time=_time(weak, leave, (system.source, system.target)),
        gap=_gap(weak, nu),
        residual=max(either.residual, outside.residual),
        size=shape,
    )


def _gap(weak: _Weak, nu: float) -> float:
    """Slowest relaxation rate of the form against the mass matrix."""
    inverse = _factor(weak.form + nu * weak.mass)
    operator = linalg.LinearOperator(
        weak.form.shape, lambda x: inverse.solve(weak.mass @ x), dtype=float
    )
    start = np.random.default_rng(0).standard_normal(len(weak.w))
    found = linalg.eigs(operator, k=3, v0=start, return_eigenvectors=False)
    rates = (1 / found).real - nu
    return float(np.sort(np.abs(rates))[1])


def _probability(
    system: Diffusion, weak: _Weak, values: np.ndarray, at_source: float
) -> Field:
    """A committor: `at_source` in the source, its opposite in the target."""
    field = weak.field(values)

    def read(x: ArrayLike) -> np.ndarray:
        inside = np.clip(field(x), 0, 1)
        inside = np.where(system.source.contains(x), at_source, inside)
        return np.where(system.target.contains(x), 1 - at_source, inside)

    return read


def _time(weak: _Weak, values: np.ndarray, sets: tuple[Region, ...]) -> Field:
    """A waiting time that is 0 in some sets."""
    field = weak.field(values)

    def read(x: ArrayLike) -> np.ndarray:
        over = np.any([one.contains(x) for one in sets], axis=0)
        return np.where(over, 0.0, np.maximum(field(x), 0))

    return read
