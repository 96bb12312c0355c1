"""Growth against the Yule process, renewal theory and the branching committor."""

import dataclasses

import numpy as np
import pytest
from scipy import integrate, stats

from cellstate.datasets._cells._grow import grow
from cellstate.systems._laws._wells import DoubleWell
from cellstate.systems._regions import Ball, above, below
from cellstate.tracks import Tracks

WELL = DoubleWell()
LIFE = {"frame_interval": 0.02, "n_frames": 50}
ARRAYS = ("track", "parent_track", "frame", "state", "met_target", "control", "ending")


@pytest.fixture(scope="module")
def slow():
    """A law that hardly moves, for counting cells only: 2 substeps a frame."""
    return {"n_frames": 51, "frame_interval": 0.02, "substeps": 2}


def alive(cells, frame):
    return int((cells.frame == frame).sum())


def same(one, two):
    return all(
        np.array_equal(getattr(one, name), getattr(two, name)) for name in ARRAYS
    )


def test_tracks_form_a_forest_without_gaps():
    cells = grow(WELL, n_cells=40, division_rate=2.0, death_rate=1.0, rng=1, **LIFE)
    tracks = Tracks.from_arrays(
        track=cells.track,
        frame=cells.frame,
        time=cells.frame * 0.02,
        parent_track=cells.parent_track,
    )
    assert tracks.n_tracks == cells.ending.size
    assert (np.diff(cells.track) >= 0).all()
    first = np.isin(np.arange(tracks.n_rows), tracks.first_row)
    assert (tracks.previous_row[~first] >= 0).all()
    born = first & (cells.parent_track > 0)
    assert (tracks.mother_row()[born] >= 0).all()
    assert np.array_equal(tracks.divides, cells.ending == "division")
    last = cells.frame[tracks.last_row] == 49
    assert np.array_equal(last, cells.ending == "end_of_movie")


def test_same_seed_same_cells():
    made = [
        grow(WELL, n_cells=20, division_rate=1.0, control=0.5, rng=seed, **LIFE)
        for seed in (3, 3, 4, np.random.default_rng(3))
    ]
    assert same(made[0], made[1])
    assert same(made[0], made[3])
    assert not same(made[0], made[2])


def test_stationary_cells_stay_stationary():
    """KS against the exact law, 3,000 independent cells after 1 unit of time."""
    cells = grow(WELL, n_cells=3000, n_frames=6, frame_interval=0.2, rng=5)
    x = cells.state[cells.frame == 5, 0]
    grid = np.linspace(-2.5, 2.5, 5001)
    mass = np.cumsum(WELL.density(grid[:, None]))
    found = stats.kstest(x, lambda v: np.interp(v, grid, mass / mass[-1]))
    assert found.pvalue > 0.001


def test_cells_of_the_source_follow_the_law_inside_it():
    cells = grow(WELL, n_cells=3000, n_frames=1, frame_interval=1.0, start="source")
    grid = np.linspace(-2.5, -1, 4001)
    mass = np.cumsum(WELL.density(grid[:, None]))
    found = stats.kstest(
        cells.state[:, 0], lambda v: np.interp(v, grid, mass / mass[-1])
    )
    assert found.pvalue > 0.001
    assert cells.met_source.all()
    assert not cells.met_target.any()


def test_a_source_that_is_hardly_ever_visited_is_still_drawn_from():
    law = DoubleWell(D=0.05, source=Ball((0.0,), 0.2))
    x = grow(
        law, n_cells=4000, n_frames=1, frame_interval=1.0, start="source", rng=1
    ).state[:, 0]
    assert np.abs(x).max() <= 0.2
    grid = np.linspace(-0.2, 0.2, 2001)
    weight = np.exp(-((grid**2 - 1) ** 2) / 0.05)
    exact = (grid**2 * weight).sum() / weight.sum()
    error = (x**2).std() / np.sqrt(x.size)
    assert abs((x**2).mean() - exact) < 4 * error


