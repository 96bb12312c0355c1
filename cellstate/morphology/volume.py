"""Size, moments, surface modes and intensity of cells in three dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate.morphology._block import over
from cellstate.morphology._feature import PER_PIXEL, Feature
from cellstate.morphology._table import checked_channels
from cellstate.morphology._voxels import Voxels, solid_moments
from cellstate.morphology.harmonics import HIGHEST
from cellstate.morphology.surface import surface

SOLID = (
    Feature("volume", "um3", "size", "of all voxels"),
    Feature("equivalent_diameter", "um", "size", "of the ball of same volume"),
    Feature("surface_area", "um2", "size", "of the smoothed mask, marching cubes"),
    Feature("long_axis", "um", "size", "of the ellipsoid of moments"),
    Feature("middle_axis", "um", "size", "of the ellipsoid of moments"),
    Feature("short_axis", "um", "size", "of the ellipsoid of moments"),
    Feature(
        "sphericity", "1", "contour", "surface of the ball over surface; 1 if round"
    ),
    Feature("elongation", "1", "contour", "long over middle axis"),
    Feature("flatness", "1", "contour", "middle over short axis"),
    *(
        Feature(f"harmonic_{k}", "1", "fourier", f"rms of degree {k} over mean radius")
        for k in range(1, HIGHEST + 1)
    ),
)
LIGHT = (
    Feature("mean_intensity", "intensity", "intensity", "mean, raw"),
    Feature("sd_intensity", "intensity", "intensity", "standard deviation"),
    Feature("min_intensity", "intensity", "intensity", "minimum, raw"),
    Feature("max_intensity", "intensity", "intensity", "maximum, raw"),
    Feature("mean_signal", "intensity", "intensity", "mean above frame background"),
    Feature(
        "integrated_intensity", "intensity", "intensity", "signal, summed", PER_PIXEL
    ),
    Feature("cv", "1", "intensity", "standard deviation over mean signal"),
    Feature("offset", "um", "polarity", "centroid of mask to centroid of signal"),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class VolumeMeasurement:
    """Features of the n cells of a stack, by ascending label; read-only arrays."""

    label: np.ndarray  # (n,) int64
    centroid: np.ndarray  # (n, 3) x, y, z in um
    bbox: np.ndarray  # (n, 6) z0, y0, x0, z1, y1, x1 in voxels, the end excluded
    touches_border: np.ndarray  # (n,) bool, any of the six faces
    n_components: np.ndarray  # (n,) int64, voxels that share a corner are connected
    values: np.ndarray  # (n, p) float64, NaN where undefined
    names: tuple[str, ...]  # (p,)
    background: np.ndarray  # (C,) subtracted to get the signal

    def __post_init__(self):
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False


def volume_table(channels: Sequence[str]) -> tuple[Feature, ...]:
    """Features of `measure_volume`, in column order.

    Examples
    --------
    >>> [f.name for f in volume_table(["H2B"])][::8]
    ['volume', 'flatness', 'sd_intensity_H2B']
    """
    names = checked_channels(channels)
    return SOLID + tuple(f.of_channel(name) for name in names for f in LIGHT)


def measure_volume(
    image: ArrayLike | None,
    labels: ArrayLike,
    *,
    pixel_size: float,
    z_step: float,
    channels: Sequence[str] = (),
    background: ArrayLike | None = None,
) -> VolumeMeasurement:
    """Features of every cell of one three-dimensional stack.

    Parameters
    ----------
    image
        Picture, shape (C, Z, Y, X), or None for the features of the masks alone.
        A cell with a voxel that is not finite has NaN in that channel.
    labels
        Integer mask, shape (Z, Y, X); 0 is background, any gaps are allowed.
    pixel_size
        Micrometres per voxel along x and y.
    z_step
        Micrometres between planes.
    channels
        Names of the C channels.
    background
        Background of each channel, shape (C,). None takes the median of the
        finite voxels outside all masks.

    Returns
    -------
    VolumeMeasurement
        `values` of shape (n, p) with columns as in `volume_table(channels)`.

    Raises
    ------
    ValueError
        If shapes disagree, labels are not integers or are negative, or a size
        is not positive.

    Notes
    -----
    Axes are those of the ellipsoid with the covariance of the solid voxels, each
    of variance size^2 / 12. Surface and harmonics belong to the mask blurred by
    one voxel, at level 1/2, of the largest piece; both need a cell of about 6
    voxels across, and the harmonics that the outer surface is seen from the
    centroid.

    Examples
    --------
    >>> labels = np.zeros((6, 9, 9), int)
    >>> labels[2:4, 2:6, 2:8] = 3
    >>> cells = measure_volume(None, labels, pixel_size=0.5, z_step=2.0)
    >>> cells.label, cells.centroid
    (array([3]), array([[2.25, 1.75, 5.  ]]))
    >>> float(cells.values[0, cells.names.index("volume")])
    24.0
    """
    labels = np.ascontiguousarray(labels)
    table = volume_table(channels)
    planes = np.zeros((0, *labels.shape)) if image is None else np.asarray(image)
    _check(planes, labels, len(channels), pixel_size=pixel_size, z_step=z_step)
    spacing = np.array([z_step, pixel_size, pixel_size], float)
    cells = Voxels.of(labels)
    with np.errstate(all="ignore"):  # what is undefined becomes NaN at the end
        moments = solid_moments(cells, spacing)
        surfaces = [surface(cells, k, spacing) for k in range(cells.n)]
        area, modes, pieces = (
            map(np.array, zip(*surfaces, strict=True))
            if surfaces
            else (
                np.zeros(0),
                np.zeros((0, HIGHEST)),
                np.zeros(0, int),
            )
        )
        columns = [
            moments["volume"],
            np.cbrt(6 * moments["volume"] / np.pi),
            area,
            *moments["axes"].T,
            np.cbrt(36 * np.pi * moments["volume"] ** 2) / area,
            over(moments["axes"][:, 0], moments["axes"][:, 1]),
            over(moments["axes"][:, 1], moments["axes"][:, 2]),
            *modes.T,
        ]
        levels = _backgrounds(planes, labels, background)
        for plane, level in zip(planes, levels, strict=True):
            columns += _light(cells, plane, level, spacing)
        values = np.stack(columns, axis=1)
        values[~np.isfinite(values)] = np.nan
    return VolumeMeasurement(
        label=cells.label,
        centroid=(moments["centroid"] * spacing)[:, ::-1].copy(),
        bbox=cells.box,
        touches_border=(cells.box[:, :3] == 0).any(axis=1)
        | (cells.box[:, 3:] == labels.shape).any(axis=1),
        n_components=pieces,
        values=values,
        names=tuple(feature.name for feature in table),
        background=levels,
    )


def _light(
    cells: Voxels, plane: np.ndarray, level: float, spacing: np.ndarray
) -> list[np.ndarray]:
    """Features `LIGHT` of one channel."""
    values = plane.ravel()[cells.place].astype(np.float64)
    mean = cells.mean(values)
    sd = np.sqrt(cells.mean((values - cells.spread(mean)) ** 2))
    low, high = (
        f.reduceat(values, cells.start) if cells.n else np.zeros(0)
        for f in (np.minimum, np.maximum)
    )
    weight = np.maximum(values - level, 0)
    total = cells.sum(weight)[:, None]
    centre = over(cells.sum(weight[:, None] * cells.position), total)
    offset = (centre - cells.mean(cells.position.astype(float))) * spacing
    signal = mean - level
    return [
        mean,
        sd,
        low,
        high,
        signal,
        signal * cells.count,
        over(sd, signal),
        np.linalg.norm(offset, axis=1),
    ]


def _backgrounds(
    planes: np.ndarray, labels: np.ndarray, known: ArrayLike | None
) -> np.ndarray:
    if known is not None:
        levels = np.asarray(known, np.float64)
        if levels.shape != (len(planes),):
            raise ValueError(
                f"`background` must have one value for each of {len(planes)} channels; "
                f"found shape {levels.shape}."
            )
        return levels
    free = [plane[(labels == 0) & np.isfinite(plane)] for plane in planes]
    return np.array([np.median(values) if values.size else np.nan for values in free])


def _check(
    image: np.ndarray, labels: np.ndarray, channels: int, **sizes: float
) -> None:
    if labels.ndim != 3 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"`labels` must be integers of shape (Z, Y, X); found {labels.dtype} of "
            f"shape {labels.shape}. One plane is measured by measure_frame."
        )
    if image.shape != (channels, *labels.shape):
        raise ValueError(
            f"`image` must have shape {(channels, *labels.shape)}, one stack per "
            f"channel on the grid of the labels; found {image.shape}."
        )
    if labels.size and labels.min() < 0:
        raise ValueError(f"labels must not be negative; found {labels.min()}.")
    for name, size in sizes.items():
        if not (np.isfinite(size) and size > 0):
            raise ValueError(f"`{name}` must be positive, in um; found {size}.")
