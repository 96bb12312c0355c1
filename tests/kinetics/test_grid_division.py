"""Cells that divide and die, and horizons, against formulas and other routes."""

from types import SimpleNamespace as Law

import numpy as np
import pytest

from cellstate import systems
from cellstate.kinetics import _grid as grid

WELL = systems.DoubleWell(D=1 / 3)
X = np.array([[-0.5], [0.0], [0.5]])


def walk(diffusion=1.0, drift=0.0):
    """Constant drift between A = {x <= 0} and B = {x >= 1}."""
    return Law(
        drift=lambda x, t=0.0: np.full_like(x, drift),
        diffusion=lambda x, t=0.0: np.full((len(x), 1, 1), diffusion),
        source=Law(distance=lambda x: x[:, 0]),
        target=Law(distance=lambda x: 1 - x[:, 0]),
    )


def solved(law, box, **options):
    return grid.solve_on_grid(law, law.source, law.target, box, **options)


def test_mass_of_a_free_walk():
    """D q'' + g q = 0: q = sin(k x) / sin(k), k = sqrt(g / D), above 1 in places."""
    x = np.linspace(0.05, 0.95, 19)[:, None]
    growth, drift = 8.0, 1.5
    found = solved(
        walk(), [(-0.5, 1.5)], division="mass", birth_rate=9.0, death_rate=1.0
    )
    k = np.sqrt(growth)
    exact = np.sin(k * x[:, 0]) / np.sin(k)
    assert exact.max() > 2
    np.testing.assert_allclose(found.committor(x), exact, rtol=1e-4)
    # With a drift c: q = e^{c (1 - x) / 2} sin(k x) / sin(k), k^2 = g - c^2 / 4.
    found = solved(walk(drift=drift), [(-0.5, 1.5)], division="mass", birth_rate=growth)
    k = np.sqrt(growth - drift**2 / 4)
    exact = np.exp(drift * (1 - x[:, 0]) / 2) * np.sin(k * x[:, 0]) / np.sin(k)
    np.testing.assert_allclose(found.committor(x), exact, rtol=1e-4)
    assert found.division == "mass"


def test_mass_is_refused_where_it_is_infinite():
    """The walk leaves at the rate pi^2 D = 9.87 per hour."""
    box = [(-0.5, 1.5)]
    finite = solved(walk(), box, division="mass", birth_rate=9.8)
    assert np.isfinite(finite.forward).all()
    with pytest.raises(FloatingPointError, match=r"multiply by 0\.13"):
        solved(walk(), box, division="mass", birth_rate=10.0)


def test_one_lineage_that_may_die():
    """D q'' - d q = 0: q = sinh(k x) / sinh(k)."""
    x = np.linspace(0.05, 0.95, 19)[:, None]
    for kind in ("random", "mass", "any"):
        found = solved(walk(0.5), [(-0.5, 1.5)], division=kind, death_rate=3.0)
        k = np.sqrt(6.0)
        np.testing.assert_allclose(
            found.committor(x), np.sinh(k * x[:, 0]) / np.sinh(k), atol=1e-6
        )
        assert np.isnan(found.nu)
        assert "stationary" in found.reason


def test_births_leave_one_lineage_alone():
    plain = solved(WELL, WELL.box)
    one = solved(WELL, WELL.box, division="random", birth_rate=0.3)
    np.testing.assert_array_equal(one.forward, plain.forward)
    assert one.k_ab == plain.k_ab


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_some_descendant(rate):
    found = solved(WELL, WELL.box, division="any", birth_rate=rate)
    exact = systems.branching_committor(WELL, rate, X)
    np.testing.assert_allclose(found.committor(X), exact, atol=1e-5)
    assert found.residual < 1e-10


def test_order_of_the_three_kinds():
    """One lineage <= some descendant <= the expected number."""
    birth = lambda x: 0.05 + 0.1 * (x[:, 0] > 0)  # noqa: E731
    one, some, mass = (
        solved(WELL, WELL.box, n=400, division=k, birth_rate=birth, death_rate=0.02)
        for k in ("random", "any", "mass")
    )
    assert (one.forward <= some.forward + 1e-12).all()
    assert (some.forward <= mass.forward + 1e-12).all()
    assert (mass.forward - one.forward).max() > 0.05


@pytest.mark.parametrize("source", ["with A", "without"])
def test_horizons(source):
    times = [0.5, 5.0, 1.0]
    a = WELL.source if source == "with A" else None
    found = grid.solve_within(WELL, a, WELL.target, WELL.box, times)
    route = systems.committor_within if a else systems.reach_within
    np.testing.assert_allclose(found.committor(X), route(WELL, times, X), atol=2e-5)
    again = grid.GridHorizons.from_dict(found.to_dict())
    np.testing.assert_array_equal(again.committor(X), found.committor(X))


def test_long_horizons_end_in_the_committor():
    for kind in ("random", "any"):
        rates = {"birth_rate": 0.3, "death_rate": 0.05}
        long = grid.solve_within(
            WELL, WELL.source, WELL.target, WELL.box, 300.0, division=kind, **rates
        )
        limit = solved(WELL, WELL.box, n=1000, division=kind, **rates)
        np.testing.assert_allclose(long.forward[0], limit.forward, atol=1e-5)


def test_mass_within_a_time_grows_with_the_cells():
    """A constant growth g and no death: mass to first order in a short time."""
    law = walk()
    x, hours = np.array([[0.5]]), 0.02
    plain, grown = (
        grid.solve_within(
            law, law.source, law.target, [(-0.5, 1.5)], hours, division=kind,
            birth_rate=2.0,
        ).committor(x)[0, 0]
        for kind in ("random", "mass")
    )  # fmt: skip
    # Each arrival at time s counts e^{g s}; nearly all come in the last half.
    assert plain * np.exp(2 * hours / 2) < grown < plain * np.exp(2 * hours)


def test_bad_rates_and_times_are_told():
    with pytest.raises(ValueError, match="at least 0"):
        solved(WELL, WELL.box, division="any", birth_rate=-1.0)
    with pytest.raises(ValueError, match="one number or have shape"):
        solved(WELL, WELL.box, division="any", birth_rate=lambda x: x)
    with pytest.raises(ValueError, match="must be one of"):
        solved(WELL, WELL.box, division="both")
    with pytest.raises(ValueError, match="above 0"):
        grid.solve_within(WELL, None, WELL.target, WELL.box, [0.0])
