"""Size, contour, brightness, texture and polarity of every cell in every frame."""

from dataclasses import dataclass

import numpy as np

from cellstate.datasets._cells._population import DEATH, DIVISION, Population
from cellstate.datasets._movie._look import STRONGEST, Look, value
from cellstate.datasets._movie._scene import Life, Scene
from cellstate.datasets._movie._shape import HIGHEST, centred, radius_of

ROUND = 0.35  # share of a contour's waves that is left in mitosis
SHRUNK = 0.45  # share of its area that is left of a dying cell
UNDIVIDED = 1.44  # area of a cell that never divides, in newborn areas: mid-cycle
WIDEST = 3.0  # standard deviations after which the split of a division is held


@dataclass(frozen=True, eq=False, kw_only=True)
class Appearance:
    """One entry per row of the population, in the cell's own frame.

    Attributes
    ----------
    area
        um2.
    radius
        Mean radius R of the contour, um.
    modes
        c_k relative to the cell's axis, shape (n, 6).
    intensity
        Mean brightness.
    texture_length
        um.
    dipole
        Signed, along the axis.
    dying
        Progress of dying, 0 to 1.
    body
        Area as growth and division alone set it, in areas of a newborn cell.
    """

    area: np.ndarray
    radius: np.ndarray
    modes: np.ndarray
    intensity: np.ndarray
    texture_length: np.ndarray
    dipole: np.ndarray
    dying: np.ndarray
    body: np.ndarray


@dataclass(frozen=True, eq=False)
class Frames:
    """Rows of a population by frame, and the row each came from.

    Attributes
    ----------
    rows
        One array of rows per frame.
    before
        The cell's row in the frame before, her mother's last row if she was born
        since, -1 for founders; shape (n,).
    newborn
        Rows whose `before` is the mother's, shape (n,).
    """

    rows: list[np.ndarray]
    before: np.ndarray
    newborn: np.ndarray


def frames_of(cells: Population) -> Frames:
    """Sort the rows of a population by frame."""
    n = cells.track.size
    first = np.flatnonzero(np.diff(cells.track, prepend=0))
    last = np.append(first[1:], n) - 1
    before = np.arange(-1, n - 1)
    parent = cells.parent_track[first]
    before[first] = np.where(parent > 0, last[np.maximum(parent - 1, 0)], -1)
    newborn = np.zeros(n, dtype=bool)
    newborn[first] = parent > 0
    order = np.argsort(cells.frame, kind="stable")
    ends = np.searchsorted(cells.frame[order], np.arange(1, cells.n_frames))
    return Frames(np.split(order, ends), before, newborn)


def appearance(
    cells: Population, scene: Scene, frames: Frames, rng: np.random.Generator
) -> Appearance:
    """Let hidden states show.

    Areas follow an adder: a newborn area is gained over each cycle, so that a cell
    born with one doubles it. A division hands out area and light without loss.
    """
    look, life, own = scene.look, scene.life, scene.look.individuality
    noise = _deviations(cells, look, frames, rng)
    state = cells.state
    body = _bodies(cells, life, frames, rng)
    factor = (
        2 * np.log(value(look.radius, state, "radius", 0)) + 2 * own.size * noise[0]
    )
    bright = np.log(value(look.intensity, state, "intensity", 0))
    bright = bright + own.intensity * noise[1]
    keep = np.exp(-cells.frame_interval / life.settling)
    factor, bright = (_settled(v, frames, keep) for v in (factor, bright))
    before_end, since_birth = _hours(cells, life.rounding)
    dying = np.clip(1 - _hours_to(cells, DEATH) / life.dying, 0, 1)
    shrunk = 1 - (1 - SHRUNK) * dying
    area = np.pi * body * np.exp(factor) * shrunk
    spread = np.clip(np.minimum(before_end, since_birth) / life.rounding, 0, 1)
    waves = (ROUND + (1 - ROUND) * spread) * (1 - dying)
    modes = centred(_modes(look, state, noise) * waves[:, None])
    length = value(look.texture_length, state, "texture_length", 0)
    dipole = value(look.dipole, state, "dipole", -STRONGEST, STRONGEST)
    dipole = (dipole + own.dipole * noise[3]) * (1 - dying)
    return Appearance(
        area=area,
        radius=radius_of(area, modes),
        modes=modes,
        intensity=np.exp(bright) / shrunk,
        texture_length=length * np.exp(own.texture * noise[2]),
        dipole=np.clip(dipole, -STRONGEST, STRONGEST),
        dying=dying,
        body=body,
    )


