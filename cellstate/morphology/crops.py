"""Square pictures of single cells, with nothing of their neighbours."""

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer
from cellstate.morphology._channel import Plane


def crop_cells(
    image: ArrayLike, labels: ArrayLike, wanted: ArrayLike, *, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Crops about the middle of each cell, 0 outside its own mask.

    Parameters
    ----------
    image
        Picture, shape (C, Y, X), background taken off; NaN counts as 0.
    labels
        Integer mask, shape (Y, X).
    wanted
        Labels to crop, shape (n,).
    size
        Height and width of a crop, px.

    Returns
    -------
    tuple of ndarray
        Crops (n, C, size, size), float32, the pixel nearest to the centroid at
        ``size // 2``; and the share of each mask that lies inside, (n,). Labels that
        the mask does not have give empty crops and NaN.

    Examples
    --------
    >>> labels = np.zeros((5, 5), int)
    >>> labels[1:4, 1:3], labels[1:4, 3] = 7, 8
    >>> crops, inside = crop_cells(np.full((1, 5, 5), 2.0), labels, [7, 9], size=3)
    >>> crops[0, 0].tolist(), inside.tolist()
    ([[2.0, 2.0, 0.0], [2.0, 2.0, 0.0], [2.0, 2.0, 0.0]], [1.0, nan])
    """
    image, labels = np.asarray(image), np.asarray(labels)
    wanted, size = np.asarray(wanted), integer(size, "size", 1)
    if labels.ndim != 2 or image.shape[1:] != labels.shape:
        raise ValueError(
            f"`image` has shape (C, Y, X) and `labels` (Y, X) on the same grid; found "
            f"{image.shape} and {labels.shape}."
        )
    crops = np.zeros((wanted.size, image.shape[0], size, size), np.float32)
    inside = np.full(wanted.size, np.nan)
    order = np.argsort(wanted, kind="stable")
    y, x = np.nonzero(np.isin(labels, wanted) & (labels != 0))
    found = order[np.searchsorted(wanted, labels[y, x], sorter=order)]
    count = np.bincount(found, minlength=wanted.size)
    known = count > 0
    middle = [
        np.rint(np.bincount(found, side, wanted.size) / np.maximum(count, 1)).astype(
            int
        )
        for side in (y, x)
    ]
    row, col = y - middle[0][found] + size // 2, x - middle[1][found] + size // 2
    kept = (row >= 0) & (row < size) & (col >= 0) & (col < size)
    cell, row, col, y, x = (part[kept] for part in (found, row, col, y, x))
    crops[cell, :, row, col] = np.nan_to_num(image[:, y, x].T)
    within = np.bincount(cell, minlength=wanted.size)
    inside[known] = within[known] / count[known]
    return crops, inside


def frame_background(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Median of each channel outside cells, (C,); 0 where cells fill the frame."""
    levels = [Plane.of(plane, labels, None).background for plane in image]
    return np.nan_to_num(np.array(levels, dtype=float))
