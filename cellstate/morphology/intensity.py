"""Brightness of cells: level, spread, contrast, bright core, radial profile."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cellstate.morphology._block import Block, over
from cellstate.morphology._channel import Channel
from cellstate.morphology._feature import PER_PIXEL, Feature
from cellstate.morphology._surroundings import Surroundings, ring_median
from cellstate.morphology.moments import Ellipse, ellipse

LEVEL = (
    Feature("mean_intensity", "intensity", "intensity", "mean, raw"),
    Feature("sd_intensity", "intensity", "intensity", "standard deviation"),
    Feature("min_intensity", "intensity", "intensity", "minimum, raw"),
    Feature("max_intensity", "intensity", "intensity", "maximum, raw"),
    Feature("median_intensity", "intensity", "intensity", "median, raw"),
    Feature("mean_signal", "intensity", "intensity", "mean above frame background"),
    Feature(
        "integrated_intensity", "intensity", "intensity", "signal, summed", PER_PIXEL
    ),
    Feature("cv", "1", "intensity", "standard deviation over mean signal"),
    Feature("skewness", "1", "intensity", "third standardised moment"),
    Feature("kurtosis", "1", "intensity", "fourth standardised moment minus 3"),
    Feature("p95_to_median", "1", "intensity", "signal at 95 % over signal at 50 %"),
    Feature("p5_to_median", "1", "intensity", "signal at 5 % over signal at 50 %"),
    Feature("peak_to_mean", "1", "intensity", "largest signal over mean signal"),
    Feature(
        "ring_signal",
        "intensity",
        "intensity",
        "frame background to ring 3, 5 px out",
        PER_PIXEL,
    ),
    Feature(
        "ring_contrast", "1", "intensity", "(mean - ring) / mean signal", PER_PIXEL
    ),
)
BRIGHT_SHAPE = (
    Feature("weighted_major_axis", "um", "intensity", "long axis of the signal"),
    Feature("weighted_minor_axis", "um", "intensity", "short axis of the signal"),
    Feature("weighted_eccentricity", "1", "intensity", "eccentricity of the signal"),
    Feature(
        "weighted_aspect_ratio", "1", "intensity", "long over short axis of signal"
    ),
    Feature("weighted_compactness", "1", "intensity", "ellipse of signal over of mask"),
    Feature("half_max_fraction", "1", "intensity", "area above half the top signal"),
    Feature("core_area_fraction", "1", "intensity", "area above Otsu's threshold"),
    Feature("core_eccentricity", "1", "intensity", "eccentricity of that core"),
    Feature("core_aspect_ratio", "1", "intensity", "long over short axis of the core"),
    Feature("core_minor_axis", "um", "intensity", "short axis of the core"),
    Feature("core_contrast", "1", "intensity", "mean signal in core over that outside"),
)
ZONES = 4
RADIAL = (
    *(
        Feature(
            f"zone{k}_fraction", "1", "intensity", f"share of signal, zone {k} of 4"
        )
        for k in range(1, ZONES + 1)
    ),
    Feature("radial_slope", "1", "intensity", "relative gain of signal, rim to centre"),
)


def intensity_level(channel: Channel, around: Surroundings) -> dict[str, np.ndarray]:
    """Features `LEVEL` of each cell.

    `mean_intensity`, `min_`, `max_`, `median_` and `sd_intensity` are those of
    the raw picture. All else is signal: raw minus the frame's background. A
    ratio to a signal that is not positive is NaN.
    """
    block, mean_signal = channel.block, channel.mean_signal
    sd = np.sqrt(channel.variance)
    square = channel.square
    spread = np.where(channel.varied, channel.variance, np.nan)
    low, median, high = channel.quantiles(0.05, 0.5, 0.95)
    ring = ring_median(around, channel.image, block.n)
    middle = median - channel.background
    return {
        "mean_intensity": channel.mean,
        "sd_intensity": sd,
        "min_intensity": channel.lowest,
        "max_intensity": channel.highest,
        "median_intensity": median,
        "mean_signal": mean_signal,
        "integrated_intensity": mean_signal * block.count,
        "cv": over(sd, mean_signal),
        "skewness": over(block.mean(square * channel.deviation), spread**1.5),
        "kurtosis": over(block.mean(square * square), spread**2) - 3,
        "p95_to_median": over(high - channel.background, middle),
        "p5_to_median": over(low - channel.background, middle),
        "peak_to_mean": over(channel.highest - channel.background, mean_signal),
        "ring_signal": ring - channel.background,
        "ring_contrast": over(channel.mean - ring, mean_signal),
    }


def bright_shape(channel: Channel, mask: Ellipse) -> dict[str, np.ndarray]:
    """Features `BRIGHT_SHAPE` of each cell, in px.

    Where the signal sits inside the mask: a condensed chromosome plate is a
    bright bar in a larger, rounder nucleus. Pixels weigh by their signal, not
    below zero; the core is what lies above the cell's own Otsu threshold.
    `mask` is the ellipse of the mask itself.
    """
    block, bright = channel.block, channel.ellipse
    core = ellipse(block, channel.core)
    lit_pixels = block.sum(channel.core)
    share = lit_pixels / block.count
    inside = block.sum(channel.values * channel.core) - lit_pixels * channel.background
    outside = channel.mean_signal * block.count - inside
    half = (channel.highest + channel.background) / 2
    above = (channel.values > block.spread(half)).astype(np.float32)
    lit = np.where(channel.highest > channel.background, 1, np.nan)
    cored = np.where(channel.varied, 1, np.nan)
    contrast = over(inside / share, outside) * (1 - share)
    return {
        "weighted_major_axis": bright.major,
        "weighted_minor_axis": bright.minor,
        "weighted_eccentricity": bright.eccentricity,
        "weighted_aspect_ratio": bright.aspect_ratio,
        "weighted_compactness": over(
            bright.major * bright.minor, mask.major * mask.minor
        ),
        "half_max_fraction": lit * block.mean(above),
        "core_area_fraction": cored * share,
        "core_eccentricity": cored * core.eccentricity,
        "core_aspect_ratio": cored * core.aspect_ratio,
        "core_minor_axis": cored * core.minor,
        "core_contrast": cored * contrast,
    }


@dataclass(frozen=True, eq=False)
class Zones:
    """How deep the pixels of a block lie, shared by all channels."""

    block: Block
    rank: np.ndarray  # (N,) depth over the largest of the cell, in [0, 1]

    @cached_property
    def number(self) -> np.ndarray:
        """4 x cell + zone, (N,); zone 0 touches the border, 3 is the centre."""
        zone = np.minimum((ZONES * self.rank).astype(np.int64), ZONES - 1)
        zone += self.block.spread(np.arange(0, self.block.n * ZONES, ZONES))
        return zone

    @cached_property
    def centred(self) -> np.ndarray:
        """Rank minus its mean over the cell, (N,)."""
        return self.rank - self.block.spread(self.block.mean(self.rank))

    @cached_property
    def spread(self) -> np.ndarray:
        """Sum of squares of `centred`, (n,)."""
        return self.block.sum(self.centred * self.centred)


def radial(channel: Channel, zones: Zones) -> dict[str, np.ndarray]:
    """Features `RADIAL` of each cell.

    Zone 1 touches the border, zone 4 is the centre; the four fractions sum to
    1. `radial_slope` is the slope of signal / mean signal on the rank of depth.
    """
    block, weight = channel.block, channel.weight
    share = np.bincount(zones.number, weight, block.n * ZONES)
    share = share.reshape(block.n, ZONES)
    total = block.sum(weight)
    slope = over(block.sum(zones.centred * weight), zones.spread)
    columns = {f"zone{k + 1}_fraction": over(share[:, k], total) for k in range(ZONES)}
    return columns | {"radial_slope": over(slope, total / block.count)}
