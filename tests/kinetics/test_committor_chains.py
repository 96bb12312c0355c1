"""Committors on Markov chains with exact answers."""

import numpy as np
import pytest

from cellstate.kinetics import (
    committor_from_tracks,
    realised_fate,
    solve_committor,
    solve_horizon,
    stopped_pairs,
    sum_moments,
)
from cellstate.statespace import SmoothBasis
from cellstate.tracks import Tracks

K = 8  # walk on 0..K


@pytest.fixture(scope="module")
def indicators():
    """A basis as good as one indicator per integer: narrow Gaussians."""
    return SmoothBasis(
        landmarks=np.arange(K + 1.0)[:, None],
        whitening=np.eye(K + 1),
        center=np.array([K / 2]),
        bandwidth=0.15,
    )


def counted_chain(states):
    """Transition matrix by counting; the rows of unvisited states hold."""
    counts = np.zeros((K + 1, K + 1))
    np.add.at(counts, (states[:, :-1].ravel(), states[:, 1:].ravel()), 1)
    counts[counts.sum(axis=1) == 0] = np.eye(K + 1)[counts.sum(axis=1) == 0]
    return counts / counts.sum(axis=1, keepdims=True)


def chain_committor(p):
    inner = np.arange(1, K)
    q = np.zeros(K + 1)
    q[K] = 1
    q[inner] = np.linalg.solve(np.eye(K - 1) - p[np.ix_(inner, inner)], p[inner, K])
    return q


@pytest.fixture(scope="module")
def walk(chain_paths, ruin_matrix, tracks_of):
    """600 walks of 30 frames that step up with chance 0.6, until 0 or K."""
    rng = np.random.default_rng(2)
    states = chain_paths(ruin_matrix(K, 0.6), 600, 30, 1, rng.integers(1, K, 600))
    x = states.reshape(-1, 1).astype(float)
    return states, x, tracks_of(600, 30)


def test_with_indicators_it_is_the_committor_of_the_counted_chain(walk, indicators):
    states, x, tracks = walk
    pairs = stopped_pairs(tracks, x[:, 0] == 0, x[:, 0] == K)
    known, group = np.ones(len(x), bool), np.zeros(len(x), int)
    phi = indicators(x).__getitem__
    sums = sum_moments(phi, indicators.size, pairs, known, group)
    moments = sums.weighted(np.ones(1))
    model = solve_committor(indicators, moments, 1e-9)
    inner = np.arange(1.0, K)[:, None]
    np.testing.assert_allclose(
        model(inner), chain_committor(counted_chain(states))[1:K], atol=1e-5
    )
    assert model.residual < 1e-8


@pytest.mark.parametrize("lag", [1, 2, 5, 40])
@pytest.mark.parametrize("up", [0.5, 0.6])
def test_gamblers_ruin(chain_paths, ruin_matrix, ruin_chance, tracks_of, up, lag):
    n = 2000
    start = np.random.default_rng(0).integers(1, K, n)
    states = chain_paths(ruin_matrix(K, up), n, 25, 3, start)
    x = states.reshape(-1, 1).astype(float)
    fitted = committor_from_tracks(
        x,
        tracks_of(n, 25),
        x[:, 0] == 0,
        x[:, 0] == K,
        lag_frames=lag,
        folds=0,
        n_bootstrap=0,
        n_landmarks=80,
        penalty=0.01,
        rng=0,
    )
    inner = np.arange(1.0, K)
    exact = ruin_chance(inner, K, up)
    # 2000 independent fates would leave a standard error of at most this much.
    se = 0.5 / np.sqrt(n)
    assert np.abs(fitted.model(inner[:, None]) - exact).max() < 4 * se
    assert fitted.residual < 1e-8
    np.testing.assert_array_equal(fitted.forward[x[:, 0] == 0], 0)
    np.testing.assert_array_equal(fitted.forward[x[:, 0] == K], 1)


