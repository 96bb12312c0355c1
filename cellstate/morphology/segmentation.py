"""Bright cells on a darker ground -> labels, one plane at a time.

`segment_plane` corrects the light, denoises, finds what is brighter than the noise,
outlines each cell at a share of its own brightness, and parts cells that touch.
`lone_diameters` offers the one length that all of it is scaled by.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops
from skimage.segmentation import relabel_sequential, watershed

from cellstate._base.checks import fraction, positive
from cellstate.morphology._background import noise_above, smooth_background
from cellstate.morphology._fragments import join_fragments

# Standard deviations of the smoothing, in diameters: against noise; to one summit
# per patch of brightness; to one summit per round piece.
DENOISE, SUMMITS, PIECES = 0.06, 0.12, 0.12
APART = 0.2  # least distance of two summits, in diameters
NOISE_REACH = 5.0  # standard deviations of the noise that are no cell
# Part of a cell's highest smoothed signal at which its outline runs. Half would
# be the edge of a cell of even brightness; nuclei are textured, their rims dimmer.
OUTLINE = 0.3
BRIDGE = 0.05  # radius of the bridges and spurs that are taken off, in diameters
WIDER_THAN_HALO = 0.35  # radius, in diameters, that no halo of a bright cell has
LARGEST_JOINED = 1.9  # of the area of a typical cell
SMALLEST = 0.5  # least diameter of an object, in diameters

COMPACT = 0.85  # solidity of a single cell; lower for a clump
LEAST_AREA = 12  # px, below which a speck has no diameter


def segment_plane(
    image: ArrayLike,
    *,
    diameter: float,
    contrast: float = 0.03,
    min_diameter: float | None = None,
) -> np.ndarray:
    """Label the bright cells of one plane.

    Parameters
    ----------
    image
        Shape (Y, X); NaN and infinite pixels belong to no cell.
    diameter
        Of a typical cell, px; at least 3.
    contrast
        Brightness of the dimmest cell over that of a typical one. What is not above
        5 standard deviations of the noise is no cell either.
    min_diameter
        Least diameter of an object, px; half of `diameter` when None.

    Returns
    -------
    ndarray
        Labels 1, 2, ..., shape (Y, X), int32; none where the image is constant.

    Raises
    ------
    ValueError
        Not two axes, no real numbers, a diameter below 3 px.

    Notes
    -----
    Cells are told apart in two watersheds. The first, on smoothed brightness, gives
    each summit its basin and its own outline level, so that a dim cell beside a
    bright one keeps its size. The second, on the outlined cells scaled to equal
    brightness and smoothed anew, cuts at waists and at dips at once.
    What it cuts too often is joined: like brightness, no dip, convex union.

    Examples
    --------
    Two discs that touch, one half as bright, on a ramp of light.

    >>> y, x = np.mgrid[:60, :80]
    >>> image = 0.5 * x + 100.0 * ((y - 30) ** 2 + (x - 28) ** 2 < 81)
    >>> image += 50.0 * ((y - 30) ** 2 + (x - 46) ** 2 < 81)
    >>> labels = segment_plane(image, diameter=18)
    >>> int(labels.max()), bool(labels[30, 28] != labels[30, 46])
    (2, True)
    """
    image = _plane(image)
    if positive(diameter, "diameter", "px", "segment_plane(..., diameter=20)") < 3:
        raise ValueError(
            f"`diameter` is at least 3 px; found {diameter:g}. Such objects are spots."
        )
    fraction(contrast, "contrast")
    signal, least = _above_ground(image, diameter, contrast)
    if not np.isfinite(least):
        return np.zeros(image.shape, dtype=np.int32)
    cells, level = _outlined(signal, least, diameter)
    labels = _parted(signal, cells, level, diameter)
    labels = join_fragments(labels, signal, LARGEST_JOINED * _disc(diameter))
    labels[~np.isfinite(image)] = 0
    smallest = SMALLEST * diameter if min_diameter is None else min_diameter
    small = np.bincount(labels.ravel()) < _disc(smallest)
    labels[small[labels]] = 0
    return relabel_sequential(labels)[0].astype(np.int32)


def label_diameters(labels: np.ndarray) -> np.ndarray:
    """Diameters of the discs of the same areas, px, one per label.

    Examples
    --------
    >>> label_diameters(np.array([[1, 1, 0], [1, 1, 7]])).round(2)
    array([2.26, 1.13])
    """
    areas = np.bincount(np.asarray(labels).ravel())[1:]
    return np.sqrt(4 / np.pi * areas[areas > 0])


def lone_diameters(image: ArrayLike) -> np.ndarray:
    """Measure the objects that stand alone: diameters, px; take their median.

    Otsu's threshold over an even ground; of the connected parts those that are
    compact (solidity above 0.85) and do not touch the edge, each as the disc of its
    area. Parts of less than a tenth of the largest of these are specks.

    Parameters
    ----------
    image
        Shape (Y, X).

    Returns
    -------
    ndarray
        One diameter per object, shape (n,); empty where nothing stands out.

    Examples
    --------
    >>> y, x = np.mgrid[:90, :90]
    >>> image = 9.0 * ((y - 30) ** 2 + (x - 40) ** 2 < 100)
    >>> lone_diameters(image).round(0)
    array([20.])
    """
    image = _plane(image)
    filled = _filled(image)
    if np.ptp(filled) == 0:
        return np.empty(0)
    even = filled - smooth_background(filled, max(min(image.shape) / 10, 3.0))
    smooth = ndimage.gaussian_filter(even, 1.0)
    otsu = threshold_otsu(smooth)
    level, noise = noise_above(smooth, otsu)
    if otsu - level < NOISE_REACH * noise:
        return np.empty(0)
    parts = regionprops(label(ndimage.binary_fill_holes(smooth > otsu)))
    y, x = image.shape
    areas = np.array(
        [
            part.area
            for part in parts
            if part.area >= LEAST_AREA
            and part.solidity > COMPACT
            and part.bbox[0] > 0
            and part.bbox[1] > 0
            and part.bbox[2] < y
            and part.bbox[3] < x
        ]
    )
    return np.sqrt(4 / np.pi * areas[areas >= areas.max(initial=0) / 10])


def _plane(image: ArrayLike) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 2 or image.dtype.kind not in "biuf":
        raise ValueError(
            f"one plane of real numbers is expected, shape (Y, X); found shape "
            f"{image.shape} of {image.dtype}."
        )
    return image.astype(float)


def _filled(image: np.ndarray) -> np.ndarray:
    """Fill pixels that are no number with the median of the others."""
    finite = np.isfinite(image)
    if finite.all():
        return image
    return np.where(finite, image, np.median(image[finite]) if finite.any() else 0.0)


def _disc(diameter: float) -> float:
    return np.pi / 4 * diameter**2


def _above_ground(
    image: np.ndarray, diameter: float, contrast: float
) -> tuple[np.ndarray, float]:
    """Denoised signal above the ground, and the least that is a cell (inf: none)."""
    filled = _filled(image)
    if np.ptp(filled) == 0:
        return np.zeros(image.shape), np.inf
    even = filled - smooth_background(filled, diameter)
    signal = ndimage.gaussian_filter(even, max(DENOISE * diameter, 0.7))
    otsu = threshold_otsu(signal)
    level, noise = noise_above(signal, otsu)
    bright = signal[signal > otsu]
    typical = np.median(bright) - level if bright.size else 0.0
    least = max(NOISE_REACH * noise, contrast * typical)
    return signal - level, least if least > 0 else np.inf


def _summits(surface: np.ndarray, within: np.ndarray, distance: float) -> np.ndarray:
    """Label the summits of a surface, at least one in each connected part."""
    parts, n = ndimage.label(within)
    size = 2 * max(int(distance), 1) + 1
    highest = within & (surface == ndimage.maximum_filter(surface, size))
    empty = np.setdiff1d(np.arange(1, n + 1), parts[highest])
    if empty.size:  # a higher neighbour lies near, but not in the same part
        lacking = np.zeros(n + 1, dtype=bool)
        lacking[empty] = True
        at = np.flatnonzero(lacking[parts])
        at = at[np.lexsort((-surface.flat[at], parts.flat[at]))]
        first = np.unique(parts.flat[at], return_index=True)[1]
        highest.flat[at[first]] = True
    return ndimage.label(highest, np.ones((3, 3)))[0]


def _outlined(
    signal: np.ndarray, least: float, diameter: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of cells, and the signal at the summit that each pixel belongs to."""
    bright = signal > least
    cells, level = _above_share(signal, bright, diameter)
    # A dim cell on the slope of a bright one has no summit; it is wider than a halo.
    rest = _opened(bright & ~cells, WIDER_THAN_HALO * diameter)
    if rest.any():
        more, of_more = _above_share(np.where(rest, signal, 0.0), rest, diameter)
        cells, level = cells | more, np.where(more, of_more, level)
    return cells, level


