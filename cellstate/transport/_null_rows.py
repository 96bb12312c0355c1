"""What a held-out snapshot is worth without any model."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.sparse import csr_matrix

from cellstate._base.checks import integer
from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate.transport._snapshots import Snapshots, snapshots
from cellstate.transport._wasserstein import SIMPLEX_STEPS, wasserstein

REACH = 3  # kept snapshots on either side that the spline runs through
COLUMNS = ("previous", "next", "midpoint", "spline", "split_half")


def null_rows(
    x: ArrayLike,
    time: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    max_cells: int = 1000,
    rng: int | np.random.Generator | None = None,
) -> pd.DataFrame:
    """Distance of each inner snapshot, held out, from what needs no model.

    Exact W1, Euclidean. A model of the motion is worth its fit only below all of:

    - ``previous``, ``next``: the neighbouring snapshots as they are;
    - ``midpoint``: both joined by the exact plan (squared distances), each pair at
      its share of the time between, weighted by the plan;
    - ``spline``: cubic splines along exact plans chained over up to 3 kept snapshots
      on either side;
    - ``split_half``: two halves of the held snapshot itself, a floor. (It is
      pessimistic: halves are smaller samples, and smaller samples lie farther apart.)

    Parameters
    ----------
    x
        States, shape (n, d). Rows with NaN are left out.
    time
        Hours, shape (n,).
    weights
        Of the cells, shape (n,); None for equal ones.
    max_cells
        A larger snapshot is thinned to so many cells, drawn without replacement.
    rng
        For thinning, halves and chains.

    Returns
    -------
    pandas.DataFrame
        One row per inner time: `time`, `previous_time`, `next_time` (h), `n_cells`
        used of the held snapshot, and the distances. With two times only: one row for
        the second, where only ``previous`` and ``split_half`` are known.

    Examples
    --------
    >>> x = np.r_[np.zeros(50), np.ones(50), 2 * np.ones(50)][:, None]
    >>> null_rows(x, np.repeat([0.0, 1.0, 2.0], 50), rng=0)["midpoint"].round(6).item()
    0.0
    """
    cells = snapshots(x, time, weights)
    integer(max_cells, "max_cells", 4)
    rng = generator(rng)
    clouds = _Clouds(cells, max_cells, rng)
    last = len(cells.times) - 1
    if last == 1:
        return pd.DataFrame([_row(clouds, 1, rng)])
    held = progress(range(1, last), "null rows", total=last - 1)
    return pd.DataFrame([_row(clouds, k, rng) for k in held])


class _Clouds:
    """Thinned snapshots with weights, and exact plans between them, made once."""

    def __init__(self, cells: Snapshots, most: int, rng: np.random.Generator) -> None:
        self.times = cells.times
        self.x, self.weight = [], []
        for rows in cells.rows:
            kept = rows
            if len(rows) > most:
                kept = np.sort(rng.choice(rows, most, replace=False))
            self.x.append(cells.x[kept])
            self.weight.append(cells.weight[kept] / cells.weight[kept].sum())
        self._plans: dict[tuple[int, int], csr_matrix] = {}

    def plan(self, first: int, second: int) -> csr_matrix:
        import ot

        if (first, second) not in self._plans:
            cost = ot.dist(self.x[first], self.x[second])
            plan, log = ot.emd(
                self.weight[first],
                self.weight[second],
                cost,
                numItermax=SIMPLEX_STEPS,
                log=True,
            )
            if log["warning"] is not None:
                raise RuntimeError(
                    f"network simplex stopped before the optimum on {cost.shape} "
                    f"cells: {log['warning']}. Lower max_cells."
                )
            self._plans[first, second] = csr_matrix(plan)
        return self._plans[first, second]


def _row(clouds: _Clouds, k: int, rng: np.random.Generator) -> dict[str, float]:
    times, x, weight = clouds.times, clouds.x, clouds.weight
    inner = k + 1 < len(times)
    row = {
        "time": times[k],
        "previous_time": times[k - 1],
        "next_time": times[k + 1] if inner else np.nan,
        "n_cells": len(x[k]),
        **dict.fromkeys(COLUMNS, np.nan),
        "previous": wasserstein(x[k - 1], x[k], weight[k - 1], weight[k]),
        "split_half": _split_half(x[k], weight[k], rng),
    }
    if inner:
        row["next"] = wasserstein(x[k + 1], x[k], weight[k + 1], weight[k])
        for name, atoms in (("midpoint", _midpoint), ("spline", _spline)):
            states, mass = atoms(clouds, k, rng)
            row[name] = wasserstein(states, x[k], mass, weight[k])
    return row


def _split_half(x: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> float:
    first, second = np.array_split(rng.permutation(len(x)), 2)
    return wasserstein(x[first], x[second], weight[first], weight[second])


def _midpoint(
    clouds: _Clouds, k: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    pairs = clouds.plan(k - 1, k + 1).tocoo()
    share = (clouds.times[k] - clouds.times[k - 1]) / (
        clouds.times[k + 1] - clouds.times[k - 1]
    )
    before, after = clouds.x[k - 1][pairs.row], clouds.x[k + 1][pairs.col]
    return (1 - share) * before + share * after, pairs.data


def _spline(
    clouds: _Clouds, k: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Paths through the pairs around the held time, drawn on by the plans."""
    pairs = clouds.plan(k - 1, k + 1).tocoo()
    nodes = {k - 1: pairs.row, k + 1: pairs.col}
    for j in range(k - 1, max(k - REACH, 0), -1):
        nodes[j - 1] = _drawn(clouds.plan(j - 1, j).T.tocsr(), nodes[j], rng)
    for j in range(k + 1, min(k + REACH, len(clouds.times) - 1)):
        nodes[j + 1] = _drawn(clouds.plan(j, j + 1), nodes[j], rng)
    at = sorted(nodes)
    paths = np.stack([clouds.x[j][nodes[j]] for j in at])
    return CubicSpline(clouds.times[at], paths)(clouds.times[k]), pairs.data


def _drawn(plan: csr_matrix, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One partner for each cell, drawn from its row of the plan."""
    total = np.r_[0.0, np.cumsum(plan.data)]
    low, high = total[plan.indptr[cells]], total[plan.indptr[cells + 1]]
    entry = np.searchsorted(total, low + rng.random(len(cells)) * (high - low), "right")
    last = plan.indptr[cells + 1] - 1
    return plan.indices[np.clip(entry - 1, plan.indptr[cells], last)]
