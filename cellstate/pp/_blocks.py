"""Blocks of measured cells: pixels in, arrays out, nothing shared between frames."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import numpy as np

from cellstate._adata import _keys as keys
from cellstate._base.errors import MovieError, listing
from cellstate._movie import Movie
from cellstate.morphology import (
    Feature,
    cellprofiler_table,
    feature_table,
    measure_cellprofiler,
    measure_frame,
)

VALUES, OBS, OBSM = "values", "obs", "obsm"
CELLPROFILER = "cellprofiler"


@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """The n cells of some frames of one movie, by frame and label; read-only arrays.

    Every array has one row per cell, whatever it holds: blocks are joined, written
    and read back without knowing what was measured.
    """

    obs: dict[str, np.ndarray]  # (n,) each; frame and label among them
    obsm: dict[str, np.ndarray]  # (n, ...) each
    values: np.ndarray  # (n, p), columns of the static features

    def __post_init__(self) -> None:
        for array in self.to_dict().values():
            array.flags.writeable = False

    @property
    def n_cells(self) -> int:
        """Number of cells, n."""
        return len(self.values)

    def to_dict(self) -> dict[str, np.ndarray]:
        """Give every array under the place and the name it has in an AnnData."""
        return {
            **{f"{OBS}/{name}": array for name, array in self.obs.items()},
            **{f"{OBSM}/{name}": array for name, array in self.obsm.items()},
            VALUES: self.values,
        }

    @classmethod
    def from_dict(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Take back what `to_dict` gave."""
        placed: dict[str, dict[str, np.ndarray]] = {OBS: {}, OBSM: {}}
        for key, array in arrays.items():
            if key != VALUES:
                place, name = key.split("/", 1)
                placed[place][name] = array
        return cls(obs=placed[OBS], obsm=placed[OBSM], values=arrays[VALUES])


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is measured in a movie, apart from its pixels."""

    movie: str
    pixel_size: float
    channels: tuple[str, ...]
    extra: str | None = None  # or "cellprofiler"

    @classmethod
    def of(cls, movie: Movie, extra: str | None = None) -> Self:
        """Take what a movie states."""
        return cls(
            movie=movie.name,
            pixel_size=movie.pixel_size,
            channels=movie.channels,
            extra=extra,
        )

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of `Block.values`."""
        return tuple(f.name for f in static_table(self.channels, self.extra))


def static_table(channels: Sequence[str], extra: str | None) -> tuple[Feature, ...]:
    """Features that one frame tells, in column order.

    Raises
    ------
    ValueError
        `extra` is unknown.
    ImportError
        What measures the extra set is not installed.
    """
    if extra not in (None, CELLPROFILER):
        raise ValueError(
            f"`extra` is None or {CELLPROFILER!r}; found {extra!r}. Features of your "
            "own go into adata.obsm."
        )
    more = cellprofiler_table(channels) if extra else ()
    return (*feature_table(channels), *more)


def measure_block(
    recipe: Recipe, frame: int, image: np.ndarray, labels: np.ndarray
) -> Block:
    """Measure the cells of one frame; the same pixels give the same bits anywhere.

    Parameters
    ----------
    recipe
        What is measured.
    frame
        Number of the frame, for obs.
    image, labels
        Shapes (C, Y, X) and (Y, X).

    Examples
    --------
    >>> labels = np.zeros((9, 9), int)
    >>> labels[2:5, 2:6] = 3
    >>> recipe = Recipe(movie="a", pixel_size=0.5, channels=("H2B",))
    >>> block = measure_block(recipe, 4, labels[None], labels)
    >>> block.obs["label"], float(block.values[0, recipe.features.index("area")])
    (array([3]), 3.0)
    """
    found = measure_frame(
        image, labels, pixel_size=recipe.pixel_size, channels=recipe.channels
    )
    values = found.values
    if recipe.extra == CELLPROFILER:
        values = np.hstack([values, measure_cellprofiler(image, labels)])
    return Block(
        obs={
            keys.FRAME: np.full(len(found.label), frame, dtype=np.int64),
            keys.LABEL: found.label,
            keys.TOUCHES_BORDER: found.touches_border,
            keys.N_COMPONENTS: found.n_components,
        },
        obsm={
            keys.SPATIAL: found.centroid,
            keys.CONTOUR: _flat(found.outline),
            keys.ANGULAR_MODES: _flat(found.modes.view(np.float64)),
        },
        values=values,
    )


def _flat(arrays: np.ndarray) -> np.ndarray:
    """One row per cell; -1 would not do for a frame without cells."""
    return arrays.reshape(len(arrays), math.prod(arrays.shape[1:]))


def join(blocks: Iterable[Block]) -> Block:
    """Put blocks of one movie below each other; at least one is given."""
    parts = [block.to_dict() for block in blocks]
    return Block.from_dict(
        {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    )


@contextmanager
def naming(movie: str, frame: int) -> Iterator[None]:
    """Name the movie and the frame in an error that knows of neither."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise MovieError(
            f"frame {frame} of movie {movie!r} cannot be measured: "
            f"{type(error).__name__}: {error}"
        ) from error


def named_labels(movie: Movie) -> dict[int, np.ndarray]:
    """Labels that the lineage names, by frame."""
    by_frame = movie.lineage.groupby("frame")["label"]
    return {int(frame): labels.to_numpy() for frame, labels in by_frame}


def check_linked(movie: str, frame: int, seen: np.ndarray, named: np.ndarray) -> None:
    """Compare the labels seen in a frame with those that the lineage names.

    Raises
    ------
    MovieError
        They differ.
    """
    missing, extra = np.setdiff1d(named, seen), np.setdiff1d(seen, named)
    if missing.size or extra.size:
        raise MovieError(
            f"lineage and masks of movie {movie!r} name the same objects; in "
            f"frame {frame} the lineage names {missing.size} labels that the masks do "
            f"not have {listing(missing)}, and the masks have {extra.size} that the "
            f"lineage does not name {listing(extra)}. Link again: cs.pp.track(movie)."
        )
