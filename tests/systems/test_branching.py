"""Cells that divide, die and switch: formulas against matrices, time and simulation."""

import numpy as np
import pytest
from scipy.optimize import brentq

from cellstate.systems._lineages._branching import BranchingProcess
from cellstate.systems._lineages._chains import BirthDeathChain
from cellstate.systems._lineages._multitype import MultitypeBranching

GROWING = BranchingProcess(division_rate=1.0, death_rate=0.4)
CRITICAL = BranchingProcess(division_rate=0.7, death_rate=0.7)
SHRINKING = BranchingProcess(division_rate=0.3, death_rate=1.0)
YULE = BranchingProcess(division_rate=0.8)
DYING = BranchingProcess(division_rate=0.0, death_rate=0.5)
STILL = BranchingProcess(division_rate=0.0)
CLONES = [GROWING, CRITICAL, SHRINKING, YULE, DYING, STILL]

TISSUE = MultitypeBranching(
    division_rates=(1.0, 0.2, 0.0),
    death_rates=(0.1, 0.3, 0.5),
    switching=((0.0, 0.5, 0.2), (0.1, 0.0, 0.3), (0.05, 0.0, 0.0)),
)
FATES = MultitypeBranching(  # undecided cells 0 and 1; fates 2 and 3
    division_rates=(0.6, 0.3, 0.1, 0.1),
    death_rates=(0.1, 0.2, 0.0, 0.0),
    switching=((0, 0.4, 0.1, 0), (0.5, 0, 0, 0.3), (0, 0, 0, 0), (0, 0, 0, 0)),
)
RARE = 4.5  # standard errors: one test in about 150,000 fails by chance


@pytest.mark.parametrize("clone", CLONES)
@pytest.mark.parametrize("t", [0.0, 0.7, 3.0])
def test_law_of_the_count_by_formula_and_by_matrix(clone, t):
    n = np.arange(800)
    law = clone.probability(n, t)
    np.testing.assert_allclose(clone.probability_by_matrix(n, t), law, atol=1e-12)
    assert law.sum() == pytest.approx(1, abs=1e-12)
    assert law @ n == pytest.approx(float(clone.mean(t)), rel=1e-10)
    spread = law @ (n - law @ n) ** 2
    assert spread == pytest.approx(float(clone.variance(t)), rel=1e-9, abs=1e-12)
    assert law[0] == pytest.approx(clone.extinction(t), abs=1e-15)


def test_chances_multiply_over_time():
    # Chapman and Kolmogorov: lines live s + t if one of those at s has kin t later.
    s, t, n = 0.8, 1.3, np.arange(600)
    for clone in (GROWING, CRITICAL, SHRINKING):
        composed = clone.probability(n, s) @ clone.extinction(t) ** n
        assert composed == pytest.approx(clone.extinction(s + t), rel=1e-12)


def test_extinction_in_the_end():
    assert GROWING.extinction() == pytest.approx(0.4)
    assert [c.extinction() for c in (CRITICAL, SHRINKING, DYING)] == [1, 1, 1]
    assert [c.extinction() for c in (YULE, STILL)] == [0, 0]
    for clone in (GROWING, SHRINKING):
        assert clone.extinction(200.0) == pytest.approx(clone.extinction(), rel=1e-12)
    assert CRITICAL.extinction(10.0) == pytest.approx(7 / 8)  # b t / (1 + b t)


def test_another_unit_of_time_changes_nothing():
    slow = BranchingProcess(division_rate=1.0 / 60, death_rate=0.4 / 60)
    n = np.arange(50)
    np.testing.assert_allclose(
        slow.probability(n, 120.0), GROWING.probability(n, 2.0), rtol=1e-12
    )


def test_a_large_mean_does_not_overflow():
    assert GROWING.extinction(1e4) == pytest.approx(0.4)
    assert np.isfinite(GROWING.probability([0, 1, 5], 1e4)).all()


@pytest.mark.parametrize("clone", CLONES)
def test_simulated_clones_follow_the_law(clone):
    n = 20_000
    last = clone.simulate(np.ones(n, int), n_frames=3, frame_interval=0.75, rng=4)[-1]
    mean, variance = float(clone.mean(1.5)), float(clone.variance(1.5))
    assert abs(last.mean() - mean) <= RARE * np.sqrt(variance / n) + 1e-12
    gone = clone.extinction(1.5)
    assert abs((last == 0).mean() - gone) <= RARE * np.sqrt(gone * (1 - gone) / n)
    fourth = np.mean((last - mean) ** 4)
    error = np.sqrt(max(fourth - variance**2, 0) / n)
    assert abs(last.var() - variance) <= RARE * error + 1e-12


