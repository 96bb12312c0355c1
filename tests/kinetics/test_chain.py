"""Chains with known sets, timescales, absorption and pathways."""

import numpy as np
import pytest
from scipy import sparse

from cellstate.kinetics._chain import (
    absorption_probabilities,
    dominant_pathways,
    implied_timescales,
    lump,
    macrostates_from_tracks,
    stationary_law,
)
from cellstate.tracks import Tracks

DT = 0.5


def blocks(size=4, leak=0.01, n=3, rng=0):
    """Chain of n blocks that mix at once and leak into one another."""
    p = np.full((n * size, n * size), leak / (n * size))
    for i in range(n):
        at = slice(i * size, (i + 1) * size)
        p[at, at] += np.random.default_rng(rng + i).dirichlet(np.ones(size), size) * (
            1 - leak
        )
    return p / p.sum(axis=1, keepdims=True)


def cycle(k=9, stay=0.2):
    """Three groups that follow one another round and round: complex eigenvalues."""
    p = np.zeros((k, k))
    for i in range(k):
        p[i, i], p[i, (i + 1) % k] = stay, 1 - stay
    return p


# Absorption


def test_the_gambler(ruin_matrix, ruin_chance):
    p = ruin_matrix(10, 0.4)
    at = np.arange(11)
    found, residual = absorption_probabilities(p, [at == 0, at == 10])
    np.testing.assert_allclose(found[:, 1], ruin_chance(at, 10, 0.4), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert residual < 1e-10


def test_a_large_sparse_chain_is_the_dense_solve():
    """Random links; solved iteratively and by a dense matrix."""
    rng, k = np.random.default_rng(0), 2500
    rows = np.repeat(np.arange(k), 12)
    links = sparse.csr_array(
        (rng.random(rows.size), (rows, rng.integers(k, size=rows.size))), shape=(k, k)
    )
    links = sparse.csr_array(links / links.sum(axis=1)[:, None])
    at = np.arange(k)
    sets = [at < 100, (at >= 100) & (at < 150), at >= k - 200]
    found, residual = absorption_probabilities(links, sets)
    inside = np.any(sets, axis=0)
    free = np.flatnonzero(~inside)
    dense = links.toarray()
    right = np.stack([dense[np.ix_(free, s)].sum(axis=1) for s in sets], axis=1)
    exact = np.linalg.solve(np.eye(free.size) - dense[np.ix_(free, free)], right)
    np.testing.assert_allclose(found[free], exact, atol=1e-7)
    assert residual < 1e-8


def test_states_that_reach_no_set_have_no_answer():
    p = np.eye(5)
    p[1] = [0.5, 0, 0.5, 0, 0]
    at = np.arange(5)
    found, _ = absorption_probabilities(p, [at == 0, at == 2])
    np.testing.assert_allclose(found[1], [0.5, 0.5])
    assert np.isnan(found[3:]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p[:3], r"square; found shape \(3, 4\)"),
        (lambda p: 2 * p, "found 4 that do not, e.g. row 0 with 2"),
        (
            lambda p: np.where(p == 0, -0.1, p + 0.1),
            "finite and 0 or more; found 12 entries",
        ),
    ],
)
def test_no_chain(change, words):
    at = np.arange(4)
    with pytest.raises(ValueError, match=words):
        absorption_probabilities(change(np.eye(4)), [at == 0, at == 3])


def test_sets_must_be_disjoint_and_some():
    p, at = np.eye(3), np.arange(3)
    with pytest.raises(ValueError, match="disjoint; found 1 cells"):
        absorption_probabilities(p, [at < 2, at > 0])
    with pytest.raises(ValueError, match="`sets` is empty"):
        absorption_probabilities(p, [])
    p[0, 1] = np.inf
    with pytest.raises(ValueError, match="finite and 0 or more"):
        absorption_probabilities(p, [at == 0, at == 2])


# Pathways


