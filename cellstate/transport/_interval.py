"""Couple one snapshot to the next, block by block."""

import warnings
from dataclasses import dataclass

import numpy as np

from cellstate.transport._blocks import blocks, n_blocks
from cellstate.transport._lineage import Kinship
from cellstate.transport._settings import Cost, Settings
from cellstate.transport._snapshots import Snapshots
from cellstate.transport._solve import SOLVERS, Problem, Solution


@dataclass(frozen=True, eq=False, kw_only=True)
class Interval:
    """One coupled interval; fields as in `Coupling`."""

    source: np.ndarray
    target: np.ndarray
    mass: np.ndarray
    cost: float
    marginal_error: np.ndarray
    residual: float
    converged: bool
    n_iterations: int
    mass_ratio: float
    dropped: float
    broken: float
    n_blocks: int


@dataclass(frozen=True, eq=False)
class _Block:
    """A solved block: positions in both snapshots, its share of all mass."""

    source: np.ndarray
    target: np.ndarray
    share: float
    solution: Solution
    cost: float
    broken: float


def couple_interval(
    cells: Snapshots,
    k: int,
    growth: np.ndarray | None,
    mass_ratio: float | None,
    settings: Settings,
    kinship: Kinship | None,
    rng: np.random.Generator,
) -> Interval:
    """Couple snapshot k to snapshot k + 1.

    Parameters
    ----------
    cells
        All snapshots.
    k
        The earlier one.
    growth
        Prior rate (1/h) of every row, or None.
    mass_ratio
        Later mass over earlier mass; None for what the prior predicts.
    settings, kinship, rng
        How; `rng` cuts blocks.
    """
    first, second = cells.rows[k], cells.rows[k + 1]
    grown, predicted = _grown(cells, k, growth)
    ratio = predicted if mass_ratio is None else float(mass_ratio)
    number = n_blocks(len(first), len(second), settings.max_cells)
    _announce(cells, k, number)
    solved = [
        _block(cells, k, source, target, grown, settings, kinship)
        for source, target in blocks(len(first), len(second), number, rng)
    ]
    interval = _joined(cells, k, grown, ratio, solved, kinship is not None)
    if not interval.converged:
        _warn(cells, k, interval, settings)
    return interval


def _grown(
    cells: Snapshots, k: int, growth: np.ndarray | None
) -> tuple[np.ndarray, float]:
    """Source marginal under the growth prior, sum 1, and the mass it predicts."""
    rows = cells.rows[k]
    if growth is None:
        return cells.weight[rows], 1.0
    exponent = growth[rows] * (cells.times[k + 1] - cells.times[k])
    highest = exponent.max()  # keeps exp in range
    grown = cells.weight[rows] * np.exp(exponent - highest)
    return grown / grown.sum(), float(grown.sum() * np.exp(highest))


def _block(
    cells: Snapshots,
    k: int,
    source: np.ndarray,
    target: np.ndarray,
    grown: np.ndarray,
    settings: Settings,
    kinship: Kinship | None,
) -> _Block:
    rows, columns = cells.rows[k][source], cells.rows[k + 1][target]
    cost, unit = _cost(cells, k, rows, columns, settings.cost)
    unrelated = None
    if kinship is not None:
        unrelated = kinship.unrelated(rows, columns)
        cost += settings.lineage_penalty * unrelated
    a, b = grown[source], cells.weight[columns]
    solution = SOLVERS[settings.method](
        Problem(
            cost=cost,
            source=a / a.sum(),
            target=b / b.sum(),
            regularization=settings.regularization,
            relaxation=settings.relaxation,
            drop_below=settings.drop_below,
            tolerance=settings.tolerance,
            max_iterations=settings.max_iterations,
        )
    )
    at, share = (solution.row, solution.column), float(b.sum())
    paid, broken = cost[at], np.nan
    if unrelated is not None:
        paid = paid - settings.lineage_penalty * unrelated[at]
        broken = share * float(solution.mass[unrelated[at]].sum())
    price = share * unit * float((solution.mass * paid).sum())
    return _Block(source, target, share, solution, price, broken)


