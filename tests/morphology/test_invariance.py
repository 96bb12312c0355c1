"""What must not change: pose, order, unit and gain; and what must, by how much."""

import numpy as np
import pytest
from scipy import ndimage

from cellstate.morphology import _block as block_module
from cellstate.morphology import feature_table, measure_frame
from cellstate.morphology._feature import LENGTH_POWER

TABLE = feature_table(["c"])
INVARIANT = np.array([feature.invariant for feature in TABLE])
# Filters and angular waves are taken in 24-bit floats, and summed in another
# order when rows become columns: 1e-6, else 1e-9.
SINGLE = np.array([feature.family in ("texture", "polarity") for feature in TABLE])


def measure(image, labels, **options):
    options = {"pixel_size": 1.0, "channels": ["c"]} | options
    return measure_frame(image[None], labels, **options)


def assert_same(found, expected, columns=INVARIANT):
    exact = columns & ~SINGLE
    np.testing.assert_allclose(
        found[:, exact], expected[:, exact], rtol=1e-7, atol=1e-9
    )
    single = columns & SINGLE
    np.testing.assert_allclose(
        found[:, single], expected[:, single], rtol=1e-5, atol=1e-7
    )


POSES = {
    "quarter turn": lambda a: np.rot90(a),
    "half turn": lambda a: np.rot90(a, 2),
    "three quarters": lambda a: np.rot90(a, 3),
    "left to right": lambda a: a[:, ::-1],
    "upside down": lambda a: a[::-1],
    "transposed": lambda a: a.T,
}


@pytest.mark.parametrize("pose", POSES)
def test_pose_leaves_invariant_features_alone(colony, pose):
    image, labels = colony
    turned = measure(POSES[pose](image), POSES[pose](labels))
    still = measure(image, labels)
    assert_same(turned.values, still.values)
    np.testing.assert_array_equal(turned.n_components, still.n_components)


def test_a_turn_by_37_degrees_keeps_shape_and_light_within_the_pixel_noise(
    columns_of, ellipse_mask
):
    outer = ellipse_mask(32, 20)
    inner = ellipse_mask(24, 8, 0.4, center=(42.0, 53.0))
    image = 100 + ndimage.gaussian_filter(100.0 * outer + 200 * inner, 1.5)
    wide = np.pad(image, 40, mode="edge"), np.pad(outer, 40)
    straight = columns_of(*wide)
    mask = ndimage.rotate(wide[1].astype(float), 37, order=1) > 0.5
    picture = ndimage.rotate(wide[0], 37, order=3, mode="nearest")
    turned = columns_of(picture, mask.astype(int))
    for name, tolerance in {
        "area": 0.01,
        "major_axis_length": 0.01,
        "minor_axis_length": 0.01,
        "solidity": 0.01,
        "feret_max": 0.02,
        "fourier_minus1": 0.03,
        "integrated_intensity_c": 0.01,
        "weighted_minor_axis_c": 0.01,
        "core_aspect_ratio_c": 0.03,
        "a1_c": 0.03,
        "a2_c": 0.03,
        "offset_c": 0.03,
        "radial_slope_c": 0.03,
    }.items():
        assert turned[name][0] == pytest.approx(straight[name][0], rel=tolerance), name


def test_phases_turn_with_the_picture(columns_of, ellipse_mask):
    disc = ellipse_mask(20, 20, center=(40, 40), shape=(81, 81))
    y, x = np.mgrid[:81, :81] - 40
    image = disc * (2 + np.cos(np.arctan2(y, x) - 0.4))
    before = columns_of(image, disc)
    after = columns_of(image.T, disc)  # x and y change places
    assert before["a1_phase_c"][0] == pytest.approx(0.4, abs=0.01)
    assert after["a1_phase_c"][0] == pytest.approx(np.pi / 2 - 0.4, abs=0.01)