def test_clones_in_any_shape_and_the_same_from_the_same_seed():
    for shape in ((), (5,), (2, 3)):
        start = np.full(shape, 2)
        run = YULE.simulate(start, n_frames=4, frame_interval=0.5, rng=1)
        assert run.shape == (4, *shape)
        assert (np.diff(run, axis=0) >= 0).all()  # without death none is lost
        again = YULE.simulate(start, n_frames=4, frame_interval=0.5, rng=1)
        np.testing.assert_array_equal(run, again)


# Several types


def test_growth_and_composition_by_two_routes():
    final = TISSUE.composition()
    assert final.sum() == pytest.approx(1)
    np.testing.assert_allclose(TISSUE.composition_by_time(), final, atol=1e-10)
    np.testing.assert_allclose(
        TISSUE.composition_by_time([0, 0, 1.0]), final, atol=1e-10
    )
    # In the end every type grows at one rate, that of the whole.
    np.testing.assert_allclose(final @ TISSUE.rates, TISSUE.growth_rate * final)
    net = np.subtract(TISSUE.division_rates, TISSUE.death_rates)
    assert final @ net == pytest.approx(TISSUE.growth_rate)


def test_expected_numbers_add_up_over_time():
    np.testing.assert_allclose(TISSUE.mean(0.7) @ TISSUE.mean(1.1), TISSUE.mean(1.8))
    np.testing.assert_allclose(TISSUE.mean(0.0), np.eye(3), atol=1e-15)
    whole = TISSUE.mean(40.0).sum() / TISSUE.mean(39.0).sum()
    assert np.log(whole) == pytest.approx(TISSUE.growth_rate, rel=1e-9)


@pytest.mark.parametrize("law", [TISSUE, FATES])
def test_extinction_by_equation_and_by_time(law):
    chance = law.extinction()
    np.testing.assert_allclose(law.extinction_by_time(), chance, atol=1e-8)
    early, late = law.extinction_by_time(1.0), law.extinction_by_time(4.0)
    assert (early <= late).all()
    assert (late <= chance + 1e-9).all()


@pytest.mark.parametrize("clone", CLONES)
def test_one_type_is_the_plain_process(clone):
    law = MultitypeBranching(
        division_rates=(clone.division_rate,),
        death_rates=(clone.death_rate,),
        switching=((0.0,),),
    )
    # At exactly critical growth the root is double: half the digits.
    assert law.extinction()[0] == pytest.approx(clone.extinction(), abs=1e-7)
    assert law.extinction_by_time(2.0)[0] == pytest.approx(
        clone.extinction(2.0), abs=1e-9
    )
    assert law.mean(2.0)[0, 0] == pytest.approx(float(clone.mean(2.0)))
    assert law.growth_rate == pytest.approx(clone.growth_rate)
    np.testing.assert_array_equal(law.composition(), [1.0])


def test_branching_committor_by_equation_and_by_time():
    h = FATES.committor([2], [3])
    np.testing.assert_allclose(FATES.committor_by_time([2], [3]), h, atol=1e-8)
    assert h[2] == 0
    assert h[3] == 1
    sooner = FATES.committor_by_time([2], [3], t=1.0)
    assert (sooner <= h + 1e-9).all()
    # Both fates may be reached by one family, or neither: the sum is not 1.
    both = h + FATES.committor([3], [2])
    assert (np.abs(both[:2] - 1) > 0.01).all()


def test_branching_committor_of_one_free_type_is_a_root():
    # division h (1 - h) - death h - to_a h + to_b (1 - h) = 0 with .8, .3, .5, .4
    law = MultitypeBranching(
        division_rates=(0, 0.8, 0),
        death_rates=(0, 0.3, 0),
        switching=((0, 0, 0), (0.5, 0, 0.4), (0, 0, 0)),
    )
    root = brentq(
        lambda h: 0.8 * h * (1 - h) - 0.8 * h + 0.4 * (1 - h), 0, 1, xtol=1e-15
    )
    assert law.committor([0], [2])[1] == pytest.approx(root, rel=1e-13)


