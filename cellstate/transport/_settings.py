"""How to couple, checked at the door."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellstate._base.checks import choice, integer, positive
from cellstate.transport._solve import BLURRED, REGULARIZED, RELAXED, SOLVERS

Cost = Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]
SQUARED = "sqeuclidean"
# Setting -> what it is unless given, and the methods that have it.
OPTIONAL = {
    "regularization": (0.02, REGULARIZED),
    "relaxation": (3.0, RELAXED),
    "drop_below": (1e-4, BLURRED),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Settings:
    """How to couple; every value in units of the median positive cost.

    Attributes
    ----------
    method
        Key of `SOLVERS`.
    cost
        None for squared Euclidean distances, or a function of (source states, target
        states, start time, stop time).
    regularization, relaxation, drop_below, tolerance, max_iterations
        As in `Problem`.
    lineage_penalty
        Added cost of an unrelated pair.
    max_cells
        Per side of a block.
    """

    method: str
    cost: Cost | None
    regularization: float
    relaxation: tuple[float, float]
    drop_below: float
    tolerance: float
    max_iterations: int
    lineage_penalty: float
    max_cells: int


def checked_settings(*, method: str, cost: str | Cost, **given: Any) -> Settings:
    """Check every setting; refuse what the method does not have."""
    choice(method, "method", tuple(SOLVERS))
    if not callable(cost):
        choice(cost, "cost", (SQUARED,))
    positive(given["tolerance"], "tolerance", "1", "couple(..., tolerance=1e-5)")
    integer(given["max_iterations"], "max_iterations", 1)
    integer(given["max_cells"], "max_cells", 2)
    positive(
        given["lineage_penalty"], "lineage_penalty", "median cost", "lineage_penalty=10"
    )
    for name, (default, having) in OPTIONAL.items():
        if given[name] is None:
            given[name] = default if method in having else np.nan
        elif method not in having:
            raise ValueError(
                f"`{name}` is for method in {list(having)}; found method={method!r}. "
                "Leave it out, or choose another method."
            )
    relaxation = _relaxation(method, given.pop("relaxation"))
    for name in ("regularization", "drop_below"):
        if method in OPTIONAL[name][1]:
            positive(given[name], name, "median cost", f"couple(..., {name}=0.01)")
    return Settings(
        method=method,
        cost=cost if callable(cost) else None,
        relaxation=relaxation,
        **given,
    )


def _relaxation(method: str, given: float | tuple[float, float]) -> tuple[float, float]:
    """Relaxation of the source and of the target; infinite where exact."""
    if method not in RELAXED:
        return np.inf, np.inf
    pair = isinstance(given, Sequence | np.ndarray)
    if pair and (method != "unbalanced" or len(given) != 2):
        raise ValueError(
            "`relaxation` is one number, or (source, target) for method='unbalanced'; "
            f"found {given!r} with method={method!r}."
        )
    call = "couple(..., relaxation=3.0)"
    source, target = (
        positive(value, "relaxation", "median cost", call)
        for value in (given if pair else (given, given))
    )
    return source, target if method == "unbalanced" else np.inf
