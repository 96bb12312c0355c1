"""Bases and designs: slopes and curvature against differences, fields against sums."""

import numpy as np
import pytest

from cellstate.flow._basis import gaussians_at, n_monomials, polynomials
from cellstate.flow._design import Design

STEP = 1e-4
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
MOBILITY = np.array([[1.2, 0.3], [0.3, 0.8]])
CLOUD = np.random.default_rng(0).normal([2.0, -1.0], [3.0, 0.5], size=(200, 2))
STATES = CLOUD[:7]


@pytest.fixture(params=["polynomials", "gaussians"])
def basis(request):
    if request.param == "polynomials":
        return polynomials(CLOUD, 4)
    return gaussians_at(CLOUD, 2, rng=0)


def design_of(form, basis, group=None):
    return Design(
        free=None if form == "gradient" else basis,
        potential=None if form == "free" else basis,
        mobility=MOBILITY,
        group=group,
    )


def group_of(name):
    return None if name == "none" else np.array([np.eye(2), TURN @ TURN])


def shifted(x, i, step=STEP):
    moved = x.copy()
    moved[:, i] += step
    return moved


def difference(function, x, i, step=STEP):
    """Central difference in coordinate i."""
    return (function(shifted(x, i, step)) - function(shifted(x, i, -step))) / (2 * step)


def test_slopes_are_differences_of_values(basis):
    slopes = basis.slopes(STATES)
    for i in range(2):
        numeric = difference(basis, STATES, i)
        np.testing.assert_allclose(slopes[:, i], numeric, rtol=1e-5, atol=1e-6)


def test_curvature_sums_second_differences(basis):
    matrix = np.array([[0.7, 0.2], [-0.4, 1.5]])
    numeric = np.zeros((len(STATES), basis.size))
    for i in range(2):
        for j in range(2):
            second = difference(lambda x, j=j: basis.slopes(x)[:, j], STATES, i)
            numeric += matrix[i, j] * second
    curved = basis.curvature(STATES, matrix)
    np.testing.assert_allclose(curved, numeric, rtol=1e-5, atol=1e-6)
    per_state = basis.curvature(STATES, np.repeat(matrix[None], len(STATES), axis=0))
    np.testing.assert_allclose(per_state, curved)


@pytest.mark.parametrize(("d", "degree", "size"), [(1, 5, 6), (2, 3, 10), (5, 2, 21)])
def test_number_of_monomials(d, degree, size):
    x = np.random.default_rng(1).normal(size=(30, d))
    assert polynomials(x, degree).size == n_monomials(d, degree) == size


def test_lower_degrees_are_the_first_functions():
    high = polynomials(CLOUD, 4)
    low = high.up_to(2)
    assert low.degree == 2
    np.testing.assert_array_equal(low(STATES), high(STATES)[:, : low.size])


def test_a_coordinate_without_spread_is_not_scaled():
    x = np.c_[np.arange(10.0), np.full(10, 3.0)]
    assert np.isfinite(polynomials(x, 3)(x)).all()


@pytest.mark.parametrize("group", ["none", "half turn"])
@pytest.mark.parametrize("form", ["free", "gradient", "split"])
class TestDesign:
    """Every way to make a field, on one footing."""

    def coefficients(self, design):
        return np.random.default_rng(3).normal(size=design.size)

    def test_a_field_is_the_sum_of_its_columns(self, form, group, basis):
        design = design_of(form, basis, group_of(group))
        c = self.coefficients(design)
        assert design.form == form
        np.testing.assert_allclose(
            design.field(STATES, c), design.columns(STATES) @ c, atol=1e-9
        )

    def test_along_is_the_product_with_a_vector(self, form, group, basis):
        design = design_of(form, basis, group_of(group))
        vectors = np.random.default_rng(4).normal(size=STATES.shape)
        summed = np.einsum("niq,ni->nq", design.columns(STATES), vectors)
        np.testing.assert_allclose(design.along(STATES, vectors), summed, atol=1e-10)

    def test_the_jacobian_is_the_difference_of_the_field(self, form, group, basis):
        design = design_of(form, basis, group_of(group))
        c = self.coefficients(design)
        jacobian = design.jacobian(STATES, c)
        for j in range(2):
            numeric = difference(lambda x: design.field(x, c), STATES, j)
            np.testing.assert_allclose(jacobian[:, :, j], numeric, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("group", ["none", "half turn"])
def test_a_gradient_field_is_the_mobility_times_the_slope_of_its_height(group, basis):
    design = design_of("gradient", basis, group_of(group))
    c = np.random.default_rng(5).normal(size=design.size)
    slope = np.stack(
        [difference(lambda x: design.height(x, c), STATES, i) for i in range(2)], axis=1
    )
    np.testing.assert_allclose(
        design.field(STATES, c), -slope @ MOBILITY, rtol=1e-5, atol=1e-5
    )


def test_no_states_give_no_field():
    design = design_of("free", polynomials(CLOUD, 2))
    c = np.zeros(design.size)
    assert design.field(np.empty((0, 2)), c).shape == (0, 2)
    assert design.jacobian(np.empty((0, 2)), c).shape == (0, 2, 2)
