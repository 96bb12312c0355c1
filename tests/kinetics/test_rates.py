"""Rates of chains with exact answers, their intervals, and small cases by hand."""

import numpy as np
import pytest

from cellstate.kinetics import estimate_rates
from cellstate.tracks import Tracks

DT = 0.25
# A - between - B: the chance per frame to go from row to column.
P = np.array([[0.92, 0.08, 0.0], [0.3, 0.5, 0.2], [0.0, 0.05, 0.95]])


@pytest.fixture(scope="module")
def exact():
    """Stationary law, committors and rates of the chain, by its formulas."""
    values, vectors = np.linalg.eig(P.T)
    law = np.real(vectors[:, np.argmax(np.real(values))])
    law /= law.sum()
    q = 0.2 / 0.5  # leaves "between" to B rather than A
    forward = np.array([0, q, 1])
    backward = 1 - forward  # three states in a row are reversible
    nu = (law * backward)[:2] @ P[:2, 2] / DT
    return {
        "law": law,
        "forward": forward,
        "backward": backward,
        "nu": nu,
        "k_ab": nu / (law @ backward),
        "k_ba": nu / (law @ (1 - backward)),
        "wait": np.array([0, DT / 0.5, 0]),  # leaves with chance 0.5 per frame
        "path": DT * law[1] * q * (1 - q) / (nu * DT),
    }


@pytest.fixture(scope="module")
def simulate(chain_paths, exact):
    """Rates from tracks of random length that begin in the stationary law."""

    def run(seed, n_tracks=60, n_frames=40, **options):
        rng = np.random.default_rng(seed)
        start = rng.choice(3, size=n_tracks, p=exact["law"])
        states = chain_paths(P, n_tracks, n_frames, rng, start)
        length = rng.integers(5, n_frames + 1, n_tracks)
        keep = (np.arange(n_frames) < length[:, None]).ravel()
        frame = np.tile(np.arange(n_frames), n_tracks)[keep]
        track = np.repeat(np.arange(n_tracks), n_frames)[keep]
        seen = states.ravel()[keep]
        return estimate_rates(
            Tracks.from_arrays(track=track, frame=frame, time=frame * DT),
            seen == 0,
            seen == 2,
            exact["forward"][seen],
            exact["backward"][seen],
            decision_time=exact["wait"][seen],
            frame_interval=DT,
            rng=seed,
            **options,
        )

    return run


def test_rates_of_a_chain(simulate, exact):
    rates = simulate(1, n_tracks=4000, n_bootstrap=100)
    for name in ("k_ab", "k_ba", "nu"):
        # About 4000 independent tracks: the interval itself is narrow enough.
        found = getattr(rates, name)
        se = (found.high - found.low) / (2 * 1.96)
        assert abs(found.value - exact[name]) < 3 * se
        assert se < 0.05 * exact[name]
    path = rates.transition_path_time
    assert path.unit == "h"
    assert path.value == pytest.approx(exact["path"], rel=0.1)
    # 4000 tracks of 5..40 frames have 21.5 steps on average.
    hours = 4000 * 21.5 * DT
    share_a = exact["law"] @ exact["backward"]
    assert rates.exposure == pytest.approx(hours * share_a, rel=0.03)


@pytest.mark.parametrize("name", ["k_ab", "k_ba"])
def test_intervals_cover_the_exact_rate(simulate, exact, name):
    runs = [getattr(simulate(s, n_bootstrap=200), name) for s in range(60)]
    covered = np.mean([r.low <= exact[name] <= r.high for r in runs])
    # 60 runs at 0.95 have a standard error of 0.03.
    assert covered > 0.95 - 3 * 0.03
    # They are no wider than they must be.
    width = np.mean([r.high - r.low for r in runs]) / (2 * 1.96)
    spread = np.std([r.value for r in runs])
    assert 0.75 < width / spread < 1.35


def test_a_two_state_process_seen_at_intervals(chain_paths, tracks_of):
    """k_AB (1 - exp(-(k_AB + k_BA) dt)) / ((k_AB + k_BA) dt) transitions per hour."""
    k_ab, k_ba, dt = 0.5, 1.5, 0.2
    moved = (1 - np.exp(-(k_ab + k_ba) * dt)) / (k_ab + k_ba)
    p = np.array([[1 - k_ab * moved, k_ab * moved], [k_ba * moved, 1 - k_ba * moved]])
    rng = np.random.default_rng(4)
    states = chain_paths(p, 300, 100, rng, rng.random(300) > k_ba / (k_ab + k_ba))
    in_b = states.ravel() == 1
    rates = estimate_rates(
        tracks_of(300, 100),
        ~in_b,
        in_b,
        in_b.astype(float),
        (~in_b).astype(float),
        decision_time=np.zeros(in_b.size),
        frame_interval=dt,
        n_bootstrap=200,
        rng=0,
    )
    for found, k in ((rates.k_ab, k_ab), (rates.k_ba, k_ba)):
        se = (found.high - found.low) / (2 * 1.96)
        assert abs(found.value - k * moved / dt) < 3 * se
        # Far enough from the continuous rate to tell the two apart.
        assert abs(k * moved / dt - k) > 3 * se
    # Nothing lies between A and B, so crossing takes no frame.
    assert rates.transition_path_time.value == 0