def test_divisions_follow_the_yule_process(slow):
    """Mean e^(lambda t); variance e^(lambda t)(e^(lambda t) - 1) per founder."""
    n, rate = 4000, 1.0
    cells = grow(WELL, n_cells=n, division_rate=rate, rng=2, **slow)
    lineage = np.arange(cells.ending.size + 1)
    first = np.unique(cells.track, return_index=True)[1]
    for track, mother in enumerate(cells.parent_track[first], 1):
        if mother > 0:
            lineage[track] = lineage[mother]
    count = np.bincount(lineage[cells.track[cells.frame == 50]], minlength=n + 1)[1:]
    mean = np.exp(rate * 1.0)
    variance = mean * (mean - 1)
    assert abs(count.mean() - mean) < 4 * np.sqrt(variance / n)
    # The count is geometric: its fourth moment gives the error of the variance.
    fourth = stats.geom(1 / mean).stats(moments="k") + 3
    assert abs(count.var() - variance) < 4 * variance * np.sqrt((fourth - 1) / n)
    sizes = np.arange(1, 12)
    seen = np.append((count[:, None] == sizes).sum(axis=0), (count > 11).sum())
    exact = np.append(stats.geom(1 / mean).pmf(sizes), stats.geom(1 / mean).sf(11))
    assert stats.chisquare(seen, n * exact).pvalue > 0.001


def test_deaths_are_exponential(slow):
    cells = grow(WELL, n_cells=4000, death_rate=0.5, rng=3, **slow)
    share = alive(cells, 50) / 4000
    exact = np.exp(-0.5)
    assert abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / 4000)
    assert (cells.ending == "death").sum() == 4000 - alive(cells, 50)


def test_lineages_die_out_as_often_as_a_branching_process(slow):
    """P(extinct by t) = d (e^((b-d)t) - 1) / (b e^((b-d)t) - d)."""
    b, d, n = 2.0, 1.0, 3000
    cells = grow(WELL, n_cells=n, division_rate=b, death_rate=d, rng=4, **slow)
    founder = np.arange(cells.ending.size + 1)
    first = np.unique(cells.track, return_index=True)[1]
    for track, mother in enumerate(cells.parent_track[first], 1):
        if mother > 0:
            founder[track] = founder[mother]
    left = np.unique(founder[cells.track[cells.frame == 50]]).size
    grown = np.exp(b - d)
    exact = d * (grown - 1) / (b * grown - d)
    assert abs(1 - left / n - exact) < 4 * np.sqrt(exact * (1 - exact) / n)


@pytest.mark.parametrize("stages", [1, 4, 25])
def test_cycles_spread_as_a_gamma_law(stages):
    cells = grow(
        WELL,
        n_cells=250,
        n_frames=101,
        frame_interval=0.05,
        substeps=2,
        division_rate=0.7,
        cycle_stages=stages,
        rng=6,
    )
    start = np.unique(cells.track, return_index=True)[1]
    length = np.bincount(cells.track)[1:]
    # Whole cycles of cells born early enough not to be cut by the movie's end.
    whole = (cells.parent_track[start] > 0) & (cells.frame[start] < 40)
    assert (cells.ending[whole] == "division").mean() > 0.85 - 0.1 * (stages == 1)
    if stages > 1:
        cycle = length[whole] * 0.05
        n = cycle.size
        mean = 1 / 0.7
        assert abs(cycle.mean() - mean) < 0.05 * mean
        spread = cycle.std() / cycle.mean()
        assert spread == pytest.approx(1 / np.sqrt(stages), rel=4 / np.sqrt(n) + 0.05)


