"""Let cells follow a hidden law, divide, inherit and die: the truth, frame by frame."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, positive
from cellstate._base.random import generator
from cellstate.datasets._cells._life import (
    Cells,
    Rate,
    Rules,
    check_per_axis,
    check_rate,
    check_spread,
    divide,
    first_cells,
    step,
)
from cellstate.datasets._cells._population import (
    DEATH,
    DIVISION,
    END_OF_MOVIE,
    STATIONARY,
    Population,
    check_confine,
    control_mask,
    founders,
)
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._integrate import check_finite, substeps_of

MOST = 1_000_000  # cells alive at once


def grow(
    system: Diffusion,
    *,
    n_cells: int,
    n_frames: int,
    frame_interval: float,
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
    rng: int | np.random.Generator | None = None,
) -> Population:
    r"""Simulate cells that follow a law, divide, pass on their state, and die.

    Hidden states move by the stochastic Heun scheme in small steps. A cell divides
    when its hazard, the time integral of the division rate, reaches a threshold
    drawn from a Gamma law of shape `cycle_stages` and mean 1, and dies when the
    integral of the death rate reaches an exponential one. With one stage the cycle
    has no memory: together with exact inheritance the branching committor of the
    law, L h + lambda h (1 - h) = 0, holds. With k stages the cycle times of a
    constant rate spread by 1 / sqrt(k).

    Parameters
    ----------
    system
        The law.
    n_cells
        Founders, in frame 0.
    n_frames
        Frames, the first included.
    frame_interval
        Hours between frames.
    time_unit
        Hours per unit of the law's time.
    start
        "stationary", "source" (the stationary law inside A), or states (n_cells, d).
    division_rate, death_rate
        1/h: a number, or a function of states (n, d) that gives (n,) numbers. With
        one stage this is the hazard, with more one over the mean cycle time.
    cycle_stages
        Stages of the cell cycle.
    inheritance_noise
        Standard deviation, per axis or for all, with which a daughter's state
        departs from her mother's.
    sister_asymmetry
        Sisters start at the mother's state plus and minus this, a number or one per
        axis; which of them is which is drawn.
    control
        Share of founders, or mask (n_cells,), held in A with all their descendants:
        steps to a committor above `confine` are not taken.
    confine
        Highest committor of control cells.
    substeps
        Steps per frame; None keeps dt * lambda_max at most 0.02.
    rng
        Seed or Generator.

    Returns
    -------
    Population
        Every cell in every frame, and how each track ends.

    Raises
    ------
    ValueError
        Parameters out of range, control cells of a law without committor, or more
        than a million cells at once.
    FloatingPointError
        A path ran away because the step is too long.

    Warns
    -----
    UserWarning
        Given `substeps` have dt * lambda_max above 0.2.

    Notes
    -----
    Founders are at a random point of their cycle, as a lineage followed at random
    is at any time (stationary renewal): the length of the running cycle is drawn
    in proportion to its length, the point is uniform. Without memory this is the
    usual exponential waiting time.

    A cell born since the last frame neither divides nor dies before she was seen
    once; what is due earlier happens right after that frame. Counts are thereby
    late by a share of (rate * frame_interval)^2 / 2 at most.

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> cells = grow(DoubleWell(), n_cells=3, n_frames=5, frame_interval=0.02,
    ...              start=[[-1.0], [0.0], [1.0]], rng=0)
    >>> cells.state.shape, cells.ending.tolist()
    ((15, 1), ['end_of_movie', 'end_of_movie', 'end_of_movie'])
    """
    rng = generator(rng)
    n_cells, n_frames = integer(n_cells, "n_cells", 1), integer(n_frames, "n_frames", 1)
    interval = positive(frame_interval, "frame_interval", "h", "frame_interval=0.1")
    unit = positive(time_unit, "time_unit", "h per unit of the law", "time_unit=1.0")
    rules = Rules(
        system=system,
        division_rate=check_rate(division_rate, "division_rate"),
        cycle_stages=integer(cycle_stages, "cycle_stages", 1),
        death_rate=check_rate(death_rate, "death_rate"),
        inheritance_noise=check_spread(inheritance_noise, "inheritance_noise", system),
        sister_asymmetry=check_per_axis(sister_asymmetry, "sister_asymmetry", system),
        confine=confine,
        rng=rng,
    )
    held = control_mask(control, n_cells, rng)
    check_confine(system, held, confine)
    cells = first_cells(rules, founders(system, start, held, confine, rng), held)
    steps = substeps_of(system, interval / unit, substeps)
    seen, endings = [cells], {}
    born = n_cells
    for frame in range(1, n_frames):
        begin = (frame - 1) * interval / unit
        cells, born = _one_frame(
            rules, cells, begin, interval / unit / steps, steps, unit, born, endings
        )
        _check_cells(rules, cells, frame, interval / unit / steps)
        seen.append(cells)
    return _population(rules, seen, endings, born, interval, unit)


def _one_frame(
    rules: Rules,
    cells: Cells,
    begin: float,
    dt: float,
    steps: int,
    unit: float,
    born: int,
    endings: dict[int, str],
) -> tuple[Cells, int]:
    """Go on to the next frame; the cells in it, and the tracks begun so far."""
    none = np.zeros(len(cells.track), dtype=bool)
    cells = replace(cells, met_source=none, met_target=none, unseen=none)
    for k in range(steps):
        if not cells.track.size:
            break
        step(rules, cells, begin + k * dt, dt, dt * unit)
        alive = (cells.worn < cells.end) | cells.unseen
        endings.update(dict.fromkeys(cells.track[~alive].tolist(), DEATH))
        cells = cells.take(alive)
        ripe = (cells.age >= cells.ripe) & ~cells.unseen
        if ripe.any():
            mothers = cells.take(ripe)
            endings.update(dict.fromkeys(mothers.track.tolist(), DIVISION))
            daughters = divide(rules, mothers, born, begin + (k + 1) * dt)
            born += len(daughters.track)
            cells = cells.take(~ripe).joined(daughters)
    return cells, born


def _population(
    rules: Rules,
    seen: list[Cells],
    endings: dict[int, str],
    born: int,
    interval: float,
    unit: float,
) -> Population:
    """Rows of all frames, sorted by track."""
    frame = np.repeat(np.arange(len(seen)), [len(c.track) for c in seen])
    track = np.concatenate([c.track for c in seen])
    order = np.lexsort((frame, track))

    def rows(name: str) -> np.ndarray:
        return np.concatenate([getattr(c, name) for c in seen])[order]

    cycling = callable(rules.division_rate) or rules.division_rate > 0
    progress = np.minimum(rows("age") / rows("ripe"), 1.0)
    return Population(
        system=rules.system,
        frame_interval=interval,
        time_unit=unit,
        n_frames=len(seen),
        track=track[order],
        parent_track=rows("parent"),
        frame=frame[order],
        state=rows("x"),
        cycle=progress if cycling else np.full(order.size, np.nan),
        met_source=rows("met_source"),
        met_target=rows("met_target"),
        control=rows("control"),
        ending=np.array([endings.get(t, END_OF_MOVIE) for t in range(1, born + 1)]),
    )


def _check_cells(rules: Rules, cells: Cells, frame: int, dt: float) -> None:
    check_finite(cells.x, rules.system, dt)
    if len(cells.track) > MOST:
        raise ValueError(
            f"the population outgrew {MOST:,} cells at once in frame {frame}; found "
            f"{len(cells.track):,}. Use fewer frames, a lower `division_rate` (1/h), "
            "or some `death_rate`."
        )
