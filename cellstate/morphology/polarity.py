r"""Angular modes of the signal and of the outline about the centroid.

    a_m = sum_p f_p exp(i m phi_p) / sum_p f_p

over the pixels p of a cell, f the signal and phi the angle of x + iy seen from
the centroid of the mask. A disc with f = 1 + g x / R has a_1 = g / 3.
The magnitude is invariant; the phase turns with the cell. Even an unbroken cell
has a floor of |a_m|, from its mask and from noise.
"""

import numpy as np

from cellstate.morphology._block import over
from cellstate.morphology._channel import Channel
from cellstate.morphology._feature import Feature
from cellstate.morphology.contours import Outline

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


Waves = list[tuple[np.ndarray, np.ndarray]]


def angular_waves(x: np.ndarray, y: np.ndarray) -> Waves:
    """cos(m phi), sin(m phi) for m = 1, 2, 3, of the shape of x; 0 at the origin."""
    inverse = x * x
    inverse += y * y
    at_origin = np.flatnonzero(inverse < 1e-18)
    inverse[at_origin] = np.inf
    np.sqrt(inverse, out=inverse)
    c1, s1 = x / inverse, y / inverse
    c2, s2 = (c1 + s1) * (c1 - s1), 2 * c1 * s1
    return [(c1, s1), (c2, s2), (c2 * c1 - s2 * s1, s2 * c1 + c2 * s1)]


def boundary_modes(outline: Outline) -> dict[str, np.ndarray]:
    """Features `BOUNDARY`: as above with f the radius, averaged by arc length."""
    radius, mean = outline.radius, outline.mean(outline.radius)
    waves = angular_waves(outline.x, outline.y)
    return {
        f"boundary_a{m}": np.hypot(outline.mean(radius * c), outline.mean(radius * s))
        / mean
        for m, (c, s) in enumerate(waves, start=1)
    }


def signal_modes(channel: Channel, waves: Waves) -> dict[str, np.ndarray]:
    """Features `SIGNAL` of each cell, in px.

    Parameters
    ----------
    channel
        The signal may be negative in places, so that noise averages out; the
        offset takes pixels with signal above zero.
    waves
        Of `angular_waves` at the pixels of the block.
    """
    block = channel.block
    total = block.sum(channel.signal)
    a1, a2, a3 = (
        over(block.sum(channel.signal * c), total)
        + 1j * over(block.sum(channel.signal * s), total)
        for c, s in waves
    )
    offset = np.hypot(channel.ellipse.offset_x, channel.ellipse.offset_y)
    return {
        "a1": np.abs(a1),
        "a2": np.abs(a2),
        "a3": np.abs(a3),
        "a1_phase": np.angle(a1),
        "a2_phase": np.angle(a2) / 2,
        "offset": offset,
        "relative_offset": offset / np.sqrt(block.count / np.pi),
    }
