"""Rates from counts and from scores."""

import numpy as np
import pytest

from cellstate.transport import growth_prior_from_counts, growth_prior_from_scores


def test_counts_of_a_birth_death_process_give_its_growth():
    """1,000 lineages; each division and death is counted where the cell was."""
    rng = np.random.default_rng(0)
    state = rng.integers(0, 2, 1000)
    birth, death = np.array([0.08, 0.02])[state], np.array([0.01, 0.05])[state]
    hours = rng.exponential(1 / (birth + death))
    divided = rng.random(1000) < birth / (birth + death)
    rate = growth_prior_from_counts(divided, ~divided, hours, state)
    for code, truth in ((0, 0.07), (1, -0.03)):
        here = state == code
        assert np.ptp(rate[here]) == 0
        # A Poisson count of N events: the error of a rate is sqrt(N) / hours.
        error = np.sqrt(here.sum()) / hours[here].sum()
        assert abs(rate[here][0] - truth) < 3 * error


def test_few_counts_lean_on_the_average():
    divisions, deaths, hours = [10, 1], [0, 0], [100.0, 1.0]
    wild = growth_prior_from_counts(divisions, deaths, hours)
    np.testing.assert_allclose(wild, [0.1, 1.0])
    tame = growth_prior_from_counts(divisions, deaths, hours, prior_hours=50)
    average = 11 / 101
    np.testing.assert_allclose(tame, [(10 + 50 * average) / 150,
                                      (1 + 50 * average) / 51])  # fmt: skip


def test_scores_lie_between_the_stated_rates_and_keep_their_order():
    score = np.random.default_rng(1).normal(5, 100, 500)
    rate = growth_prior_from_scores(score, slowest=0.01, fastest=0.06)
    assert (rate > 0.01).all()
    assert (rate < 0.06).all()
    np.testing.assert_array_equal(np.argsort(rate), np.argsort(score))
    np.testing.assert_allclose(
        growth_prior_from_scores(3 * score - 7, slowest=0.01, fastest=0.06), rate
    )
    both = growth_prior_from_scores(score, score, slowest=0.01, fastest=0.06)
    np.testing.assert_allclose(both, 0, atol=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: growth_prior_from_counts([1], [-1], [1.0]), "`deaths` must be .*-1"),
        (lambda: growth_prior_from_counts([1, 0], [0, 0], [1.0, 0.0]), "1 states"),
        (lambda: growth_prior_from_counts([1], [0, 0], [1.0, 1.0]), r"`divis.*\(2,"),
        (lambda: growth_prior_from_counts([1], [0], [0.0]), "hours at risk"),
        (lambda: growth_prior_from_scores([1, 1], slowest=0, fastest=1), "differ"),
        (lambda: growth_prior_from_scores([1, 2], slowest=1, fastest=0), "slowest <"),
        (lambda: growth_prior_from_scores([1, 2], [1, 2, 3], slowest=0, fastest=1),
         r"one shape; found \(2,\), \(3,\)"),
    ],
)  # fmt: skip
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