def test_without_division_it_is_the_committor_of_the_chain():
    chain = BirthDeathChain(births=(0.7, 1.1, 0.4, 0.9), deaths=(0.5, 0.8, 1.3, 0.2))
    rates = chain.generator()
    law = MultitypeBranching(
        division_rates=(0.0,) * 5,
        death_rates=(0.0,) * 5,
        switching=tuple(map(tuple, np.where(rates > 0, rates, 0.0).tolist())),
    )
    walk = chain.committor(0, 4)
    np.testing.assert_allclose(law.committor([0], [4]), walk, atol=1e-12)
    more = MultitypeBranching(
        division_rates=(0.2,) * 5, death_rates=(0.0,) * 5, switching=law.switching
    )
    assert (more.committor([0], [4])[1:4] > walk[1:4]).all()


def test_a_target_behind_the_source_is_never_reached():
    law = MultitypeBranching(
        division_rates=(1.0, 0.0, 0.0),
        death_rates=(0.0, 0.0, 0.0),
        switching=((0, 1, 0), (0, 0, 1), (0, 0, 0)),
    )
    np.testing.assert_array_equal(law.committor([1], [2]), [0, 0, 1])
    # A lonely source elsewhere leaves the way open.
    np.testing.assert_allclose(law.committor([2], [1]), [1, 1, 0])


def test_simulated_types_follow_the_expected_numbers():
    start = np.tile([3, 1, 0], (6000, 1))
    last = TISSUE.simulate(start, n_frames=2, frame_interval=1.5, rng=2)[-1]
    wanted = np.array([3, 1, 0]) @ TISSUE.mean(1.5)
    error = last.std(axis=0) / np.sqrt(len(last))
    assert (np.abs(last.mean(axis=0) - wanted) < RARE * error).all()
    one = TISSUE.simulate(
        np.tile([1, 0, 0], (6000, 1)), n_frames=2, frame_interval=4.0, rng=3
    )[-1]
    gone = TISSUE.extinction_by_time(4.0)[0]
    share = (one.sum(axis=-1) == 0).mean()
    assert abs(share - gone) < RARE * np.sqrt(gone * (1 - gone) / 6000)


def test_simulated_families_reach_the_target_as_often_as_said():
    # Fates that do not divide or switch back keep the record of having been reached.
    law = MultitypeBranching(
        division_rates=(0.6, 0.3, 0, 0),
        death_rates=(0.1, 0.2, 0, 0),
        switching=FATES.switching,
    )
    n = 4000
    start = np.tile([1, 0, 0, 0], (n, 1))
    last = law.simulate(start, n_frames=2, frame_interval=5.0, rng=6)[-1]
    for fate, other in ((3, 2), (2, 3)):
        chance = law.committor_by_time([other], [fate], t=5.0)[0]
        share = (last[:, fate] > 0).mean()
        assert abs(share - chance) < RARE * np.sqrt(chance * (1 - chance) / n)


def test_order_of_the_types_does_not_matter():
    order = [2, 0, 1]
    turned = MultitypeBranching(
        division_rates=tuple(np.array(TISSUE.division_rates)[order]),
        death_rates=tuple(np.array(TISSUE.death_rates)[order]),
        switching=tuple(map(tuple, np.array(TISSUE.switching)[np.ix_(order, order)])),
    )
    np.testing.assert_allclose(turned.extinction(), TISSUE.extinction()[order])
    np.testing.assert_allclose(turned.composition(), TISSUE.composition()[order])
    assert turned.growth_rate == pytest.approx(TISSUE.growth_rate)


def test_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="division_rate"):
        BranchingProcess(division_rate=-1.0)
    with pytest.raises(ValueError, match="death_rate"):
        BranchingProcess(division_rate=1.0, death_rate=np.nan)
    with pytest.raises(ValueError, match="times are 0 or above; found -1"):
        GROWING.mean(-1.0)
    with pytest.raises(ValueError, match="whole numbers"):
        GROWING.probability([0.5], 1.0)
    with pytest.raises(ValueError, match="20000"):
        GROWING.probability_by_matrix([1], 30.0)
    with pytest.raises(ValueError, match="m death rates"):
        MultitypeBranching(
            division_rates=(1.0,), death_rates=(1.0, 2.0), switching=((0.0,),)
        )
    with pytest.raises(ValueError, match="share types \\[2\\]"):
        FATES.committor([2], [2, 3])
    with pytest.raises(ValueError, match="0 to 3; found \\[4\\]"):
        FATES.committor([0], [4])
    with pytest.raises(ValueError, match="same rate"):
        MultitypeBranching(
            division_rates=(1.0, 1.0),
            death_rates=(0.0, 0.0),
            switching=((0.0, 0.0), (0.0, 0.0)),
        ).composition()
    with pytest.raises(ValueError, match="shape"):
        TISSUE.simulate([1, 2], n_frames=2, frame_interval=1.0)
