"""What the functions of this package are given, checked once."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.checks import matrix, positive, row_mask
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """States (n, d), tracks, masks of A and B, committors (n,), hours per frame."""

    x: np.ndarray
    tracks: Tracks
    source: np.ndarray
    target: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    interval: float


def given(
    x: np.ndarray,
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    frame_interval: float,
) -> Given:
    """Check shapes and the frame interval."""
    n = tracks.n_rows
    x = matrix(x, "x")
    forward, backward = np.asarray(forward, float), np.asarray(backward, float)
    for name, values in (("x", x), ("forward", forward), ("backward", backward)):
        if len(values) != n or values.ndim != (2 if name == "x" else 1):
            raise ValueError(
                f"`{name}` must have one row for each of the {n} rows of the tracks; "
                f"found shape {values.shape}. Pass what belongs to these tracks."
            )
    return Given(
        x=x,
        tracks=tracks,
        source=row_mask(source, n, "source"),
        target=row_mask(target, n, "target"),
        forward=forward,
        backward=backward,
        interval=positive(frame_interval, "frame_interval", "h", "frame_interval=0.25"),
    )
