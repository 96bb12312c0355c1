"""Contours: closed form, raster, and what a measurement recovers."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from cellstate.datasets._movie._raster import coverage, half_plane, tile
from cellstate.datasets._movie._shape import (
    amplitudes,
    area,
    centred,
    centroid,
    radial,
    radius_of,
    turned,
)

LARGEST = np.array([0.2, 0.1, 0.06])  # amplitudes of k = 2, 3, 4


def random_modes(n, rng):
    modes = np.zeros((n, 6), dtype=complex)
    phase = rng.uniform(0, 2 * np.pi, (n, 3))
    modes[:, 1:4] = rng.uniform(0, LARGEST, (n, 3)) * np.exp(1j * phase)
    return centred(modes)


def polygon(modes, n=20_000):
    """Corners of one contour with R = 1, as x + iy."""
    direction = np.exp(2j * np.pi * np.arange(n) / n)
    return radial(np.broadcast_to(modes, (n, 6)), direction) * direction


def test_area_of_the_formula_is_that_of_a_fine_polygon():
    modes = random_modes(5, np.random.default_rng(0))
    for row in modes:
        z = polygon(row)
        traced = (z.conj() * np.roll(z, -1)).imag.sum() / 2
        assert traced == pytest.approx(area(1.0, row), rel=1e-6)
    radius = radius_of(np.full(5, 50.0), modes)
    np.testing.assert_allclose(area(radius, modes), 50.0, rtol=1e-12)


def test_contours_stand_on_their_centroid():
    modes = random_modes(20, np.random.default_rng(1))
    assert np.abs(centroid(modes)).max() < 1e-12
    for row in modes[:3]:
        z = polygon(row)
        following = np.roll(z, -1)
        cross = (z.conj() * following).imag
        centre = ((z + following) * cross).sum() / (3 * cross.sum())
        assert abs(centre) < 1e-6


def test_turning_a_contour_turns_its_phases_and_nothing_else():
    modes = random_modes(4, np.random.default_rng(2))
    angle = np.full(4, 0.4)
    there = np.exp(1j * np.array([0.3, 1.0, 2.0, 3.0]))
    np.testing.assert_allclose(
        radial(turned(modes, angle), there * np.exp(0.4j)), radial(modes, there)
    )
    size, phase = amplitudes(turned(modes, angle))
    np.testing.assert_allclose(size, np.abs(modes))
    shift = ((phase - amplitudes(modes)[1] - 0.4) * np.arange(1, 7))[:, 1:4]
    np.testing.assert_allclose(np.exp(1j * shift), 1)


def test_amplitudes_that_reach_the_centre_are_refused():
    with pytest.raises(ValueError, match=r"less than 0\.9.*found 0\.95"):
        centred(np.array([[0, 0.5, 0.45, 0, 0, 0]]))


def test_half_plane_against_counting():
    rng = np.random.default_rng(3)
    normal = np.exp(2j * np.pi * rng.random(40))
    inward = rng.uniform(-0.8, 0.8, 40)
    fine = (np.arange(400) + 0.5) / 400 - 0.5
    grid = fine + 1j * fine[:, None]
    counted = [
        ((grid * n.conj()).real <= d).mean()
        for n, d in zip(normal, inward, strict=True)
    ]
    # 400 x 400 points tell an area to about the length of the cut over 400.
    np.testing.assert_allclose(half_plane(inward, normal), counted, atol=2e-3)


@pytest.mark.parametrize("radius", [4.0, 10.0])
def test_light_of_the_raster_is_the_area(radius):
    rng = np.random.default_rng(4)
    modes = random_modes(30, rng)
    found = [
        coverage(tile(*rng.random(2), radius, row)).sum() / area(radius, row)
        for row in modes
    ]
    assert abs(np.mean(found) - 1) < 2e-3
    assert np.std(found) < 2e-3


def test_coverage_against_counting_inside_pixels():
    modes = random_modes(1, np.random.default_rng(5))[0]
    cell = tile(0.3, 0.8, 6.0, modes)
    fine = (np.arange(20) + 0.5) / 20 - 0.5
    x = (cell.x[:, None] + fine).ravel()
    y = (cell.y[:, None] + fine).ravel()
    point = (x + 1j * y[:, None]).ravel()
    edge = 6.0 * radial(np.broadcast_to(modes, (point.size, 6)), point / np.abs(point))
    inside = (np.abs(point) < edge).reshape(cell.y.size, 20, cell.x.size, 20)
    counted = inside.mean(axis=(1, 3))
    assert np.abs(coverage(cell) - counted).max() < 0.03
    # A mask takes pixels whose centre is inside, which is where coverage passes 1/2.
    clear = np.abs(counted - 0.5) > 0.05
    np.testing.assert_array_equal((cell.depth < 1)[clear], (counted > 0.5)[clear])


def harmonics_by_crossing(picture, n=128):
    """a_2, a_3, a_4 and phases: last half-level crossing about the area centroid."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    total = picture.sum()
    cx, cy = (picture * x).sum() / total, (picture * y).sum() / total
    theta = 2 * np.pi * np.arange(n) / n
    step = 0.05
    far = np.arange(0, picture.shape[0] / 2 + 1, step)
    places = [
        cy + np.sin(theta)[:, None] * far,
        cx + np.cos(theta)[:, None] * far,
    ]
    ray = map_coordinates(picture, places, order=1, mode="constant")
    last = far.size - 1 - np.argmax(ray[:, ::-1] >= 0.5, axis=1)
    rows = np.arange(n)
    fall = (ray[rows, last] - 0.5) / (ray[rows, last] - ray[rows, last + 1])
    spectrum = np.fft.fft(far[last] + fall * step)
    return 2 * spectrum[2:5] / spectrum[0].real


@pytest.mark.parametrize("radius", [6.0, 10.0, 20.0])
def test_harmonics_come_back_from_a_noiseless_raster(radius):
    rng = np.random.default_rng(6)
    modes = random_modes(60, rng)
    errors = []
    for row in modes:
        picture = np.pad(coverage(tile(*rng.random(2), radius, row)), 3)
        found = harmonics_by_crossing(picture)
        errors.append([np.abs(found) - np.abs(row[1:4]), np.abs(found - row[1:4])])
    rmse = np.sqrt(np.mean(np.square(errors), axis=0))
    assert (rmse[0] < 0.004).all(), rmse
    # Phases too: the distance in the plane holds both components' errors.
    assert (rmse[1] < 0.004 * np.sqrt(2)).all(), rmse
