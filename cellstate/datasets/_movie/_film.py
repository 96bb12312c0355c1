"""Put a scene on stage: cells grow, show and move, and the camera looks on."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from cellstate.datasets._cells._assemble import events_table
from cellstate.datasets._cells._grow import grow
from cellstate.datasets._cells._population import Population, control_mask
from cellstate.datasets._cells._truth import TrueCells, exact, true_cells
from cellstate.datasets._movie._appearance import Appearance, appearance, frames_of
from cellstate.datasets._movie._motion import Paths, paths
from cellstate.datasets._movie._optics import margin
from cellstate.datasets._movie._render import Cast
from cellstate.datasets._movie._scene import Scene
from cellstate.datasets._movie._shape import profile, turned
from cellstate.datasets._movie._truth import MovieTruth, cell_table
from cellstate.datasets._movie._visible import Labels, visible_tracks

SEEDS = 2**63
FAR = 4.0  # standard deviations of jitter and blur that the margin has to hide


@dataclass(frozen=True, eq=False, kw_only=True)
class Film:
    """A scene that has been played, ready to be drawn.

    Attributes
    ----------
    scene
        What was played.
    cells, true
        Every cell, and the truth about her.
    shown, ways
        How the cells look and where they go.
    cast
        What can be seen.
    threshold
        c of the commitment.
    """

    scene: Scene
    cells: Population
    true: TrueCells
    shown: Appearance
    ways: Paths
    cast: Cast
    threshold: float

    def truth(self, labels: Labels, name: str) -> MovieTruth:
        """What is true, once all masks were drawn."""
        scene, cells, label = self.scene, self.cells, labels.label
        movie = np.full(cells.track.size, name, dtype=object)
        events = events_table(self.true, movie)
        seen = np.isin(events["track"], cells.track[label > 0])
        return MovieTruth(
            scene=scene.name,
            movie=name,
            pixel_size=self.cast.pixel_size,
            law=exact(
                scene.system,
                events=events[seen].reset_index(drop=True),
                sampling=_plain(scene),
                frame_interval=scene.frame_interval,
                time_unit=scene.time_unit,
                threshold=self.threshold,
            ),
            cells=cell_table(
                cells,
                self.true,
                self.shown,
                self.ways,
                self.cast,
                label,
                labels.pixels,
            ),
            tracks=visible_tracks(cells, label),
            shift=self.ways.shift,
        )


def play(
    scene: Scene,
    *,
    n_cells: int,
    n_frames: int,
    shape: tuple[int, int],
    pixel_size: float,
    threshold: float,
    rng: np.random.Generator,
) -> Film:
    """Let a scene happen.

    Parameters
    ----------
    scene
        What happens.
    n_cells
        Founders inside the field; the margin around it is settled as densely.
    n_frames, shape, pixel_size
        Frames; height and width of the field, px; um.
    threshold
        c of the commitment.
    rng
        Generator.
    """
    field = np.array(shape[::-1]) * pixel_size
    around = (field + 2 * scene.motion.margin).prod() / field.prod() - 1
    cells = _grown(scene, n_cells + round(n_cells * around), n_frames, rng)
    frames = frames_of(cells)
    shown = appearance(cells, scene, frames, rng)
    _check_margin(scene, shown, pixel_size)
    ways = paths(cells, shown, frames, scene.motion, field, n_cells, rng)
    # The corner of the field is the corner of its first pixel, half a pixel from
    # that one's centre.
    x, y = ((ways.center - scene.motion.margin) / pixel_size - 0.5).T
    texture_seed, noise_seed = rng.integers(SEEDS, size=2).tolist()
    cast = Cast(
        rows=frames.rows,
        track=cells.track,
        x=x,
        y=y,
        radius=shown.radius / pixel_size,
        modes=turned(shown.modes, ways.axis),
        light=shown.area * shown.intensity / pixel_size**2,
        texture_length=shown.texture_length,
        axis=ways.axis,
        dipole=shown.dipole,
        shape=shape,
        pixel_size=pixel_size,
        frame_interval=scene.frame_interval,
        look=scene.look,
        optics=scene.optics,
        texture_seed=texture_seed,
        noise_seed=noise_seed,
    )
    return Film(
        scene=scene,
        cells=cells,
        true=true_cells(cells, threshold=threshold),
        shown=shown,
        ways=ways,
        cast=cast,
        threshold=threshold,
    )


def _grown(
    scene: Scene, n_founders: int, n_frames: int, rng: np.random.Generator
) -> Population:
    life = scene.life
    held = control_mask(scene.control, n_founders, rng)
    return grow(
        scene.system,
        n_cells=n_founders,
        n_frames=n_frames,
        frame_interval=scene.frame_interval,
        time_unit=scene.time_unit,
        start=scene.founders(held, rng),
        division_rate=life.division_rate,
        cycle_stages=life.cycle_stages,
        death_rate=life.death_rate,
        inheritance_noise=life.inheritance_noise,
        sister_asymmetry=life.sister_asymmetry,
        control=held,
        rng=rng,
    )


def _check_margin(scene: Scene, shown: Appearance, pixel_size: float) -> None:
    """Cells jump from side to side of the arena, where no one may see it."""
    reach = (shown.radius * profile(shown.modes).max(axis=1)).max()
    blur = margin(scene.optics, pixel_size) * pixel_size
    needed = reach + blur + FAR * scene.motion.jitter + 2 * pixel_size
    if needed > scene.motion.margin:
        raise ValueError(
            f"the margin around the field must hide a whole cell: {needed:.1f} um "
            f"(cells reach {reach:.1f}, blur {blur:.1f}, jitter "
            f"{scene.motion.jitter:g}); found {scene.motion.margin:g} um. Use "
            f"Motion(margin={np.ceil(needed):g})."
        )


def _plain(scene: Scene) -> dict[str, Any]:
    """Parameters of a scene but for its law, which is told apart."""
    told = {f.name: getattr(scene, f.name) for f in fields(scene)}
    told.pop("system")
    parts = ("look", "life", "motion", "optics")
    return {k: asdict(v) if k in parts else v for k, v in told.items()}
