"""All features of all cells of one frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from cellstate.morphology._block import Block, split_cells
from cellstate.morphology._channel import Channel, Plane
from cellstate.morphology._feature import LENGTH_POWER
from cellstate.morphology._surroundings import Surroundings
from cellstate.morphology._table import GEOMETRY, PER_CHANNEL, feature_table
from cellstate.morphology.contours import find_cracks, shape_contour, trace
from cellstate.morphology.depth import depth_rank
from cellstate.morphology.fourier import (
    alignments,
    coefficients,
    mode_magnitudes,
    shape_curvature,
)
from cellstate.morphology.hull import shape_hull
from cellstate.morphology.intensity import Zones, bright_shape, intensity_level, radial
from cellstate.morphology.moments import ellipse, shape_moments
from cellstate.morphology.neighbours import CROWD, contact, crowd
from cellstate.morphology.points import N_POINTS, sample
from cellstate.morphology.polarity import (
    HIGHEST,
    Waves,
    boundary_modes,
    boundary_polarity,
    signal_modes,
    signal_polarity,
)
from cellstate.morphology.texture import smooth_mask, texture


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameMeasurement:
    """Features of the n cells of a frame, by ascending label; read-only arrays."""

    label: np.ndarray  # (n,) int64
    centroid: np.ndarray  # (n, 2) x, y in um
    bbox: np.ndarray  # (n, 4) y0, x0, y1, x1 in px, the end excluded
    touches_border: np.ndarray  # (n,) bool
    n_components: np.ndarray  # (n,) int64
    outline: np.ndarray  # (n, 64, 2) x, y in um from the centroid, clockwise on screen
    modes: np.ndarray  # (n, 1 + C, 3) complex: a_1..a_3 of the outline, each channel
    values: np.ndarray  # (n, p) float64, NaN where undefined
    names: tuple[str, ...]  # (p,)
    background: np.ndarray  # (C,) subtracted to get the signal

    def __post_init__(self):
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False


def measure_frame(
    image: ArrayLike,
    labels: ArrayLike,
    *,
    pixel_size: float,
    channels: Sequence[str],
    background: ArrayLike | None = None,
) -> FrameMeasurement:
    """Static features of every cell of one frame.

    `mean_intensity`, `min_`, `max_`, `median_` and `sd_intensity` are of the
    raw picture, as in scikit-image. Features called signal, sums, ratios,
    weighted shapes and modes use the picture minus the background of the frame:
    a camera offset would otherwise pass for light.

    Parameters
    ----------
    image
        Picture, shape (C, Y, X). A cell with a pixel that is not finite has NaN
        in all features of that channel.
    labels
        Integer mask, shape (Y, X); 0 is background, any gaps are allowed.
    pixel_size
        Micrometres per pixel.
    channels
        Names of the C channels.
    background
        Background of each channel, shape (C,). None takes the median of the
        finite pixels outside all masks; if there are none, features of the
        signal are NaN.

    Returns
    -------
    FrameMeasurement
        `values` of shape (n, p) with columns as in `feature_table(channels)`.

    Raises
    ------
    ValueError
        If shapes disagree, labels are not integers or are negative, or
        `pixel_size` is not positive.

    Notes
    -----
    Cells are measured in blocks that fit the cache; the result does not depend
    on how they are blocked. Texture scales and the ring are in pixels.

    Examples
    --------
    >>> labels = np.zeros((20, 20), int)
    >>> labels[5:9, 4:12] = 7
    >>> cells = measure_frame(
    ...     100.0 + labels[None], labels, pixel_size=0.5, channels=["H2B"]
    ... )
    >>> cells.label, cells.centroid
    (array([7]), array([[3.75, 3.25]]))
    >>> column = dict(zip(cells.names, cells.values[0]))
    >>> float(column["area"]), float(column["integrated_intensity_H2B"])
    (8.0, 224.0)
    """
    # Contiguous, since pixels are taken by their place in the flattened frame.
    image, labels = np.ascontiguousarray(image), np.ascontiguousarray(labels)
    table = feature_table(channels)
    _check(image, labels, pixel_size, len(channels))
    with np.errstate(all="ignore"):  # what is undefined becomes NaN at the end
        planes = [
            Plane.of(plane, labels, level)
            for plane, level in zip(image, _levels(background, len(image)), strict=True)
        ]
        present, blocks = split_cells(labels)
        parts = [_measure_block(block, planes, labels) for block in blocks]
        whole = _join(parts, len(table), len(planes))
        box, centroid, pieces, outline, modes, values = whole
        names = tuple(feature.name for feature in table)
        near = crowd(centroid, values[:, names.index("equivalent_diameter")])
        for name, column in near.items():
            values[:, names.index(name)] = column
        values *= float(pixel_size) ** np.array([LENGTH_POWER[f.unit] for f in table])
        values[~np.isfinite(values)] = np.nan
    edges = np.array([*labels.shape])
    return FrameMeasurement(
        label=present,
        centroid=centroid * pixel_size,
        bbox=box,
        touches_border=(box[:, :2] == 0).any(axis=1)
        | (box[:, 2:] == edges).any(axis=1),
        n_components=pieces,
        outline=outline * pixel_size,
        modes=modes,
        values=values,
        names=names,
        background=np.array([plane.background for plane in planes]),
    )


def _measure_block(
    block: Block, planes: list[Plane], labels: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Box, centroid, pieces, outline, modes and values of n cells, all in px."""
    cracks = find_cracks(block)
    outline = trace(block, cracks)
    around = Surroundings.of(block, cracks, labels)
    modes, turns = coefficients(outline), [boundary_modes(outline)]
    fit = ellipse(block)
    mask = {
        **shape_moments(block, fit),
        **shape_contour(block, outline),
        **shape_hull(block, outline.length),
        **shape_curvature(modes, outline.length),
        **mode_magnitudes(modes),
        **alignments(modes),
        **boundary_polarity(turns[0]),
        **contact(block, cracks, around),
        # Known only once all blocks of the frame are done.
        **dict.fromkeys((f.name for f in CROWD), np.full(block.n, np.nan)),
    }
    columns = [mask[feature.name] for feature in GEOMETRY]
    zones, waves = Zones(block, depth_rank(block)), Waves.of(block)
    mask_levels = smooth_mask(block) if planes else []
    label = labels[block.run_row[block.first_run], block.run_col[block.first_run]]
    for plane in planes:
        channel = Channel(block=block, image=plane.image, background=plane.background)
        undefined = np.where(np.isin(label, plane.broken), np.nan, 0)
        turns.append(signal_modes(channel, waves) + undefined[:, None])
        found = {
            **intensity_level(channel, around),
            **bright_shape(channel, fit),
            **radial(channel, zones),
            **texture(channel, cracks, around, mask_levels),
            **signal_polarity(channel, turns[-1]),
        }
        columns += [found[feature.name] + undefined for feature in PER_CHANNEL]
    centroid = np.stack(block.centroid, axis=1)
    return (
        block.box,
        centroid,
        outline.n_components,
        sample(outline, N_POINTS),
        np.stack(turns, axis=1),
        np.stack(columns, axis=1),
    )


