"""Cut crops out of a movie and paint them, with the outlines of their cells."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._movie import Movie

GAP = 6  # white pixels between crops
CONTRAST = (1.0, 99.7)  # percentiles of a strip that become black and white
OWN, KIN, COMMITTED = (230, 159, 0), (86, 180, 233), (213, 94, 0)


@dataclass(eq=False)
class Tile:
    """One crop: where it goes, what it shows."""

    place: tuple[int, int]
    frame: int
    rows: np.ndarray  # cells whose contour is drawn
    own: bool  # the track itself, not its mother or daughters
    centre: np.ndarray  # y, x in pixels
    committed: bool = False
    pixels: np.ndarray = field(default_factory=lambda: np.empty(0))
    inside: np.ndarray = field(default_factory=lambda: np.empty(0))
    outline: np.ndarray = field(default_factory=lambda: np.empty(0))


def read_tiles(
    adata: AnnData,
    movie: Movie,
    tiles: list[Tile],
    half: int,
    zoom: int,
    channel: int,
) -> None:
    """Cut the crops out of the frames, each frame read once."""
    by_frame = defaultdict(list)
    for tile in tiles:
        by_frame[tile.frame].append(tile)
    label = adata.obs[keys.LABEL].to_numpy()
    for frame in sorted(by_frame):
        image, masks = movie.image(frame)[channel], movie.labels(frame)
        for tile in by_frame[frame]:
            tile.pixels, tile.inside = _crop(image, tile.centre, half)
            cells, _ = _crop(masks, tile.centre, half)
            cells = np.kron(cells, np.ones((zoom, zoom), cells.dtype))
            tile.outline = np.zeros(cells.shape, dtype=bool)
            for row in tile.rows:
                tile.outline |= _outline(cells == label[row])


def _crop(
    image: np.ndarray, centre: np.ndarray, half: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a square around the centre, 0 outside the field, and what is inside."""
    y, x = (round(float(c)) - half for c in centre)
    side = 2 * half + 1
    crop = np.zeros((side, side), image.dtype)
    inside = np.zeros((side, side), dtype=bool)
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + side, image.shape[0]), min(x + side, image.shape[1])
    if top < bottom and left < right:
        part = np.s_[top - y : bottom - y, left - x : right - x]
        crop[part] = image[top:bottom, left:right]
        inside[part] = True
    return crop, inside


def _outline(mask: np.ndarray) -> np.ndarray:
    """Two pixels around a mask, so that the cell itself stays visible."""
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask, iterations=2) & ~mask


def paint(canvas: np.ndarray, tiles: list[Tile], size: int, zoom: int) -> None:
    """Put the crops of one strip in place, with one contrast for all."""
    seen = [t.pixels[t.inside] for t in tiles if t.inside.any()]
    if not seen:
        return
    light = np.concatenate(seen).astype(float)
    light = light[np.isfinite(light)]
    # A picture without any value is drawn black: its outlines still show.
    dark, bright = np.percentile(light, CONTRAST) if light.size else (0.0, 1.0)
    for tile in tiles:
        grey = (tile.pixels - dark) / max(bright - dark, np.finfo(float).tiny)
        grey = np.where(tile.inside, np.clip(np.nan_to_num(grey), 0, 1), 0)
        grey = (255 * np.kron(grey, np.ones((zoom, zoom)))).astype(np.uint8)
        color = np.repeat(grey[:, :, None], 3, axis=2)
        color[tile.outline] = OWN if tile.own else KIN
        if tile.committed:
            edge = max(2, size // 45)
            border = np.ones(grey.shape, dtype=bool)
            border[edge:-edge, edge:-edge] = False
            color[border] = COMMITTED
        top, left = (p * (size + GAP) for p in tile.place)
        canvas[top : top + size, left : left + size] = color
