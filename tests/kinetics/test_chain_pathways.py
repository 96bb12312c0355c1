"""Chains from tracks, passage times, flux and pathways against known answers."""

import numpy as np
import pytest
from scipy import sparse

from cellstate.kinetics import (
    MarkovChain,
    chain_committor,
    chain_flux,
    count_transitions,
    dominant_pathways,
    estimate_chain,
    mean_passage_times,
)
from cellstate.tracks import Tracks

LAG, K = 0.5, 8


@pytest.fixture(scope="module")
def irreversible():
    return MarkovChain.of(np.random.default_rng(2).dirichlet(0.3 * np.ones(K), K), LAG)


def at(*states, k=K):
    return np.isin(np.arange(k), states)


A, B = at(0, 1), at(6, 7)


# Chains


def test_the_law_of_a_birth_death_chain_is_the_product_of_its_ratios():
    up, down = np.array([0.3, 0.2, 0.01]), np.array([0.1, 0.4, 0.2])
    p = np.diag(up, 1) + np.diag(down, -1)
    chain = MarkovChain.of(p + np.diag(1 - p.sum(axis=1)), LAG)
    exact = np.r_[1, np.cumprod(up / down)]
    np.testing.assert_allclose(chain.law, exact / exact.sum())
    assert chain.residual < 1e-14


def test_states_left_for_good_have_no_weight():
    p = np.array([[0.5, 0.5, 0], [0, 0.9, 0.1], [0, 0.3, 0.7]])
    np.testing.assert_allclose(MarkovChain.of(p, LAG).law, [0, 0.75, 0.25], atol=1e-15)


@pytest.mark.parametrize(
    ("p", "lag", "words"),
    [
        (np.eye(3), LAG, r"found 3 sets of states that are never left"),
        ([[1.0, 0.1], [0, 1]], LAG, r"found 1 that do not, e\.g\. row 0 with 1\.1"),
        ([[0.5, 0.5], [1, 0]], 0.0, "`lag` must be a number above 0"),
    ],
)
def test_no_chain(p, lag, words):
    with pytest.raises(ValueError, match=words):
        MarkovChain.of(p, lag)


def test_a_chain_survives_a_dict(irreversible):
    back = MarkovChain.from_dict(irreversible.to_dict())
    np.testing.assert_array_equal(back.transitions, irreversible.transitions)
    assert back.counts is None


# Counts


def test_each_daughter_has_half_of_a_step(family):
    """Mother 0-2 in cell 0, daughters 3-5 in cell 1 and 6-7 in cell 2."""
    place = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    one = count_transitions(Tracks.from_arrays(**family), place, 1).toarray()
    np.testing.assert_allclose(one, [[2, 0.5, 0.5], [0, 2, 0], [0, 0, 1]])
    # Over three frames: from all of the mother; daughters are too short.
    three = count_transitions(Tracks.from_arrays(**family), place, 3).toarray()
    np.testing.assert_allclose(three, [[0, 1.5, 1], [0, 0, 0], [0, 0, 0]])


def test_rows_without_a_cell_and_weights(tracks_of):
    place = np.array([0, 1, -1, 1, 0, 0])
    weight = np.array([1.0, 5, 5, 5, 3, 5])
    found = count_transitions(tracks_of(1, 6), place, 1, row_weight=weight).toarray()
    np.testing.assert_allclose(found, [[3, 1], [5, 0]])


def test_an_estimated_chain_is_the_chain(chain_paths, tracks_of, irreversible):
    p = irreversible.transitions
    states = chain_paths(p, 400, 100, 0, np.zeros(400, dtype=int))
    found = estimate_chain(tracks_of(400, 100), states.ravel(), 1, LAG)
    se = np.sqrt(p * (1 - p) / found.counts.sum(axis=1, keepdims=True))
    assert (np.abs(found.transitions - p) <= 5 * se + 1e-12).all()
    np.testing.assert_allclose(found.law, irreversible.law, atol=0.02)
    assert found.lost == 0


def test_cells_that_are_only_passed_are_left_out(tracks_of):
    place = np.array([3, 0, 1, 0, 1, 0, 1, 2])
    found = estimate_chain(tracks_of(1, 8), place, 1, LAG)
    np.testing.assert_array_equal(found.cells, [0, 1])
    assert found.lost == pytest.approx(2 / 7)
    with pytest.raises(ValueError, match=r"only 1 of 8 cells is left and entered"):
        estimate_chain(tracks_of(1, 8), np.arange(8), 1, LAG)


@pytest.mark.parametrize(
    ("place", "lag", "words"),
    [
        (np.zeros(8), 1, r"integers of shape \(8,\).*found dtype float64"),
        (np.zeros(8, dtype=int), 8, "no track shows a step of 8 frames"),
        (np.zeros(8, dtype=int), 0, "`lag_frames` must be an integer >= 1"),
    ],
)
def test_what_cannot_be_counted(tracks_of, place, lag, words):
    with pytest.raises(ValueError, match=words):
        count_transitions(tracks_of(1, 8), place, lag)


