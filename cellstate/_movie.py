"""A movie: images and masks that stay on disk, lineage, and physical units."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from cellstate._base.checks import positive
from cellstate._base.errors import MovieError, listing
from cellstate.tracks import Tracks

LINEAGE_COLUMNS = ("frame", "label", "track", "parent_track")


class Stack(Protocol):
    """Frames that are read when asked for: numpy, memory map, zarr, dask or TIFF."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype: ...
    def __getitem__(self, frame: int) -> np.ndarray: ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Movie:
    """One field of view over time.

    Attributes
    ----------
    images
        Anything with `shape`, `dtype` and ``[t]``, shape (T, C, Y, X); a frame is
        read when it is asked for, so a movie may be larger than memory.
    masks
        Integer labels, shape (T, Y, X), 0 for background.
    pixel_size
        Micrometres per pixel.
    frame_interval
        Hours between frames.
    lineage
        Table of `frame, label, track, parent_track` (-1 none), one row per
        object; None when the masks are not linked yet (see `cs.pp.track`).
    name
        Names the movie in `obs_names`; no ":" in it.
    channels
        One name per channel.

    Raises
    ------
    MovieError
        Shapes, frame counts, types or table do not fit together.
    LineageError
        The lineage is no forest of cells with at most two daughters each.

    Examples
    --------
    >>> import numpy as np
    >>> movie = Movie(images=np.zeros((3, 1, 8, 8)), masks=np.zeros((3, 8, 8), int),
    ...               pixel_size=0.645, frame_interval=0.5)
    >>> movie
    Movie 'movie': 3 frames x 1 channel x 8 x 8 px, 0.645 um/px, 0.5 h/frame, not linked
    """

    images: Stack
    masks: Stack
    pixel_size: float
    frame_interval: float
    lineage: pd.DataFrame | None = None
    name: str = "movie"
    channels: tuple[str, ...] = ("intensity",)

    def __post_init__(self) -> None:
        for field, unit, example in (
            ("pixel_size", "um per pixel", 0.645),
            ("frame_interval", "h between frames", 0.5),
        ):
            value = positive(
                getattr(self, field), field, unit, f"cs.Movie(..., {field}={example})"
            )
            object.__setattr__(self, field, value)
        object.__setattr__(self, "channels", tuple(self.channels))
        if not self.name or ":" in self.name or "/" in self.name:
            raise MovieError(
                f"a movie's name is not empty and has no ':' or '/'; found "
                f"{self.name!r}. Use cs.Movie(..., name='field_1')."
            )
        _check_stacks(self.images, self.masks, self.channels)
        if self.lineage is not None:
            object.__setattr__(self, "lineage", self._checked_lineage(self.lineage))

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.images.shape[0])

    def labels(self, frame: int) -> np.ndarray:
        """Read the labels of one frame, shape (Y, X)."""
        return np.asarray(self.masks[frame])

    def image(self, frame: int) -> np.ndarray:
        """Read the channels of one frame, shape (C, Y, X)."""
        return np.asarray(self.images[frame])

    def __repr__(self) -> str:
        t, c, y, x = self.images.shape
        linked = (
            "not linked"
            if self.lineage is None
            else f"{self.lineage['track'].nunique()} tracks"
        )
        return (
            f"Movie {self.name!r}: {t} frames x {c} channel{'s' if c > 1 else ''} x "
            f"{y} x {x} px, {self.pixel_size:g} um/px, {self.frame_interval:g} h/frame,"
            f" {linked}"
        )

    def _checked_lineage(self, lineage: pd.DataFrame) -> pd.DataFrame:
        missing = [c for c in LINEAGE_COLUMNS if c not in lineage]
        if missing:
            raise MovieError(
                f"a lineage table has columns {list(LINEAGE_COLUMNS)}; found "
                f"{list(lineage.columns)}, {missing} missing."
            )
        table = lineage[list(LINEAGE_COLUMNS)].reset_index(drop=True)
        broken = [c for c in LINEAGE_COLUMNS if not _whole(table[c])]
        if broken:
            raise MovieError(
                f"a lineage table holds whole numbers; found missing or other values "
                f"in {broken}, e.g. {listing(table[broken[0]].unique(), 3)}. Write -1 "
                "for no mother."
            )
        table = table.astype(np.int64)
        twice = table.duplicated(["frame", "label"])
        if twice.any():
            pairs = table.loc[twice, ["frame", "label"]].to_numpy().tolist()
            raise MovieError(
                f"an object is one (frame, label); found {int(twice.sum())} repeated: "
                f"{listing(pairs)}."
            )
        outside = ~table["frame"].between(0, self.n_frames - 1)
        if outside.any():
            raise MovieError(
                f"the lineage names frames {listing(table['frame'][outside].unique())} "
                f"but the movie has frames 0 to {self.n_frames - 1}."
            )
        Tracks.from_arrays(
            track=table["track"],
            frame=table["frame"],
            time=table["frame"] * self.frame_interval,
            parent_track=table["parent_track"],
        )
        return table


def _whole(values: pd.Series) -> bool:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    return bool(np.isfinite(numbers).all() and (numbers == np.round(numbers)).all())


def _check_stacks(images: Stack, masks: Stack, channels: tuple[str, ...]) -> None:
    if len(images.shape) != 4:
        raise MovieError(
            f"images have shape (T, C, Y, X); found {tuple(images.shape)}. For one "
            "channel use images[:, None], or read them with cs.io.read_movie."
        )
    if len(masks.shape) != 3:
        raise MovieError(f"masks have shape (T, Y, X); found {tuple(masks.shape)}.")
    if images.shape[0] != masks.shape[0]:
        raise MovieError(
            f"images and masks need the same number of frames; found "
            f"{images.shape[0]} image frames and {masks.shape[0]} mask frames."
        )
    if tuple(images.shape[2:]) != tuple(masks.shape[1:]):
        raise MovieError(
            f"images and masks need the same height and width; found images "
            f"{tuple(images.shape[2:])} and masks {tuple(masks.shape[1:])} px."
        )
    if np.dtype(masks.dtype).kind not in "iu":
        raise MovieError(
            f"masks hold integer labels, 0 for background; found {masks.dtype}. Use "
            "masks.astype('int32') if the values are labels, or "
            "skimage.measure.label(mask > 0.5) if they are probabilities."
        )
    if len(channels) != images.shape[1] or len(set(channels)) != len(channels):
        raise MovieError(
            f"`channels` needs one distinct name for each of the {images.shape[1]} "
            f"channels; found {list(channels)}."
        )
    if images.shape[0] == 0:
        raise MovieError("a movie has at least one frame; found 0.")
