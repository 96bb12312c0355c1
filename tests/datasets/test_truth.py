"""The truth beside the cells: definitions, storage, and what estimates make of it."""

import json

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._adata._truth import Truth
from cellstate.datasets._cells._events import check_threshold
from cellstate.datasets._cells._grow import grow
from cellstate.datasets._cells._population import Population
from cellstate.datasets._cells._snapshots import to_snapshots
from cellstate.datasets._cells._tables import simulate_tracks
from cellstate.datasets._cells._truth import describe, true_cells
from cellstate.events import commitment_events
from cellstate.systems._laws._bifurcations import Pitchfork
from cellstate.systems._laws._ramp import RampedPitchfork
from cellstate.systems._laws._wells import DoubleWell
from cellstate.systems._regions import Ball, Box, HalfSpace, Union, above, below
from cellstate.tracks import Tracks

WELL = DoubleWell()  # committor: .03 at -.7, .9 at .5566, .97 at .7


def by_hand(tracks, law=WELL, interval=0.5):
    """Population from {track: (mother, first frame, [x, ...])}."""
    rows = [
        (track, mother, first + i, x)
        for track, (mother, first, path) in tracks.items()
        for i, x in enumerate(path)
    ]
    track, mother, frame, x = (np.array(c) for c in zip(*rows, strict=True))
    state = x[:, None].astype(float)
    n_frames = int(frame.max()) + 1
    mothers = {m for m, _, _ in tracks.values()}
    ending = ["division" if t in mothers else "end_of_movie" for t in tracks]
    none = np.zeros(track.size, dtype=bool)
    return Population(
        system=law,
        frame_interval=interval,
        time_unit=1.0,
        n_frames=n_frames,
        track=track,
        parent_track=mother,
        frame=frame,
        state=state,
        cycle=np.full(track.size, np.nan),
        met_source=none if law.source is None else law.source.contains(state),
        met_target=none if law.target is None else law.target.contains(state),
        control=none,
        ending=np.array(ending),
    )


def told(tracks, **options):
    return true_cells(by_hand(tracks, **options)).events.set_index("track")


# Definitions


def test_commitment_is_the_last_passage_before_b_is_met():
    events = told({1: (-1, 0, [-1.1, 0.0, 0.7, 0.1, 0.7, 0.8, 1.05, -1.2, 1.1])})
    assert events.loc[1, "event"] == "commitment"
    assert events.loc[1, "commitment_time"] == 2.0  # frame 4
    assert events.loc[1, "target_time"] == 3.0  # frame 6, the first visit
    assert events.loc[1, "came_from"] == "A"


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ([-1.1, 0.0, -0.9], "none"),
        ([-1.1, 0.0, 0.1], "undecided"),
        ([-1.1, 0.0, 0.8], "unfinished"),
        ([1.1, 0.0, 1.2], "already"),
        ([0.9, 0.95, 1.2], "commitment"),
        ([0.0, 1.2, 0.0], "commitment"),
    ],
)
def test_every_ending_has_a_name(path, event):
    assert told({1: (-1, 0, path)}).loc[1, "event"] == event


def test_times_of_special_tracks():
    def time(path):
        return told({1: (-1, 0, path)}).loc[1, "commitment_time"]

    assert time([0.9, 0.95, 1.2]) == 0.0  # never seen undecided: in its first frame
    assert time([0.0, 1.2, 0.0]) == 0.5  # jumps into B: there
    assert time([1.1, 0.0, 1.2]) == -np.inf
    assert np.isnan(time([-1.1, 0.0, 0.8]))


def test_daughters_are_told_with_their_mother():
    events = told(
        {
            1: (-1, 0, [-1.1, 0.0, 0.7, 1.1]),
            2: (1, 4, [1.2, 1.1]),  # in B as its mother was
            3: (1, 4, [0.8, 1.1]),  # left B and comes back
            4: (-1, 0, [-1.1, 0.0]),
            5: (4, 2, [1.1, 1.2]),  # born in B of a mother outside
            6: (4, 2, [0.0, -1.1]),
            7: (2, 6, [1.3, 1.0]),
        }
    )
    expected = {
        1: "commitment", 2: "already", 3: "commitment", 4: "undecided",
        5: "commitment", 6: "none", 7: "already",
    }  # fmt: skip
    assert events["event"].to_dict() == expected
    assert events["commitment_time"][[1, 2, 5, 7]].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert events["came_from"].tolist() == ["A", "B", "B", "A", "A", "A", "B"]
    assert events["ending"][[1, 5]].tolist() == ["division", "end_of_movie"]