@pytest.mark.parametrize("steps", [0, 1, 3, 10])
def test_horizon_committor_is_the_hitting_chance_within_so_many_steps(
    walk, indicators, ruin_matrix, steps
):
    states, x, tracks = walk
    pairs = stopped_pairs(tracks, x[:, 0] == 0, x[:, 0] == K)
    known, group = np.ones(len(x), bool), np.zeros(len(x), int)
    phi = indicators(x).__getitem__
    sums = sum_moments(phi, indicators.size, pairs, known, group)
    moments = sums.weighted(np.ones(1))
    model = solve_horizon(indicators, moments, 1e-9, steps)
    inner = np.arange(1.0, K)[:, None]
    counted = np.linalg.matrix_power(counted_chain(states), steps)[1:K, K]
    np.testing.assert_allclose(model(inner), counted, atol=1e-5)
    exact = np.linalg.matrix_power(ruin_matrix(K, 0.6), steps)[1:K, K]
    assert np.abs(model(inner) - exact).max() < 4 * 0.5 / np.sqrt(600)


def test_horizon_committor_of_the_whole_fit(walk, ruin_matrix):
    _, x, tracks = walk
    fitted = committor_from_tracks(
        x,
        tracks,
        np.zeros(len(x), bool),
        x[:, 0] == K,
        horizon_frames=6,
        frame_interval=0.5,
        n_bootstrap=0,
        rng=0,
    )
    assert fitted.horizon == 3.0
    assert np.isnan(fitted.backward).all()
    exact = np.linalg.matrix_power(ruin_matrix(K, 0.6), 6)[:, K]
    error = fitted.forward - exact[x[:, 0].astype(int)]
    assert np.sqrt(np.mean(error**2)) < 0.03


def test_penalties_are_chosen_by_the_brier_score_of_held_out_lineages(walk):
    _, x, tracks = walk
    source, target = x[:, 0] == 0, x[:, 0] == K
    chosen = committor_from_tracks(x, tracks, source, target, n_bootstrap=0, rng=0)
    fate = realised_fate(tracks, source, target)
    judged = np.isfinite(fate) & ~source & ~target
    assert chosen.brier == pytest.approx(
        np.mean((chosen.forward[judged] - fate[judged]) ** 2)
    )
    for penalty in (0.1, 10.0):
        other = committor_from_tracks(
            x, tracks, source, target, n_bootstrap=0, penalty=penalty, rng=0
        )
        score = np.mean((other.forward[judged] - fate[judged]) ** 2)
        assert score >= chosen.brier - 1e-12


@pytest.fixture(scope="module", params=[0.5, 0.75])
def ring(request, chain_paths, tracks_of):
    """Stationary walk on a ring of 12 that turns one way with chance `up`."""
    n, up = 12, request.param
    p = np.zeros((n, n))
    p[np.arange(n), (np.arange(n) + 1) % n] = up
    p[np.arange(n), (np.arange(n) - 1) % n] = 1 - up
    start = np.random.default_rng(1).integers(0, n, 400)
    states = chain_paths(p, 400, 60, 8, start)
    angle = 2 * np.pi * states.ravel() / n
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return states.ravel(), x, tracks_of(400, 60), up


def test_backward_committor_against_the_reversed_chain(ring, ruin_chance):
    states, x, tracks, up = ring
    fitted = committor_from_tracks(
        x, tracks, states == 0, states == 6, n_bootstrap=0, penalty=0.01, rng=0
    )
    i = np.arange(1, 6)
    forward = np.r_[0, ruin_chance(i, 6, up), 1, ruin_chance(i[::-1], 6, 1 - up)]
    # The law is uniform, so the reversed chain turns the other way.
    backward = np.r_[1, 1 - ruin_chance(i, 6, 1 - up), 0]
    backward = np.r_[backward, 1 - ruin_chance(i[::-1], 6, up)]
    worst = [
        np.abs(fitted.forward - forward[states]).max(),
        np.abs(fitted.backward - backward[states]).max(),
    ]
    # About 400 * 60 / 12 = 2000 visits of each state.
    assert max(worst) < 0.06
    gap = np.abs(fitted.backward - (1 - fitted.forward)).max()
    if up == 0.5:
        assert gap < 0.1
    else:
        # Exact gap at its widest: 1 - q+ differs from q- by 0.93.
        assert gap > 0.8
    assert fitted.residual < 1e-8


