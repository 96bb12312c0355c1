"""Excursions by hand, over divisions, cut off; mean path time of a chain."""

import numpy as np
import pytest

from cellstate.kinetics._flux import reactive_segments, reactive_steps
from cellstate.tracks import Tracks

DT = 0.5
# A, two states in between that are left slowly, B.
P = np.array(
    [
        [0.90, 0.10, 0.00, 0.00],
        [0.05, 0.80, 0.15, 0.00],
        [0.00, 0.10, 0.85, 0.05],
        [0.00, 0.00, 0.10, 0.90],
    ]
)


@pytest.fixture(scope="module")
def exact():
    """Committors, and mean steps in between from A to B by the fundamental matrix."""
    inner = np.linalg.inv(np.eye(2) - P[1:3, 1:3])
    q = np.array([0, *(inner @ P[1:3, 3]), 1])
    # Conditioned on B, the chain in between moves by P_ij q_j / q_i.
    bound = P[1:3, 1:3] * q[1:3] / q[1:3, None]
    frames = np.linalg.inv(np.eye(2) - bound).sum(axis=1)
    return {"q": q, "hours": frames[0] * DT}  # each path begins in state 1


def segments_of(tracks, state, q, **options):
    return reactive_segments(
        state[:, None].astype(float),
        tracks,
        state == 0,
        state == 3,
        q[state],
        1 - q[state],
        frame_interval=DT,
        **({"rng": 0, "n_bootstrap": 50} | options),
    )


def row_of(states):
    frame = np.arange(len(states))
    return Tracks.from_arrays(track=frame * 0 + 1, frame=frame, time=frame * DT)


def test_a_track_is_cut_into_its_excursions(exact):
    state = np.array([1, 0, 0, 1, 2, 1, 0, 1, 2, 3, 2, 3, 3, 2, 2])
    table = segments_of(row_of(state), state, exact["q"]).table
    assert table["came_from"].tolist() == ["unknown", "A", "A", "B", "B"]
    assert table["goes_to"].tolist() == ["A", "A", "B", "B", "unknown"]
    assert table["frame_start"].tolist() == [0, 2, 6, 9, 12]
    assert table["frame_end"].tolist() == [1, 6, 9, 11, 14]
    # Rows 3 to 5 lie outside: three frames; cut ones last from row to row.
    np.testing.assert_allclose(table["duration"] / DT, [0.5, 3, 2, 1, 1.5])
    np.testing.assert_allclose(
        table["time_end"] - table["time_start"], table["duration"]
    )
    assert table["reactive"].tolist() == [False, False, True, False, False]
    assert table["left_censored"].tolist() == [True, False, False, False, False]
    assert table["right_censored"].tolist() == [False] * 4 + [True]
    np.testing.assert_allclose(table["weight"], [0, 0, 1, 0, 0])


def test_cut_ends_are_weighed_by_the_committors(exact):
    q = exact["q"]
    state = np.array([1, 2, 2])
    whole = segments_of(row_of(state), state, q).table
    np.testing.assert_allclose(whole["weight"], (1 - q[1]) * q[2])
    began = segments_of(row_of(np.r_[0, state]), np.r_[0, state], q).table
    np.testing.assert_allclose(began["weight"], q[2])
    assert began["duration"].tolist() == [2.5 * DT]


def test_a_step_from_set_to_set_is_a_path_without_duration(exact):
    state = np.array([0, 3, 0, 0])
    table = segments_of(row_of(state), state, exact["q"]).table
    assert table["reactive"].tolist() == [True, False]
    assert table["duration"].tolist() == [0, 0]


def test_daughters_share_their_mothers_part(family):
    tracks = Tracks.from_arrays(**family)
    state = np.array([0, 1, 1, 2, 2, 3, 2, 2])  # the second daughter is cut off
    q = np.array([0, 0.3, 0.6, 1])
    table = segments_of(tracks, state, q).table
    assert table["track_start"].tolist() == [1, 1]
    assert table["track_end"].tolist() == [2, 3]
    assert table["lineage"].tolist() == [1, 1]
    assert table["n_divisions"].tolist() == [1, 1]
    np.testing.assert_allclose(table["share"], 0.5)
    np.testing.assert_allclose(table["weight"], [0.5, 0.5 * 0.6])
    np.testing.assert_allclose(table["duration"] / DT, [4, 3.5])


