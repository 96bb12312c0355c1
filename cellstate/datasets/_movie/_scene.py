"""What is filmed: a hidden law, how cells live, move and look, and the camera."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import fraction, positive
from cellstate.datasets._cells._life import Rate
from cellstate.datasets._cells._population import SOURCE, founders, has_sets
from cellstate.datasets._movie._look import Affine, Look
from cellstate.datasets._movie._optics import Optics, not_negative
from cellstate.systems._diffusion import Diffusion

CULTURE = "culture"
DRAWS = 1 << 16  # points drawn at once when looking for founders


@dataclass(frozen=True, kw_only=True)
class Life:
    """How cells divide, inherit and die.

    Parameters
    ----------
    division_rate, death_rate
        1/h, a number or a function of states (n, d), as in `cs.datasets.grow`.
    cycle_stages
        Stages of the cell cycle: cycle times spread by 1 / sqrt(cycle_stages).
    inheritance_noise, sister_asymmetry
        Of the hidden state, as in `cs.datasets.grow`; a number or one per axis.
    split
        Share of the mother's area, and light, that the first sister takes.
    split_spread
        Standard deviation of that share.
    rounding
        Hours before and after a division over which cells round up and spread.
    dying
        Hours before its end over which a dying cell rounds up, shrinks, brightens.
    settling
        Hours over which a daughter, who starts with her mother's brightness and
        size factor, takes on those of her own state.
    """

    division_rate: Rate = 1 / 18
    death_rate: Rate = 1 / 400
    cycle_stages: int = 16
    inheritance_noise: float | tuple[float, ...] = 0.0
    sister_asymmetry: float | tuple[float, ...] = 0.0
    split: float = 0.5
    split_spread: float = 0.02
    rounding: float = 0.75
    dying: float = 1.5
    settling: float = 2.0

    def __post_init__(self) -> None:
        fraction(self.split, "split")
        not_negative(self.split_spread, "split_spread", "share of the mother's area")
        for name in ("rounding", "dying", "settling"):
            positive(getattr(self, name), name, "h", f"Life({name}=1.0)")


@dataclass(frozen=True, kw_only=True)
class Motion:
    """How cells move, and the field with them.

    Parameters
    ----------
    speed
        Root mean square velocity of a cell, um/h.
    persistence
        Hours over which a velocity correlates.
    turning
        Rotational diffusion of the cell's axis, rad^2/h.
    margin
        Width of the unseen strip around the field, um: cells leave into it and come
        back, on the same or, having gone all the way, on the other side.
    drift
        Steady motion of the whole picture to the right and down, um/h.
    jitter
        Standard deviation of its motion from frame to frame, um.
    """

    speed: float = 6.0
    persistence: float = 1.0
    turning: float = 0.1
    margin: float = 25.0
    drift: tuple[float, float] = (0.0, 0.0)
    jitter: float = 0.0

    def __post_init__(self) -> None:
        positive(self.persistence, "persistence", "h", "Motion(persistence=1.0)")
        positive(self.margin, "margin", "um", "Motion(margin=25.0)")
        for name, unit in (("speed", "um/h"), ("turning", "rad^2/h"), ("jitter", "um")):
            not_negative(getattr(self, name), name, unit)
        if len(self.drift) != 2 or not np.isfinite(self.drift).all():
            raise ValueError(
                f"`drift` holds two finite velocities in um/h, to the right and down; "
                f"found {self.drift}."
            )


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything `cs.datasets.simulate_movie` needs but the size of the movie.

    Parameters
    ----------
    name
        Names the scene in the truth.
    system
        The hidden law.
    frame_interval
        Hours between frames.
    time_unit
        Hours per unit of the law's time.
    start
        "culture": cells that were in A more recently than in B, as in a culture kept
        going from A for long; from then on B is entered at the law's rate k_AB.
        "stationary": any cell of the stationary law. "source": those in A. Or one
        state for all founders.
    control
        Share of founders held in A with all their descendants; under "culture" they
        start in A.
    look, life, motion, optics
        How cells look, live and move, and the camera.
    """

    name: str
    system: Diffusion
    frame_interval: float = 0.25
    time_unit: float = 1.0
    start: str | tuple[float, ...] = "stationary"
    control: float = 0.0
    look: Look = field(default_factory=Look)
    life: Life = field(default_factory=Life)
    motion: Motion = field(default_factory=Motion)
    optics: Optics = field(default_factory=Optics)

    def founders(self, held: np.ndarray, rng: np.random.Generator) -> str | ArrayLike:
        """What `grow` takes as the start of founders, of which some are `held` (n,)."""
        n = held.size
        if self.start != CULTURE:
            return self.start if isinstance(self.start, str) else [list(self.start)] * n
        states = _culture(self.system, n, rng)
        if held.any():
            control = np.ones(int(held.sum()), dtype=bool)
            states[held] = founders(self.system, SOURCE, control, 0.5, rng)
        return states


def _culture(system: Diffusion, n: int, rng: np.random.Generator) -> np.ndarray:
    """States by the density of cells outside B that came from A, shape (n, d)."""
    if not has_sets(system):
        raise ValueError(
            f"start='{CULTURE}' needs a source and a target, and {system.name} has not "
            "both; give them, or use start='stationary'."
        )
    low, high = np.array(system.box).T
    kept, highest = np.empty((0, low.size)), 0.0
    while len(kept) < n:
        x = rng.uniform(low, high, (DRAWS, low.size))
        weight = system.density(x) * system.committor_backward(x)
        weight[system.target.contains(x)] = 0
        if weight.max() > highest:
            # A higher bound thins what was kept under the lower one.
            before, highest = highest, float(weight.max())
            kept = kept[rng.random(len(kept)) < before / highest]
        kept = np.concatenate([kept, x[rng.random(len(x)) * highest < weight]])
    return kept[:n]


def look_of(system: Diffusion) -> Look:
    """A look for any law: its first coordinate shapes cells, its last colours them.

    Coordinates are scaled by the stable fixed points: the looks of the lowest and
    the highest one differ by a good deal, and are held beyond.

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> look_of(DoubleWell()).harmonics[0](np.array([[-1.0], [0.0], [1.0]])).round(3)
    array([0.02 , 0.115, 0.21 ])
    """
    points = system.fixed_points()
    stable = points.x[points.stable]
    if not len(stable):
        stable = np.array(system.box).T
    low, high = stable.min(axis=0), stable.max(axis=0)
    flat = high - low < 1e-9
    ends = np.array(system.box).T
    low, high = np.where(flat, ends[0], low), np.where(flat, ends[1], high)

    def along(axis: int, first: float, last: float) -> Affine:
        slope = (last - first) / (high[axis] - low[axis])
        slopes = np.zeros(system.dimension)
        slopes[axis] = slope
        beyond = 0.3 * abs(last - first)
        return Affine(
            offset=float(first - slope * low[axis]),
            slopes=tuple(slopes.tolist()),
            low=min(first, last) - beyond,
            high=max(first, last) + beyond,
        )

    return Look(
        radius=along(0, 8.0, 8.8),
        harmonics=(along(0, 0.02, 0.21), along(0, 0.0, 0.05)),
        intensity=along(-1, 0.8, 1.3),
        texture_length=along(-1, 2.6, 1.4),
        dipole=along(0, 0.0, 0.3),
    )
