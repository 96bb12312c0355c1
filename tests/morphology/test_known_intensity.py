"""Pictures whose intensity features are known by hand."""

import numpy as np
import pytest
from scipy import ndimage

from cellstate.morphology._block import split_cells
from cellstate.morphology.depth import depth

Y, X = np.mgrid[:81, :101]


def test_linear_gradient_on_a_disc_is_an_exact_dipole(columns_of, ellipse_mask):
    disc = ellipse_mask(30, 30)
    for angle in (0.0, 1.1, -2.0):
        toward = (X - 50) * np.cos(angle) + (Y - 40) * np.sin(angle)
        image = disc * (1 + 0.6 * toward / 30)
        found = columns_of(image, disc)
        assert found["a1_c"][0] == pytest.approx(0.2, rel=0.01)  # g / 3
        assert found["a1_phase_c"][0] == pytest.approx(angle, abs=1e-3)
        assert found["a2_c"][0] < 2e-3
        # <x f> / <f> of a disc is g R / 4.
        assert found["offset_c"][0] == pytest.approx(0.6 * 30 / 4, rel=0.01)
        assert found["relative_offset_c"][0] == pytest.approx(0.15, rel=0.01)


def test_two_bright_ends_are_a_nematic_and_no_dipole(columns_of, ellipse_mask):
    disc = ellipse_mask(30, 30)
    phi = np.arctan2(Y - 40, X - 50)
    found = columns_of(disc * (1 + 0.5 * np.cos(2 * (phi - 0.7))), disc)
    assert found["a2_c"][0] == pytest.approx(0.25, rel=0.02)
    assert found["a2_phase_c"][0] == pytest.approx(0.7, abs=0.01)
    assert found["a1_c"][0] < 1e-3
    three = columns_of(disc * (1 + 0.5 * np.cos(3 * phi)), disc)
    assert three["a3_c"][0] == pytest.approx(0.25, rel=0.02)


def test_bright_bar_in_a_round_mask_is_seen_by_the_weighted_shape(
    columns_of, ellipse_mask
):
    disc = ellipse_mask(30, 30)
    bar = ellipse_mask(24, 6, 0.8)
    image = 50.0 + 1.0 * disc + 99.0 * bar
    found = columns_of(image, disc)
    assert found["aspect_ratio"][0] == pytest.approx(1, abs=0.01)
    assert found["core_aspect_ratio_c"][0] == pytest.approx(4, rel=0.03)
    assert found["core_minor_axis_c"][0] == pytest.approx(12, rel=0.03)
    share = bar.sum() / disc.sum()
    assert found["core_area_fraction_c"][0] == pytest.approx(share)
    assert found["half_max_fraction_c"][0] == pytest.approx(share)
    assert found["core_contrast_c"][0] == pytest.approx(100)
    assert found["weighted_aspect_ratio_c"][0] > 2.5
    assert found["weighted_compactness_c"][0] < 0.4
    assert found["a2_phase_c"][0] == pytest.approx(0.8, abs=0.02)


def test_background_is_the_frame_median_and_the_ring_is_local(columns_of, ellipse_mask):
    disc = ellipse_mask(20, 20)
    image = np.where(disc, 500.0, 100.0)
    image[:3] = 9000.0  # dirt: the median does not care
    near = ellipse_mask(28, 28) - disc
    image[near > 0] = 140.0
    found = columns_of(image, disc)
    assert found["mean_intensity_c"][0] == 500
    assert found["mean_signal_c"][0] == 400
    assert found["integrated_intensity_c"][0] == 400 * disc.sum()
    assert found["ring_signal_c"][0] == 40
    assert found["ring_contrast_c"][0] == pytest.approx((500 - 140) / 400)
    given = columns_of(image, disc, background=[0.0])
    assert given["mean_signal_c"][0] == 500


def test_quantiles_and_moments_of_the_values(columns_of, ellipse_mask):
    rng = np.random.default_rng(2)
    disc = ellipse_mask(25, 25)
    image = np.where(disc, 50 + rng.gamma(3.0, 10.0, disc.shape), 10.0)
    values = image[disc > 0] - 10.0
    found = columns_of(image, disc)
    z = (values - values.mean()) / values.std()
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    assert found["skewness_c"][0] == pytest.approx((z**3).mean())
    assert found["kurtosis_c"][0] == pytest.approx((z**4).mean() - 3)
    assert found["p95_to_median_c"][0] == pytest.approx(high / middle)
    assert found["p5_to_median_c"][0] == pytest.approx(low / middle)
    assert found["peak_to_mean_c"][0] == pytest.approx(values.max() / values.mean())
    assert found["cv_c"][0] == pytest.approx(values.std() / values.mean())


