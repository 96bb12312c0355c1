"""Elliptic modes: known ellipses and lobes, any pose, and the outline back."""

import numpy as np
import pytest

from cellstate.morphology import contour_points, elliptic_modes, measure_frame

T = 2 * np.pi * np.arange(128) / 128


def curve(modes, angle=0.0, start=0.0, shift=0j, size=1.0):
    """Outline with c_k given, turned, started elsewhere, moved and scaled."""
    t = T + start
    z = sum(c * np.exp(1j * k * t) for k, c in modes.items())
    z = size * z * np.exp(1j * angle) + shift
    return np.stack([z.real, z.imag], axis=-1)[None]


LOBED = {1: 3.0, -1: 1.0, 2: 0.4 * np.exp(0.7j), -2: 0.1j, 3: 0.2 * np.exp(-1j)}


def test_modes_of_a_curve_drawn_in_its_own_frame_are_those_drawn():
    found = elliptic_modes(curve(LOBED), n_modes=5)
    for k, value in LOBED.items():
        assert found.modes[0, 5 + k] == pytest.approx(value / 4, abs=1e-12)
    assert found.semi_axis[0] == pytest.approx(4)
    assert found.anisotropy[0] == pytest.approx(1 / 3)
    assert not found.ambiguous[0]


@pytest.mark.parametrize("angle", [0.0, 0.6, 2.0, 3.0, -1.5])
@pytest.mark.parametrize("start", [0.0, 1.1, 3.3])
def test_pose_start_and_size_leave_modes_alone(angle, start):
    still = elliptic_modes(curve(LOBED))
    moved = elliptic_modes(curve(LOBED, angle, start, shift=7 - 2j, size=2.5))
    np.testing.assert_allclose(moved.modes, still.modes, atol=1e-12)
    turned = np.exp(1j * (moved.angle - still.angle - angle))
    np.testing.assert_allclose(turned, 1, atol=1e-12)
    np.testing.assert_allclose(moved.centre, [[7, -2]], atol=1e-12)


def test_a_mirror_conjugates_the_modes():
    outline = curve(LOBED, 0.4, 0.9)
    still = elliptic_modes(outline)
    mirrored = elliptic_modes(outline * [1, -1])
    np.testing.assert_allclose(mirrored.modes, still.modes.conj(), atol=1e-12)


def test_the_outline_comes_back(colony):
    _, labels = colony
    outlines = contour_points(labels, pixel_size=0.5, n_points=128)
    found = elliptic_modes(outlines, n_modes=60)
    drawn = found.outlines(128)
    # The start is another one: compare where the curves lie, not their order.
    for a, b in zip(drawn, outlines, strict=True):
        away = np.linalg.norm(a[:, None] - b[None], axis=-1).min(axis=1)
        assert away.max() < 0.35  # um; points are about 0.3 um apart


def test_flat_rows_are_outlines_as_stored(colony):
    outlines = contour_points(colony[1], pixel_size=0.5)
    flat = elliptic_modes(outlines.reshape(len(outlines), -1))
    np.testing.assert_array_equal(flat.modes, elliptic_modes(outlines).modes)


def test_round_cells_are_called_ambiguous(ellipse_mask):
    for axes, expected in (((20, 20), True), ((24, 20), False)):
        outline = contour_points(ellipse_mask(*axes), pixel_size=1.0)
        assert elliptic_modes(outline).ambiguous[0] == expected


def test_magnitudes_agree_with_the_exact_integrals(colony):
    image, labels = colony
    cells = measure_frame(image[None], labels, pixel_size=1.0, channels=["c"])
    modes = elliptic_modes(contour_points(labels, pixel_size=1.0, n_points=512)).modes
    exact = cells.values[:, cells.names.index("fourier_minus1")]
    np.testing.assert_allclose(np.abs(modes[:, 7] / modes[:, 9]), exact, atol=2e-3)
    product = modes[:, 8 + 3] * modes[:, 8 - 1] / modes[:, 9] ** 2
    align = cells.values[:, cells.names.index("fourier_align3")]
    np.testing.assert_allclose(product.real, align, atol=2e-3)


def test_bad_outlines_are_refused():
    with pytest.raises(ValueError, match=r"shape \(n, P, 2\)"):
        elliptic_modes(np.zeros((3, 5, 3)))
    with pytest.raises(ValueError, match="below half of 16 points; found 8"):
        elliptic_modes(np.zeros((3, 16, 2)), n_modes=8)
    with pytest.raises(ValueError, match=r"rows \[1\] are not"):
        elliptic_modes([np.zeros((64, 2)), np.full((64, 2), np.nan)])
    empty = elliptic_modes(np.zeros((0, 64, 2)))
    assert empty.modes.shape == (0, 17)
