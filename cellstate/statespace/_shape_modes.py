"""Shape modes: principal components of outlines, whichever way cells are turned."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer
from cellstate._base.results import Result

ROUNDS = 50  # of alignment to the mean outline; it settles within about ten
SETTLED = 1e-10


@dataclass(frozen=True, eq=False, kw_only=True)
class ShapeModes(Result):
    """Mean outline and its modes of variation, for outlines of unit area.

    Attributes
    ----------
    mean
        Mean outline, x and y, (m, 2); lengths in radii of the disc of the same area.
    modes
        Orthonormal modes, (k, m, 2).
    variance
        Variance of the outline along each mode, falling, (k,).
    total_variance
        Of the outlines about their mean, all modes together.
    mirrored
        Whether an outline and its mirror image count as one shape.
    n_outlines
        Outlines that were fitted.
    """

    kind: ClassVar[str] = "shape_modes"
    mean: np.ndarray
    modes: np.ndarray
    variance: np.ndarray
    total_variance: float
    mirrored: bool
    n_outlines: int

    @property
    def explained(self) -> np.ndarray:
        """Share of the outlines' variance that the first 1 .. k modes hold, (k,)."""
        return np.cumsum(self.variance) / self.total_variance

    def align(self, outlines: ArrayLike) -> np.ndarray:
        """Move, turn and scale outlines (n, m, 2) onto the mean; NaN rows stay NaN."""
        z = _unit_area(_checked(outlines, len(self.mean)))
        return _pairs(_onto(z, _complex(self.mean), self.mirrored))

    def transform(self, outlines: ArrayLike) -> np.ndarray:
        """Scores of outlines (n, m, 2) along the modes, (n, k)."""
        off = (self.align(outlines) - self.mean).reshape(len(outlines), -1)
        return off @ self.modes.reshape(len(self.modes), -1).T

    def reconstruct(self, scores: ArrayLike) -> np.ndarray:
        """Outlines (n, m, 2) of scores (n, k'), aligned to the mean; k' <= k."""
        scores = np.asarray(scores, dtype=float)
        return self.mean + np.tensordot(scores, self.modes[: scores.shape[1]], axes=1)