def test_visits_between_frames_count():
    """B was met between frames 1 and 2; the row of frame 2 is outside again."""
    cells = by_hand({1: (-1, 0, [-1.1, 0.3, 0.7, 0.2])})
    cells.met_target[2] = True
    events = true_cells(cells).events
    assert events["event"].tolist() == ["commitment"]
    assert events["target_time"].tolist() == [1.0]


def test_the_rule_is_that_of_the_estimate():
    """With the true committor and B as seen, both tell the same events and times."""
    cells = grow(
        WELL, n_cells=150, n_frames=80, frame_interval=0.02, division_rate=0.8, rng=3
    )
    seen_b = WELL.target.contains(cells.state)
    cells = Population(**(vars(cells) | {"met_target": seen_b}))
    events = true_cells(cells).events
    tracks = Tracks.from_arrays(
        track=cells.track,
        frame=cells.frame,
        time=cells.frame * 0.02,
        parent_track=cells.parent_track,
    )
    q = WELL.committor(cells.state)
    found = commitment_events(tracks, q, np.empty((q.size, 0)), seen_b, fdr=0.99).table
    observed = found["observed"].to_numpy() & (found["status"] == "event").to_numpy()
    true = (events["event"] == "commitment").to_numpy()
    assert true.sum() > 40
    assert np.array_equal(observed, true)
    np.testing.assert_allclose(
        found["time"].to_numpy()[true], events["commitment_time"][true]
    )
    begun = found["why"].str.startswith("already").to_numpy()
    assert np.array_equal(begun, events["event"] == "already")


def test_a_ramp_has_sides_instead_of_sets():
    law = RampedPitchfork(D=0.01, eps=0.05)
    cells = grow(law, n_cells=200, n_frames=81, frame_interval=0.5, rng=4)
    true = true_cells(cells)
    events, x = true.events, cells.state[cells.frame == 80, 0]
    assert set(events["event"]) <= {"right", "left", "undecided"}
    assert (events["event"][x > 0.5] == "right").all()
    assert (events["event"][x < -0.5] == "left").all()
    share = (events["event"] == "right").mean()
    assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(200)
    assert "target_time" not in events
    assert "truth_set" not in true.rows
    # From the passage on the committor stays on its side.
    q = true.rows["truth_committor"].to_numpy().reshape(200, -1)
    late = (cells.frame * 0.5).reshape(200, -1) >= events[
        ["commitment_time"]
    ].to_numpy()
    right, left = events["event"] == "right", events["event"] == "left"
    assert q[right][late[right]].min() >= 0.9
    assert q[left][late[left]].max() <= 0.1


def test_sides_are_inherited():
    law = RampedPitchfork(D=0.01, eps=0.05)
    cells = by_hand(
        {
            1: (-1, 0, [0.0, 0.3, 0.9]),
            2: (1, 3, [0.9, 1.0]),
            3: (1, 3, [0.0, -1.0]),
        },
        law=law,
        interval=10.0,
    )
    events = true_cells(cells).events
    assert events["event"].tolist() == ["right", "already", "left"]
    assert events["commitment_time"][1] == events["commitment_time"][0]


def test_thresholds_leave_a_band():
    assert check_threshold(0.8) == 0.8
    with pytest.raises(ValueError, match=r"between 0.5 and 1; found 0\.5"):
        check_threshold(0.5)
    path = {1: (-1, 0, [-1.1, 0.0, 0.3, 1.1])}
    early = true_cells(by_hand(path), threshold=0.7).events["commitment_time"][0]
    late = true_cells(by_hand(path), threshold=0.99).events["commitment_time"][0]
    assert (early, late) == (1.0, 1.5)


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (below(-1), "x <= -1"),
        (above(0.96), "x >= 0.96"),
        (Ball((1.0, 0.5), 0.3), "within 0.3 of x = 1, y = 0.5"),
        (Box((1.0, 0.0), 0.25), "within 0.25 of x = 1, y = 0 along every axis"),
        (HalfSpace((0.6, 0.8), 1.0), "0.6 x + 0.8 y <= 1"),
        (
            Union((Ball((1.0, 0.0), 0.1), Ball((-1.0, 0.0), 0.1))),
            "within 0.1 of x = 1, y = 0 or within 0.1 of x = -1, y = 0",
        ),
    ],
)
def test_sets_in_words(region, words):
    axes = ("x", "y")[: len(getattr(region, "normal", "xy"))]
    assert describe(region, axes) == words