def test_a_gap_ends_an_excursion_and_nothing_is_known_beyond(exact):
    frame = np.array([0, 1, 2, 5, 6])
    state = np.array([0, 1, 1, 1, 3])
    tracks = Tracks.from_arrays(track=[1] * 5, frame=frame, time=frame * DT)
    table = segments_of(tracks, state, exact["q"]).table
    assert table["goes_to"].tolist() == ["unknown", "B"]
    assert table["came_from"].tolist() == ["A", "unknown"]
    assert not table["reactive"].any()


@pytest.fixture(scope="module")
def cut(chain_paths):
    """Tracks of the chain that begin in A and are lost at a constant rate."""

    def run(seed, n_tracks, n_frames=120):
        rng = np.random.default_rng(seed)
        start = np.zeros(n_tracks, dtype=int)
        state = chain_paths(P, n_tracks, n_frames, rng, start)
        length = np.minimum(rng.geometric(1 / 25, n_tracks) + 1, n_frames)
        keep = (np.arange(n_frames) < length[:, None]).ravel()
        frame = np.tile(np.arange(n_frames), n_tracks)[keep]
        track = np.repeat(np.arange(n_tracks), n_frames)[keep]
        tracks = Tracks.from_arrays(track=track, frame=frame, time=frame * DT)
        return tracks, state.ravel()[keep]

    return run


def test_mean_path_time_is_not_shortened_by_cut_tracks(cut, exact):
    found = segments_of(*cut(0, 6000), exact["q"], n_bootstrap=100)
    time, table = found.transition_path_time, found.table
    se = (time.high - time.low) / (2 * 1.96)
    assert abs(time.value - exact["hours"]) < 3.5 * se
    assert se < 0.05 * exact["hours"]
    # Whole paths alone are short ones.
    whole = table["duration"][table["reactive"]].mean()
    assert whole < exact["hours"] - 6 * se
    assert time.n_effective == table["reactive"].sum()
    assert found.unresolved < 0.05


def test_the_interval_of_the_mean_path_time_covers(cut, exact):
    covered = 0
    for seed in range(40):
        time = segments_of(*cut(100 + seed, 400), exact["q"]).transition_path_time
        covered += time.low <= exact["hours"] <= time.high
    assert covered >= 34  # 95 % by name: fewer have a chance of 1 %


def test_paths_that_are_all_cut_off_have_no_upper_bound(chain_paths, exact):
    state = chain_paths(P, 400, 12, 0, np.zeros(400, dtype=int))
    frame = np.tile(np.arange(12), 400)
    tracks = Tracks.from_arrays(
        track=np.repeat(np.arange(400), 12), frame=frame, time=frame * DT
    )
    found = segments_of(tracks, state.ravel(), exact["q"])
    assert found.unresolved > 0.2
    assert found.transition_path_time.high == np.inf


def test_weights_of_paths_add_up_to_the_passages(cut, exact):
    """Without divisions each passage is one path, seen or filled."""
    tracks, state = cut(1, 2000)
    q = exact["q"]
    table = segments_of(tracks, state, q).table
    steps = reactive_steps(
        tracks, state == 0, state == 3, q[state], 1 - q[state], frame_interval=DT
    )
    seen = table["reactive"].sum()
    entries = steps.weight[(state[steps.after] == 3) & (state[steps.row] != 3)].sum()
    assert seen == pytest.approx(entries, rel=1e-12)
    leaving = steps.weight[(state[steps.row] == 0) & (state[steps.after] != 0)].sum()
    assert table["weight"][table["came_from"] == "A"].sum() == pytest.approx(leaving)


def test_order_of_rows_and_time_unit(cut, exact):
    tracks, state = cut(2, 200)
    one = segments_of(tracks, state, exact["q"])
    order = np.random.default_rng(1).permutation(state.size)
    mixed = Tracks.from_arrays(
        track=tracks.track[order], frame=tracks.frame[order], time=tracks.time[order]
    )
    other = segments_of(mixed, state[order], exact["q"])
    columns = ["track_end", "frame_start", "frame_end", "goes_to", "weight"]
    assert one.table[columns].equals(other.table[columns])
    value = one.transition_path_time.value
    assert other.transition_path_time.value == pytest.approx(value)


def test_bad_input_is_refused(exact):
    state = np.array([0, 0, 0])
    with pytest.raises(ValueError, match="no excursion outside A and B in 1 tracks"):
        segments_of(row_of(state), state, exact["q"])
    state = np.array([0, 1, 3, 2])
    with pytest.raises(
        ValueError, match=r"`n_channels`=2 needs as many paths.*found 1"
    ):
        segments_of(row_of(state), state, exact["q"], n_channels=2)
    with pytest.raises(ValueError, match="`level` must lie between 0 and 1"):
        segments_of(row_of(state), state, exact["q"], level=95)
