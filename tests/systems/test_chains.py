"""Birth-death chains: closed forms against linear solves, formulas and simulation."""

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.stats import chi2, poisson

from cellstate.systems._lineages._chains import BirthDeathChain

NUMBERS = ("nu", "k_ab", "k_ba", "last_a", "pi_a", "pi_b", "reactive", "gap")
FIELDS = (
    "committor", "committor_backward", "density", "passage_time", "exit_time"
)  # fmt: skip
ENDS = [(2, 9), (9, 2), (0, 11), (11, 0), (4, 5), (5, 4)]


@pytest.fixture
def chain():
    rates = np.random.default_rng(3).uniform(0.2, 2.0, (2, 11))
    return BirthDeathChain(births=tuple(rates[0]), deaths=tuple(rates[1]))


@pytest.mark.parametrize(("a", "b"), ENDS)
def test_closed_forms_agree_with_linear_solves(chain, a, b):
    sums, solved = chain.transition_paths(a, b), chain.transition_paths_by_solve(a, b)
    for name in NUMBERS:
        assert getattr(sums, name) == pytest.approx(getattr(solved, name), rel=1e-10)
    x = np.arange(12)[:, None]
    for name in FIELDS:
        one, other = getattr(sums, name)(x), getattr(solved, name)(x)
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("a", "b"), ENDS)
def test_identities_of_a_reversible_chain(chain, a, b):
    q, p = chain.committor(a, b), chain.committor(b, a)
    np.testing.assert_allclose(q + p, 1, atol=1e-12)
    assert q[a] == 0
    assert q[b] == 1
    rates = chain.generator()
    free = (q > 0) & (q < 1)
    np.testing.assert_allclose((rates @ q)[free], 0, atol=1e-12)
    paths = chain.transition_paths(a, b)
    back = chain.transition_paths(b, a)
    assert paths.nu == pytest.approx(back.nu, rel=1e-12)
    assert paths.k_ab == pytest.approx(back.k_ba, rel=1e-12)
    # The set is entered through its end, so the mean time is that from state a.
    assert paths.mfpt_ab == pytest.approx(chain.passage_time(b)[a], rel=1e-12)


def test_stationary_law_is_kept_and_in_detailed_balance(chain):
    pi, rates = chain.stationary(), chain.generator()
    kernel = null_space(rates.T)[:, 0]
    np.testing.assert_allclose(pi, kernel / kernel.sum(), rtol=1e-10)
    np.testing.assert_allclose(pi @ chain.transition_matrix(0.7), pi, rtol=1e-12)
    np.testing.assert_allclose(pi @ chain.step_matrix(0.2), pi, rtol=1e-12)
    flux = pi[:, None] * rates
    np.testing.assert_allclose(flux, flux.T, atol=1e-15)


def test_a_change_of_the_unit_of_time_scales_rates_only(chain):
    fast = BirthDeathChain(
        births=tuple(3 * np.array(chain.births)),
        deaths=tuple(3 * np.array(chain.deaths)),
    )
    one, other = chain.transition_paths(2, 9), fast.transition_paths(2, 9)
    np.testing.assert_allclose(fast.committor(2, 9), chain.committor(2, 9), rtol=1e-12)
    for name in ("nu", "k_ab", "gap"):
        assert getattr(other, name) == pytest.approx(3 * getattr(one, name), rel=1e-12)


