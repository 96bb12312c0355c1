"""Crops of single cells out of movies, one frame in memory at a time."""

from collections.abc import Sequence

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._base.checks import integer
from cellstate._base.errors import MovieError, SchemaError, listing
from cellstate._base.progress import progress
from cellstate._movie import Movie
from cellstate.morphology import crop_cells, frame_background

MOST_BYTES = 8e9
WIDER = 1.25  # times the largest diameter of all but a hundredth of the cells


def crops(
    adata: AnnData,
    movies: Movie | Sequence[Movie],
    *,
    size: int | None = None,
    key_added: str = keys.CROPS,
) -> np.ndarray:
    """Cut a square picture of every cell, background taken off, neighbours left out.

    Parameters
    ----------
    adata
        Cells of these movies: obs movie, frame, label.
    movies
        The movies that they were measured in.
    size
        Height and width of a crop, px; left out, it is chosen so that 99 % of the
        cells lie inside.
    key_added
        Name in obsm; the default is the slot of scPortrait.

    Returns
    -------
    ndarray
        Shape (n, C, size, size), float32, 0 outside the cell's own mask; also in
        ``obsm[key_added]``. ``obs["crop_inside"]`` is the share of each mask that lies
        in its crop.

    Raises
    ------
    MovieError
        A movie, frame or label of the cells is not among those given.
    MemoryError
        The crops would take more than 8 GB.

    Examples
    --------
    >>> import cellstate as cs
    >>> movie = cs.datasets.hela_h2b()
    >>> with cs.settings.override(progress=False):
    ...     adata = cs.pp.features(movie)
    ...     cs.pp.crops(adata, movie, size=32).shape == (adata.n_obs, 1, 32, 32)
    True
    """
    movies = [movies] if isinstance(movies, Movie) else list(movies)
    rows_of = _rows_of(adata, movies)
    size = _size(adata, movies) if size is None else integer(size, "size", 8)
    channels = len(movies[0].channels)
    shape = (adata.n_obs, channels, size, size)
    if 4 * np.prod(shape, dtype=float) > MOST_BYTES:
        raise MemoryError(
            f"crops of shape {shape} take {4e-9 * np.prod(shape, dtype=float):.1f} GB; "
            f"at most {MOST_BYTES * 1e-9:g} GB are cut at once. Give a smaller size, "
            "or fewer cells: cs.pp.crops(adata[rows].copy(), movies)."
        )
    cut = np.zeros(shape, np.float32)
    inside = np.full(adata.n_obs, np.nan)
    label = adata.obs[keys.LABEL].to_numpy()
    for movie in movies:
        frames = rows_of[movie.name]
        for frame, rows in progress(frames.items(), f"crops of {movie.name}"):
            image, masks = movie.image(frame), movie.labels(frame)
            level = frame_background(image, masks)
            signal = image - level[:, None, None]
            cut[rows], inside[rows] = crop_cells(signal, masks, label[rows], size=size)
            missing = rows[np.isnan(inside[rows])]
            if missing.size:
                raise MovieError(
                    f"cells are labels of the movie's masks; frame {frame} of "
                    f"{movie.name!r} lacks {missing.size} of {rows.size}: "
                    f"{listing(label[missing])}. Give the movie that was measured."
                )
    adata.obsm[key_added] = cut
    adata.obs[keys.CROP_INSIDE] = inside
    return cut


def _rows_of(adata: AnnData, movies: list[Movie]) -> dict[str, dict[int, np.ndarray]]:
    """Rows of each frame of each movie."""
    missing = [k for k in (keys.MOVIE, keys.FRAME, keys.LABEL) if k not in adata.obs]
    if missing:
        raise SchemaError(
            f"crops are found by obs movie, frame and label; {missing} missing. "
            "Measure the cells with cs.pp.features(movie)."
        )
    known = {movie.name: movie for movie in movies}
    rows_of: dict[str, dict[int, np.ndarray]] = {name: {} for name in known}
    groups = adata.obs.groupby([keys.MOVIE, keys.FRAME], observed=True, sort=True)
    for (name, frame), rows in groups.indices.items():
        if name not in known or not 0 <= frame < known[name].n_frames:
            have = {k: m.n_frames for k, m in known.items()}
            raise MovieError(
                f"cells of frame {frame} of movie {name!r} need that movie; found "
                f"{have} (name: frames). Give all movies: cs.pp.crops(adata, movies)."
            )
        rows_of[str(name)][int(frame)] = rows
    if len({movie.channels for movie in movies}) > 1:
        raise MovieError(
            f"movies need the same channels; found {[m.channels for m in movies]}."
        )
    return rows_of


def _size(adata: AnnData, movies: list[Movie]) -> int:
    if "feret_max" not in adata.var_names:
        raise ValueError(
            "without the feature 'feret_max' the size of cells is not known; give it "
            "in px: cs.pp.crops(adata, movies, size=64)."
        )
    column = list(adata.var_names).index("feret_max")
    widest = np.nanquantile(extract.features(adata)[:, column], 0.99)
    pixel = min(movie.pixel_size for movie in movies)
    return max(2 * int(np.ceil(WIDER * widest / pixel / 2)), 8)
