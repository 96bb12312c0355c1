"""Frames of a movie, any one at a time: masks, light, grey values."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cellstate.datasets._movie._look import Look
from cellstate.datasets._movie._optics import (
    Optics,
    background,
    blurred,
    exposed,
    margin,
)
from cellstate.datasets._movie._raster import Tile, coverage, overlap, tile
from cellstate.datasets._movie._shape import profile
from cellstate.datasets._movie._texture import Texture, texture


@dataclass(frozen=True, eq=False, kw_only=True)
class Cast:
    """Everything that can be seen, one entry per cell and frame.

    Attributes
    ----------
    rows
        One array of rows per frame.
    track
        True number of the cell, shape (n,).
    x, y, radius
        Centroid and mean radius, px, shape (n,); pixel centres are whole numbers.
    modes
        c_k as seen on the screen, shape (n, 6).
    light
        Brightness summed over the area, in pixels of brightness 1, shape (n,).
    texture_length
        um, shape (n,).
    axis, dipole
        rad; signed, shape (n,).
    shape
        Height and width of the field, px.
    pixel_size
        um.
    frame_interval
        h.
    look, optics
        Of the scene.
    texture_seed, noise_seed
        A cell's texture and a frame's noise follow from these and her or its number,
        so that frames may be drawn in any order.
    """

    rows: list[np.ndarray]
    track: np.ndarray
    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    modes: np.ndarray
    light: np.ndarray
    texture_length: np.ndarray
    axis: np.ndarray
    dipole: np.ndarray
    shape: tuple[int, int]
    pixel_size: float
    frame_interval: float
    look: Look
    optics: Optics
    texture_seed: int
    noise_seed: int

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.rows)

    def owners(self, frame: int) -> np.ndarray:
        """Which cell each pixel belongs to, shape (Y, X).

        A pixel belongs to the cell that has its centre inside her contour; of several
        to the one in which it lies deepest.

        Returns
        -------
        ndarray
            Place of the cell in ``rows[frame]``, counted from 1; 0 for none.
        """
        owner = np.zeros(self.shape, dtype=np.int32)
        depth = np.ones(self.shape)
        for number, row in enumerate(self._near(frame, 0), 1):
            if row < 0:
                continue
            cell = self._tile(row, 0)
            met = overlap(cell, self.shape)
            if met is None:
                continue
            place, part = met
            inside = cell.depth[part] < depth[place]
            depth[place][inside] = cell.depth[part][inside]
            owner[place][inside] = number
        return owner

    def light_in(self, frame: int) -> np.ndarray:
        """Light of all cells before any blur, in brightness per pixel.

        Shape (Y + 2 m, X + 2 m): the margin m holds light that blur brings in.
        """
        edge = margin(self.optics, self.pixel_size)
        light = np.zeros((self.shape[0] + 2 * edge, self.shape[1] + 2 * edge))
        for row in self._near(frame, edge):
            if row < 0:
                continue
            cell = self._tile(row, edge)
            met = overlap(cell, light.shape)
            if met is not None:
                place, part = met
                light[place] += self._shine(row, cell, frame)[part]
        return light

    def photons(self, frame: int) -> np.ndarray:
        """Expected photons per pixel, shape (Y, X)."""
        light = blurred(self.light_in(frame), self.optics, self.pixel_size)
        return self.optics.photons * light + background(self.shape, self.optics)

    def image(self, frame: int) -> np.ndarray:
        """Grey values, shape (Y, X), uint16."""
        rng = np.random.default_rng((self.noise_seed, frame))
        return exposed(self.photons(frame), self.optics, rng)

    def _near(self, frame: int, edge: int) -> np.ndarray:
        """Rows of a frame; -1 in place of cells that cannot reach the picture."""
        rows = self.rows[frame]
        reach = self.radius[rows] * profile(self.modes[rows]).max(axis=1) + edge + 2
        height, width = self.shape
        x, y = self.x[rows], self.y[rows]
        seen = (x > -reach) & (x < width + reach) & (y > -reach) & (y < height + reach)
        return np.where(seen, rows, -1)

    def _tile(self, row: int, edge: int) -> Tile:
        return tile(
            self.x[row] + edge, self.y[row] + edge, self.radius[row], self.modes[row]
        )

    def _shine(self, row: int, cell: Tile, frame: int) -> np.ndarray:
        """Brightness of one cell over her tile; its sum is her light."""
        look, angle = self.look, self.axis[row]
        grain = _texture_of(self.texture_seed, int(self.track[row]), look.memory).draw(
            cell.x * self.pixel_size,
            cell.y * self.pixel_size,
            self.texture_length[row],
            angle,
            frame * self.frame_interval,
        )
        side = (cell.direction * np.exp(-1j * angle)).real
        pattern = np.maximum(1 + look.contrast * grain, 0) * coverage(cell)
        pattern *= np.maximum(1 - look.dome * cell.depth**2, 0)
        pattern *= 1 + self.dipole[row] * side
        total = pattern.sum()
        return pattern * (self.light[row] / total) if total > 0 else pattern


@lru_cache(maxsize=8192)
def _texture_of(seed: int, track: int, memory: float) -> Texture:
    return texture(memory, np.random.default_rng((seed, track)))
