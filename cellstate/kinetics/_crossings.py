"""Visits to A and B that lie between two frames, where no picture shows them."""

import numpy as np
from scipy.linalg import eigh
from scipy.spatial import KDTree

from cellstate.kinetics._stopping import Crossings
from cellstate.tracks import Tracks

# A bridge whose ends are further away than this many standard deviations of a step
# does not reach the set (chance below 1e-7).
REACH = 4.0
# A diffusion below this share of the largest is rounding.
FLATTEST = 1e-6


def hidden_crossings(
    x: np.ndarray,
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    frame_interval: float,
) -> Crossings:
    r"""Chance that a set was entered and left again between a row and the next.

    A Brownian bridge between two states at distances d_0 and d_1 from a flat edge
    crosses it with chance exp(-d_0 d_1 / (D dt)). Distances are to the nearest row
    inside the set, measured in units in which the diffusion is the same in all
    directions; see `increment_diffusion`.

    Parameters
    ----------
    x
        States, shape (n, d); rows may be NaN.
    tracks
        Tracks with the same n rows.
    source, target
        Boolean masks (n,) of A and B.
    frame_interval
        Hours between frames.

    Notes
    -----
    Drift and curvature of the edge within a step are left out, and the diffusion is
    taken to be the same everywhere. The chance is too large where a step is longer
    than the set is wide.

    References
    ----------
    Gobet, Stoch. Proc. Appl. 87 (2000) 167 (killed diffusions between observations).
    """
    diffusion = increment_diffusion(x, tracks, frame_interval)
    values, vectors = eigh(diffusion)
    if values.max() <= 0:
        raise ValueError(
            "no diffusion can be measured from the increments of these tracks: the "
            f"largest estimate is {values.max():.3g} per h. Measurement noise may hide "
            "it; leave out the crossings between frames."
        )
    values = np.maximum(values, FLATTEST * values.max())
    y = (x @ vectors) / np.sqrt(values)
    return Crossings(
        source=_chance(y, tracks, source, frame_interval),
        target=_chance(y, tracks, target, frame_interval),
    )


def increment_diffusion(
    x: np.ndarray, tracks: Tracks, frame_interval: float
) -> np.ndarray:
    """Diffusion matrix (d, d) per h, free of measurement noise and of the drift.

    The mean squares of increments over k = 1, 2, 3 frames are taken as
    ``2 noise + 2 D k dt + curvature k^2``: noise and the drift's pull fall out.
    """
    squares, row = [], np.arange(tracks.n_rows)
    for _ in range(3):
        row = np.where(row >= 0, tracks.next_row[row], -1)
        going = row >= 0
        step = x[row[going]] - x[going]
        step = step[np.isfinite(step).all(axis=1)]
        if not len(step):
            raise ValueError(
                "the diffusion needs tracks of at least 4 frames without a gap; found "
                f"{tracks.n_tracks} tracks that are shorter."
            )
        squares.append(step.T @ step / len(step))
    one, two, three = squares
    return (-5 * one + 8 * two - 3 * three) / (4 * frame_interval)


def _chance(
    y: np.ndarray, tracks: Tracks, inside: np.ndarray, interval: float
) -> np.ndarray:
    known = np.isfinite(y).all(axis=1)
    chance = np.zeros(len(y))
    if not (inside & known).any():
        return chance
    tree = KDTree(y[inside & known])
    reach = REACH * np.sqrt(2 * interval)
    distance = np.full(len(y), np.inf)
    asked = np.flatnonzero(known & ~inside)
    distance[asked] = tree.query(y[asked], distance_upper_bound=reach, workers=-1)[0]
    first = np.flatnonzero((tracks.next_row >= 0) & np.isfinite(distance))
    second = tracks.next_row[first]
    both = np.isfinite(distance[second]) & ~inside[second]
    first, second = first[both], second[both]
    chance[first] = np.exp(-distance[first] * distance[second] / interval)
    return chance
