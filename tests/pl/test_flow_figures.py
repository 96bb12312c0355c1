"""Figures of flows show what was fitted, where cells were seen."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import cellstate as cs


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def plane():
    cells = cs.datasets.rotational_double_well(n_cells=40, n_frames=100, rng=0)
    cs.tl.fit_flow(cells, rng=0)
    return cells


@pytest.fixture(scope="module")
def line():
    cells = cs.datasets.double_well(n_cells=40, n_frames=100, rng=0)
    cs.tl.fit_flow(cells, rng=0)
    return cells


@pytest.fixture(scope="module")
def shots(plane):
    times = np.unique(plane.obs["time"])[[0, 50, 99]]
    cells = cs.datasets.to_snapshots(plane, times=times, rng=0)
    cs.tl.fit_flow(cells, rng=0)
    return cells


def drawn(ax):
    ax.figure.canvas.draw()
    return ax


def test_streamlines_end_where_no_cell_was_seen(plane, ax):
    drawn(cs.pl.flow(plane, ax=ax))
    assert ax.get_xlabel().startswith("X_state, component 1")
    lines = next(c for c in ax.collections if type(c).__name__ == "LineCollection")
    ends = np.concatenate(lines.get_segments())
    fit = cs.get.flow_fit(plane)
    # A grid of 60 nodes: a line may go on for one of its cells.
    assert fit.extrapolated(ends).mean() < 0.15
    box = plane.obsm["X_state"]
    corner = np.array([[box[:, 0].min(), box[:, 1].max()]])
    assert fit.extrapolated(corner)[0] == (np.hypot(*(ends - corner).T).min() > 0.05)


def test_speed_has_a_unit(plane):
    figure = Figure()
    drawn(cs.pl.flow(plane, ax=figure.subplots()))
    assert figure.axes[1].get_ylabel() == "speed (per h)"


def test_arrows_are_the_drift(plane, ax):
    drawn(cs.pl.drift_field(plane, ax=ax))
    arrows = [c for c in ax.collections if type(c).__name__ == "Quiver"]
    at = np.concatenate([np.column_stack([a.X, a.Y]) for a in arrows])
    shown = np.concatenate([np.column_stack([a.U, a.V]) for a in arrows])
    np.testing.assert_allclose(shown, cs.get.flow_fit(plane).drift(at))


def test_one_coordinate_shows_the_drift_with_its_band(line, ax):
    drawn(cs.pl.flow(line, ax=ax))
    assert ax.get_ylabel() == "drift (per h)"
    x, y = ax.lines[1].get_data()
    known = np.isfinite(y)
    np.testing.assert_allclose(
        y[known], cs.get.flow_fit(line).drift(x[known, None])[:, 0]
    )


def test_the_potential_starts_at_zero(line, ax):
    drawn(cs.pl.potential(line, ax=ax))
    assert ax.lines[0].get_ydata().min() == 0
    assert ax.get_ylabel() == "potential (squares per h)"


def test_the_potential_of_a_plane_has_a_unit(plane):
    figure = Figure()
    drawn(cs.pl.potential(plane, ax=figure.subplots()))
    assert figure.axes[1].get_ylabel() == "potential (squares per h)"


def test_snapshots_have_no_potential(shots, ax):
    with pytest.raises(ValueError, match="has no potential"):
        cs.pl.potential(shots, ax=ax)
    drawn(cs.pl.flow(shots, time=0.5, ax=ax))


def test_growth_is_said_to_be_missing(plane, ax):
    drawn(cs.pl.growth(plane, ax=ax))
    assert "no growth was fitted" in ax.texts[0].get_text()


@pytest.mark.parametrize("d", [1, 2])
def test_growth_is_drawn(d):
    law = cs.systems.OrnsteinUhlenbeck(d=d)
    cells = cs.datasets.simulate_tracks(
        law, frame_interval=0.05, n_cells=60, n_frames=80, division_rate=0.3, rng=0
    )
    cs.tl.fit_flow(cells, growth="events", rng=0)
    figure = Figure()
    ax = drawn(cs.pl.growth(cells, ax=figure.subplots()))
    label = ax.get_ylabel() if d == 1 else figure.axes[1].get_ylabel()
    assert label == "growth rate (1/h)"


def test_the_diagnosis_marks_what_was_chosen(plane, ax):
    drawn(cs.pl.fit_diagnosis(plane, ax=ax))
    trials = ax.child_axes[0]
    chosen = [
        c.get_ydata()[0]
        for c in trials.lines
        if c.get_color() == "#D55E00" and len(c.get_ydata()) == 1
    ]
    names = [t.get_text() for t in trials.get_yticklabels()]
    diagnosis = cs.get.flow_fit(plane).diagnosis
    assert names[int(chosen[0])] == diagnosis.chosen.replace(
        "polynomial of degree", "degree"
    )


def test_snapshots_show_null_rows(shots, ax):
    drawn(cs.pl.fit_diagnosis(shots, ax=ax))
    heights = [bar.get_height() for bar in ax.child_axes[0].patches]
    null = cs.get.flow_fit(shots).diagnosis.null_rows
    assert np.isin(null["midpoint"].to_numpy(), heights).all()


@pytest.mark.parametrize(
    "name", ["flow", "drift_field", "potential", "growth", "fit_diagnosis"]
)
def test_a_missing_fit_names_the_call(plane, name, ax):
    other = plane[:, :].copy()
    del other.uns["cellstate"]["flow_fit"]
    with pytest.raises(KeyError, match=r"Run cs\.tl\.fit_flow\(adata\)"):
        getattr(cs.pl, name)(other, ax=ax)


def test_components_must_be_there(plane, ax):
    with pytest.raises(ValueError, match="must be two of the 2 columns"):
        cs.pl.flow(plane, components=(0, 7), ax=ax)
