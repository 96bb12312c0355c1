"""Shapes whose features are known by hand."""

import numpy as np
import pytest

from cellstate.morphology import contour_points, measure_frame


@pytest.mark.parametrize("angle", [0.0, 0.5, np.pi / 2, 2.4])
def test_ellipse_has_its_axes_area_and_orientation(columns_of, ellipse_mask, angle):
    found = columns_of(np.zeros((81, 101)), ellipse_mask(28, 16, angle))
    assert found["area"][0] == pytest.approx(np.pi * 28 * 16, rel=0.01)
    assert found["major_axis_length"][0] == pytest.approx(56, rel=0.01)
    assert found["minor_axis_length"][0] == pytest.approx(32, rel=0.01)
    eccentricity = np.sqrt(1 - (16 / 28) ** 2)
    assert found["eccentricity"][0] == pytest.approx(eccentricity, rel=0.01)
    assert found["aspect_ratio"][0] == pytest.approx(28 / 16, rel=0.01)
    # scikit-image counts from the row axis; the tilt is from x towards y.
    tilt = np.pi / 2 - found["orientation"][0]
    assert np.cos(2 * (tilt - angle)) == pytest.approx(1, abs=1e-3)
    assert found["feret_max"][0] == pytest.approx(56, abs=1.5)
    assert found["feret_min"][0] == pytest.approx(32, abs=1.5)
    assert found["n_touching"][0] == 0


def test_disc_has_its_radius_and_curvature(columns_of, ellipse_mask):
    found = columns_of(np.zeros((81, 101)), ellipse_mask(30, 30))
    assert found["equivalent_diameter"][0] == pytest.approx(60, rel=0.01)
    assert found["radius_mean"][0] == pytest.approx(30, rel=0.01)
    assert found["radius_sd"][0] < 0.5
    assert found["curvature_max"][0] == pytest.approx(1 / 30, rel=0.15)
    assert found["curvature_min"][0] == pytest.approx(1 / 30, rel=0.15)
    assert found["bending_energy"][0] == pytest.approx(1, rel=0.01)
    assert found["concave_fraction"][0] == 0
    assert found["solidity"][0] > 0.98
    assert found["boundary_a1"][0] < 1e-9
    assert found["boundary_a2"][0] < 1e-9


@pytest.mark.parametrize(("a", "b"), [(32, 22), (34, 14)])
def test_modes_and_bending_of_an_ellipse_equal_its_integrals(
    columns_of, ellipse_mask, a, b
):
    found = columns_of(np.zeros((81, 101)), ellipse_mask(a, b, 0.3))
    angle = np.linspace(0, 2 * np.pi, 20_001)
    speed = np.hypot(a * np.sin(angle), b * np.cos(angle))
    arc = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
    arc *= 2 * np.pi / arc[-1]
    z = a * np.cos(angle) + 1j * b * np.sin(angle)

    def mode(k):
        return abs(np.trapezoid(z * np.exp(-1j * k * arc), arc))

    for name, k in [("fourier_minus1", -1), ("fourier_plus3", 3)]:
        assert found[name][0] == pytest.approx(mode(k) / mode(1), abs=0.01)
    for name in ("fourier_plus2", "fourier_minus2", "fourier_plus4"):
        assert found[name][0] < 0.01  # half a turn leaves an ellipse the same
    curvature = a * b / speed**3
    energy = np.trapezoid(curvature**2 * speed, angle) * np.trapezoid(speed, angle)
    expected = energy / (4 * np.pi**2)
    assert found["bending_energy"][0] == pytest.approx(expected, rel=0.08)


def test_rectangle_is_exact():
    labels = np.zeros((20, 30), int)
    labels[4:10, 5:21] = 3  # 6 x 16 px
    cells = measure_frame(np.zeros((1, 20, 30)), labels, pixel_size=0.5, channels=["c"])
    found = dict(zip(cells.names, cells.values[0], strict=True))
    assert found["area"] == 96 * 0.25
    assert found["convex_area"] == 96 * 0.25
    assert found["extent"] == found["solidity"] == 1
    # The outline cuts the four corners by half a pixel.
    assert found["feret_min"] == pytest.approx(6 * 0.5)
    assert found["feret_max"] == pytest.approx(np.hypot(16, 5) * 0.5)
    assert found["convexity"] == pytest.approx(1)
    np.testing.assert_array_equal(cells.bbox, [[4, 5, 10, 21]])
    np.testing.assert_allclose(cells.centroid, [[12.5 * 0.5, 6.5 * 0.5]])


