"""Coordinates that remember longest: variational (VAMP) and time-lagged (TICA)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, matrix, positive
from cellstate._base.results import Result
from cellstate.statespace._lagged import LaggedMoments, lagged_moments, lagged_rows
from cellstate.tracks import Tracks

# Directions whose variance is below this share of the largest are left out.
FLATTEST = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class SlowModes(Result):
    """Linear coordinates by how well they predict the state a lag later.

    Attributes
    ----------
    method
        "vamp": any motion, singular functions; "tica": motion in equilibrium (detailed
        balance), eigenfunctions.
    mean
        Of the states, (p,).
    directions
        Columns of `transform`, of unit variance over the fitted pairs, (p, k).
    values
        Correlation over the lag of each with its best partner a lag later ("vamp", 0
        to 1), or with itself ("tica", -1 to 1), falling, (k,).
    later_mean, later_directions
        The same of the partners, (p,) and (p, k).
    lag
        Hours.
    n_pairs
        Pairs of states that were fitted.
    """

    kind: ClassVar[str] = "slow_modes"
    method: str
    mean: np.ndarray
    directions: np.ndarray
    values: np.ndarray
    later_mean: np.ndarray
    later_directions: np.ndarray
    lag: float
    n_pairs: int

    @property
    def timescales(self) -> np.ndarray:
        """Implied timescales ``-lag / ln |value|`` in h, (k,); 0 for a value of 0."""
        size = np.clip(np.abs(self.values), 1e-300, 1 - 1e-15)
        return -self.lag / np.log(size)

    def transform(self, x: ArrayLike) -> np.ndarray:
        """Map states (n, p) to coordinates (n, k); rows with NaN stay NaN.

        Each has the variance value^2 over the fitted pairs, so that distances are
        those of what is remembered after the lag (kinetic distances).
        """
        x = matrix(x, "x")
        if x.shape[1] != len(self.mean):
            raise ValueError(
                f"these modes are of {len(self.mean)} coordinates; found "
                f"{x.shape[1]}. Use the basis that they were fitted in."
            )
        return (x - self.mean) @ self.directions * np.abs(self.values)

    def first(self, n_components: int) -> "SlowModes":
        """Keep the first modes."""
        kept = slice(integer(n_components, "n_components", 1))
        return SlowModes(
            method=self.method,
            mean=self.mean,
            directions=self.directions[:, kept],
            values=self.values[kept],
            later_mean=self.later_mean,
            later_directions=self.later_directions[:, kept],
            lag=self.lag,
            n_pairs=self.n_pairs,
        )


def fit_vamp(
    x: ArrayLike, tracks: Tracks, *, lag_frames: int = 1, frame_interval: float
) -> SlowModes:
    """Singular functions of the motion over a lag: no equilibrium is assumed.

    Parameters
    ----------
    x
        States, shape (n, p); rows may be NaN.
    tracks
        Tracks with n rows.
    lag_frames
        Frames between the two states of a pair.
    frame_interval
        Hours.

    Raises
    ------
    ValueError
        Fewer than 2 (p + 1) pairs, or nothing varies.

    References
    ----------
    Wu and Noe, J. Nonlinear Sci. 30, 23 (2020); kinetic map: Noe and Clementi,
    J. Chem. Theory Comput. 11, 5002 (2015).

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 9, frame=range(9), time=range(9))
    >>> x = 0.5 ** np.arange(9.0)[:, None]  # halves in every frame
    >>> fit_vamp(x, tracks, frame_interval=1.0).values.round(6)
    array([1.])
    """
    moments, lag = _moments(x, tracks, lag_frames, frame_interval)
    return vamp_of(moments, lag)


def fit_tica(
    x: ArrayLike, tracks: Tracks, *, lag_frames: int = 1, frame_interval: float
) -> SlowModes:
    """Eigenfunctions of the motion over a lag, taken to be in equilibrium.

    Pairs count in either direction of time. Where motion is not reversible (a
    rotation, cells that all began in one state) use `fit_vamp`. Parameters, errors
    and shapes are those of `fit_vamp`.

    References
    ----------
    Perez-Hernandez et al., J. Chem. Phys. 139, 015102 (2013).

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 8, frame=range(8), time=range(8))
    >>> x = np.array([1.0, 1, 1, 1, -1, -1, -1, -1])[:, None]
    >>> fit_tica(x, tracks, frame_interval=1.0).values.round(3)  # one switch in seven
    array([0.714])
    """
    moments, lag = _moments(x, tracks, lag_frames, frame_interval)
    return tica_of(moments, lag)


def vamp_of(moments: LaggedMoments, lag: float) -> SlowModes:
    """As `fit_vamp`, of moments; `lag` in h."""
    x_mean, y_mean = moments.means
    xx, xy, yy = moments.about(x_mean, y_mean)
    white_x, white_y = _whitening(xx), _whitening(yy)
    left, values, right = np.linalg.svd(white_x.T @ xy @ white_y, full_matrices=False)
    return SlowModes(
        method="vamp",
        mean=x_mean,
        directions=_signed(white_x @ left),
        values=np.minimum(values, 1.0),
        later_mean=y_mean,
        later_directions=white_y @ right.T * _signs(white_x @ left),
        lag=lag,
        n_pairs=int(moments.count.sum()),
    )


def tica_of(moments: LaggedMoments, lag: float) -> SlowModes:
    """As `fit_tica`, of moments; `lag` in h."""
    mean = np.mean(moments.means, axis=0)
    xx, xy, yy = moments.about(mean, mean)
    white = _whitening((xx + yy) / 2)
    values, vectors = np.linalg.eigh(white.T @ ((xy + xy.T) / 2) @ white)
    order = np.argsort(-values)
    directions = _signed(white @ vectors[:, order])
    return SlowModes(
        method="tica",
        mean=mean,
        directions=directions,
        values=np.clip(values[order], -1.0, 1.0),
        later_mean=mean,
        later_directions=directions,
        lag=lag,
        n_pairs=int(moments.count.sum()),
    )


def _moments(x: ArrayLike, tracks: Tracks, lag_frames: int, frame_interval: float):
    x = matrix(x, "x")
    frames = integer(lag_frames, "lag_frames", 1)
    hours = frames * positive(frame_interval, "frame_interval", "h", "0.25")
    first, second = lagged_rows(x, tracks, frames)
    check_pairs(len(first), x.shape[1], hours)
    return lagged_moments(x, first, second, np.zeros(len(first), np.int64)), hours


def check_pairs(n_pairs: int, p: int, lag: float) -> None:
    """Refuse fewer pairs than make covariances of p coordinates."""
    if n_pairs < 2 * (p + 1):
        raise ValueError(
            f"slow modes of {p} coordinates need at least {2 * (p + 1)} pairs of "
            f"states {lag:g} h apart; found {n_pairs}. Shorten the lag, follow more "
            f"cells, or use fewer coordinates: cs.tl.embed(adata, n_components=...)."
        )


def _whitening(covariance: np.ndarray) -> np.ndarray:
    """W (p, r) with ``W' C W = 1``, on the directions that vary."""
    # Units must not decide what is flat: scale to unit variances first.
    size = np.sqrt(np.maximum(np.diag(covariance), 0))
    scale = np.where(size > 0, 1 / np.where(size > 0, size, 1), 0)
    values, vectors = np.linalg.eigh(covariance * np.outer(scale, scale))
    kept = values > FLATTEST * max(values[-1], 0)
    if not (kept & (values > 0)).any():
        raise ValueError(
            "slow modes need coordinates that vary; found none among "
            f"{len(covariance)}. Check the basis: cs.pl.state_space(adata)."
        )
    return scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])


def _signs(directions: np.ndarray) -> np.ndarray:
    """Signs that make the largest weight of each direction positive."""
    largest = np.abs(directions).argmax(axis=0)
    signs = np.sign(directions[largest, np.arange(directions.shape[1])])
    return np.where(signs == 0, 1.0, signs)


def _signed(directions: np.ndarray) -> np.ndarray:
    return directions * _signs(directions)
