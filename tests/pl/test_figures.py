"""Figures show what is stored: positions, segments, intervals, counts."""

import inspect

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

import cellstate as cs
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._adata._truth_comparison import TruthComparison
from cellstate._base.errors import StaleResultError
from cellstate._base.results import Estimate
from cellstate.kinetics import Rates, calibration

PLAIN = {
    "state_space": cs.pl.state_space,
    "committor": cs.pl.committor,
    "rate_scan": cs.pl.rate_scan,
    "implied_timescales": cs.pl.implied_timescales,
    "chapman_kolmogorov": cs.pl.chapman_kolmogorov,
    "committor_tracks": cs.pl.committor_tracks,
    "event_raster": cs.pl.event_raster,
    "calibration": cs.pl.calibration,
    "rates": cs.pl.rates,
    "qc": cs.pl.qc,
    "relatives": cs.pl.relatives,
    "shape_modes": cs.pl.shape_modes,
    "mode_choice": cs.pl.mode_choice,
}


def render(ax):
    """Draw it for real: many mistakes show only then."""
    ax.figure.canvas.draw()
    return ax


def every(adata, movie, ax):
    yield from (lambda f=f: f(adata, ax=ax()) for f in PLAIN.values())
    yield lambda: cs.pl.image_strip(adata, movie, track=3, ax=ax())
    yield lambda: cs.pl.event_strips(adata, movie, n=2, ax=ax())


def state_of(adata):
    return (
        {k: adata.obs[k].tolist() for k in adata.obs},
        {k: np.array(adata.obsm[k]) for k in adata.obsm},
        sorted(adata.uns[keys.ROOT]),
        cs.get.events(adata).table.to_csv(),
    )


def test_every_function_takes_axes_returns_them_and_changes_nothing(adata, movie):
    before = state_of(adata)
    settings = dict(plt.rcParams)
    for draw in every(adata, movie, lambda: Figure().subplots()):
        render(draw())
    after = state_of(adata)
    assert before[0].keys() == after[0].keys()
    for name, values in before[1].items():
        np.testing.assert_array_equal(values, after[1][name])
    assert before[2:] == after[2:]
    assert dict(plt.rcParams) == settings
    assert not plt.get_fignums()  # given axes, no other figure is made


def with_truth(adata):
    """The same cells with a truth that is half of what was estimated."""
    known = adata.copy()
    known.obs[keys.TRUTH_COMMITTOR] = known.obs["committor"] / 2
    compared = TruthComparison(
        system="half",
        numbers=pd.DataFrame({"quantity": ["k_ab"], "truth": [1.0]}),
        n_cells=known.n_obs,
        committor_rmse=0.1,
        committor_rmse_base=0.2,
        committor_correlation=1.0,
    )
    store.put(known, keys.COMPARISON, compared, params={"committor": "committor"})
    return known


@pytest.mark.parametrize("name", cs.pl.__all__)
def test_axes_given_are_the_axes_returned(name, adata, movie, ax):
    function = getattr(cs.pl, name)
    adata = with_truth(adata) if name == "committor_truth" else adata
    assert inspect.signature(function).parameters["ax"].default is None
    more = {"image_strip": (movie,), "event_strips": (movie,)}.get(name, ())
    track = {"track": 3} if name == "image_strip" else {}
    assert function(adata, *more, **track, ax=ax) is ax


def test_without_axes_a_figure_is_made(adata):
    ax = cs.pl.qc(adata)
    assert plt.get_fignums()
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("state_space", "cs.tl.embed"),
        ("committor_tracks", "cs.tl.committor"),
        ("event_raster", "cs.tl.differentiation_events"),
        ("calibration", "cs.tl.validate_committor"),
        ("rates", "cs.tl.rates"),
        ("qc", "cs.pp.qc"),
        ("relatives", "cs.tl.descendants"),
    ],
)
def test_what_is_missing_is_named_with_its_call(name, call, one_cell, ax):
    del one_cell.obsm["X_state"]
    with pytest.raises(KeyError, match=call):
        PLAIN[name](one_cell, ax=ax)


def test_event_strips_without_events_name_the_call(one_cell, movie, ax):
    with pytest.raises(KeyError, match=r"cs\.tl\.differentiation_events"):
        cs.pl.event_strips(one_cell, movie, ax=ax)


def test_stale_results_are_not_drawn(adata, ax):
    with pytest.raises(StaleResultError, match="fingerprint"):
        cs.pl.event_raster(adata[:-5].copy(), ax=ax)


