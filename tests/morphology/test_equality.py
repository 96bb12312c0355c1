"""Equal to scikit-image wherever it has the same property."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from skimage.measure import label as components
from skimage.measure import regionprops, regionprops_table

from cellstate.morphology import measure_frame

SAME = {
    "area": "area",
    "equivalent_diameter": "equivalent_diameter_area",
    "major_axis_length": "axis_major_length",
    "minor_axis_length": "axis_minor_length",
    "eccentricity": "eccentricity",
    "orientation": "orientation",
    "extent": "extent",
    "perimeter": "perimeter",
    "solidity": "solidity",
    "convex_area": "area_convex",
    "mean_intensity_c": "intensity_mean",
    "min_intensity_c": "intensity_min",
    "max_intensity_c": "intensity_max",
    "median_intensity_c": "intensity_median",
    "sd_intensity_c": "intensity_std",
}
POWER = {"area": 2, "convex_area": 2, "equivalent_diameter": 1, "perimeter": 1}
POWER |= {"major_axis_length": 1, "minor_axis_length": 1}


def assert_equal_to_skimage(image, labels):
    pixel_size = 0.645
    cells = measure_frame(image[None], labels, pixel_size=pixel_size, channels=["c"])
    expected = regionprops_table(
        labels,
        image,
        properties=["label", "bbox", "centroid", *SAME.values()],
    )
    np.testing.assert_array_equal(cells.label, expected["label"])
    box = np.stack([expected[f"bbox-{k}"] for k in range(4)], axis=1)
    np.testing.assert_array_equal(cells.bbox, box)
    centroid = np.stack([expected["centroid-1"], expected["centroid-0"]], axis=1)
    np.testing.assert_allclose(cells.centroid, centroid * pixel_size, rtol=1e-9)
    for ours, theirs in SAME.items():
        found = cells.values[:, cells.names.index(ours)]
        wanted = expected[theirs] * pixel_size ** POWER.get(ours, 0)
        if ours == "orientation":  # without a long axis theirs is arbitrary
            known = ~np.isnan(found)
            assert known.any()
            turn = found[known] - wanted[known]
            found, wanted = np.remainder(turn + np.pi / 2, np.pi), np.pi / 2
        # The short axis of a diagonal line is 0, theirs the root of a rounding.
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6, err_msg=ours)


def test_on_irregular_touching_cells(colony):
    assert_equal_to_skimage(*colony)


@pytest.mark.parametrize("scale", [0.7, 1.5, 4.0])
def test_on_random_blobs_with_holes_lines_and_single_pixels(scale):
    rng = np.random.default_rng(1)
    field = ndimage.gaussian_filter(rng.normal(size=(250, 250)), scale)
    labels = components(field > 0.7 * field.std(), connectivity=2)
    image = rng.integers(0, 65_536, labels.shape).astype(np.uint16)
    assert_equal_to_skimage(image, labels)


def test_pieces_of_labels_far_apart():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 4, (40, 50)) * (rng.random((40, 50)) < 0.3)
    assert_equal_to_skimage(rng.random((40, 50)), labels)


def test_weighted_centroid(colony):
    image, labels = colony
    cells = measure_frame(
        image[None], labels, pixel_size=1.0, channels=["c"], background=[0.0]
    )
    offset = [
        np.hypot(*np.subtract(region.centroid_weighted, region.centroid))
        for region in regionprops(labels, image)
    ]
    found = cells.values[:, cells.names.index("offset_c")]
    np.testing.assert_allclose(found, offset, rtol=1e-6, atol=1e-9)


def test_on_nuclei_of_the_demo_movie():
    folder = Path(__file__).parents[2] / "data" / "hela_h2b"
    image = tifffile.imread(folder / "images.tif", key=0)
    labels = tifffile.imread(folder / "masks.tif", key=0)
    assert labels.max() > 20
    assert_equal_to_skimage(image, labels)
