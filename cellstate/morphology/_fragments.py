"""Pieces of a cell that a watershed cut too often, joined again."""

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

# Two pieces are one cell if nothing speaks for a border between them.
LEAST_BRIDGE = 0.8  # signal along the border over that of the dimmer piece
LEAST_SOLIDITY = 0.9  # area of both over that of their convex hull
LARGEST_RATIO = 1.6  # of the brighter to the dimmer piece


def join_fragments(
    labels: np.ndarray, signal: np.ndarray, largest: float
) -> np.ndarray:
    """Join neighbours of like brightness, no dip between them, and a convex union.

    Parameters
    ----------
    labels
        Pieces, shape (Y, X), 0 for background.
    signal
        Brightness above the ground, shape (Y, X).
    largest
        Area that a joined cell may have, px.

    Returns
    -------
    ndarray
        Labels, a joined cell under the smaller of its two.

    Examples
    --------
    A bar is put together; two bars side by side that part at one end are not.

    >>> bar = np.array([[1, 1, 2, 2]])
    >>> join_fragments(bar, np.ones((1, 4)), largest=9).tolist()
    [[1, 1, 1, 1]]
    >>> join_fragments(bar, np.array([[5.0, 4, 1, 2]]), largest=9).tolist()
    [[1, 1, 2, 2]]
    """
    labels = labels.copy()
    while True:
        pairs = _like_neighbours(labels, signal)
        area = np.bincount(labels.ravel())
        small = area[pairs].sum(axis=1) <= largest
        boxes = ndimage.find_objects(labels)
        fits = [(_solidity(labels, boxes, i, j), i, j) for i, j in pairs[small]]
        fits = [fit for fit in fits if fit[0] >= LEAST_SOLIDITY]
        if not fits:
            return labels
        _join(labels, boxes, fits)


def _join(labels: np.ndarray, boxes: list, fits: list[tuple]) -> None:
    """Join in place, the most convex union first, each piece once."""
    joined: set[int] = set()
    for _, i, j in sorted(fits, key=lambda fit: (-fit[0], fit[1], fit[2])):
        if i not in joined and j not in joined:
            joined |= {i, j}
            part = labels[boxes[j - 1]]
            part[part == j] = i


def _like_neighbours(labels: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Pairs (i < j) that touch, alike in brightness, without a dip, shape (n, 2)."""
    n = int(labels.max()) + 1
    codes, borders = [], []
    for here, there in (
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        a, b = labels[here], labels[there]
        touch = (a != b) & (a > 0) & (b > 0)
        a, b = a[touch].astype(np.int64), b[touch].astype(np.int64)
        codes.append(np.minimum(a, b) * n + np.maximum(a, b))
        borders.append(np.minimum(signal[here][touch], signal[there][touch]))
    code, of_pixel = np.unique(np.concatenate(codes), return_inverse=True)
    pairs = np.column_stack(np.divmod(code, n))
    if not len(pairs):
        return pairs
    bridge = np.bincount(of_pixel, np.concatenate(borders)) / np.bincount(of_pixel)
    met, place = np.unique(pairs, return_inverse=True)
    inside = np.isin(labels, met)
    level = np.asarray(ndimage.median(signal[inside], labels[inside], met))
    level = level[place.reshape(pairs.shape)]
    dimmer, brighter = level.min(axis=1), level.max(axis=1)
    alike = (brighter <= LARGEST_RATIO * dimmer) & (bridge >= LEAST_BRIDGE * dimmer)
    return pairs[alike]


def _solidity(labels: np.ndarray, boxes: list, i: int, j: int) -> float:
    """Area of both together over that of their convex hull."""
    box = tuple(
        slice(min(a.start, b.start), max(a.stop, b.stop))
        for a, b in zip(boxes[i - 1], boxes[j - 1], strict=True)
    )
    both = np.isin(labels[box], (i, j))
    rows = np.flatnonzero(both.any(axis=1))
    first = both[rows].argmax(axis=1)
    last = both.shape[1] - both[rows][:, ::-1].argmax(axis=1)
    corners = [np.column_stack([y, x]) for y in (rows, rows + 1) for x in (first, last)]
    return float(both.sum() / ConvexHull(np.concatenate(corners)).volume)
