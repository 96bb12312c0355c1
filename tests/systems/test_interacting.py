"""Cells drawn to their mean: order, its onset, and finite colonies."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from cellstate.systems._integrate import simulate
from cellstate.systems._laws._interacting import DesaiZwanzig
from cellstate.systems._regions import below

LAW = DesaiZwanzig(D=0.3, coupling=1.0)


@pytest.mark.parametrize(
    ("coupling", "stored"), [(0.5, 0.264505), (1.0, 0.456947), (2.0, 0.815787)]
)
def test_onset_of_order_by_two_routes(coupling, stored):
    law = DesaiZwanzig(D=1.0, coupling=coupling)
    by_quadrature = law.critical_diffusion()
    assert by_quadrature == pytest.approx(stored, abs=5e-7)
    assert law.critical_diffusion_by_growth() == pytest.approx(by_quadrature, rel=1e-8)


@pytest.mark.parametrize(("d", "stored"), [(0.3, 0.705495), (0.4, 0.447106)])
def test_mean_by_two_routes(d, stored):
    law = DesaiZwanzig(D=d, coupling=1.0)
    mean = law.order_parameter()
    assert mean == pytest.approx(stored, abs=5e-7)
    assert law.order_parameter_by_time() == pytest.approx(mean, rel=1e-8)


@pytest.mark.parametrize("coupling", [0.5, 1.0, 2.0])
def test_mean_vanishes_at_the_onset_as_a_square_root(coupling):
    onset = DesaiZwanzig(coupling=coupling).critical_diffusion()
    parts = np.array([1e-3, 2e-3, 4e-3])
    squares = [
        DesaiZwanzig(D=onset * (1 - part), coupling=coupling).order_parameter() ** 2
        for part in parts
    ]
    # m^2 is a straight line through 0 but for terms of the order of the distance.
    np.testing.assert_allclose(squares / parts, squares[0] / parts[0], rtol=0.02)
    assert DesaiZwanzig(D=onset * 1.001, coupling=coupling).order_parameter() == 0


def test_order_falls_with_noise_and_is_full_without():
    means = [DesaiZwanzig(D=d).order_parameter() for d in (0.01, 0.1, 0.2, 0.3, 0.45)]
    assert (np.diff(means) < 0).all()
    # <x - x^3> = 0 with x = m + noise of variance D / (2 + coupling): to first order
    # m = 1 - 3 D / (2 (2 + coupling)).
    small = DesaiZwanzig(D=1e-3).order_parameter()
    assert 1 - small == pytest.approx(3e-3 / (2 * 3), rel=0.01)


def test_growth_of_a_small_mean_changes_sign_at_the_onset():
    onset = LAW.critical_diffusion()
    assert DesaiZwanzig(D=0.97 * onset).growth_of_mean() > 0
    assert DesaiZwanzig(D=1.03 * onset).growth_of_mean() < 0


def test_small_mean_of_a_large_colony_decays_at_its_rate():
    law = DesaiZwanzig(D=1.0, coupling=1.0)
    rate = law.growth_of_mean()
    start = law.sample(200_000, rng=0)[:, 0]
    start = start - start.mean() + 0.2
    x = simulate(
        law, start[None, :, None], n_frames=3, frame_interval=1.0, substeps=50, rng=1
    )
    first, last = x[1:, 0, :, 0].mean(axis=1)
    # s.e. of either mean is sqrt(<x^2> / 200,000) = 0.0016.
    assert np.log(last / first) == pytest.approx(rate, abs=4 * 0.0016 / last)


def test_mean_of_the_density_is_the_mean_of_the_colony():
    low, high = LAW.box[0]
    mean = quad(lambda x: x * LAW.density([x]), low, high, epsabs=1e-11)[0]
    mass = quad(lambda x: LAW.density([x]), low, high, epsabs=1e-11)[0]
    assert mass == pytest.approx(1, abs=1e-9)
    assert mean == pytest.approx(LAW.order_parameter(), abs=1e-9)


def test_density_has_no_flux():
    x = np.linspace(-2, 2, 81)[:, None]
    slope = (LAW.density(x + 1e-5) - LAW.density(x - 1e-5)) / 2e-5
    force = x - x**3 + LAW.coupling * (LAW.order_parameter() - x)
    np.testing.assert_allclose(force[:, 0] * LAW.density(x), LAW.D * slope, atol=1e-8)


def test_drift_of_every_colony_has_its_own_mean():
    x = np.random.default_rng(0).normal(size=(3, 4, 5, 1))
    drift = LAW.drift(x)
    assert drift.shape == x.shape
    np.testing.assert_allclose(LAW.drift(x[1, 2]), drift[1, 2])
    # The coupling moves cells, not the mean.
    np.testing.assert_allclose((drift - (x - x**3)).mean(axis=-2), 0, atol=1e-12)
    order = np.random.default_rng(1).permutation(5)
    np.testing.assert_allclose(LAW.drift(x[:, :, order]), drift[:, :, order])
    np.testing.assert_allclose(LAW.drift(-x), -drift)


def test_jacobian_is_that_of_a_cell_at_a_fixed_mean():
    x = np.linspace(-2, 2, 9)[:, None]
    cell = LAW.at_mean(0.3)
    np.testing.assert_allclose(LAW.jacobian(x), cell.jacobian(x))


def test_fixed_points_and_fastest_rate_are_those_of_the_colony():
    points = LAW.fixed_points()
    cells = np.broadcast_to(points.x[:, None], (3, 6, 1))
    np.testing.assert_allclose(LAW.drift(cells), 0, atol=1e-14)

    def slope(x, direction):
        ahead, behind = (LAW.drift(x + s * direction) for s in (1e-6, -1e-6))
        return ((ahead - behind) / 2e-6 * direction).sum() / (direction**2).sum()

    together = np.ones((6, 1))
    apart = np.array([[1.0], [-1.0], [0], [0], [0], [0]])
    for x, value in zip(cells, points.eigenvalues[:, 0].real, strict=True):
        assert slope(x, together) == pytest.approx(value, abs=1e-6)
    assert LAW.fastest_rate == pytest.approx(-slope(cells[-1], apart), abs=1e-6)


# Finite colonies


def test_colonies_of_200_cells_reach_the_stored_mean():
    start = LAW.sample(30 * 200, rng=2).reshape(30, 200, 1)
    x = simulate(LAW, start, n_frames=41, frame_interval=0.5, substeps=50, rng=3)
    means = x[10:, :, :, 0].mean(axis=(0, 2))
    error = means.std(ddof=1) / np.sqrt(30)
    # 0.6943 +- 0.0027 was simulated too.
    assert abs(means.mean() - 0.6943) < 4 * np.hypot(error, 0.0027)
    assert means.mean() < LAW.order_parameter()


def test_cells_of_a_large_colony_follow_the_density():
    x = simulate(
        LAW, np.ones((1, 5000, 1)), n_frames=2, frame_interval=15.0, substeps=1500,
        rng=4,
    )[-1, 0, :, 0]  # fmt: skip
    cell = LAW.at_mean(LAW.order_parameter())
    grid = np.linspace(*LAW.box[0], 4001)
    share = np.cumsum(cell.density(grid[:, None])) * (grid[1] - grid[0])
    # 0.02 is the 5 % level for 5,000 independent draws; their mean strays by as much.
    found = kstest(x, lambda at: np.interp(at, grid, share)).statistic
    assert found < 0.04


def test_a_disordered_colony_keeps_the_floor_of_its_size():
    law = DesaiZwanzig(D=0.55, coupling=1.0)
    assert law.order_parameter() == 0
    rng = np.random.default_rng(5)
    start = law.sample(40 * 200, rng).reshape(40, 200, 1)
    x = simulate(law, start, n_frames=61, frame_interval=1.0, substeps=25, rng=rng)
    floors = np.abs(x[21:, :, :, 0].mean(axis=2)).mean(axis=0)
    error = floors.std(ddof=1) / np.sqrt(40)
    # Stored without an error: that of one run is taken to be as large as 0.01.
    assert abs(floors.mean() - 0.118) < 0.01 + 4 * error


def test_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="`coupling` must be a number above 0"):
        DesaiZwanzig(coupling=-1.0)
    with pytest.raises(ValueError, match="`D` must be a number above 0"):
        DesaiZwanzig(D=0.0)
    with pytest.raises(ValueError, match="no transition paths of their own; found"):
        DesaiZwanzig(source=below(-1.0))
    with pytest.raises(ValueError, match=r"Use at_mean\(m\)"):
        LAW.transition_paths()
    with pytest.raises(ValueError, match="shape"):
        simulate(LAW, np.zeros((5, 2)), n_frames=2, frame_interval=0.1, rng=0)
