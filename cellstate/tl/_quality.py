"""A segmented and tracked movie against a reference."""

from collections.abc import Iterator

import numpy as np

from cellstate import tracks
from cellstate._base.errors import MovieError
from cellstate._base.progress import progress
from cellstate._movie import LINEAGE_COLUMNS, Movie
from cellstate.tracks import SegmentationQuality, TrackingQuality


def tracking_quality(
    found: Movie, truth: Movie, *, tolerance: int = 1
) -> TrackingQuality:
    """Score masks and tracks by the measures of the Cell Tracking Challenge, and F1.

    A found object covers a reference object if it holds more than half of it; a hit
    is a pair that is alone (`TrackingQuality` states every rule). Labels and track
    numbers need not agree.

    Parameters
    ----------
    found, truth
        Linked movies of the same frames. Of reference markers that are smaller than
        the cells, `seg` says nothing.
    tolerance
        Frames by which a division may be early or late.

    Returns
    -------
    TrackingQuality
        `seg`, `det`, `tra`; `detection_f1`, `link_f1`, `division_f1` with precision
        and recall (NaN where it would be 0 / 0); counts.

    Raises
    ------
    MovieError
        The shapes of the masks differ, or a movie is not linked.
    LineageError
        Lineage and masks of a movie name different objects.
    ValueError
        A negative label, no reference object, or a negative tolerance.

    References
    ----------
    Maska et al., Bioinformatics 30 (2014) 1609 (SEG); Matula et al., PLoS ONE 10
    (2015) e0144959 (DET, TRA and their weights).

    Examples
    --------
    >>> import cellstate as cs
    >>> with cs.settings.override(progress=False):
    ...     movie = cs.datasets.hela_h2b()
    ...     score = cs.tl.tracking_quality(cs.pp.track(movie), movie)
    >>> score.det, round(score.link_f1, 3), score.n_divisions_found
    (1.0, 0.995, 34)
    """
    _same_shape(found, truth)
    for name, movie in (("found", found), ("truth", truth)):
        if movie.lineage is None:
            raise MovieError(
                f"`found` and `truth` are linked; `{name}` (movie {movie.name!r}) is "
                "not. Link it with cs.pp.track(movie), or score the masks alone with "
                "cs.tl.segmentation_quality(found, truth)."
            )
    return tracks.tracking_quality(
        _frames(found),
        progress(_frames(truth), "comparing", truth.n_frames),
        *(movie.lineage[list(LINEAGE_COLUMNS)].to_numpy() for movie in (found, truth)),
        tolerance=tolerance,
    )


def segmentation_quality(found: Movie, truth: Movie) -> SegmentationQuality:
    """Score masks alone by SEG, DET and detection F1.

    Parameters
    ----------
    found, truth
        Movies of the same frames, linked or not.

    Returns
    -------
    SegmentationQuality
        `seg`, `det`, `detection_f1` with precision and recall; counts.

    Raises
    ------
    MovieError
        The shapes of the masks differ.
    ValueError
        A negative label, or no reference object.

    References
    ----------
    See `tracking_quality`.

    Examples
    --------
    >>> import cellstate as cs
    >>> with cs.settings.override(progress=False):
    ...     movie = cs.datasets.hela_h2b()
    ...     cs.tl.segmentation_quality(movie, movie).seg
    1.0
    """
    _same_shape(found, truth)
    return tracks.segmentation_quality(
        _frames(found), progress(_frames(truth), "comparing", truth.n_frames)
    )


def _frames(movie: Movie) -> Iterator[np.ndarray]:
    return (movie.labels(frame) for frame in range(movie.n_frames))


def _same_shape(found: Movie, truth: Movie) -> None:
    ours, theirs = tuple(found.masks.shape), tuple(truth.masks.shape)
    if ours != theirs:
        raise MovieError(
            f"`found` and `truth` have masks of one shape (T, Y, X); found {ours} in "
            f"movie {found.name!r} and {theirs} in movie {truth.name!r}. Give both the "
            "same frames and field of view."
        )
