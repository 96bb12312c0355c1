"""What lies under the cells: uneven light, and the noise upon it."""

import numpy as np
from scipy import ndimage

# The grid is a sixth of a cell, tiles are four cells wide: wide enough that most
# hold some ground, narrow enough to follow the light across a field.
GRID, TILE = 1 / 6, 4.0
QUARTER = 0.25
SURFACE_ROUNDS = 20
MOST_POINTS = 20_000  # that a surface with six coefficients is fitted to
DARK = 0.1  # share of a tile that is taken as ground to begin with
ROUNDS = 3
NOISE_REACH = 4.0  # standard deviations above which a grid point is a cell
SD = 1.4826  # standard deviation of a Gaussian over its median absolute deviation


def smooth_background(image: np.ndarray, diameter: float) -> np.ndarray:
    """Estimate the ground by what lies between cells, smoothed over four diameters.

    A surface of second degree below which a quarter of the points lie (quantile
    regression) takes up ramps and vignetting. What is left starts from the darkest
    tenth of each tile, and is three times replaced by the mean of the points within
    4 noise standard deviations of it, weighted by a Gaussian (normalised
    convolution), so that cells count for nothing.

    Parameters
    ----------
    image
        One plane, shape (Y, X), finite.
    diameter
        Of a cell, px.

    Returns
    -------
    ndarray
        Of the shape of `image`. A patch wider than four diameters without any
        ground takes the level of the ground around it.

    Examples
    --------
    A bright cell on even ground counts for nothing.

    >>> image = np.full((120, 120), 10.0)
    >>> image[50:62, 50:62] += 100
    >>> ground = smooth_background(image, 12.0)
    >>> bool(np.abs(ground - 10).max() < 0.01)
    True
    """
    step = max(int(diameter * GRID), 1)
    binned = _binned(image, step)
    surface = _lower_surface(binned)
    small = binned - surface
    width = max(TILE * diameter / step, 2.0)
    tile = max(int(width), 1)
    dark = ndimage.zoom(
        _tile_quantiles(small, tile), tile, order=1, mode="nearest", grid_mode=True
    )[: small.shape[0], : small.shape[1]]
    ground = ndimage.gaussian_filter(dark, width / 4, mode="nearest")
    for _ in range(ROUNDS):
        above = small - ground
        level = np.quantile(above, QUARTER)
        noise = SD * np.median(np.abs(above[above <= np.median(above)] - level))
        free = (above <= level + NOISE_REACH * noise).astype(float)
        weight = ndimage.gaussian_filter(free, width / 2, mode="nearest")
        total = ndimage.gaussian_filter(free * small, width / 2, mode="nearest")
        known = weight > 1e-6
        ground = np.where(known, total / np.where(known, weight, 1.0), ground)
    return _enlarged(surface + ground, step, image.shape)


def _lower_surface(small: np.ndarray) -> np.ndarray:
    """Surface of second degree with a quarter of the points below, by reweighting."""
    y, x = (np.linspace(-1, 1, size) for size in small.shape)
    y, x = np.broadcast_arrays(y[:, None], x)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    stride = max(1, int(np.sqrt(small.size / MOST_POINTS)))
    known, values = (part[::stride, ::stride] for part in (terms, small))
    known, values = known.reshape(-1, 6), values.ravel()
    tiny = 1e-3 * np.ptp(values) + np.finfo(float).tiny
    weight = np.ones(values.size)
    for _ in range(SURFACE_ROUNDS):
        root = np.sqrt(weight)
        fit = np.linalg.lstsq(root[:, None] * known, root * values, rcond=None)[0]
        above = values - known @ fit
        side = np.where(above > 0, QUARTER, 1 - QUARTER)
        weight = side / np.maximum(np.abs(above), tiny)
        weight /= weight.max()
    return terms @ fit


def noise_above(signal: np.ndarray, threshold: float) -> tuple[float, float]:
    """Level and standard deviation of the ground, from its darker half.

    Pixels above the level may be faint cells; those below it are noise alone.

    Examples
    --------
    >>> noise_above(np.array([-2.0, -1.0, 0.0, 1.0, 9.0]), threshold=5.0)
    (-0.5, 1.4826)
    """
    ground = signal[signal <= threshold]
    level = float(np.median(ground))
    below = level - ground[ground < level]
    return level, float(SD * np.median(below)) if below.size else 0.0


def _binned(image: np.ndarray, step: int) -> np.ndarray:
    """Means over squares of `step` px; the last ones are filled up with the edge."""
    y, x = image.shape
    padded = np.pad(image, ((0, -y % step), (0, -x % step)), mode="edge")
    rows, columns = padded.shape
    return padded.reshape(rows // step, step, columns // step, step).mean(axis=(1, 3))


def _tile_quantiles(small: np.ndarray, tile: int) -> np.ndarray:
    y, x = small.shape
    padded = np.pad(small, ((0, -y % tile), (0, -x % tile)), mode="edge")
    rows, columns = padded.shape
    tiles = padded.reshape(rows // tile, tile, columns // tile, tile)
    return np.quantile(tiles, DARK, axis=(1, 3))


def _enlarged(small: np.ndarray, step: int, shape: tuple[int, int]) -> np.ndarray:
    """Linear interpolation between the middles of the squares."""
    for axis, size in enumerate(shape):
        at = ((np.arange(size) + 0.5) / step - 0.5).clip(0, small.shape[axis] - 1)
        low = np.minimum(at.astype(int), max(small.shape[axis] - 2, 0))
        high = np.minimum(low + 1, small.shape[axis] - 1)
        part = np.expand_dims(at - low, 1 - axis)
        small = small.take(low, axis) * (1 - part) + small.take(high, axis) * part
    return small
