"""Tables of simulated cells, with the truth beside what was observed."""

import numpy as np
from anndata import AnnData
from numpy.typing import ArrayLike

from cellstate._base.checks import positive
from cellstate._base.random import generator
from cellstate.datasets._cells._assemble import (
    attach_truth,
    events_table,
    movie_names,
    track_table,
)
from cellstate.datasets._cells._events import THRESHOLD
from cellstate.datasets._cells._grow import grow
from cellstate.datasets._cells._life import Rate
from cellstate.datasets._cells._observe import observe
from cellstate.datasets._cells._population import STATIONARY
from cellstate.datasets._cells._truth import exact, true_cells
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._integrate import warn_coarse

FRAME_TIME = "the frame interval (in units of the law)"
FINER = (
    "a shorter frame_interval or a longer time_unit: increments over a frame are "
    "biased estimates of the drift"
)


def simulate_tracks(
    system: Diffusion,
    *,
    frame_interval: float,
    n_cells: int = 100,
    n_frames: int = 100,
    time_unit: float = 1.0,
    start: str | ArrayLike = STATIONARY,
    division_rate: Rate = 0.0,
    cycle_stages: int = 1,
    death_rate: Rate = 0.0,
    inheritance_noise: float | ArrayLike = 0.0,
    sister_asymmetry: float | ArrayLike = 0.0,
    control: float | ArrayLike = 0.0,
    confine: float = 0.5,
    substeps: int | None = None,
    noise: float | ArrayLike = 0.0,
    miss_rate: float = 0.0,
    lost_rate: float = 0.0,
    late_entry: float = 0.0,
    swap_rate: float = 0.0,
    n_batches: int = 1,
    batch_shift: float | ArrayLike = 0.0,
    threshold: float = THRESHOLD,
    rng: int | np.random.Generator | None = None,
) -> AnnData:
    """Simulate tracks of cells that follow a law, with the truth attached.

    Parameters
    ----------
    system
        The law: one of `cs.systems`, or your own.
    frame_interval
        Hours between frames.
    n_cells, n_frames
        Founders, in frame 0, and frames.
    time_unit
        Hours per unit of the law's time.
    start
        "stationary", "source" (the stationary law inside A), or states (n_cells, d).
    division_rate, death_rate
        1/h: a number, or a function of states (n, d) that gives (n,) numbers.
    cycle_stages
        1 for cycles without memory; k stages spread cycle times by 1 / sqrt(k).
    inheritance_noise
        Standard deviation with which a daughter departs from her mother's state.
    sister_asymmetry
        Sisters start at the mother's state plus and minus this.
    control
        Share of founders, or mask (n_cells,), held in A with all their descendants.
    confine
        Highest committor of control cells.
    substeps
        Steps per frame; None keeps dt * lambda_max at most 0.02.
    noise
        Standard deviation of the measurement, a number or one per axis.
    miss_rate
        Chance per cell and frame to be missed.
    lost_rate
        Rate (1/h) at which a cell is lost for good, with its descendants.
    late_entry
        Lineages come into view at a time uniform between 0 and this (h).
    swap_rate
        Chance per cell and frame to swap identity with its nearest neighbour.
    n_batches
        Movies over which lineages are spread.
    batch_shift
        Standard deviation of the constant shift of each movie.
    threshold
        c: cells are committed where the true committor stays above it.
    rng
        Seed or Generator.

    Returns
    -------
    AnnData
        One row per observed cell and frame. Observed states in X and
        ``obsm["X_state"]``; identity in obs as in every AnnData of the package, with
        `condition` "treated" or "control". The truth: ``obsm["truth_state"]`` and
        ``obsm["truth_drift"]`` (per h), obs `truth_track`, `truth_parent_track`, and
        for laws with A and B `truth_set`, `truth_committor`,
        `truth_committor_backward`, `truth_event`, `truth_commitment_time` (h); exact
        rates, diffusion and one row per true track in `cs.get.truth(adata)`.

    Raises
    ------
    ValueError
        Parameters out of range, or no row is left.
    FloatingPointError
        A path ran away because the step is too long.

    Warns
    -----
    UserWarning
        frame_interval / time_unit * lambda_max is above 0.2: increments over a frame
        are biased estimates of the drift.

    Notes
    -----
    Observation goes in this order: batches, late entry, loss, missed frames, swaps,
    noise. Batch shifts and noise are in what is observed, not in the truth.

    A track's event is "commitment" when B is met from outside, "already" when it
    began in B, "unfinished", "undecided" or "none" by the committor in the last
    frame; the time of commitment is the first frame after the last one, before B is
    met, below c, the same rule by which `cs.tl.differentiation_events` reads an
    estimated committor. Truth is told of every true track, seen or not.

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> cells = simulate_tracks(DoubleWell(), frame_interval=0.02, n_cells=3, rng=0)
    >>> cells.shape, round(cells.uns["cellstate"]["truth"]["k_ab"], 4)
    ((300, 1), 0.0375)
    """
    interval = positive(frame_interval, "frame_interval", "h", "frame_interval=0.1")
    unit = positive(time_unit, "time_unit", "h per unit of the law", "time_unit=1.0")
    warn_coarse(interval / unit, system.fastest_rate, FRAME_TIME, FINER)
    rng = generator(rng)
    living = {
        "n_cells": n_cells,
        "n_frames": n_frames,
        "start": start,
        "division_rate": division_rate,
        "cycle_stages": cycle_stages,
        "death_rate": death_rate,
        "inheritance_noise": inheritance_noise,
        "sister_asymmetry": sister_asymmetry,
        "control": control,
        "confine": confine,
        "substeps": substeps,
    }
    seeing = {
        "noise": noise,
        "miss_rate": miss_rate,
        "lost_rate": lost_rate,
        "late_entry": late_entry,
        "swap_rate": swap_rate,
        "n_batches": n_batches,
        "batch_shift": batch_shift,
    }
    population = grow(
        system, frame_interval=interval, time_unit=unit, rng=rng, **living
    )
    rows, movie = observe(population, rng=rng, **seeing)
    true = true_cells(population, threshold=threshold)
    names = movie_names(n_batches)
    truth = exact(
        system,
        events=events_table(true, np.array(names, dtype=object)[movie]),
        sampling=living | seeing,
        frame_interval=interval,
        time_unit=unit,
        threshold=threshold,
    )
    adata = track_table(
        rows,
        axes=system.axes,
        movie_names=names,
        frame_interval=interval,
        n_frames=population.n_frames,
        condition=true.condition[rows.cell],
    )
    attach_truth(adata, true, rows.cell, truth)
    return adata
