r"""Angular modes of the signal and of the outline about the centroid.

    a_m = sum_p f_p exp(-i m phi_p) / sum_p f_p

over the pixels p of a cell, f the signal and phi the angle of x + iy seen from
the centroid of the mask. A disc with f = 1 + g x / R has a_1 = g / 3.
The magnitude is invariant; the phase turns with the cell. Even an unbroken cell
has a floor of |a_m|, from its mask and from noise.
"""

import numpy as np

from ._block import over
from ._channel import Channel
from ._feature import Feature
from .contours import Outline

HIGHEST = 3
BOUNDARY = tuple(
    Feature(f"boundary_a{m}", "1", "polarity", f"|a_{m}| of the outline's radius")
    for m in range(1, HIGHEST + 1)
)
SIGNAL = (
    Feature("a1", "1", "polarity", "|a_1| of the signal: one bright side"),
    Feature("a2", "1", "polarity", "|a_2| of the signal: two bright ends"),
    Feature("a3", "1", "polarity", "|a_3| of the signal: three bright corners"),
    Feature("a1_phase", "rad", "polarity", "side of a_1, from x towards y", False),
    Feature("a2_phase", "rad", "polarity", "axis of a_2, from x towards y", False),
    Feature("offset", "um", "polarity", "centroid of mask to centroid of signal"),
    Feature("relative_offset", "1", "polarity", "offset over the equivalent radius"),
)


def unit_modes(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """exp(-i m phi) for m = 1, 2, 3, each of the shape of x; 0 at the origin."""
    square = x * x + y * y
    first = x - 1j * y
    first *= (square > 1e-18) / np.sqrt(np.maximum(square, 1e-18))
    second = first * first
    return [first, second, second * first]


def boundary_modes(outline: Outline) -> dict[str, np.ndarray]:
    """Features `BOUNDARY`: as above with f the radius, averaged by arc length."""
    radius, mean = outline.radius, outline.mean(outline.radius)
    modes = unit_modes(outline.x, outline.y)
    return {
        f"boundary_a{m + 1}": np.abs(outline.mean(radius * mode)) / mean
        for m, mode in enumerate(modes)
    }


def signal_modes(channel: Channel, modes: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Features `SIGNAL` of each cell, in px.

    Parameters
    ----------
    channel
        The signal may be negative in places, so that noise averages out; the
        offset takes pixels with signal above zero.
    modes
        Of `unit_modes` at the pixels of the block.
    """
    block = channel.block
    total = block.sum(channel.signal)
    a1, a2, a3 = (over(block.sum(channel.signal * mode), total) for mode in modes)
    offset = np.hypot(channel.ellipse.offset_x, channel.ellipse.offset_y)
    return {
        "a1": np.abs(a1),
        "a2": np.abs(a2),
        "a3": np.abs(a3),
        # a_m holds exp(-i m phi): the bright side is at minus its angle.
        "a1_phase": -np.angle(a1),
        "a2_phase": -np.angle(a2) / 2,
        "offset": offset,
        "relative_offset": offset / np.sqrt(block.count / np.pi),
    }
