"""A movie from files or arrays."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from cellstate._base.checks import positive
from cellstate._base.errors import MovieError
from cellstate._movie import Movie, Stack
from cellstate.io._files import existing
from cellstate.io._lineage import lineage_beside
from cellstate.io._metadata import stated_units
from cellstate.io._ome_zarr import Kept, image_of, is_zarr, kept_in
from cellstate.io._stacks import LazyStack, read_images, read_masks

UNITS = (
    ("pixel_size", "um per pixel", 0.645),
    ("frame_interval", "h between frames", 0.5),
)


def read_movie(
    images: str | Path | Stack,
    masks: str | Path | Stack | None = None,
    *,
    pixel_size: float,
    frame_interval: float,
    tracks: str | Path | pd.DataFrame | None = None,
    name: str | None = None,
    channels: Iterable[str] | None = None,
) -> Movie:
    """Join images, label masks and, if there are any, tracks to a movie.

    Parameters
    ----------
    images
        A path for `read_images`, or an array or stack of shape (T, C, Y, X) or
        (T, Y, X).
    masks
        A path for `read_masks`, or an array or stack of integer labels, shape
        (T, Y, X), 0 for background. Left out where `images` is an OME-Zarr with
        labels: these are taken, with the lineage, names and channels that
        `write_ome_zarr` kept; only units are never taken from a file.
    pixel_size
        Micrometres per pixel. Never taken from the file; what the file states is
        offered when this is missing.
    frame_interval
        Hours between frames.
    tracks
        None for masks that are not linked yet (`cs.pp.track` links them); a
        ``man_track.txt`` of the Cell Tracking Challenge (L B E P; label = track);
        or a CSV or table with columns frame, label, track and, if cells divide,
        parent_track (-1 or empty for none); or the edge table of trackastra
        (source_frame, source_label, target_frame, target_label). Tracks of other
        programs: `lineage_of`. With tracks the masks are read once.
    name
        Names the movie in `obs_names`; the stem of the images path when left out.
    channels
        One name per channel; "intensity", or "channel_0", ..., when left out.

    Returns
    -------
    Movie
        Frames stay on disk until they are asked for.

    Raises
    ------
    ValueError
        `pixel_size` or `frame_interval` is missing or not above 0.
    FileNotFoundError
        A path leads nowhere.
    MovieError
        Files that cannot be read, or images, masks and tracks that do not fit.
    LineageError
        Tracks are no forest of cells with at most two daughters each.

    Examples
    --------
    >>> masks = np.zeros((2, 8, 8), dtype="int32")
    >>> masks[:, 2:5, 2:5] = 7
    >>> tracks = pd.DataFrame({"frame": [0, 1], "label": [7, 7], "track": [1, 1]})
    >>> read_movie(masks * 100.0, masks, pixel_size=0.5, frame_interval=0.25,
    ...            tracks=tracks, name="field_1")
    Movie 'field_1': 2 frames x 1 channel x 8 x 8 px, 0.5 um/px, 0.25 h/frame, 1 tracks
    """
    given = {"pixel_size": pixel_size, "frame_interval": frame_interval}
    for field, unit, example in UNITS:
        positive(given[field], field, unit, _offer(images, field, example))
    source = images if isinstance(images, str | Path) else None
    if masks is None:
        kept = _kept_with(source)
        masks, tracks = source, kept.lineage if tracks is None else tracks
        name = kept.name if name is None else name
        channels = (kept.channels or None) if channels is None else channels
    images = read_images(images) if source is not None else _four_axes(images)
    masks = read_masks(masks) if isinstance(masks, str | Path) else _indexable(masks)
    _reject_pictures(masks)
    if channels is None:
        n = images.shape[1]
        channels = ("intensity",) if n == 1 else tuple(f"channel_{i}" for i in range(n))
    # Made once without lineage, so that shapes are checked before masks are read.
    movie = {
        "images": images,
        "masks": masks,
        "pixel_size": pixel_size,
        "frame_interval": frame_interval,
        "name": name if name is not None else _stem(source),
        "channels": tuple(channels),
    }
    unlinked = Movie(**movie)
    if tracks is None:
        return unlinked
    return Movie(**movie, lineage=lineage_beside(tracks, masks))


def _offer(images: object, field: str, example: float) -> str:
    """Return the call to make, with the value that the file states, if any."""
    call = f"cs.io.read_movie(..., {field}={example:g})"
    if not isinstance(images, str | Path) or not Path(images).exists():
        return call
    try:
        path = Path(images)
        stated = image_of(path).stated if is_zarr(path) else stated_units(path)
    except Exception:  # damaged metadata: its own error comes when it is read
        return call
    if field not in stated:
        return f"{call} (the metadata of '{images}' state none)"
    return (
        f"cs.io.read_movie(..., {field}={stated[field]:.6g}) if what the metadata of "
        f"'{images}' state is right"
    )


def _kept_with(source: str | Path | None) -> Kept:
    """Return what an OME-Zarr holds beside its images and labels."""
    path = None if source is None else existing(source, "images")
    if path is None or not is_zarr(path):
        raise MovieError(
            f"masks are left out only where the images are an OME-Zarr with labels in "
            f"it; found {type(source).__name__ if path is None else repr(str(path))}. "
            "Use cs.io.read_movie(images, masks, ...), or make masks with "
            "cs.pp.segment."
        )
    return kept_in(path)


def _stem(path: str | Path | None) -> str:
    if path is None:
        return "movie"
    stem = re.sub(
        r"\.(ome\.)?(tiff?|npy|zarr)$", "", Path(path).resolve().name, flags=re.I
    )
    return re.sub(r"[:/\\\s]+", "_", stem) or "movie"


def _indexable(stack: object) -> Stack:
    lazy = hasattr(stack, "shape") and hasattr(stack, "dtype")
    return stack if lazy else np.asarray(stack)


def _four_axes(images: object) -> Stack:
    """Add the channel axis to (T, Y, X)."""
    images = _indexable(images)
    if len(images.shape) == 4:
        return images
    if len(images.shape) != 3:
        raise MovieError(
            f"images have shape (T, C, Y, X) or (T, Y, X); found "
            f"{tuple(images.shape)}. For one frame use images[None, None]."
        )
    if isinstance(images, np.ndarray):
        return images[:, None]
    t, y, x = images.shape
    return LazyStack(
        (t, 1, y, x),
        images.dtype,
        lambda f: np.asarray(images[f])[None],
        opened_by=(_four_axes, (images,)),
    )


# A frame without background and with more labels than this is a picture.
MOST_LABELS_WITHOUT_BACKGROUND = 255


def _reject_pictures(masks: Stack) -> None:
    """Refuse pictures given as masks: every grey value would become a label."""
    if len(masks.shape) != 3 or masks.shape[0] == 0:
        return  # refused by Movie, with the shapes
    labels = np.unique(np.asarray(masks[0]))
    if labels.size > MOST_LABELS_WITHOUT_BACKGROUND and labels[0] > 0:
        raise MovieError(
            f"masks hold 0 for background; frame 0 has {labels.size} different values "
            f"from {labels[0]} to {labels[-1]} and no 0. Are images and masks swapped?"
        )
