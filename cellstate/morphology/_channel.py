"""One channel of a block of cells: values, signal and what families share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cellstate.morphology._block import Block, over
from cellstate.morphology._sorting import sort_within
from cellstate.morphology.moments import Ellipse, ellipse

BINS = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class Channel:
    """Pixel values of the cells of a block in one channel.

    `values` are raw; `signal` is what is left above the frame's background.
    """

    block: Block
    image: np.ndarray  # (Y, X), the frame, finite, float32 or float64
    background: float

    @cached_property
    def raw(self) -> np.ndarray:
        """Values as the picture holds them, (N,)."""
        return self.image.take(self.block.place)

    @cached_property
    def values(self) -> np.ndarray:
        """The same in 53 bits, (N,)."""
        return self.raw.astype(np.float64)

    @cached_property
    def mean(self) -> np.ndarray:
        return self.block.mean(self.values)

    @cached_property
    def deviation(self) -> np.ndarray:
        """Value minus the mean of the cell, (N,)."""
        return self.values - self.block.spread(self.mean)

    @cached_property
    def detail(self) -> np.ndarray:
        """The deviation in 24 bits, half the memory traffic, (N,) float32."""
        return self.without_mean(self.raw)

    def without_mean(self, raw: np.ndarray) -> np.ndarray:
        """Values of the picture near each pixel minus the cell's mean, float32."""
        return (raw - self._own_mean).astype(np.float32, copy=False)

    @cached_property
    def _own_mean(self) -> np.ndarray:
        # Rounded as the picture is: the same number is taken off everywhere, and
        # differences of pixels are exact.
        return self.block.spread(self.mean.astype(self.image.dtype))

    @cached_property
    def square(self) -> np.ndarray:
        """Squared deviation, (N,)."""
        return self.deviation * self.deviation

    @cached_property
    def variance(self) -> np.ndarray:
        return self.block.mean(self.square)

    @cached_property
    def mean_signal(self) -> np.ndarray:
        return self.mean - self.background

    @cached_property
    def weight(self) -> np.ndarray:
        """Signal, not below zero: a mass that moments can be taken of, (N,)."""
        weight = np.maximum(self.values, self.background)
        weight -= self.background
        return weight

    @cached_property
    def ellipse(self) -> Ellipse:
        """Ellipse of the signal above zero."""
        return ellipse(self.block, self.weight)

    @cached_property
    def lowest(self) -> np.ndarray:
        return np.minimum.reduceat(self.raw, self.block.start).astype(np.float64)

    @cached_property
    def highest(self) -> np.ndarray:
        return np.maximum.reduceat(self.raw, self.block.start).astype(np.float64)

    @property
    def varied(self) -> np.ndarray:
        """Whether the values of a cell are not all the same, (n,)."""
        return self.highest > self.lowest

    def quantiles(self, *q: float) -> list[np.ndarray]:
        """Quantiles of the values of each cell, as numpy's default, (n,) each.

        Only pixels in a bin of the histogram that holds a wanted one are sorted.
        """
        last = self.block.count - 1
        at = np.array(q)[:, None] * last
        low = at.astype(np.int64)
        rank = np.stack([low, np.minimum(low + 1, last)])  # (2, q, n)
        end = np.cumsum(self.histogram, axis=1)
        bins = (end[None, None] <= rank[..., None]).sum(axis=-1)
        cell = np.arange(self.block.n)
        wanted = np.zeros(end.shape, bool)
        wanted[cell, bins] = True
        pixels = np.flatnonzero(wanted.take(self.bins))
        ordered = sort_within(self.values[pixels], self.bins[pixels])
        held = np.cumsum(np.where(wanted, self.histogram, 0)).reshape(end.shape)
        below, above = ordered.at(held[cell, bins] - end[cell, bins] + rank)
        return list(below + (at - low) * (above - below))

    @cached_property
    def bins(self) -> np.ndarray:
        """64 x cell + bin between the extremes of the cell, (N,)."""
        span = self.highest - self.lowest
        # A little less than 64, so that the highest value falls in bin 63.
        scale = BINS * (1 - 1e-12) / np.where(span > 0, span, 1)
        level = self.values - self.block.spread(self.lowest)
        level *= self.block.spread(scale)
        bins = level.astype(np.int64)
        bins += self.block.spread(np.arange(0, self.block.n * BINS, BINS))
        return bins

    @cached_property
    def histogram(self) -> np.ndarray:
        """Counts in 64 bins between the extremes of each cell, (n, 64)."""
        flat = np.bincount(self.bins, minlength=self.block.n * BINS)
        return flat.reshape(self.block.n, BINS)

    @cached_property
    def core(self) -> np.ndarray:
        """One for pixels above the cell's own Otsu threshold, else zero, (N,)."""
        share = self.histogram / self.block.count[:, None]
        below = np.cumsum(share, axis=1)[:, :-1]
        moment = np.cumsum(share * np.arange(BINS), axis=1)
        gap = moment[:, -1:] * below - moment[:, :-1]
        between = over(gap**2, below * (1 - below))
        cut = np.argmax(np.nan_to_num(between), axis=1) + 1
        bright = (np.arange(BINS) >= cut[:, None]).astype(np.float64)
        return bright.take(self.bins)


@dataclass(frozen=True, eq=False, kw_only=True)
class Plane:
    """One channel of a frame, made finite, with its background."""

    image: np.ndarray  # (Y, X)
    background: float
    broken: np.ndarray  # labels of cells with a pixel that was not finite

    @classmethod
    def of(cls, image: np.ndarray, labels: np.ndarray, known: float | None) -> "Plane":
        """Pixels that are not finite are read as background outside cells."""
        # 24 bits hold what has 16; all else is kept in 53.
        small = np.can_cast(image.dtype, np.float32)
        image = image.astype(np.float32 if small else np.float64, copy=False)
        finite = np.isfinite(image)
        level = known
        if level is None:
            free = labels == 0
            level = _lower_median(image[free if finite.all() else free & finite])
        if finite.all():
            return cls(image=image, background=level, broken=np.zeros(0, labels.dtype))
        return cls(
            image=np.where(finite, image, np.nan_to_num(level)),
            background=level,
            broken=np.unique(labels[~finite]),
        )


def _lower_median(values: np.ndarray) -> float:
    """Median, of an even number the lower of the two in the middle."""
    if values.size == 0:
        return np.nan
    # One order statistic is found several times faster than two.
    middle = (values.size - 1) // 2
    return float(np.partition(values, middle)[middle])