def test_points_stand_at_the_stored_coordinates(adata, ax):
    adata.obs.loc[adata.obs_names[:4], "committor"] = np.nan
    render(cs.pl.state_space(adata, components=(1, 0), ax=ax))
    grey, colored = ax.collections[:2]
    x = adata.obsm["X_state"][:, [1, 0]]
    q = adata.obs["committor"].to_numpy()
    np.testing.assert_allclose(grey.get_offsets(), x[np.isnan(q)])
    order = np.argsort(q[4:], kind="stable") + 4  # the highest on top
    np.testing.assert_allclose(colored.get_offsets(), x[order])
    np.testing.assert_allclose(colored.get_array(), q[order])
    assert colored.get_clim() == (0, 1)
    bar = ax.figure.axes[-1].get_ylabel()
    assert "chance of B before A" in bar


def test_rare_categories_are_drawn_last(adata, ax):
    render(cs.pl.state_space(adata, color="state", ax=ax))
    sizes = [len(c.get_offsets()) for c in ax.collections]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == adata.n_obs


def test_features_and_times_carry_their_unit(adata):
    for color, unit in (("area", "(µm²)"), ("time", "(h)")):
        ax = cs.pl.state_space(adata, color=color, ax=Figure().subplots())
        assert unit in ax.figure.axes[-1].get_ylabel()
    ax = cs.pl.state_space(adata, basis="spatial", ax=Figure().subplots())
    assert ax.get_xlabel() == "x (µm)"
    assert ax.yaxis.get_inverted()


def test_state_space_refuses_what_is_not_there(adata, ax):
    with pytest.raises(ValueError, match=r"two of the 2 columns"):
        cs.pl.state_space(adata, components=(0, 2), ax=ax)
    with pytest.raises(KeyError, match="colour_of_hope"):
        cs.pl.state_space(adata, color="colour_of_hope", ax=ax)


def test_committor_lines_are_the_stored_values(adata, ax):
    render(cs.pl.committor_tracks(adata, tracks=[3, 4], ax=ax))
    lines = [line for line in ax.lines if len(line.get_xdata()) == 12]
    for line, track, base in zip(lines, (3, 4), (1.35, 0), strict=True):
        rows = (adata.obs["track"] == track).to_numpy()
        np.testing.assert_allclose(line.get_xdata(), adata.obs["time"][rows])
        np.testing.assert_allclose(
            line.get_ydata() - base, adata.obs["committor"][rows]
        )
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    rows = (adata.obs["track"] == 3).to_numpy()
    refits = adata.obsm["committor_replicates"][rows]
    low, high = np.quantile(refits, [0.025, 0.975], axis=1)
    np.testing.assert_allclose(
        [band.min(), band.max()], [1.35 + low.min(), 1.35 + high.max()]
    )


def test_lines_break_where_a_link_is_not_trusted(adata, ax):
    del adata.uns[keys.ROOT][keys.EVENTS]
    adata.obs["qc_jump"] = (adata.obs["track"] == 4) & (adata.obs["frame"] == 5)
    cs.pl.committor_tracks(adata, tracks=[4], ax=ax)
    assert [len(line.get_xdata()) for line in ax.lines][:2] == [5, 7]


def test_tracks_are_named_or_refused(adata, ax):
    with pytest.raises(ValueError, match="no track 99"):
        cs.pl.committor_tracks(adata, tracks=[99], ax=ax)
    with pytest.raises(ValueError, match="list of track numbers"):
        cs.pl.committor_tracks(adata, tracks=3, ax=ax)
    with pytest.raises(ValueError, match="no movie 'other'"):
        cs.pl.committor_tracks(adata, tracks=[("other", 1)], ax=ax)


def test_raster_has_one_segment_per_track_and_joins_daughters(adata, ax):
    render(cs.pl.event_raster(adata, max_lineages=1000, ax=ax))
    tracks, births = (c for c in ax.collections if isinstance(c, LineCollection))
    spans = sorted((s[0, 0], s[1, 0]) for s in tracks.get_segments())
    times = adata.obs.groupby("track")["time"].agg(["min", "max"])
    assert spans == sorted(map(tuple, times.to_numpy()))
    assert len({s[0, 1] for s in tracks.get_segments()}) == len(times)
    mother = adata.obs[adata.obs["track"] == 1]["time"].max()
    joined = births.get_segments()
    assert [s[:, 0].tolist() for s in joined] == [[mother, mother + 0.5]] * 2


def test_raster_puts_lineages_with_events_first(adata, ax):
    table = cs.get.events(adata).table
    lineages = table["lineage"][table["status"] == "event"].nunique()
    cs.pl.event_raster(adata, max_lineages=lineages, ax=ax)
    shown = [int(t.get_text()) for t in ax.get_yticklabels()]
    assert set(shown) == set(table["lineage"][table["status"] == "event"])
    assert f"{lineages} of" in ax.get_ylabel()