# Where it is kept


@pytest.fixture(scope="module")
def cells():
    return simulate_tracks(
        WELL,
        frame_interval=0.04,
        time_unit=2.0,
        n_cells=30,
        n_frames=60,
        division_rate=0.2,
        control=0.3,
        noise=0.05,
        swap_rate=0.02,
        n_batches=2,
        rng=5,
    )


def test_rates_are_in_hours(cells):
    """Stored reference: nu .0187687, k_AB .0375374 per unit, here 2 h."""
    truth = cs.get.truth(cells)
    assert truth.nu == pytest.approx(0.018769 / 2, rel=1e-4)
    assert truth.k_ab == pytest.approx(2 * truth.nu, rel=1e-6)
    assert truth.mfpt_ab == pytest.approx(26.640 * 2, rel=1e-4)
    assert truth.k_ab * truth.mfpt_ab == pytest.approx(1)
    assert truth.diffusion == pytest.approx(np.array([[1 / 6]]))
    assert truth.fastest_rate == pytest.approx(4.0)
    assert (truth.source, truth.target) == ("x <= -1", "x >= 1")
    given = json.loads(truth.parameters)
    assert given["law"] == {"D": 1 / 3}
    assert given["sampling"]["swap_rate"] == 0.02


def test_rows_carry_the_truth(cells):
    x = cells.obsm["truth_state"]
    q = cells.obs["truth_committor"].to_numpy()
    np.testing.assert_allclose(q, WELL.committor(x))
    np.testing.assert_allclose(cells.obs["truth_committor_backward"], 1 - q)
    np.testing.assert_allclose(cells.obsm["truth_drift"], WELL.drift(x) / 2)
    in_a, in_b = (cells.obs["truth_set"] == s for s in "AB")
    assert np.array_equal(in_a, x[:, 0] <= -1)
    assert np.array_equal(in_b, x[:, 0] >= 1)
    events = cs.get.truth(cells).events.set_index("track")
    own = cells.obs["truth_track"]
    assert np.array_equal(
        own.map(events["event"]), cells.obs["truth_event"].astype(str)
    )
    assert np.array_equal(own.map(events["movie"]), cells.obs["movie"].astype(str))
    assert np.array_equal(own.map(events["condition"]), cells.obs["condition"])
    held = cells.obs["condition"] == "control"
    assert q[held].max() <= 0.5


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_truth_survives_a_file(cells, tmp_path, suffix):
    again = cs.io.read(cs.io.write(cells, tmp_path / f"cells.{suffix}"))
    one, two = cs.get.truth(cells), cs.get.truth(again)
    pd.testing.assert_frame_equal(one.events, two.events, check_dtype=False)
    for name in ("system", "parameters", "axes", "k_ab", "source", "threshold"):
        assert getattr(one, name) == getattr(two, name)
    assert np.array_equal(one.diffusion, two.diffusion)
    pd.testing.assert_frame_equal(
        cells.obs, again.obs, check_dtype=False, check_categorical=False
    )
    assert np.array_equal(cells.obsm["truth_drift"], again.obsm["truth_drift"])


def test_truth_survives_subsetting(cells):
    part = cells[cells.obs["frame"] < 10].copy()
    assert cs.get.truth(part).k_ab == cs.get.truth(cells).k_ab
    assert cs.get.truth(to_snapshots(part, rng=0)).system == "double well"


def test_permuted_rows_keep_their_truth(cells, rng_order):
    mixed = cells[rng_order(cells.n_obs)].copy()
    cs.validate(mixed)
    np.testing.assert_allclose(
        mixed.obs["truth_committor"], WELL.committor(mixed.obsm["truth_state"])
    )


