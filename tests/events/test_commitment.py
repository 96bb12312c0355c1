"""Commitment events of committors made by hand, and silence on null data."""

import numpy as np
import pytest

from cellstate.events import commitment_events
from cellstate.tracks import Tracks


def judge(series, *, spread=(), reached=(), interval=0.5, **options):
    """One track per series; `reached` tracks are in B in their last frame."""
    lengths = [len(s) for s in series]
    track = np.repeat(np.arange(len(series)), lengths)
    frame = np.concatenate([np.arange(n) for n in lengths])
    q = np.concatenate(series).astype(float)
    tracks = Tracks.from_arrays(
        track=track, frame=frame, time=frame * interval, last_frame=[frame.max()]
    )
    target = np.zeros(q.size, dtype=bool)
    for i in reached:
        target[tracks.last_row[i]] = True
    # Refits that shift the committor by so much.
    replicates = np.clip(q[:, None] + np.r_[0.0, spread], 0, 1)
    return commitment_events(tracks, q, replicates, target, **options)


@pytest.fixture
def quiet():
    """Thirty tracks that stay low: the null."""
    rng = np.random.default_rng(0)
    return [0.05 + 0.02 * rng.random(6) for _ in range(30)]


def row(result, index):
    return result.table.iloc[index]


def test_a_track_that_reaches_the_target(quiet):
    result = judge([[0.1, 0.5, 0.95, 0.97, 0.2], *quiet], reached=[0])
    event = row(result, 0)
    assert (event["status"], event["observed"]) == ("event", True)
    # The last waiting frame is frame 3 at most: 0.97 is above, B itself is frame 4.
    assert event["time"] == 2 * 0.5
    assert event["time_low"] == 1 * 0.5
    assert event["time_high"] == 2 * 0.5
    assert result.n_events == 1
    assert event["n_effective"] == 5


def test_commitment_is_the_last_passage(quiet):
    series = [0.1, 0.95, 0.4, 0.92, 0.95, 0.99]
    event = row(judge([series, *quiet], reached=[0]), 0)
    assert event["time"] == 3 * 0.5
    early = row(judge([series, *quiet], reached=[0], threshold=0.6), 0)
    assert early["time"] == 3 * 0.5
    late = row(judge([series, *quiet], reached=[0], threshold=0.97), 0)
    assert late["time"] == 5 * 0.5


def test_a_cell_that_enters_before_it_was_committed_commits_there(quiet):
    event = row(judge([[0.1, 0.2, 0.3], *quiet], reached=[0]), 0)
    assert event["time"] == 2 * 0.5
    assert event["status"] == "event"


def test_committed_from_the_first_frame_on_has_no_lower_bound(quiet):
    event = row(judge([[0.95, 0.97, 0.99], *quiet], reached=[0]), 0)
    assert event["time"] == 0
    assert event["time_low"] == -np.inf


def test_the_interval_joins_the_refits(quiet):
    series = [0.1, 0.7, 0.92, 0.96, 0.99, 0.99]
    event = row(judge([series, *quiet], reached=[0], spread=(0.25, -0.05)), 0)
    # The refits pass the threshold in frames 2, 1 and 3.
    assert event["time"] == 2 * 0.5
    assert event["time_low"] == 0 * 0.5
    assert event["time_high"] == 3 * 0.5


def test_what_is_undecided_is_said_with_its_reason(quiet):
    empty = np.full(4, np.nan)
    result = judge(
        [[0.1, 0.5, 0.6], empty, [0.05, 0.05, 0.08], [0.5], *quiet],
        spread=(0.05, -0.05),
    )
    expected = [
        ("undecidable", "the track ends inside the undecided band"),
        ("undecidable", "no frame has a committor"),
        ("undecidable", "refits to other lineages disagree"),
        ("undecidable", "the track ends inside the undecided band"),
    ]
    found = result.table[["status", "why"]].itertuples(index=False, name=None)
    assert list(found)[:4] == expected
    # Without an event there is no time; one frame gives no statistic.
    assert result.table["time"].isna().all()
    assert np.isnan(row(result, 3)["statistic"])
    assert np.isnan(row(result, 3)["p"])
    assert (row(result, 1)["n_effective"], row(result, 3)["n_effective"]) == (0, 1)
    assert result.n_tested == 32


def test_no_event_needs_all_refits_to_agree():
    series = [[0.05, 0.04, 0.02]] * 3
    assert (judge(series).table["status"] == "no_event").all()
    assert (judge(series, spread=(0.3,)).table["status"] == "undecidable").all()


def test_all_nan_committors_decide_nothing():
    result = judge([np.full(3, np.nan)] * 4)
    assert (result.table["status"] == "undecidable").all()
    assert (result.n_tested, result.n_null, result.n_events) == (0, 0, 0)


def test_one_frame_tracks():
    result = judge([[0.95], [0.05], [0.5]], reached=[0], target_is_event=True)
    assert result.table["status"].tolist() == ["event", "no_event", "undecidable"]
    assert row(result, 0)["time"] == 0


