"""Robust z-scores and principal components, kept for held-out cells."""

import numpy as np
import pytest

from cellstate.statespace import Projection, Scaling, fit_pca, fit_scaling


def test_scaling_is_median_and_mad():
    x = np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])
    scaling = fit_scaling(x, ("area",))
    # Deviations from 3 are 2, 1, 0, 1, 97: their median is 1.
    assert scaling.center[0] == 3
    assert scaling.scale[0] == pytest.approx(1.4826)
    np.testing.assert_allclose(scaling.transform(x)[:2, 0] * 1.4826, [-2, -1])


def test_scaling_of_normal_values_is_their_standard_deviation():
    n = 20_000
    x = np.random.default_rng(0).normal(5, 3, (n, 1))
    scaling = fit_scaling(x, ("a",))
    # The MAD of n normal values has a relative standard error of 1.17 / sqrt(n).
    assert scaling.scale[0] == pytest.approx(3, rel=4 * 1.17 / np.sqrt(n))
    assert scaling.center[0] == pytest.approx(5, abs=4 * 3 * 1.2533 / np.sqrt(n))


def test_where_most_values_are_equal_the_standard_deviation_is_taken():
    x = np.array([0.0] * 8 + [1.0, 3.0])[:, None]
    assert fit_scaling(x, ("a",)).scale[0] == pytest.approx(x.std())


def test_constant_and_undefined_features_are_reported_and_become_zero():
    x = np.array(
        [[0.1 + 0.2, np.nan, 1.0, np.inf], [0.3, np.nan, 2.0, 5.0], [0.3, np.nan, 4, 6]]
    )
    scaling = fit_scaling(x, ("flat", "never", "good", "once_inf"))
    np.testing.assert_array_equal(scaling.used, [False, False, True, True])
    np.testing.assert_array_equal(scaling.n_undefined, [0, 3, 0, 1])
    z = scaling.transform(x)
    np.testing.assert_array_equal(z[:, :2], 0)
    assert np.isnan(z[0, 3])
    assert np.isfinite(z[:, 2]).all()
    assert np.isnan(scaling.center[:2]).all()


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_scaling_does_not_depend_on_the_unit(unit):
    x = np.random.default_rng(1).gamma(2, size=(50, 3))
    z = fit_scaling(x, tuple("abc")).transform(x)
    np.testing.assert_allclose(
        fit_scaling(unit * x, tuple("abc")).transform(unit * x), z
    )


def test_held_out_rows_do_not_change_the_statistics():
    rng = np.random.default_rng(2)
    x = np.vstack([rng.normal(size=(40, 2)), 1e3 + rng.normal(size=(10, 2))])
    rows = np.arange(50) < 40
    scaling = fit_scaling(x, ("a", "b"), rows)
    alone = fit_scaling(x[:40], ("a", "b"))
    np.testing.assert_array_equal(scaling.center, alone.center)
    np.testing.assert_array_equal(scaling.transform(x), alone.transform(x))
    assert (scaling.transform(x)[40:] > 100).all()


def test_scaling_refuses_another_number_of_columns():
    scaling = fit_scaling(np.arange(6.0).reshape(3, 2), ("a", "b"))
    with pytest.raises(ValueError, match=r"knows 2 features \(\['a', 'b'\]\); found 3"):
        scaling.transform(np.zeros((1, 3)))


def test_scaling_survives_a_dictionary():
    x = np.random.default_rng(0).normal(size=(9, 2))
    scaling = fit_scaling(x, ("a", "b"))
    again = Scaling.from_dict(scaling.to_dict())
    np.testing.assert_array_equal(again.transform(x), scaling.transform(x))


@pytest.fixture
def plane():
    """Points in 5-D on a rotated plane, with spreads 3 and 1, and the directions."""
    rng = np.random.default_rng(4)
    directions = np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    scores = rng.normal(size=(200, 2))
    scores = np.linalg.qr(scores - scores.mean(axis=0))[0] * np.sqrt(200) * [3, 1]
    return scores @ directions + 7.0, directions


def test_pca_finds_a_known_rotation(plane):
    z, directions = plane
    projection = fit_pca(z, 2)
    np.testing.assert_allclose(
        np.abs(projection.components @ directions.T), np.eye(2), atol=1e-10
    )
    np.testing.assert_allclose(projection.variance_ratio, [0.9, 0.1], atol=1e-10)
    back = projection.transform(z) @ projection.components + projection.mean
    np.testing.assert_allclose(back, z * projection.weights, atol=1e-10)


def test_one_block_has_total_variance_one(plane):
    projection = fit_pca(plane[0], 2)
    assert projection.transform(plane[0]).var(axis=0).sum() == pytest.approx(1)


def test_blocks_weigh_the_same_however_many_features_they_have():
    rng = np.random.default_rng(0)
    few, many = rng.normal(size=(300, 1)), rng.normal(size=(300, 1))
    z = np.hstack([few, np.repeat(many, 9, axis=1), 1e3 * rng.normal(size=(300, 1))])
    blocks = np.array([4] + [7] * 9 + [-1])
    projection = fit_pca(z, 2, blocks=blocks)
    assert projection.weights[-1] == 0
    weighted = (z * projection.weights).var(axis=0)
    assert weighted[0] == pytest.approx(1)
    assert weighted[1:10].sum() == pytest.approx(1)
    # Independent blocks of variance 1 share the variance nearly evenly: the
    # sampling error of their correlation is 1 / sqrt(300).
    assert abs(projection.variance_ratio[0] - 0.5) < 4 / np.sqrt(300) / 2


def test_pca_axes_point_to_their_largest_loading(plane):
    z, _ = plane
    for data in (z, -z, z[::-1]):
        components = fit_pca(data, 2).components
        largest = np.abs(components).argmax(axis=1)
        assert (components[[0, 1], largest] > 0).all()


def test_pca_projects_held_out_rows_with_the_fitted_mean(plane):
    z, _ = plane
    rows = np.arange(len(z)) < 120
    projection = fit_pca(z, 2, rows)
    np.testing.assert_allclose(
        projection.mean, z[:120].mean(axis=0) * projection.weights
    )
    np.testing.assert_allclose(
        projection.transform(z)[:120].mean(axis=0), 0, atol=1e-10
    )


def test_an_undefined_value_counts_as_the_median_a_row_of_them_stays_undefined(plane):
    z, _ = plane
    z = z - np.median(z, axis=0)
    z[3, 1], z[5] = np.nan, np.nan
    projection = fit_pca(z, 2)
    assert projection.n_imputed == 1
    filled = np.where(np.isnan(z[3]), 0, z[3])[None]
    x = projection.transform(z)
    np.testing.assert_allclose(x[3], projection.transform(filled)[0], rtol=1e-12)
    assert np.isnan(x[5]).all()
    assert np.isfinite(np.delete(x, 5, axis=0)).all()


def test_more_components_than_cells_or_features_are_refused(plane):
    with pytest.raises(ValueError, match=r"=6 is more than 200 cells with 5 .* most 5"):
        fit_pca(plane[0], 6)


def test_a_projection_refuses_other_features(plane):
    projection = fit_pca(plane[0], 2)
    with pytest.raises(ValueError, match=r"5 features; found 4 columns"):
        projection.transform(np.zeros((3, 4)))


def test_projection_survives_a_dictionary(plane):
    projection = fit_pca(plane[0], 2)
    again = Projection.from_dict(projection.to_dict())
    np.testing.assert_array_equal(
        again.transform(plane[0]), projection.transform(plane[0])
    )
