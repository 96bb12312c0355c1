"""Surface of one cell in three dimensions: its area and its harmonics."""

import numpy as np
from scipy import ndimage

from cellstate.morphology._voxels import Voxels
from cellstate.morphology.harmonics import HIGHEST, degree_shares, radii

# Gaussian, in voxels, that turns the staircase of a mask into a surface.
SMOOTHING = 1.0
ROOM = 4  # empty voxels around a cell while its surface is sought


def surface(cells: Voxels, k: int, spacing: np.ndarray) -> tuple:
    """Surface area, harmonic shares (6,) and number of pieces of one cell."""
    from skimage.measure import marching_cubes, mesh_surface_area

    low, high = cells.box[k, :3], cells.box[k, 3:]
    mask = cells.labels[tuple(map(slice, low, high))] == cells.label[k]
    pieces, found = ndimage.label(mask, np.ones((3, 3, 3)))
    largest = np.bincount(pieces.ravel())[1:].argmax() + 1
    solid = np.pad((pieces == largest).astype(np.float32), ROOM)
    # A blur of equal width in um on all axes, one voxel of the finest.
    smooth = ndimage.gaussian_filter(solid, SMOOTHING * spacing.min() / spacing)
    if smooth.max() <= 0.5:  # thinner than the blur
        return np.nan, np.full(HIGHEST, np.nan), found
    corners, faces, *_ = marching_cubes(smooth, 0.5, spacing=tuple(spacing))
    centre = np.array(ndimage.center_of_mass(solid))
    radius = radii(smooth, centre, spacing)
    return mesh_surface_area(corners, faces), degree_shares(radius), found