# By hand


@pytest.fixture
def by_hand(family):
    """Mother in A until row 1; the first daughter enters B in row 4."""
    tracks = Tracks.from_arrays(**family)

    def rates(source, target, forward=0.5, backward=0.5, wait=1.0, **options):
        masks = [np.isin(np.arange(8), rows) for rows in (source, target)]
        return estimate_rates(
            tracks,
            *masks,
            np.full(8, forward),
            np.full(8, backward),
            decision_time=np.full(8, wait),
            frame_interval=0.5,
            n_bootstrap=20,
            rng=0,
            **options,
        )

    return rates


def test_a_family_by_hand(by_hand):
    rates = by_hand([0, 1], [4, 5])
    # Two steps in A; from row 2 one daughter needs 0.5 h more to B, the other was seen
    # for 0.5 h and then needs 1 h more, in the mean: 0.5 + (0.5 + 1.5) / 2 h.
    assert rates.exposure == pytest.approx(1.0 + 1.5)
    # The exit into row 2 leads to B with the mean chance of both daughters.
    assert rates.k_ab.value == pytest.approx((1 + 0.5) / 2 / 2.5)
    assert rates.n_events == 1
    # 4>5 is the only step after B; nothing came back.
    assert rates.k_ba.value == 0
    assert rates.k_ba.high == pytest.approx(-np.log(0.05) / 0.5)
    assert rates.nu.value == pytest.approx(1 / 3)
    # On the way, with the chance to get there: row 2 (twice half) 0.75, row 3 1,
    # row 6 0.5.
    assert rates.transition_path_time.value == pytest.approx(0.5 * 2.25)
    # Seen from beginning to end: one passage in five steps of 0.5 h after A.
    assert rates.k_ab_events.value == pytest.approx(1 / 2.5)
    assert rates.k_ab_events.low == pytest.approx(0.025318 / 2.5, rel=1e-4)
    assert rates.k_ab_events.high == pytest.approx(5.571643 / 2.5, rel=1e-6)


def test_an_unknown_past_is_filled_by_the_backward_committor(by_hand):
    rates = by_hand([], [4], backward=0.25)
    # Nothing is known before row 4.
    assert rates.nu.value == pytest.approx(0.25 / 3)
    assert rates.n_events == 0  # none seen for sure to come from A
    # Nobody was seen in A: no time at risk.
    assert np.isnan(rates.k_ab.value)


def test_steps_of_unknown_past_without_a_committor_do_not_count(by_hand):
    rates = by_hand([2], [4], backward=np.nan)
    # Rows 0 and 1 are left out: 2>3 and 2>6 (half each), 3>4, 6>7, and 4>5 after B.
    assert rates.nu.value == pytest.approx(1 / 2.0)
    # Nothing before row 2 is needed for what leaves it.
    assert rates.exposure == pytest.approx(0.5 + (0.5 + 1.5) / 2)
    assert rates.k_ab.value == pytest.approx((1 + 0.5) / 2 / 1.5)


def test_cells_that_all_start_in_a_have_the_same_rate(chain_paths, exact):
    """Half of what passes is still on the way when the tracks end."""
    n_tracks, n_frames = 4000, 6
    rng = np.random.default_rng(2)
    states = chain_paths(P, n_tracks, n_frames, rng, np.zeros(n_tracks, int)).ravel()
    frame = np.tile(np.arange(n_frames), n_tracks)
    rates = estimate_rates(
        Tracks.from_arrays(
            track=np.repeat(np.arange(n_tracks), n_frames), frame=frame, time=frame * DT
        ),
        states == 0,
        states == 2,
        exact["forward"][states],
        exact["backward"][states],
        decision_time=exact["wait"][states],
        frame_interval=DT,
        rng=0,
    )
    se = (rates.k_ab.high - rates.k_ab.low) / (2 * 1.96)
    assert abs(rates.k_ab.value - exact["k_ab"]) < 3 * se
    assert se < 0.05 * exact["k_ab"]
    # What was seen alone is far too little.
    assert rates.k_ab_events.high < exact["k_ab"] - 3 * se


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_no_event_leaves_an_upper_bound_only(tracks_of, level):
    nothing = np.zeros(40, dtype=bool)
    rates = estimate_rates(
        tracks_of(4, 10),
        ~nothing,
        nothing,
        np.zeros(40),
        np.ones(40),
        decision_time=np.zeros(40),
        frame_interval=0.5,
        level=level,
        rng=0,
    )
    exposure = 4 * 9 * 0.5
    assert rates.exposure == exposure
    assert rates.n_events == 0
    assert (rates.k_ab.value, rates.k_ab.low) == (0, 0)
    assert rates.k_ab.high == pytest.approx(-np.log(1 - level) / exposure)
    if level == 0.95:
        assert rates.k_ab.high == pytest.approx(3 / exposure, rel=0.002)
    assert "no event" in rates.k_ab.method
    assert rates.mfpt_ab.low == pytest.approx(1 / rates.k_ab.high)
    assert np.isnan(rates.mfpt_ab.value)
    assert np.isnan(rates.mfpt_ab.high)
    # No time in B at all: not even a bound.
    assert np.isnan(rates.k_ba.value)
    assert np.isnan(rates.k_ba.high)
