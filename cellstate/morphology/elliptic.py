r"""Elliptic Fourier modes of outlines in the frame of their own first ellipse.

With c_k as in `fourier`, the modes k = 1 and -1 alone draw an ellipse. Turned so
that its long axis lies along x, started at an end of that axis and divided by its
semi-axis,

    d_k = exp(-i psi) exp(i k s) c_k / (|c_1| + |c_-1|),

the d_k keep the phases that magnitudes lose. Two ends can be called the start: the
half turn is chosen that makes the largest even mode point to positive x. In a round
cell the long axis is arbitrary, which `anisotropy` tells.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

# Below this (a - b) / (a + b) pixels decide where the long axis points.
ROUND = 0.03


@dataclass(frozen=True, eq=False, kw_only=True)
class EllipticModes:
    """Elliptic Fourier modes of n outlines; read-only arrays."""

    kind: ClassVar[str] = "elliptic_modes"
    modes: np.ndarray  # (n, 2 K + 1) complex d_k, k = -K..K; d_0 is 0
    semi_axis: np.ndarray  # (n,) |c_1| + |c_-1|, in the unit of the outlines
    angle: np.ndarray  # (n,) of the long axis, from x towards y, in (-pi, pi]
    centre: np.ndarray  # (n, 2) mean of the outline
    anisotropy: np.ndarray  # (n,) (a - b) / (a + b) of the first ellipse
    ambiguous: np.ndarray  # (n,) bool, anisotropy below 0.03: angle is arbitrary

    def __post_init__(self):
        for value in vars(self).values():
            value.flags.writeable = False

    def outlines(self, n_points: int = 64) -> np.ndarray:
        """Outlines drawn from the modes, back in place, (n, n_points, 2)."""
        top = self.modes.shape[1] // 2
        k = np.arange(-top, top + 1)
        wave = np.exp(2j * np.pi * np.outer(k, np.arange(n_points)) / n_points)
        turn = self.semi_axis * np.exp(1j * self.angle)
        z = turn[:, None] * (self.modes @ wave)
        return np.stack([z.real, z.imag], axis=-1) + self.centre[:, None]


def elliptic_modes(outlines: ArrayLike, *, n_modes: int = 8) -> EllipticModes:
    """Ellipse-normalised Fourier modes of outlines sampled by arc length.

    Parameters
    ----------
    outlines
        Closed outlines, shape (n, P, 2), points at equal arc length as from
        `contour_points`; or (n, 2 P) as in ``obsm["X_contour"]``.
    n_modes
        Highest mode K, below P / 2.

    Returns
    -------
    EllipticModes
        `modes` unchanged by translation, rotation, size and starting point, and
        conjugated by a reflection; `semi_axis`, `angle` and `centre` undo it.

    Raises
    ------
    ValueError
        If the shape is another, K is too large or a value is not finite.

    References
    ----------
    Kuhl, Giardina, Comput. Graph. Image Process. 18 (1982).

    Examples
    --------
    >>> t = 2 * np.pi * np.arange(64) / 64
    >>> egg = np.stack([5 + 3 * np.cos(t), np.sin(t)], axis=-1)
    >>> found = elliptic_modes(egg[None])
    >>> float(found.semi_axis[0].round(3)), float(found.anisotropy[0].round(3))
    (3.0, 0.5)
    """
    z = _checked(outlines, n_modes)
    k = np.arange(-n_modes, n_modes + 1)
    raw = np.fft.fft(z, axis=1)[:, k] / z.shape[1]
    centre = raw[:, n_modes].copy()
    raw[:, n_modes] = 0
    # The outline runs so that c_1 is the large one, as along the unit circle.
    backward = np.abs(raw[:, n_modes - 1]) > np.abs(raw[:, n_modes + 1])
    raw[backward] = raw[backward][:, ::-1]
    plus, minus = raw[:, n_modes + 1], raw[:, n_modes - 1]
    turn, start = (
        (np.angle(plus) + np.angle(minus)) / 2,
        (np.angle(minus) - np.angle(plus)) / 2,
    )
    size = np.abs(plus) + np.abs(minus)
    size = np.where(size > 0, size, 1)
    modes = raw * np.exp(1j * (k * start[:, None] - turn[:, None])) / size[:, None]
    even = np.where((k % 2 == 0) & (k != 0), modes, 0)
    largest = np.abs(even).argmax(axis=1)
    flip = even[np.arange(len(even)), largest].real < 0
    modes[flip] *= (-1.0) ** (k + 1)
    turn = np.where(flip, turn + np.pi, turn)
    whole = np.abs(plus)
    anisotropy = np.abs(minus) / np.where(whole > 0, whole, np.nan)
    return EllipticModes(
        modes=modes,
        semi_axis=np.abs(plus) + np.abs(minus),
        angle=np.angle(np.exp(1j * turn)),
        centre=np.stack([centre.real, centre.imag], axis=-1),
        anisotropy=anisotropy,
        ambiguous=~(anisotropy >= ROUND),
    )


def _checked(outlines: ArrayLike, n_modes: int) -> np.ndarray:
    """Outlines as complex numbers, (n, P)."""
    points = np.asarray(outlines, np.float64)
    if points.ndim == 2 and points.shape[1] % 2 == 0:
        points = points.reshape(len(points), -1, 2)
    if points.ndim != 3 or points.shape[2] != 2:
        raise ValueError(
            "`outlines` must have shape (n, P, 2) or (n, 2 P); "
            f"found {np.shape(outlines)}."
        )
    if not 1 <= n_modes < points.shape[1] / 2:
        raise ValueError(
            f"`n_modes` must lie between 1 and {(points.shape[1] - 1) // 2}, below "
            f"half of {points.shape[1]} points; found {n_modes}."
        )
    broken = np.flatnonzero(~np.isfinite(points).all(axis=(1, 2)))
    if broken.size:
        raise ValueError(
            f"`outlines` must be finite; rows {broken[:5].tolist()} are not."
        )
    return points[..., 0] + 1j * points[..., 1]