def test_a_lineage_divides_at_a_constant_rate_from_the_start():
    """Founders are in the middle of their cycle: half of the cycle time on average."""
    cells = grow(
        WELL,
        n_cells=3000,
        n_frames=11,
        frame_interval=0.05,
        substeps=2,
        division_rate=1.0,
        cycle_stages=9,
        rng=7,
    )
    share = (cells.ending[:3000] == "division").mean()
    # Residual life of a stationary renewal process: density 1 - F(t), mean cycle 1.
    t = np.linspace(0, 0.5, 501)
    exact = integrate.trapezoid(stats.gamma(9, scale=1 / 9).sf(t), t)
    assert abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / 3000)
    start = cells.cycle[cells.frame == 0]
    assert stats.kstest(start, "uniform").pvalue > 0.001


def test_progress_of_the_cycle_grows_from_birth_to_division():
    cells = grow(WELL, n_cells=30, division_rate=3.0, cycle_stages=20, rng=8, **LIFE)
    same_track = np.diff(cells.track) == 0
    assert (np.diff(cells.cycle)[same_track] > 0).all()
    assert cells.cycle.min() >= 0
    assert cells.cycle.max() <= 1
    last = np.append(~same_track, True)
    assert cells.cycle[last][cells.ending == "division"].mean() > 0.9
    assert np.isnan(grow(WELL, n_cells=2, rng=0, **LIFE).cycle).all()


def test_rates_may_depend_on_the_state(slow):
    """Only cells on the right divide, and only they die."""
    cells = grow(
        WELL,
        n_cells=600,
        start=np.where(np.arange(600) < 300, -1.0, 1.0)[:, None],
        division_rate=lambda x: 1.0 * (x[:, 0] > 0),
        death_rate=lambda x: 0.5 * (x[:, 0] > 0),
        rng=9,
        **slow,
    )
    last = np.flatnonzero(np.append(np.diff(cells.track) > 0, True))
    busy = np.isin(cells.ending, ["division", "death"])
    assert busy.sum() > 200
    assert (cells.state[last[busy], 0] > -0.5).all()


