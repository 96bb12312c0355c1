"""Flux between groups: exact flux of a chain that circulates, conservation, cases."""

import numpy as np
import pytest

from cellstate.kinetics import estimate_rates
from cellstate.kinetics._flux import reactive_flux, reactive_steps
from cellstate.kinetics._flux._groups import net_of
from cellstate.tracks import Tracks

DT = 0.5
# A, two groups round which the chain circulates, B.
P = np.array(
    [
        [0.90, 0.08, 0.02, 0.00],
        [0.05, 0.60, 0.05, 0.30],
        [0.20, 0.25, 0.50, 0.05],
        [0.00, 0.01, 0.09, 0.90],
    ]
)
GROUPS = np.array(["A", "up", "down", "B"])


@pytest.fixture(scope="module")
def exact():
    """Law, both committors and flux by their formulas; q- from the reversed chain."""
    values, vectors = np.linalg.eig(P.T)
    law = np.real(vectors[:, np.argmax(np.real(values))])
    law /= law.sum()
    reversed_p = P.T * law / law[:, None]
    forward, backward = np.array([0, 0, 0, 1.0]), np.array([1, 0, 0, 0.0])
    for chain, q in ((P, forward), (reversed_p, backward)):
        q[1:3] = np.linalg.solve(
            np.eye(2) - chain[1:3, 1:3], chain[1:3][:, [0, 3]] @ q[[0, 3]]
        )
    gross = law[:, None] * backward[:, None] * P * forward / DT
    assert not np.allclose(backward, 1 - forward, atol=0.05)
    return {"law": law, "forward": forward, "backward": backward, "gross": gross}


def cut_tracks(seen, rng, shortest=5):
    n_tracks, n_frames = seen.shape
    length = rng.integers(shortest, n_frames + 1, n_tracks)
    keep = (np.arange(n_frames) < length[:, None]).ravel()
    frame = np.tile(np.arange(n_frames), n_tracks)[keep]
    track = np.repeat(np.arange(n_tracks), n_frames)[keep]
    tracks = Tracks.from_arrays(track=track, frame=frame, time=frame * DT)
    return tracks, seen.ravel()[keep]


@pytest.fixture(scope="module")
def watched(chain_paths, exact):
    """Tracks of 5 to 40 frames from the stationary law."""

    def run(seed, n_tracks=300, n_frames=40):
        rng = np.random.default_rng(seed)
        start = rng.choice(4, size=n_tracks, p=exact["law"])
        return cut_tracks(chain_paths(P, n_tracks, n_frames, rng, start), rng)

    return run


def flux_of(tracks, state, exact, **options):
    given = {"groups": GROUPS[state], "n_bootstrap": 50, "rng": 0} | options
    return reactive_flux(
        np.stack([state, state % 2], axis=1).astype(float),
        tracks,
        state == 0,
        state == 3,
        exact["forward"][state],
        exact["backward"][state],
        frame_interval=DT,
        **given,
    )


def test_gross_flux_of_a_chain_from_cut_tracks(watched, exact):
    # "down" comes before "up" in the order of names.
    order = [0, 2, 1, 3]
    runs = np.stack([flux_of(*watched(s), exact).gross for s in range(12)])
    want = exact["gross"][np.ix_(order, order)]
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    inner = want > 0
    assert (np.abs(runs.mean(axis=0) - want)[inner] < 4 * error[inner]).all()
    assert (runs[:, ~inner] == 0).all()
    assert (error[inner] < 0.12 * want[inner].max()).all()


def test_what_a_chain_carries_is_nu_whatever_the_surface(watched, exact):
    tracks, state = watched(1, n_tracks=2500)
    steps = reactive_steps(
        tracks,
        state == 0,
        state == 3,
        exact["forward"][state],
        exact["backward"][state],
        frame_interval=DT,
    )
    nu = exact["gross"][0].sum()
    sides = [state > 0, state == 3, np.isin(state, [1, 3]), np.isin(state, [2, 3])]
    through = [steps.through(side) for side in (*sides, exact["forward"][state])]
    np.testing.assert_allclose(through, nu, rtol=0.08)
    found = flux_of(tracks, state, exact)
    assert found.nu.low < nu < found.nu.high
    assert found.nu.value == pytest.approx(through[-1], rel=1e-12)


def test_without_cut_ends_flux_is_conserved_exactly_and_nu_is_counted(watched, exact):
    tracks, state = watched(2)
    # Every track begins in A and ends in B: nothing is left to fill.
    whole = [tracks.rows(i) for i in range(tracks.n_tracks)]
    kept = []
    for rows in whole:
        a, b = np.flatnonzero(state[rows] == 0), np.flatnonzero(state[rows] == 3)
        if a.size and b.size and a[0] < b[-1]:
            kept.append(rows[a[0] : b[-1] + 1])
    rows = np.concatenate(kept)
    cut = Tracks.from_arrays(
        track=tracks.track[rows], frame=tracks.frame[rows], time=tracks.time[rows]
    )
    state = state[rows]
    nothing = np.full(state.size, 0.123)
    known = {"forward": nothing[:4], "backward": nothing[:4]}
    found = flux_of(cut, state, known)
    np.testing.assert_allclose(found.imbalance[1:-1], 0, atol=1e-12)
    counted = estimate_rates(
        cut,
        state == 0,
        state == 3,
        nothing,
        nothing,
        decision_time=nothing,
        frame_interval=DT,
        rng=0,
    )
    assert found.nu.value == pytest.approx(counted.nu.value, rel=1e-12)
    assert found.imbalance[-1] == pytest.approx(found.nu.value, rel=1e-12)
    assert found.imbalance[0] == pytest.approx(-found.nu.value, rel=1e-12)


