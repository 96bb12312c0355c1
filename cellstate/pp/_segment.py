"""Label the cells of raw images."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cellstate._base.checks import choice, fraction, positive
from cellstate._base.errors import MovieError
from cellstate._base.progress import progress
from cellstate._movie import Movie, Stack
from cellstate.morphology import label_diameters, lone_diameters, segment_plane
from cellstate.pp._segmenters import (
    Segmenter,
    cellpose_segmenter,
    stardist_segmenter,
    watershed_segmenter,
)

WATERSHED, CELLPOSE, STARDIST = METHODS = ("watershed", "cellpose", "stardist")
CONTRAST = 0.03
SAMPLED_FRAMES = 5  # to estimate the diameter from
SMALLEST_DIAMETER = 3.0  # px


def segment(
    images: Stack,
    *,
    pixel_size: float,
    frame_interval: float,
    name: str | None = None,
    channels: Iterable[str] | None = None,
    channel: int | str = 0,
    diameter: float | None = None,
    contrast: float | None = None,
    min_diameter: float | None = None,
    method: str | Segmenter = WATERSHED,
) -> Movie:
    """Segment bright cells or nuclei in every frame: raw images to a movie.

    The default corrects uneven light, denoises, finds what is brighter than the
    noise, outlines each cell at a share of its own brightness, and parts cells that
    touch at waists and dips (`cellstate.morphology.segment_plane`). It is made for
    cells that are brighter than their ground, such as stained nuclei.

    Parameters
    ----------
    images
        From `cs.io.read_images`, or an array of shape (T, C, Y, X) or (T, Y, X).
    pixel_size
        Micrometres per pixel.
    frame_interval
        Hours between frames.
    name
        Names the movie; "movie" when left out.
    channels
        One name per channel; "intensity", or "channel_0", ..., when left out.
    channel
        Number or name of the channel to segment.
    diameter
        Of a typical cell, um. Estimated from up to five frames when None: the median
        of the objects that stand alone by Otsu's threshold, then of the cells found
        with that. For "watershed" and "cellpose".
    contrast
        Brightness of the dimmest cell over that of a typical one, 0.03 when None; a
        larger value leaves out cells that are out of focus. For "watershed".
    min_diameter
        Least diameter of an object, um; half of `diameter` when None. For
        "watershed".
    method
        "watershed"; "cellpose" or "stardist" with their pretrained models, if
        installed; or any function of an image (C, Y, X) that returns integer labels
        (Y, X), 0 for background.

    Returns
    -------
    Movie
        With masks, int32, held in memory, not linked: go on with `cs.pp.track`.

    Raises
    ------
    MovieError
        Images of another shape (a z-stack, RGB with the colours last), no such
        channel, nothing to estimate the diameter from, or labels that are none.
    ImportError
        The package that `method` names is not installed.
    ValueError
        A unit is missing or not above 0, an unknown method, or an option that the
        method does not know.

    References
    ----------
    Otsu, IEEE Trans. Syst. Man Cybern. 9 (1979) 62; Meyer, Signal Process. 38 (1994)
    113 (watershed).

    Examples
    --------
    >>> import cellstate as cs
    >>> images = np.zeros((2, 1, 60, 90))
    >>> images[:, :, 20:36, 20:36], images[:, :, 20:36, 50:66] = 90.0, 40.0
    >>> with cs.settings.override(progress=False):
    ...     movie = segment(images, pixel_size=0.5, frame_interval=0.25)
    >>> movie, int(movie.labels(1).max())
    (Movie 'movie': 2 frames x 1 channel x 60 x 90 px, 0.5 um/px, 0.25 h/frame,
     not linked, 2)
    """
    images = _stack(images)
    n_channels = images.shape[1]
    if channels is None:
        one = n_channels == 1
        channels = ["intensity"] if one else [f"channel_{i}" for i in range(n_channels)]
    shape = (images.shape[0], *images.shape[2:])
    masks = np.zeros(shape, dtype=np.int32)
    # Made before any work, so that units, names and shapes are checked at the door.
    movie = Movie(
        images=images,
        masks=masks,
        pixel_size=pixel_size,
        frame_interval=frame_interval,
        name="movie" if name is None else name,
        channels=tuple(channels),
    )
    segmenter = _segmenter(movie, channel, diameter, contrast, min_diameter, method)
    for frame in progress(range(movie.n_frames), f"segmenting {movie.name}"):
        masks[frame] = _checked(segmenter(movie.image(frame)), frame, shape[1:])
    return movie


def _stack(images: Stack) -> Stack:
    """Give images four axes, or say what they are instead."""
    if isinstance(images, str | Path):
        raise MovieError(
            f"`images` are frames, not a path; found {str(images)!r}. Use "
            f"cs.pp.segment(cs.io.read_images({str(images)!r}), ...)."
        )
    lazy = hasattr(images, "shape") and hasattr(images, "dtype")
    images = images if lazy else np.asarray(images)
    shape = tuple(images.shape)
    if np.dtype(images.dtype).kind not in "biuf":
        raise MovieError(f"images hold real numbers; found {images.dtype}.")
    if len(shape) == 3 and isinstance(images, np.ndarray):
        return images[:, None]
    if len(shape) == 5:
        raise MovieError(
            f"images have shape (T, C, Y, X); found five axes {shape}, a z-stack. "
            "Project it, images.max(axis=2) if z is the third axis, or segment it "
            "elsewhere and give the masks to cs.pp.volume_features."
        )
    if len(shape) != 4:
        raise MovieError(
            f"images have shape (T, C, Y, X) or, as an array, (T, Y, X); found {shape}."
            " For one frame use images[None, None]."
        )
    if shape[3] in (3, 4) and shape[1] > 4:
        raise MovieError(
            f"images have shape (T, C, Y, X); found {shape}, which looks like RGB with "
            "the colours last. Use np.moveaxis(images, -1, 1)."
        )
    return images


def _segmenter(
    movie: Movie,
    channel: int | str,
    diameter: float | None,
    contrast: float | None,
    min_diameter: float | None,
    method: str | Segmenter,
) -> Segmenter:
    index = _channel_index(movie, channel)
    if callable(method):
        _refuse(
            "a function",
            diameter=diameter,
            contrast=contrast,
            min_diameter=min_diameter,
        )
        return method
    choice(method, "method", METHODS)
    if method == STARDIST:
        _refuse(
            "'stardist'",
            diameter=diameter,
            contrast=contrast,
            min_diameter=min_diameter,
        )
        return stardist_segmenter(index)
    pixels = _pixels(diameter, "diameter", movie.pixel_size)
    if method == CELLPOSE:
        _refuse("'cellpose'", contrast=contrast, min_diameter=min_diameter)
        return cellpose_segmenter(index, pixels)
    contrast = fraction(CONTRAST if contrast is None else contrast, "contrast")
    least = _pixels(min_diameter, "min_diameter", movie.pixel_size)
    if pixels is None:
        pixels = _estimated(movie, index, contrast)
    elif pixels < SMALLEST_DIAMETER:
        raise ValueError(
            f"`diameter` is at least {SMALLEST_DIAMETER:g} px; found {diameter:g} um, "
            f"which is {pixels:.2g} px of {movie.pixel_size:g} um. Check the units."
        )
    return watershed_segmenter(index, pixels, contrast, least)


def _refuse(method: str, **given: float | None) -> None:
    unknown = [name for name, value in given.items() if value is not None]
    if unknown:
        raise ValueError(
            f"method {method} takes no {unknown}; these belong to method='watershed'."
        )


def _pixels(length: float | None, name: str, pixel_size: float) -> float | None:
    if length is None:
        return None
    call = f"cs.pp.segment(..., {name}=15)"
    return positive(length, name, "um", call) / pixel_size


def _channel_index(movie: Movie, channel: int | str) -> int:
    if isinstance(channel, str) and channel in movie.channels:
        return movie.channels.index(channel)
    whole = isinstance(channel, int | np.integer) and not isinstance(channel, bool)
    if whole and 0 <= channel < len(movie.channels):
        return int(channel)
    raise MovieError(
        f"`channel` is one of {list(movie.channels)} or its number; found "
        f"{channel!r}. Use cs.pp.segment(..., channel={movie.channels[0]!r})."
    )


def _estimated(movie: Movie, channel: int, contrast: float) -> float:
    """Diameter of a typical cell, px: of lone objects, then of the cells found."""
    n = min(SAMPLED_FRAMES, movie.n_frames)
    frames = np.linspace(0, movie.n_frames - 1, n).round().astype(int)
    planes = [movie.image(frame)[channel] for frame in np.unique(frames)]
    lone = np.concatenate([lone_diameters(plane) for plane in planes])
    if lone.size == 0 or np.median(lone) < SMALLEST_DIAMETER:
        raise MovieError(
            f"the diameter is estimated from bright objects; found {lone.size} of at "
            f"least {SMALLEST_DIAMETER:g} px in frames {np.unique(frames).tolist()} of "
            f"movie {movie.name!r}. Give it: cs.pp.segment(..., diameter=15) in um, "
            "and check `channel`."
        )
    first = float(np.median(lone))
    # Otsu's outline runs inside of ours, so the cells are measured once more.
    labels = [
        segment_plane(plane, diameter=first, contrast=contrast) for plane in planes
    ]
    found = np.concatenate([label_diameters(plane) for plane in labels])
    return float(np.median(found)) if found.size else first


def _checked(labels: object, frame: int, shape: tuple[int, ...]) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != shape or labels.dtype.kind not in "iu":
        raise MovieError(
            f"a segmenter returns integer labels of shape {shape}; found "
            f"{labels.dtype} of shape {labels.shape} in frame {frame}. Of a mask make "
            "labels with skimage.measure.label(mask)."
        )
    if labels.size and labels.min() < 0:
        raise MovieError(
            f"labels are >= 0, 0 for background; found {labels.min()} in frame {frame}."
        )
    return labels