# Passage times


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_walk_with_a_wall_takes_the_square_of_the_way(form):
    """From i to k, reflected at 0: (k - i)(k + i) steps."""
    k = 10
    p = 0.5 * (np.eye(k + 1, k=1) + np.eye(k + 1, k=-1))
    p[0, 1] = 1.0
    p[k, k - 1 : k + 1] = 0.5, 0.5
    times, residual = mean_passage_times(form(p), at(k, k=k + 1), LAG)
    np.testing.assert_allclose(times, LAG * (k**2 - np.arange(k + 1) ** 2))
    assert residual < 1e-12


def test_what_may_be_missed_takes_for_ever():
    p = np.array([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    times, _ = mean_passage_times(p, at(1, k=3), LAG)
    np.testing.assert_array_equal(times, [np.inf, 0, np.inf])


def test_the_time_back_to_a_state_is_one_over_its_law(irreversible):
    """Kac: steps from a state until it is met again."""
    times, _ = mean_passage_times(irreversible.transitions, at(3), LAG)
    back = LAG + irreversible.transitions[3] @ times
    assert back == pytest.approx(LAG / irreversible.law[3])


# Committors and flux


def test_both_directions_sum_to_one(irreversible):
    q, behind, residual = chain_committor(irreversible, A, B)
    p, ahead, _ = chain_committor(irreversible, B, A)
    np.testing.assert_allclose(q + p, 1, atol=1e-12)
    np.testing.assert_allclose(behind + ahead, 1, atol=1e-12)
    assert residual < 1e-12
    assert np.abs(q + behind - 1).max() > 0.05  # it is not reversible


def test_a_reversible_chain_runs_back_as_ahead():
    w = np.random.default_rng(0).random((K, K)) ** 4
    w += w.T
    chain = MarkovChain.of(w / w.sum(axis=1, keepdims=True), LAG)
    q, behind, _ = chain_committor(chain, A, B)
    np.testing.assert_allclose(q + behind, 1, atol=1e-12)


def test_flux_is_conserved_and_is_what_a_long_path_shows(irreversible, chain_paths):
    found = chain_flux(irreversible, A, B)
    net, free = found.net, ~A & ~B
    np.testing.assert_allclose(net.sum(axis=1)[free], net.sum(axis=0)[free], atol=1e-13)
    assert net[A].sum() - net[:, A].sum() == pytest.approx(found.nu)
    assert net[:, B].sum() - net[B].sum() == pytest.approx(found.nu)
    back = chain_flux(irreversible, B, A)
    assert back.nu == pytest.approx(found.nu)  # as many return
    # Watch one path: passages, and the share of time since A was met last.
    n, tracks = 4000, 50
    path = chain_paths(irreversible.transitions, tracks, n, 1, np.zeros(tracks, int))
    met = np.where(A[path], 0, np.where(B[path], 1, -1))
    last = np.maximum.accumulate(np.where(met >= 0, np.arange(n), 0), axis=1)
    side = np.take_along_axis(met, last, axis=1)
    per_track = ((side[:, 1:] == 1) & (side[:, :-1] == 0)).sum(axis=1) / (n * LAG)
    se = per_track.std(ddof=1) / np.sqrt(tracks)
    assert abs(per_track.mean() - found.nu) < 4 * se
    assert found.k_ab == pytest.approx(found.nu / np.mean(side == 0), rel=0.02)


def test_the_unit_of_time(irreversible):
    slow = MarkovChain.of(irreversible.transitions, 3 * LAG)
    one, three = chain_flux(irreversible, A, B), chain_flux(slow, A, B)
    np.testing.assert_allclose(three.gross, one.gross / 3)
    assert three.k_ab == pytest.approx(one.k_ab / 3)


def test_sets_must_be_disjoint_and_filled(irreversible):
    with pytest.raises(ValueError, match=r"share states \[1\]; they must be disjoint"):
        chain_flux(irreversible, A, at(1, 7))
    with pytest.raises(ValueError, match="`target` holds none of the 8 states"):
        chain_flux(irreversible, A, at())
    with pytest.raises(ValueError, match=r"boolean mask of shape \(8,\)"):
        chain_flux(irreversible, np.array([0, 1]), B)


# Pathways


def test_pathways_carry_the_flux_of_a_chain(irreversible):
    found = chain_flux(irreversible, A, B)
    ways = dominant_pathways(found.net, [0, 1], [6, 7], fraction=1 - 1e-9)
    flux = np.array([f for _, f in ways])
    assert flux.sum() == pytest.approx(found.nu, rel=1e-6)
    assert (np.diff(flux) <= 1e-15).all()
    for way, carried in ways:
        assert way[0] in (0, 1)
        assert way[-1] in (6, 7)
        assert len(set(way)) == len(way)
        assert (found.net[way[:-1], way[1:]] >= carried - 1e-15).all()


def test_the_widest_way_is_taken_before_the_shortest():
    net = np.zeros((4, 4))
    net[0, 3], net[0, 1], net[1, 2], net[2, 3] = 1.0, 5.0, 5.0, 5.0
    assert dominant_pathways(net, [0], [3]) == [([0, 1, 2, 3], 5.0), ([0, 3], 1.0)]
