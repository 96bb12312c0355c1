"""Committors, rates and currents on a grid against formulas and the known laws."""

from types import SimpleNamespace as Law

import numpy as np
import pytest

from cellstate import systems
from cellstate.kinetics import _grid as grid

BETA = 3.0


def solved(law, n=None, box=None, **options):
    return grid.solve_on_grid(
        law, law.source, law.target, law.box if box is None else box, n=n, **options
    )


def diffusion_of(matrix):
    matrix = np.atleast_2d(matrix)
    return lambda x, t=0.0: np.broadcast_to(matrix, (len(x), *matrix.shape))


def line(drift, diffusion, a, b):
    """A law on a line with A = {x <= a}, B = {x >= b}."""
    return Law(
        drift=lambda x, t=0.0: drift(x),
        diffusion=lambda x, t=0.0: diffusion(x)[:, :, None],
        source=Law(distance=lambda x: x[:, 0] - a),
        target=Law(distance=lambda x: b - x[:, 0]),
    )


@pytest.mark.parametrize("law", [
    systems.DoubleWell(D=1.0), systems.DoubleWell(D=1 / 8),
    systems.TiltedDoubleWell(D=1 / 4), systems.Prinz(D=1.0),
    systems.Pitchfork(D=0.1, mu=1.0),
])  # fmt: skip
def test_wells_on_a_line(law):
    exact, found = systems.quadrature(law), solved(law)
    a, b = law.source.bound, -law.target.bound
    x = np.linspace(a, b, 101)[1:-1, None]
    for name in ("nu", "k_ab", "k_ba", "mfpt_ab"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-6)
    # The kinks of the committors at the edges cost an order in the cells' width.
    assert found.transition_path_time == pytest.approx(
        exact.transition_path_time, rel=1e-4
    )
    np.testing.assert_allclose(found.committor(x), exact.committor(x), atol=1e-6)
    np.testing.assert_allclose(
        found.committor_backward(x), 1 - exact.committor(x), atol=1e-6
    )
    np.testing.assert_allclose(found.density_of(x), exact.density(x), rtol=1e-5)
    np.testing.assert_allclose(
        found.passage_time_of(x)[:90], exact.passage_time(x)[:90], rtol=1e-5
    )
    # On a line the reactive current is nu everywhere between the sets.
    np.testing.assert_allclose(found.current_of(x)[:, 0], found.nu, rtol=1e-4)
    assert found.residual < 1e-12
    assert found.nu_difference < 1e-9


def test_circulation_and_each_committor_apart():
    """Density e^(-beta V) whatever circulates; q-(x, y) = 1 - q+(x, -y)."""
    law = systems.RotationalDoubleWell(D=1 / BETA)
    found, exact = solved(law, n=200), systems.finite_volumes(law, n=200)
    assert found.nu == pytest.approx(exact.nu, rel=5e-3)
    probes = np.array([[0.0, 0.5], [0.0, -0.5], [-0.5, -0.5], [0.4, 0.2]])
    q, back = found.committor(probes), found.committor_backward(probes)
    # 1e-3 is the goal of the grid; the oracle errs at this size, too.
    np.testing.assert_allclose(q, exact.committor(probes), atol=1.5e-3)
    np.testing.assert_allclose(back, exact.committor_backward(probes), atol=1.5e-3)
    np.testing.assert_allclose(back, 1 - found.committor(probes * [1, -1]), atol=1.5e-3)
    assert abs(q[0] + back[0] - 1) > 0.3  # q- = 1 - q+ would be far off
    np.testing.assert_allclose(found.density_of(probes), law.density(probes), rtol=2e-2)


