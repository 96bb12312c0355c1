"""Outlines as a fixed number of points, for shape modes and for drawing."""

import numpy as np

from cellstate.morphology._block import Block, split_cells
from cellstate.morphology.contours import Outline, find_cracks, trace

N_POINTS = 64


def contour_points(
    labels: np.ndarray, *, pixel_size: float, n_points: int = N_POINTS
) -> np.ndarray:
    """Outlines sampled at equal arc length, one per label in ascending order.

    Parameters
    ----------
    labels
        Integer mask of one frame, shape (Y, X); 0 is background.
    pixel_size
        Micrometres per pixel.
    n_points
        Points per cell.

    Returns
    -------
    ndarray
        Shape (n, n_points, 2), x and y in um in the frame. The first point is
        on the highest, then leftmost pixel; the order is clockwise on screen.
        Of a cell in several pieces the largest one is traced.

    Examples
    --------
    >>> labels = np.zeros((8, 8), int)
    >>> labels[2:5, 3:7] = 1
    >>> contour_points(labels, pixel_size=0.5, n_points=4).mean(axis=1)
    array([[2.25, 1.5 ]])
    """
    parts = [_in_frame(block, n_points) for block in split_cells(labels)[1]]
    points = np.concatenate([np.zeros((0, n_points, 2)), *parts])
    return points * pixel_size


def _in_frame(block: Block, n_points: int) -> np.ndarray:
    points = sample(trace(block, find_cracks(block)), n_points)
    return points + np.stack(block.centroid, axis=1)[:, None]


def sample(outline: Outline, n_points: int) -> np.ndarray:
    """Points at equal arc length, (n, n_points, 2), px from the centroid."""
    # One increasing axis for all cells: the positions of cell k start at `base`.
    end = np.cumsum(outline.length)
    base = end - outline.length
    wanted = base[:, None] + outline.length[:, None] * np.arange(n_points) / n_points
    axis = outline.position + base[outline.cell]
    edge = np.searchsorted(axis, wanted, side="right") - 1
    edge = np.maximum(edge, outline.start[:, None])
    part = (wanted - axis[edge]) / outline.step[edge]
    after = outline.following[edge]
    x = outline.x[edge] + part * (outline.x[after] - outline.x[edge])
    y = outline.y[edge] + part * (outline.y[after] - outline.y[edge])
    return np.stack([x, y], axis=-1)
