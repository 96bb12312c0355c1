"""Laws that are not reversible: circulation, times, entropy, two solvers."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import linalg

from cellstate.systems import (
    Ball,
    Diffusion,
    MaierStein,
    NonEquilibriumLandscape,
    OrnsteinUhlenbeck,
    RotationalDoubleWell,
    above,
    below,
    finite_elements,
    finite_volumes,
    quadrature,
    simulate,
)
from cellstate.systems._laws._circulating import Circulating
from cellstate.systems._laws._wells import DoubleWell
from cellstate.systems._routes._finite_volumes import jump_process

ROUTES = [(finite_volumes, 100), (finite_elements, 50)]
SOME = np.random.default_rng(0).uniform(-1, 1, (60, 2))


@dataclass(frozen=True, kw_only=True)
class Seen(Diffusion):
    """A law known by its drift alone: turned by a quarter, `speed` times as fast."""

    law: Diffusion
    speed: float = 1.0
    quarters: int = 0
    name = "seen"
    axes = ("x", "y")

    @property
    def matrix(self):
        return np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), self.quarters)

    @property
    def box(self):
        ends = np.sort(self.matrix @ np.array(self.law.box), axis=1)
        return tuple(map(tuple, ends.tolist()))

    def _usual_sets(self):
        def move(ball):
            center = self.matrix @ np.array(ball.center)
            return Ball(tuple(center.tolist()), ball.radius)

        return move(self.law.source), move(self.law.target)

    def drift(self, x, t=0.0):
        b = self.law.drift(np.asarray(x, dtype=float) @ self.matrix)
        return self.speed * b @ self.matrix.T

    def jacobian(self, x, t=0.0):
        inner = self.law.jacobian(np.asarray(x, dtype=float) @ self.matrix)
        return self.speed * self.matrix @ inner @ self.matrix.T

    def sample(self, n, rng=None):
        return self.law.sample(n, rng) @ self.matrix.T

    def _first_route(self):
        return finite_volumes(self)


def seen(law, **options):
    return Seen(law=law, D=options.get("speed", 1.0) * law.D, **options)


# Stored reference values (finite volumes on staircase sets, up to 401 cells per
# axis) with the tolerance stated beside them.


@pytest.mark.parametrize(("route", "n"), ROUTES)
@pytest.mark.parametrize(
    ("D", "nu", "k_ab", "q", "back"),
    [(0.1, 0.028982, 0.057963, 0.22903, 0.78944),
     (0.05, 9.645e-3, 0.019290, 0.13093, 0.91101)],
)  # fmt: skip
def test_maier_stein_leaves_and_enters_by_different_routes(
    route, n, D, nu, k_ab, q, back
):
    found = route(MaierStein(D=D), n=n)
    assert found.nu == pytest.approx(nu, rel=1e-2)
    assert found.k_ab == pytest.approx(k_ab, rel=1e-2)
    # The law is symmetric in y: so are both committors.
    for state in ([-0.5, 0.3], [-0.5, -0.3]):
        assert float(found.committor(state)) == pytest.approx(q, abs=3e-3)
        assert float(found.committor_backward(state)) == pytest.approx(back, abs=3e-3)
    assert abs(back - (1 - q)) > 5 * 3e-3


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_rotational_well_is_not_seen_in_its_density(route, n):
    law = RotationalDoubleWell()
    found = route(law, n=n)
    assert found.nu == pytest.approx(0.037143, rel=1.5e-2)
    assert float(found.committor([0, 0.5])) == pytest.approx(0.1776, abs=3e-3)
    assert float(found.committor([0, -0.5])) == pytest.approx(0.8224, abs=3e-3)
    still = route(replace(law, circulation=0.0), n=n)
    assert float(still.committor([0, 0.5])) == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_allclose(found.density(SOME), still.density(SOME), rtol=1e-12)


# Identities


@pytest.mark.parametrize(("route", "n", "within"), [(*ROUTES[0], 1e-10),
                                                   (*ROUTES[1], 1e-3)])  # fmt: skip
def test_upside_down_is_backward_in_time(route, n, within):
    found = route(RotationalDoubleWell(), n=n)
    mirrored = 1 - found.committor(SOME * [1, -1])
    np.testing.assert_allclose(found.committor_backward(SOME), mirrored, atol=within)


@pytest.mark.parametrize("law", [RotationalDoubleWell(), NonEquilibriumLandscape()])
def test_backward_in_time_circulates_the_other_way(law):
    found = finite_volumes(law, n=80)
    other = finite_volumes(replace(law, circulation=-law.circulation), n=80)
    np.testing.assert_allclose(
        found.committor_backward(SOME), 1 - other.committor(SOME), atol=1e-10
    )
    assert found.nu == pytest.approx(other.nu, rel=1e-9)


@pytest.mark.parametrize("law", [MaierStein(), RotationalDoubleWell()])
def test_turning_the_plane_changes_nothing(law):
    straight, turned = seen(law), seen(law, quarters=1)
    first, second = finite_volumes(straight, n=60), finite_volumes(turned, n=60)
    x = SOME @ turned.matrix.T
    np.testing.assert_allclose(second.committor(x), first.committor(SOME), atol=1e-8)
    np.testing.assert_allclose(
        second.committor_backward(x), first.committor_backward(SOME), atol=1e-8
    )
    assert second.nu == pytest.approx(first.nu, rel=1e-8)


@pytest.mark.parametrize(("route", "n"), [(finite_volumes, 60), (finite_elements, 30)])
def test_twice_as_fast_means_twice_the_rates(route, n):
    slow, fast = route(MaierStein(), n=n), route(seen(MaierStein(), speed=2.0), n=n)
    for name in ("nu", "k_ab", "gap"):
        assert getattr(fast, name) == pytest.approx(2 * getattr(slow, name), rel=1e-8)
    np.testing.assert_allclose(fast.committor(SOME), slow.committor(SOME), atol=1e-9)


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_the_drift_alone_gives_what_the_density_gives(route, n):
    law = RotationalDoubleWell()
    told, blind = route(law, n=n), route(seen(law), n=n)
    exact = law.density(SOME)
    np.testing.assert_allclose(blind.density(SOME), exact, atol=0.02 * exact.max())
    np.testing.assert_allclose(blind.committor(SOME), told.committor(SOME), atol=6e-3)
    np.testing.assert_allclose(
        blind.committor_backward(SOME), told.committor_backward(SOME), atol=6e-3
    )
    for name in ("nu", "k_ab", "gap", "reactive", "pi_a"):
        assert getattr(blind, name) == pytest.approx(getattr(told, name), rel=1e-2)


@pytest.mark.parametrize("law", [MaierStein(), NonEquilibriumLandscape()])
def test_the_routes_agree(law):
    first, second = finite_volumes(law, n=150), finite_elements(law, n=60)
    x = law.sample(300, 0)
    for name in ("committor", "committor_backward"):
        one, two = getattr(first, name)(x), getattr(second, name)(x)
        np.testing.assert_allclose(one, two, atol=3e-3)
    slow = second.passage_time(x)
    np.testing.assert_allclose(first.passage_time(x), slow, atol=4e-3 * slow.max())
    for name in ("nu", "k_ab", "k_ba", "last_a", "pi_a", "pi_b", "reactive", "gap"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=4e-3)


def test_without_circulation_the_other_solver_of_the_line_is_met():
    law = RotationalDoubleWell(circulation=0.0)
    assert finite_volumes(law, n=80).gap == pytest.approx(
        quadrature(DoubleWell()).gap, rel=2e-3
    )


# Entropy production


@pytest.mark.parametrize(("D", "stored"), [(0.1, 2.57655), (0.3, 3.07514)])
def test_entropy_production_by_both_expressions(D, stored):
    law = NonEquilibriumLandscape(D=D, circulation=0.5, p2=1.0)
    assert law.entropy_production() == pytest.approx(stored, abs=5e-6)
    assert law.entropy_production_by_curvature() == pytest.approx(
        law.entropy_production(), rel=1e-7
    )


def test_entropy_production_of_the_jumps():
    law = NonEquilibriumLandscape()
    process = jump_process(law, 150)
    # Sum over links of flux times affinity; f / k is the log ratio of the fluxes.
    jumps = (process.f**2 / process.k).sum()
    assert jumps == pytest.approx(law.entropy_production(), rel=5e-3)
    still = jump_process(replace(law, circulation=0.0), 50)
    assert (still.f == 0).all()


def test_entropy_production_grows_with_the_square_of_the_circulation():
    rates = [NonEquilibriumLandscape(circulation=c).entropy_production() for c in
             (0.0, 0.5, -1.0)]  # fmt: skip
    assert rates[0] == 0
    assert rates[2] == pytest.approx(4 * rates[1])


# Ornstein-Uhlenbeck


def test_variance_solves_the_lyapunov_equation():
    law = OrnsteinUhlenbeck(D=0.7, rate=1.3, rotation=2.0)
    a = law.jacobian([0.0, 0.0])
    covariance = linalg.solve_continuous_lyapunov(a, -2 * law.D * np.eye(2))
    np.testing.assert_allclose(covariance, law.variance() * np.eye(2), atol=1e-12)


def test_autocorrelation_is_the_exponential_of_the_drift():
    law = OrnsteinUhlenbeck(D=0.7, rate=1.3, rotation=2.0)
    lags = np.array([0.0, 0.3, 1.1])
    expected = [linalg.expm(law.jacobian([0.0, 0.0]) * t) for t in lags]
    np.testing.assert_allclose(law.autocorrelation(lags), expected, atol=1e-12)


def test_entropy_production_of_a_rotation():
    law = OrnsteinUhlenbeck(D=0.7, rate=1.3, rotation=2.0)
    assert law.entropy_production() == pytest.approx(2 * 2.0**2 / 1.3)
    by_quadrature = Circulating.entropy_production(law)
    assert by_quadrature == pytest.approx(law.entropy_production(), rel=1e-9)
    assert law.entropy_production_by_curvature() == pytest.approx(by_quadrature)


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_passage_to_a_disc_in_closed_form(route, n):
    # From radius R to the disc of radius r at the centre: log(R / r) / rate, whatever
    # the diffusion and the rotation.
    law = OrnsteinUhlenbeck(
        D=0.5, rate=0.8, rotation=1.5,
        source=Ball((3.0, 0.0), 0.8), target=Ball((0.0, 0.0), 0.8),
    )  # fmt: skip
    found = route(law, n=n)
    angle = np.linspace(0, 6, 9)
    for radius in (0.9, 1.5, 2.5):
        x = radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        np.testing.assert_allclose(
            found.passage_time(x), np.log(radius / 0.8) / 0.8, rtol=1e-2, atol=7e-3
        )
    assert found.gap == pytest.approx(law.rate, rel=1e-2)


def test_simulated_paths_decay_and_turn_as_the_formula_says():
    law = OrnsteinUhlenbeck(D=0.5, rate=0.8, rotation=1.5)
    n, lag = 20_000, 0.5
    start = np.tile([2.0, 1.0], (n, 1))
    end = simulate(law, start, n_frames=2, frame_interval=lag, rng=0)[-1]
    expected = law.autocorrelation(lag) @ [2.0, 1.0]
    error = 5 * np.sqrt(law.variance(lag) / n)
    np.testing.assert_allclose(end.mean(axis=0), expected, atol=error)
    # Standard error of a variance: variance sqrt(2 / n).
    np.testing.assert_allclose(
        end.var(axis=0), law.variance(lag), rtol=5 * np.sqrt(2 / n)
    )


def test_a_line_has_the_same_law_without_rotation():
    law = OrnsteinUhlenbeck(D=0.5, rate=2.0, d=1, source=below(-1.0), target=above(1.0))
    assert law.dimension == 1
    assert law.drift([[0.5], [1.0]]).tolist() == [[-1.0], [-2.0]]
    assert law.jacobian(np.zeros((3, 1))).shape == (3, 1, 1)
    x = law.sample(20_000, 0)
    assert x.var() == pytest.approx(0.25, rel=5 * np.sqrt(2 / 20_000))
    assert float(law.committor([0.0])) == pytest.approx(0.5)
    assert law.transition_paths().gap == pytest.approx(2.0, rel=1e-6)
    assert law.entropy_production() == 0


# Bad input


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="a line has no rotation; found rotation=1"):
        OrnsteinUhlenbeck(d=1, rotation=1.0)
    with pytest.raises(ValueError, match="`d` must be 1 or 2; found 3"):
        OrnsteinUhlenbeck(d=3)
    with pytest.raises(ValueError, match="`rate` must be a number above 0"):
        OrnsteinUhlenbeck(rate=-1.0)
    with pytest.raises(ValueError, match="no usual source and target"):
        OrnsteinUhlenbeck().transition_paths()
    for law in (RotationalDoubleWell, NonEquilibriumLandscape):
        with pytest.raises(ValueError, match="`circulation`"):
            law(circulation=np.inf)
    with pytest.raises(ValueError, match="no usual source and target"):
        NonEquilibriumLandscape(p2=2.0).transition_paths()
