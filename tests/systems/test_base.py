"""Regions, and fixed points of laws whose roots are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial
from scipy.stats import special_ortho_group

from cellstate.systems._fixed_points import find_fixed_points
from cellstate.systems._laws._decisions import ToggleSwitch
from cellstate.systems._regions import Ball, Box, HalfSpace, Union, above, below

BALL, BOX = Ball((1.0, 0.0), 0.5), Box((0.0, 0.0), 1.0)
PLANE = HalfSpace((0.6, 0.8), 0.5)
REGIONS = [BALL, BOX, PLANE, Union((BALL, Ball((-1.0, 0.0), 0.5)))]
NUMBER = st.floats(-3, 3)


@pytest.mark.parametrize(
    ("region", "x", "wanted"),
    [
        (below(-1.0), [-1.5], -0.5),
        (above(2.0), [1.5], 0.5),
        (PLANE, [1.0, 1.0], 0.9),
        (BALL, [1.0, 2.0], 1.5),
        (BALL, [1.0, 0.1], -0.4),
        (BOX, [4.0, 5.0], 5.0),  # sides 3 and 4 away from the corner
        (BOX, [0.2, 3.0], 2.0),
        (BOX, [0.2, -0.7], -0.3),
        (Union((below(-1.0), above(1.0))), [0.25], 0.75),
        (Union((below(-1.0), above(1.0))), [-3.0], -2.0),
    ],
)
def test_signed_distances(region, x, wanted):
    assert region.distance(x) == pytest.approx(wanted)
    assert region.contains(x) == (wanted <= 0)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("shape", [(2,), (5, 2), (2, 3, 2)])
def test_one_value_per_state_in_any_batch_shape(region, shape):
    x = np.random.default_rng(0).normal(size=shape)
    assert region.distance(x).shape == region.contains(x).shape == shape[:-1]
    alone = [region.distance(point) for point in x.reshape(-1, 2)]
    np.testing.assert_array_equal(region.distance(x).ravel(), alone)


@pytest.mark.parametrize("region", REGIONS)
def test_edge_belongs_to_the_region_in_spite_of_rounding(region):
    outside = np.array([[3.0, 2.5], [2.9, -0.4], [2.5, 2.8]])
    inside = {BALL: [1.0, 0.0], BOX: [0.0, 0.0], PLANE: [0.0, 0.0]}.get(region, [1, 0])
    low, high = np.zeros(3), np.ones(3)
    for _ in range(60):
        middle = (low + high) / 2
        far = region.distance(inside + middle[:, None] * (outside - inside)) > 0
        low, high = np.where(far, low, middle), np.where(far, middle, high)
    edge = inside + high[:, None] * (outside - inside)
    assert region.contains(edge).all()
    assert not region.contains(edge + 1e-9 * (outside - inside)).any()


@given(a=st.tuples(NUMBER, NUMBER), b=st.tuples(NUMBER, NUMBER))
def test_distance_changes_no_faster_than_the_state(a, b):
    apart = np.hypot(a[0] - b[0], a[1] - b[1])
    for region in REGIONS:
        assert abs(region.distance(a) - region.distance(b)) <= apart + 1e-12


def test_distance_of_a_ball_does_not_depend_on_the_axes():
    turn = special_ortho_group.rvs(3, random_state=0)
    x, center = np.random.default_rng(1).normal(size=(20, 3)), np.array([0.3, -0.2, 1])
    ball, turned = Ball(tuple(center), 0.7), Ball(tuple(turn @ center), 0.7)
    np.testing.assert_allclose(turned.distance(x @ turn.T), ball.distance(x))


def test_impossible_regions_are_refused():
    with pytest.raises(ValueError, match=r"length 1; found .* of length 5"):
        HalfSpace((3.0, 4.0), 0.0)
    with pytest.raises(ValueError, match="`radius` must be a number above 0"):
        Ball((0.0,), -1.0)
    with pytest.raises(ValueError, match="`half_width` must be a number above 0"):
        Box((0.0,), 0.0)
    with pytest.raises(ValueError, match="`center` holds one finite number"):
        Ball((0.0, np.nan), 1.0)
    with pytest.raises(ValueError, match="one region or more; found none"):
        Union(())


@pytest.mark.parametrize("region", REGIONS)
def test_states_of_another_dimension_are_refused(region):
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 2\); found \(4, 3\)"):
        region.distance(np.zeros((4, 3)))


def test_regions_are_keys_also_when_made_from_arrays():
    made = Ball(np.array([1.0, 0.0]), 0.5), Union([BALL, BOX])
    assert made == (BALL, Union((BALL, BOX)))
    assert len({*made, BALL, Union((BALL, BOX))}) == 2


# Fixed points


def _on_a_line(roots, box=((-2.0, 2.3),)):
    """Fixed points of x' = -(x - r1)(x - r2)..."""
    force = -Polynomial.fromroots(roots)
    return find_fixed_points(force, lambda x: force.deriv()(x)[..., None], box)


