"""Second moments of pixels, plain or weighted, and the ellipse that has them."""

from typing import NamedTuple

import numpy as np

from cellstate.morphology._block import Block, over
from cellstate.morphology._feature import TURNED, Feature

SIZE = (
    Feature("area", "um2", "size", "area of the mask"),
    Feature("equivalent_diameter", "um", "size", "diameter of the disc of same area"),
    Feature("major_axis_length", "um", "size", "long axis of the ellipse of moments"),
    Feature("minor_axis_length", "um", "size", "short axis of the ellipse of moments"),
    Feature("extent", "1", "size", "area over area of the upright box", ("rotation",)),
)
SHAPE = (
    Feature("eccentricity", "1", "contour", "of the ellipse of moments; 0 if round"),
    Feature("aspect_ratio", "1", "contour", "long over short axis"),
    Feature("orientation", "rad", "contour", "row axis to long axis", TURNED),
)


class Ellipse(NamedTuple):
    """Ellipse with the second moments of n sets of weighted pixels, in px."""

    major: np.ndarray
    minor: np.ndarray
    eccentricity: np.ndarray
    aspect_ratio: np.ndarray
    orientation: np.ndarray
    offset_x: np.ndarray
    offset_y: np.ndarray


def ellipse(block: Block, weight: np.ndarray | None = None) -> Ellipse:
    r"""Ellipse of moments of each cell, about its own (weighted) centre.

    Axis lengths are 4 sqrt(l) of the eigenvalues l of the covariance of the
    pixel positions, as in scikit-image; an eigenvalue below 1e-12 of the other
    counts as zero, so that lines have a minor axis of exactly 0.

    Parameters
    ----------
    block
        Pixels of n cells.
    weight
        Non-negative weights, shape (N,); None weighs all pixels alike.

    Returns
    -------
    Ellipse
        Arrays of shape (n,); NaN where all weights are zero. `orientation` is
        the angle from the row axis to the long axis, NaN for round cells.
    """
    # Moments along x of each run; a run has one y.
    w, wx, xx = _of_runs(block) if weight is None else _of_weighted(block, weight)
    y = block.run_y
    sums = (block.sum_runs(part) for part in (wx, w * y, w * y * y, wx * y))
    total = block.sum_runs(w)
    mx, my, yy, xy = (over(part, total) for part in sums)
    xx = over(xx, total)
    xx, yy, xy = xx - mx * mx, yy - my * my, xy - mx * my
    half, turn = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    large, small = half + turn, half - turn
    small = np.where(small < 1e-12 * large, 0, small)
    flatness = 1 - np.where(large == 0, 1, over(small, large))
    angle = np.arctan2(2 * xy, yy - xx) / 2
    round_ = turn <= 1e-12 * large
    return Ellipse(
        major=4 * np.sqrt(large),
        minor=4 * np.sqrt(small),
        eccentricity=np.sqrt(flatness),
        aspect_ratio=np.sqrt(over(large, small)),
        orientation=np.where(round_, np.nan, angle),
        offset_x=mx,
        offset_y=my,
    )


def _of_runs(block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums of 1 and x over the pixels of each run, (R,), of x^2 over each cell."""
    x, n = block.run_x, block.run_length
    pairs = n * (n - 1) / 2
    square = n * x * x + 2 * x * pairs + pairs * (2 * n - 1) / 3
    return n, n * x + pairs, block.sum_runs(square)


def _of_weighted(
    block: Block, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same sums with weights, shape (N,)."""
    wx = weight * block.dx
    w_run, wx_run = (np.add.reduceat(part, block.run_start) for part in (weight, wx))
    wx *= block.dx
    return w_run, wx_run, block.sum(wx)


def shape_moments(block: Block, fit: Ellipse) -> dict[str, np.ndarray]:
    """Features `SIZE` and `SHAPE` of each cell, in px; `fit` is its ellipse."""
    y0, x0, y1, x1 = block.box.T
    return {
        "area": block.count.astype(float),
        "equivalent_diameter": np.sqrt(4 * block.count / np.pi),
        "major_axis_length": fit.major,
        "minor_axis_length": fit.minor,
        "extent": block.count / ((y1 - y0) * (x1 - x0)),
        "eccentricity": fit.eccentricity,
        "aspect_ratio": fit.aspect_ratio,
        "orientation": fit.orientation,
    }
