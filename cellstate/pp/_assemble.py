"""Blocks of measured cells, with tracks and motion, to one AnnData."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.errors import MovieError
from cellstate._movie import Movie
from cellstate.morphology import Feature, motility, motility_table
from cellstate.pp._blocks import Block, static_table
from cellstate.tracks import Tracks


def feature_table(
    channels: Sequence[str] = ("intensity",), *, extra: str | None = None
) -> pd.DataFrame:
    """List every feature: name, family, unit, meaning, invariance.

    Parameters
    ----------
    channels
        Names of the channels.
    extra
        "cellprofiler" for the columns of ``cs.pp.features(extra="cellprofiler")``.

    Returns
    -------
    DataFrame
        `invariance` names what leaves the value unchanged: translation, rotation
        and reflection of the picture, scale (the cell drawn larger at the same
        pixel size) and gain (all pixels times a number). `invariant` is True where
        the first three are all there.

    Examples
    --------
    >>> feature_table().loc["area", "unit"]
    'um2'
    >>> feature_table().loc["area", "invariance"]
    'translation rotation reflection gain'
    """
    return described((*static_table(channels, extra), *motility_table()))


def described(features: Sequence[Feature]) -> pd.DataFrame:
    """Make the `var` of an AnnData with these columns."""
    return pd.DataFrame(
        {
            keys.FAMILY: [f.family for f in features],
            keys.UNIT: [f.unit for f in features],
            keys.MEANING: [f.meaning for f in features],
            keys.INVARIANT: [f.invariant for f in features],
            keys.INVARIANCE: [" ".join(f.invariance) for f in features],
        },
        index=pd.Index([f.name for f in features], dtype=object),
    )


def assemble(
    movies: Sequence[Movie],
    condition: str | Sequence[str] | None,
    n_cells: int,
    blocks: Iterable[Iterable[Block]],
    extra: str | None = None,
) -> AnnData:
    """Fill one AnnData block by block.

    Parameters
    ----------
    movies
        Linked, as `check_movies` wants them.
    condition
        One for all, one per movie, or none.
    n_cells
        Rows of all blocks together. Arrays are made once and filled: a block that
        is read from disk when its turn comes is let go before the next.
    blocks
        Those of each movie, frames ascending.
    extra
        As for `Recipe`.
    """
    conditions = conditions_of(condition, len(movies))
    table = feature_table(movies[0].channels, extra=extra)
    width = len(table) - len(motility_table())
    x = np.empty((n_cells, len(table)))
    obsm: dict[str, np.ndarray] = {}
    observed, start = [], 0
    for movie, given, parts in zip(movies, conditions, blocks, strict=True):
        rows = []
        for block in parts:
            here = slice(start, start + block.n_cells)
            x[here, :width] = block.values
            for name, array in block.obsm.items():
                if name not in obsm:
                    obsm[name] = np.empty((n_cells, *array.shape[1:]), array.dtype)
                obsm[name][here] = array
            start = here.stop
            rows.append(block.obs)
        observed.append(identity(movie, given, _below_each_other(rows)))
    obs = pd.concat(observed)
    obs[keys.MOVIE] = pd.Categorical(obs[keys.MOVIE])
    if condition is not None:
        obs[keys.CONDITION] = pd.Categorical(obs[keys.CONDITION])
    else:
        obs = obs.drop(columns=keys.CONDITION)
    adata = AnnData(x)
    adata.obs, adata.var = obs, table
    for name, array in obsm.items():
        adata.obsm[name] = array
    shown = store.root(adata)
    adata.uns[keys.ROOT] = {**shown, keys.MOVIES: {m.name: _about(m) for m in movies}}
    tracks = extract.tracks(adata)
    adata.X[:, width:] = motility(
        adata.obsm[keys.SPATIAL], tracks.time, tracks.previous_row
    )
    adata.obsp[keys.LINEAGE] = lineage_graph(tracks)
    return adata


def check_movies(movies: Movie | Sequence[Movie]) -> list[Movie]:
    """Return the movies as a list, or say why they cannot be measured together."""
    movies = [movies] if isinstance(movies, Movie) else list(movies)
    if not movies:
        raise MovieError("expected at least one movie; found none.")
    for movie in movies:
        if movie.lineage is None:
            raise MovieError(
                f"movie {movie.name!r} is not linked; run movie = cs.pp.track(movie), "
                "or read it with tracks: cs.io.read_movie(..., tracks=...)."
            )
    names = [m.name for m in movies]
    if len(set(names)) < len(names):
        raise MovieError(
            f"movies need distinct names, for obs_names to be unique; found {names}. "
            "Use cs.io.read_movie(..., name=...)."
        )
    if len({m.channels for m in movies}) > 1:
        raise MovieError(
            f"movies need the same channels; found {[m.channels for m in movies]}."
        )
    return movies


def conditions_of(condition: str | Sequence[str] | None, n: int) -> list[str]:
    """Return one condition for each of n movies."""
    given = (
        [condition or ""] * n
        if condition is None or isinstance(condition, str)
        else list(condition)
    )
    if len(given) != n:
        raise ValueError(
            f"`condition` needs one name for each of {n} movies; found {given}."
        )
    return given


def _below_each_other(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def identity(
    movie: Movie, condition: str, columns: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Name the cells of a movie and give them their tracks."""
    obs = pd.DataFrame(columns)
    if obs.empty:
        raise MovieError(
            f"movie {movie.name!r} has no cell in any of its {movie.n_frames} frames; "
            "its masks hold only 0. Check that masks, not images, were given as masks."
        )
    lineage = movie.lineage.set_index(["frame", "label"])
    linked = lineage.loc[pd.MultiIndex.from_frame(obs[[keys.FRAME, keys.LABEL]])]
    obs[keys.TRACK] = linked["track"].to_numpy()
    obs[keys.PARENT_TRACK] = linked["parent_track"].to_numpy()
    obs[keys.TIME] = obs[keys.FRAME] * movie.frame_interval
    obs[keys.MOVIE] = movie.name
    obs[keys.CONDITION] = condition
    frame, label = obs[keys.FRAME].astype(str), obs[keys.LABEL].astype(str)
    obs.index = pd.Index(movie.name + ":" + frame + ":" + label, dtype=object)
    return obs


def _about(movie: Movie) -> dict[str, float | int]:
    return {
        "pixel_size": movie.pixel_size,
        "frame_interval": movie.frame_interval,
        "n_frames": movie.n_frames,
        "height": int(movie.images.shape[2]),
        "width": int(movie.images.shape[3]),
    }


def lineage_graph(tracks: Tracks) -> sparse.csr_matrix:
    """Return the lineage graph: parent row -> child row, two entries at a division."""
    before = np.where(
        tracks.previous_row >= 0, tracks.previous_row, tracks.mother_row()
    )
    child = np.flatnonzero(before >= 0)
    shape = (tracks.n_rows, tracks.n_rows)
    return sparse.csr_matrix((np.ones(child.size), (before[child], child)), shape)
