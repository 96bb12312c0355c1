"""Where the other cells of the frame are."""

import numpy as np
from scipy.spatial import cKDTree

from cellstate.morphology._block import Block, over
from cellstate.morphology._feature import Feature
from cellstate.morphology._surroundings import Surroundings
from cellstate.morphology.contours import Cracks

CONTACT = (
    Feature("contact_fraction", "1", "neighbourhood", "share of rim on other cells"),
    Feature("n_touching", "1", "neighbourhood", "number of cells touched"),
)
CROWD = (
    Feature("nearest_distance", "um", "neighbourhood", "to the nearest centroid"),
    Feature("distance_3", "um", "neighbourhood", "mean to the 3 nearest centroids"),
    Feature("n_near", "1", "neighbourhood", "centroids within 2 mean diameters"),
    Feature("local_density", "1/um2", "neighbourhood", "(k - 1) / pi r_k^2, k = 5"),
)
DENSITY_NEIGHBOUR = 5


def contact(
    block: Block, cracks: Cracks, around: Surroundings
) -> dict[str, np.ndarray]:
    """Features `CONTACT`; pixel edges at the end of the frame do not count."""
    seen, touching = around.other >= 0, around.other > 0
    rim = np.bincount(cracks.cell, seen, block.n)
    shared = np.bincount(cracks.cell, touching, block.n)
    # One number per pair (cell, label), so that each pair is counted once.
    span = int(around.other.max(initial=0)) + 1
    pairs = np.unique(cracks.cell[touching] * span + around.other[touching])
    return {
        "contact_fraction": over(shared, rim),
        "n_touching": np.bincount(pairs // span, minlength=block.n).astype(float),
    }


def crowd(centroid: np.ndarray, diameter: np.ndarray) -> dict[str, np.ndarray]:
    """Features `CROWD`, in the unit of the input; NaN where cells are too few.

    Cells beyond the end of the frame are not seen: distances near the border
    are too large. The density is unbiased for independent cells.

    Parameters
    ----------
    centroid
        Positions, shape (n, 2).
    diameter
        Equivalent diameters, shape (n,).

    Examples
    --------
    >>> line = np.array([[0.0, 0.0], [3.0, 0.0], [5.0, 0.0]])
    >>> crowd(line, np.full(3, 1.0))["nearest_distance"]
    array([3., 2., 2.])
    """
    n = len(centroid)
    distance = np.full((n, DENSITY_NEIGHBOUR), np.nan)
    near = np.zeros(n)
    if n > 1:
        tree = cKDTree(centroid)
        k = min(DENSITY_NEIGHBOUR, n - 1)
        # The first hit is the cell itself.
        distance[:, :k] = tree.query(centroid, k + 1)[0][:, 1:]
        radius = 2 * diameter.mean()
        near += tree.query_ball_point(centroid, radius, return_length=True) - 1
    reach = distance[:, -1]
    return {
        "nearest_distance": distance[:, 0],
        "distance_3": distance[:, :3].mean(axis=1),
        "n_near": near,
        "local_density": over((DENSITY_NEIGHBOUR - 1) / np.pi, reach**2),
    }