def _join(parts: list, width: int, channels: int) -> tuple[np.ndarray, ...]:
    empty = (
        np.zeros((0, 4), int),
        np.zeros((0, 2)),
        np.zeros(0, int),
        np.zeros((0, N_POINTS, 2)),
        np.zeros((0, 1 + channels, HIGHEST), complex),
        np.zeros((0, width)),
    )
    return tuple(np.concatenate(column) for column in zip(empty, *parts, strict=True))


def _levels(background: ArrayLike | None, channels: int) -> list:
    if background is None:
        return [None] * channels
    levels = np.asarray(background, np.float64)
    if levels.shape != (channels,):
        raise ValueError(
            f"`background` must have one value for each of {channels} channels; "
            f"found shape {levels.shape}."
        )
    return levels.tolist()


def _check(
    image: np.ndarray, labels: np.ndarray, pixel_size: float, channels: int
) -> None:
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"`labels` must be integers of shape (Y, X); found {labels.dtype} of "
            f"shape {labels.shape}."
        )
    if image.shape != (channels, *labels.shape):
        raise ValueError(
            f"`image` must have shape {(channels, *labels.shape)}, one plane per "
            f"channel on the grid of the labels; found {image.shape}."
        )
    if labels.size and labels.min() < 0:
        raise ValueError(f"labels must not be negative; found {labels.min()}.")
    number = isinstance(pixel_size, Real) and not isinstance(pixel_size, bool)
    if np.size(pixel_size) > 1:
        raise ValueError(
            "`pixel_size` is one number, for square pixels; found "
            f"{np.asarray(pixel_size).tolist()}. Resample the pictures and masks to "
            "square pixels first."
        )
    if not (number and np.isfinite(pixel_size) and pixel_size > 0):
        raise ValueError(
            f"`pixel_size` must be a positive number of um; found {pixel_size!r}."
        )
