"""Diffusion maps of lines, circles and rectangles."""

import numpy as np
import pytest

from cellstate.statespace import DiffusionMap, fit_diffusion_map


def correlation(a, b):
    return abs(np.corrcoef(a, b)[0, 1])


def test_first_coordinates_of_a_line_are_cosines_whatever_the_density():
    rng = np.random.default_rng(0)
    uneven = np.where(rng.random(3000) < 0.4, rng.random(3000), rng.beta(2, 1, 3000))
    for x, least in ((rng.random(3000), 0.999), (uneven, 0.94)):
        found = fit_diffusion_map(x[:, None], 3, n_neighbors=150, rng=0)
        along = found.states[:, 0] - found.states.min()
        for k in range(3):
            cosine = np.cos((k + 1) * np.pi * along / along.max())
            assert correlation(found.vectors[:, k], cosine) > least
        assert found.residual < 1e-8


def test_times_of_a_free_walk_on_a_line_go_like_1_to_4_to_9():
    x = np.random.default_rng(0).random((3000, 1))
    found = fit_diffusion_map(x, 3, n_neighbors=150, rng=0)
    ratio = np.log(found.values) / np.log(found.values[0])
    np.testing.assert_allclose(ratio, [1, 4, 9], rtol=0.02)


def test_a_circle_has_pairs_of_equal_values():
    angle = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    x = np.c_[np.cos(angle), np.sin(angle), np.zeros(600)]
    found = fit_diffusion_map(x, 4, rng=0)
    assert found.values[0] == pytest.approx(found.values[1], rel=1e-4)
    assert found.values[2] == pytest.approx(found.values[3], rel=1e-4)
    plane = found.vectors[:, :2]
    np.testing.assert_allclose((plane**2).sum(axis=1), 2, rtol=0.05)


def test_turning_moving_and_rescaling_leave_it_alone():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3)) * [3, 1, 0.2]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    one = fit_diffusion_map(x, 3, rng=0)
    two = fit_diffusion_map(10 * x @ turn + 5, 3, rng=1)
    np.testing.assert_allclose(two.values, one.values, rtol=1e-8)
    assert two.bandwidth == pytest.approx(100 * one.bandwidth)


def test_placing_the_fitted_cells_gives_value_times_vector():
    x = np.random.default_rng(2).normal(size=(1500, 2))
    found = fit_diffusion_map(x, 2, rng=0)
    placed = found.transform(found.states)
    for k in range(2):
        assert correlation(placed[:, k], found.vectors[:, k]) > 0.999
        slope = placed[:, k] @ found.vectors[:, k] / len(placed)
        assert slope == pytest.approx(found.values[k], rel=0.02)
    again = DiffusionMap.from_dict(found.to_dict())
    np.testing.assert_array_equal(again.transform(found.states), placed)
    assert np.isfinite(found.transform(x)).all()


def test_unknown_and_far_cells_are_nan_and_the_rest_is_placed():
    x = np.random.default_rng(3).normal(size=(300, 2))
    found = fit_diffusion_map(np.r_[x, [[np.nan, 0]]], 2, rng=0)
    placed = found.transform([[np.nan, 1.0], [1e6, 0.0], [0.0, 0.0]])
    assert np.isnan(placed[:2]).all()
    assert np.isfinite(placed[2]).all()


def test_cells_far_from_all_others_do_not_make_coordinates():
    x = np.random.default_rng(5).normal(size=(1000, 3))
    far = x.copy()
    far[:3] *= [[20.0], [30.0], [-40.0]]
    one, two = fit_diffusion_map(x[3:], 2, rng=0), fit_diffusion_map(far, 2, rng=0)
    assert two.n_isolated == one.n_isolated + 3
    np.testing.assert_allclose(two.values, one.values, rtol=1e-9)


def test_refusals():
    x = np.random.default_rng(4).normal(size=(200, 2))
    with pytest.raises(ValueError, match="at least 31 cells; found 20 without NaN"):
        fit_diffusion_map(x[:20], 2)
    with pytest.raises(ValueError, match="without a neighbour in common"):
        fit_diffusion_map(np.r_[x, x + 1e3], 2)
    with pytest.raises(ValueError, match="at the very same place"):
        fit_diffusion_map(np.zeros((200, 2)), 2)
    with pytest.raises(ValueError, match="of 2 coordinates; found 3"):
        fit_diffusion_map(x, 2).transform(np.zeros((1, 3)))
