"""Crops as a network sees them: centred, of one size and brightness, in polar form."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

RADII, ANGLES = 16, 48  # of the polar grid
REACH = 2.0  # its outer edge, in radii of the disc of the cell's area
BLOCK = 512  # crops at once where no gradient is needed


def outline_of(crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centre (n, 2) as x, y from the middle, radius (n,) in px, brightness (n, C).

    Pixels that are 0 in every channel are not the cell's; brightness is the mean over
    those that are.
    """
    mask = (crops != 0).any(dim=1).to(crops.dtype)
    count = mask.sum(dim=(1, 2)).clamp(min=1)
    height, width = mask.shape[1:]
    x = torch.arange(width, dtype=crops.dtype) - (width - 1) / 2
    y = torch.arange(height, dtype=crops.dtype) - (height - 1) / 2
    center = torch.stack(
        [(mask.sum(dim=1) @ x) / count, (mask.sum(dim=2) @ y) / count], dim=1
    )
    level = crops.sum(dim=(2, 3)) / count[:, None]
    return center, torch.sqrt(count / torch.pi), level


def polar(crops: Tensor, turn: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Pictures (n, C, RADII, ANGLES) and what was divided out, (n, 1 + C).

    The latter are the logarithms of radius (px) and of each channel's brightness.
    `turn` (n,) turns the cells, in rad.
    """
    center, radius, level = outline_of(crops)
    level = torch.where(level > 0, level, torch.ones_like(level))
    angle = 2 * torch.pi * torch.arange(ANGLES) / ANGLES
    angle = angle[None] + (0 if turn is None else turn[:, None])
    steps = REACH * (torch.arange(RADII) + 0.5) / RADII
    far = (steps[None] * radius[:, None])[:, :, None]
    x = far * torch.cos(angle)[:, None] + center[:, 0, None, None]
    y = far * torch.sin(angle)[:, None] + center[:, 1, None, None]
    height, width = crops.shape[2:]
    grid = torch.stack([x / ((width - 1) / 2), y / ((height - 1) / 2)], dim=-1)
    seen = grid_sample(crops, grid, align_corners=True)
    divided = torch.cat(
        [torch.log(radius)[:, None], torch.log(level.clamp(min=1e-12))], 1
    )
    return seen / level[:, :, None, None], divided


def blocks(crops, rows: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Rows and their crops as float32, a block at a time, in order of the file."""
    for start in range(0, len(rows), BLOCK):
        own = rows[start : start + BLOCK]
        yield own, read(crops, own)


def read(crops, rows: np.ndarray) -> Tensor:
    """Crops of some rows, which a file may hold, (m, C, H, W); NaN counts as 0."""
    # Files read rising rows only, each once.
    unique, where = np.unique(rows, return_inverse=True)
    values = np.asarray(crops[unique], dtype=np.float32)[where]
    return torch.from_numpy(np.nan_to_num(values))
