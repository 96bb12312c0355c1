"""Cells sorted into snapshots, with their weights; bad input stops here."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import matrix
from cellstate._base.errors import listing


@dataclass(frozen=True, eq=False)
class Snapshots:
    """Usable cells by time.

    Attributes
    ----------
    x
        States, shape (n, d).
    times
        Distinct times (h), shape (T,).
    time_index
        Snapshot of each row, -1 where left out, shape (n,).
    weight
        Sums to 1 over each snapshot, 0 where left out, shape (n,).
    rows
        Rows of each snapshot.
    """

    x: np.ndarray
    times: np.ndarray
    time_index: np.ndarray
    weight: np.ndarray
    rows: tuple[np.ndarray, ...]

    @property
    def n_left_out(self) -> int:
        """Rows without a state, a time or a weight."""
        return int((self.time_index < 0).sum())


def snapshots(x: ArrayLike, time: ArrayLike, weights: ArrayLike | None) -> Snapshots:
    """Sort rows into snapshots; rows with NaN or without weight are left out.

    Raises
    ------
    ValueError
        Shapes that differ, weights below 0, fewer than two times, a time with fewer
        than two cells, or cells that all lie at one point.
    """
    x = matrix(x, "x")
    time = per_cell(time, len(x), "time", "h")
    given = np.ones(len(x)) if weights is None else per_cell(weights, len(x), "weights")
    if (given < 0).any():
        raise ValueError(
            f"`weights` must be >= 0; found {int((given < 0).sum())} below, lowest "
            f"{given.min():g}."
        )
    usable = np.isfinite(x).all(axis=1) & np.isfinite(time) & (given > 0)
    times, index = np.unique(time[usable], return_inverse=True)
    if len(times) < 2:
        raise ValueError(
            f"couplings need cells at two times or more; found {len(times)} among "
            f"{int(usable.sum())} usable of {len(x)} rows ({listing(times)} h). Give "
            "the time of each snapshot in hours."
        )
    time_index = np.full(len(x), -1)
    time_index[usable] = index
    rows = tuple(np.flatnonzero(time_index == k) for k in range(len(times)))
    _reject_degenerate(x, times, rows)
    weight = np.zeros(len(x))
    for snapshot in rows:
        weight[snapshot] = given[snapshot] / given[snapshot].sum()
    return Snapshots(x, times, time_index, weight, rows)


def _reject_degenerate(
    x: np.ndarray, times: np.ndarray, rows: tuple[np.ndarray, ...]
) -> None:
    tiny = [
        f"{t:g} h: {len(r)}" for t, r in zip(times, rows, strict=True) if len(r) < 2
    ]
    if tiny:
        raise ValueError(
            "every time needs at least 2 usable cells; found fewer at "
            f"{len(tiny)} of {len(times)} times ({listing(tiny)}). Leave those times "
            "out, or bin times into snapshots."
        )
    used = x[np.concatenate(rows)]
    if (used == used[0]).all():
        raise ValueError(
            f"all coordinates are constant over {len(used)} cells, so every coupling "
            "costs 0 and none is better. Choose another basis."
        )


def per_cell(
    values: ArrayLike, n: int, name: str, unit: str | None = None
) -> np.ndarray:
    """Return one number per row, shape (n,)."""
    array = np.asarray(values, dtype=float)
    if array.shape != (n,):
        raise ValueError(
            f"`{name}`{f' ({unit})' if unit else ''} must have one value per row, "
            f"shape ({n},); found shape {array.shape}."
        )
    return array


def mass_ratios(
    masses: Mapping[float, float] | ArrayLike | None, times: np.ndarray
) -> np.ndarray | None:
    """Mass of each snapshot over that of the one before, shape (T - 1,)."""
    if masses is None:
        return None
    if isinstance(masses, Mapping):
        known = {float(t): float(m) for t, m in masses.items()}
        missing = [t for t in times if float(t) not in known]
        if missing:
            raise ValueError(
                f"`masses` must name every time; {listing(missing)} h are missing "
                f"among {listing(known)}."
            )
        masses = [known[float(t)] for t in times]
    mass = np.asarray(masses, dtype=float)
    if mass.shape != times.shape or not (np.isfinite(mass) & (mass > 0)).all():
        raise ValueError(
            f"`masses` must hold a number above 0 for each of the {len(times)} times "
            f"{listing(times)} h; found {listing(mass.ravel())}."
        )
    return mass[1:] / mass[:-1]
