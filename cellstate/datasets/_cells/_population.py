"""Cells as they are, before anything is observed: hidden states, births, divisions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import fraction
from cellstate.systems._diffusion import Diffusion

END_OF_MOVIE, DIVISION, DEATH = "end_of_movie", "division", "death"
STATIONARY, SOURCE = "stationary", "source"
RARE = 0.01  # share of A below which drawing from the whole law wastes too much
DRAWS = 1 << 16  # states drawn at once when looking for those in A
TRIES = 200


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """Every cell in every frame.

    Attributes
    ----------
    system
        The hidden law.
    frame_interval
        Hours between frames.
    time_unit
        Hours per unit of the law's time.
    n_frames
        Frames of the movie.
    track, parent_track, frame
        Per row, shape (n,), rows sorted by track, then frame; tracks count from 1,
        -1 for no mother. A mother is last seen in the frame before her daughters'
        first; tracks have no gaps.
    state
        Hidden state, shape (n, d).
    cycle
        Progress of the cell cycle, 0 after birth, 1 at division, shape (n,); NaN
        when cells do not divide.
    met_source, met_target
        Whether the cell was inside A (B) at any step since the frame before, (n,);
        in a newborn's first frame, whether she or her mother was.
    control
        Cells held in A, shape (n,).
    ending
        How each track ends, shape (m,), index track - 1: "end_of_movie", "division"
        or "death".
    """

    system: Diffusion
    frame_interval: float
    time_unit: float
    n_frames: int
    track: np.ndarray
    parent_track: np.ndarray
    frame: np.ndarray
    state: np.ndarray
    cycle: np.ndarray
    met_source: np.ndarray
    met_target: np.ndarray
    control: np.ndarray
    ending: np.ndarray


def has_sets(system: Diffusion) -> bool:
    """Whether the law has a source and a target."""
    return system.source is not None and system.target is not None


def control_mask(
    control: float | ArrayLike, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Turn a share of n founders, or a mask, into a mask (n,); a share is drawn."""
    given = np.asarray(control)
    if given.ndim == 1 and given.dtype == bool and given.shape == (n,):
        return given.copy()
    if given.ndim or not 0 <= float(given) <= 1:
        raise ValueError(
            f"`control` is a share of founders between 0 and 1 or a boolean mask of "
            f"shape ({n},); found {given.dtype} of shape {given.shape}"
            + (f", value {float(given):g}." if not given.ndim else ".")
        )
    held = np.zeros(n, dtype=bool)
    held[rng.permutation(n)[: round(float(given) * n)]] = True
    return held


def check_confine(system: Diffusion, control: np.ndarray, confine: float) -> float:
    """Check that a law can hold its control cells in A."""
    confine = fraction(confine, "confine")
    if control.any() and not has_committor(system):
        raise ValueError(
            f"control cells are held where the committor is at most {confine:g}, and "
            f"{system.name} has no committor; found {int(control.sum())} control "
            "founders. Give the law a `source` and a `target`, or leave control=0."
        )
    return confine


def has_committor(system: Diffusion) -> bool:
    """Whether the law tells the chance to reach B (or a choice) from every state."""
    return has_sets(system) or type(system).committor is not Diffusion.committor


def founders(
    system: Diffusion,
    start: str | ArrayLike,
    control: np.ndarray,
    confine: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """States of the founders, shape (n, d).

    Parameters
    ----------
    system
        The law.
    start
        "stationary": drawn from the stationary density; "source": from the part of
        it in A; or states of shape (n, d).
    control
        Founders that are held in A, shape (n,); their draws stay below `confine`.
    confine
        Highest committor of control cells.
    rng
        Generator.
    """
    n = control.size
    if not isinstance(start, str):
        x = np.array(start, dtype=float)
        if x.shape != (n, system.dimension) or not np.isfinite(x).all():
            raise ValueError(
                f"`start` has finite states of shape ({n}, {system.dimension}), one "
                f"per founder of {system.name}; found shape {x.shape}, "
                f"{int((~np.isfinite(x)).sum())} not finite."
            )
        _reject_free_controls(system, x, control, confine)
        return x
    if start == STATIONARY:
        return _stationary(system, control, confine, rng)
    if start != SOURCE:
        raise ValueError(
            f"`start` must be '{STATIONARY}', '{SOURCE}' or states of shape "
            f"({n}, {system.dimension}); found {start!r}."
        )
    return _in_source(system, n, rng)


def _reject_free_controls(
    system: Diffusion, x: np.ndarray, control: np.ndarray, confine: float
) -> None:
    free = control.copy()
    if control.any():
        free[control] = system.committor(x[control]) > confine
    if free.any():
        raise ValueError(
            f"control cells start where the committor is at most {confine:g}; found "
            f"{int(free.sum())} of {int(control.sum())} above it. Start them nearer "
            "to A, or use start='source'."
        )


def _stationary(
    system: Diffusion, control: np.ndarray, confine: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw from the stationary density; controls again until they are confined."""
    x = np.array(system.sample(control.size, rng), dtype=float)
    free = np.flatnonzero(control)
    for _ in range(TRIES):
        if free.size:
            free = free[system.committor(x[free]) > confine]
        if not free.size:
            return x
        x[free] = system.sample(free.size, rng)
    raise ValueError(
        f"no stationary state of {system.name} with a committor of at most "
        f"{confine:g} was found in {TRIES} draws; use start='{SOURCE}'."
    )


def _in_source(system: Diffusion, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw from the stationary density inside A, however rarely A is visited."""
    if system.source is None:
        raise ValueError(
            f"start='{SOURCE}' needs a source, and {system.name} has none; give it "
            f"one, or use start='{STATIONARY}'."
        )
    drawn = max(n, round(10 / RARE))
    kept = np.empty((0, system.dimension))
    while len(kept) < n:
        x = np.asarray(system.sample(drawn, rng), dtype=float)
        found = x[system.source.contains(x)]
        if len(found) < RARE * drawn:
            return _by_density(system, n, rng)
        kept = np.concatenate([kept, found])
    return kept[:n]


def _by_density(system: Diffusion, n: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform points of A, kept in proportion to the density there."""
    low, high = np.array(system.box).T
    kept, highest = np.empty((0, low.size)), 0.0
    for _ in range(TRIES):
        x = rng.uniform(low, high, (DRAWS, low.size))
        x = x[system.source.contains(x)]
        weight = system.density(x)
        if weight.size and weight.max() > highest:
            # A higher bound thins what was kept under the lower one.
            before, highest = highest, float(weight.max())
            kept = kept[rng.random(len(kept)) < before / highest]
        kept = np.concatenate([kept, x[rng.random(len(x)) * highest < weight]])
        if len(kept) >= n:
            return kept[:n]
    raise ValueError(
        f"only {len(kept)} of {n} states were found in the source of {system.name}, "
        f"{system.source}, within {TRIES * DRAWS} points of its box; give `start` as "
        "states."
    )
