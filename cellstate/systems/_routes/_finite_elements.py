"""Transition paths in the plane by finite elements: the second route."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import linalg

from cellstate._base.checks import integer
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._paths import Field, TransitionPaths
from cellstate.systems._regions import Region
from cellstate.systems._routes._finite_volumes import check_plane
from cellstate.systems._routes._triangles import triangulate
from cellstate.systems._routes._weak_form import WeakForm, factor, weak_form

SPACINGS = 100  # per axis when not told
MODES = 6  # eigenvalues found near 0, of which the gap has the least real part
LOST = 100 * np.finfo(float).eps  # eigenvalues below this share of a rate are noise
AGREE = 0.1  # relative difference of two expressions for the rate that is tolerated


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
    FloatingPointError
        A rate so low that it is lost in rounding.

    References
    ----------
    E and Vanden-Eijnden, J. Stat. Phys. 123 (2006); Dunavant, Int. J. Numer. Methods
    Eng. 21 (1985) for the quadrature of degree 5.

    Examples
    --------
    >>> from cellstate.systems._laws._landscapes import DoubleWell2D
    >>> round(finite_elements(DoubleWell2D(D=1 / 3), n=40).nu, 6)
    0.018769
    """
    check_plane(system)
    counts = (n, n) if np.ndim(n) == 0 else tuple(n)
    shape = tuple(integer(k, "n", 8) for k in counts)
    mesh = triangulate(system.box, shape, system.source, system.target)
    return _solve(system, weak_form(system, mesh), shape)


class _Solves:
    """Solutions of the form with given values on some nodes; keeps the residual."""

    def __init__(self, form: sparse.csc_array, fixed: np.ndarray) -> None:
        self.free = ~fixed
        self.rows = form[self.free].tocsc()
        self.columns = form[:, self.free].tocsc()
        self.inner = self.rows[:, self.free].tocsc()
        self.lu = factor(self.inner)
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


def _solve(
    system: Diffusion, weak: WeakForm, shape: tuple[int, int]
) -> TransitionPaths:
    mesh = weak.mesh
    either = _Solves(weak.form, mesh.source | mesh.target)
    outside = _Solves(weak.form, mesh.target)
    zero = np.zeros(len(mesh.x))
    q = either.forward(mesh.target * 1.0)
    came = either.transposed(np.where(mesh.source, weak.w, 0.0))
    back = came / np.where(weak.w == 0, 1, weak.w)
    leave = either.forward(zero, weak.load)
    reach = outside.forward(zero, weak.load)
    nu = _passages(system, weak, q)
    last_a = float(came @ weak.load)
    share = weak.rho.sum(axis=1)
    return TransitionPaths(
        route="finite elements",
        nu=nu,
        k_ab=nu / last_a,
        k_ba=nu / float((weak.w - came) @ weak.load),
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


def _passages(system: Diffusion, weak: WeakForm, q: np.ndarray) -> float:
    """Integral of rho D |grad q|^2, if the flux into the target confirms it."""
    slope = np.einsum("tqai,ta->tqi", weak.grads, q[weak.mesh.nodes])
    nu = float(system.D * (weak.rho * (slope**2).sum(axis=-1)).sum())
    flux = float((weak.w * (weak.form @ q))[weak.mesh.target & weak.used].sum())
    if not abs(nu - flux) < AGREE * nu:
        raise FloatingPointError(
            f"the rate is {nu:.3g} as an integral and {flux:.3g} as a flux into the "
            "target: it is lost in rounding or the triangles are too coarse. Raise n, "
            "or use finite_volumes, which resolves rates of any size."
        )
    return nu


def _gap(weak: WeakForm, nu: float) -> float:
    """Slowest relaxation rate, form against mass; NaN if lost in rounding."""
    inverse = factor(weak.form + nu * weak.mass)
    operator = linalg.LinearOperator(
        weak.form.shape, lambda x: inverse.solve(weak.mass @ x), dtype=float
    )
    start = np.random.default_rng(0).standard_normal(len(weak.w))
    found = linalg.eigs(operator, k=MODES, v0=start, return_eigenvectors=False)
    gap = float(np.sort(np.abs((1 / found).real - nu))[1])
    fastest = np.abs(weak.form.diagonal()[weak.used] / weak.mass.diagonal()[weak.used])
    return gap if gap > LOST * fastest.max() else float("nan")


def _probability(
    system: Diffusion, weak: WeakForm, values: np.ndarray, at_source: float
) -> Field:
    """A committor: `at_source` in the source, its opposite in the target."""
    field = weak.field(values)

    def read(x: ArrayLike) -> np.ndarray:
        inside = np.clip(field(x), 0, 1)
        inside = np.where(system.source.contains(x), at_source, inside)
        return np.where(system.target.contains(x), 1 - at_source, inside)

    return read


def _time(weak: WeakForm, values: np.ndarray, sets: tuple[Region, ...]) -> Field:
    """A waiting time that is 0 in some sets."""
    field = weak.field(values)

    def read(x: ArrayLike) -> np.ndarray:
        over = np.any([one.contains(x) for one in sets], axis=0)
        return np.where(over, 0.0, np.maximum(field(x), 0))

    return read