def test_uniform_signal_fills_zones_by_area_and_a_cone_has_a_slope(
    columns_of, ellipse_mask
):
    disc = ellipse_mask(36, 36)
    flat = columns_of(disc * 1.0, disc)
    zones = np.array([flat[f"zone{k}_fraction_c"][0] for k in (1, 2, 3, 4)])
    assert zones.sum() == pytest.approx(1)
    # Rings of equal width of a disc: 7, 5, 3 and 1 sixteenth of the area.
    np.testing.assert_allclose(zones, np.array([7, 5, 3, 1]) / 16, atol=0.02)
    assert flat["radial_slope_c"][0] == pytest.approx(0, abs=1e-12)
    depth_ = np.clip(1 - np.hypot(X - 50, Y - 40) / 36, 0, 1)
    cone = columns_of(disc * (1 + depth_), disc)
    # Mean depth is 1/3, so the mean is 4/3 and the slope 1 / (4/3).
    assert cone["radial_slope_c"][0] == pytest.approx(0.75, rel=0.03)


@pytest.mark.parametrize("width", [240, 700])
def test_depth_equals_the_distance_transform_of_each_mask_alone(colony, width):
    labels = np.zeros((300, 760), np.int32)
    labels[100:280, 500:720] = colony[1]
    labels[3:90, 20 : 20 + width] = 99  # beyond 250 px wider integers are used
    for block in split_cells(labels)[1]:
        for k, found in enumerate(np.split(depth(block), block.start[1:])):
            y0, x0, y1, x1 = block.box[k]
            name = labels[block.row[block.start[k]], block.col[block.start[k]]]
            alone = np.pad(labels[y0:y1, x0:x1] == name, 1)
            expected = ndimage.distance_transform_edt(alone)[alone]
            np.testing.assert_allclose(found, expected)


def test_correlation_length_of_smoothed_noise(columns_of):
    rng = np.random.default_rng(0)
    labels = np.zeros((300, 300), int)
    labels[20:280, 20:280] = 1
    noise = rng.normal(size=labels.shape)
    for sigma in (3.0, 5.0):
        image = 10 * labels + ndimage.gaussian_filter(noise, sigma)
        found = columns_of(image, labels, background=[0.0])
        expected = np.sqrt(2) * sigma  # correlation exp(-r^2 / 4 sigma^2)
        assert found["correlation_length_c"][0] == pytest.approx(expected, rel=0.1)


def test_bands_answer_to_waves_of_their_scale_and_blur_lowers_sharpness(
    columns_of, ellipse_mask
):
    disc = ellipse_mask(30, 30)
    names = ("band_noise_c", "band_1px_c", "band_2px_c", "band_4px_c")
    for period, strongest in [(2.0, 0), (6.0, 1), (12.0, 2), (60.0, 3)]:
        image = disc * (10 + np.cos(2 * np.pi * X / period))
        found = columns_of(image, disc)
        assert np.argmax([found[name][0] for name in names]) == strongest
    rng = np.random.default_rng(1)
    image = 100 * disc + ndimage.gaussian_filter(rng.normal(size=disc.shape), 1) * 20
    measured = [
        columns_of(ndimage.gaussian_filter(image, s), disc) for s in (0, 1, 2, 3)
    ]
    for name in ("sharpness_c", "edge_sharpness_c"):
        values = [found[name][0] for found in measured]
        assert (np.diff(values) < 0).all(), (name, values)


def test_gradient_of_a_ramp_and_entropy_of_two_levels(columns_of):
    labels = np.zeros((40, 60), int)
    labels[5:35, 5:45] = 1
    ramp = 3.0 * np.broadcast_to(np.arange(60.0), labels.shape)
    found = columns_of(ramp, labels, background=[0.0], pixel_size=0.5)
    mean = ramp[labels > 0].mean()
    assert found["gradient_mean_c"][0] == pytest.approx(3 / mean / 0.5)
    halves = columns_of(np.where(ramp < mean, 1.0, 5.0), labels, background=[0.0])
    assert halves["entropy_c"][0] == pytest.approx(1)
    # Plus-shaped sets of 5 pixels; only the two columns at the step see it.
    assert halves["local_sd_c"][0] == pytest.approx(4 * 0.4 * (2 / 38) / 3)
