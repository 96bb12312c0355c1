"""From a hidden law to pixels, with the truth at every level."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from cellstate._base.checks import integer, positive
from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate.datasets._cells._events import THRESHOLD, check_threshold
from cellstate.datasets._movie._files import (
    IMAGES,
    MASKS,
    SimulatedMovie,
    assembled,
    unfinished,
    write_images,
    write_masks,
    write_tables,
)
from cellstate.datasets._movie._film import Film, play
from cellstate.datasets._movie._look import Look
from cellstate.datasets._movie._optics import Optics
from cellstate.datasets._movie._presets import PRESETS
from cellstate.datasets._movie._presets import scene as preset_scene
from cellstate.datasets._movie._scene import Life, Motion, Scene, look_of
from cellstate.datasets._movie._visible import Labels
from cellstate.io import read_images, read_masks
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._integrate import warn_coarse

NARROWEST = 16  # px; side of the smallest field
GREY = np.dtype(np.uint16)


def simulate_movie(
    preset: str | Scene | None = None,
    *,
    system: Diffusion | None = None,
    look: Look | None = None,
    life: Life | None = None,
    motion: Motion | None = None,
    optics: Optics | None = None,
    start: str | tuple[float, ...] | None = None,
    control: float | None = None,
    frame_interval: float | None = None,
    time_unit: float | None = None,
    n_cells: int = 60,
    n_frames: int = 60,
    shape: tuple[int, int] = (512, 512),
    pixel_size: float = 0.65,
    threshold: float = THRESHOLD,
    name: str | None = None,
    path: str | Path | None = None,
    rng: int | np.random.Generator | None = None,
) -> SimulatedMovie:
    """Film cells whose hidden state is known.

    A hidden diffusion drives contour, size, brightness, texture and polarity of every
    cell. Cells walk, push each other aside, grow, divide, die, leave the field and
    come in; light is blurred, counted and read out. The result follows from the seed,
    on disk or in memory.

    ==================  =============================================================
    preset              what happens
    ==================  =============================================================
    differentiation     progenitors choose between two fates
    symmetry_breaking   polarity grows out of a ramped pitchfork; sisters start on
                        either side
    null                the cells of "differentiation", held in the progenitor
    rare                one in about 200 cells commits
    ==================  =============================================================

    Parameters
    ----------
    preset
        Name of a preset, or a `Scene`; "differentiation" when neither this nor
        `system` is given.
    system
        The hidden law; alone, it is shown by a look made for it.
    look, life, motion, optics, start, control, frame_interval, time_unit
        Parts of the `Scene` to replace.
    n_cells
        Founders in the field; a margin around it is settled as densely.
    n_frames
        Frames.
    shape
        Height and width of the field, px, at least 16 each.
    pixel_size
        um.
    threshold
        c: cells are committed where the true committor stays above it.
    name
        Of the movie; that of the scene when left out.
    path
        New or empty folder. Images and masks are then written frame by frame, with
        tracks and truth, as by `SimulatedMovie.write`, and read lazily: memory holds
        one frame, and tables of about 0.5 kB per cell and frame.
    rng
        Seed or Generator.

    Returns
    -------
    SimulatedMovie
        `movie`, with true masks and all links that can be seen, and `truth`.

    Raises
    ------
    ValueError
        Parameters out of range; values of the look out of range; more cells than
        have room.
    FileExistsError
        `path` is not empty.

    Warns
    -----
    UserWarning
        A law or interval of your own has frame_interval / time_unit * lambda_max
        above 0.2: states change much between frames. The presets' frames follow the
        passage, not the quick motion inside a fate: `truth.law.fastest_rate` tells.

    Notes
    -----
    Masks hold the pixels whose centre is inside the contour, before blur and noise.
    A cell with fewer than 16 pixels in the field gives light but no mask. A mother's
    link is given if she was seen in the frame before.

    Examples
    --------
    >>> import cellstate as cs
    >>> with cs.settings.override(progress=False):
    ...     film = simulate_movie(n_cells=6, n_frames=3, shape=(128, 128), rng=0)
    >>> film.movie.images.shape, film.truth.law.system
    ((3, 1, 128, 128), 'binary choice')
    >>> bool(film.truth.cells["truth_committor"].between(0, 1).all())
    True
    """
    changes = {
        "system": system,
        "look": look,
        "life": life,
        "motion": motion,
        "optics": optics,
        "start": start,
        "control": control,
        "frame_interval": frame_interval,
        "time_unit": time_unit,
    }
    scene = _scene(preset, {k: v for k, v in changes.items() if v is not None})
    pixel = positive(pixel_size, "pixel_size", "um per pixel", "pixel_size=0.65")
    film = play(
        scene,
        n_cells=integer(n_cells, "n_cells", 1),
        n_frames=integer(n_frames, "n_frames", 1),
        shape=_shape(shape),
        pixel_size=pixel,
        threshold=check_threshold(threshold),
        rng=generator(rng),
    )
    name = scene.name if name is None else name
    return _in_memory(film, name) if path is None else _on_disk(film, name, path)


def _scene(preset: str | Scene | None, changes: dict) -> Scene:
    """The scene to play, checked and warned of."""
    if preset is None and "system" in changes:
        law = changes["system"]
        look = changes.get("look") or look_of(law)
        given = Scene(name=law.name.replace(" ", "_"), system=law, look=look)
    elif isinstance(preset, Scene):
        given = preset
    else:
        given = preset_scene(PRESETS[0] if preset is None else preset)
    scene = replace(given, **changes)
    ready = isinstance(preset, str) or (preset is None and "system" not in changes)
    if not ready or {"system", "frame_interval", "time_unit"} & set(changes):
        step = scene.frame_interval / scene.time_unit
        warn_coarse(
            step,
            scene.system.fastest_rate,
            "the frame interval (in units of the law)",
            "a shorter frame_interval (h) or a longer time_unit (h per unit of the "
            "law)",
        )
    return scene


def _shape(shape: tuple[int, int]) -> tuple[int, int]:
    sides = tuple(shape)
    whole = all(isinstance(s, int | np.integer) and s >= NARROWEST for s in sides)
    if len(sides) != 2 or not whole:
        raise ValueError(
            f"`shape` is height and width in px, whole numbers of at least {NARROWEST};"
            f" found {shape}. Use shape=(512, 512)."
        )
    return int(sides[0]), int(sides[1])


def _images(film: Film) -> Iterator[np.ndarray]:
    """Frames (1, Y, X) one after the other."""
    for frame in range(film.cast.n_frames):
        yield film.cast.image(frame)[None]


def _in_memory(film: Film, name: str) -> SimulatedMovie:
    labels, n = Labels(film.cast), film.cast.n_frames
    masks = np.empty((n, *film.cast.shape), dtype=labels.dtype)
    for frame, shown in enumerate(progress(labels.masks(), "masks", n)):
        masks[frame] = shown
    images = np.empty((n, 1, *film.cast.shape), dtype=GREY)
    for frame, shown in enumerate(progress(_images(film), "images", n)):
        images[frame] = shown
    return assembled(images, masks, film.truth(labels, name))


def _on_disk(film: Film, name: str, folder: str | Path) -> SimulatedMovie:
    labels, n = Labels(film.cast), film.cast.n_frames
    size = film.cast.shape
    with unfinished(folder) as place:
        write_masks(place, labels.masks(), (n, *size), labels.dtype)
        write_images(place, _images(film), (n, 1, *size), GREY)
        truth = film.truth(labels, name)
        write_tables(place, truth)
    folder = Path(folder)
    return assembled(read_images(folder / IMAGES), read_masks(folder / MASKS), truth)
