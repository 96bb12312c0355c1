r"""Spherical-harmonic modes of the surface of 3-D cells.

The radius seen from the centroid is expanded in real orthonormal harmonics,

    r(u) = sum_lm r_lm Y_lm(u),   r_lm = int r(u) Y_lm(u) du,

and what is kept of degree l is the root mean square of its part over the mean
radius, sqrt(sum_m r_lm^2) / r_00: it does not change when the cell turns.
r = R (1 + e Y_lm) has e / sqrt(4 pi) at degree l and 0 elsewhere.
"""

from functools import lru_cache
from math import factorial

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.special import lpmv

HIGHEST = 6
# Directions: 20 Gauss-Legendre heights times 40 angles integrate products of
# harmonics up to degree 19 exactly.
HEIGHTS = 20
# Steps along each ray, in voxels of the finest axis.
STEP = 0.5


@lru_cache(maxsize=1)
def directions() -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors x, y, z, (D, 3), and weights that sum to 4 pi, (D,)."""
    height, weight = np.polynomial.legendre.leggauss(HEIGHTS)
    angle = np.pi * np.arange(2 * HEIGHTS) / HEIGHTS
    across = np.sqrt(1 - height**2)[:, None]
    z = np.broadcast_to(height[:, None], (HEIGHTS, angle.size))
    unit = np.stack([across * np.cos(angle), across * np.sin(angle), z], axis=-1)
    weights = np.repeat(weight * np.pi / HEIGHTS, angle.size)
    return unit.reshape(-1, 3), weights


def real_harmonics(unit: np.ndarray, highest: int) -> np.ndarray:
    """Y_lm at unit vectors (D, 3), columns l^2 + l + m, shape (D, (highest + 1)^2).

    Examples
    --------
    >>> up = real_harmonics(np.array([[0.0, 0.0, 1.0]]), 1)
    >>> (up * np.sqrt(4 * np.pi)).round(3)  # 1 and, of degree 1, sqrt(3) z
    array([[1.   , 0.   , 1.732, 0.   ]])
    """
    angle = np.arctan2(unit[:, 1], unit[:, 0])
    columns = []
    for degree in range(highest + 1):
        for order in range(-degree, degree + 1):
            m = abs(order)
            ratio = factorial(degree - m) / factorial(degree + m)
            size = np.sqrt((2 * degree + 1) / (4 * np.pi) * ratio)
            if order:
                # lpmv carries the sign (-1)^m of Condon and Shortley.
                wave = np.cos if order > 0 else np.sin
                size = size * np.sqrt(2) * (-1) ** m * wave(m * angle)
            columns.append(size * lpmv(m, degree, unit[:, 2]))
    return np.stack(columns, axis=1)


@lru_cache(maxsize=1)
def _basis() -> np.ndarray:
    """Weighted harmonics: radii (D,) times this are the r_lm."""
    unit, weight = directions()
    return weight[:, None] * real_harmonics(unit, HIGHEST)


def radii(inside: np.ndarray, centre: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Distance from the centre to the outermost crossing of level 1/2, (D,).

    Parameters
    ----------
    inside
        Smooth indicator of one cell, shape (Z, Y, X), 0 at all its ends.
    centre
        Voxel coordinates z, y, x.
    spacing
        Length of a voxel along z, y, x.

    Returns
    -------
    ndarray
        In the unit of `spacing`, for the directions of `directions`; 0 where a
        ray meets nothing. Of a cell that is not star-shaped the outer surface.
    """
    unit = directions()[0][:, ::-1]  # z, y, x
    reach = np.linalg.norm(np.array(inside.shape) * spacing)
    step = STEP * spacing.min()
    distance = np.arange(0, reach + step, step)
    ray = (unit / spacing)[:, None] * distance[:, None] + centre
    level = map_coordinates(inside, ray.transpose(2, 0, 1), order=1, cval=0.0) - 0.5
    above = level > 0
    last = above.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1)
    row = np.arange(len(unit))
    high, low = level[row, last], level[row, np.minimum(last + 1, distance.size - 1)]
    part = high / np.where(high > low, high - low, 1)
    return np.where(above.any(axis=1), distance[last] + step * part, 0)


def degree_shares(radius: np.ndarray) -> np.ndarray:
    """Root mean square of degrees 1..6 over the mean radius, (6,).

    Parameters
    ----------
    radius
        At the directions of `directions`, shape (D,).
    """
    modes = radius @ _basis()
    degree = np.floor(np.sqrt(np.arange(modes.size))).astype(int)
    power = np.sqrt(np.bincount(degree, modes**2))
    return power[1:] / power[0] if power[0] > 0 else np.full(HIGHEST, np.nan)