@pytest.mark.parametrize(("law", "nu"), [
    (systems.TripleWell(D=1 / 1.67), 0.0189173),
    (systems.TripleWell(D=1 / 6.67), 9.13378e-8),
    (systems.MuellerBrown(D=10.0), 4.91427e-3),
    (systems.MaierStein(D=0.1), None),
])  # fmt: skip
def test_planes(law, nu):
    found, exact = solved(law, n=200), systems.finite_volumes(law, n=200)
    assert found.nu == pytest.approx(nu or exact.nu, rel=5e-3)
    assert found.k_ab == pytest.approx(exact.k_ab, rel=5e-3)
    rng = np.random.default_rng(0)
    low, high = np.array(law.box).T
    x = low + (high - low) * rng.random((2000, 2))
    x = x[exact.density(x) > 1e-6 * exact.density(x).max()]
    np.testing.assert_allclose(found.committor(x), exact.committor(x), atol=1e-3)
    # Where cells are rare q- follows a stationary law that is itself a ratio of small
    # numbers: order 2, but .015 at this size.
    often = exact.density(x) > 1e-3 * exact.density(x).max()
    np.testing.assert_allclose(
        found.committor_backward(x[often]),
        exact.committor_backward(x[often]),
        atol=4e-3,
    )


def test_both_directions_sum_to_one_and_share_nu():
    law = systems.MaierStein(D=0.1)
    there = solved(law, n=80)
    back = grid.solve_on_grid(law, law.target, law.source, law.box, n=80)
    np.testing.assert_allclose(there.forward + back.forward, 1, atol=1e-9)
    assert there.nu == pytest.approx(back.nu, rel=1e-9)
    assert there.k_ab == pytest.approx(back.k_ba, rel=1e-9)
    assert there.nu == pytest.approx(there.nu_from_source, rel=1e-9)


def test_the_unit_of_time_and_a_shift_only_relabel():
    law = systems.TripleWell(D=1 / 1.67)
    shift = np.array([3.0, -1.0])
    moved = Law(
        drift=lambda x, t=0.0: 60 * law.drift(x - shift),
        diffusion=lambda x, t=0.0: 60 * law.diffusion(x - shift),
        source=Law(distance=lambda x: law.source.distance(x - shift)),
        target=Law(distance=lambda x: law.target.distance(x - shift)),
    )
    one = solved(law, n=60)
    two = solved(moved, n=60, box=np.array(law.box) + shift[:, None])
    assert two.nu == pytest.approx(60 * one.nu, rel=1e-8)
    assert two.transition_path_time == pytest.approx(
        one.transition_path_time / 60, rel=1e-8
    )
    np.testing.assert_allclose(two.forward, one.forward, atol=1e-8)


def test_diffusion_that_depends_on_the_state_is_ito():
    """dX = sqrt(2 D(X)) dW is a martingale: q is linear, whatever D is."""
    law = line(lambda x: 0 * x, lambda x: 0.2 + x**2, -1.0, 1.0)
    found = solved(law, n=400, box=[(-2.0, 2.0)])
    x = np.linspace(-0.95, 0.95, 39)[:, None]
    np.testing.assert_allclose(found.committor(x), (x[:, 0] + 1) / 2, atol=1e-5)
    # Its density is proportional to 1 / D.
    ratio = found.density_of(x) * (0.2 + x[:, 0] ** 2)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)


def stretched(law, matrix):
    """The same motion seen in coordinates y = M x: a diffusion with D = M M' D."""
    inverse = np.linalg.inv(matrix)
    seen = law.D * matrix @ matrix.T
    return Law(
        drift=lambda y, t=0.0: law.drift(y @ inverse.T) @ matrix.T,
        diffusion=diffusion_of(seen),
        source=Law(distance=lambda y: law.source.distance(y @ inverse.T)),
        target=Law(distance=lambda y: law.target.distance(y @ inverse.T)),
        back=inverse,
    )


