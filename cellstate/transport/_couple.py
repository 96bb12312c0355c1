"""Couplings between all consecutive snapshots."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cellstate._base.errors import listing
from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate.transport._blocks import check_memory, memory
from cellstate.transport._coupling import PER_INTERVAL
from cellstate.transport._interval import Interval, couple_interval
from cellstate.transport._lineage import Kinship
from cellstate.transport._masses import implied_growth
from cellstate.transport._null_rows import null_rows
from cellstate.transport._result import Couplings
from cellstate.transport._settings import SQUARED, Cost, Settings, checked_settings
from cellstate.transport._snapshots import Snapshots, mass_ratios, per_cell, snapshots


def couple(
    x: ArrayLike,
    time: ArrayLike,
    *,
    method: str = "semirelaxed",
    growth: ArrayLike | None = None,
    masses: Mapping[float, float] | ArrayLike | None = None,
    weights: ArrayLike | None = None,
    regularization: float | None = None,
    relaxation: float | tuple[float, float] | None = None,
    cost: str | Cost = SQUARED,
    lineage: ArrayLike | None = None,
    lineage_penalty: float = 10.0,
    drop_below: float | None = None,
    tolerance: float = 1e-5,
    max_iterations: int = 2000,
    max_cells: int = 5000,
    null: pd.DataFrame | None = None,
    rng: int | np.random.Generator | None = None,
) -> Couplings:
    r"""Couple each snapshot to the next by optimal transport.

    Source cells weigh w_i exp(g_i dt), scaled to the mass of the later snapshot,
    where g is the growth prior. Methods differ in how they keep to that:

    - ``"exact"``: linear programme, both marginals exact; at most n + m - 1 pairs.
    - ``"entropic"``: the same, blurred by eps KL(P|ab).
    - ``"unbalanced"``: entropic, and both marginals may depart from their priors at
      the price tau KL: cells may lack a past or a future.
    - ``"semirelaxed"``: the source may depart from its prior at the price tau KL, the
      target is exact: what grew or died shows as growth instead of as motion. The
      masses of the source come from the entropic problem; the pairs are then joined
      exactly, so that no blur enters the displacements.

    Parameters
    ----------
    x
        States, shape (n, d). Rows with NaN are left out and counted.
    time
        Hours, shape (n,); snapshots are cells of equal time.
    method
        One of the above.
    growth
        Expected log offspring rate (1/h) of each cell, shape (n,); see
        `growth_prior_from_counts`. None: equal for all cells.
    masses
        Relative number of cells in all at each time, {time: mass} or in order of
        time, when counts matter. None: what the growth prior predicts.
    weights
        Of the cells within their snapshot, shape (n,).
    regularization
        eps over the median positive cost of the interval, 0.02 unless given.
    relaxation
        tau over the median positive cost, 3 unless given; (source, target) for an
        "unbalanced" plan. Large keeps to the prior, and growth that the prior does
        not know is read as motion; small reads motion as growth (see Notes).
    cost
        "sqeuclidean", or a function of (source states, target states, start time, stop
        time) that returns costs (s, t), those under a reference motion say.
    lineage
        Code per cell (n,), unknown where -1, or a matrix of known ancestors (n, n);
        see Notes.
    lineage_penalty
        Cost added to a pair that is known to be unrelated, over the median cost.
    drop_below
        Blurred methods: entries below this share of both their row and their column
        are dropped (1e-4 unless given); the lost mass is kept in `dropped`.
    tolerance, max_iterations
        Of the scaling: relative L1 error of the marginals.
    max_cells
        A larger snapshot is cut at random into blocks of at most so many cells,
        coupled block by block, with a warning; memory is about 56 bytes a pair.
    null
        Table of `null_rows` from an earlier call on these cells, not to make it again.
    rng
        For blocks and null rows.

    Returns
    -------
    Couplings
        With null rows.

    Warns
    -----
    UserWarning
        A plan did not converge (with its error, and what to raise), or a pair was cut
        into blocks.

    Raises
    ------
    ValueError
        Bad input, as in `cellstate.transport._snapshots`; a setting that the method
        does not have.
    MemoryError
        A block needs more memory than is there.

    Notes
    -----
    With clones that are lost or newly seen a strict ban on unrelated pairs would have
    no solution; a finite penalty always has one, and `broken` says how much mass paid
    it.

    How much to relax is a choice that snapshots cannot make. A Gaussian cloud with
    variance s^2 per axis that moved by m without growth seems to move by
    m tau / (tau + 2 s^2) only, tau as a squared distance; the cells that lead the
    cloud seem to have grown. For m = s and a relaxation of 1, 3 and 10 that is
    0.68, 0.88 and 0.98 of m in two dimensions, 0.42, 0.67 and 0.86 in one, 0.85, 0.95
    and 0.99 in five (600 cells, five seeds, +- 0.03). Two clusters 8 s apart in two
    dimensions, of which one outgrew the other to 0.75 of the mass, come back as 0.73,
    0.65 and 0.56. Counts of divisions and deaths, given as `growth`, settle it: then
    raise the relaxation, or use "exact".

    Growth is read off a coupling relative to the total `mass_ratio`: snapshots
    alone do not fix the total.

    References
    ----------
    Schiebinger et al., Cell 176 (2019). Lange et al., moslin, Genome Biol. 25 (2024).

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [2.0], [3.5]])
    >>> chain = couple(x, [0, 0, 1, 1], method="exact", rng=0)
    >>> chain.pairs(0).target, chain.pairs(0).cost
    (array([2, 3]), 5.125)
    """
    cells = snapshots(x, time, weights)
    settings = checked_settings(
        method=method,
        cost=cost,
        regularization=regularization,
        relaxation=relaxation,
        drop_below=drop_below,
        tolerance=tolerance,
        max_iterations=max_iterations,
        lineage_penalty=lineage_penalty,
        max_cells=max_cells,
    )
    prior = _prior(growth, cells)
    ratios = mass_ratios(masses, cells.times)
    kinship = None if lineage is None else Kinship(lineage, len(cells.x))
    needed = memory([len(rows) for rows in cells.rows], max_cells)
    check_memory(needed, max_cells)
    rng = generator(rng)
    intervals = [
        couple_interval(
            cells,
            k,
            prior,
            None if ratios is None else ratios[k],
            settings,
            kinship,
            rng,
        )
        for k in progress(
            range(len(cells.times) - 1), f"couplings (up to {needed / 1e9:.1g} GB)"
        )
    ]
    table = null_rows(x, time, weights, rng=rng) if null is None else null
    return _chained(cells, settings, intervals, table)


def _prior(growth: ArrayLike | None, cells: Snapshots) -> np.ndarray | None:
    if growth is None:
        return None
    prior = per_cell(growth, len(cells.x), "growth", "1/h")
    missing = (cells.time_index >= 0) & ~np.isfinite(prior)
    # What happens after the last snapshot is nobody's concern.
    missing &= cells.time_index < len(cells.times) - 1
    if missing.any():
        raise ValueError(
            "`growth` (1/h) must be finite for every source cell; found "
            f"{int(missing.sum())} that are not, in rows "
            f"{listing(np.flatnonzero(missing))}. Fill them with the mean rate."
        )
    return prior


def _chained(
    cells: Snapshots, settings: Settings, intervals: list[Interval], null: pd.DataFrame
) -> Couplings:
    def each(name: str) -> np.ndarray:
        return np.array([getattr(part, name) for part in intervals])

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in intervals])

    source, mass = joined("source"), joined("mass")
    return Couplings(
        times=cells.times,
        time_index=cells.time_index,
        weight=cells.weight,
        source=source,
        target=joined("target"),
        mass=mass,
        offsets=np.cumsum([0, *(len(part.mass) for part in intervals)]),
        growth=implied_growth(
            cells.times, cells.time_index, cells.weight, source, mass
        ),
        method=settings.method,
        regularization=settings.regularization,
        relaxation=np.array(settings.relaxation),
        n_left_out=cells.n_left_out,
        null=null,
        **{name: each(name) for name in PER_INTERVAL},
    )
