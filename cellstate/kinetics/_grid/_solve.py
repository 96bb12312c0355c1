"""Transition paths of a flow on a grid."""

from numpy.typing import ArrayLike

from cellstate._base.checks import choice
from cellstate.kinetics._grid._division import KINDS, Rate, divided
from cellstate.kinetics._grid._flow import Core, Flow
from cellstate.kinetics._grid._mesh import mesh_of
from cellstate.kinetics._grid._problem import posed
from cellstate.kinetics._grid._result import GridKinetics
from cellstate.kinetics._grid._transitions import only_forward, transitions


def solve_on_grid(
    flow: Flow,
    source: Core,
    target: Core,
    box: ArrayLike,
    *,
    n: int | tuple[int, ...] | None = None,
    division: str | None = None,
    birth_rate: Rate = None,
    death_rate: Rate = None,
) -> GridKinetics:
    r"""Committors, rates, currents and passage times of a flow in 1 to 3 dimensions.

    q+ solves L q = 0 outside A and B, L = b . grad + D : grad grad, q = 0 on A and 1
    on B; q- the same for the time-reversed motion, with the stationary law solved
    apart: q- = 1 - q+ is never assumed.

    Parameters
    ----------
    flow
        Drift and diffusion at t = 0; Ito, D may depend on the state and need not be
        diagonal.
    source, target
        A and B, sets with a signed distance.
    box
        Ends per axis, ((low, high), ...); the motion is reflected there.
    n
        Cells per axis: one number or one per axis; 2000, 260 or 36 when None.
    division
        What is followed at a division: "random" (one daughter at random: with deaths
        L q - d q = 0), "mass" (expected number of descendants that reach B before A:
        L q + (b - d) q = 0), "any" (some descendant does: L h + b h (1 - h) - d h =
        0); None when cells neither divide nor die.
    birth_rate, death_rate
        Divisions b and deaths d, 1/h: numbers or functions of states (n, d); 0 when
        None. Along one lineage ("random") the birth rate changes nothing.

    Returns
    -------
    GridKinetics

    Raises
    ------
    ValueError
        A set is missed by the grid, sets touch, or the flow is undefined in the box.
    FloatingPointError
        A solve left a residual, rates are lost in rounding, or (with "mass") births
        are so fast that the expected number is infinite.

    Notes
    -----
    An exponentially fitted jump process on the cells: D is carried exactly by links
    with positive weights (Selling's formula), the rates along a link are those of a
    line in a cubic potential, and links are cut where the edge of a set crosses
    them. Errors are of second order in the size of the cells; `grid_error` measures
    them.

    References
    ----------
    Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969); Fehrenbach and
    Mirebeau, J. Math. Imaging Vis. 49 (2014); Metzner, Schuette and Vanden-Eijnden,
    Multiscale Model. Simul. 7 (2009).

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace as Law
    >>> well = Law(
    ...     drift=lambda x, t=0.0: -4 * x * (x**2 - 1),
    ...     diffusion=lambda x, t=0.0: np.full((len(x), 1, 1), 1 / 3),
    ... )
    >>> left = Law(distance=lambda x: x[:, 0] + 1)
    >>> right = Law(distance=lambda x: 1 - x[:, 0])
    >>> found = solve_on_grid(well, left, right, [(-2.5, 2.5)])
    >>> found.committor([[-0.5]]).round(5), round(found.k_ab, 6)
    (array([0.07061]), 0.037537)
    """
    division = choice(division, "division", KINDS)
    if division is None and (birth_rate is not None or death_rate is not None):
        raise ValueError(
            "births and deaths were given, but not what is followed: expected "
            'division="random", "mass" or "any"; found None.'
        )
    problem = posed(flow, source, target, mesh_of(box, n))
    if division in (None, "random") and death_rate is None:
        return transitions(problem, division or "")
    forward, residual = divided(problem, division, birth_rate, death_rate)
    return only_forward(problem, forward, residual, division)