def test_intervals_of_the_net_flux_cover(watched, exact):
    order = [0, 2, 1, 3]
    want = net_of(exact["gross"][np.ix_(order, order)])
    strong = want > 0.1 * want.max()
    inside = []
    for seed in range(40):
        found = flux_of(*watched(100 + seed, n_tracks=150), exact, n_bootstrap=100)
        inside.append(
            ((found.net_low <= want) & (want <= found.net_high))[strong].mean()
        )
    # 95 % by name; percentiles of 150 lineages fall a little short of it.
    assert 0.87 < np.mean(inside) <= 1


def test_pathways_add_up_and_start_with_the_strongest(watched, exact):
    found = flux_of(*watched(3, n_tracks=1500), exact)
    table = found.pathways
    assert table["path"][0] == "A > up > B"
    assert (np.diff(table["flux"]) <= 1e-12).all()
    out = found.net[0].sum()
    assert 0.95 * out < table["flux"].sum() <= out * (1 + 1e-9)
    assert (table["low"] <= table["flux"]).all()
    np.testing.assert_allclose(table["share"], table["flux"] / out)


def test_the_time_unit_divides_and_the_order_of_rows_does_not_matter(watched, exact):
    tracks, state = watched(4)
    one = flux_of(tracks, state, exact)
    order = np.random.default_rng(0).permutation(state.size)
    mixed = Tracks.from_arrays(
        track=tracks.track[order], frame=tracks.frame[order], time=tracks.time[order]
    )
    np.testing.assert_allclose(flux_of(mixed, state[order], exact).gross, one.gross)
    np.testing.assert_allclose(one.occupancy.sum(), 1)
    slow = reactive_flux(
        state[:, None].astype(float),
        tracks,
        state == 0,
        state == 3,
        exact["forward"][state],
        exact["backward"][state],
        frame_interval=10 * DT,
        n_bootstrap=5,
        rng=0,
    )
    assert slow.nodes == ("A", "between", "B")
    assert slow.nu.value == pytest.approx(one.nu.value / 10)


def test_a_division_halves_the_step_to_each_daughter(family):
    tracks = Tracks.from_arrays(**family)
    a = np.arange(8) == 0
    b = np.isin(np.arange(8), [5, 7])
    none = np.full(8, np.nan)
    steps = reactive_steps(tracks, a, b, none, none, frame_interval=0.5)
    births = tracks.mother_row()[steps.after] == steps.row
    np.testing.assert_allclose(steps.weight[births], 0.5)
    np.testing.assert_allclose(steps.weight[~births], 1)
    # Both daughters arrive: two passages in two steps and five, over 3 h.
    assert steps.through(b) == pytest.approx(2 / 3.0)


def test_rows_that_nobody_can_judge_are_left_out_with_their_time():
    tracks = Tracks.from_arrays(
        track=[1, 1, 1, 2, 2, 2], frame=[0, 1, 2] * 2, time=[0, 1, 2] * 2
    )
    a = np.array([1, 0, 0, 0, 0, 0], bool)
    b = np.array([0, 0, 1, 0, 0, 0], bool)
    none = np.full(6, np.nan)
    steps = reactive_steps(tracks, a, b, none, none, frame_interval=1.0)
    assert steps.row.tolist() == [0, 1]
    assert steps.through(b) == 0.5
    single = Tracks.from_arrays(track=[1, 1], frame=[0, 1], time=[0, 1])
    outside, none = np.zeros(2, dtype=bool), np.full(2, np.nan)
    with pytest.raises(ValueError, match=r"no step of 1 tracks .*committor_from_"):
        reactive_steps(single, outside, outside, none, none, frame_interval=1.0)


def test_no_passage_has_only_an_upper_bound(exact):
    frame = np.tile(np.arange(10), 5)
    track = np.repeat(np.arange(5), 10)
    tracks = Tracks.from_arrays(track=track, frame=frame, time=frame * DT)
    state = np.zeros(50, dtype=int)
    state[5] = 1
    found = flux_of(tracks, state, exact, groups=None)
    assert found.nu.value == 0
    assert found.nu.high == pytest.approx(-np.log(0.05) / (45 * DT))
    assert len(found.pathways) == 0
    # B is a node though no row lies in it.
    assert found.nodes == ("A", "between", "B")
    assert found.net.shape == (3, 3)
    assert np.isnan(found.mean_committor[-1])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.array(["x"] * 3), r"a group for each of \d+ rows; found shape \(3,\)"),
        ("B", r"groups outside A and B are called \['B'\]"),
        ("x > y", r"may not hold ' > '.*'x > y'"),
        ("many", r"between at most 98 groups; found \d+"),
    ],
)
def test_groups_that_make_no_sense_are_refused(watched, exact, groups, message):
    tracks, state = watched(5)
    if isinstance(groups, str):
        many = np.arange(state.size).astype(str)
        groups = many if groups == "many" else np.full(state.size, groups)
    with pytest.raises(ValueError, match=message):
        flux_of(tracks, state, exact, groups=groups)