def test_cells_without_truth_are_told(walkers):
    with pytest.raises(KeyError, match=r"no truth .*cs.datasets.double_well\(\)"):
        cs.get.truth(walkers)


def test_the_name_of_the_truth_is_reserved(cells):
    cs.tl.define_states(cells, source="x < -1", target="x > 1")
    with pytest.raises(ValueError, match="'truth' is reserved"):
        cs.tl.committor(cells, n_bootstrap=0, n_landmarks=30, key_added="truth")


def test_laws_without_sets_have_no_committor():
    cells = simulate_tracks(
        Pitchfork(mu=-1.0), frame_interval=0.1, n_cells=5, n_frames=5, rng=0
    )
    assert not [c for c in cells.obs if c.startswith("truth_comm")]
    truth = cs.get.truth(cells)
    assert np.isnan(truth.k_ab)
    assert "event" not in truth.events
    assert truth.source == ""
    assert cells.obsm["truth_drift"].shape == (25, 1)


def test_truth_is_a_result():
    truth = Truth(
        system="x",
        parameters="{}",
        axes=("x",),
        diffusion=np.eye(1),
        frame_interval=1.0,
        time_unit=1.0,
        threshold=0.9,
        events=pd.DataFrame({"track": [1]}),
        numbers=pd.DataFrame({"name": ["m"], "value": [0.5], "unit": ["1"]}),
    )
    again = Truth.from_dict(truth.to_dict())
    assert again.number("m") == 0.5
    assert again.axes == ("x",)
    with pytest.raises(KeyError, match=r"no number 'k'; found \['m'\]"):
        again.number("k")
    with pytest.raises(ValueError, match="read-only"):
        truth.diffusion[0, 0] = 2.0


# What estimates make of it


@pytest.fixture(scope="module")
def analysed():
    """150 tracks of 6 units of time in the double well, A and B as the law has them."""
    with cs.settings.override(progress=False):
        adata = simulate_tracks(
            WELL, frame_interval=0.02, n_cells=150, n_frames=300, rng=6
        )
        cs.tl.define_states(adata, source="x <= -1", target="x >= 1")
        cs.tl.committor(adata, n_bootstrap=4, n_landmarks=100, rng=0)
        cs.tl.rates(adata, n_bootstrap=400, rng=0)
    return adata


def test_exposure_gives_the_exact_rate():
    """A to B passages per time since A was met last, with substeps' crossings."""
    n, frames, interval, substeps = 1000, 401, 0.02, 5
    shift = 0.5826 * np.sqrt(2 * WELL.D * interval / substeps)
    law = DoubleWell(source=below(-1 + shift), target=above(1 - shift))
    cells = grow(
        law, n_cells=n, n_frames=frames, frame_interval=interval, substeps=substeps,
        rng=7,
    )  # fmt: skip
    a, b = cells.met_source.reshape(n, -1), cells.met_target.reshape(n, -1)
    last = np.where(a, 1, np.where(b, 2, 0))
    row = np.maximum.accumulate(np.where(last > 0, np.arange(frames), 0), axis=1)
    before = np.take_along_axis(last, row, axis=1)
    passages = ((before[:, :-1] == 1) & b[:, 1:]).sum(axis=1)
    exposure = (before == 1).sum(axis=1) * interval
    rate = passages.sum() / exposure.sum()
    error = (passages - rate * exposure).std() * np.sqrt(n) / exposure.sum()
    assert passages.sum() > 100
    assert abs(rate - WELL.transition_paths().k_ab) < 3.5 * error


def test_the_estimated_committor_is_near_the_true_one(analysed):
    q = analysed.obs["committor"].to_numpy()
    true = analysed.obs["truth_committor"].to_numpy()
    assert np.sqrt(np.mean((q - true) ** 2)) < 0.03
    assert true.std() > 0.4


def test_the_exact_rate_lies_in_the_interval(analysed):
    """Frame by frame A and B are met less often: rates are low by a few per cent."""
    found, truth = cs.get.rates(analysed), cs.get.truth(analysed)
    for name in ("k_ab", "k_ba", "nu"):
        estimate = getattr(found, name)
        assert estimate.low < getattr(truth, name) < estimate.high, (name, estimate)
