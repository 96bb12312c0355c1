"""Labels of painted discs: how many, where, and what must not change them."""

import numpy as np
import pytest

from cellstate.morphology import label_diameters, lone_diameters, segment_plane
from cellstate.morphology._background import noise_above, smooth_background
from cellstate.morphology._fragments import join_fragments
from cellstate.tracks import segmentation_quality

GRID = np.mgrid[:200, :240]
NOISE = 2.0
# y, x, radius, brightness over the ground; the last two touch the two before.
CELLS = [
    (40, 40, 11, 200.0),
    (40, 120, 11, 20.0),
    (120, 40, 11, 100.0),
    (60, 200, 11, 150.0),
    (120, 120, 11, 120.0),
    (150, 200, 11, 200.0),
    (120, 141, 11, 120.0),
    (150, 179, 11, 45.0),
]


def disc(y, x, radius):
    return (GRID[0] - y) ** 2 + (GRID[1] - x) ** 2 <= radius**2


def painted(cells=CELLS, ground=100.0, seed=0):
    """A picture with noise, and its true labels."""
    image = np.full(GRID[0].shape, ground, dtype=float)
    labels = np.zeros(GRID[0].shape, dtype=int)
    for k, (y, x, radius, brightness) in enumerate(cells, 1):
        inside = disc(y, x, radius) & (labels == 0)
        labels[inside] = k
        image[inside] += brightness
    image += np.random.default_rng(seed).normal(0, NOISE, image.shape)
    return image, labels


def quality(image, labels, **options):
    found = segment_plane(image, **{"diameter": 22.0} | options)
    return segmentation_quality([found], [labels])


def test_every_disc_is_found_bright_or_dim_alone_or_touching():
    score = quality(*painted())
    assert (score.n_hits, score.n_found, score.n_truth) == (8, 8, 8)
    assert score.seg > 0.85


def test_the_labels_do_not_depend_on_gain_and_offset():
    image, _ = painted()
    labels = segment_plane(image, diameter=22)
    np.testing.assert_array_equal(labels, segment_plane(4 * image + 64, diameter=22))


def test_a_mirrored_picture_gives_mirrored_cells():
    image, truth = painted()
    score = quality(image[::-1, ::-1], truth[::-1, ::-1])
    assert score.n_hits == 8
    assert score.seg == pytest.approx(quality(image, truth).seg, abs=0.01)


def test_uneven_light_loses_no_cell():
    """The ground rises by three times the dimmest cell across the field."""
    image, truth = painted()
    light = 60 * GRID[1] / GRID[1].max() + 30 * np.cos(GRID[0] / 60)
    score = quality(image + light, truth)
    assert (score.n_hits, score.n_extra) == (8, 0)


def test_even_ground_comes_back():
    image, labels = painted(ground=137.0)
    ground = smooth_background(image, 22.0)
    assert np.abs(ground - 137.0).max() < NOISE
    assert labels.max() == 8


def test_noise_alone_is_no_cell():
    for seed in range(3):
        assert segment_plane(painted([], seed=seed)[0], diameter=22).max() == 0


def test_the_noise_is_that_of_the_darker_half():
    rng = np.random.default_rng(1)
    signal = np.r_[rng.normal(5, 2, 90_000), rng.uniform(20, 900, 9_000)]
    level, noise = noise_above(signal, threshold=15.0)
    # A median of 45,000 values has a standard error below one percent.
    assert level == pytest.approx(5, abs=0.05)
    assert noise == pytest.approx(2, rel=0.03)


def test_contrast_leaves_out_dim_cells():
    image, truth = painted()
    score = quality(image, truth, contrast=0.3)
    assert (score.n_found, score.n_missed) == (7, 1)


def test_specks_are_left_out_unless_they_are_wanted():
    speck = (180, 60, 4, 200.0)
    image, truth = painted([*CELLS, speck])
    assert quality(image, truth).n_found == 8
    assert quality(image, truth, min_diameter=5.0).n_found == 9


