"""Texture of the signal inside cells, sharpness of the picture at their edge.

Scales are in pixels of the movie: compare cells of one pixel size. Filters see
the pixels of one cell only, by normalised convolution; `sharpness` and
`edge_sharpness` alone look across the border.
"""

from typing import NamedTuple

import numpy as np

from cellstate.morphology._block import Block, over
from cellstate.morphology._channel import Channel
from cellstate.morphology._feature import PER_PIXEL, Feature
from cellstate.morphology._surroundings import Surroundings
from cellstate.morphology.contours import Cracks

BANDS = ("band_noise", "band_1px", "band_2px", "band_4px")
TEXTURE = (
    Feature("gradient_mean", "1/um", "texture", "mean gradient over mean signal"),
    Feature(
        "local_sd", "1", "texture", "mean sd among 5 pixels over mean signal", PER_PIXEL
    ),
    Feature("correlation_length", "um", "texture", "sqrt(2 variance / <gradient^2>)"),
    Feature("entropy", "1", "texture", "bits of the histogram, 64 bins, own range"),
    Feature(
        "sharpness",
        "1",
        "texture",
        "mean squared Laplacian (px) over variance",
        PER_PIXEL,
    ),
    Feature("edge_sharpness", "1/um", "texture", "drop across the rim / mean signal"),
    Feature(
        "band_noise",
        "1",
        "texture",
        "rms of detail below sigma .7 px / signal",
        PER_PIXEL,
    ),
    Feature(
        "band_1px",
        "1",
        "texture",
        "rms between sigma .7 and 1.6 px / signal",
        PER_PIXEL,
    ),
    Feature(
        "band_2px",
        "1",
        "texture",
        "rms between sigma 1.6 and 3.2 px / signal",
        PER_PIXEL,
    ),
    Feature(
        "band_4px",
        "1",
        "texture",
        "rms of what is coarser than 3.2 px / signal",
        PER_PIXEL,
    ),
)


def texture(
    channel: Channel, cracks: Cracks, around: Surroundings, mask_levels: list
) -> dict[str, np.ndarray]:
    """Features `TEXTURE` of each cell, in px; gradients over interior pixels.

    `correlation_length` is the Taylor microscale: l of a correlation that falls
    like exp(-r^2 / 2 l^2). `sharpness` falls when the picture is blurred.
    """
    block, mean_signal = channel.block, channel.mean_signal
    # The cell's mean is off, so that 24 bits suffice from here on.
    own, inner = channel.detail, block.interior.astype(np.float32)
    up, right, down, left = _neighbours(channel)
    kept = block.count - np.bincount(block.cell.take(block.rim), minlength=block.n)
    varied = np.where(channel.varied, 1, np.nan)

    # In place: what is not written anew stays in the cache.
    slope, along = right - left, down - up
    slope *= slope
    along *= along
    slope += along
    slope *= inner
    ring, square = up + right, own * own
    ring += down
    ring += left
    for values in (up, right, down, left):
        values *= values
        square += values
    total = ring + own
    total *= total
    square *= 5
    square -= total
    local = np.sqrt(np.maximum(square, 0, out=square), out=square)
    local *= inner
    ring -= 4 * own  # now the Laplacian
    ring *= ring

    share = channel.histogram / block.count[:, None]
    bits = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
    return {
        "gradient_mean": over(over(block.sum(np.sqrt(slope)) / 2, kept), mean_signal),
        "local_sd": over(over(block.sum(local) / 5, kept), mean_signal),
        "correlation_length": varied
        * np.sqrt(over(8 * channel.variance, over(block.sum(slope), kept))),
        "entropy": varied * bits,
        "sharpness": varied * over(block.mean(ring), channel.variance),
        "edge_sharpness": over(_edge_drop(channel, cracks, around), mean_signal),
    } | _bands(channel, mask_levels)


def _neighbours(channel: Channel) -> list[np.ndarray]:
    """Values above, right, below, left minus the cell's mean, 4 x (N,) float32.

    The frame's last row or column is its own neighbour beyond the end.
    """
    block, image = channel.block, channel.image
    height, width = image.shape
    if block.box[:, :2].min() == 0 or (block.box[:, 2:] == image.shape).any():
        steps = [
            -width * (block.row > 0),
            block.col < width - 1,
            width * (block.row < height - 1),
            -1 * (block.col > 0),
        ]
        return [channel.without_mean(image.take(block.place + k)) for k in steps]
    above, flat = block.place - width, image.ravel()
    ahead = (0, width + 1, 2 * width, width - 1)
    return [channel.without_mean(flat[k:].take(above)) for k in ahead]


def _edge_drop(channel: Channel, cracks: Cracks, around: Surroundings) -> np.ndarray:
    """Mean fall from the last pixel inside to the first free one outside, (n,)."""
    pixel, cell = cracks.pixel[around.rim_crack], cracks.cell[around.rim_crack]
    drop = channel.values[pixel] - channel.image.take(around.rim)
    n = channel.block.n
    return over(np.bincount(cell, drop, n), np.bincount(cell, minlength=n))


class Level(NamedTuple):
    """A strip smoothed to one scale, flat; item i belongs to spot i + `first`."""

    values: np.ndarray
    first: int


def smooth(strip: np.ndarray) -> list[Level]:
    """Strip smoothed with sigma of about 0.7, 1.6 and 3.2 px, times 16 per level.

    Binomial filters (1, 2, 1) with holes of 1, 2 and 4 px in a row; their
    variances 1/2, 2 and 8 add up. They are not divided by 4, as only ratios of
    a smoothed picture to the smoothed mask are taken.

    References
    ----------
    Starck, Murtagh, Bertero, Starlet transform (2015).
    """
    flat, width = strip.ravel(), strip.shape[1]
    first, levels = 0, []
    for hole in (1, 2, 4):
        # Twice (1, 1) is (1, 2, 1). The margin of the strip is as wide as the
        # filters reach: no pixel is lost and a row never sees the next.
        for step in (hole * width, hole):
            pair = flat[:-step] + flat[step:]
            flat = pair[:-step] + pair[step:]
            first += step
        levels.append(Level(flat, first))
    return levels


class MaskLevel(NamedTuple):
    """Where the pixels are in a `Level`, and how much of the filter is on the cell."""

    at: np.ndarray  # (N,)
    gain: np.ndarray  # (N,) one over the share of the filter that lies in the cell


def smooth_mask(block: Block) -> list[MaskLevel]:
    """One for each level of `smooth`."""
    levels = []
    for level in smooth(block.mask.astype(np.uint16)):
        at = block.spot - level.first
        share = level.values.take(at)  # counts up to 16^3, exact in 16 bits
        levels.append(MaskLevel(at, 1 / share.astype(np.float32)))
    return levels


def _bands(channel: Channel, mask_levels: list[MaskLevel]) -> dict[str, np.ndarray]:
    block = channel.block
    strip = np.zeros(block.strip_shape, np.float32)
    strip.ravel()[block.spot] = channel.detail
    finer, columns = channel.detail, {}
    for name, level, mask in zip(BANDS, smooth(strip), mask_levels, strict=False):
        coarser = level.values.take(mask.at) * mask.gain
        finer = finer - coarser
        finer *= finer
        columns[name] = block.mean(finer)
        finer = coarser
    columns[BANDS[-1]] = block.mean(finer * finer)
    return {
        name: over(np.sqrt(energy), channel.mean_signal)
        for name, energy in columns.items()
    }
