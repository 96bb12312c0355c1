"""Wells on a line and in many dimensions against stored and exact values.

Stored reference values: quadrature by code of its own, six to eight digits.
"""

import numpy as np
import pytest
from scipy.stats import kstest

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._fixed_points import find_fixed_points
from cellstate.systems._laws._wells import DoubleWell, Prinz, RotatedDoubleWell
from cellstate.systems._laws._wells import TiltedDoubleWell as Tilted
from cellstate.systems._regions import Ball, HalfSpace


@pytest.mark.parametrize(
    ("beta", "nu"),
    [
        (1, 0.140078225),
        (2, 0.0487397363),
        (3, 0.0187687069),
        (5, 2.74096249e-3),
        (8, 1.42855722e-4),
        (12, 2.67208436e-6),
    ],
)
def test_double_well_rates_of_the_stored_table(beta, nu):
    paths = DoubleWell(D=1 / beta).transition_paths()
    assert paths.nu == pytest.approx(nu, rel=1e-8)
    assert paths.k_ab == pytest.approx(2 * nu, rel=1e-8)
    assert paths.last_a == pytest.approx(0.5, rel=1e-12)


def test_double_well_stored_times_and_committor():
    law = DoubleWell(D=1 / 3)
    paths = law.transition_paths()
    assert paths.mfpt_ab == pytest.approx(26.6400878, rel=1e-8)
    assert paths.transition_path_time == pytest.approx(1.01792494, rel=1e-8)
    q = law.committor([[-0.8], [-0.5], [-0.25], [0.0]])
    np.testing.assert_allclose(q, [0.0145761078, 0.0706107955, 0.218074927, 0.5], 1e-8)
    deep = DoubleWell(D=1 / 8).transition_paths()
    assert deep.mfpt_ab == pytest.approx(3500.03481, rel=1e-8)


@pytest.mark.parametrize(
    ("beta", "ratio"),
    [(2, 0.8000), (3, 0.8374), (5, 0.9037), (8, 0.9460), (12, 0.9661)],
)
def test_kramers_formula_is_off_by_what_is_known(beta, ratio):
    rate = DoubleWell(D=1 / beta).transition_paths().k_ab
    kramers = np.sqrt(8 * 4) / (2 * np.pi) * np.exp(-beta)
    assert rate / kramers == pytest.approx(ratio, abs=6e-5)


def test_tilted_well_stored_values():
    law = Tilted(D=1 / 4)
    paths = law.transition_paths()
    assert paths.nu == pytest.approx(4.62258761e-3, rel=1e-8)
    assert paths.k_ab == pytest.approx(5.33570986e-3, rel=1e-8)
    assert paths.k_ba == pytest.approx(0.0345870381, rel=1e-8)
    assert paths.last_a == pytest.approx(0.866349134, rel=1e-8)
    assert paths.mfpt_ab == pytest.approx(187.416482, rel=1e-7)
    q = law.committor([[-0.5], [0.0], [0.5]])
    np.testing.assert_allclose(q, [0.021535777, 0.389772807, 0.923460207], rtol=1e-8)


def test_prinz_stored_values():
    law = Prinz(D=1.0)
    paths = law.transition_paths()
    assert paths.nu == pytest.approx(0.19053759, rel=1e-8)
    assert paths.k_ab == pytest.approx(0.515380425, rel=1e-8)
    assert paths.k_ba == pytest.approx(0.302298015, rel=1e-8)
    q = law.committor([[-0.5], [-0.25], [0.0], [0.25]])
    known = [0.1514028, 0.306233796, 0.594943221, 0.882067486]
    np.testing.assert_allclose(q, known, rtol=1e-8)


