"""One dimension: quadrature of the potential against collocation of the drift."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.integrate import quad

from cellstate.systems._laws._bifurcations import Pitchfork, SaddleNode
from cellstate.systems._laws._ramp import RampedPitchfork
from cellstate.systems._laws._wells import DoubleWell, Prinz, RotatedDoubleWell
from cellstate.systems._laws._wells import TiltedDoubleWell as Tilted
from cellstate.systems._regions import Ball, above, below
from cellstate.systems._routes._collocation import collocation
from cellstate.systems._routes._quadrature import quadrature

LAWS = [
    DoubleWell(D=1.0),
    DoubleWell(D=1 / 3),
    DoubleWell(D=1 / 12),
    DoubleWell(D=1 / 30),
    Tilted(D=1 / 4),
    Prinz(D=1.0),
    Pitchfork(D=0.1, mu=2.0, h=0.05),
    SaddleNode(D=0.02, h=0.35),
    Tilted(D=1 / 4, source=above(0.96), target=below(-1.0)),
]


def _label(law):
    return f"{type(law).__name__}-{law.D:.3g}"


def _states(law, n=101):
    (low, high), *_ = law.box
    return np.linspace(low, high, n)[:, None]


@pytest.mark.parametrize("law", LAWS, ids=_label)
def test_the_two_routes_agree(law):
    first, second = quadrature(law), collocation(law)
    for name in ("nu", "k_ab", "k_ba", "last_a", "pi_a", "pi_b", "reactive"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), rel=1e-9)
    # At a barrier of 30 kT the gap is 1e-12 of the fastest rate: fewer digits.
    assert second.gap == pytest.approx(first.gap, rel=1e-8 if law.D > 0.05 else 1e-5)
    x = _states(law)
    for name in ("committor", "committor_backward", "density", "passage_time"):
        one, other = getattr(first, name)(x), getattr(second, name)(x)
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=0)
    # The exit time is a small difference of two passage times in the second route.
    atol = 1e-13 * first.passage_time(x).max()
    one, other = first.exit_time(x), second.exit_time(x)
    np.testing.assert_allclose(other, one, rtol=1e-8, atol=atol)


@pytest.mark.parametrize("law", LAWS, ids=_label)
@pytest.mark.parametrize("solve", [quadrature, collocation])
def test_each_route_keeps_the_identities_of_transition_paths(law, solve):
    paths = solve(law)
    x = _states(law)
    q, back = paths.committor(x), paths.committor_backward(x)
    np.testing.assert_allclose(q + back, 1, atol=1e-12)  # reversible
    assert q.min() == 0
    assert q.max() == 1
    assert paths.nu == pytest.approx(paths.k_ab * paths.last_a, rel=1e-9)
    assert paths.nu == pytest.approx(paths.k_ba * (1 - paths.last_a), rel=1e-9)
    edge = law.source.normal[0] * law.source.bound
    passage = paths.passage_time(np.array([edge]))
    assert paths.mfpt_ab == pytest.approx(float(passage), rel=1e-9)
    mass = np.trapezoid(paths.density(_states(law, 4001)), _states(law, 4001)[:, 0])
    assert mass == pytest.approx(1, abs=1e-9)
    assert paths.residual < 1e-10


@pytest.mark.parametrize("law", [DoubleWell(), Tilted(), Prinz()], ids=_label)
def test_both_directions_are_the_mirror_of_each_other(law):
    turned = type(law)(D=law.D, source=law.target, target=law.source)
    there, back = quadrature(law), quadrature(turned)
    x = _states(law)
    np.testing.assert_allclose(there.committor(x) + back.committor(x), 1, atol=1e-13)
    assert there.nu == pytest.approx(back.nu, rel=1e-12)
    assert there.k_ab == pytest.approx(back.k_ba, rel=1e-12)
    assert there.last_a == pytest.approx(1 - back.last_a, rel=1e-12)
    ends = np.array([[law.source.bound], [-law.target.bound]])
    np.testing.assert_allclose(
        [there.passage_time(ends)[0], back.passage_time(ends)[1]],
        [1 / there.k_ab, 1 / there.k_ba],
        rtol=1e-10,
    )


@pytest.mark.parametrize("law", LAWS[:8], ids=_label)
def test_the_flux_is_the_same_everywhere_between_the_sets(law):
    paths = law.transition_paths()
    a, b = law.source.bound, -law.target.bound
    x, h = np.linspace(a, b, 9)[1:-1, None], 1e-3 * (b - a)

    def slope(chance):
        points = [chance(x + k * h) for k in (-2, -1, 1, 2)]
        return (points[0] - 8 * points[1] + 8 * points[2] - points[3]) / (12 * h)

    # Of the two committors the smaller one has the digits.
    rise, fall = slope(paths.committor), -slope(paths.committor_backward)
    flux = law.D * law.density(x) * np.where(paths.committor(x) < 0.5, rise, fall)
    np.testing.assert_allclose(flux, paths.nu, rtol=1e-5)  # a difference of order h^4


def test_committor_and_density_against_a_plain_integral():
    law = Prinz(D=1.0)
    hill = lambda x: np.exp(law.potential([x]))  # noqa: E731
    rise = quad(hill, -0.7, 0.3, epsabs=0)[0] / quad(hill, -0.7, 0.7, epsabs=0)[0]
    assert float(law.committor([0.3])) == pytest.approx(rise, rel=1e-9)
    z = quad(lambda x: np.exp(-law.potential([x])), -2, 2, epsabs=0, limit=200)[0]
    assert float(law.density([0.3])) == pytest.approx(1 / hill(0.3) / z, rel=1e-8)


@dataclass(frozen=True, kw_only=True)
class Hurried(DoubleWell):
    """A double well on a clock that runs `pace` times faster."""

    pace: float = 2.0

    def _energy(self, x):
        return self.pace * super()._energy(x)

    def _slope(self, x):
        return self.pace * super()._slope(x)

    def _curvature(self, x):
        return self.pace * super()._curvature(x)


@pytest.mark.parametrize("solve", [quadrature, collocation])
def test_a_faster_clock_changes_rates_and_no_chance(solve):
    slow, fast = DoubleWell(D=0.25), Hurried(D=0.5, pace=2.0)
    before, after = solve(slow), solve(fast)
    x = _states(slow)
    np.testing.assert_allclose(after.committor(x), before.committor(x), atol=1e-12)
    np.testing.assert_allclose(after.exit_time(x), before.exit_time(x) / 2, atol=1e-12)
    for name in ("nu", "k_ab", "gap"):
        assert getattr(after, name) == pytest.approx(
            2 * getattr(before, name), rel=1e-9
        )
    assert after.reactive == pytest.approx(before.reactive, rel=1e-9)


def test_other_scaling_of_the_double_well():
    """x^4/4 - x^2/2 at D is (x^2 - 1)^2 at 4 D, four times slower."""
    x = _states(DoubleWell(D=0.4))
    wide, quick = Pitchfork(D=0.1), DoubleWell(D=0.4)
    np.testing.assert_allclose(wide.committor(x), quick.committor(x), atol=1e-13)
    assert 4 * wide.transition_paths().nu == pytest.approx(quick.transition_paths().nu)
    assert 4 * wide.transition_paths().gap == pytest.approx(
        quick.transition_paths().gap
    )


def test_a_set_in_a_well_that_hardly_anyone_visits():
    """The right well lies 50 kT below: the left one still belongs to the box."""
    law = SaddleNode(D=0.004, h=0.1)
    first, second = quadrature(law), collocation(law)
    assert first.k_ab == pytest.approx(second.k_ab, rel=1e-9)
    assert first.last_a < 1e-20


def test_any_batch_of_states():
    law = DoubleWell()
    x = np.random.default_rng(0).uniform(-3, 3, (2, 3, 4, 1))
    for solve in (quadrature, collocation):
        paths = solve(law)
        for name in ("committor", "density", "passage_time", "exit_time"):
            values = getattr(paths, name)(x)
            assert values.shape == (2, 3, 4)
            assert float(getattr(paths, name)(x[1, 2, 3])) == values[1, 2, 3]
    assert law.drift(x).shape == law.gradient(x).shape == x.shape
    assert law.jacobian(x).shape == law.hessian(x).shape == (2, 3, 4, 1, 1)


@pytest.mark.parametrize("solve", [quadrature, collocation])
def test_what_cannot_be_solved_says_so(solve):
    with pytest.raises(ValueError, match=r"one set is below\(a\)"):
        solve(DoubleWell(source=Ball((-1.0,), 0.1)))
    with pytest.raises(ValueError, match="the other above"):
        solve(DoubleWell(source=below(-1.0), target=below(0.0)))
    with pytest.raises(ValueError, match="must not touch"):
        solve(DoubleWell(source=below(0.5), target=above(0.5)))
    with pytest.raises(ValueError, match="inside the box"):
        solve(DoubleWell(target=above(30.0)))
    with pytest.raises(ValueError, match="V / D spans"):
        solve(DoubleWell(D=1 / 800))
    with pytest.raises(ValueError, match="found source None"):
        solve(Pitchfork(mu=-1.0))
    with pytest.raises(ValueError, match="d = 10"):
        solve(RotatedDoubleWell())


def test_quadrature_needs_a_potential():
    with pytest.raises(ValueError, match="needs a potential"):
        quadrature(RampedPitchfork())
