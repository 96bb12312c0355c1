"""Laws of the plane: two solvers, identities, invariances, known answers."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from cellstate.systems import (
    Ball,
    BinaryChoice,
    BinaryFlip,
    Box,
    DoubleWell,
    DoubleWell2D,
    MaierStein,
    MuellerBrown,
    NonEquilibriumLandscape,
    OrnsteinUhlenbeck,
    RotationalDoubleWell,
    RuggedMueller,
    ToggleSwitch,
    TripleWell,
    finite_elements,
    finite_volumes,
    quadrature,
)
from cellstate.systems._diffusion import Gradient
from cellstate.systems._laws._circulating import Circulating
from cellstate.systems._laws._landscapes import Plane
from cellstate.systems._routes._finite_volumes import jump_process
from cellstate.systems._routes._grid import Grid, _envelope, integral_over_box
from cellstate.systems._routes._jump_process import fluxes
from cellstate.systems._routes._triangles import triangulate

LAWS = [
    BinaryChoice(p1=0.1),
    BinaryFlip(p2=0.1),
    DoubleWell2D(),
    MaierStein(),
    MuellerBrown(),
    NonEquilibriumLandscape(),
    OrnsteinUhlenbeck(rotation=0.7),
    RotationalDoubleWell(),
    RuggedMueller(),
    ToggleSwitch(n=3),
    TripleWell(),
]
ROUTES = [(finite_volumes, 80), (finite_elements, 40)]
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def named(law):
    return law.name


def inside(law, n, rng):
    low, high = np.array(law.box).T
    return low + (high - low) * rng.random((n, 2))


@dataclass(frozen=True, kw_only=True)
class Seen(Plane):
    """A gradient system turned by 90 degrees and run `speed` times as fast."""

    law: Gradient
    speed: float = 1.0
    turned: bool = True
    name = "seen"

    @property
    def matrix(self):
        return TURN if self.turned else np.eye(2)

    @property
    def box(self):
        (left, right), (low, high) = self.law.box
        return ((-high, -low), (left, right)) if self.turned else self.law.box

    def _usual_sets(self):
        def move(ball):
            return Ball(tuple(self.matrix @ np.array(ball.center)), ball.radius)

        return move(self.law.source), move(self.law.target)

    def potential(self, x):
        return self.speed * self.law.potential(np.asarray(x) @ self.matrix)

    def gradient(self, x):
        g = self.law.gradient(np.asarray(x) @ self.matrix)
        return self.speed * g @ self.matrix.T

    def hessian(self, x):
        h = self.law.hessian(np.asarray(x) @ self.matrix)
        return self.speed * self.matrix @ h @ self.matrix.T


# The formulas of every law


@pytest.mark.parametrize("law", LAWS, ids=named)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_jacobian_is_the_derivative_of_the_drift(law, shape):
    x = inside(law, int(np.prod(shape)), np.random.default_rng(0)).reshape(*shape, 2)
    h = 1e-5 * np.eye(2)
    slope = [(law.drift(x + s) - law.drift(x - s)) / 2e-5 for s in h]
    expected = np.stack(slope, axis=-1)
    found = law.jacobian(x)
    assert found.shape == (*shape, 2, 2)
    # Third derivatives times h^2 / 6: rounding and curvature, relative to the largest.
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    "law", [law for law in LAWS if hasattr(law, "potential")], ids=named
)
def test_gradient_and_hessian_are_derivatives_of_the_potential(law):
    x = inside(law, 20, np.random.default_rng(1)).reshape(4, 5, 2)
    h = 1e-5 * np.eye(2)
    slope = [(law.potential(x + s) - law.potential(x - s)) / 2e-5 for s in h]
    expected = np.stack(slope, axis=-1)
    np.testing.assert_allclose(
        law.gradient(x), expected, atol=1e-6 * np.abs(expected).max()
    )
    bend = np.stack([(law.gradient(x + s) - law.gradient(x - s)) / 2e-5 for s in h], -1)
    np.testing.assert_allclose(law.hessian(x), bend, atol=1e-5 * np.abs(bend).max())


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_draws_follow_the_density(law):
    n = 20_000
    x = law.sample(n, np.random.default_rng(2))
    low, high = x.min(axis=0), x.max(axis=0) + 1e-12
    cells = [np.linspace(a, b, 11) for a, b in zip(low, high, strict=True)]
    counts = np.histogram2d(*x.T, bins=cells)[0]
    expected = n * np.array(
        [
            [
                integral_over_box(law.density, (tuple(a), tuple(b)), panels=2)
                for b in zip(cells[1][:-1], cells[1][1:], strict=True)
            ]
            for a in zip(cells[0][:-1], cells[0][1:], strict=True)
        ]
    )
    many = expected >= 5
    seen = np.append(counts[many], counts[~many].sum())
    wanted = np.append(expected[many], n - expected[many].sum())
    chi2 = ((seen - wanted) ** 2 / np.maximum(wanted, 5)).sum()
    assert stats.chi2.sf(chi2, many.sum()) > 1e-3


@pytest.mark.parametrize("law", [TripleWell(), RuggedMueller()], ids=named)
def test_no_density_exceeds_the_bound_states_are_drawn_under(law):
    hull = _envelope(law)
    rng = np.random.default_rng(4)
    for _ in range(3):
        x = hull.corners + rng.random(hull.corners.shape) * hull.step
        assert (np.log(law.density(x)) <= hull.bound + 1e-12).all()


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_density_has_mass_one_and_draws_repeat(law):
    assert integral_over_box(law.density, law.box) == pytest.approx(1, abs=2e-4)
    first, second = law.sample(5, 3), law.sample(5, np.random.default_rng(3))
    np.testing.assert_array_equal(first, second)
    assert law.sample(0, 1).shape == (0, 2)


# The grid and the triangles


def test_a_grid_field_is_exact_for_a_plane_and_of_fourth_order_for_a_wave():
    def error(n):
        grid = Grid(((0.0, 1.0), (0.0, 2.0)), (n, 2 * n))
        wave = grid.field(np.cos(np.pi * grid.nodes[..., 0]))
        x = np.random.default_rng(0).random((500, 2))
        return np.abs(wave(x) - np.cos(np.pi * x[:, 0])).max()

    assert 12 < error(20) / error(40) < 20


def test_a_field_goes_on_straight_across_the_edge_of_a_set():
    grid = Grid(((0.0, 1.0), (0.0, 1.0)), (50, 50))
    disc = Ball((0.5, 0.5), 0.2)
    distance = disc.distance(grid.nodes)
    values = grid.continued(np.maximum(distance, 0), disc.distance, 0.0)
    ring = (distance > -0.05) & (distance < 0.05)
    np.testing.assert_allclose(values[ring], distance[ring], atol=2e-3)


def test_triangles_tile_the_box_and_the_sets():
    law = TripleWell(target=Box((1.0, 0.0), 0.3))
    mesh = triangulate(law.box, (40, 40), law.source, law.target)
    corners = mesh.x[mesh.nodes[:, :3]]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
    assert area.min() > 1e-4 * area.max()
    assert area.sum() == pytest.approx(25)
    assert area[mesh.in_target].sum() == pytest.approx(0.36)
    n = 16  # nodes on the circle; its polygon is smaller by the sagitta
    polygon = n / 2 * np.sin(2 * np.pi / n) * 0.25**2
    assert area[mesh.in_source].sum() == pytest.approx(polygon)
    middles = mesh.x[mesh.nodes[:, 3:]][mesh.in_source]
    assert law.source.distance(middles).max() == pytest.approx(0, abs=1e-12)


# Transition paths


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_the_plane_repeats_the_line(route, n):
    line, found = quadrature(DoubleWell()), route(DoubleWell2D(), n=n)
    x = np.linspace(-1.2, 1.2, 13)
    plane = np.stack([x, 0.3 + 0 * x], axis=-1)
    for name in ("nu", "k_ab", "k_ba", "gap"):
        assert getattr(found, name) == pytest.approx(getattr(line, name), rel=4e-4)
    for name in ("pi_a", "reactive"):
        assert getattr(found, name) == pytest.approx(getattr(line, name), rel=1e-2)
    np.testing.assert_allclose(
        found.committor(plane), line.committor(x[:, None]), atol=1e-3
    )
    for name in ("passage_time", "exit_time"):
        expected = getattr(line, name)(x[:, None])
        np.testing.assert_allclose(
            getattr(found, name)(plane), expected, atol=5e-3 * expected.max()
        )


@pytest.mark.parametrize(("route", "n"), ROUTES)
@pytest.mark.parametrize(
    "law", [TripleWell(), MaierStein(), RotationalDoubleWell()], ids=named
)
def test_committors_of_both_directions_sum_to_one(law, route, n):
    forth = route(law, n=n)
    home = route(replace(law, source=law.target, target=law.source), n=n)
    x = np.random.default_rng(0).uniform(-1.2, 1.2, (50, 2))
    np.testing.assert_allclose(forth.committor(x) + home.committor(x), 1, atol=1e-9)
    # A known density solves the discrete equation exactly among jumps only.
    within = 1e-9 if route is finite_volumes else 1e-5
    np.testing.assert_allclose(
        forth.committor_backward(x) + home.committor_backward(x), 1, atol=within
    )
    # As many paths lead back as forth, also where they take another way: exactly so
    # among jumps, within the error of the triangles there.
    within = 1e-9 if route is finite_volumes else 2e-3
    assert forth.nu == pytest.approx(home.nu, rel=within)
    assert forth.residual < 1e-12


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_reversible_paths_run_backward_with_the_opposite_committor(route, n):
    found = route(TripleWell(), n=n)
    x = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    np.testing.assert_allclose(
        found.committor_backward(x), 1 - found.committor(x), atol=1e-9
    )


@pytest.mark.parametrize(
    "law", [TripleWell(), RotationalDoubleWell(), MaierStein()], ids=named
)
def test_the_density_is_stationary(law):
    process = jump_process(law, 60)
    links = np.ones(len(process.i), dtype=bool)
    rates = process.generator(links, np.zeros(len(process.pi)))
    scale = (abs(rates).T @ process.pi).max()
    assert process.pi.sum() == pytest.approx(1)
    assert np.abs(rates.T @ process.pi).max() < 1e-13 * scale
    assert np.abs(rates.sum(axis=1)).max() < 1e-13 * abs(rates).max()


@pytest.mark.parametrize(
    "law", [TripleWell(), RotationalDoubleWell(), MaierStein()], ids=named
)
def test_the_reactive_flux_is_the_same_through_every_line(law):
    n = 80
    found, process = finite_volumes(law, n=n), jump_process(law, n)
    q, back = found.committor(process.x), found.committor_backward(process.x)
    out, home = fluxes(process.k, process.f)
    i, j = process.i, process.j
    current = back[i] * q[j] * out - back[j] * q[i] * home
    for line in (-0.5, -0.2, 0.0, 0.3, 0.6):
        crossed = (process.x[i, 0] < line) & (process.x[j, 0] > line)
        assert current[crossed].sum() == pytest.approx(found.nu, rel=1e-6)


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_turning_the_plane_changes_nothing(route, n):
    law = TripleWell()
    straight, turned = route(law, n=n), route(Seen(law=law, D=law.D), n=n)
    x = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    # Grids of equal cells turn into themselves, staggered triangles do not.
    within = 1e-7 if route is finite_volumes else 1e-3
    np.testing.assert_allclose(
        turned.committor(x @ TURN.T), straight.committor(x), atol=within
    )
    assert turned.nu == pytest.approx(straight.nu, rel=within)


@pytest.mark.parametrize(("route", "n"), ROUTES)
def test_twice_as_fast_means_twice_the_rates_and_the_same_committor(route, n):
    law = TripleWell()
    slow = route(law, n=n)
    fast = route(Seen(law=law, D=2 * law.D, speed=2.0, turned=False), n=n)
    x = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    for name in ("nu", "k_ab", "k_ba", "gap"):
        assert getattr(fast, name) == pytest.approx(2 * getattr(slow, name), rel=1e-8)
    np.testing.assert_allclose(fast.committor(x), slow.committor(x), atol=1e-9)
    np.testing.assert_allclose(
        2 * fast.exit_time(x), slow.exit_time(x), rtol=1e-8, atol=1e-12
    )


def test_rates_fall_out_of_their_definitions():
    found = finite_volumes(MuellerBrown(), n=80)
    assert found.k_ab * found.last_a == pytest.approx(found.nu)
    assert found.k_ba * (1 - found.last_a) == pytest.approx(found.nu)
    assert found.gap == pytest.approx(found.k_ab + found.k_ba, rel=0.02)


def test_error_of_the_volumes_falls_with_the_square_of_the_cell():
    exact = quadrature(DoubleWell()).committor([-0.5])
    error = [
        abs(finite_volumes(DoubleWell2D(), n=n).committor([-0.5, 0.1]) - exact)
        for n in (50, 100)
    ]
    assert 3 < error[0] / error[1] < 5.5


def test_error_of_the_elements_falls_with_the_fourth_power():
    exact = quadrature(DoubleWell()).nu
    error = [finite_elements(DoubleWell2D(), n=n).nu / exact - 1 for n in (20, 40)]
    assert min(error) > 0  # the energy of a trial function is an upper bound
    assert error[0] / error[1] > 8


# Stored reference values (finite volumes on staircase sets, up to 801 x 801 cells);
# their grid uncertainty is the tolerance.
STORED = [
    (TripleWell(D=1 / 1.67), 0.018917, 5e-3, {(-0.5, 0.5): 0.07116}, 1e-3),
    (TripleWell(D=1 / 6.67), 9.134e-8, 5e-3, {(-0.5, 1.2): 0.37236}, 1e-3),
    (
        TripleWell(source=Box((-1.0, 0.0), 0.25), target=Box((1.0, 0.0), 0.25)),
        0.019011,
        1e-3,
        {(-0.5, 0.5): 0.06868},
        3e-4,
    ),
    (MuellerBrown(D=10), 4.9143e-3, 1e-3, {(-0.822, 0.624): 0.32573}, 5e-4),
    (MuellerBrown(D=22), 0.89347, 1e-3, {(-0.05, 0.467): 0.78278}, 5e-4),
    (RuggedMueller(D=10), 4.6018e-3, 1e-3, {(-0.822, 0.624): 0.29984}, 1e-3),
]


@pytest.mark.parametrize(("law", "nu", "within", "probes", "within_q"), STORED)
def test_both_routes_meet_the_stored_value(law, nu, within, probes, within_q):
    m = 90 if isinstance(law, RuggedMueller) else 50
    for found in (finite_volumes(law, n=120), finite_elements(law, n=m)):
        assert found.nu == pytest.approx(nu, rel=within)
        for state, value in probes.items():
            assert float(found.committor(state)) == pytest.approx(value, abs=within_q)


@pytest.mark.parametrize("law", [TripleWell(), BinaryChoice(D=0.1)], ids=named)
def test_the_routes_agree_everywhere(law):
    first, second = finite_volumes(law, n=150), finite_elements(law, n=60)
    x = law.sample(400, 0)
    # Right up to the edge of the sets, where fields are continued.
    around = np.random.default_rng(0).normal(size=(200, 2))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    ring = np.array(law.source.center) + around * (law.source.radius + 0.01)
    for at in (x, ring):
        np.testing.assert_allclose(first.committor(at), second.committor(at), atol=2e-3)
    slow = second.passage_time(x)
    np.testing.assert_allclose(
        first.passage_time(x), slow, atol=4e-3 * slow.max(), rtol=0
    )
    for name in ("nu", "k_ab", "k_ba", "last_a", "pi_a", "pi_b", "reactive", "gap"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=3e-3)


def test_a_wall_far_above_the_pass_does_not_overflow():
    low = BinaryChoice(D=0.01)  # V / D reaches 5000 in the box
    found = finite_volumes(low, n=80)
    assert 0 < found.nu < 1e-20
    assert np.isnan(found.gap)
    x = inside(low, 200, np.random.default_rng(0))
    assert np.isfinite(found.committor(x)).all()
    assert np.isnan(found.passage_time(low.progenitor))
    with pytest.raises(FloatingPointError, match="lost in rounding"):
        finite_elements(low, n=40)


# Fixed points


def test_wells_of_mueller_brown():
    points = MuellerBrown().fixed_points()
    minima = points.x[points.stable]
    # Mueller and Brown 1979.
    expected = [[-0.558, 1.442], [-0.050, 0.467], [0.623, 0.028]]
    np.testing.assert_allclose(minima, expected, atol=5e-4)
    assert (points.n_unstable == 1).sum() == 2


def test_ripples_hold_184_wells():
    points = RuggedMueller().fixed_points()
    assert (len(points.x), points.stable.sum()) == (724, 184)
    assert np.abs(RuggedMueller().drift(points.x)).max() < 1e-5


def test_triple_well_has_three():
    points = TripleWell().fixed_points()
    assert points.stable.sum() == 3
    mirrored = points.x[points.stable] * [-1, 1]
    np.testing.assert_allclose(
        np.sort(mirrored[:, 0]), np.sort(points.x[points.stable][:, 0]), atol=1e-8
    )


# Bad input


def test_sets_must_be_there_and_apart():
    with pytest.raises(ValueError, match="no usual source and target"):
        finite_volumes(OrnsteinUhlenbeck())
    close = TripleWell(source=Ball((-0.3, 0), 0.2), target=Ball((0.2, 0), 0.25))
    with pytest.raises(ValueError, match="at least 8 cells apart"):
        finite_volumes(close, n=60)
    with pytest.raises(ValueError, match="at least 4 cells"):
        finite_volumes(TripleWell(source=Ball((-1, 0), 0.01)), n=60)
    with pytest.raises(ValueError, match="d = 1"):
        finite_elements(DoubleWell())
    with pytest.raises(ValueError, match="`n` must be an integer >= 16"):
        finite_volumes(TripleWell(), n=4)
    with pytest.raises(ValueError, match="`D` must be a number above 0"):
        TripleWell(D=0)


def test_elements_need_edges_they_know():
    class Blob:
        def distance(self, x):
            return np.abs(np.asarray(x) - 1).sum(axis=-1) - 0.3

        def contains(self, x):
            return self.distance(x) <= 0

    with pytest.raises(TypeError, match="Blob"):
        finite_elements(TripleWell(target=Blob()), n=20)
    assert finite_volumes(TripleWell(target=Blob()), n=60).nu > 0


def test_every_planar_law_is_of_a_known_kind():
    without = [law for law in LAWS if not isinstance(law, Gradient | Circulating)]
    assert [law.name for law in without] == ["Maier-Stein", "toggle switch"]
    assert not any(hasattr(law, "potential") for law in without)
