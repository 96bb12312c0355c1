"""Cells and frames that leave features undefined: NaN, never inf, no warning."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellstate.morphology import contour_points, feature_table, measure_frame

NAMES = [feature.name for feature in feature_table(["c"])]


def measure(image, labels, **options):
    options = {"pixel_size": 0.5, "channels": ["c"]} | options
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells = measure_frame(np.asarray(image)[None], labels, **options)
    assert not np.isinf(cells.values).any()
    return cells


def by_name(cells):
    return dict(zip(cells.names, cells.values.T, strict=True))


def test_empty_frame_has_empty_arrays_of_the_right_shape():
    cells = measure(np.zeros((9, 7)), np.zeros((9, 7), np.uint16))
    assert cells.label.shape == (0,)
    assert cells.label.dtype == np.int64
    assert cells.centroid.shape == (0, 2)
    assert cells.bbox.shape == (0, 4)
    assert cells.touches_border.shape == (0,)
    assert cells.touches_border.dtype == bool
    assert cells.n_components.shape == (0,)
    assert cells.values.shape == (0, len(NAMES))
    assert contour_points(np.zeros((9, 7), int), pixel_size=1.0).shape == (0, 64, 2)


def test_one_and_two_pixels_and_a_line():
    labels = np.zeros((20, 30), np.int64)
    labels[3, 3] = 1
    labels[8, 8:10] = 70_000
    labels[15, 4:24] = 3_000_000_000  # far beyond any table of labels
    image = np.random.default_rng(0).random(labels.shape)
    cells = measure(image, labels)
    assert cells.label.tolist() == [1, 70_000, 3_000_000_000]
    found = by_name(cells)
    np.testing.assert_allclose(found["area"], [0.25, 0.5, 5.0])
    np.testing.assert_array_equal(found["minor_axis_length"], 0)
    assert found["eccentricity"].tolist() == [0, 1, 1]
    assert found["solidity"].tolist() == [1, 1, 1]
    assert np.isnan(found["aspect_ratio"]).all()
    assert np.isnan(found["orientation"][0])
    assert np.isnan(found["gradient_mean_c"]).all()  # no pixel has 4 neighbours
    np.testing.assert_allclose(found["feret_max"][2], 20 * 0.5)


def test_constant_intensity_has_no_spread_and_no_core():
    labels = np.zeros((30, 30), int)
    labels[5:20, 5:20] = 1
    found = by_name(measure(np.full((30, 30), 33_000.1), labels))
    assert found["mean_intensity_c"] == pytest.approx(33_000.1)
    for name in ("skewness_c", "kurtosis_c", "core_area_fraction_c", "entropy_c"):
        assert np.isnan(found[name]), name
    for name in ("cv_c", "ring_contrast_c", "a1_c", "correlation_length_c"):
        assert np.isnan(found[name]), name  # no signal above the background
    assert np.isfinite(found["form_factor"])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_pixels_cost_only_the_cells_they_are_in(colony, bad):
    image, labels = colony
    image = image.copy()
    outside = tuple(np.argwhere(labels == 0)[100])
    inside = tuple(np.argwhere(labels == 9)[20])
    image[outside] = image[inside] = bad
    cells, clean = measure(image, labels), measure(colony[0], labels)
    of_channel = np.array([name.endswith("_c") for name in cells.names])
    broken = cells.label == 9
    assert np.isnan(cells.values[np.ix_(broken, of_channel)]).all()
    assert np.isfinite(cells.values[np.ix_(broken, ~of_channel)]).all()
    mean = cells.names.index("mean_intensity_c")
    np.testing.assert_allclose(cells.values[~broken, mean], clean.values[~broken, mean])
    assert np.isfinite(cells.values[~broken][:, of_channel]).mean() > 0.99


def test_picture_full_of_nan_and_frame_full_of_cells():
    labels = np.repeat(np.arange(1, 5), 25).reshape(10, 10)
    assert np.isnan(measure(np.full((10, 10), np.nan), labels).background[0])
    image = np.random.default_rng(0).random((10, 10))
    blind = by_name(measure(image, labels))
    assert np.isfinite(blind["mean_intensity_c"]).all()
    assert np.isnan(blind["mean_signal_c"]).all()
    told = by_name(measure(image, labels, background=[0.0]))
    np.testing.assert_allclose(told["mean_signal_c"], blind["mean_intensity_c"])


def test_no_channel_gives_the_features_of_the_mask(colony):
    image, labels = colony
    cells = measure_frame(
        np.zeros((0, *labels.shape)), labels, pixel_size=1.0, channels=[]
    )
    full = measure_frame(image[None], labels, pixel_size=1.0, channels=["c"])
    np.testing.assert_allclose(cells.values, full.values[:, : len(cells.names)])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, bool])
def test_pictures_of_any_number_type(dtype):
    labels = np.zeros((20, 20), np.uint8)
    labels[5:12, 5:14] = 200
    image = np.arange(400).reshape(20, 20) % 2
    found = measure(image.astype(dtype), labels).values
    expected = measure(image.astype(float), labels).values
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros((5, 5))}, "integers"),
        ({"labels": np.full((5, 5), -1)}, "negative"),
        ({"labels": np.zeros((5, 6), int)}, "one plane per"),
        ({"image": np.zeros((2, 5, 5))}, "one plane per"),
        ({"pixel_size": 0.0}, "positive"),
        ({"pixel_size": np.nan}, "positive"),
        ({"background": [1.0, 2.0]}, "background"),
        ({"channels": ["a/b"]}, "without '/'"),
        ({"channels": "c"}, "list of names"),
    ],
)
def test_bad_input_stops_at_the_door(change, message):
    given_ = {
        "image": np.zeros((1, 5, 5)),
        "labels": np.zeros((5, 5), int),
        "pixel_size": 1.0,
        "channels": ["c"],
    } | change
    with pytest.raises(ValueError, match=message):
        measure_frame(given_.pop("image"), given_.pop("labels"), **given_)


@settings(max_examples=60, deadline=None)
@given(
    labels=hnp.arrays(
        np.int32,
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements=st.integers(0, 3),
    ),
    data=st.data(),
)
def test_any_mask_and_picture_give_bounded_features(labels, data):
    image = data.draw(
        hnp.arrays(np.float64, labels.shape, elements=st.floats(-1e6, 1e6, width=32))
    )
    cells = measure(image, labels)
    found = by_name(cells)
    present = np.unique(labels[labels > 0])
    np.testing.assert_array_equal(cells.label, present)
    area = found["area"] / 0.25
    np.testing.assert_allclose(area, [(labels == k).sum() for k in present])
    ratios = ("solidity", "extent", "eccentricity", "contact_fraction", "a1_c")
    fractions = ("core_area_fraction_c", "half_max_fraction_c", "zone1_fraction_c")
    for name in (*ratios[:4], *fractions, "concave_fraction"):
        value = found[name][~np.isnan(found[name])]
        assert ((value >= 0) & (value <= 1 + 1e-9)).all(), name
    assert (found["convex_area"] / 0.25 >= area - 1e-9).all()
    assert (found["feret_min"] <= found["feret_max"] + 1e-9).all()
    assert (found["radius_min"] <= found["radius_max"]).all()
    assert (cells.n_components >= 1).all()
    assert np.isfinite(found["fourier_minus1"]).all()


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint32, np.int64, np.float16])
def test_signed_wide_and_half_pictures_are_measured_as_they_are(dtype):
    labels = np.zeros((30, 30), np.uint16)
    labels[5:20, 6:25] = 65_535
    image = (np.add.outer(np.arange(30), 2 * np.arange(30)) % 90) - 40
    image = image.astype(dtype) if dtype != np.uint32 else (image + 40).astype(dtype)
    found = measure(image, labels).values
    expected = measure(image.astype(np.float64), labels).values
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_top_of_16_bits_does_not_overflow():
    labels = np.zeros((40, 40), np.uint8)
    labels[5:35, 5:35] = 1
    image = np.full((40, 40), 65_535, np.uint16)
    image[labels == 0] = 65_000
    image[10:20, 10:20] = 65_500
    found = by_name(measure(image, labels))
    inside = image[labels == 1].astype(float)
    assert found["mean_intensity_c"][0] == pytest.approx(inside.mean(), rel=1e-12)
    assert found["sd_intensity_c"][0] == pytest.approx(inside.std(), rel=1e-9)
    assert found["integrated_intensity_c"][0] == pytest.approx((inside - 65_000).sum())


def test_large_numbers_of_a_picture_leave_texture_finite():
    rng = np.random.default_rng(0)
    labels = np.zeros((40, 40), int)
    labels[5:35, 5:35] = 1
    image = rng.random((40, 40))
    small, large = (by_name(measure(k * image, labels)) for k in (1.0, 2.0**50))
    for name in ("local_sd_c", "sharpness_c", "band_1px_c", "skewness_c", "a1_c"):
        np.testing.assert_allclose(large[name], small[name], rtol=1e-5, err_msg=name)


def test_an_rgb_picture_is_refused_by_its_shape():
    labels = np.zeros((30, 40), int)
    message = r"must have shape \(1, 30, 40\).*found \(30, 40, 3\)"
    with pytest.raises(ValueError, match=message):
        measure_frame(
            np.zeros((30, 40, 3), np.uint8), labels, pixel_size=1.0, channels=["c"]
        )


@pytest.mark.parametrize("size", [(0.5, 0.5), [0.3, 0.6]])
def test_unequal_pixels_are_refused_by_name(size):
    with pytest.raises(ValueError, match=r"`pixel_size`.*square.*found"):
        measure_frame(
            np.zeros((0, 9, 9)), np.zeros((9, 9), int), pixel_size=size, channels=[]
        )


@pytest.mark.parametrize("size", ["0.5", None, True])
def test_pixel_sizes_that_are_no_number_are_refused(size):
    with pytest.raises(ValueError, match="`pixel_size` must be"):
        measure_frame(
            np.zeros((0, 9, 9)), np.zeros((9, 9), int), pixel_size=size, channels=[]
        )


def test_stacks_and_lines_of_labels_are_refused():
    for shape in ((9,), (3, 9, 9)):
        with pytest.raises(ValueError, match=r"shape \(Y, X\)"):
            measure_frame(
                np.zeros((0, 9, 9)), np.zeros(shape, int), pixel_size=1.0, channels=[]
            )


def test_a_hole_is_no_outline_and_pieces_are_counted():
    labels = np.zeros((60, 60), np.uint32)
    labels[10:40, 10:40] = 4_000_000_000
    labels[20:30, 20:30] = 0
    labels[24:26, 24:26] = 4_000_000_000  # an island in the hole
    labels[45:50, 50:58] = 4_000_000_000  # a piece apart
    labels[50:58, 5:20] = 7  # beside it in the same block: one piece, no hole
    cells = measure(np.random.default_rng(0).random((60, 60)), labels)
    assert cells.label.tolist() == [7, 4_000_000_000]
    assert cells.n_components.tolist() == [1, 3]
    found = by_name(cells)
    # The outline of the largest piece alone, 30 px wide, 0.5 um each.
    length = np.linalg.norm(np.diff(cells.outline, axis=1), axis=-1).sum(axis=1)
    assert length[1] == pytest.approx(4 * 15, rel=0.05)
    assert length[0] == pytest.approx(2 * (7.5 + 4), rel=0.05)
    assert found["area"][1] * 4 == 900 - 100 + 4 + 40


def test_labels_that_are_views_are_measured_as_copies(colony):
    image, labels = colony
    wide = np.zeros((2 * labels.shape[0], 3 * labels.shape[1]), np.int64)
    light = np.zeros(wide.shape)
    wide[::2, ::3], light[::2, ::3] = labels, image
    seen = measure(light[::2, ::3], wide[::2, ::3])
    np.testing.assert_array_equal(seen.values, measure(image, labels).values)
    turned = measure(image.T, labels.T)
    copied = measure(image.T.copy(), labels.T.copy())
    np.testing.assert_array_equal(turned.values, copied.values)


def test_modes_and_outlines_of_broken_dark_and_tiny_cells():
    labels = np.zeros((30, 40), int)
    labels[3, 3], labels[10:20, 5:15], labels[10:20, 20:30] = 1, 2, 3
    image = np.full((30, 40), 5.0)
    image[10:20, 5:15] = 9.0
    image[12, 22] = np.nan
    cells = measure(image, labels)
    assert cells.outline.shape == (3, 64, 2)
    assert np.isfinite(cells.outline).all()
    assert np.isfinite(cells.modes[:, 0]).all()
    # No signal in the first cell, a pixel that is not finite in the third.
    assert np.isnan(cells.modes[:, 1]).all(axis=1).tolist() == [True, False, True]
    empty = measure(np.zeros((9, 7)), np.zeros((9, 7), np.uint16))
    assert empty.outline.shape == (0, 64, 2)
    assert empty.modes.shape == (0, 2, 3)
