"""Persistent random walks of cells that push each other aside."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from cellstate.datasets._cells._population import Population
from cellstate.datasets._movie._appearance import Appearance, Frames
from cellstate.datasets._movie._scene import Motion
from cellstate.datasets._movie._shape import profile, radial, turned

PUSHES = 20  # rounds of pushing per frame
FIRST_PUSHES = 200
GAP = 1.04  # distance at which cells stop pushing, in sums of their radii
CROWDED = 0.75  # share of the plane that cells may cover


@dataclass(frozen=True, eq=False, kw_only=True)
class Paths:
    """Where cells are, in um from the corner of the arena, shape (n, 2) as x, y.

    Attributes
    ----------
    center
        Centroid of each row's contour, shape (n, 2).
    axis
        Direction of each cell's axis, rad, shape (n,).
    shift
        How far the picture has moved by each frame, shape (T, 2), um.
    """

    center: np.ndarray
    axis: np.ndarray
    shift: np.ndarray


def paths(
    cells: Population,
    shown: Appearance,
    frames: Frames,
    motion: Motion,
    field: np.ndarray,
    n_inside: int,
    rng: np.random.Generator,
) -> Paths:
    """Let every cell walk.

    The arena is the field with a margin all around; whoever leaves it on one side
    comes in on the other, so that the density stays even for any time and drift.

    Parameters
    ----------
    cells, shown, frames
        Who is there, and how large.
    motion
        Speed, persistence, margin, drift.
    field
        Width and height of the field, um.
    n_inside
        Founders that start inside the field; the others start in the margin.
    rng
        Generator.
    """
    arena = field + 2 * motion.margin
    _check_room(cells, shown, frames, arena)
    n, dt = cells.track.size, cells.frame_interval
    center, velocity = np.zeros((n, 2)), rng.standard_normal((n, 2)) * motion.speed
    axis = rng.uniform(-np.pi, np.pi, n)
    jitter = motion.jitter * rng.standard_normal((len(frames.rows), 2))
    jitter[0] = 0
    drift = np.array(motion.drift)
    steady = drift * dt * np.arange(len(frames.rows))[:, None]
    keep = np.exp(-dt / motion.persistence)
    rows = frames.rows[0]
    center[rows] = _founders(rows.size, n_inside, field, motion.margin, rng)
    for number, rows in enumerate(frames.rows):
        if number:
            before, born = frames.before[rows], frames.newborn[rows]
            old = velocity[before]
            stray = np.sqrt(1 - keep**2) * velocity[rows]
            velocity[rows] = np.where(born[:, None], velocity[rows], keep * old + stray)
            walked = (old + velocity[rows]) * dt / 2
            center[rows] = center[before] + drift * dt
            center[rows] += np.where(born[:, None], 0, walked)
            turn = np.sqrt(2 * motion.turning * dt) * rng.standard_normal(rows.size)
            axis[rows] = axis[before] + turn
            _part_sisters(center, cells, shown, rows[born], rng)
        pushes = PUSHES if number else FIRST_PUSHES
        center[rows] = _apart(center[rows], axis[rows], shown, rows, arena, pushes)
    moved = center + jitter[cells.frame]
    return Paths(
        center=moved,
        axis=np.angle(np.exp(1j * axis)),
        shift=steady + jitter,
    )


def _founders(
    n: int, n_inside: int, field: np.ndarray, margin: float, rng: np.random.Generator
) -> np.ndarray:
    """Even places: the first ones inside the field, the others in the margin."""
    inside = margin + rng.random((n_inside, 2)) * field
    outside = np.empty((0, 2))
    while len(outside) < n - n_inside:
        drawn = rng.random((n, 2)) * (field + 2 * margin)
        in_field = ((drawn > margin) & (drawn < margin + field)).all(axis=1)
        outside = np.concatenate([outside, drawn[~in_field]])
    return np.concatenate([inside, outside[: n - n_inside]])


def _part_sisters(
    center: np.ndarray,
    cells: Population,
    shown: Appearance,
    born: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Lay sisters side by side along a random line, their common centroid kept."""
    order = born[np.lexsort((cells.track[born], cells.parent_track[born]))]
    first, second = order[::2], order[1::2]
    angle = rng.uniform(0, 2 * np.pi, first.size)
    line = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    apart = line * (GAP * (shown.radius[first] + shown.radius[second]))[:, None]
    share = shown.area[first] / (shown.area[first] + shown.area[second])
    center[first] += apart * (1 - share)[:, None]
    center[second] -= apart * share[:, None]


def _apart(
    center: np.ndarray,
    axis: np.ndarray,
    shown: Appearance,
    rows: np.ndarray,
    arena: np.ndarray,
    pushes: int,
) -> np.ndarray:
    """Push overlapping cells apart; places in the arena, shape (n, 2)."""
    center = center % arena
    if rows.size < 2:
        return center
    modes, radius = turned(shown.modes[rows], axis), shown.radius[rows]
    reach = GAP * (radius * profile(shown.modes[rows]).max(axis=1)).max()
    for _ in range(pushes):
        # Rounding may leave a place on the far edge itself.
        center = np.where(center < arena, center, 0)
        near = cKDTree(center, boxsize=arena).query_pairs(
            2 * reach, output_type="ndarray"
        )
        i, j = near.T
        gap = center[j] - center[i]
        gap -= arena * np.rint(gap / arena)
        far = np.maximum(np.hypot(*gap.T), 1e-9)
        line = (gap[:, 0] + 1j * gap[:, 1]) / far
        touch = radius[i] * radial(modes[i], line) + radius[j] * radial(modes[j], -line)
        over = np.maximum(GAP * touch - far, 0)
        if not over.any():
            break
        step = (over / far / 2)[:, None] * gap
        for axis_number in (0, 1):
            push = step[:, axis_number]
            center[:, axis_number] += np.bincount(j, push, rows.size)
            center[:, axis_number] -= np.bincount(i, push, rows.size)
        center %= arena
    return center


def _check_room(
    cells: Population, shown: Appearance, frames: Frames, arena: np.ndarray
) -> None:
    """Refuse more cells than lie side by side."""
    covered = np.bincount(cells.frame, shown.area, len(frames.rows)) / arena.prod()
    frame = int(covered.argmax())
    if covered[frame] > CROWDED:
        rows = frames.rows[frame]
        raise ValueError(
            f"cells may cover up to {CROWDED:.0%} of the field; found "
            f"{covered[frame]:.0%} in frame {frame}, {rows.size} cells of "
            f"{shown.area[rows].mean():.0f} um2 in {arena[0]:.0f} x {arena[1]:.0f} um "
            "with its margin. Use fewer cells or frames, a larger `shape`, a smaller "
            "Motion(margin=...), a lower division_rate, or a death_rate that keeps the "
            "number steady."
        )