def fit_shape_modes(
    outlines: ArrayLike, n_components: int = 12, *, mirrored: bool = True
) -> ShapeModes:
    """Fit shape modes to outlines that are free to turn and to begin anywhere.

    Each outline is centred, scaled to the area of the unit disc, and turned, with the
    start point moved along, to lie on the mean outline (least squares), which is then
    taken anew.

    Parameters
    ----------
    outlines
        Points at equal arc length, in either sense of rotation, shape (n, m, 2);
        rows with NaN are left out. `cs.morphology.contour_points` makes them.
    n_components
        Modes; fewer when there are fewer outlines.
    mirrored
        Take an outline and its mirror image for one shape, as a cell that is turned
        over. False keeps them apart, to see handedness.

    Raises
    ------
    ValueError
        Other shapes, fewer than three outlines, outlines without area.

    References
    ----------
    Generalised Procrustes analysis: Gower, Psychometrika 40, 33 (1975); modes of cell
    shape: Pincus and Theriot, J. Microsc. 227, 140 (2007).

    Examples
    --------
    Ellipses of area pi, turned at random: one mode.

    >>> rng, t = np.random.default_rng(0), 2 * np.pi * np.arange(64) / 64
    >>> axis = np.exp(0.1 * rng.normal(size=200))[:, None]
    >>> z = (axis * np.cos(t) + 1j * np.sin(t) / axis)
    >>> z *= np.exp(2j * np.pi * rng.random((200, 1)))
    >>> fit_shape_modes(np.stack([z.real, z.imag], -1), 2).explained.round(2)
    array([1., 1.])
    """
    outlines = _checked(outlines)
    known = np.isfinite(outlines).all(axis=(1, 2))
    if known.sum() < 3:
        raise ValueError(
            f"shape modes need at least 3 outlines; found {int(known.sum())} without "
            f"NaN among {len(outlines)}."
        )
    z = _unit_area(outlines[known])
    modes = np.abs(np.fft.fft(z, axis=1))
    # Begin with an outline of middling length: a round one can be turned anyhow.
    mean = z[np.argsort(modes[:, -1] / modes[:, 1], kind="stable")[len(z) // 2]]
    for _ in range(ROUNDS):
        z = _onto(z, mean, mirrored)
        before, mean = mean, z.mean(axis=0)
        if np.abs(mean - before).max() < SETTLED:
            break
    off = _pairs(z - mean).reshape(len(z), -1)
    _, size, modes = np.linalg.svd(off, full_matrices=False)
    kept = min(integer(n_components, "n_components", 1), len(z) - 1, len(size))
    largest = np.abs(modes[:kept]).argmax(axis=1)
    modes = modes[:kept] * np.sign(modes[np.arange(kept), largest])[:, None]
    return ShapeModes(
        mean=_pairs(mean),
        modes=modes.reshape(kept, -1, 2),
        variance=size[:kept] ** 2 / (len(z) - 1),
        total_variance=float((size**2).sum() / (len(z) - 1)),
        mirrored=bool(mirrored),
        n_outlines=len(z),
    )


def _checked(outlines: ArrayLike, points: int | None = None) -> np.ndarray:
    outlines = np.asarray(outlines, dtype=float)
    right = outlines.ndim == 3 and outlines.shape[2] == 2 and outlines.shape[1] >= 8
    if not right or (points is not None and outlines.shape[1] != points):
        wanted = f"(n, {points}, 2)" if points else "(n, m, 2) with m >= 8 points"
        raise ValueError(
            f"`outlines` must have shape {wanted}; found {outlines.shape}. "
            "cs.morphology.contour_points(labels, pixel_size=...) makes them."
        )
    return outlines


def _complex(outlines: np.ndarray) -> np.ndarray:
    return outlines[..., 0] + 1j * outlines[..., 1]


def _pairs(z: np.ndarray) -> np.ndarray:
    return np.stack([z.real, z.imag], axis=-1)


def _unit_area(outlines: np.ndarray) -> np.ndarray:
    """Centre, scale to area pi, go round anticlockwise; complex, (n, m)."""
    z = _complex(outlines)
    z = z - z.mean(axis=1, keepdims=True)
    area = np.imag(np.conj(z) * np.roll(z, -1, axis=1)).sum(axis=1) / 2
    z = np.where((area < 0)[:, None], z[:, ::-1], z)
    flat = np.flatnonzero(area == 0)
    if flat.size:
        raise ValueError(
            f"outlines enclose an area; found {flat.size} that do not, the first in "
            f"row {flat[0]}. Leave out cells of a few pixels: cs.pp.qc(adata)."
        )
    return z * np.sqrt(np.pi / np.abs(area))[:, None]


def _onto(z: np.ndarray, mean: np.ndarray, mirrored: bool) -> np.ndarray:
    """Turn each outline, and move its start point, to lie closest to the mean."""
    turned, fit = _turned(z, mean)
    if not mirrored:
        return turned
    flipped, flipped_fit = _turned(np.conj(z[:, ::-1]), mean)
    return np.where((flipped_fit > fit)[:, None], flipped, turned)


def _turned(z: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outlines (n, m) in the best pose, and how well they overlap the mean, (n,)."""
    # Sum over points j of z[j + s] conj(mean[j]), for every shift s at once.
    overlap = np.fft.ifft(np.conj(np.fft.fft(mean)) * np.fft.fft(z, axis=1), axis=1)
    shift = np.abs(np.nan_to_num(overlap)).argmax(axis=1)
    rows = np.arange(len(z))
    best = overlap[rows, shift]
    turn = np.exp(-1j * np.angle(best))[:, None]
    places = (np.arange(len(mean)) + shift[:, None]) % len(mean)
    return z[rows[:, None], places] * turn, np.abs(best)
