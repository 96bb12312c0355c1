"""Decision landscapes and the toggle switch: geometry, bifurcations, times."""

import numpy as np
import pytest
from scipy import optimize

from cellstate.systems import (
    Ball,
    BinaryChoice,
    BinaryFlip,
    ToggleSwitch,
    Union,
    finite_elements,
    finite_volumes,
)

ROUTES = [(finite_volumes, 100), (finite_elements, 50)]


def bisect(exists, low, high, width=1e-3):
    """Where a state that exists at `low` has gone, by searching for it."""
    assert exists(low)
    assert not exists(high)
    while abs(high - low) > width:
        middle = (low + high) / 2
        low, high = (middle, high) if exists(middle) else (low, middle)
    return (low + high) / 2


# Binary choice


def test_choice_at_the_usual_signal():
    law = BinaryChoice(D=0.05, p1=0, p2=0.5)
    points = law.fixed_points()
    # Stored reference values, five digits.
    expected = [
        [-1.30146, 0.84689],
        [-0.41862, 0.08762],
        [0, -0.34707],
        [0.41862, 0.08762],
        [1.30146, 0.84689],
    ]
    np.testing.assert_allclose(points.x, expected, atol=6e-6)
    assert points.n_unstable.tolist() == [0, 1, 0, 1, 0]
    energy = law.potential(points.x)
    np.testing.assert_allclose(
        energy, [-0.60641, 0.02151, -0.08037, 0.02151, -0.60641], atol=6e-6
    )
    assert energy[1] - energy[2] == pytest.approx(0.10188, abs=6e-6)
    hessian = np.linalg.eigvalsh(law.hessian(law.progenitor))
    np.testing.assert_allclose(hessian, [1.3631, 2.7766], atol=6e-5)
    assert law.fates[1] == pytest.approx(expected[4], abs=6e-6)
    assert law.source.center == law.fates[0]


