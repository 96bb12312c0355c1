"""Flows of an AnnData: what is written, saved, used further, and refused."""

import anndata
import numpy as np
import pytest
import scipy.sparse
from anndata import AnnData

import cellstate as cs
from cellstate import systems

LAW = systems.RotationalDoubleWell(D=1 / 3)
PLACES = LAW.sample(30, rng=5)


@pytest.fixture(scope="module")
def followed():
    return cs.datasets.rotational_double_well(n_cells=40, n_frames=50, rng=0)


@pytest.fixture
def cells(followed):
    return followed.copy()


@pytest.fixture(scope="module")
def fitted(followed):
    """Cells with the results of a fit, and the fit."""
    cells = followed.copy()
    return cells, cs.tl.fit_flow(cells, rng=0)


@pytest.fixture
def dividing():
    """Tracks of cells that divide more on the right."""
    return cs.datasets.simulate_tracks(
        systems.DoubleWell(D=1 / 3),
        frame_interval=0.02,
        n_cells=40,
        n_frames=50,
        division_rate=lambda x: 0.8 + 0.5 * x[:, 0],
        death_rate=0.3,
        rng=1,
    )


def same(one, other):
    for name in ("drift", "diffusion", "growth_rate", "standard_error", "potential"):
        np.testing.assert_array_equal(
            getattr(one, name)(PLACES), getattr(other, name)(PLACES)
        )


# What is written


def test_values_of_every_cell_are_those_of_the_fit(fitted):
    cells, fit = fitted
    x = cells.obsm["X_state"]
    np.testing.assert_array_equal(cells.obsm["drift_state"], fit.drift(x))
    np.testing.assert_array_equal(cells.obsm["drift_state_se"], fit.standard_error(x))
    flat = cells.obsm["diffusion_state"].reshape(-1, 2, 2)
    np.testing.assert_array_equal(flat, fit.diffusion(x))
    np.testing.assert_array_equal(cells.obs["growth_rate"], fit.growth_rate(x))
    np.testing.assert_array_equal(cells.obs["extrapolated"], fit.extrapolated(x))
    assert cells.obs["extrapolated"].mean() < 0.01
    assert (fit.use, fit.method, fit.drift_kind) == ("tracks", "regression", "free")


def test_the_drift_is_that_of_the_law(fitted):
    cells, _ = fitted
    truth = cells.obsm["truth_drift"]
    wrong = cells.obsm["drift_state"] - truth
    assert np.sqrt((wrong**2).sum() / (truth**2).sum()) < 0.35  # no drift: 1
    held = np.abs(wrong) < 1.96 * cells.obsm["drift_state_se"]
    assert held.mean() > 0.7  # one set; neighbours err together


def test_a_key_of_its_own_keeps_results_apart(cells):
    cs.tl.fit_flow(cells, penalty=0.0, rng=0)
    before = cells.obsm["drift_state"].copy()
    other = cs.tl.fit_flow(cells, drift="gradient", key_added="flow_down", rng=0)
    np.testing.assert_array_equal(cells.obsm["drift_state"], before)
    x = cells.obsm["X_state"]
    np.testing.assert_array_equal(cells.obsm["flow_down_drift_state"], other.drift(x))
    same(cs.get.flow_fit(cells, "flow_down"), other)


def test_rows_without_a_state_get_no_value(cells):
    cells.obsm["X_state"][[5, 70]] = np.nan
    fit = cs.tl.fit_flow(cells, penalty=0.0, rng=0)
    missing = np.isnan(cells.obsm["drift_state"]).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(missing), [5, 70])
    assert cells.obs["extrapolated"].iloc[5]
    # Two frames in the middle of tracks: four steps fewer.
    assert fit.diagnosis.n_steps == 40 * 49 - 4


# Saved, and used further


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_a_fit_is_read_back_without_fitting(fitted, tmp_path, suffix):
    cells, fit = fitted
    cs.io.write(cells, tmp_path / f"cells.{suffix}")
    back = cs.get.flow_fit(cs.io.read(tmp_path / f"cells.{suffix}"))
    same(back, fit)
    np.testing.assert_array_equal(back.jacobian(PLACES), fit.jacobian(PLACES))
    assert vars(back.circulation.share) == vars(fit.circulation.share)
    assert back.diagnosis.functions == fit.diagnosis.functions
    assert back.fixed_points().equals(fit.fixed_points())
    assert back.identifiable.equals(fit.identifiable)


def test_a_changed_state_space_makes_the_fit_stale(fitted):
    cells = fitted[0].copy()
    cells.obsm["X_state"] = cells.obsm["X_state"] + 1e-9
    with pytest.raises(ValueError, match=r"another 'X_state'.*cs\.tl\.fit_flow"):
        cs.get.flow_fit(cells)