def _deviations(
    cells: Population, look: Look, frames: Frames, rng: np.random.Generator
) -> np.ndarray:
    """Stationary Ornstein-Uhlenbeck numbers of variance 1, shape (14, n)."""
    keep = np.exp(-cells.frame_interval / look.individuality.time)
    noise = rng.standard_normal((4 + 2 * (HIGHEST - 1), cells.track.size))
    for rows in frames.rows[1:]:
        noise[:, rows] *= np.sqrt(1 - keep**2)
        noise[:, rows] += keep * noise[:, frames.before[rows]]
    return noise


def _modes(look: Look, state: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Modes c_k relative to the axis, c_1 left at 0, shape (n, 6)."""
    modes = np.zeros((len(state), HIGHEST), dtype=complex)
    for k in range(2, HIGHEST + 1):
        if k - 2 < len(look.harmonics):
            modes[:, k - 1] = value(look.harmonics[k - 2], state, f"harmonics (a_{k})")
        wobble = noise[2 * k] + 1j * noise[2 * k + 1]
        modes[:, k - 1] += look.individuality.shape * (2 / k) * wobble
    return modes


def _bodies(
    cells: Population, life: Life, frames: Frames, rng: np.random.Generator
) -> np.ndarray:
    """Area by growth and division alone, in areas of a newborn cell, shape (n,)."""
    if np.isnan(cells.cycle).any():
        return np.full(cells.track.size, UNDIVIDED)
    born = np.ones(cells.track.size)
    share = _shares(cells, life, frames, rng)
    for rows in frames.rows[1:]:
        mother = born[frames.before[rows]]
        at_birth = share[cells.track[rows] - 1] * (mother + 1)
        born[rows] = np.where(frames.newborn[rows], at_birth, mother)
    return born + cells.cycle


def _shares(
    cells: Population, life: Life, frames: Frames, rng: np.random.Generator
) -> np.ndarray:
    """Share of her mother that each track was born with, shape (m,)."""
    share = np.ones(cells.ending.size)
    born = np.flatnonzero(frames.newborn)
    first, second = _sisters(cells, born)
    stray = np.clip(rng.standard_normal(first.size), -WIDEST, WIDEST)
    least = min(life.split, 1 - life.split) / 2
    taken = np.clip(life.split + life.split_spread * stray, least, 1 - least)
    share[cells.track[first] - 1], share[cells.track[second] - 1] = taken, 1 - taken
    return share


def _sisters(cells: Population, born: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First rows of the two daughters of every division."""
    order = born[np.lexsort((cells.track[born], cells.parent_track[born]))]
    return order[::2], order[1::2]


def _settled(own: np.ndarray, frames: Frames, keep: float) -> np.ndarray:
    """Start daughters at what their mother had; the difference to their own decays."""
    excess = np.zeros_like(own)
    for rows in frames.rows[1:]:
        before = frames.before[rows]
        inherited = own[before] + excess[before] - own[rows]
        excess[rows] = np.where(frames.newborn[rows], inherited, keep * excess[before])
    return own + excess


def _hours(cells: Population, far: float) -> tuple[np.ndarray, np.ndarray]:
    """Hours to the coming division and since birth; `far` where there is none."""
    first = np.flatnonzero(np.diff(cells.track, prepend=0))
    since = (cells.frame - cells.frame[first][cells.track - 1]) * cells.frame_interval
    founder = cells.parent_track < 0
    return _hours_to(cells, DIVISION), np.where(founder, far, since)


def _hours_to(cells: Population, ending: str) -> np.ndarray:
    """Hours to the last frame of a track that ends so; infinite for others, (n,)."""
    last = np.append(np.flatnonzero(np.diff(cells.track)), cells.track.size - 1)
    left = (cells.frame[last][cells.track - 1] - cells.frame) * cells.frame_interval
    return np.where(cells.ending[cells.track - 1] == ending, left, np.inf)