@pytest.fixture(scope="module")
def small(chain_paths, ruin_matrix, tracks_of):
    """40 walks with a second, noisy coordinate; few enough for a landmark each."""
    rng = np.random.default_rng(3)
    states = chain_paths(ruin_matrix(K, 0.5), 40, 12, 5, rng.integers(1, K, 40))
    x = np.stack([states.ravel(), rng.normal(size=states.size)], axis=1)
    return x, tracks_of(40, 12), states.ravel() == 0, states.ravel() == K


def fit(x, tracks, source, target, **options):
    options = {"n_bootstrap": 3, "n_landmarks": 2000, "rng": 0} | options
    return committor_from_tracks(x, tracks, source, target, **options)


def test_both_directions_sum_to_one(small):
    x, tracks, source, target = small
    options = {"penalty": 1e-6, "folds": 0, "n_landmarks": 20, "n_bootstrap": 0}
    # Below the clip at 0 and 1, so that the identity holds for the functions.
    one = fit(x, tracks, source, target, **options)
    other = fit(x, tracks, target, source, **options)
    basis = one.model.basis
    total = basis(x) @ (one.model.coefficients + other.model.coefficients)
    np.testing.assert_allclose(total[~source & ~target], 1, atol=1e-4)


def test_rotating_and_scaling_the_state_space_changes_nothing(small):
    x, tracks, source, target = small
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    plain = fit(x, tracks, source, target)
    turned = fit(5.0 * x @ turn.T + [3, -8], tracks, source, target)
    np.testing.assert_allclose(turned.forward, plain.forward, atol=1e-5)
    np.testing.assert_allclose(turned.backward, plain.backward, atol=1e-5)


def test_permuting_rows_changes_nothing(small):
    x, tracks, source, target = small
    order = np.random.default_rng(6).permutation(len(x))
    mixed_tracks = Tracks.from_arrays(
        track=tracks.track[order], frame=tracks.frame[order], time=tracks.time[order]
    )
    plain = fit(x, tracks, source, target)
    mixed = fit(x[order], mixed_tracks, source[order], target[order])
    np.testing.assert_allclose(mixed.forward, plain.forward[order], atol=1e-6)
    np.testing.assert_allclose(mixed.backward, plain.backward[order], atol=1e-6)
    np.testing.assert_allclose(mixed.replicates, plain.replicates[order], atol=1e-4)


def test_the_unit_of_time_changes_nothing_but_the_horizon(small):
    x, tracks, source, target = small
    hours = fit(x, tracks, source, target, frame_interval=1.0, horizon_frames=3)
    days = fit(x, tracks, source, target, frame_interval=1 / 24, horizon_frames=3)
    np.testing.assert_array_equal(hours.forward, days.forward)
    assert hours.horizon / days.horizon == pytest.approx(24)


def test_a_seed_reproduces_and_the_global_state_is_left_alone(small):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (fit(*small, n_landmarks=50, rng=9) for _ in range(2))
    np.testing.assert_array_equal(first.forward, second.forward)
    np.testing.assert_array_equal(first.replicates, second.replicates)
    other = fit(*small, n_landmarks=50, rng=10)
    assert not np.array_equal(first.replicates, other.replicates)
    after = np.random.get_state()[1]  # noqa: NPY002
    np.testing.assert_array_equal(after, before)


def test_cells_are_judged_by_other_lineages(small):
    """What a lineage itself did must not enter its own prediction."""
    x, tracks, source, target = small
    fit_with = {"penalty": 0.1, "n_bootstrap": 0, "n_landmarks": 2000}
    plain = fit(x, tracks, source, target, **fit_with)

    # Let nobody see the step that takes a walker into a set for the first time.
    inside = source | target
    chosen = next(i for i in range(40) if np.argmax(inside[tracks.rows(i)]) > 3)
    rows = tracks.rows(chosen)
    met = np.argmax(inside[rows])
    broken = np.zeros(tracks.n_rows, dtype=bool)
    broken[rows[met]] = True
    unseen = Tracks.from_arrays(
        track=tracks.track, frame=tracks.frame, time=tracks.time, broken=broken
    )
    again = fit(x, unseen, source, target, **fit_with)
    np.testing.assert_array_equal(again.forward[rows[:met]], plain.forward[rows[:met]])
    others = ~inside & (tracks.index != chosen)
    assert np.abs(again.forward - plain.forward)[others].max() > 1e-3
    seen, not_seen = (
        fit(x, followed, source, target, **fit_with, folds=0).forward
        for followed in (tracks, unseen)
    )
    assert np.abs(seen - not_seen)[rows[:met]].max() > 1e-3


