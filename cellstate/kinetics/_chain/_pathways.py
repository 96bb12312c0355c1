"""The strongest ways of a net flux from one set of nodes to another."""

import heapq

import numpy as np

# Shares of the whole flux below this are rounding.
NOTHING = 1e-12


def dominant_pathways(
    net: np.ndarray, source: list[int], target: list[int], fraction: float = 0.99
) -> list[tuple[list[int], float]]:
    """Take the way with the widest bottleneck, subtract it, and go on.

    Parameters
    ----------
    net
        Net flux from row to column, 0 or more, per hour, shape (k, k).
    source, target
        Nodes of A and of B.
    fraction
        Stop when the ways carry this share of what leaves the source.

    Returns
    -------
    list
        Of (nodes from A to B, flux per hour), strongest bottleneck first.

    References
    ----------
    Metzner, Schuette, Vanden-Eijnden, Multiscale Model. Simul. 7 (2009) 1192.

    Examples
    --------
    >>> net = np.zeros((4, 4))
    >>> net[0, 1] = net[1, 3] = 3.0
    >>> net[0, 2] = net[2, 3] = 1.0
    >>> dominant_pathways(net, [0], [3])
    [([0, 1, 3], 3.0), ([0, 2, 3], 1.0)]
    """
    left = np.array(net, dtype=float)
    if left.ndim != 2 or left.shape[0] != left.shape[1] or (left < 0).any():
        raise ValueError(
            "`net` must be a square matrix of fluxes 0 or more; found shape "
            f"{left.shape} with smallest value {left.min() if left.size else 0:g}."
        )
    if not 0 < fraction <= 1:
        raise ValueError(f"`fraction` must be above 0, at most 1; found {fraction!r}.")
    total = left[list(source)].sum() - left[:, list(source)].sum()
    found, carried = [], 0.0
    while carried < fraction * total - NOTHING * total:
        way = _widest(left, set(source), set(target))
        if way is None:
            break
        rows, columns = way[:-1], way[1:]
        flux = float(left[rows, columns].min())
        if flux <= NOTHING * total:
            break
        left[rows, columns] -= flux
        found.append((way, flux))
        carried += flux
    return found


def _widest(net: np.ndarray, source: set[int], target: set[int]) -> list[int] | None:
    """Way whose weakest link is strongest, by Dijkstra's search on bottlenecks."""
    width = np.zeros(len(net))
    before = np.full(len(net), -1)
    queue = [(-np.inf, node) for node in source]
    width[list(source)] = np.inf
    heapq.heapify(queue)
    while queue:
        wide, node = heapq.heappop(queue)
        if node in target:
            way = [int(node)]
            while before[way[-1]] >= 0:
                way.append(int(before[way[-1]]))
            return way[::-1]
        if -wide < width[node]:
            continue
        for other in np.flatnonzero(net[node]):
            wider = min(-wide, net[node, other])
            if wider > width[other]:
                width[other], before[other] = wider, node
                heapq.heappush(queue, (-wider, other))
    return None
