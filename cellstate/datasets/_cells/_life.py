"""How cells move, divide, inherit and die within one step."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._integrate import heun

Rate = float | Callable[[np.ndarray], ArrayLike]  # 1/h, or of states (n, d)


@dataclass(kw_only=True)
class Cells:
    """The cells alive at one moment; every field has one entry per cell."""

    track: np.ndarray
    parent: np.ndarray
    x: np.ndarray
    age: np.ndarray  # division hazard so far
    ripe: np.ndarray  # division hazard at which the cell divides
    worn: np.ndarray  # death hazard so far
    end: np.ndarray  # death hazard at which the cell dies
    met_source: np.ndarray
    met_target: np.ndarray
    control: np.ndarray
    unseen: np.ndarray  # born since the last frame

    def take(self, which: np.ndarray | slice) -> "Cells":
        """The cells of a mask or of indices."""
        return Cells(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    def joined(self, other: "Cells") -> "Cells":
        """These cells and others after them."""
        return Cells(
            **{
                f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
                for f in fields(self)
            }
        )


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How cells of one population live."""

    system: Diffusion
    division_rate: Rate
    cycle_stages: int
    death_rate: Rate
    inheritance_noise: np.ndarray
    sister_asymmetry: np.ndarray
    confine: float
    rng: np.random.Generator


def step(rules: Rules, cells: Cells, t: float, dt: float, hours: float) -> None:
    """Move every cell by one step, in place, and let its hazards grow."""
    system = rules.system
    cells.age = cells.age + hours * _hazard(rules.division_rate, cells.x, "division")
    cells.worn = cells.worn + hours * _hazard(rules.death_rate, cells.x, "death")
    noise = rules.rng.standard_normal(cells.x.shape) * np.sqrt(dt)
    moved = heun(system, cells.x, t, dt, noise)
    cells.x = _held(rules, cells.control, moved, cells.x, t + dt)
    _meet(system, cells)


def _meet(system: Diffusion, cells: Cells) -> None:
    """Note which cells are inside A or B."""
    if system.source is not None:
        cells.met_source = cells.met_source | system.source.contains(cells.x)
    if system.target is not None:
        cells.met_target = cells.met_target | system.target.contains(cells.x)


def _held(
    rules: Rules, control: np.ndarray, new: np.ndarray, old: np.ndarray, t: float
) -> np.ndarray:
    """Keep control cells where they were if the new state is past the wall."""
    rows = np.flatnonzero(control)
    if rows.size:
        past = rules.system.committor(new[rows], t) > rules.confine
        new[rows[past]] = old[rows[past]]
    return new


def divide(rules: Rules, mothers: Cells, born: int, t: float) -> Cells:
    """Two daughters per mother, side by side."""
    rng, n = rules.rng, len(mothers.track)
    side = np.where(rng.random(n) < 0.5, 1.0, -1.0)
    side = np.stack([side, -side], axis=1).reshape(-1, 1)
    pairs = mothers.take(np.repeat(np.arange(n), 2))
    x = pairs.x + side * rules.sister_asymmetry
    x = x + rules.inheritance_noise * rng.standard_normal(x.shape)
    pairs.x = _held(rules, pairs.control, x, pairs.x, t)
    pairs.parent = pairs.track
    pairs.track = born + 1 + np.arange(2 * n)
    pairs.age, pairs.worn = np.zeros(2 * n), np.zeros(2 * n)
    pairs.ripe = rng.standard_gamma(rules.cycle_stages, 2 * n) / rules.cycle_stages
    pairs.end = rng.standard_exponential(2 * n)
    pairs.unseen = np.ones(2 * n, dtype=bool)
    _meet(rules.system, pairs)
    return pairs


def first_cells(rules: Rules, x: np.ndarray, control: np.ndarray) -> Cells:
    """Founders with states x (n, d), at a random point of their cycle."""
    n, stages = len(x), rules.cycle_stages
    # The running cycle, longer than the usual one for being met while it runs.
    ripe = rules.rng.standard_gamma(stages + 1, n) / stages
    cells = Cells(
        track=np.arange(1, n + 1),
        parent=np.full(n, -1),
        x=x,
        age=ripe * rules.rng.random(n),
        ripe=ripe,
        worn=np.zeros(n),
        end=rules.rng.standard_exponential(n),
        met_source=np.zeros(n, dtype=bool),
        met_target=np.zeros(n, dtype=bool),
        control=control,
        unseen=np.zeros(n, dtype=bool),
    )
    _meet(rules.system, cells)
    return cells


def check_rate(rate: Rate, name: str) -> Rate:
    """Check a rate at the door; a function is checked where it is used."""
    if callable(rate):
        return rate
    number = np.ndim(rate) == 0 and np.asarray(rate).dtype.kind in "fiu"
    if not number or not 0 <= rate < np.inf:
        raise ValueError(
            f"`{name}` is a number >= 0 in 1/h, or a function of states (n, d) that "
            f"gives (n,) such numbers; found {rate!r}."
        )
    return float(rate)


def _hazard(rate: Rate, x: np.ndarray, name: str) -> np.ndarray | float:
    if not callable(rate):
        return rate
    values = np.asarray(rate(x), dtype=float)
    if values.shape != x.shape[:1] or not (values >= 0).all():
        low = values.min() if values.size else float("nan")
        raise ValueError(
            f"`{name}_rate` gives one number >= 0 (1/h) per state; for {len(x)} states "
            f"it gave shape {values.shape}, smallest {low:g}."
        )
    return values


def check_per_axis(
    value: float | ArrayLike, name: str, system: Diffusion
) -> np.ndarray:
    """Check one number for all axes or one per axis."""
    values = np.asarray(value, dtype=float)
    if values.shape not in ((), (system.dimension,)) or not np.isfinite(values).all():
        raise ValueError(
            f"`{name}` is a finite number or one per axis {system.axes}; found "
            f"{value!r}."
        )
    return values


def check_spread(value: float | ArrayLike, name: str, system: Diffusion) -> np.ndarray:
    """Check a standard deviation for all axes or one per axis."""
    values = check_per_axis(value, name, system)
    if (values < 0).any():
        raise ValueError(f"`{name}` is a standard deviation >= 0; found {value!r}.")
    return values
