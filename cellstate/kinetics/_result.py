"""The committor of cells, however it was found."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.stats import t

from cellstate._base.checks import fraction
from cellstate._base.results import Result
from cellstate.kinetics._committor import CommittorModel

# Why a cell has no committor; `Committor.reason` holds the place in this list.
REASONS = (
    "",
    "the state is undefined",
    "joined neither to the source nor to the target",
    "outside the grid",
    "no transition was seen near this state",
)
UNKNOWN = float("nan")


def _none() -> np.ndarray:
    return np.zeros(0, dtype=np.int8)


def _no_time() -> np.ndarray:
    return np.zeros(0)


def _no_refit() -> np.ndarray:
    return np.zeros((0, 0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Committor(Result):
    """Chance to reach B before A (forward), to have come from A (backward).

    Attributes
    ----------
    forward
        Shape (n,). 0 in A; 1 in B when the state shows that it is B. NaN where it is
        not known. From tracks, each cell is judged by models fitted to other lineages
        when there are folds, averaged over several splits.
    backward
        Shape (n,); NaN throughout with a horizon or without a source, and outside
        both sets when no track was seen to come from one of them.
    decision_time
        Mean hours until A or B is met, one daughter followed at random, shape (n,);
        empty where it was not asked for (with a horizon, from a graph).
    reason
        Why `forward` is NaN: place in `cellstate.kinetics.REASONS`, shape (n,); empty
        when no cell lacks it.
    replicates
        Forward committor refitted to lineages drawn with replacement, each time
        with another split into folds, (n, R); R is 0 where there are no tracks.
    residual
        Largest relative residual of the linear solves.
    source, target
        Names of A and B; an empty source means that only the horizon ends a path.
    method
        "tracks", "graph", "grid" or "sde".
    division
        What is followed at a division: "random" (one daughter at random), "mass"
        (the expected number of descendants in B, which may exceed 1), "any" (some
        descendant), or "" (cells do not divide).
    horizon
        Hours within which B must be reached; NaN for no limit.
    model, model_backward
        The committors as functions of the state, fitted to all lineages; None where
        they were not fitted.
    penalty, brier
        Strength chosen and its Brier score on held-out lineages (NaN if given).
    n_folds
        Lineage folds; 0 when cells were judged by a fit that has seen them.
    n_pairs, n_clipped
        Stopped transitions used; values that had to be cut to [0, 1].
    between_frames
        Visits to A and B between two frames, where no picture shows them, are counted
        with the chance that they took place.
    """

    kind: ClassVar[str] = "committor"
    forward: np.ndarray
    backward: np.ndarray
    reason: np.ndarray = field(default_factory=_none)
    decision_time: np.ndarray = field(default_factory=_no_time)
    replicates: np.ndarray = field(default_factory=_no_refit)
    residual: float
    source: str
    target: str
    method: str
    division: str = "random"
    horizon: float = UNKNOWN
    model: CommittorModel | None = None
    model_backward: CommittorModel | None = None
    penalty: float = UNKNOWN
    brier: float = UNKNOWN
    n_folds: int = 0
    n_pairs: int = 0
    n_clipped: int = 0
    between_frames: bool = False


def committor_interval(
    fitted: Committor, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the forward committor of each cell, from its refits.

    The standard deviation over lineages drawn with replacement, times Student's t;
    what the smoothness of the fit leaves out is not in it.

    Parameters
    ----------
    fitted
        With R > 1 refits.
    level
        Coverage.

    Returns
    -------
    tuple
        Lower and upper ends, each (n,), within [0, 1] unless descendants are counted.

    Raises
    ------
    ValueError
        There are no refits.
    """
    n_refits = np.shape(fitted.replicates)[1]
    if n_refits < 2:
        raise ValueError(
            f"an interval needs at least 2 refits; found {n_refits}. Fit the committor "
            "to tracks with n_bootstrap=30."
        )
    spread = np.std(fitted.replicates, axis=1, ddof=1, dtype=float)
    width = t.ppf((1 + fraction(level, "level")) / 2, n_refits - 1) * spread
    q = np.asarray(fitted.forward)
    ceiling = np.inf if fitted.division == "mass" else 1.0
    return np.clip(q - width, 0, ceiling), np.clip(q + width, 0, ceiling)
