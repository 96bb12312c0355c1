"""How far a solution on a grid is from the limit of small cells."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result
from cellstate.kinetics._grid._division import Rate
from cellstate.kinetics._grid._flow import Core, Flow
from cellstate.kinetics._grid._mesh import FEWEST
from cellstate.kinetics._grid._result import GridKinetics
from cellstate.kinetics._grid._solve import solve_on_grid

ORDER = 2
RARE = 1e-6  # of the largest density: states that hardly occur are not judged


@dataclass(frozen=True, eq=False, kw_only=True)
class GridError(Result):
    """Discretisation errors of a `GridKinetics`, from cells twice as large.

    Attributes
    ----------
    forward, backward
        Largest absolute error of the committors at states outside the sets, for q-
        where the density is at least a millionth of its largest value.
    nu, k_ab, k_ba, transition_path_time
        Relative errors.
    passage_time
        Largest relative error outside B and two cells away from it.
    cells
        Cells per axis of the coarser grid.
    """

    kind: ClassVar[str] = "grid_error"
    forward: float
    backward: float
    nu: float
    k_ab: float
    k_ba: float
    transition_path_time: float
    passage_time: float
    cells: np.ndarray


def grid_error(
    fine: GridKinetics,
    flow: Flow,
    source: Core,
    target: Core,
    *,
    birth_rate: Rate = None,
    death_rate: Rate = None,
) -> GridError:
    """Estimate the error of a solution from a second one with cells twice as large.

    Parameters
    ----------
    fine
        What `solve_on_grid` returned for the other arguments.

    Returns
    -------
    GridError
        A third of the differences: Richardson's estimate for a method of order 2. It
        is an estimate, not a bound: edges cut the grid at changing places.

    Raises
    ------
    ValueError
        The grid has fewer than 16 cells along an axis.

    Examples
    --------
    >>> from types import SimpleNamespace as Law
    >>> well = Law(
    ...     drift=lambda x, t=0.0: -4 * x * (x**2 - 1),
    ...     diffusion=lambda x, t=0.0: np.full((len(x), 1, 1), 1 / 3),
    ... )
    >>> sets = Law(distance=lambda x: x[:, 0] + 1), Law(distance=lambda x: 1 - x[:, 0])
    >>> found = solve_on_grid(well, *sets, [(-2.5, 2.5)], n=200)
    >>> grid_error(found, well, *sets).nu < 1e-6
    True
    """
    shape = fine.forward.shape
    if min(shape) < 2 * FEWEST:
        raise ValueError(
            f"the grid has {shape} cells; half as many must be at least {FEWEST} per "
            "axis. Solve with a larger n."
        )
    coarse = solve_on_grid(
        flow,
        source,
        target,
        fine.box,
        n=tuple(k // 2 for k in shape),
        division=fine.division or None,
        birth_rate=birth_rate,
        death_rate=death_rate,
    )
    numbers = {
        name: abs(getattr(coarse, name) / getattr(fine, name) - 1) / (2**ORDER - 1)
        for name in ("nu", "k_ab", "k_ba", "transition_path_time")
    }
    return GridError(
        **numbers, **_of_fields(fine, coarse), cells=np.array(coarse.forward.shape)
    )


def _of_fields(fine: GridKinetics, coarse: GridKinetics) -> dict[str, float]:
    """Largest errors at the cells of the coarse grid."""
    nodes, step = coarse.mesh.nodes, coarse.mesh.step.max()
    a, b = coarse.source_distance.ravel(), coarse.target_distance.ravel()
    free = (a > 0) & (b > 0)
    density = coarse.density.ravel()
    often = free & (density > RARE * np.nanmax(density, initial=0))
    away = b > 2 * step
    forward = fine.committor(nodes) - coarse.forward.ravel()
    backward = fine.committor_backward(nodes) - coarse.backward.ravel()
    time = fine.passage_time_of(nodes[away]) / coarse.passage_time.ravel()[away] - 1
    return {
        "forward": _largest(forward[free]),
        "backward": _largest(backward[often]),
        "passage_time": _largest(time),
    }


def _largest(differences: np.ndarray) -> float:
    known = np.abs(differences[np.isfinite(differences)])
    return float(known.max()) / (2**ORDER - 1) if known.size else np.nan
