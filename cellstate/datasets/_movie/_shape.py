r"""Contours in harmonics that stand on their centroid.

    r(theta) = R (1 + sum_k a_k cos k (theta - psi_k)),   k = 1 .. 6

is held as complex modes c_k = a_k exp(-i k psi_k), so that r / R = 1 + Re sum_k c_k
exp(i k theta). The angle runs from x towards y, as on the screen. The mode k = 1 moves
a contour more than it bends it; here it is not free, but chosen such that the centroid
of the enclosed area is the origin. The other modes are then what a measurement about
the centroid finds.
"""

import numpy as np

HIGHEST = 6
ORDERS = np.arange(1, HIGHEST + 1)
MOST = 0.9  # largest sum of amplitudes: beyond it a contour may meet its centre
# Twice as many angles as r^3 exp(i theta) has harmonics: means over them are exact.
ANGLES = np.exp(2j * np.pi * np.arange(64) / 64)
POWERS = ANGLES ** ORDERS[:, None]
CLOSE = 1e-13
STEPS = 200


def area(radius: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """Enclosed area pi R^2 (1 + sum a_k^2 / 2), exactly, shape (n,).

    Parameters
    ----------
    radius
        R, shape (n,).
    modes
        c_k, shape (n, 6).

    Examples
    --------
    >>> wave = np.array([[0, 0.2, 0, 0, 0, 0]])
    >>> area(np.array([10.0]), wave).round(4)
    array([320.4425])
    """
    return np.pi * np.square(radius) * _swell(modes)


def radius_of(area: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """Mean radius R of contours with these areas and modes, shape (n,)."""
    return np.sqrt(area / (np.pi * _swell(modes)))


def _swell(modes: np.ndarray) -> np.ndarray:
    return 1 + (np.abs(modes) ** 2).sum(axis=-1) / 2


def centred(modes: np.ndarray) -> np.ndarray:
    """Modes with c_1 set so that the centroid lies at the origin.

    Parameters
    ----------
    modes
        c_k, shape (n, 6); c_1 is not looked at.

    Returns
    -------
    ndarray
        The same modes with their c_1, shape (n, 6).

    Raises
    ------
    ValueError
        Amplitudes that add up to 0.9 or more.

    Examples
    --------
    >>> pear = centred(np.array([[0, 0.2, 0.1, 0, 0, 0]], dtype=complex))
    >>> round(float(pear[0, 0].real), 4), bool(abs(centroid(pear)).max() < 1e-12)
    (-0.0171, True)
    """
    modes = np.array(modes, dtype=complex)
    modes[:, 0] = 0
    total = np.abs(modes).sum(axis=1)
    if (total >= MOST).any():
        raise ValueError(
            f"amplitudes of a contour add up to less than {MOST:g}, so that it never "
            f"meets its own centre; found {total.max():.3g}. Use smaller harmonics or "
            "less individual spread of shape."
        )
    for _ in range(STEPS):
        away = centroid(modes)
        if not (np.abs(away) > CLOSE).any():
            break
        # A shift of the contour by s is c_1 = conj(s) to first order.
        modes[:, 0] -= away.conj()
    return modes


def centroid(modes: np.ndarray) -> np.ndarray:
    """Centroid x + iy of the enclosed area, in units of R, shape (n,)."""
    cubes = profile(modes) ** 3 @ ANGLES / ANGLES.size
    return cubes * 2 / (3 * _swell(modes))


def profile(modes: np.ndarray) -> np.ndarray:
    """Values r / R at 64 equal angles, shape (n, 64)."""
    return 1 + (modes @ POWERS).real


def turned(modes: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Modes of contours turned by `angle` (n,), from x towards y."""
    return modes * np.exp(-1j * np.outer(angle, ORDERS))


def radial(modes: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Values r / R of each of n contours in one direction exp(i theta), shape (n,)."""
    return 1 + (modes * direction[:, None] ** ORDERS).sum(axis=1).real


def wave(modes: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value r / R of one contour, and its derivative by the angle.

    Parameters
    ----------
    modes
        c_k of one contour, shape (6,).
    direction
        exp(i theta), any shape; the values have the same.
    """
    value = np.zeros_like(direction)
    slope = np.zeros_like(direction)
    for k in range(HIGHEST, 0, -1):
        value = (value + modes[k - 1]) * direction
        slope = (slope + 1j * k * modes[k - 1]) * direction
    return 1 + value.real, slope.real


def amplitudes(modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a_k >= 0 and psi_k (rad, in (-pi/k, pi/k]) of modes, shapes (n, 6)."""
    return np.abs(modes), -np.angle(modes) / ORDERS