@pytest.mark.parametrize("up", [0.5, 0.3, 0.6])
@pytest.mark.parametrize(("a", "b"), [(0, 10), (10, 0)])
def test_gamblers_ruin(up, a, b):
    n = np.arange(11)
    ratio = (1 - up) / up
    wins = n / 10 if up == 0.5 else (1 - ratio**n) / (1 - ratio**10)
    length = n * (10 - n) if up == 0.5 else (n - 10 * wins) / (1 - 2 * up)
    walk = BirthDeathChain.random_walk(10, up)
    expected = wins if a < b else 1 - wins
    np.testing.assert_allclose(walk.committor(a, b), expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(walk.exit_time(a, b), length, rtol=1e-11, atol=1e-11)


def test_relaxation_of_a_walk_between_two_walls():
    walk = BirthDeathChain.random_walk(9, 0.3)
    formula = 1 - 2 * np.sqrt(0.3 * 0.7) * np.cos(np.pi / 10)
    assert walk.gap() == pytest.approx(formula, rel=1e-12)
    steps = np.sort(np.linalg.eigvals(walk.step_matrix()).real)
    assert 1 - steps[-2] == pytest.approx(formula, rel=1e-10)


def test_immigration_and_death_give_a_poisson_law():
    chain = BirthDeathChain.immigration_death(5.0, 0.5, 80)
    np.testing.assert_allclose(
        chain.stationary(), poisson.pmf(np.arange(81), 10), rtol=1e-10
    )
    # Without the cut-off the slowest relaxation is death itself.
    assert chain.gap() == pytest.approx(0.5, rel=1e-9)
    mean = chain.transition_matrix(0.8)[3] @ np.arange(81)
    assert mean == pytest.approx(10 + (3 - 10) * np.exp(-0.4), rel=1e-10)


def test_rare_passages_keep_their_digits():
    steep = BirthDeathChain.random_walk(300, 0.1)
    q = steep.committor(0, 300)
    # (9 - 1) / (9^300 - 1), far below what a linear solve can tell from rounding.
    assert np.log(q[1]) == pytest.approx(np.log(8) - 300 * np.log(9), rel=1e-12)
    # Ruin from 200 with 300 out of sight: each unit takes 1 / 0.8 steps.
    assert steep.exit_time(0, 300)[200] == pytest.approx(200 / 0.8, rel=1e-9)


def test_simulated_chains_follow_the_transition_matrix(chain):
    runs = chain.simulate(np.full((2, 4000), 6), n_frames=3, frame_interval=0.8, rng=5)
    assert runs.shape == (3, 2, 4000)
    assert (runs[0] == 6).all()
    for frame, lag in ((1, 0.8), (2, 1.6)):
        expected = 8000 * chain.transition_matrix(lag)[6]
        seen = np.bincount(runs[frame].ravel(), minlength=12)
        often = expected > 5
        statistic = ((seen - expected)[often] ** 2 / expected[often]).sum()
        assert chi2.sf(statistic, often.sum() - 1) > 1e-3


def test_simulation_depends_on_the_seed_alone(chain):
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    args = {"n_frames": 4, "frame_interval": 0.5}
    one = chain.simulate(np.arange(12), **args, rng=8)
    np.testing.assert_array_equal(one, chain.simulate(np.arange(12), **args, rng=8))
    assert (one != chain.simulate(np.arange(12), **args, rng=9)).any()
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    assert chain.simulate(3, **args, rng=8).shape == (4,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BirthDeathChain(births=(1.0, 0.0), deaths=(1.0, 1.0)), "found 0 to 1"),
        (lambda: BirthDeathChain(births=(1.0,), deaths=(1.0, 1.0)), "found 1 and 2"),
        (lambda: BirthDeathChain(births=(), deaths=()), "k >= 1"),
        (lambda: BirthDeathChain.random_walk(4, 1.0), "between 0 and 1"),
        (lambda: BirthDeathChain.random_walk(4, 0.5).committor(2, 2), "found 2 twice"),
        (lambda: BirthDeathChain.random_walk(4, 0.5).passage_time(5), "found 5"),
        (lambda: BirthDeathChain.random_walk(4, 0.5).step_matrix(2.0), "at most 1"),
        (
            lambda: BirthDeathChain.random_walk(4, 0.5).simulate(
                [5], n_frames=2, frame_interval=1.0
            ),
            r"0\.\.4; found 5",
        ),
    ],
)
def test_impossible_requests_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
