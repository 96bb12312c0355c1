"""Transition path theory of the jump process of a grid."""

import numpy as np

from cellstate.kinetics._grid._cut import Cut
from cellstate.kinetics._grid._linear import Solver
from cellstate.kinetics._grid._problem import Problem
from cellstate.kinetics._grid._process import killed
from cellstate.kinetics._grid._result import GridKinetics

AGREE = 1e-4  # relative difference of fluxes beyond which rates are refused
NO_LAW = "with births or deaths one cell has no stationary law"


def transitions(problem: Problem, division: str) -> GridKinetics:
    """Everything that the two sets and the stationary law define."""
    pi = problem.pi
    forward, backward, residual_q = _committors(problem, pi)
    time, residual_t = _passage_times(problem)
    behind = np.nan_to_num(backward)
    flux = _fluxes(problem, pi, forward, behind)
    into, out, summed = (float(f) for f in _totals(problem, flux, forward))
    last = float((pi * behind).sum())
    shape = problem.mesh.shape
    return GridKinetics(
        forward=forward.reshape(shape),
        backward=backward.reshape(shape),
        density=(pi / problem.mesh.volume).reshape(shape),
        passage_time=time.reshape(shape),
        current=_current(problem, flux).reshape(*shape, -1),
        nu=into,
        nu_from_source=out,
        nu_difference=_difference(into, out, summed),
        k_ab=into / last,
        k_ba=into / (1 - last),
        last_source=last,
        mfpt_ab=last / into,
        transition_path_time=float((pi * behind * forward).sum()) / into,
        residual=max(problem.residual, residual_q, residual_t),
        division=division,
        reason="",
        **_place(problem),
    )


def only_forward(
    problem: Problem, forward: np.ndarray, residual: float, division: str
) -> GridKinetics:
    """The committor of cells that divide or die; the rest is undefined."""
    shape = problem.mesh.shape
    none = np.full(shape, np.nan)
    rates = ("nu", "nu_from_source", "nu_difference", "k_ab", "k_ba", "last_source")
    return GridKinetics(
        forward=forward.reshape(shape),
        backward=none,
        density=none,
        passage_time=none,
        current=np.full((*shape, len(shape)), np.nan),
        mfpt_ab=np.nan,
        transition_path_time=np.nan,
        residual=residual,
        division=division,
        reason=NO_LAW,
        **dict.fromkeys(rates, np.nan),
        **_place(problem),
    )


def _place(problem: Problem) -> dict[str, np.ndarray]:
    shape = problem.mesh.shape
    return {
        "box": problem.mesh.box,
        "source_distance": problem.source.distance.reshape(shape),
        "target_distance": problem.target.distance.reshape(shape),
        "source_edge": problem.source.edge,
        "target_edge": problem.target.edge,
    }


def _committors(
    problem: Problem, pi: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """q+ and q- of all cells, and the residual.

    The generator of the reversed motion is diag(1/pi) L' diag(pi), so that one
    factorisation serves both.
    """
    a, b = problem.source, problem.target
    free = killed(problem.links, problem.mesh.size, problem.cuts)
    solver = Solver(-free.generator, "the committors")
    cells = free.cells
    forward = problem.spread(cells, solver.solve(b.total(b.rate)[cells]))
    arrivals = a.total(_arrivals(problem, a, pi))[cells]
    mass = solver.solve(arrivals, transposed=True)
    backward = np.where(a.inside, 1.0, 0.0)
    safe = pi[cells] > np.finfo(float).tiny / np.finfo(float).eps
    backward[cells] = np.where(safe, mass / np.where(safe, pi[cells], 1.0), np.nan)
    return forward, backward, solver.residual


def _passage_times(problem: Problem) -> tuple[np.ndarray, float]:
    """Mean hours to the target of all cells, and the residual."""
    free = killed(problem.links, problem.mesh.size, (problem.target,))
    solver = Solver(-free.generator, "the passage times")
    time = np.zeros(problem.mesh.size)
    time[free.cells] = solver.solve(np.ones(free.cells.size))
    return time, solver.residual


def _arrivals(problem: Problem, cut: Cut, pi: np.ndarray) -> np.ndarray:
    """Stationary jumps per hour from the edge to the cell of each cut link."""
    links, at = problem.links, cut.link
    net = pi[links.i[at]] * links.out[at] - pi[links.j[at]] * links.back[at]
    outward = np.where(links.i[at] == cut.cell, net, -net)
    return np.maximum(pi[cut.cell] * cut.rate - outward, 0)


def _fluxes(
    problem: Problem, pi: np.ndarray, forward: np.ndarray, backward: np.ndarray
) -> np.ndarray:
    """Net reactive flux along each link from i to j, probability per hour."""
    links = problem.links
    i, j = links.i, links.j
    flux = pi[i] * backward[i] * links.out * forward[j]
    flux -= pi[j] * backward[j] * links.back * forward[i]
    flux[(problem.source.inside | problem.target.inside)[i]] = 0
    flux[(problem.source.inside | problem.target.inside)[j]] = 0
    a, b = problem.source, problem.target
    from_source = _arrivals(problem, a, pi) * forward[a.cell]
    to_target = pi[b.cell] * backward[b.cell] * b.rate
    flux[a.link] = np.where(i[a.link] == a.cell, -from_source, from_source)
    flux[b.link] = np.where(i[b.link] == b.cell, to_target, -to_target)
    return flux


def _totals(
    problem: Problem, flux: np.ndarray, forward: np.ndarray
) -> tuple[float, float, float]:
    """Flux into the target, out of the source, and summed against the rise of q+."""
    links, a, b = problem.links, problem.source, problem.target
    rise = forward[links.j] - forward[links.i]
    return (
        np.abs(flux[b.link]).sum(),
        np.abs(flux[a.link]).sum(),
        (flux * rise).sum(),
    )


def _difference(into: float, out: float, summed: float) -> float:
    """Largest relative difference of the three, or say that they are lost."""
    differ = max(abs(out - into), abs(summed - into)) / into if into > 0 else np.inf
    if not differ < AGREE:
        raise FloatingPointError(
            f"the flux is {into:.3g} into the target, {out:.3g} out of the source and "
            f"{summed:.3g} as a sum: the rate is lost in rounding. Take larger sets "
            "or a smaller box."
        )
    return float(differ)


def _current(problem: Problem, flux: np.ndarray) -> np.ndarray:
    """Reactive current of all cells, (size, d): half of each link's flux."""
    mesh, links = problem.mesh, problem.links
    way = mesh.nodes[links.j] - mesh.nodes[links.i]
    carried = (flux / (2 * mesh.volume))[:, None] * way
    ends = np.concatenate([links.i, links.j])
    current = np.stack(
        [np.bincount(ends, np.tile(c, 2), mesh.size) for c in carried.T], axis=-1
    )
    current[problem.source.inside | problem.target.inside] = 0
    return current
