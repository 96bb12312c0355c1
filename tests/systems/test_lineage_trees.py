"""Kin on lineage trees: formulas against covariances of whole trees and simulation."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from cellstate.systems._lineages._lineage_trees import (
    BifurcatingAR,
    DivisionModes,
    kin_pairs,
    mothers,
    sister_phi,
)

KIN = [(u, v) for u in range(4) for v in range(4) if u + v]
MODES = DivisionModes(ss=0.35, sd=0.50, dd=0.15)


def ancestors(cell, mother):
    line = [cell]
    while mother[line[-1]] >= 0:
        line.append(mother[line[-1]])
    return line


def test_stored_correlations_of_kin():
    law = BifurcatingAR(mother=0.7, sister=0.5)
    found = [law.kin_correlation(u, v) for u, v in ((0, 1), (1, 1), (2, 2))]
    assert found == pytest.approx([0.70, 0.745, 0.36505], abs=1e-12)


@pytest.mark.parametrize("a", [0.7, -0.4, 0.0])
@pytest.mark.parametrize("rho", [0.5, -0.8, 0.0, 1.0])
@pytest.mark.parametrize(("u", "v"), KIN)
def test_every_kin_pair_has_the_correlation_of_the_recursion(a, rho, u, v):
    law = BifurcatingAR(mother=a, sister=rho)
    covariance = law.covariance(5)
    np.testing.assert_allclose(covariance.diagonal(), 1, atol=1e-12)
    first, second = kin_pairs(5, u, v).T
    np.testing.assert_allclose(
        covariance[first, second], law.kin_correlation(u, v), atol=1e-12
    )


def test_pairs_are_those_found_by_climbing_the_tree():
    mother = mothers(4)
    lines = [ancestors(cell, mother) for cell in range(15)]
    climbed = {}
    for i in range(15):
        for j in range(15):
            meet = next(cell for cell in lines[i] if cell in lines[j])
            kin = lines[i].index(meet), lines[j].index(meet)
            climbed.setdefault(kin, set()).add((i, j))
    for (u, v), expected in climbed.items():
        pairs = {tuple(pair) for pair in kin_pairs(4, u, v).tolist()}
        if u == v and u:
            pairs |= {(j, i) for i, j in pairs}
        assert pairs == expected


def test_simulated_trees_show_the_correlations():
    law = BifurcatingAR(mother=0.7, sister=0.5)
    trees = law.simulate(2000, 5, rng=11)
    x = trees.value.reshape(2000, 31)
    for u, v in ((0, 1), (1, 1), (2, 2), (1, 2), (3, 3)):
        first, second = kin_pairs(5, u, v).T
        found = np.corrcoef(x[:, first].ravel(), x[:, second].ravel())[0, 1]
        assert found == pytest.approx(law.kin_correlation(u, v), abs=0.03)
    # One cell per tree: independent draws from the stationary law.
    for cell in (0, 2, 30):
        assert kstest(x[:, cell], "norm").pvalue > 1e-3


def test_whole_covariance_of_simulated_trees():
    law = BifurcatingAR(mother=-0.5, sister=-0.6)
    x = law.simulate(20_000, 3, rng=4).value.reshape(-1, 7)
    exact = law.covariance(3)
    # Of normal values: Var(x_i x_j) = 1 + c_ij^2; 49 entries, 5 standard errors.
    error = np.sqrt((1 + exact**2) / len(x))
    assert (np.abs(x.T @ x / len(x) - exact) < 5 * error).all()


def test_arrays_describe_trees():
    trees = BifurcatingAR().simulate(3, 4, rng=0)
    born = trees.parent >= 0
    assert (~born).sum() == 3
    mother = trees.parent[born]
    np.testing.assert_array_equal(trees.tree[mother], trees.tree[born])
    step = trees.generation[born] - trees.generation[mother]
    assert (step == 1).all()
    assert (mother < np.flatnonzero(born)).all()
    daughters = np.bincount(mother, minlength=45)
    np.testing.assert_array_equal(daughters, np.where(trees.generation < 3, 2, 0))


def test_simulation_depends_on_the_seed_alone():
    one, same, other = (BifurcatingAR().simulate(2, 3, rng=s).value for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


def test_stored_numbers_of_division_modes():
    assert MODES.q == pytest.approx(0.6)
    assert MODES.independent_discordance == pytest.approx(0.48)
    assert MODES.phi == pytest.approx(-0.0417, abs=5e-5)
    assert MODES.pairs_for_power() == pytest.approx(7.84 / MODES.phi**2, rel=2e-3)
    assert MODES.pairs_for_power() == pytest.approx(4500, rel=0.01)
    strong = DivisionModes(ss=0.175, sd=0.65, dd=0.175)
    assert strong.phi == pytest.approx(-0.3)
    assert strong.pairs_for_power() == pytest.approx(87, abs=0.5)


def test_phi_is_the_correlation_of_two_fates_drawn_in_random_order():
    table = np.array([[MODES.ss, MODES.sd / 2], [MODES.sd / 2, MODES.dd]])
    q = table[0].sum()
    assert MODES.phi == pytest.approx((table[0, 0] - q**2) / (q * (1 - q)), rel=1e-12)
    free = DivisionModes(ss=0.36, sd=0.48, dd=0.16)
    assert free.phi == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_pairs_needed_by_both_routes(power):
    # The formula leaves out rejections on the wrong side: below 1e-3 at half power.
    assert MODES.pairs_by_chi_square(power) == pytest.approx(
        MODES.pairs_for_power(power), rel=1e-3
    )


def test_simulated_power_and_level_of_the_test():
    n, runs = 500, 20_000
    threshold = chi2.isf(0.05, 1)
    for modes, known in (
        (DivisionModes(ss=0.32, sd=0.56, dd=0.12), None),
        (DivisionModes(ss=0.36, sd=0.48, dd=0.16), 0.05),
    ):
        found = n * sister_phi(modes.simulate(n, (runs,), rng=2)) ** 2 > threshold
        expected = modes.power(n) if known is None else known
        # The chi-square law of a count of 500 is itself off by about a per cent.
        error = np.sqrt(expected * (1 - expected) / runs)
        assert found.mean() == pytest.approx(expected, abs=4 * error + 0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BifurcatingAR(mother=1.0), "found 1.0"),
        (lambda: BifurcatingAR(sister=1.1), "found 1.1"),
        (lambda: DivisionModes(ss=0.5, sd=0.5, dd=0.5), "sum to 1"),
        (lambda: DivisionModes(ss=1.2, sd=-0.2, dd=0.0), "0 or above"),
        (lambda: DivisionModes(ss=1.0, sd=0.0, dd=0.0).phi, "all daughters are alike"),
        (lambda: kin_pairs(3, 1, 3), "need 4 generations"),
        (lambda: BifurcatingAR().simulate(0, 3), "n_trees"),
    ],
)
def test_impossible_requests_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