def _above_share(
    signal: np.ndarray, bright: np.ndarray, diameter: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels above a share of the summit whose basin they lie in, and its height."""
    smooth = ndimage.gaussian_filter(signal, SUMMITS * diameter)
    summits = _summits(smooth, bright, APART * diameter)
    basins = watershed(-smooth, summits, mask=bright)
    heights = np.zeros(int(summits.max()) + 1)
    tops = summits > 0
    np.maximum.at(heights, summits[tops], smooth[tops])
    level = heights[basins]
    cells = ndimage.binary_fill_holes(bright & (signal > OUTLINE * level))
    return _opened(cells, BRIDGE * diameter), level


def _opened(mask: np.ndarray, radius: float) -> np.ndarray:
    """Take off what is thinner than a disc of the radius."""
    if radius < 1.5:
        return ndimage.binary_opening(mask)
    inside = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] > radius
    if not inside.any():
        return inside
    return ndimage.distance_transform_edt(~inside) <= radius


def _parted(
    signal: np.ndarray, cells: np.ndarray, level: np.ndarray, diameter: float
) -> np.ndarray:
    """Cut touching cells at waists and dips."""
    ratio = np.divide(signal, level, out=np.ones_like(signal), where=level > 0)
    # Holes that were filled are as bright as the rest of their cell.
    equal = np.where(cells, np.where(ratio < OUTLINE, 1.0, ratio.clip(0, 1)), 0.0)
    smooth = ndimage.gaussian_filter(equal, PIECES * diameter)
    summits = _summits(smooth, cells, APART * diameter)
    return watershed(-smooth, summits, mask=cells)