@given(st.sets(st.integers(-18, 22), min_size=1, max_size=7))
def test_every_simple_root_is_found_once(tenths):
    roots = np.sort(list(tenths)) / 10
    points = _on_a_line(roots)
    assert points.x.shape == (roots.size, 1)
    np.testing.assert_allclose(points.x[:, 0], roots, atol=1e-7)
    slopes = -Polynomial.fromroots(roots).deriv()(roots)
    np.testing.assert_allclose(
        points.eigenvalues[:, 0].real, slopes, atol=1e-5 * np.abs(slopes).max()
    )
    # Stable and unstable points alternate, the outermost right one is stable.
    np.testing.assert_array_equal(points.n_unstable[::-1], np.arange(roots.size) % 2)
    np.testing.assert_array_equal(points.stable, points.n_unstable == 0)


@pytest.mark.parametrize(
    ("roots", "distinct", "atol"),
    [
        ([0, 0, 0], [0], 1e-6),  # x' = -x^3
        ([1, 1, 1], [1], 1e-4),  # the same, with rounding
        ([0.3, 0.3], [0.3], 1e-6),  # a fold
        ([0.3] * 5, [0.3], 1e-2),
        ([-1, 0.5, 0.5], [-1, 0.5], 1e-6),
        ([0, 0, 0, 1.5], [0, 1.5], 1e-4),
    ],
)
def test_multiple_roots_are_found_once(roots, distinct, atol):
    np.testing.assert_allclose(_on_a_line(roots).x[:, 0], distinct, atol=atol)


def test_close_roots_stay_apart():
    np.testing.assert_allclose(_on_a_line([0, 1e-3]).x[:, 0], [0, 1e-3], atol=1e-9)


def test_nothing_is_found_where_nothing_rests():
    ghost = Polynomial([1e-6, 0, 1])  # x' = x^2 + 1e-6, just past a fold
    points = find_fixed_points(
        ghost, lambda x: ghost.deriv()(x)[..., None], ((-2.0, 2.0),)
    )
    assert points.x.shape == points.eigenvalues.shape == (0, 1)
    assert points.stable.shape == (0,)


def test_points_outside_the_box_are_left_out():
    np.testing.assert_allclose(_on_a_line([-1, 0, 1], ((-0.5, 2.0),)).x[:, 0], [0, 1])


def test_saddles_and_peaks_of_nine_points_in_the_plane():
    def drift(x):
        return x - x**3

    def jacobian(x):
        return (1 - 3 * x**2)[..., None] * np.eye(2)

    points = find_fixed_points(drift, jacobian, ((-1.5, 1.5), (-1.5, 1.5)))
    assert {tuple(p) for p in points.x.round(9) + 0.0} == {
        (i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)
    }
    np.testing.assert_array_equal(points.n_unstable, (points.x.round(9) == 0).sum(-1))
    # Indices of the points of a field that points inwards all around add up to 1.
    assert ((-1.0) ** points.n_unstable).sum() == 1


def test_eigenvalues_of_a_focus():
    law = np.array([[-0.1, -2.0], [2.0, -0.1]])
    points = find_fixed_points(
        lambda x: x @ law.T,
        lambda x: np.broadcast_to(law, (len(x), 2, 2)),
        ((-1.0, 2.0), (-1.0, 2.0)),
    )
    np.testing.assert_allclose(points.x, [[0, 0]], atol=1e-12)
    wanted = np.array([-0.1 - 2j, -0.1 + 2j])
    np.testing.assert_allclose(np.sort_complex(points.eigenvalues[0]), wanted)


@pytest.mark.parametrize(("a", "count"), [(1.99, 1), (2.0, 1), (2.01, 3)])
def test_toggle_at_its_pitchfork(a, count):
    points = ToggleSwitch(D=0.05, a=a, n=2).fixed_points()
    assert len(points.x) == count
    # The middle one solves x^3 + x = a.
    middle = points.x[count // 2]
    np.testing.assert_allclose(middle**3 + middle, a, atol=1e-4)


def test_scale_of_time_and_of_space_do_not_matter():
    force = -Polynomial.fromroots([-1, 0.2, 1])
    slow = find_fixed_points(
        lambda x: 1e-6 * force(x),
        lambda x: 1e-6 * force.deriv()(x)[..., None],
        ((-2.0, 2.3),),
    )
    wide = find_fixed_points(
        lambda x: 1e3 * force(x / 1e3),
        lambda x: force.deriv()(x / 1e3)[..., None],
        ((-2e3, 2.3e3),),
    )
    np.testing.assert_allclose(slow.x[:, 0], [-1, 0.2, 1], atol=1e-7)
    np.testing.assert_allclose(wide.x[:, 0], [-1e3, 200, 1e3], atol=1e-4)