def test_holes_are_filled():
    image, truth = painted([(100, 100, 14, 150.0)])
    image[disc(100, 100, 3)] = 100.0
    assert quality(image, truth, diameter=28.0).seg > 0.85


def test_a_long_cell_stays_whole():
    image = painted([])[0]
    long = ((GRID[0] - 100) / 10) ** 2 + ((GRID[1] - 120) / 24) ** 2 <= 1
    image[long] += 150
    score = quality(image, long.astype(int), diameter=28.0)
    assert (score.n_hits, score.n_found) == (1, 1)


def test_diameters_of_lone_objects():
    diameters = lone_diameters(painted(CELLS[:4])[0])
    # The dimmest lies below Otsu's threshold.
    assert diameters == pytest.approx([22, 22, 22], abs=1.5)


def test_objects_at_the_edge_have_no_diameter():
    assert lone_diameters(painted([(3, 100, 11, 150.0)])[0]).size == 0


def test_diameters_are_those_of_discs():
    labels = np.where(disc(60, 60, 10), 4, 0)
    assert label_diameters(labels) == pytest.approx([20], abs=0.3)


def test_pieces_of_unlike_brightness_or_with_a_dip_stay_apart():
    pieces = np.repeat([[1, 1, 1, 2, 2, 2]], 4, axis=0)
    even = np.full(pieces.shape, 10.0)
    assert join_fragments(pieces, even, 99).max() == 1
    assert join_fragments(pieces, np.where(pieces == 2, 30.0, 10.0), 99).max() == 2
    dip = even.copy()
    dip[:, 2:4] = 5.0
    assert join_fragments(pieces, dip, 99).max() == 2
    assert join_fragments(pieces, even, 20).max() == 2  # too large
    waist = pieces.copy()
    waist[[0, 0, 3, 3], [2, 3, 2, 3]] = 0  # 20 of 24 px of the hull
    assert join_fragments(waist, even, 99).max() == 2


# Odd pictures


@pytest.mark.parametrize("value", [0, 7.5, -3, np.nan, np.inf])
def test_a_constant_picture_has_no_cell(value):
    labels = segment_plane(np.full((40, 50), value), diameter=10)
    assert labels.shape == (40, 50)
    assert labels.max() == 0


def test_missing_pixels_belong_to_no_cell():
    image, truth = painted()
    image[:, 230:] = np.nan
    image[40, 40] = np.inf
    labels = segment_plane(image, diameter=22)
    assert (labels[:, 230:] == 0).all()
    assert labels[40, 40] == 0
    assert segmentation_quality([labels], [truth]).n_hits == 8


def test_a_saturated_picture():
    image, truth = painted(CELLS[:7])
    assert quality(image.clip(max=220), truth).n_hits == 7


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "int32"])
def test_types_of_pixels(dtype):
    image, truth = painted([c for c in CELLS if c[3] < 151])
    shift = -120 if dtype.startswith("int") else 0
    stored = (image + shift).round().astype(dtype)
    assert quality(stored, truth).n_hits == truth.max()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3), (7, 300)])
def test_pictures_smaller_than_the_filters(shape):
    image = np.random.default_rng(0).normal(10, 1, shape)
    assert segment_plane(image, diameter=60).shape == shape
    assert lone_diameters(image).ndim == 1


def test_a_cell_that_fills_most_of_the_picture():
    labels = segment_plane(painted([(100, 120, 70, 90.0)])[0], diameter=140)
    assert labels.max() == 1


def test_what_is_no_plane_is_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 4, 5\)"):
        segment_plane(np.zeros((3, 4, 5)), diameter=9)
    with pytest.raises(ValueError, match="complex128"):
        segment_plane(np.zeros((4, 5), complex), diameter=9)
    with pytest.raises(ValueError, match="at least 3 px; found 2"):
        segment_plane(np.zeros((4, 5)), diameter=2)
    with pytest.raises(ValueError, match="contrast"):
        segment_plane(np.zeros((4, 5)), diameter=9, contrast=0)