LAWS = [DoubleWell(), Tilted(tilt=0.4), Prinz(), RotatedDoubleWell(d=4, seed=2)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_derivatives_of_the_potential(law):
    x = 0.7 * law.sample(20, 1)
    step = 1e-5 * np.eye(law.dimension)
    near = x[:, None, :]
    slope = (law.potential(near + step) - law.potential(near - step)) / 2e-5
    np.testing.assert_allclose(law.gradient(x), slope, rtol=1e-5, atol=1e-6)
    bend = (law.gradient(near + step) - law.gradient(near - step)) / 2e-5
    np.testing.assert_allclose(law.hessian(x), bend, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(law.drift(x), -law.gradient(x))
    np.testing.assert_array_equal(law.jacobian(x), -law.hessian(x))


def test_fixed_points_of_the_double_well():
    points = DoubleWell().fixed_points()
    np.testing.assert_allclose(points.x[:, 0], [-1, 0, 1], atol=1e-9)
    np.testing.assert_allclose(points.eigenvalues[:, 0].real, [-8, 4, -8], rtol=1e-8)
    assert DoubleWell().fastest_rate == pytest.approx(8)


def test_fixed_points_of_the_tilted_well_are_roots_of_its_cubic():
    law = Tilted(tilt=0.3)
    roots = np.sort(np.roots([4, 0, -4, 0.3]).real)
    np.testing.assert_allclose(law.fixed_points().x[:, 0], roots, atol=1e-9)
    lost = Tilted(tilt=1.55)  # beyond 8 / (3 sqrt 3) one well is left
    assert len(lost.fixed_points().x) == 1


def test_prinz_has_four_wells():
    assert Prinz().fixed_points().stable.sum() == 4


@pytest.mark.parametrize("law", [DoubleWell(), Tilted(), Prinz()], ids=lambda v: v.name)
def test_samples_follow_the_stationary_law(law):
    x = law.sample(20_000, rng=3)
    assert x.shape == (20_000, 1)
    assert kstest(x[:, 0], lambda v: law.cumulative(v[:, None])).pvalue > 0.01


def test_samples_are_the_inverse_of_the_cumulative_law():
    law = Prinz()
    u = np.random.default_rng(8).random(1000)
    np.testing.assert_allclose(law.cumulative(law.sample(1000, rng=8)), u, atol=1e-13)


@pytest.mark.parametrize(("d", "seed"), [(2, 0), (10, 0), (10, 7), (100, 0)])
def test_rotation_and_dimension_change_no_answer(d, seed):
    law = RotatedDoubleWell(D=1 / 3, d=d, seed=seed)
    line = DoubleWell(D=1 / 3)
    paths, known = law.transition_paths(), line.transition_paths()
    assert (paths.nu, paths.k_ab, paths.reactive) == (
        known.nu,
        known.k_ab,
        known.reactive,
    )
    z1 = np.linspace(-1.5, 1.5, 13)
    x = z1[:, None] * law.rotation[:, 0] + 0.8 * law.rotation[:, 1]
    one = line.committor(z1[:, None])
    np.testing.assert_allclose(law.committor(x), one, atol=1e-12)
    np.testing.assert_allclose(law.committor_backward(x), 1 - one, atol=1e-12)
    inside = law.source.contains(x)
    np.testing.assert_array_equal(inside, z1 <= -1 + 1e-12)


def test_rotated_drift_turns_with_the_state():
    one, other = RotatedDoubleWell(d=5, seed=1), RotatedDoubleWell(d=5, seed=2)
    z = np.random.default_rng(0).normal(size=(7, 5))
    drifts = [law.hidden(law.drift(z @ law.rotation.T)) for law in (one, other)]
    np.testing.assert_allclose(drifts[0], drifts[1], atol=1e-12)


def test_rotated_fixed_points_against_newton_steps():
    law = RotatedDoubleWell(d=3, seed=4)
    known = law.fixed_points()
    found = find_fixed_points(law.drift, law.jacobian, law.box)
    np.testing.assert_allclose(known.x, found.x, atol=1e-8)
    for mine, theirs in zip(known.eigenvalues, found.eigenvalues, strict=True):
        np.testing.assert_allclose(np.sort(mine.real), np.sort(theirs.real), atol=1e-6)
    assert known.n_unstable.tolist() == [0, 1, 0]


def test_rotated_samples_and_density():
    law = RotatedDoubleWell(D=1 / 3, d=10)
    z = law.hidden(law.sample(20_000, rng=5))
    line = DoubleWell(D=1 / 3)
    assert kstest(z[:, 0], lambda v: line.cumulative(v[:, None])).pvalue > 0.01
    variance = z[:, 1:].var()
    expected = 1 / (0.6 * 3)  # standard error from 180,000 Gaussian numbers
    assert abs(variance / expected - 1) < 4 * np.sqrt(2 / 180_000)
    x = law.sample(50, rng=6)
    ratio = law.density(x) * np.exp(law.potential(x) / law.D)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)


def test_rotated_density_integrates_to_one_in_the_plane():
    law = RotatedDoubleWell(D=0.25, d=2, seed=1)
    axis = np.linspace(-6, 6, 401)
    x = np.stack(np.meshgrid(axis, axis), axis=-1)
    assert law.density(x).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-8)


def test_the_box_holds_all_of_the_law():
    for law in LAWS:
        low, high = np.array(law.box).T
        x = law.sample(5000, 0)
        assert ((x > low) & (x < high)).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: DoubleWell(D=0.0), "`D` must be a number above 0"),
        (lambda: DoubleWell(D=float("nan")), "`D` must be a number above 0"),
        (lambda: Tilted(tilt=float("inf")), "`tilt`"),
        (lambda: RotatedDoubleWell(d=1), "`d` must be an integer >= 2"),
        (lambda: RotatedDoubleWell(seed=-1), "`seed`"),
        (lambda: RotatedDoubleWell(d=2, source=Ball((0.0, 0.0), 1.0)), "across z1"),
        (lambda: RotatedDoubleWell(d=2, source=HalfSpace((1.0, 0.0), 0)), "across z1"),
    ],
)
def test_impossible_parameters_raise(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_laws_are_hashable_and_equal_by_value():
    assert {DoubleWell(D=0.25), DoubleWell(D=0.25)} == {DoubleWell(D=0.25)}
    assert all(isinstance(law, Diffusion) for law in LAWS)