def test_commitment_markers_stand_at_the_stored_times(adata, ax):
    cs.pl.event_raster(adata, max_lineages=1000, ax=ax)
    table = cs.get.events(adata).table
    drawn = np.concatenate(
        [c.get_offsets()[:, 0] for c in ax.collections if c.get_zorder() == 5]
    )
    np.testing.assert_allclose(np.sort(drawn), np.sort(table["time"].dropna()))


def test_calibration_shows_bins_and_both_scores(adata, ax):
    render(cs.pl.calibration(adata, ax=ax))
    report = cs.get.calibration(adata)
    points = ax.containers[0][0]
    np.testing.assert_allclose(points.get_xdata(), report.predicted)
    np.testing.assert_allclose(points.get_ydata(), report.observed)
    bars = ax.containers[0][2][0].get_segments()
    np.testing.assert_allclose([b[0, 1] for b in bars], report.low, atol=1e-12)
    np.testing.assert_allclose([b[1, 1] for b in bars], report.high, atol=1e-12)
    text = ax.texts[0].get_text()
    assert f"{report.brier:.3g}" in text
    assert f"{report.brier_base:.3g}" in text


def test_calibration_of_rare_events_spreads_small_chances(adata, ax):
    rng = np.random.default_rng(1)
    p = rng.uniform(0, 0.04, 2000)
    store.put(adata, "rare", calibration(p, (rng.random(2000) < p).astype(float)))
    render(cs.pl.calibration(adata, key="rare", ax=ax))
    assert ax.get_xlim()[1] < 0.15
    where = ax.transData.transform([(v, 0) for v in (0, 0.01, 0.04)])[:, 0]
    assert where[1] - where[0] == pytest.approx(where[2] - where[1], rel=1e-6)


def test_rates_show_values_and_intervals(adata, ax):
    render(cs.pl.rates(adata, ax=ax))
    stored = cs.get.rates(adata)
    ends = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(ends[0], [stored.k_ab.low, stored.k_ab.high])
    assert f"{stored.k_ab.value:.3g}" in ax.texts[0].get_text()
    assert "1/h" in ax.get_xlabel()


def test_a_rate_without_event_is_a_bound(adata, ax):
    store.put(adata, "never", no_transition())
    render(cs.pl.rates(adata, key="never", ax=ax))
    assert "below 0.03 1/h: no event" in ax.texts[0].get_text()
    assert all(len(line.get_xdata()) == 1 for line in ax.lines)


def no_transition() -> Rates:
    def bound(unit, low, high, value):
        return Estimate(
            value=value,
            low=low,
            high=high,
            level=0.95,
            method="Poisson bound, no event",
            n_effective=0,
            unit=unit,
        )

    rate, time = bound("1/h", 0.0, 0.03, 0.0), bound("h", 33.3, np.nan, np.nan)
    return Rates(
        k_ab=rate,
        k_ba=rate,
        nu=rate,
        mfpt_ab=time,
        mfpt_ba=time,
        transition_path_time=time,
        n_events=0,
        n_events_back=0,
        exposure=100.0,
        source="A",
        target="B",
    )


def test_quality_bars_are_the_counts(adata, ax):
    render(cs.pl.qc(adata, ax=ax))
    assert [bar.get_width() for bar in ax.patches] == [7, 3, 0]
    assert ax.texts[-1].get_text() == "not checked"


def test_cells_without_committor_and_single_cells_are_drawn(adata, one_cell):
    adata.obs["committor"] = np.nan
    del adata.uns[keys.ROOT][keys.EVENTS]
    for draw in (cs.pl.state_space, cs.pl.committor_tracks):
        render(draw(adata, ax=Figure().subplots()))
    one_cell.obs["committor"], one_cell.obs["event"] = 0.3, pd.Categorical(["event"])
    for color in ("committor", "event"):
        render(cs.pl.state_space(one_cell, color=color, ax=Figure().subplots()))
    render(cs.pl.committor_tracks(one_cell, ax=Figure().subplots()))


def test_raster_without_events_and_without_lineages(adata, ax):
    table = cs.get.events(adata).table
    table["status"], table["event"] = "undecidable", -1
    table[["time", "time_low", "time_high"]] = np.nan
    result = cs.get.events(adata)
    params = {"committor": "committor"}
    store.put(
        adata, "none", type(result)(**{**vars(result), "table": table}), params=params
    )
    render(cs.pl.event_raster(adata, key="none", ax=ax))