def test_pathways_add_up_and_come_by_width():
    rng = np.random.default_rng(1)
    net = np.zeros((6, 6))
    for way, flux in (((0, 1, 5), 3.0), ((0, 2, 4, 5), 2.0), ((0, 3, 5), 0.5)):
        net[list(way[:-1]), list(way[1:])] += flux
    found = dominant_pathways(net, [0], [5], fraction=1.0)
    assert found == [([0, 1, 5], 3.0), ([0, 2, 4, 5], 2.0), ([0, 3, 5], 0.5)]
    assert len(dominant_pathways(net, [0], [5], fraction=0.9)) == 2
    order = rng.permutation(6)
    at = np.argsort(order)
    turned = dominant_pathways(net[np.ix_(order, order)], [at[0]], [at[5]], 1.0)
    assert [flux for _, flux in turned] == [3.0, 2.0, 0.5]


def test_no_way_no_pathway():
    assert dominant_pathways(np.zeros((3, 3)), [0], [2]) == []
    with pytest.raises(ValueError, match="smallest value -1"):
        dominant_pathways(np.array([[0.0, -1.0], [0.0, 0.0]]), [0], [1])
    with pytest.raises(ValueError, match="`fraction` must be above 0"):
        dominant_pathways(np.zeros((2, 2)), [0], [1], fraction=1.5)


# Spectrum and sets


def test_timescales_of_two_states():
    a, b = 0.02, 0.05
    p = np.array([[1 - a, a], [b, 1 - b]])
    law, residual = stationary_law(p)
    np.testing.assert_allclose(law, [b / (a + b), a / (a + b)])
    assert residual < 1e-14
    assert implied_timescales(p, DT, 1)[0] == pytest.approx(-DT / np.log(1 - a - b))
    # Looking at every third frame changes nothing.
    third = np.linalg.matrix_power(p, 3)
    assert implied_timescales(third, 3 * DT, 1)[0] == pytest.approx(
        implied_timescales(p, DT, 1)[0]
    )
    assert implied_timescales(np.eye(2), DT, 1)[0] == np.inf


@pytest.mark.parametrize("m", [2, 3, 4])
def test_blocks_are_found(m):
    p = blocks(n=m)
    law, _ = stationary_law(p)
    found = lump(p, law, m)
    chi = found.memberships
    np.testing.assert_allclose(chi.sum(axis=1), 1)
    assert (chi >= 0).all()
    sets = chi.argmax(axis=1).reshape(m, 4)
    assert (sets == sets[:, :1]).all()
    assert len(set(sets[:, 0])) == m
    assert found.crispness > 0.95
    np.testing.assert_allclose(found.transitions.sum(axis=1), 1)
    np.testing.assert_allclose(found.weights, law @ chi)
    # The slow eigenvalues are kept exactly.
    slow = np.sort(np.abs(np.linalg.eigvals(p)))[-m:]
    kept = np.sort(np.abs(np.linalg.eigvals(found.transitions)))
    np.testing.assert_allclose(kept, slow, atol=1e-10)


def test_the_order_of_cells_does_not_matter(rng_order):
    p = blocks()
    order = rng_order(12)
    turned = p[np.ix_(order, order)]
    one = lump(p, stationary_law(p)[0], 3)
    two = lump(turned, stationary_law(turned)[0], 3)
    np.testing.assert_allclose(two.memberships, one.memberships[order], atol=0.02)


def test_a_cycle_is_not_parted_between_complex_eigenvalues():
    p = cycle()
    law, _ = stationary_law(p)
    with pytest.raises(ValueError, match="part a pair of complex eigenvalues"):
        lump(p, law, 2)
    found = lump(p, law, 3)
    np.testing.assert_allclose(found.weights.sum(), 1)
    assert (found.memberships >= 0).all()


# From tracks