def test_inheritance():
    """Sisters sit at mother +- asymmetry, with the noise on top."""
    options = {"n_cells": 3000, "n_frames": 2, "frame_interval": 1e-6, "substeps": 1}
    cells = grow(
        WELL,
        division_rate=1e6,
        cycle_stages=400,
        inheritance_noise=0.1,
        sister_asymmetry=0.3,
        start=np.zeros((3000, 1)),
        rng=10,
        **options,
    )
    born = cells.parent_track > 0
    pair = cells.state[born, 0].reshape(-1, 2)
    assert np.array_equal(
        cells.parent_track[born].reshape(-1, 2)[:, 0],
        cells.parent_track[born].reshape(-1, 2)[:, 1],
    )
    apart, n = np.abs(pair[:, 0] - pair[:, 1]), len(pair)
    assert n > 2000
    # |N(0.6, 2 * 0.01)| hardly ever folds over; means of n pairs.
    assert abs(apart.mean() - 0.6) < 4 * np.sqrt(0.02 / n)
    assert abs(pair.mean()) < 4 * np.sqrt(0.005 / n)
    assert pair.sum(axis=1).var() == pytest.approx(0.02, rel=4 * np.sqrt(2 / n))
    assert abs((pair[:, 0] > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(n)
    exact = grow(WELL, division_rate=1e6, start=np.ones((3000, 1)), rng=1, **options)
    assert np.abs(exact.state - 1).max() < 0.02


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_control_cells_never_pass_the_wall(share):
    cells = grow(
        WELL,
        n_cells=60,
        n_frames=200,
        frame_interval=0.02,
        division_rate=0.2,
        inheritance_noise=0.3,
        sister_asymmetry=0.2,
        control=share,
        confine=0.3,
        rng=11,
    )
    q = WELL.committor(cells.state)
    assert cells.control[cells.frame == 0].sum() == 60 * share
    assert q[cells.control].max() <= 0.3
    assert not cells.met_target[cells.control].any()
    if share < 1:
        assert q[~cells.control].max() == 1
    mother = cells.parent_track > 0
    held = np.zeros(cells.ending.size + 1, dtype=bool)
    held[cells.track] = cells.control
    assert np.array_equal(cells.control[mother], held[cells.parent_track[mother]])


def test_confined_cells_keep_the_law_inside_the_wall():
    """Rejected steps leave the density below the wall as it is: mean of x."""
    wall = 0.5
    cells = grow(
        WELL, n_cells=1500, n_frames=6, frame_interval=0.2, control=1.0, rng=12,
        confine=wall,
    )  # fmt: skip
    x = cells.state[cells.frame == 5, 0]
    grid = np.linspace(-2.5, 0, 4001)
    weight = WELL.density(grid[:, None])
    mean = (grid * weight).sum() / weight.sum()
    assert abs(x.mean() - mean) < 4 * x.std() / np.sqrt(x.size) + 0.01


def nearer_sets(dt):
    """Sets moved in by .5826 sqrt(2 D dt): steps that cross unseen then cancel.

    Gobet and Menozzi, Stochastic Process. Appl. 120 (2010) 130.
    """
    shift = 0.5826 * np.sqrt(2 * WELL.D * dt)
    return DoubleWell(source=below(-1 + shift), target=above(1 - shift))


def branching_hits(n, rate, frames=101, interval=0.025, substeps=10, seed=13):
    """Chance that some descendant of a cell at -.5 meets B, no branch going on in A."""
    cells = grow(
        nearer_sets(interval / substeps),
        n_cells=n,
        n_frames=frames,
        frame_interval=interval,
        start=np.full((n, 1), -0.5),
        division_rate=rate,
        substeps=substeps,
        rng=seed,
    )
    start = np.flatnonzero(np.diff(cells.track, prepend=0))
    met = cells.met_source | cells.met_target
    row = np.arange(met.size)
    first = np.full(start.size, met.size)  # where each track is decided
    np.minimum.at(first, cells.track[met] - 1, row[met])
    reached = first < met.size
    hit = np.zeros(start.size, dtype=bool)
    hit[reached] = cells.met_target[first[reached]]
    done, founder = np.zeros(start.size, dtype=bool), np.arange(start.size)
    for i, mother in enumerate(cells.parent_track[start] - 1):
        if mother >= 0:
            founder[i], done[i] = founder[mother], done[mother] or reached[mother]
    missed = np.ones(n)
    missed[founder[hit & ~done]] = 0
    # What is still on the way at the end counts with its committor.
    last = (cells.frame == frames - 1) & ~(done | reached)[cells.track - 1]
    q = WELL.committor(cells.state[last])
    np.multiply.at(missed, founder[cells.track[last] - 1], 1 - q)
    return 1 - missed


def test_a_descendant_reaches_b_as_the_branching_committor_says():
    """Stored reference: h(-.5) = .0855 at division rate .5, D = 1/3; q is .0706."""
    hits = branching_hits(16_000, 0.5)
    error = hits.std() / np.sqrt(hits.size)
    assert abs(hits.mean() - 0.0855) < 4 * error
    assert hits.mean() > 0.070611 + 4 * error


@pytest.mark.parametrize("x", [-0.5, 0.0, 0.4])
def test_the_committor_is_the_share_that_reaches_b_first(x):
    """Realised fates of 3,000 cells; those undecided count with their committor."""
    n, interval, substeps = 3000, 0.025, 10
    cells = grow(
        nearer_sets(interval / substeps),
        n_cells=n,
        n_frames=81,
        frame_interval=interval,
        start=np.full((n, 1), x),
        substeps=substeps,
        rng=14,
    )
    a, b = cells.met_source.reshape(n, -1), cells.met_target.reshape(n, -1)
    first_a = np.where(a.any(1), a.argmax(1), 1000)
    first_b = np.where(b.any(1), b.argmax(1), 1000)
    decided = np.minimum(first_a, first_b) < 1000
    assert decided.mean() > 0.8
    last = WELL.committor(cells.state.reshape(n, -1)[:, -1:])
    fate = np.where(decided, first_b < first_a, last)
    q = float(WELL.committor([x]))
    assert abs(fate.mean() - q) < 4 * fate.std() / np.sqrt(n)


def test_one_cell_one_frame():
    cells = grow(WELL, n_cells=1, n_frames=1, frame_interval=0.1, rng=0)
    assert cells.state.shape == (1, 1)
    assert cells.ending.tolist() == ["end_of_movie"]


def test_everything_dies():
    cells = grow(WELL, n_cells=20, death_rate=50.0, rng=0, **LIFE)
    assert cells.n_frames == 50
    assert cells.frame.max() < 49
    assert (cells.ending == "death").all()


def test_time_unit_stretches_time():
    """Half the hours per unit and half the interval: the same cells."""
    one = grow(WELL, n_cells=5, n_frames=9, frame_interval=0.02, rng=1)
    two = grow(WELL, n_cells=5, n_frames=9, frame_interval=0.04, time_unit=2.0, rng=1)
    assert np.array_equal(one.state, two.state)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"division_rate": -1.0}, "`division_rate` is a number >= 0.*-1.0"),
        ({"death_rate": np.nan}, "`death_rate` is a number"),
        ({"division_rate": lambda x: -(x[:, 0] ** 2)}, "`division_rate` gives one"),
        ({"death_rate": lambda x: 1.0}, r"`death_rate` gives one.*shape \(\)"),
        ({"control": 1.5}, "`control` is a share.*1.5"),
        ({"control": [True, False]}, r"shape \(3,\); found bool of shape \(2,\)"),
        ({"start": "middle"}, "`start` must be 'stationary', 'source'.*'middle'"),
        ({"start": [[0.0]]}, r"shape \(3, 1\).*found shape \(1, 1\)"),
        ({"start": [[0.0], [np.nan], [0.0]]}, "1 not finite"),
        ({"start": np.ones((3, 1)), "control": 1.0}, "found 3 of 3 above it"),
        ({"cycle_stages": 0}, "`cycle_stages` must be an integer >= 1"),
        ({"inheritance_noise": -0.1}, "standard deviation >= 0"),
        ({"sister_asymmetry": [0.1, 0.2]}, "one per axis"),
        ({"confine": 1.0, "control": 1.0}, "`confine` must lie between 0 and 1"),
        ({"frame_interval": 0.0}, "`frame_interval` must be a number above 0"),
        ({"n_cells": 0}, "`n_cells` must be an integer >= 1; found 0"),
        ({"time_unit": -1}, "`time_unit`"),
    ],
)
def test_bad_parameters_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        grow(WELL, **({"n_cells": 3, "n_frames": 3, "frame_interval": 0.02} | options))