def test_the_statistic_is_the_log_odds_gained_and_ranked_among_the_null(quiet):
    result = judge([[0.2, 0.8, 0.3, 0.5], *quiet], reached=[0])
    event = row(result, 0)
    assert event["statistic"] == pytest.approx(2 * np.log(0.8 / 0.2))
    assert event["p"] == pytest.approx(1 / 31)
    assert result.n_null == 30
    # A track of the null is ranked among the 29 others.
    null = result.table.iloc[1:].sort_values("statistic", ascending=False)
    rank = np.where(null["statistic"] > 0, np.arange(1, 31), 30)  # ties rank last
    np.testing.assert_allclose(null["p"], rank / 30)


def test_ties_in_the_null_are_not_called_rare():
    result = judge([[0.3, 0.3]] * 10)
    np.testing.assert_array_equal(result.table["p"], 1)


@pytest.mark.parametrize("seen", [True, False])
def test_q_values_follow_benjamini_hochberg_in_each_family(quiet, seen):
    table = judge([[0.2, 0.9], [0.3, 0.9], *quiet], reached=[0, 1]).table
    family = table[table["observed"] == seen]
    p = np.sort(family["p"].to_numpy())
    by_hand = np.minimum.accumulate((p * p.size / np.arange(1, p.size + 1))[::-1])
    np.testing.assert_allclose(np.sort(family["q"]), by_hand[::-1])


def test_seen_events_do_not_pay_for_predicted_ones():
    """Aimless tracks beside ever more true events: none of them is called."""
    aimless = np.random.default_rng(0).uniform(0.01, 0.99, (100, 8))
    true = np.tile([0.05, 0.95], (300, 4))
    both = [*true, *aimless]
    result = judge(both, reached=range(300))
    predicted = (result.table["status"] == "event") & ~result.table["observed"]
    assert predicted.sum() == 0


def test_events_are_numbered_and_lineages_named():
    track = np.array([4, 4, 8, 9])
    tracks = Tracks.from_arrays(
        track=track,
        frame=[0, 1, 2, 2],
        time=[0, 1, 2, 2],
        parent_track=[-1, -1, 4, 4],
    )
    q = np.array([0.1, 0.5, 0.95, 0.5])
    target = track == 8
    result = commitment_events(tracks, q, q[:, None], target, movie_names=["field"])
    assert result.table["event"].tolist() == [-1, 0, -1]
    assert result.table["lineage"].tolist() == [4, 4, 4]
    assert result.table["track"].tolist() == [4, 8, 9]
    assert set(result.table["movie"]) == {"field"}
    assert result.table["ending"].tolist() == ["division"] + ["end_of_movie"] * 2


@pytest.mark.parametrize("threshold", [0.5, 0.2, 1.0, -0.1])
def test_a_threshold_is_above_one_half(threshold):
    with pytest.raises(ValueError, match=f"`threshold` must lie .* found {threshold}"):
        judge([[0.1, 0.2]], threshold=threshold)


# Silence on null data


def wandering(rng, n_tracks, n_frames=12):
    """Committors whose log-odds wander without aim."""
    odds = np.cumsum(rng.normal(0, 1.2, (n_tracks, n_frames)), axis=1) - 1
    return list(1 / (1 + np.exp(-odds)))


def test_no_event_is_predicted_where_nothing_ever_happens():
    rng = np.random.default_rng(1)
    for _ in range(20):
        result = judge(wandering(rng, 40), spread=(0.01,), fdr=0.1)
        assert result.n_events == 0


def test_shuffled_outcomes_predict_no_more_events_than_allowed():
    rng = np.random.default_rng(2)
    false, undecided = [], []
    for _ in range(60):
        # Who reaches the target has nothing to do with the committor.
        result = judge(wandering(rng, 40), reached=range(20), fdr=0.1)
        unseen = result.table[~result.table["observed"].astype(bool)]
        false.append((unseen["status"] == "event").mean())
        undecided.append((unseen["why"] == "committed, but q-value above 0.1").sum())
    # Each data set that calls anything is a false discovery.
    any_false = np.mean(np.array(false) > 0)
    assert any_false <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / 60)
    assert np.mean(false) <= 0.1
    # They would have been called without the q-value.
    assert np.sum(undecided) > 60


def test_p_values_of_exchangeable_tracks_are_uniform():
    rng = np.random.default_rng(3)
    n = 200
    p = [judge(wandering(rng, 20), reached=[0]).table["p"][0] for _ in range(n)]
    # Rank of one among 20: 20 equal chances. Chi square over 5 bins of 4 ranks.
    counts = np.histogram(p, bins=np.linspace(0, 1, 6) + 0.01)[0]
    counts[0] += n - counts.sum()
    chi_square = ((counts - n / 5) ** 2 / (n / 5)).sum()
    assert chi_square < 18.5  # 0.999 quantile with 4 degrees of freedom
    assert min(p) == pytest.approx(1 / 20)


def test_a_track_that_begins_in_a_state_was_not_seen_to_enter_it():
    tracks = Tracks.from_arrays(track=[1, 1], frame=[0, 1], time=[0.0, 0.5])
    q, inside = np.ones(2), np.ones(2, dtype=bool)
    seen = commitment_events(tracks, q, q[:, None], inside).table.iloc[0]
    assert seen["status"] == "undecidable"
    assert "already in the target" in seen["why"]
    division = commitment_events(
        tracks, q, q[:, None], inside, target_is_event=True
    ).table.iloc[0]
    assert division["status"] == "event"