@pytest.mark.parametrize("p2", [-0.3, 0.2, 0.9, 1.5])
def test_choice_fixed_points_are_roots_of_two_cubics(p2):
    # On x = 0: 4 y^3 + 3 y^2 + 2 y + p2; elsewhere x^2 = 2 y, 4 y^3 + 3 y^2 - 6 y + p2.
    def real(coefficients):
        roots = np.roots(coefficients)
        return roots[np.abs(roots.imag) < 1e-9].real

    on_axis = [(0.0, y) for y in real([4, 3, 2, p2])]
    beside = [
        (sign * np.sqrt(2 * y), y) for y in real([4, 3, -6, p2]) if y > 0
        for sign in (-1, 1)
    ]  # fmt: skip
    expected = np.array(on_axis + beside)
    found = BinaryChoice(p2=p2).fixed_points().x
    order = np.lexsort(expected.round(6).T[::-1])
    expected = expected[order]
    found = found[np.lexsort(found.round(6).T[::-1])]
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_choice_bifurcations_by_search():
    lost = bisect(lambda p2: BinaryChoice(p2=p2).progenitor is not None, 0.3, -0.3)
    assert lost == pytest.approx(BinaryChoice.pitchfork, abs=2e-3)
    lost = bisect(lambda p2: BinaryChoice(p2=p2).fates[0] is not None, 1.5, 2.0)
    assert lost == pytest.approx(BinaryChoice.fold, abs=2e-3)
    for at in BinaryChoice.fold_points:
        law = BinaryChoice(p2=BinaryChoice.fold)
        np.testing.assert_allclose(law.drift(at), 0, atol=1e-12)
        assert np.linalg.det(law.hessian(at)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", [BinaryChoice, BinaryFlip])
def test_every_stable_state_has_a_role_of_its_own(kind):
    for p1 in np.linspace(-1.4, 0.8, 5):
        for p2 in np.linspace(-0.8, 1.6, 5):
            law = kind(p1=p1, p2=p2)
            roles = [*law.fates, law.progenitor]
            assert law.fixed_points().stable.sum() == sum(r is not None for r in roles)


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_choice_times_and_bias(route, n):
    # Stored: two grids whose discs follow cells, tolerance 1 %.
    law = BinaryChoice(D=0.05, p2=0.5)
    even = route(law, n=n)
    assert float(even.exit_time(law.progenitor)) == pytest.approx(28.54, rel=1e-2)
    assert float(even.committor(law.progenitor)) == pytest.approx(0.5, abs=1e-4)
    tilted = BinaryChoice(D=0.05, p1=0.1, p2=0.5)
    found = route(tilted, n=n)
    assert float(found.committor(tilted.progenitor)) == pytest.approx(0.1543, rel=1e-2)
    assert float(found.exit_time(tilted.progenitor)) == pytest.approx(22.53, rel=1e-2)
    slow = BinaryChoice(D=0.1, p2=1.0)
    time = float(route(slow, n=n).exit_time(slow.progenitor))
    assert time == pytest.approx(146.7, rel=1e-2)


def test_commitment_starts_at_the_progenitor():
    law = BinaryChoice(D=0.1, p2=1.0)
    committed = law.commitment()
    assert committed.source == Ball(law.progenitor, 0.3)
    assert committed.target == Union((Ball(law.fates[0], 0.3), Ball(law.fates[1], 0.3)))
    # The time to either fate is the exit time of the law between the fates.
    x = np.array([[0.0, -0.6], [0.2, -0.4], [-0.5, 0.2]])
    exit_time = finite_volumes(law, n=60).exit_time(x)
    np.testing.assert_allclose(
        finite_volumes(committed, n=60).passage_time(x), exit_time, rtol=1e-8
    )


def test_mirror_images_of_the_choice():
    laws = [BinaryChoice(D=0.1, p1=p1) for p1 in (-0.1, 0.1)]
    right, left = (finite_volumes(law, n=60) for law in laws)
    x = laws[0].sample(200, 0)
    np.testing.assert_allclose(
        right.committor(x), 1 - left.committor(x * [-1, 1]), atol=1e-8
    )


# Binary flip


def test_flip_at_the_usual_signal():
    law = BinaryFlip(p1=-0.5)
    points = law.fixed_points()
    # Stored reference values, five digits.
    expected = {
        (-1.10101, 0): -0.5269,
        (-0.20441, 0): 0.05363,
        (0.55542, 0): -0.31969,
        (0.76677, -0.87566): -0.76278,
        (0.76677, 0.87566): -0.76278,
    }
    np.testing.assert_allclose(points.x, list(expected), atol=6e-6)
    np.testing.assert_allclose(
        law.potential(points.x), list(expected.values()), atol=6e-6
    )
    assert points.n_unstable.tolist() == [0, 1, 1, 0, 0]
    assert law.progenitor == pytest.approx((-1.10101, 0), abs=6e-6)
    assert law.fates[1] == pytest.approx((0.76677, 0.87566), abs=6e-6)


def test_flip_bifurcations_are_the_stored_roots_and_found_by_search():
    for x, last in ((BinaryFlip.fate_fold_x, -4), (BinaryFlip.progenitor_fold_x, -2)):
        assert 12 * x**2 + 6 * x + last == pytest.approx(0, abs=1e-12)
    assert BinaryFlip.fate_fold == pytest.approx(0.867317, abs=1e-6)
    assert BinaryFlip.progenitor_fold == pytest.approx(-1.502642, abs=1e-6)
    lost = bisect(lambda p1: BinaryFlip(p1=p1).fates[0] is not None, 0.5, 1.2)
    assert lost == pytest.approx(BinaryFlip.fate_fold, abs=2e-3)
    lost = bisect(lambda p1: BinaryFlip(p1=p1).progenitor is not None, -1.2, -1.8)
    assert lost == pytest.approx(BinaryFlip.progenitor_fold, abs=2e-3)


def test_exit_saddle_of_the_flip_splits_at_zero():
    def exits(p1):
        points = BinaryFlip(p1=p1).fixed_points()
        low = points.x[:, 0] < 0.3
        return points.x[(points.n_unstable == 1) & low]

    assert len(exits(-0.05)) == 1
    assert len(exits(0.05)) == 2
    # At the split the saddle has no second slope.
    law = BinaryFlip(p1=BinaryFlip.saddle_pitchfork)
    np.testing.assert_allclose(law.drift([0.0, 0.0]), 0, atol=1e-15)
    assert np.linalg.det(law.hessian([0.0, 0.0])) == pytest.approx(0, abs=1e-12)


def test_fates_flip_although_the_progenitor_hardly_moves():
    laws = [BinaryFlip(D=0.02, p1=-0.5, p2=p2) for p2 in (-0.2, 0.2)]
    paths = [finite_volumes(law, n=100) for law in laws]
    share = [float(p.committor(q.progenitor)) for p, q in zip(paths, laws, strict=True)]
    assert share[0] > 0.9
    assert share[0] + share[1] == pytest.approx(1, abs=1e-9)
    rates = [law.fixed_points().eigenvalues[0].real for law in laws]
    np.testing.assert_allclose(*rates, rtol=1e-9)
    np.testing.assert_allclose(laws[0].progenitor[0], laws[1].progenitor[0], atol=1e-9)


def test_a_well_that_is_never_left_is_reported():
    # Escape takes e^(barrier / D) = e^36 relaxation times.
    with pytest.raises(FloatingPointError, match="lost in rounding"):
        finite_volumes(BinaryFlip(D=0.016, p1=-0.5, p2=0.2), n=60)


# Toggle switch


@pytest.mark.parametrize(("n", "critical"), [(2, 2.0), (3, 1.190551), (4, 1.013114)])
def test_toggle_splits_where_an_eigenvalue_vanishes(n, critical):
    law = ToggleSwitch(a=3, n=n)
    assert law.critical == pytest.approx(critical, abs=1e-6)

    def slowest(a):
        at = ToggleSwitch(a=a, n=n)
        state = [at.symmetric_state] * 2
        np.testing.assert_allclose(at.drift(state), 0, atol=1e-12)
        return np.linalg.eigvals(at.jacobian(state)).real.max()

    crossing = optimize.brentq(slowest, 0.8 * critical, 1.3 * critical)
    assert crossing == pytest.approx(law.critical, abs=1e-9)
    below = ToggleSwitch(a=0.98 * critical, n=n)
    assert below.x_high is None
    assert len(below.fixed_points().x) == 1
    assert len(ToggleSwitch(a=1.02 * critical, n=n).fixed_points().x) == 3


def test_toggle_states_in_closed_form():
    for a in (2.001, 3.0, 5.0):
        law = ToggleSwitch(a=a, n=2)
        x, y = law.x_high
        assert x * y == pytest.approx(1, abs=1e-9)
        assert x + y == pytest.approx(a, abs=1e-9)
        np.testing.assert_allclose(law.drift([x, y]), 0, atol=1e-9)
    assert ToggleSwitch().x_high == pytest.approx((2.618034, 0.381966), abs=1e-6)
    np.testing.assert_allclose(
        ToggleSwitch(n=3).fixed_points().x[-1], ToggleSwitch(n=3).x_high, atol=1e-8
    )


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_toggle_times(route, n):
    # Stored: two grids, tolerance 1 %.
    for D, time, gap in ((0.05, 188.4, 0.012406), (0.1, 70.3, 0.0377)):
        law = ToggleSwitch(D=D)
        found = route(law, n=n)
        passage = float(found.passage_time(law.source.center))
        assert passage == pytest.approx(time, rel=1e-2)
        assert found.gap == pytest.approx(gap, rel=1e-2)


def test_toggle_is_symmetric_in_its_genes():
    law = ToggleSwitch()
    found = finite_volumes(law, n=80)
    x = np.random.default_rng(0).uniform(0, 3, (40, 2))
    np.testing.assert_allclose(
        found.committor(x), 1 - found.committor(x[:, ::-1]), atol=1e-9
    )


# Bad input


def test_parameters_are_checked():
    with pytest.raises(ValueError, match=r"`p1` .* must be a finite number; found nan"):
        BinaryChoice(p1=np.nan)
    with pytest.raises(ValueError, match="`n` must be above 1 for a switch; found 1"):
        ToggleSwitch(n=1)
    with pytest.raises(ValueError, match="`a` must be a number above 0"):
        ToggleSwitch(a=-3)
    with pytest.raises(ValueError, match="the progenitor is None"):
        BinaryChoice(p2=-0.5).commitment()
    with pytest.raises(ValueError, match="no usual source and target"):
        BinaryChoice(p2=2.0).transition_paths()
    with pytest.raises(ValueError, match="no usual source and target"):
        ToggleSwitch(a=1.5).transition_paths()
