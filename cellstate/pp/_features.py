"""Measure every cell of a movie, one frame in memory at a time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.errors import MovieError, listing
from cellstate._base.progress import progress
from cellstate._movie import Movie
from cellstate.morphology import feature_table as static_features
from cellstate.morphology import measure_frame, motility, motility_table
from cellstate.tracks import Tracks


def feature_table(channels: Sequence[str] = ("intensity",)) -> pd.DataFrame:
    """List every feature: name, family, unit, meaning, invariance.

    Examples
    --------
    >>> feature_table().loc["area", "unit"]
    'um2'
    """
    listed = [*static_features(channels), *motility_table()]
    table = pd.DataFrame(
        {
            keys.FAMILY: [f.family for f in listed],
            keys.UNIT: [f.unit for f in listed],
            keys.MEANING: [f.meaning for f in listed],
            keys.INVARIANT: [f.invariant for f in listed],
        },
        index=pd.Index([f.name for f in listed], dtype=object),
    )
    return table


def features(
    movies: Movie | Sequence[Movie], *, condition: str | Sequence[str] | None = None
) -> AnnData:
    """Measure size, contour, Fourier modes, intensity, texture, polarity, motion.

    Parameters
    ----------
    movies
        One linked movie or several with the same channels.
    condition
        Written to obs["condition"], one for all or one per movie.

    Returns
    -------
    AnnData
        One row per cell and frame, named ``movie:frame:label``; X in raw units,
        `var` with family, unit and meaning; obs with identity, obsm["spatial"] in
        um, obsp["lineage"]. Cells of a label that the lineage does not name are
        left out with an error, not silently.

    Raises
    ------
    MovieError
        A movie is not linked, names are repeated, channels differ, or lineage and
        masks name different objects.

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
    movies = [movies] if isinstance(movies, Movie) else list(movies)
    _check_movies(movies)
    conditions = _conditions(condition, len(movies))
    parts = [
        _measure(movie, given) for movie, given in zip(movies, conditions, strict=True)
    ]
    obs = pd.concat([p[0] for p in parts])
    values = np.concatenate([p[1] for p in parts])
    spatial = np.concatenate([p[2] for p in parts])
    obs[keys.MOVIE] = pd.Categorical(obs[keys.MOVIE])
    if condition is not None:
        obs[keys.CONDITION] = pd.Categorical(obs[keys.CONDITION])
    else:
        obs = obs.drop(columns=keys.CONDITION)
    table = feature_table(movies[0].channels)
    width = len(table) - len(motility_table())
    adata = AnnData(
        np.hstack([values, np.full((len(obs), len(table) - width), np.nan)])
    )
    adata.obs, adata.var = obs, table
    adata.obsm[keys.SPATIAL] = spatial
    shown = store.root(adata)
    adata.uns[keys.ROOT] = {**shown, keys.MOVIES: {m.name: _about(m) for m in movies}}
    tracks = extract.tracks(adata)
    adata.X[:, width:] = motility(spatial, tracks.time, tracks.previous_row)
    adata.obsp[keys.LINEAGE] = _edges(tracks)
    return adata


def _measure(
    movie: Movie, condition: str
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    lineage = movie.lineage.set_index(["frame", "label"])
    by_frame = dict(list(movie.lineage.groupby("frame")["label"]))
    tables, values, centroids = [], [], []
    for frame in progress(range(movie.n_frames), f"measuring {movie.name}"):
        found = measure_frame(
            movie.image(frame),
            movie.labels(frame),
            pixel_size=movie.pixel_size,
            channels=movie.channels,
        )
        _same_objects(movie, frame, found.label, by_frame.get(frame))
        tables.append(
            pd.DataFrame(
                {
                    keys.FRAME: frame,
                    keys.LABEL: found.label,
                    keys.TOUCHES_BORDER: found.touches_border,
                    keys.N_COMPONENTS: found.n_components,
                }
            )
        )
        values.append(found.values)
        centroids.append(found.centroid)
    obs = pd.concat(tables, ignore_index=True)
    if obs.empty:
        raise MovieError(
            f"movie {movie.name!r} has no cell in any of its {movie.n_frames} frames; "
            "its masks hold only 0. Check that masks, not images, were given as masks."
        )
    linked = lineage.loc[pd.MultiIndex.from_frame(obs[[keys.FRAME, keys.LABEL]])]
    obs[keys.TRACK] = linked["track"].to_numpy()
    obs[keys.PARENT_TRACK] = linked["parent_track"].to_numpy()
    obs[keys.TIME] = obs[keys.FRAME] * movie.frame_interval
    obs[keys.MOVIE] = movie.name
    obs[keys.CONDITION] = condition
    frame, label = obs[keys.FRAME].astype(str), obs[keys.LABEL].astype(str)
    obs.index = pd.Index(movie.name + ":" + frame + ":" + label, dtype=object)
    return obs, np.concatenate(values), np.concatenate(centroids)


def _same_objects(
    movie: Movie, frame: int, seen: np.ndarray, named: pd.Series | None
) -> None:
    named = np.zeros(0, np.int64) if named is None else named.to_numpy()
    missing, extra = np.setdiff1d(named, seen), np.setdiff1d(seen, named)
    if missing.size or extra.size:
        raise MovieError(
            f"lineage and masks of movie {movie.name!r} name the same objects; in "
            f"frame {frame} the lineage names {missing.size} labels that the masks do "
            f"not have {listing(missing)}, and the masks have {extra.size} that the "
            f"lineage does not name {listing(extra)}. Link again: cs.pp.track(movie)."
        )


def _check_movies(movies: list[Movie]) -> None:
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


def _conditions(condition: str | Sequence[str] | None, n: int) -> list[str]:
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


def _about(movie: Movie) -> dict[str, float | int]:
    return {
        "pixel_size": movie.pixel_size,
        "frame_interval": movie.frame_interval,
        "n_frames": movie.n_frames,
        "height": int(movie.images.shape[2]),
        "width": int(movie.images.shape[3]),
    }


def _edges(tracks: Tracks) -> sparse.csr_matrix:
    """Return the lineage graph: parent row -> child row, two entries at a division."""
    before = np.where(
        tracks.previous_row >= 0, tracks.previous_row, tracks.mother_row()
    )
    child = np.flatnonzero(before >= 0)
    shape = (tracks.n_rows, tracks.n_rows)
    return sparse.csr_matrix((np.ones(child.size), (before[child], child)), shape)