@pytest.fixture(scope="module")
def watched(chain_paths):
    """Tracks of a chain of three blocks, each state a point in the plane."""
    p, n_tracks, n_frames = blocks(leak=0.05), 200, 80
    rng = np.random.default_rng(3)
    states = chain_paths(p, n_tracks, n_frames, rng, rng.integers(12, size=n_tracks))
    places = np.array([(4.0 * (i // 4), 1.0 * (i % 4)) for i in range(12)])
    frame = np.tile(np.arange(n_frames), n_tracks)
    track = np.repeat(np.arange(n_tracks), n_frames)
    x = places[states.ravel()] + 0.01 * rng.normal(size=(frame.size, 2))
    tracks = Tracks.from_arrays(track=track, frame=frame, time=frame * DT)
    return p, states.ravel(), x, tracks


def found_in(watched, **options):
    _, _, x, tracks = watched
    options = {"lag_frames": 1, "lags": [1, 2, 4], "n_cells": 12} | options
    return macrostates_from_tracks(
        x, tracks, frame_interval=DT, n_bootstrap=30, rng=0, **options
    )


def test_macrostates_of_tracks_are_the_blocks(watched):
    p, states, _, _ = watched
    found = found_in(watched)
    assert found.names == ("m1", "m2", "m3")
    assert "widest gap" in found.why
    sets = found.memberships.argmax(axis=1)
    for block in range(3):
        assert len(set(sets[states // 4 == block])) == 1
    assert found.certainty.min() > 0.8
    exact = implied_timescales(p, DT, 2)
    for row, low, high in zip(
        found.timescales, found.timescales_low, found.timescales_high, strict=True
    ):
        np.testing.assert_allclose(row[:2], exact, rtol=0.25)
        assert (low[:2] < row[:2]).all()
        assert (row[:2] < high[:2]).all()
    # It is a Markov chain, and the test does not deny it.
    assert found.largest_deviation < 4.5
    np.testing.assert_allclose(found.predicted[0], found.estimated[0])


def test_memory_is_seen(watched):
    """States seen only as left or right half of a walk that keeps its direction."""
    rng, n_tracks, n_frames = np.random.default_rng(0), 300, 60
    # Runs of exactly five frames in each of three sets: far from Markovian.
    start = rng.integers(15, size=n_tracks)
    steps = (start[:, None] + np.arange(n_frames)) // 5
    kind = np.array([0, 1, 2])[steps % 3].ravel()
    frame = np.tile(np.arange(n_frames), n_tracks)
    track = np.repeat(np.arange(n_tracks), n_frames)
    x = kind[:, None] + 0.01 * rng.normal(size=(frame.size, 1))
    found = macrostates_from_tracks(
        x,
        Tracks.from_arrays(track=track, frame=frame, time=frame * DT),
        lag_frames=1,
        lags=[1],
        frame_interval=DT,
        n_cells=6,
        n_states=3,
        rng=0,
    )
    assert found.largest_deviation > 10


def test_the_unit_of_time_does_not_matter(watched):
    _, _, x, tracks = watched
    about = {"lag_frames": 1, "lags": [1], "n_cells": 12, "n_bootstrap": 0, "rng": 0}
    one = macrostates_from_tracks(x, tracks, frame_interval=DT, **about)
    two = macrostates_from_tracks(x, tracks, frame_interval=3 * DT, **about)
    np.testing.assert_allclose(two.timescales, 3 * one.timescales)
    assert np.isnan(one.timescales_low).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lag_frames": 80}, "no track shows a step of 80 frames"),
        ({"n_cells": 10**6}, r"1000000 cells .* need as many states; found 16000"),
        ({"n_states": 12}, "from 2 to 11 sets can be made of 12 cells; found 12"),
    ],
)
def test_what_cannot_be_lumped(watched, options, words):
    with pytest.raises(ValueError, match=words):
        found_in(watched, **options)


def test_a_space_that_is_only_passed_through_is_refused(tracks_of):
    x = np.tile(np.arange(10.0), 20)[:, None]
    with pytest.raises(ValueError, match=r"only 1 of 5 .* entered again"):
        macrostates_from_tracks(
            x, tracks_of(20, 10), lag_frames=1, lags=[1], frame_interval=DT, n_cells=5
        )
