"""A learned flow carries cells forward: known laws, starts, what is refused."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import ot
import pytest
from anndata import AnnData
from scipy.linalg import expm

import cellstate as cs
from cellstate._adata import _store as store
from cellstate._base.errors import StaleResultError
from cellstate._base.results import Result
from cellstate.flow import Diagnosis, FlowFit
from cellstate.flow._identifiable import from_snapshots, from_tracks
from cellstate.flow._support import support_of

A = np.array([[0.8, -1.2], [1.2, 0.8]])
D = 0.3
START = np.array([1.5, -0.5])


@dataclass(frozen=True, eq=False, kw_only=True)
class Trap(Result):
    """A rotating trap with growth linear in the first coordinate."""

    kind: ClassVar[str] = "trap_of_a_test"
    has_potential: ClassVar[bool] = False
    growth: float
    noise: float

    def drift(self, x, t=0.0):
        return -x @ A.T

    def diffusion(self, x, t=0.0):
        return np.broadcast_to(self.noise * np.eye(2), (len(x), 2, 2))

    def growth_rate(self, x, t=0.0):
        return np.full(len(x), self.growth)

    def jacobian(self, x, t=0.0):
        return np.broadcast_to(-A, (len(x), 2, 2))

    def standard_error(self, x, t=0.0):
        return np.full_like(x, np.nan)


def with_trap(adata, growth=0.0, noise=D, identifiable=None, support=None):
    """Store the law itself as if it had been learned."""
    fit = FlowFit(
        method="regression",
        use="tracks",
        drift_kind="free",
        model=Trap(growth=growth, noise=noise),
        support=support or support_of(adata.obsm["X_state"], rng=0),
        diagnosis=Diagnosis(),
        identifiable=from_tracks(noise_known=True, growth="given", d=2)
        if identifiable is None
        else identifiable,
    )
    inputs, params = ("X_state",), {"basis": "X_state"}
    store.put(adata, "flow_fit", fit, inputs=inputs, params=params)
    return adata


@pytest.fixture
def cells(bare):
    """Three snapshots of 400 cells each, at 0, 0.5 and 1 h, following the law."""
    rng = np.random.default_rng(0)
    x = START + 0.3 * rng.normal(size=(400, 2))
    parts = [x] + [moved(x, t, rng) for t in (0.5, 1.0)]
    return bare(np.concatenate(parts), np.arange(1200), np.repeat([0, 1, 2], 400))


def moved(x, t, rng):
    """Exact samples of the trap after a time."""
    spread = D / A[0, 0] * (1 - np.exp(-2 * A[0, 0] * t))
    return x @ expm(-A * t).T + np.sqrt(spread) * rng.normal(size=x.shape)


# Propagate


def test_the_law_of_the_cells_later_is_the_known_one(cells):
    with_trap(cells, growth=0.4)
    later = cs.tl.propagate(cells, 0.0, 2.0, n=8000, rng=0)
    x = cells.obsm["X_state"][:400]
    error = np.sqrt(D / A[0, 0] / 8000 + 0.09 / 400)
    want = expm(-2 * A) @ x.mean(axis=0)
    np.testing.assert_allclose(later.mean(), want, atol=4 * error)
    decay = np.exp(-4 * A[0, 0])
    spread = D / A[0, 0] * (1 - decay) + decay * x.var(axis=0).mean()
    assert later.states.var(axis=0).mean() == pytest.approx(spread, rel=0.05)
    assert later.mass.value == pytest.approx(np.exp(0.8), rel=1e-9)
    assert (later.start_time, later.time) == (0.0, 2.0)


def test_each_cell_starts_once_and_the_result_is_stored(cells):
    made = cs.tl.propagate(with_trap(cells), 0.5, 1.0, rng=3)
    assert made.states.shape == (400, 2)
    np.testing.assert_array_equal(np.sort(made.origin), np.arange(400))
    read = cs.get.particles(cells)
    np.testing.assert_array_equal(read.states, made.states)
    assert read.mass.value == made.mass.value == pytest.approx(1.0)
    assert cells.uns["cellstate"]["particles"]["params"]["flow"] == "flow_fit"
    cells.obs["time"] = cells.obs["time"] * 2
    with pytest.raises(StaleResultError, match="another 'time'"):
        cs.get.particles(cells)


def test_cells_without_a_state_do_not_start(cells):
    x = cells.obsm["X_state"]
    x[:100] = np.nan
    with_trap(cells, support=support_of(x[100:], rng=0))
    assert cs.tl.propagate(cells, 0.0, 0.1, rng=0).states.shape == (300, 2)


def test_times_that_exist_are_named(cells):
    with pytest.raises(
        ValueError, match=r"at 0\.4 h; found 3 times from 0 to 1 h.*0\.5"
    ):
        cs.tl.propagate(with_trap(cells), 0.4, 1.0)
    with pytest.raises(ValueError, match=r"start_time=1 h and stop_time=0\.5 h"):
        cs.tl.propagate(cells, 1.0, 0.5)


def test_a_missing_flow_names_the_call(cells):
    calls = (
        lambda: cs.tl.propagate(cells, 0.0, 1.0),
        lambda: cs.tl.interpolate(cells, 0.3),
        lambda: cs.tl.simulate_tracks(cells),
    )
    for call in calls:
        with pytest.raises(KeyError, match=r"Run cs\.tl\.fit_flow\(adata"):
            call()


def test_without_a_known_diffusion_cells_follow_the_drift(cells):
    table = from_snapshots(diffusion_given=False, growth="")
    with_trap(cells, noise=0.0, identifiable=table)
    later = cs.tl.propagate(cells, 0.0, 1.0, rng=0)
    want = cells.obsm["X_state"][:400] @ expm(-A).T
    np.testing.assert_allclose(later.states, want, atol=2e-3)
    with pytest.raises(ValueError, match=r"tracks need a diffusion.*diffusion="):
        cs.tl.simulate_tracks(cells)


# Interpolate


def test_between_two_times_the_law_beats_the_midpoint(cells):
    held = cells.obsm["X_state"][400:800]
    known = with_trap(cells[cells.obs["time"] != 0.5].copy())
    found = cs.tl.interpolate(known, 0.5, rng=0)
    fresh = moved(START + 0.3 * np.random.default_rng(5).normal(size=(400, 2)), 0.5,
                  np.random.default_rng(6))  # fmt: skip
    first, last = known.obsm["X_state"][:400], known.obsm["X_state"][400:]
    plan = ot.emd([], [], ot.dist(first, last))
    i, j = np.nonzero(plan)
    midpoint = (first[i] + last[j]) / 2
    floor = distance(fresh, held)
    assert distance(found.states, held) < 1.3 * floor
    assert distance(midpoint, held) > 2 * distance(found.states, held)


def distance(a, b):
    return ot.emd2([], [], ot.dist(a, b, metric="euclidean"))


def test_close_to_either_time_the_cells_of_that_time_are_found(cells):
    known = with_trap(cells[cells.obs["time"] != 0.5].copy())
    for time, part in ((1e-3, slice(0, 400)), (1 - 1e-3, slice(400, 800))):
        seen = known.obsm["X_state"][part]
        found = cs.tl.interpolate(known, time, rng=0)
        assert distance(found.states, seen) < 0.05
    read = cs.get.particles(known, "interpolated")
    np.testing.assert_array_equal(read.states, found.states)


def test_without_drift_and_noise_it_is_the_midpoint_of_the_plan(cells, monkeypatch):
    known = with_trap(cells[cells.obs["time"] != 0.5].copy(), noise=0.0)
    monkeypatch.setattr(Trap, "drift", lambda self, x, t=0.0: np.zeros_like(x))
    found = cs.tl.interpolate(known, 0.25, rng=0)
    first, last = known.obsm["X_state"][:400], known.obsm["X_state"][400:]
    to = ot.emd([], [], ot.dist(first, last)).argmax(axis=1)
    np.testing.assert_allclose(found.states, 0.75 * first + 0.25 * last[to], atol=1e-9)


@pytest.mark.parametrize(
    ("time", "words"), [(0.5, "is one of the times seen"), (3.0, "is outside of them")]
)
def test_only_times_between_others_are_interpolated(cells, time, words):
    with pytest.raises(ValueError, match=rf"which {words}: 3 times from 0 to 1 h"):
        cs.tl.interpolate(with_trap(cells), time)


# Simulate


def test_simulated_tracks_are_learned_from_again(cells):
    """The trap is recovered from tracks that were made with it."""
    x = np.sqrt(D / A[0, 0]) * np.random.default_rng(1).normal(size=(1200, 2))
    cells.obsm["X_state"] = x
    made = cs.tl.simulate_tracks(
        with_trap(cells), n_cells=60, n_frames=100, frame_interval=0.05, rng=0
    )
    cs.validate(made)
    assert made.n_obs == 6000
    assert not made.obs["dies"].any()
    fit = cs.tl.fit_flow(made, rng=0)
    at = np.array([[0.5, 0.0], [0.0, 0.5], [-0.4, 0.4]])
    miss = (fit.drift(at) + at @ A.T) / fit.standard_error(at)
    assert np.abs(miss).max() < 4
    np.testing.assert_allclose(fit.diffusion(at)[0], D * np.eye(2), atol=0.03)
    made.obs["x"] = made.obsm["X_state"][:, 0]
    cs.tl.define_states(made, source="x < -0.4", target="x > 0.4")
    q = cs.tl.committor(made, n_bootstrap=0, rng=0).forward
    assert np.corrcoef(q, made.obs["x"])[0, 1] > 0.8


@pytest.mark.parametrize("growth", [0.5, -0.5])
def test_cells_divide_or_die_by_the_growth_rate(cells, growth):
    made = cs.tl.simulate_tracks(
        with_trap(cells, growth=growth), n_frames=11, frame_interval=0.1, rng=0
    )
    cs.validate(made)
    count = made.obs["frame"].value_counts().sort_index()
    want = 400 * np.exp(growth)
    assert abs(count[10] - want) < 4 * np.sqrt(want * abs(np.exp(growth) - 1))
    divided = made.obs.loc[made.obs["parent_track"] >= 0, "parent_track"].nunique()
    assert (divided > 0) == (growth > 0)
    assert made.obs["dies"].any() == (growth < 0)
    # What was put in is read off again.
    dies = "dies" if growth < 0 else None
    fit = cs.tl.fit_flow(made, growth="events", dies=dies, rng=0)
    rate = fit.growth_rate(made.obsm["X_state"])[made.obs["frame"] < 10].mean()
    events = 0.5 * np.sqrt(10 / (400 * abs(np.exp(growth) - 1)))
    assert rate == pytest.approx(growth, abs=4 * events)


def test_starts_are_a_time_rows_or_states(cells):
    with_trap(cells)
    few = {"n_frames": 2, "frame_interval": 0.1, "rng": 0}
    first = cs.tl.simulate_tracks(cells, **few)
    np.testing.assert_array_equal(
        first.obsm["X_state"][first.obs["frame"] == 0], cells.obsm["X_state"][:400]
    )
    later = cs.tl.simulate_tracks(cells, start=1.0, n_cells=5, **few)
    assert later.obs["time"].tolist()[:2] == [1.0, 1.1]
    rows = (cells.obs["time"] == 0.5).to_numpy()
    by_rows = cs.tl.simulate_tracks(cells, start=rows, **few)
    cells.obs["middle"] = rows
    by_name = cs.tl.simulate_tracks(cells, start="middle", **few)
    np.testing.assert_array_equal(by_rows.X, by_name.X)
    assert by_rows.obs["time"].min() == 0.5
    states = cs.tl.simulate_tracks(cells, start=[[0.1, 0.0], [0.0, 0.1]], **few)
    assert states.obs["track"].tolist() == [1, 1, 2, 2]
    more = cs.tl.simulate_tracks(cells, start=[[0.1, 0.0]], n_cells=7, **few)
    assert more.obs["track"].nunique() == 7


def test_states_far_from_all_cells_are_told(cells):
    with pytest.warns(UserWarning, match=r"50 % of 4 simulated states lie where no"):
        made = cs.tl.simulate_tracks(
            with_trap(cells), start=[[90.0, 0.0], START], n_frames=2,
            frame_interval=0.01, rng=0,
        )  # fmt: skip
    assert made.obs["extrapolated"].tolist() == [True, True, False, False]


def test_bad_starts_and_a_missing_interval_are_refused(cells):
    with_trap(cells)
    with pytest.raises(
        ValueError, match=r"states of shape \(m, 2\); found shape \(2, 3"
    ):
        cs.tl.simulate_tracks(cells, start=np.zeros((2, 3)), frame_interval=0.1)
    with pytest.raises(ValueError, match="`frame_interval` must be a number above 0"):
        cs.tl.simulate_tracks(cells, frame_interval=-1.0)
    single = cells[:400].copy()
    with pytest.raises(ValueError, match=r"`frame_interval` \(h\) is missing and"):
        cs.tl.simulate_tracks(with_trap(single))


def test_another_basis_and_key_are_kept(cells):
    cells.obsm["X_other"] = cells.obsm["X_state"].copy()
    with_trap(cells)
    stored = cells.uns["cellstate"]
    stored["mine"] = {**stored["flow_fit"], "params": {"basis": "X_other"}}
    made = cs.tl.simulate_tracks(
        cells, key="mine", n_frames=2, frame_interval=0.1, rng=0
    )
    assert isinstance(made, AnnData)
    assert list(made.obsm) == ["X_other"]
    assert list(made.var_names) == ["other_1", "other_2"]