def test_a_population_that_explodes_is_stopped(monkeypatch):
    monkeypatch.setattr("cellstate.datasets._cells._grow.MOST", 100)
    with pytest.raises(ValueError, match="outgrew 100 cells at once in frame"):
        grow(WELL, n_cells=50, division_rate=20.0, rng=0, **LIFE)


def test_too_few_substeps_warn_with_both_numbers():
    with pytest.warns(UserWarning, match=r"0.05 \* 8 = 0.4, above 0.2"):
        grow(WELL, n_cells=2, n_frames=2, frame_interval=0.1, substeps=2, rng=0)


def test_a_law_without_sets_has_no_controls_and_no_source():
    from cellstate.systems._laws._bifurcations import Pitchfork

    law = Pitchfork(mu=-1.0)
    options = {"n_cells": 4, "n_frames": 3, "frame_interval": 0.1, "rng": 0}
    cells = grow(law, **options)
    assert not cells.met_source.any()
    with pytest.raises(ValueError, match="has no committor"):
        grow(law, control=0.5, **options)
    with pytest.raises(ValueError, match="needs a source"):
        grow(law, start="source", **options)


def test_populations_are_frozen():
    cells = grow(WELL, n_cells=1, n_frames=1, frame_interval=0.1, rng=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        cells.n_frames = 3
