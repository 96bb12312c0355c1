"""Modes of outlines made of known modes, whichever way they are turned."""

import numpy as np
import pytest

from cellstate.statespace import ShapeModes, fit_shape_modes

T = 2 * np.pi * np.arange(64) / 64


def blobs(n, rng, strength=(0.15, 0.05)):
    """Outlines z = e^it + a e^-it + b e^-2it with random real a and b."""
    rng = np.random.default_rng(rng)
    a, b = (s * rng.normal(size=(n, 1)) for s in strength)
    z = np.exp(1j * T) + (0.3 + a) * np.exp(-1j * T) + (0.2 + b) * np.exp(-2j * T)
    return z


def posed(z, rng, scale=7.0):
    """Move, turn, rescale and restart each outline at random."""
    rng = np.random.default_rng(rng)
    n = len(z)
    start = (np.arange(64) + rng.integers(64, size=(n, 1))) % 64
    z = np.take_along_axis(z, start, axis=1) * np.exp(2j * np.pi * rng.random((n, 1)))
    return scale * z + 100 * rng.normal(size=(n, 1))


def pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


def test_two_known_modes_explain_outlines_in_any_pose():
    z = blobs(400, 0)
    modes = fit_shape_modes(pairs(posed(z, 1)), 6, mirrored=False)
    assert modes.explained[1] > 0.98  # scaling to one area bends the plane
    assert modes.explained[0] == pytest.approx(
        fit_shape_modes(pairs(z), 1, mirrored=False).explained[0], abs=2e-3
    )
    assert (np.diff(modes.variance) <= 0).all()
    flat = modes.modes.reshape(6, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(6), atol=1e-10)


def test_pose_and_sense_leave_scores_alone_and_mirrors_if_asked():
    z = posed(blobs(100, 2), 3)
    modes = fit_shape_modes(pairs(z), 4, mirrored=False)
    scores = modes.transform(pairs(z))
    np.testing.assert_allclose(modes.transform(pairs(posed(z, 4))), scores, atol=1e-8)
    np.testing.assert_allclose(modes.transform(pairs(z[:, ::-1])), scores, atol=1e-8)
    skewed = z + 0.1j * np.exp(-3j * (T + 0.7)) * 7
    free = fit_shape_modes(pairs(skewed), 4)
    one, two = (free.transform(pairs(s)) for s in (skewed, np.conj(skewed)))
    np.testing.assert_allclose(one, two, atol=1e-8)
    told = fit_shape_modes(pairs(skewed), 4, mirrored=False)
    apart = told.transform(pairs(skewed)) - told.transform(pairs(np.conj(skewed)))
    assert np.abs(apart).max() > 0.1


def test_all_modes_rebuild_the_aligned_outlines():
    outlines = pairs(posed(blobs(40, 5), 6))
    modes = fit_shape_modes(outlines, 39)
    scores = modes.transform(outlines)
    np.testing.assert_allclose(
        modes.reconstruct(scores), modes.align(outlines), atol=1e-8
    )
    assert modes.explained[-1] == pytest.approx(1)
    np.testing.assert_allclose(
        scores.var(axis=0, ddof=1)[:3], modes.variance[:3], rtol=1e-6
    )
    again = ShapeModes.from_dict(modes.to_dict())
    np.testing.assert_array_equal(again.transform(outlines), scores)


def test_aligned_outlines_have_the_area_of_the_unit_disc():
    modes = fit_shape_modes(pairs(posed(blobs(30, 7), 8, scale=0.01)), 2)
    x, y = np.moveaxis(modes.align(pairs(posed(blobs(9, 9), 10))), -1, 0)
    area = (x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(axis=1) / 2
    np.testing.assert_allclose(area, np.pi)


def test_rows_with_nan_stay_nan():
    outlines = pairs(posed(blobs(20, 11), 12))
    outlines[3, 5] = np.nan
    modes = fit_shape_modes(outlines, 2)
    assert modes.n_outlines == 19
    scores = modes.transform(outlines)
    np.testing.assert_array_equal(np.isnan(scores).all(axis=1), np.arange(20) == 3)


def test_refusals():
    outlines = pairs(posed(blobs(5, 13), 14))
    with pytest.raises(ValueError, match="at least 3 outlines; found 2"):
        fit_shape_modes(outlines[:2])
    with pytest.raises(ValueError, match=r"\(n, m, 2\).*found \(5, 64\)"):
        fit_shape_modes(outlines[..., 0])
    outlines[2] = 0.0
    with pytest.raises(ValueError, match="found 1 that do not, the first in row 2"):
        fit_shape_modes(outlines)
    modes = fit_shape_modes(outlines[[0, 1, 3]])
    with pytest.raises(ValueError, match=r"\(n, 64, 2\); found \(1, 32, 2\)"):
        modes.transform(np.ones((1, 32, 2)))
