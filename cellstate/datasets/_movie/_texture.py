"""A grainy pattern that travels with a cell and changes slowly."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

WAVES = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class Texture:
    """Plane waves whose sum looks like smoothed noise.

    The sum has mean 0, variance 1, and the correlation exp(-d^2 / (2 l^2)) at a
    distance d, with l the correlation length given when it is drawn. The same waves
    stand for a cell all her life: a larger l stretches her pattern.

    Attributes
    ----------
    wave
        Wave vectors x + iy for l = 1, shape (64,).
    phase
        Phases at time 0, shape (64,).
    pace
        How fast phases run, rad per h, shape (64,): over a time t the pattern
        correlates with itself by exp(-t^2 / (2 time^2)).
    """

    wave: np.ndarray
    phase: np.ndarray
    pace: np.ndarray

    def draw(
        self, x: np.ndarray, y: np.ndarray, length: float, angle: float, time: float
    ) -> np.ndarray:
        """Draw the pattern on a grid.

        Parameters
        ----------
        x, y
            Columns (w,) and rows (h,) relative to the centre of the cell, um.
        length
            Correlation length, um.
        angle
            By how much the cell, and the pattern with her, is turned (rad).
        time
            Hours.

        Returns
        -------
        ndarray
            Shape (h, w).
        """
        wave = self.wave * np.exp(1j * angle) / length
        along_x = np.outer(wave.real, x)
        along_y = np.outer(y, wave.imag) + (self.phase + self.pace * time)
        # cos(a + b) as a product of matrices: waves need no value of their own
        # at every pixel.
        left = np.hstack([np.cos(along_y), -np.sin(along_y)])
        right = np.vstack([np.cos(along_x), np.sin(along_x)])
        return left @ right * np.sqrt(2 / self.phase.size)


def texture(time: float, rng: np.random.Generator) -> Texture:
    """Make the pattern of one cell, which correlates over `time` hours.

    Examples
    --------
    >>> grains = texture(10.0, np.random.default_rng(0))
    >>> grains.draw(np.arange(5.0), np.arange(3.0), 2.0, 0.0, 0.0).shape
    (3, 5)
    """
    share = (np.arange(WAVES) + 0.5) / WAVES
    # Lengths of Gaussian wave vectors at equal steps of chance, not drawn: the
    # correlation length of one cell then strays less from what was asked for.
    size = np.sqrt(-2 * np.log(share))
    angle = rng.permutation(WAVES) + rng.random(WAVES)
    pace = ndtri((rng.permutation(WAVES) + 0.5) / WAVES) / time
    return Texture(
        wave=size * np.exp(1j * np.pi * angle / WAVES),
        phase=rng.uniform(0, 2 * np.pi, WAVES),
        pace=pace,
    )
