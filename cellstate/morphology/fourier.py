r"""Fourier modes of outlines, exact integrals along the traced polygon.

With the outline z(s) = x + iy, s the arc length and L the whole length,

    c_k = (1 / L) int_0^L z(s) exp(-2 pi i k s / L) ds.

For a polygon the integral is a sum over corners. It needs no sampling, so that
|c_k| does not depend on where the outline starts; 64 points by arc length give
the same low modes up to the sampling error.
"""

import numpy as np

from cellstate.morphology._feature import Feature
from cellstate.morphology.contours import Outline

HIGHEST = 8
SAMPLES = 128
# Gaussian smoothing along the outline before curvature is taken (px): less than
# a pixel's staircase would be seen as curvature, more would hide lobes.
SMOOTHING = 1.5

_MODES = (*range(-HIGHEST, 0), *range(2, HIGHEST + 1))


def _mode_name(k: int) -> str:
    return f"fourier_{'minus' if k < 0 else 'plus'}{abs(k)}"


MODES = tuple(
    Feature(_mode_name(k), "1", "fourier", f"|c_{k}| / |c_1| of the outline")
    for k in _MODES
)
# Phases of two modes against the whole: 3 with -1 makes lobes on the long axis (> 0)
# or beside it (< 0), and so on for four and five corners.
ALIGNMENT = tuple(
    Feature(
        f"fourier_align{k}",
        "1",
        "fourier",
        f"Re c_{k} c_{2 - k} / |c_1|^2, start and turn cancel",
    )
    for k in (3, 4, 5)
)
CURVATURE = (
    Feature("curvature_sd", "1/um", "contour", "sd of curvature along the outline"),
    Feature("curvature_min", "1/um", "contour", "least curvature; < 0 if concave"),
    Feature("curvature_max", "1/um", "contour", "sharpest convex curvature"),
    Feature("concave_fraction", "1", "contour", "share of outline curved inward"),
    Feature("bending_energy", "1", "contour", "L int k^2 ds / 4 pi^2; 1 if round"),
)


def coefficients(outline: Outline) -> np.ndarray:
    """Coefficients c_k, shape (n, 17), of k = -8 .. 8 with c_0 set to 0.

    The outline runs so that c_1 is the large one.

    References
    ----------
    Kuhl, Giardina, Comput. Graph. Image Process. 18 (1982).
    """
    z = outline.x + 1j * outline.y
    tangent = (z[outline.following] - z) / outline.step
    turn = np.empty_like(tangent)
    turn[outline.following] = tangent
    turn -= tangent
    corner = np.flatnonzero(np.abs(turn) > 1e-9)  # straight runs add nothing
    cell = outline.cell[corner]
    first = np.searchsorted(cell, np.arange(outline.start.size))
    turn = turn[corner]
    angle = (-2 * np.pi) * outline.position[corner] / outline.length[cell]
    phase = np.cos(angle) + 1j * np.sin(angle)
    modes = np.zeros((outline.start.size, 2 * HIGHEST + 1), complex)
    forward, backward = turn, turn
    for k in range(1, HIGHEST + 1):
        forward, backward = forward * phase, backward * phase.conj()
        scale = outline.length / (4 * np.pi**2 * k**2)
        modes[:, HIGHEST + k] = scale * np.add.reduceat(forward, first)
        modes[:, HIGHEST - k] = scale * np.add.reduceat(backward, first)
    return modes


def mode_magnitudes(modes: np.ndarray) -> dict[str, np.ndarray]:
    """|c_k| / |c_1| for k = -8..-1 and 2..8, `MODES`.

    Unchanged by rotation, reflection, start point and size. |c_-1| / |c_1| is
    (a - b) / (a + b) for a nearly round ellipse, k = 3 and -2 see three lobes.
    """
    size = np.abs(modes[:, HIGHEST + 1])
    return {_mode_name(k): np.abs(modes[:, HIGHEST + k]) / size for k in _MODES}


def alignments(modes: np.ndarray) -> dict[str, np.ndarray]:
    r"""Features `ALIGNMENT`: what the phases of c_k say, without an axis.

        Re [c_{1+m} c_{1-m} / c_1^2],  m = 2, 3, 4

    A turn by t multiplies every c_k by exp(i t), a start moved by s by
    exp(i k s): both cancel. Magnitudes alone cannot tell a lemon from a box.
    The imaginary part is left out, since it changes sign in a mirror.

    References
    ----------
    Granlund, IEEE Trans. Comput. C-21 (1972): Fourier descriptors whose products
    cancel rotation and start point.
    """
    first = modes[:, HIGHEST + 1]
    return {
        f"fourier_align{k}": (
            modes[:, HIGHEST + k] * modes[:, HIGHEST + 2 - k] / first**2
        ).real
        for k in (3, 4, 5)
    }


def shape_curvature(modes: np.ndarray, length: np.ndarray) -> dict[str, np.ndarray]:
    """Features `CURVATURE` of the outline rebuilt from modes -8..8, in px.

    Modes are damped as by a Gaussian of `SMOOTHING` px along the outline, since
    a staircase of pixels has corners that the cell has not. The sampling starts
    at an end of the main axis, not at the first pixel, and is thus tied to the
    cell and not to the picture.
    """
    k = np.arange(-HIGHEST, HIGHEST + 1)
    damping = np.exp(-((2 * np.pi * SMOOTHING * k / length[:, None]) ** 2) / 2)
    # Shifting the start by t turns c_k by exp(i k t): undo half the difference
    # of the phases of c_1 and c_-1.
    shift = np.angle(modes[:, HIGHEST - 1] * modes[:, HIGHEST + 1].conj()) / 2
    rate = damping * modes * np.exp(1j * k * shift[:, None]) * (1j * k)
    velocity, acceleration = _sample(rate), _sample(rate * (1j * k))
    speed = np.abs(velocity)
    curvature = (velocity.conj() * acceleration).imag / speed**3
    weight = speed / speed.sum(axis=1, keepdims=True)
    mean = (curvature * weight).sum(axis=1)
    square = (curvature**2 * weight).sum(axis=1)
    around = 2 * np.pi * speed.mean(axis=1)
    return {
        "curvature_sd": np.sqrt(np.maximum(square - mean**2, 0)),
        "curvature_min": curvature.min(axis=1),
        "curvature_max": curvature.max(axis=1),
        "concave_fraction": ((curvature < 0) * weight).sum(axis=1),
        "bending_energy": around**2 * square / (4 * np.pi**2),
    }


def _sample(modes: np.ndarray) -> np.ndarray:
    """Values at SAMPLES equal steps of the curve with modes -8..8."""
    spectrum = np.zeros((len(modes), SAMPLES), complex)
    spectrum[:, : HIGHEST + 1] = modes[:, HIGHEST:]
    spectrum[:, -HIGHEST:] = modes[:, :HIGHEST]
    return SAMPLES * np.fft.ifft(spectrum, axis=1)