def test_concave_shape_is_told_from_its_hull(columns_of):
    labels = np.zeros((60, 60), int)
    labels[10:50, 10:50] = 1
    labels[10:35, 25:35] = 0
    found = columns_of(np.zeros((60, 60)), labels)
    assert found["solidity"][0] == pytest.approx(1350 / 1600)
    assert found["convexity"][0] < 0.8
    assert found["curvature_min"][0] < 0
    assert found["concave_fraction"][0] > 0.05
    assert found["bending_energy"][0] > 2


def test_three_lobes_raise_the_third_angular_mode(columns_of):
    y, x = np.mgrid[:101, :101] - 50.0
    phi = np.arctan2(y, x)
    lobed = (np.hypot(x, y) < 40 * (1 + 0.1 * np.cos(3 * phi + 0.4))).astype(int)
    found = columns_of(np.zeros((101, 101)), lobed)
    assert found["boundary_a3"][0] > 5 * found["boundary_a2"][0]
    assert found["fourier_minus2"][0] > 5 * found["fourier_minus1"][0]
    # By arc length r = R (1 + e cos 3 phi) has |c_-2| = 2 e / 3 and |c_4| = e / 3
    # of |c_1|, to first order in e.
    assert found["fourier_minus2"][0] == pytest.approx(0.2 / 3, rel=0.05)
    assert found["fourier_plus4"][0] == pytest.approx(0.1 / 3, rel=0.1)


def test_pieces_and_borders_are_reported():
    labels = np.zeros((30, 30), int)
    labels[0:5, 3:8] = 1
    labels[10:15, 10:15] = 4
    labels[20:22, 20:22] = 4
    labels[15, 15] = 4  # touches the larger piece by a corner: one piece
    labels[26:30, 10:12] = 9
    labels[20:27, 2:9] = 12
    labels[22:25, 4:7] = 0  # a hole is no piece
    cells = measure_frame(np.zeros((1, 30, 30)), labels, pixel_size=1, channels=["c"])
    assert cells.label.tolist() == [1, 4, 9, 12]
    assert cells.n_components.tolist() == [1, 2, 1, 1]
    assert cells.touches_border.tolist() == [True, False, True, False]
    assert not cells.values.flags.writeable


def test_outline_points_lie_on_the_mask_edge_at_equal_arc_length(ellipse_mask):
    mask = ellipse_mask(25, 25)
    (points,) = contour_points(mask, pixel_size=0.5, n_points=64)
    radius = np.hypot(*(points - [25.0, 20.0]).T)
    np.testing.assert_allclose(radius, 12.5, atol=0.5)
    steps = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    np.testing.assert_allclose(steps, steps.mean(), rtol=0.25)
    x, y = points.T
    area = ((x * np.roll(y, -1)) - (np.roll(x, -1) * y)).sum() / 2
    assert area == pytest.approx(np.pi * 12.5**2, rel=0.02)  # clockwise: positive
    assert points[0, 1] == pytest.approx(points[:, 1].min(), abs=0.05)


def test_neighbours_on_a_lattice(columns_of):
    labels = np.zeros((90, 90), int)
    for k in range(9):
        y, x = 10 + 30 * (k // 3), 10 + 30 * (k % 3)
        labels[y : y + 20, x : x + 20] = k + 1
    found = columns_of(np.zeros((90, 90)), labels, pixel_size=2.0)
    np.testing.assert_allclose(found["nearest_distance"], 60)
    diagonal = 30 * np.sqrt(2)
    expected = [(30 + 30 + diagonal) / 3 * 2, 60, (30 + 30 + diagonal) / 3 * 2]
    np.testing.assert_allclose(found["distance_3"][:3], expected)
    # Two mean diameters are 45.1 px: straight and diagonal neighbours.
    np.testing.assert_array_equal(found["n_near"], [3, 5, 3, 5, 8, 5, 3, 5, 3])
    assert found["local_density"][4] == pytest.approx(4 / np.pi / (2 * diagonal) ** 2)


def test_contact_is_the_shared_part_of_the_rim(columns_of):
    labels = np.zeros((40, 60), int)
    labels[10:20, 10:20] = 1
    labels[10:20, 20:40] = 2
    labels[20:30, 30:40] = 5
    found = columns_of(np.zeros((40, 60)), labels)
    np.testing.assert_allclose(found["contact_fraction"], [10 / 40, 20 / 60, 10 / 40])
    assert found["n_touching"].tolist() == [1, 2, 1]
    # The end of the frame is no free rim.
    cut = columns_of(np.zeros((40, 20)), labels[:, 10:30])
    assert cut["contact_fraction"][0] == pytest.approx(10 / 30)