@pytest.mark.parametrize("shear", [0.6, -1.7])
def test_sheared_coordinates_change_nothing(shear):
    """A diffusion matrix off the diagonal: known from the isotropic one."""
    law = systems.DoubleWell2D(D=1 / BETA)
    seen = stretched(law, np.array([[1.0, 0.0], [shear, 1.0]]))
    wide = 1.8 + 1.8 * abs(shear)
    found = solved(seen, n=(90, 150), box=[(-1.9, 1.9), (-wide, wide)])
    exact = systems.DoubleWell(D=1 / BETA)
    assert found.nu == pytest.approx(exact.transition_paths().nu, rel=5e-3)
    y = np.array([[-0.5, 0.2], [0.0, 0.1], [0.4, -0.3]])
    np.testing.assert_allclose(found.committor(y), exact.committor(y[:, :1]), atol=1e-3)


def test_a_turned_matrix_that_depends_on_the_state():
    """With b = div D - D grad U the density is e^(-U) for every D(x)."""

    def matrices(x):
        angle, d = x[:, 0] + x[:, 1], np.empty((len(x), 2, 2))
        c, s = np.cos(angle), np.sin(angle)
        d[:, 0, 0], d[:, 1, 1] = 0.3 * c**2 + 0.05 * s**2, 0.3 * s**2 + 0.05 * c**2
        d[:, 0, 1] = d[:, 1, 0] = 0.25 * c * s
        return d

    def drift(x, t=0.0):
        h, spread = 1e-5, np.zeros_like(x)
        for k, e in enumerate(np.eye(2)):
            after, before = matrices(x + h * e), matrices(x - h * e)
            spread += (after[:, k] - before[:, k]) / (2 * h)
        return spread - np.einsum("nij,nj->ni", matrices(x), 2 * x)

    law = Law(
        drift=drift,
        diffusion=lambda x, t=0.0: matrices(x),
        source=systems.Ball((-1.0, 0.0), 0.3),
        target=systems.Ball((1.0, 0.0), 0.3),
    )
    found = solved(law, n=120, box=[(-2.5, 2.5), (-2.5, 2.5)])
    x = np.array([[0.0, 0.0], [0.5, 0.5], [-0.3, 0.8], [1.0, -0.7]])
    exact = np.exp(-(x**2).sum(axis=1)) / np.pi
    np.testing.assert_allclose(found.density_of(x), exact, rtol=2e-3)
    # Detailed balance holds.
    np.testing.assert_allclose(
        found.committor_backward(x), 1 - found.committor(x), atol=2e-3
    )


def test_three_coordinates_of_which_one_counts():
    exact = systems.DoubleWell(D=1 / BETA)

    def drift(x, t=0.0):
        return np.concatenate([exact.drift(x[:, :1]), -2 * x[:, 1:]], axis=1)

    law = Law(
        drift=drift, diffusion=diffusion_of(np.eye(3) / BETA),
        source=Law(distance=lambda x: x[:, 0] + 1),
        target=Law(distance=lambda x: 1 - x[:, 0]),
    )  # fmt: skip
    found = solved(law, n=(30, 16, 16), box=[(-2.1, 2.1), (-2, 2), (-2, 2)])
    x = np.array([[-0.5, 0.3, 0.1], [0.0, 0.0, 0.0], [0.6, -0.8, 0.4]])
    np.testing.assert_allclose(found.committor(x), exact.committor(x[:, :1]), atol=1e-3)
    assert found.nu == pytest.approx(exact.transition_paths().nu, rel=5e-3)


def test_current_through_any_plane_is_nu():
    found = solved(systems.TripleWell(D=1 / 1.67), n=120)
    step = found.mesh.step
    through = found.current[..., 0].sum(axis=1) * step[1]
    x = found.mesh.nodes.reshape(120, 120, 2)[:, 0, 0]
    between = np.abs(x) < 0.6
    np.testing.assert_allclose(through[between], found.nu, rtol=1e-2)