def test_a_fit_gives_committors_and_rates():
    well = systems.DoubleWell(D=1 / 3)
    cells = cs.datasets.double_well(n_cells=40, n_frames=100, rng=2)
    fit = cs.tl.fit_flow(cells, rng=0)
    cs.tl.define_states(cells, source="truth_set == 'A'", target="truth_set == 'B'")
    found = cs.tl.committor(cells, flow=fit, rng=0)
    exact = well.committor(cells.obsm["X_state"])
    # A guess of 1/2 errs by 0.4.
    assert np.sqrt(np.mean((found.forward - exact) ** 2)) < 0.15
    rates = cs.tl.rates(cells, flow=fit, rng=0)
    # A barrier of 3 D that is off by a quarter moves a rate by a factor of two.
    assert 0.5 < rates.k_ab.value / well.transition_paths().k_ab < 2


def test_seeds_reproduce(cells):
    one = cs.tl.fit_flow(cells.copy(), rng=4)
    same(cs.tl.fit_flow(cells, rng=4), one)


def test_row_order_does_not_change_what_cells_are_told(fitted, rng_order):
    cells, fit = fitted
    shuffled = cells[rng_order(cells.n_obs)].copy()
    again = cs.tl.fit_flow(shuffled, rng=0)
    assert again.diagnosis.chosen == fit.diagnosis.chosen
    np.testing.assert_allclose(again.drift(PLACES), fit.drift(PLACES), atol=1e-6)


# Tracks, snapshots, both


def with_snapshots(cells, n=100, times=(0.0, 0.3, 0.6)):
    """Add cells that are not followed."""
    rng = np.random.default_rng(3)
    x = np.concatenate([cells.obsm["X_state"], LAW.sample(n * len(times), rng)])
    frames = np.repeat(np.round(np.array(times) / 0.02).astype(int), n)
    m = cells.n_obs
    both = AnnData(obsm={"X_state": x})
    both.obs_names = [f"cell {k}" for k in range(len(x))]
    both.obs["track"] = np.r_[cells.obs["track"], 10_000 + np.arange(len(frames))]
    both.obs["frame"] = np.r_[cells.obs["frame"], frames]
    both.obs["time"] = np.r_[cells.obs["time"], frames * 0.02]
    both.obs["movie"] = np.repeat(["live", "fixed"], [m, len(frames)])
    return both


def test_auto_takes_what_is_there(cells):
    both = with_snapshots(cells)
    fit = cs.tl.fit_flow(both, penalty=0.0, rng=0)
    assert (fit.use, fit.diagnosis.n_snapshots) == ("both", 3)
    alone = cs.tl.fit_flow(both, use="tracks", penalty=0.0, rng=0)
    assert (alone.use, alone.diagnosis.n_snapshots) == ("tracks", 0)
    # A few stray cells are no snapshots.
    few = with_snapshots(cells, n=12)
    assert cs.tl.fit_flow(few, penalty=0.0, rng=0).use == "tracks"


def test_snapshots_tell_no_circulation(cells):
    shots = cs.datasets.to_snapshots(cells, times=[0.0, 0.4, 0.8], rng=0)
    fit = cs.tl.fit_flow(shots, use="snapshots", rng=0)
    assert fit.circulation is None
    said = fit.identifiable.set_index("quantity")
    assert said.loc["circulation", "status"] == "no"
    assert said.loc["diffusion", "status"] == "no"
    with pytest.raises(ValueError, match="snapshots do not identify"):
        cs.tl.fit_flow(shots, use="snapshots", drift="split", rng=0)


# Growth


def test_growth_sums_to_divisions_less_deaths(dividing):
    ending = cs.get.truth(dividing).events.set_index("track")["ending"]
    track, frame = dividing.obs["track"], dividing.obs["frame"]
    last = frame == frame.groupby(track).transform("max")
    ends = ending.loc[track].to_numpy()
    dividing.obs["dies"] = last.to_numpy() & (ends == "death")
    cs.tl.fit_flow(dividing, growth="events", dies="dies", rng=0)
    divides = last.to_numpy() & (ends == "division")
    watched = ~last.to_numpy() | divides | dividing.obs["dies"].to_numpy()
    total = dividing.obs["growth_rate"][watched].sum() * 0.02
    expected = divides.sum() - dividing.obs["dies"].sum()
    assert min(divides.sum(), dividing.obs["dies"].sum()) > 5
    assert total == pytest.approx(expected, abs=1e-8)