def test_moving_the_picture_moves_the_centroid_only(colony):
    image, labels = colony
    room = ((7, 30), (11, 3))
    # More background changes its median; take the same one, and free the cells
    # from the frame's end, where edges and rings are cut.
    options = {"background": [100.0]}
    moved = measure(
        np.pad(image, room, constant_values=100.0), np.pad(labels, room), **options
    )
    still = measure(image, labels, **options)
    free = ~still.touches_border
    apart = (still.bbox[:, :2] > 6).all(1) & (still.bbox[:, 2:] < [174, 214]).all(1)
    assert (free & apart).sum() > 15
    rows = free & apart
    everything = np.ones(len(TABLE), bool)
    assert_same(moved.values[rows], still.values[rows], everything)
    np.testing.assert_allclose(moved.centroid, still.centroid + np.array([11, 7]))


def test_permuting_labels_permutes_rows(colony):
    image, labels = colony
    rng = np.random.default_rng(0)
    names = np.concatenate([[0], 1 + rng.permutation(labels.max()) * 1700])
    plain, renamed = measure(image, labels), measure(image, names[labels])
    order = np.argsort(names[plain.label])
    np.testing.assert_array_equal(renamed.label, names[plain.label][order])
    assert_same(renamed.values, plain.values[order], np.ones(len(TABLE), bool))


def test_result_does_not_depend_on_blocks(colony, monkeypatch):
    image, labels = colony
    whole = measure(image, labels).values
    monkeypatch.setattr(block_module, "STRIP_PIXELS", 1)
    np.testing.assert_allclose(measure(image, labels).values, whole, rtol=1e-9)


def test_pixel_size_scales_each_feature_by_the_power_of_its_unit(colony):
    image, labels = colony
    fine, coarse = measure(image, labels), measure(image, labels, pixel_size=0.5)
    power = np.array([LENGTH_POWER[feature.unit] for feature in TABLE])
    np.testing.assert_allclose(coarse.values, fine.values * 0.5**power, rtol=1e-12)
    np.testing.assert_allclose(coarse.centroid, fine.centroid / 2)
    np.testing.assert_array_equal(coarse.bbox, fine.bbox)


def test_a_picture_twice_as_large_doubles_lengths(columns_of, ellipse_mask):
    """Not by construction, as above: by drawing the same cell with more pixels."""
    small = ellipse_mask(20, 12, 0.3, shape=(101, 101), center=(50, 50))
    large = ellipse_mask(40, 24, 0.3, shape=(201, 201), center=(100, 100))
    one = columns_of(np.zeros((101, 101)), small)
    two = columns_of(np.zeros((201, 201)), large)
    for feature in TABLE:
        if feature.family in ("size", "contour") and feature.invariant:
            expected = one[feature.name][0] * 2.0 ** LENGTH_POWER[feature.unit]
            # A form factor carries the error of counting pixel patterns twice.
            close = pytest.approx(expected, rel=0.08, abs=0.02)
            if feature.name != "radius_sd":
                assert two[feature.name][0] == close, feature.name


def test_gain_and_offset_of_the_camera(colony):
    image, labels = colony
    image = np.round(image * 16)  # whole numbers: gain 4 and offset 1024 are exact
    plain, gained = measure(image, labels), measure(4 * image + 1024, labels)
    raw = ("mean_intensity_c", "min_intensity_c", "max_intensity_c")
    raw = (*raw, "median_intensity_c")
    for j, feature in enumerate(TABLE):
        gain = 4 if feature.unit == "intensity" else 1
        offset = 1024 if feature.name in raw else 0
        np.testing.assert_allclose(
            gained.values[:, j],
            gain * plain.values[:, j] + offset,
            rtol=1e-6,
            atol=1e-9,
            err_msg=feature.name,
        )


def test_channels_are_measured_independently(colony):
    image, labels = colony
    rng = np.random.default_rng(0)
    other = rng.gamma(2.0, 50.0, image.shape).astype(np.float32)
    both = measure_frame(
        np.stack([image, other]), labels, pixel_size=1.0, channels=["a", "b"]
    )
    alone = measure(other, labels, channels=["b"])
    for j, name in enumerate(alone.names):
        k = both.names.index(name)
        np.testing.assert_allclose(
            both.values[:, k], alone.values[:, j], rtol=1e-5, atol=1e-7
        )
    assert both.names == tuple(feature.name for feature in feature_table(["a", "b"]))