def test_second_order_and_the_error_says_so():
    law = systems.DoubleWell2D(D=1 / BETA)
    exact = systems.DoubleWell(D=1 / BETA).transition_paths().nu
    errors = []
    for n in (40, 80, 160):
        found = solved(law, n=n)
        errors.append(abs(found.nu / exact - 1))
    assert errors[0] > 2.5 * errors[1] > 6 * errors[2]
    said = grid.grid_error(found, law, law.source, law.target)
    # Along the line nu converges faster than order 2: what is said is on the safe side
    # of the error, and below that of the grid before.
    assert 0.3 * errors[2] < said.nu < errors[1]
    assert 0 < said.forward < 1e-3
    assert 0 < said.backward < 1e-3


def test_a_result_survives_a_file():
    found = solved(systems.DoubleWell2D(D=1 / BETA), n=40)
    again = grid.GridKinetics.from_dict(found.to_dict())
    x = np.array([[-0.5, 0.3], [0.99, 0.1], [0.2, 7.0]])
    np.testing.assert_array_equal(again.committor(x), found.committor(x))
    assert again.k_ab == found.k_ab


def test_outside_the_box_nothing_is_known():
    law = systems.DoubleWell2D(D=1 / BETA)
    found = solved(law, n=40)
    q = found.at([[0.0, 0.0], [9.0, 0.0], [np.nan, 0.0]], names=("left", "right"))
    np.testing.assert_allclose(q.forward, [0.5, np.nan, np.nan], atol=1e-6)
    assert q.reason.tolist() == [0, 3, 1]
    assert (q.source, q.target, q.method) == ("left", "right", "grid")
    assert np.isnan(found.current_of([[9.0, 0.0]])).all()
    with pytest.raises(ValueError, match="2 coordinates"):
        found.committor([[0.0]])


def test_labelled_cells_make_a_set():
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, (20_000, 2))
    disc = systems.Ball((-1.0, 0.0), 0.4)
    core = grid.core_from_cells(x, disc.contains(x))
    y = rng.uniform(-2, 2, (500, 2))
    # Cells are 4 / sqrt(20,000) = 0.03 apart.
    assert np.abs(core.distance(y) - disc.distance(y)).max() < 0.06
    law = systems.DoubleWell2D(
        D=1 / BETA, source=disc, target=systems.Ball((1.0, 0.0), 0.4)
    )
    exact = solved(law, n=80)
    found = grid.solve_on_grid(law, core, law.target, law.box, n=80)
    assert found.nu == pytest.approx(exact.nu, rel=0.05)
    with pytest.raises(ValueError, match="0 inside of 20000"):
        grid.core_from_cells(x, np.zeros(len(x), bool))
    with pytest.raises(ValueError, match="same state"):
        grid.core_from_cells([[0.0], [0.0]], [True, False])


def test_bad_input_is_told():
    law = systems.DoubleWell2D(D=1 / BETA)
    tiny = systems.Ball((0.0, 0.0), 1e-3)
    box = law.box
    with pytest.raises(ValueError, match="centres of 0 of 1600"):
        grid.solve_on_grid(law, tiny, law.target, box, n=40)
    with pytest.raises(ValueError, match="share"):
        grid.solve_on_grid(law, law.source, law.source, box, n=40)
    with pytest.raises(ValueError, match="low < high"):
        grid.solve_on_grid(law, law.source, law.target, [(1, 0), (0, 1)])
    with pytest.raises(ValueError, match="committor_by_swarms"):
        grid.solve_on_grid(law, law.source, law.target, [(0, 1)] * 4)
    with pytest.raises(ValueError, match="what is followed"):
        grid.solve_on_grid(law, law.source, law.target, box, birth_rate=0.1)
    holes = Law(drift=lambda x, t=0.0: x / 0, diffusion=law.diffusion)
    with (
        np.errstate(divide="ignore", invalid="ignore"),
        pytest.raises(ValueError, match="not finite"),
    ):
        grid.solve_on_grid(holes, law.source, law.target, box, n=40)
    flat = Law(drift=law.drift, diffusion=diffusion_of(np.diag([1.0, 0.0])))
    with pytest.raises(ValueError, match="positive definite"):
        grid.solve_on_grid(flat, law.source, law.target, box, n=40)