def _cost(
    cells: Snapshots, k: int, rows: np.ndarray, columns: np.ndarray, given: Cost | None
) -> tuple[np.ndarray, float]:
    """Costs in units of their median above 0, and that median."""
    x, y = cells.x[rows], cells.x[columns]
    times = cells.times[k], cells.times[k + 1]
    if given is None:
        import ot

        cost = ot.dist(x, y)
    else:
        cost = np.array(given(x, y, *times), dtype=float)
        shape, bad = (len(x), len(y)), ~(np.isfinite(cost) & (cost >= 0))
        if cost.shape != shape or bad.any():
            raise ValueError(
                f"`cost` must return finite costs >= 0 of shape {shape}; found shape "
                f"{cost.shape}, {int(bad.sum())} below 0 or not finite."
            )
    above = cost[cost > 0]
    if not above.size:
        raise ValueError(
            f"all pairs between {times[0]:g} and {times[1]:g} h cost 0: "
            f"{len(x)} and {len(y)} cells lie at one point, so no coupling is better "
            "than another. Choose another basis, or leave a time out."
        )
    unit = float(np.median(above))
    cost /= unit
    return cost, unit


def _joined(
    cells: Snapshots,
    k: int,
    grown: np.ndarray,
    ratio: float,
    solved: list[_Block],
    with_kinship: bool,
) -> Interval:
    """Put blocks together; marginals are judged on the whole."""
    first, second = cells.rows[k], cells.rows[k + 1]
    rows, columns = np.zeros(len(first)), np.zeros(len(second))
    for block in solved:
        rows[block.source] = block.share * block.solution.rows
        columns[block.target] = block.share * block.solution.columns
    mass = np.concatenate([b.share * b.solution.mass for b in solved])
    source = np.concatenate([first[b.source[b.solution.row]] for b in solved])
    target = np.concatenate([second[b.target[b.solution.column]] for b in solved])
    order = np.lexsort((target, source))
    total, kept = rows.sum(), mass.sum()
    asked = cells.weight[second]
    return Interval(
        source=source[order],
        target=target[order],
        mass=ratio * mass[order],
        cost=sum(b.cost for b in solved) / kept,
        marginal_error=np.array([abs(rows - grown).sum(), abs(columns - asked).sum()]),
        residual=max(b.solution.residual for b in solved),
        converged=all(b.solution.converged for b in solved),
        n_iterations=max(b.solution.n_iterations for b in solved),
        mass_ratio=ratio,
        dropped=max(0.0, 1 - kept / total),
        broken=sum(b.broken for b in solved) / kept if with_kinship else np.nan,
        n_blocks=len(solved),
    )


def _announce(cells: Snapshots, k: int, number: int) -> None:
    if number > 1:
        n, m = len(cells.rows[k]), len(cells.rows[k + 1])
        warnings.warn(
            f"{n} x {m} cells between {cells.times[k]:g} and {cells.times[k + 1]:g} h "
            f"are coupled in {number} random blocks: the plan is not the best of the "
            "whole, and its source marginal is exact within blocks only. Raise "
            "max_cells for fewer blocks, at about 56 bytes a pair.",
            stacklevel=5,
        )


def _warn(cells: Snapshots, k: int, interval: Interval, settings: Settings) -> None:
    warnings.warn(
        f"the {settings.method} plan between {cells.times[k]:g} and "
        f"{cells.times[k + 1]:g} h did not converge: residual {interval.residual:.2g} "
        f"after {interval.n_iterations} iterations (tolerance {settings.tolerance:g}), "
        f"marginal error {interval.marginal_error[0]:.2g} (source), "
        f"{interval.marginal_error[1]:.2g} (target). Raise max_iterations "
        f"({settings.max_iterations}), or regularization.",
        stacklevel=5,
    )
