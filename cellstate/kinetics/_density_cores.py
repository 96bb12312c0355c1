"""Cores of high density: the densest part of some cells, or of their two modes."""

import numpy as np

from cellstate._base.checks import fraction
from cellstate._base.results import frozen

CORE_NEIGHBOURS = 30
# The log-density of a cell has a standard error of 1 / sqrt(neighbours): two peaks
# count as two when the dip between them is deeper than this many standard errors
# of a difference. The most extreme of thousands of cells is that far off.
DIP_ERRORS = 4.0


def densest(x: np.ndarray, share: float) -> np.ndarray:
    """Return the share of the points that have the nearest neighbours.

    Parameters
    ----------
    x
        Points, shape (n, d), finite, n at least 2.
    share
        Between 0 and 1.

    Returns
    -------
    ndarray
        Boolean, shape (n,).

    Examples
    --------
    >>> x = np.r_[np.linspace(0, 1, 50), np.linspace(2, 50, 50)][:, None]
    >>> core = densest(x, 0.3)
    >>> int(core.sum()), bool(x[core].max() < 1)
    (30, True)
    """
    reach, _ = _neighbours(x)
    return reach[:, -1] <= np.quantile(reach[:, -1], fraction(share, "share"))


def density_modes(x: np.ndarray) -> np.ndarray:
    """Assign points to the two modes of their density that stand out most.

    Points are joined from the highest density downward along their nearest
    neighbours; each peak is scored by its height above the saddle at which it meets
    a higher one. The highest peak and the one that stands out most besides it are
    the modes; every point belongs to the mode that it is joined to first.

    Parameters
    ----------
    x
        Points, shape (n, d), finite.

    Returns
    -------
    ndarray
        Shape (n,): 0 in the mode with more points, 1 in the other, -1 where a point
        is joined to neither.

    Raises
    ------
    ValueError
        There is one mode only.

    References
    ----------
    Chazal, Guibas, Oudot, Skraba, J. ACM 60 (2013) 41.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.r_[rng.normal(0, 1, (300, 1)), rng.normal(9, 1, (200, 1))]
    >>> mode = density_modes(x)
    >>> bool((mode[:300] == 0).mean() > 0.99), bool((mode[300:] == 1).mean() > 0.95)
    (True, True)
    """
    reach, near = _neighbours(x)
    height = -x.shape[1] * np.log(np.maximum(reach[:, -1], np.finfo(float).tiny))
    edges = _falling_edges(height, near)
    first, second, prominence = _two_peaks(height, edges)
    needed = DIP_ERRORS * np.sqrt(2 / near.shape[1])
    if prominence < needed:
        raise ValueError(
            f"source='density' and target='density' need two modes; found one: the "
            f"density of {len(x)} cells falls by a factor {np.exp(prominence):.2g} "
            f"between its two highest peaks, and a dip of chance may reach "
            f"{np.exp(needed):.2g}. Give one of them as an expression, such as "
            "target='area > 300'."
        )
    root = _joined(height, edges, (first, second))
    sizes = [(root == peak).sum() for peak in (root[first], root[second])]
    if sizes[1] > sizes[0]:
        first, second = second, first
    mode = np.full(len(x), -1)
    mode[root == root[first]], mode[root == root[second]] = 0, 1
    return frozen(mode)


def _neighbours(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.neighbors import NearestNeighbors

    count = min(CORE_NEIGHBOURS, len(x) - 1)
    return NearestNeighbors(n_neighbors=count).fit(x).kneighbors()


def _falling_edges(height: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Pairs of neighbours, shape (m, 2), from the highest lower end downward.

    Of all pairs only a spanning tree joins anything.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    n, k = near.shape
    row, column = np.repeat(np.arange(n), k), near.ravel()
    lower = np.minimum(height[row], height[column])
    # Weights above 0: a zero would be no edge.
    depth = height.max() - lower + 1.0
    tree = minimum_spanning_tree(csr_matrix((depth, (row, column)), (n, n))).tocoo()
    order = np.argsort(tree.data, kind="stable")
    return np.stack([tree.row, tree.col], axis=1)[order]


def _two_peaks(height: np.ndarray, edges: np.ndarray) -> tuple[int, int, float]:
    """Return the highest peak, the most prominent other, and its prominence."""
    peak = np.arange(height.size)
    top = int(np.argmax(height))
    prominence = np.zeros(height.size)
    for a, b in edges.tolist():
        one, two = _find(peak, a), _find(peak, b)
        if one == two:
            continue
        low, high = (one, two) if height[one] < height[two] else (two, one)
        prominence[low] = height[low] - min(height[a], height[b])
        peak[low] = high
    # Pieces that never met a higher one end at the lowest density of all.
    alone = np.flatnonzero(peak == np.arange(height.size))
    prominence[alone] = height[alone] - height.min()
    prominence[top] = -np.inf
    second = int(np.argmax(prominence))
    return top, second, float(prominence[second])


def _joined(
    height: np.ndarray, edges: np.ndarray, peaks: tuple[int, int]
) -> np.ndarray:
    """Join along the edges, but never the two peaks; return each point's root."""
    root = np.arange(height.size)
    for a, b in edges.tolist():
        one, two = _find(root, a), _find(root, b)
        if one == two or {one, two} == set(peaks):
            continue
        # The peaks stay roots, so that they are known by their own number.
        low, high = (two, one) if one in peaks else (one, two)
        root[low] = high
    return np.array([_find(root, i) for i in range(height.size)])


def _find(root: np.ndarray, i: int) -> int:
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i
