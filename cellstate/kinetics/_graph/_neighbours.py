"""Nearest cells, exact where that is quick."""

import numpy as np

FLAT = 8  # coordinates up to which a tree of cells finds neighbours quickly
EXACT = 50_000  # cells up to which all pairs are compared when there are more


def nearest(
    x: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the nearest other cells and their rows, both (n, count).

    Exact by a tree in up to 8 coordinates, by comparing all pairs up to 50,000 cells,
    otherwise approximate by nearest-neighbour descent.
    """
    if x.shape[1] > FLAT and len(x) > EXACT:
        index, distance = _by_descent(x, count + 1, rng)
    else:
        distance, index = search(x, x, count + 1)
    own = index == np.arange(len(x))[:, None]
    own[~own.any(axis=1), -1] = True  # more copies of a state than neighbours
    shape = (len(x), count)
    return distance[~own].reshape(shape), index[~own].reshape(shape)


def search(
    x: np.ndarray, where: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Distances (m, count) from m states to their nearest among x, and the rows."""
    if x.shape[1] <= FLAT:
        from scipy.spatial import cKDTree

        ranks = np.arange(1, count + 1)
        return cKDTree(x).query(where, ranks, workers=-1)
    from sklearn.neighbors import NearestNeighbors

    return (
        NearestNeighbors(n_neighbors=count, algorithm="brute").fit(x).kneighbors(where)
    )


def _by_descent(
    x: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    from pynndescent import NNDescent

    seed = int(rng.integers(2**31 - 1))
    found = NNDescent(x, n_neighbors=count, random_state=seed, n_jobs=-1)
    return found.neighbor_graph
