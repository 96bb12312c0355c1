"""Cells in three dimensions: balls, ellipsoids, boxes and single harmonics."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import ellipeinc, ellipkinc

from cellstate.morphology import measure_volume, volume_table
from cellstate.morphology.harmonics import directions, real_harmonics


def grid(shape, spacing):
    """Positions x, y, z in um from the middle, (Z, Y, X, 3)."""
    axes = [
        (np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)[..., ::-1]


def columns_of(labels, spacing=(1.0, 1.0, 1.0), image=None, **options):
    cells = measure_volume(
        image, labels, pixel_size=spacing[1], z_step=spacing[0], **options
    )
    return dict(zip(cells.names, cells.values.T, strict=True))


def star(modes, radius=14.0, turn=None, spacing=(1.0, 1.0, 1.0), size=42.0):
    """Mask of r(u) = radius (1 + sum e Y), `modes` by column l^2 + l + m."""
    shape = [int(np.ceil(size / s)) for s in spacing]
    where = grid(shape, spacing)
    where = where if turn is None else where @ turn
    away = np.linalg.norm(where, axis=-1)
    unit = where / np.maximum(away, 1e-9)[..., None]
    edge = np.full(away.shape, radius)
    if modes:
        basis = real_harmonics(unit.reshape(-1, 3), 6)
        wave = sum(e * basis[:, column] for column, e in modes.items())
        edge = edge * (1 + wave.reshape(away.shape))
    return (away < edge).astype(np.int32)


def ellipsoid_area(a, b, c):
    """Exact surface of an ellipsoid with a >= b >= c (Legendre)."""
    phi = np.arccos(c / a)
    k = a**2 * (b**2 - c**2) / (b**2 * (a**2 - c**2))
    e, f = ellipeinc(phi, k), ellipkinc(phi, k)
    return (
        2
        * np.pi
        * (c**2 + a * b / np.sin(phi) * (e * np.sin(phi) ** 2 + f * np.cos(phi) ** 2))
    )


def test_harmonics_are_orthonormal():
    unit, weight = directions()
    assert weight.sum() == pytest.approx(4 * np.pi)
    basis = real_harmonics(unit, 6)
    np.testing.assert_allclose(
        basis.T @ (weight[:, None] * basis), np.eye(49), atol=1e-12
    )


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.8, 0.8)])
def test_a_ball_is_round(spacing):
    found = columns_of(star({}, spacing=spacing), spacing)
    assert found["volume"][0] == pytest.approx(4 / 3 * np.pi * 14**3, rel=0.01)
    assert found["equivalent_diameter"][0] == pytest.approx(28, rel=0.005)
    assert found["surface_area"][0] == pytest.approx(4 * np.pi * 14**2, rel=0.02)
    assert found["sphericity"][0] == pytest.approx(1, abs=0.02)
    for name in ("long_axis", "middle_axis", "short_axis"):
        assert found[name][0] == pytest.approx(28, rel=0.02)
    for k in range(1, 7):
        assert found[f"harmonic_{k}"][0] < 0.007


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 1.0, 1.0)])
def test_an_ellipsoid_has_its_axes_and_surface(spacing):
    a, b, c = 20.0, 14.0, 10.0
    where = grid([int(48 / s) for s in spacing], spacing)
    where = where @ Rotation.from_euler("zyx", [0.4, 0.7, 0.2]).as_matrix()
    labels = ((where / [a, b, c]) ** 2).sum(axis=-1) < 1
    found = columns_of(labels.astype(int), spacing)
    assert found["long_axis"][0] == pytest.approx(2 * a, rel=0.02)
    assert found["middle_axis"][0] == pytest.approx(2 * b, rel=0.02)
    assert found["short_axis"][0] == pytest.approx(2 * c, rel=0.02)
    assert found["volume"][0] == pytest.approx(4 / 3 * np.pi * a * b * c, rel=0.01)
    assert found["surface_area"][0] == pytest.approx(ellipsoid_area(a, b, c), rel=0.03)
    assert found["elongation"][0] == pytest.approx(a / b, rel=0.02)
    assert found["flatness"][0] == pytest.approx(b / c, rel=0.02)


def test_moments_of_a_box_are_exact():
    labels = np.zeros((10, 20, 30), np.uint16)
    labels[2:6, 3:13, 4:24] = 9
    found = columns_of(labels, (1.5, 0.5, 0.5))
    # Sides of 6, 5 and 10 um have variance side^2 / 12.
    expected = 2 * np.sqrt(5 * np.array([10, 6, 5]) ** 2 / 12)
    axes = [found[n][0] for n in ("long_axis", "middle_axis", "short_axis")]
    np.testing.assert_allclose(axes, expected, rtol=1e-12)
    assert found["volume"][0] == pytest.approx(300)


@pytest.mark.parametrize(("degree", "order"), [(2, 0), (2, 1), (3, -2), (4, 4), (5, 1)])
def test_one_harmonic_is_seen_at_its_degree(degree, order):
    strength = 0.35
    found = columns_of(star({degree**2 + degree + order: strength}))
    expected = strength / np.sqrt(4 * np.pi)
    # The blur by one voxel flattens a wave of degree l by about l^2 / (2 R^2).
    assert found[f"harmonic_{degree}"][0] == pytest.approx(expected, rel=0.08)
    for other in {2, 3, 4, 5, 6} - {degree}:
        # Squares of the wave enter through the centroid and the blur.
        assert found[f"harmonic_{other}"][0] < 0.1 * expected + 0.004


def test_turning_a_cell_leaves_its_features_within_the_voxels():
    modes = {4: 0.3, 8: 0.2, 12: -0.2, 20: 0.15}
    still = columns_of(star(modes))
    for seed in (0, 1, 2):
        turn = Rotation.random(random_state=seed).as_matrix()
        turned = columns_of(star(modes, turn=turn))
        for name, value in still.items():
            allowed = {"rel": 0.02, "abs": 0.004}
            assert turned[name][0] == pytest.approx(value[0], **allowed), name


@pytest.mark.parametrize("axes", [(0, 1, 2, 4), (0, 2, 3, 1)])
def test_permuted_axes_of_equal_voxels_change_nothing(axes):
    labels = star({6: 0.4, 11: 0.3})
    image = np.random.default_rng(0).gamma(2.0, 50.0, labels.shape)
    options = {"channels": ["c"], "background": [0.0]}
    still = columns_of(labels, image=image[None], **options)
    mirror = labels[::-1, :, :] if axes[3] == 4 else labels.transpose(1, 2, 0)
    light = image[::-1] if axes[3] == 4 else image.transpose(1, 2, 0)
    moved = columns_of(mirror, image=light[None], **options)
    for name in still:
        # The directions of the rays do not turn with the axes.
        loose = 1e-3 if name.startswith("harmonic") else 1e-5
        assert moved[name][0] == pytest.approx(still[name][0], rel=loose, abs=1e-3), (
            name
        )


def test_intensity_per_cell_and_channel():
    labels = np.zeros((6, 12, 20), int)
    labels[1:5, 2:10, 2:8], labels[1:5, 2:10, 12:18] = 5, 70_000
    rng = np.random.default_rng(0)
    image = rng.normal(100, 3, (2, *labels.shape))
    image[1] += 50 * (labels == 5)
    cells = measure_volume(
        image, labels, pixel_size=0.5, z_step=1.0, channels=["a", "b"]
    )
    assert cells.label.tolist() == [5, 70_000]
    found = dict(zip(cells.names, cells.values.T, strict=True))
    for k, name in enumerate("ab"):
        inside = [image[k][labels == label] for label in (5, 70_000)]
        for statistic, function in {
            "mean_intensity": np.mean,
            "sd_intensity": np.std,
            "min_intensity": np.min,
            "max_intensity": np.max,
        }.items():
            expected = [function(values) for values in inside]
            np.testing.assert_allclose(found[f"{statistic}_{name}"], expected)
        level = np.median(image[k][labels == 0])
        assert cells.background[k] == pytest.approx(level)
        total = [(values - level).sum() for values in inside]
        np.testing.assert_allclose(found[f"integrated_intensity_{name}"], total)
    assert cells.centroid.tolist() == [[2.25, 2.75, 2.5], [7.25, 2.75, 2.5]]
    assert not cells.touches_border.any()


def test_units_follow_the_size_of_a_voxel():
    labels = star({6: 0.4})
    image = np.random.default_rng(0).gamma(2.0, 50.0, (1, *labels.shape))
    options = {"channels": ["c"]}
    one = columns_of(labels, (1.0, 1.0, 1.0), image, **options)
    half = columns_of(labels, (0.5, 0.5, 0.5), image, **options)
    power = {"um": 1, "um2": 2, "um3": 3}
    for feature in volume_table(["c"]):
        scaled = one[feature.name] * 0.5 ** power.get(feature.unit, 0)
        np.testing.assert_allclose(half[feature.name], scaled, rtol=1e-5, atol=1e-9)


def test_specks_pieces_and_broken_voxels():
    labels = np.zeros((8, 20, 20), np.int64)
    labels[4, 5, 5] = 1  # one voxel
    labels[2, 8:16, 2:10] = 2  # one plane
    labels[1:7, 2:8, 12:18] = 3
    labels[6, 14:16, 14:16] = 3  # and a piece apart
    labels[0, 0, 0] = 70_000
    image = np.random.default_rng(0).random((1, *labels.shape))
    image[0, 2, 9, 4] = np.nan
    cells = measure_volume(image, labels, pixel_size=1.0, z_step=2.0, channels=["c"])
    found = dict(zip(cells.names, cells.values.T, strict=True))
    assert not np.isinf(cells.values).any()
    assert cells.n_components.tolist() == [1, 1, 2, 1]
    assert cells.touches_border.tolist() == [False, False, False, True]
    np.testing.assert_allclose(found["volume"], [2, 128, 2 * 220, 2])
    assert np.isnan(found["surface_area"][0])
    assert np.isnan(found["mean_intensity_c"]).tolist() == [False, True, False, False]
    empty = measure_volume(None, np.zeros((3, 4, 5), int), pixel_size=1.0, z_step=1.0)
    assert empty.values.shape == (0, len(volume_table([])))
    assert empty.centroid.shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros((5, 5), int)}, "measured by measure_frame"),
        ({"labels": np.zeros((2, 5, 5))}, "integers"),
        ({"labels": np.full((2, 5, 5), -1)}, "negative"),
        ({"image": np.zeros((2, 5, 5))}, "one stack per"),
        ({"z_step": 0.0}, "`z_step` must be positive"),
        ({"pixel_size": np.inf}, "`pixel_size` must be positive"),
        ({"channels": "c"}, "list of names"),
        ({"background": [1.0, 2.0]}, "one value for each of 1 channels"),
    ],
)
def test_bad_stacks_stop_at_the_door(change, message):
    given = {
        "image": np.zeros((1, 2, 5, 5)),
        "labels": np.zeros((2, 5, 5), int),
        "pixel_size": 1.0,
        "z_step": 1.0,
        "channels": ["c"],
    } | change
    with pytest.raises(ValueError, match=message):
        measure_volume(given.pop("image"), given.pop("labels"), **given)
