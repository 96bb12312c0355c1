"""Measure every cell of a movie, one frame in memory at a time."""

from collections.abc import Iterator, Sequence

from anndata import AnnData

from cellstate._base.progress import progress
from cellstate._movie import Movie
from cellstate.pp._assemble import assemble, check_movies, conditions_of
from cellstate.pp._blocks import (
    Block,
    Recipe,
    check_linked,
    measure_block,
    named_labels,
    naming,
    static_table,
)


def features(
    movies: Movie | Sequence[Movie],
    *,
    condition: str | Sequence[str] | None = None,
    extra: str | None = None,
) -> AnnData:
    """Measure size, contour, Fourier modes, intensity, texture, polarity, motion.

    Parameters
    ----------
    movies
        One linked movie or several with the same channels.
    condition
        Written to obs["condition"], one for all or one per movie.
    extra
        "cellprofiler" adds the measurements of cp_measure, in columns of the family
        "cellprofiler" whose names begin with ``cp_``: about 270 for one channel, at
        some 200 cells per second.

    Returns
    -------
    AnnData
        One row per cell and frame, named ``movie:frame:label``; X in raw units,
        `var` with family, unit, meaning and invariance; obs with identity,
        obsm["spatial"] in um, obsp["lineage"]. obsm["X_contour"] holds 64 points of
        each outline about the centroid, x y x y ... in um, from the highest and then
        leftmost pixel clockwise on the screen; obsm["angular_modes"] the complex
        modes a_1, a_2, a_3 of the outline and of each channel, real and imaginary
        part in turn: ``modes.view(complex)``. Cells of a label that the lineage does
        not name are left out with an error, not silently.

    Raises
    ------
    MovieError
        A movie is not linked, names are repeated, channels differ, or lineage and
        masks name different objects.
    ImportError
        `extra` needs a package that is not installed.
    ValueError
        `extra` is unknown.

    Examples
    --------
    >>> import numpy as np, pandas as pd, cellstate as cs
    >>> masks = np.zeros((2, 20, 20), int)
    >>> masks[:, 5:9, 4:12] = 7
    >>> lineage = pd.DataFrame(
    ...     {"frame": [0, 1], "label": 7, "track": 1, "parent_track": -1}
    ... )
    >>> movie = cs.Movie(images=masks[:, None] * 10.0, masks=masks, lineage=lineage,
    ...                  pixel_size=0.5, frame_interval=0.25)
    >>> with cs.settings.override(progress=False):
    ...     adata = cs.pp.features(movie)
    >>> adata.obs_names.tolist(), float(adata[0, "area"].X[0, 0])
    (['movie:0:7', 'movie:1:7'], 8.0)
    """
    movies = check_movies(movies)
    conditions_of(condition, len(movies))
    static_table(movies[0].channels, extra)
    blocks = [list(_measured(movie, extra)) for movie in movies]
    n_cells = sum(block.n_cells for parts in blocks for block in parts)
    return assemble(movies, condition, n_cells, map(_let_go, blocks), extra)


def _measured(movie: Movie, extra: str | None) -> Iterator[Block]:
    recipe, named = Recipe.of(movie, extra), named_labels(movie)
    for frame in progress(range(movie.n_frames), f"measuring {movie.name}"):
        with naming(movie.name, frame):
            block = measure_block(
                recipe, frame, movie.image(frame), movie.labels(frame)
            )
        check_linked(movie.name, frame, block.obs["label"], named.get(frame, ()))
        yield block


def _let_go(blocks: list[Block]) -> Iterator[Block]:
    """Hand over blocks and keep none, so that cells are not in memory twice."""
    blocks.reverse()
    while blocks:
        yield blocks.pop()