def test_a_growth_rate_that_is_known_is_taken(cells):
    cells.obs["rate"] = 0.1 + 0.2 * cells.obsm["X_state"][:, 0]
    fit = cs.tl.fit_flow(cells, growth="rate", penalty=0.0, rng=0)
    np.testing.assert_allclose(fit.growth_rate(PLACES), 0.1 + 0.2 * PLACES[:, 0])
    row = fit.identifiable.set_index("quantity").loc["growth rate"]
    assert row["status"] == "assumed"


def test_without_divisions_there_is_no_growth_to_count(cells):
    with pytest.raises(ValueError, match=r"found none in 40 tracks.*growth=None"):
        cs.tl.fit_flow(cells, growth="events")


# Bad input


def test_one_time_point_is_refused(cells):
    one = cells[cells.obs["frame"] == 0].copy()
    with pytest.raises(ValueError, match=r"at least two times.*found 1 times: 40 at 0"):
        cs.tl.fit_flow(one, use="snapshots")
    with pytest.raises(
        ValueError, match=r"followed from frame to frame.*cs\.pp\.track"
    ):
        cs.tl.fit_flow(one, use="tracks")


def test_one_cell_is_enough_when_it_is_followed_for_long(cells):
    long = cs.datasets.ornstein_uhlenbeck(n_cells=1, n_frames=300, rng=0)
    fit = cs.tl.fit_flow(long, rng=0)
    assert fit.diagnosis.n_lineages == 1
    assert np.isfinite(fit.standard_error(PLACES)).all()
    short = cells[cells.obs["track"] == 1].copy()[:30].copy()
    with pytest.raises(ValueError, match="at least 40 steps"):
        cs.tl.fit_flow(short, use="tracks")


def test_duplicated_cells_are_refused(cells):
    twice = anndata.concat([cells[:100], cells[:2]], index_unique="-")
    with pytest.raises(ValueError, match="track"):
        cs.tl.fit_flow(twice)


def test_a_constant_coordinate_is_refused(cells):
    cells.obsm["X_flat"] = np.c_[cells.obsm["X_state"], np.ones(cells.n_obs)]
    with pytest.raises(ValueError, match="coordinate 2 the same"):
        cs.tl.fit_flow(cells, basis="X_flat")


def test_coordinates_that_are_not_there_are_named(cells):
    with pytest.raises(KeyError, match=r"no coordinates under adata\.obsm\['X_none'\]"):
        cs.tl.fit_flow(cells, basis="X_none")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"use": "movies"}, "use"),
        ({"drift": "curl"}, "drift"),
        ({"level": 1.5}, "level"),
        ({"symmetry": [[[1.0, 1.0], [0.0, 1.0]]]}, "orthogonal"),
        ({"symmetry": "reflection"}, "orthogonal matrices.*found 'r'"),
        ({"penalty": -1.0}, "`penalty` must be a finite number >= 0; found -1"),
        ({"penalty": float("nan")}, "`penalty` must be a finite number >= 0"),
        ({"growth": "no such column"}, "no such column"),
        ({"use": "both"}, "10 cells or more each that are not followed; found 0"),
        ({"diffusion": 1.0}, "`diffusion` is for fits to snapshots alone"),
    ],
)
def test_options_out_of_range_are_refused(cells, options, message):
    with pytest.raises((ValueError, KeyError), match=message):
        cs.tl.fit_flow(cells, **options)


def test_growth_that_is_not_known_is_refused(cells):
    cells.obs["rate"] = np.nan
    with pytest.raises(ValueError, match="must give most cells a rate in 1/h; found 0"):
        cs.tl.fit_flow(cells, growth="rate")


def test_sparse_coordinates_are_read_and_empty_ones_refused(cells, fitted):
    cells.obsm["X_state"] = scipy.sparse.csr_matrix(cells.obsm["X_state"])
    fit = cs.tl.fit_flow(cells, rng=0)
    np.testing.assert_allclose(fit.drift(PLACES), fitted[1].drift(PLACES))
    cells.obsm["X_state"] = np.empty((cells.n_obs, 0))
    with pytest.raises(ValueError, match=r"\(n, d\) with d >= 1; found"):
        cs.tl.fit_flow(cells)


def test_times_in_words_are_refused(cells):
    cells.obs["time"] = cells.obs["time"].astype(str)
    with pytest.raises(ValueError, match="hours as numbers"):
        cs.tl.fit_flow(cells, use="snapshots")


def test_states_of_another_dimension_are_refused(fitted):
    with pytest.raises(ValueError, match="have 2 coordinates; found shape"):
        fitted[1].drift(np.zeros((4, 3)))
