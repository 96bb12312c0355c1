"""Committors within a time, on a grid."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.integrate import solve_ivp

from cellstate._base.checks import choice, fraction, matrix
from cellstate._base.results import Result
from cellstate.kinetics._grid._division import KINDS, Rate, rate_at
from cellstate.kinetics._grid._fields import reader
from cellstate.kinetics._grid._flow import Core, Flow
from cellstate.kinetics._grid._mesh import Mesh, mesh_of
from cellstate.kinetics._grid._problem import Problem, posed
from cellstate.kinetics._grid._process import killed

USUAL = {1: 1000, 2: 100, 3: 20}  # cells per axis


def _none() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True, eq=False, kw_only=True)
class GridHorizons(Result):
    """Chance to reach B before A and within a time, on a grid.

    Attributes
    ----------
    box
        Ends per axis, (d, 2).
    times
        Horizons T, hours, (k,).
    forward
        q(x, T), (k, *shape); with ``division="mass"`` an expected number.
    tolerance
        Relative error allowed to a time step.
    division
        What is followed at a division; "" when cells do not divide.
    source_distance, target_distance
        Signed distance to the edges; the first is empty without a source.
    source_edge, target_edge
        Where links of the grid cross the edges, (m, d).
    """

    kind: ClassVar[str] = "grid_horizons"
    box: np.ndarray
    times: np.ndarray
    forward: np.ndarray
    tolerance: float
    division: str
    target_distance: np.ndarray
    target_edge: np.ndarray
    source_distance: np.ndarray = field(default_factory=_none)
    source_edge: np.ndarray = field(default_factory=_none)

    def committor(self, x: ArrayLike) -> np.ndarray:
        """q(x, T) of states (n, d), shape (k, n); NaN outside the box."""
        x = matrix(x, "x")
        if x.shape[1] != len(self.box):
            raise ValueError(
                f"`x` must have {len(self.box)} coordinates, those of the grid; found "
                f"{x.shape[1]}."
            )
        mesh = Mesh(np.asarray(self.box), self.forward.shape[1:])
        sets = {"target": (self.target_distance, self.target_edge, 1.0)}
        if self.source_distance.size:
            sets["source"] = (self.source_distance, self.source_edge, 0.0)
        top = np.inf if self.division == "mass" else 1.0
        found = [reader(mesh, q, sets)(x) for q in self.forward]
        return np.clip(np.stack(found), 0, top)


def solve_within(
    flow: Flow,
    source: Core | None,
    target: Core,
    box: ArrayLike,
    times: ArrayLike,
    *,
    n: int | tuple[int, ...] | None = None,
    division: str | None = None,
    birth_rate: Rate = None,
    death_rate: Rate = None,
    tolerance: float = 1e-6,
) -> GridHorizons:
    """Chance to reach B before A and within T, for several horizons T at once.

    dq/dT = L q outside the sets, q = 0 on A, 1 on B, and 0 elsewhere at T = 0; with
    divisions the terms of `solve_on_grid`.

    Parameters
    ----------
    flow, source, target, box, division, birth_rate, death_rate
        As for `solve_on_grid`. Without a source: B within T, whatever else is met.
    times
        Horizons above 0, hours, (k,).
    n
        Cells per axis; 1000, 100 or 20 when None.
    tolerance
        Relative error of a time step (absolute: a hundredth of it).

    Raises
    ------
    ValueError
        A time is not above 0; as `solve_on_grid`.
    FloatingPointError
        The steps in time failed.

    Notes
    -----
    In time by Radau IIA of order 5 with an embedded error estimate. Within a time the
    expected number of descendants is always finite.

    Examples
    --------
    >>> from types import SimpleNamespace as Law
    >>> walk = Law(
    ...     drift=lambda x, t=0.0: np.zeros_like(x),
    ...     diffusion=lambda x, t=0.0: np.full((len(x), 1, 1), 0.5),
    ... )
    >>> right = Law(distance=lambda x: 1 - x[:, 0])
    >>> found = solve_within(walk, None, right, [(-9.0, 1.5)], [1.0])
    >>> found.committor([[0.0]]).round(4)  # 2 Phi(-1)
    array([[0.3173]])
    """
    division = choice(division, "division", KINDS)
    times = np.atleast_1d(np.asarray(times, dtype=float))
    if times.ndim != 1 or not (np.isfinite(times) & (times > 0)).all():
        raise ValueError(f"`times` must be hours above 0, shape (k,); found {times}.")
    mesh = mesh_of(box, n or USUAL.get(len(box)))
    problem = posed(flow, source, target, mesh)
    rates, tolerance = (birth_rate, death_rate), fraction(tolerance, "tolerance")
    found = _integrated(problem, times, division, rates, tolerance)
    shape = mesh.shape
    sets = {
        f"{name}_{part}": value
        for name, cut in (("source", problem.source), ("target", problem.target))
        if cut is not None
        for part, value in (
            ("distance", cut.distance.reshape(shape)),
            ("edge", cut.edge),
        )
    }
    return GridHorizons(
        box=mesh.box,
        times=times,
        forward=found.reshape(len(times), *shape),
        tolerance=tolerance,
        division=division or "",
        **sets,
    )


def _integrated(
    problem: Problem,
    times: np.ndarray,
    division: str | None,
    rates: tuple[Rate, Rate],
    tolerance: float,
) -> np.ndarray:
    """Values of all cells at the times, (k, size)."""
    free = killed(problem.links, problem.mesh.size, problem.cuts)
    places = problem.mesh.nodes[free.cells]
    birth = rate_at(rates[0], places, "birth_rate")
    death = rate_at(rates[1], places, "death_rate")
    change, slope = _equation(free.generator, division, birth, death)
    gain = problem.target.total(problem.target.rate)[free.cells]
    solved = solve_ivp(
        lambda _, q: change(q) + gain,
        (0.0, times.max()),
        np.zeros(free.cells.size),
        method="Radau",
        t_eval=np.unique(times),
        jac=lambda _, q: slope(q),
        rtol=tolerance,
        atol=tolerance / 100,
    )
    if not solved.success:
        raise FloatingPointError(f"the steps in time failed: {solved.message}")
    which = np.searchsorted(np.unique(times), times)
    return np.stack([problem.spread(free.cells, solved.y[:, k]) for k in which])


def _equation(
    generator: sparse.csc_array,
    division: str | None,
    birth: np.ndarray,
    death: np.ndarray,
) -> tuple[Callable, Callable]:
    """Rate of change of q, and its derivative by q."""
    gain = {"mass": birth - death, "any": birth - death}.get(division, -death)
    linear = sparse.csc_matrix(generator + sparse.diags_array(gain))
    if division != "any":
        return lambda q: linear @ q, lambda q: linear
    return (
        lambda q: linear @ q - birth * q**2,
        lambda q: sparse.csc_matrix(linear - sparse.diags_array(2 * birth * q)),
    )
