r"""Angular modes of the signal and of the outline about the centroid.

    a_m = sum_p f_p exp(i m phi_p) / sum_p f_p

over the pixels p of a cell, f the signal and phi the angle of x + iy seen from
the centroid of the mask. A disc with f = 1 + g x / R has a_1 = g / 3.
The magnitude is invariant; the phase turns with the cell: a turn by t from x
towards y multiplies a_m by exp(i m t), a reflection y -> -y conjugates it. The
complex values are kept beside the features. Even an unbroken cell has a floor of
|a_m|, from its mask and from noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cellstate.morphology._block import Block, over
from cellstate.morphology._channel import Channel
from cellstate.morphology._feature import TURNED, Feature
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
    Feature("a1_phase", "rad", "polarity", "side of a_1, from x towards y", TURNED),
    Feature("a2_phase", "rad", "polarity", "axis of a_2, from x towards y", TURNED),
    Feature("offset", "um", "polarity", "centroid of mask to centroid of signal"),
    Feature("relative_offset", "1", "polarity", "offset over the equivalent radius"),
)


def angular_waves(
    x: np.ndarray, y: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """cos(m phi), sin(m phi) for m = 1, 2, 3, of the shape of x; 0 at the origin."""
    radius = x * x
    radius += y * y
    at_origin = np.flatnonzero(radius < 1e-9)
    radius[at_origin] = np.inf
    np.sqrt(radius, out=radius)
    c1, s1 = x / radius, y / radius
    yield c1, s1
    c2, s2 = (c1 + s1) * (c1 - s1), 2 * c1 * s1
    yield c2, s2
    yield c2 * c1 - s2 * s1, s2 * c1 + c2 * s1


@dataclass(frozen=True, eq=False)
class Waves:
    """cos and sin of m phi at the pixels of a block, shared by all channels."""

    block: Block
    waves: list[tuple[np.ndarray, np.ndarray]]  # (N,) float32 each
    total: np.ndarray  # (n, 3) complex, their sum over each cell

    @classmethod
    def of(cls, block: Block) -> "Waves":
        """Waves at the pixels of a block, seen from the centroid of each cell."""
        # 24 bits: an angle to 1e-7 rad, far below what pixels tell of it.
        x, y = block.dx.astype(np.float32), block.dy.astype(np.float32)
        waves = list(angular_waves(x, y))
        total = [block.sum(c) + 1j * block.sum(s) for c, s in waves]
        return cls(block, waves, np.stack(total, axis=1))


def boundary_modes(outline: Outline) -> np.ndarray:
    """Modes as above with f the radius, averaged by arc length, (n, 3) complex."""
    radius = outline.radius
    modes = [
        outline.mean(radius * c) + 1j * outline.mean(radius * s)
        for c, s in angular_waves(outline.x, outline.y)
    ]
    return np.stack(modes, axis=1) / outline.mean(radius)[:, None]


def signal_modes(channel: Channel, waves: Waves) -> np.ndarray:
    """Modes a_1, a_2, a_3 of the signal of each cell, (n, 3) complex.

    The signal may be negative in places, so that noise averages out; NaN where
    its sum is not positive.
    """
    block, detail = channel.block, channel.detail
    # The signal is its mean, whose modes are those of the mask, and the detail.
    parts = [block.sum(detail * c) + 1j * block.sum(detail * s) for c, s in waves.waves]
    modes = np.stack(parts, axis=1) + channel.mean_signal[:, None] * waves.total
    return over(modes, (channel.mean_signal * block.count)[:, None])


def boundary_polarity(modes: np.ndarray) -> dict[str, np.ndarray]:
    """Features `BOUNDARY` from the modes of the outline."""
    return {f.name: np.abs(modes[:, m]) for m, f in enumerate(BOUNDARY)}


def signal_polarity(channel: Channel, modes: np.ndarray) -> dict[str, np.ndarray]:
    """Features `SIGNAL` of each cell, in px, from the modes of its signal.

    The offset takes pixels with signal above zero.
    """
    offset = np.hypot(channel.ellipse.offset_x, channel.ellipse.offset_y)
    return {
        "a1": np.abs(modes[:, 0]),
        "a2": np.abs(modes[:, 1]),
        "a3": np.abs(modes[:, 2]),
        "a1_phase": _phase(modes[:, 0]),
        "a2_phase": _phase(modes[:, 1]) / 2,
        "offset": offset,
        "relative_offset": offset / np.sqrt(channel.block.count / np.pi),
    }


def _phase(mode: np.ndarray) -> np.ndarray:
    """Angle, NaN where the mode is zero within 24 bits."""
    return np.where(np.abs(mode) > 1e-6, np.angle(mode), np.nan)