def test_undefined_rows_stay_undefined_and_hurt_nobody(small):
    x, tracks, source, target = small
    holes = x.copy()
    rows = np.flatnonzero(~source & ~target)[::37]
    holes[rows] = np.nan
    fitted = fit(holes, tracks, source, target)
    assert np.isnan(fitted.forward[rows]).all()
    assert np.isfinite(np.delete(fitted.forward, rows)).all()


def test_learning_from_some_rows_judges_all(small):
    x, tracks, source, target = small
    train = tracks.track <= 30
    before = fit(x, tracks, source, target, fit_rows=train, n_landmarks=30)
    wild = x.copy()
    wild[~train & ~source & ~target] *= -3  # must not matter to the others
    after = fit(wild, tracks, source, target, fit_rows=train, n_landmarks=30)
    np.testing.assert_allclose(after.forward[train], before.forward[train])
    assert np.isfinite(before.forward).all()


def test_backward_is_undefined_when_no_track_was_seen_to_come_from_a_set(walk):
    _, x, tracks = walk  # every walk begins outside and is held by 0 and K
    fitted = committor_from_tracks(
        x, tracks, x[:, 0] == 0, x[:, 0] == K, n_bootstrap=0, rng=0
    )
    inside = (x[:, 0] == 0) | (x[:, 0] == K)
    assert np.isnan(fitted.backward[~inside]).all()
    np.testing.assert_array_equal(fitted.backward[inside], x[inside, 0] == 0)


def test_nothing_to_learn_from_is_an_error(small):
    x, tracks, source, target = small
    alone = Tracks.from_arrays(
        track=np.arange(len(x)), frame=tracks.frame, time=tracks.time
    )
    with pytest.raises(ValueError, match=r"found none among 480 rows in 480 tracks"):
        fit(x, alone, source, target)
    first = tracks.frame == 0  # sets that are never entered
    with pytest.raises(ValueError, match=r"none of the \d+ transitions .* enters"):
        fit(x, tracks, first & (x[:, 0] < 4), first & (x[:, 0] >= 4))


# Targets that are events


def test_an_event_target_predicts_the_share_of_cells_about_to_divide(tracks_of):
    """State 0 or 1; a track ends in the event with chance 0.3 where its state is 1."""
    rng = np.random.default_rng(0)
    n = 4000
    x = rng.integers(0, 2, n)[:, None].astype(float)
    event = (rng.random(n) < 0.3) & (x[:, 0] == 1)
    fitted = committor_from_tracks(
        x,
        tracks_of(n // 2, 2),
        np.zeros(n, bool),
        event,
        target_is_event=True,
        horizon_frames=0,
        n_bootstrap=0,
        folds=0,
        penalty=1e-3,
        rng=0,
    )
    # Frame 1 rows say nothing about the future, and those in the event do take part.
    q = fitted.model(np.array([[0.0], [1.0]]))
    first = np.arange(n) % 2 == 0
    asked = first | event
    share = event[asked & (x[:, 0] == 1)].mean()
    assert q[0] == pytest.approx(0, abs=1e-3)
    assert q[1] == pytest.approx(share, abs=1e-3)
    # In the event itself the prediction stays a chance: the state does not show it.
    assert fitted.forward[event].max() < 0.7


def test_a_target_that_the_state_shows_is_certain(small):
    fitted = fit(*small, n_bootstrap=0)
    np.testing.assert_array_equal(fitted.forward[small[3]], 1)
