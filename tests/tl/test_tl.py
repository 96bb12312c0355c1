"""AnnData in, results out: every call, on AnnData made by hand and on views."""

import warnings

import numpy as np
import pytest
from anndata import AnnData, ImplicitModificationWarning

import cellstate as cs
from cellstate._base.errors import StaleResultError

# How to call each function on an AnnData with track, frame, time and X_state only.
# A new function of cs.tl must be added here.
CALLS = {
    "embed": lambda a: cs.tl.embed(normalised(a), n_components=1),
    "embed_pca": lambda a: cs.tl.embed_pca(normalised(a), n_components=1),
    "embed_contour": lambda a: cs.tl.embed_contour(with_outlines(a), n_components=2),
    "embed_tica": lambda a: cs.tl.embed_tica(a, basis="X_state"),
    "embed_vamp": lambda a: cs.tl.embed_vamp(a, basis="X_state"),
    "embed_diffmap": lambda a: cs.tl.embed_diffmap(
        jittered(a), basis="X_state", n_components=2, rng=0
    ),
    "embed_autoencoder": lambda a: cs.tl.embed_autoencoder(
        with_crops(a), n_components=2, n_steps=2, rng=0
    ),
    "embed_encoder": lambda a: cs.tl.embed_encoder(
        with_crops(a), encoder=lambda crops: crops.mean(axis=(2, 3)), rng=0
    ),
    "state_space": lambda a: cs.tl.state_space(a, basis="X_state", lags=[0.5], rng=0),
    "delay_embed": lambda a: cs.tl.delay_embed(a, basis="X_state"),
    "couple": lambda a: cs.tl.couple(a, rng=0),
    "descendants": lambda a: cs.tl.descendants(coupled(a), "time == 0"),
    "ancestors": lambda a: cs.tl.ancestors(coupled(a), "time == 2"),
    "define_states": lambda a: cs.tl.define_states(a, target="frame > 20"),
    "committor": lambda a: cs.tl.committor(with_states(a), n_bootstrap=2, rng=0),
    "validate_committor": lambda a: cs.tl.validate_committor(with_committor(a)),
    "rates": lambda a: cs.tl.rates(with_committor(a), n_bootstrap=10, rng=0),
    "macrostates": lambda a: cs.tl.macrostates(a, 2, n_cells=6, n_bootstrap=2, rng=0),
    "mfpt": lambda a: cs.tl.mfpt(with_states(a), n_bootstrap=2, rng=0),
    "fate_probabilities": lambda a: cs.tl.fate_probabilities(
        with_states(a), {"a": "state == 'A'", "b": "state == 'B'"}, n_bootstrap=2, rng=0
    ),
    "scan_lags": lambda a: cs.tl.scan_lags(with_states(a), [0.5, 1.0], rng=0),
    "scan_cores": lambda a: cs.tl.scan_cores(with_committor(a), [0.2, 0.3], rng=0),
    "reactive_flux": lambda a: cs.tl.reactive_flux(
        with_committor(a), n_bootstrap=2, rng=0
    ),
    "reactive_segments": lambda a: cs.tl.reactive_segments(
        with_committor(a), n_bootstrap=2, rng=0
    ),
    "compare_with_truth": lambda a: cs.tl.compare_with_truth(with_committor(a)),
    "fit_flow": lambda a: cs.tl.fit_flow(jittered(a), rng=0),
    "propagate": lambda a: cs.tl.propagate(with_flow(a), 0.0, 2.0, rng=0),
    "interpolate": lambda a: cs.tl.interpolate(with_flow(a), 0.7, rng=0),
    "simulate_tracks": lambda a: cs.tl.simulate_tracks(
        with_flow(a), n_cells=10, n_frames=10, rng=0
    ),
    "differentiation_events": lambda a: cs.tl.differentiation_events(with_committor(a)),
}


# Functions of movies, not of an AnnData; tests/tl/test_quality.py calls them.
OF_MOVIES = ("segmentation_quality", "tracking_quality")
OF_CELLS = [name for name in cs.tl.__all__ if name not in OF_MOVIES]


def normalised(adata):
    """Its X must vary for there to be anything to embed."""
    adata.layers["normalized"] = np.random.default_rng(0).normal(size=adata.shape)
    return adata


def with_crops(adata):
    crops = np.random.default_rng(0).random((adata.n_obs, 1, 9, 9), dtype=np.float32)
    adata.obsm["single_cell_images"] = crops
    return adata


def with_outlines(adata):
    angle = 2 * np.pi * np.arange(16) / 16
    long = 1 + np.random.default_rng(0).random((adata.n_obs, 1))
    outlines = np.stack([long * np.cos(angle), np.sin(angle) / long], axis=-1)
    adata.obsm["X_contour"] = outlines.reshape(adata.n_obs, 32)
    return adata


def coupled(adata):
    cs.tl.couple(adata, rng=0)
    return adata


def jittered(adata):
    """Walkers stand on whole numbers; a flow is learned where cells were."""
    x = adata.obsm["X_state"]
    adata.obsm["X_state"] = x + np.random.default_rng(0).normal(size=x.shape) / 3
    return adata


def with_flow(adata):
    cs.tl.fit_flow(jittered(adata), rng=0)
    return adata


def with_states(adata):
    labels = np.where(adata.obsm["X_state"][:, 0] < -2, "A", "other")
    adata.obs["state"] = np.where(adata.obsm["X_state"][:, 0] > 2, "B", labels)
    return adata


def with_committor(adata):
    cs.tl.committor(with_states(adata), n_bootstrap=2, rng=0)
    return adata


@pytest.fixture
def only_needed(walkers):
    del walkers.obs["x"]
    assert set(walkers.obs) == {"track", "frame", "time"}
    assert not walkers.uns
    return walkers


@pytest.mark.parametrize("name", OF_CELLS)
def test_an_adata_made_by_hand_is_accepted(only_needed, name, add_truth):
    assert name in CALLS, f"say here how cs.tl.{name} is called"
    if name == "compare_with_truth":
        add_truth(only_needed)
    result = CALLS[name](only_needed)
    assert result is not None
    cs.validate(only_needed)


@pytest.mark.parametrize("name", OF_CELLS)
def test_a_view_is_accepted_and_its_parent_left_alone(only_needed, name, add_truth):
    if name == "compare_with_truth":
        add_truth(only_needed)
    view = only_needed[only_needed.obs["track"] <= 20]
    assert view.is_view
    before = set(only_needed.obs), set(only_needed.obsm), dict(only_needed.uns)
    with warnings.catch_warnings():
        # anndata says that a view becomes an AnnData of its own; nothing else may.
        warnings.simplefilter("ignore", ImplicitModificationWarning)
        CALLS[name](view)
    after = set(only_needed.obs), set(only_needed.obsm), dict(only_needed.uns)
    assert after == before
    assert view.n_obs == 20 * 25


@pytest.mark.parametrize("name", OF_CELLS)
def test_no_global_random_state_is_touched_and_seeds_reproduce(
    walkers, name, add_truth
):
    stored = []
    if name == "compare_with_truth":
        add_truth(walkers)
    for _ in range(2):
        adata = walkers.copy()
        before = np.random.get_state()  # noqa: NPY002
        CALLS[name](adata)
        after = np.random.get_state()  # noqa: NPY002
        np.testing.assert_array_equal(before[1], after[1])
        assert before[2:] == after[2:]
        stored.append(adata)
    first, second = stored
    assert list(first.obs) == list(second.obs)
    for column in first.obs:
        assert first.obs[column].equals(second.obs[column])
    for key in first.obsm:
        np.testing.assert_array_equal(first.obsm[key], second.obsm[key])


# States


def test_states_by_expression(walkers_ab):
    x = walkers_ab.obs["x"]
    state = walkers_ab.obs["state"]
    assert (state[x < -2] == "A").all()
    assert (state[x > 2] == "B").all()
    assert (state[(x >= -2) & (x <= 2)] == "other").all()
    stored = cs.get.states(walkers_ab)
    assert (stored.n_source, stored.n_target) == ((x < -2).sum(), (x > 2).sum())
    assert stored.source_rule == "x < -2"


def test_states_by_a_feature(measured):
    middle = float(np.median(measured[:, "area"].X))
    states = cs.tl.define_states(
        measured, source=f"area < {middle}", target=f"area > {middle}"
    )
    assert states.n_source == (np.asarray(measured[:, "area"].X) < middle).sum()


def test_states_before_a_division(dividers):
    obs = dividers.obs
    states = cs.tl.define_states(dividers, target="division", source="none", n_frames=2)
    divides = obs["track"].isin(obs["parent_track"])
    assert divides.sum() == 20 * 8
    np.testing.assert_array_equal(obs["state"] == "B", divides & (obs["frame"] >= 6))
    # Cut off before anybody could tell: the last two frames of every other track.
    last = obs.groupby("track")["frame"].transform("max")
    cut = ~divides & (obs["frame"] > last - 2)
    np.testing.assert_array_equal(obs["state"] == "unknown", cut)
    assert (states.n_target, states.n_unknown) == (40, cut.sum())
    assert states.target_is_event


def test_a_density_core_is_the_densest_part(bare):
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(0, 0.1, 400), rng.uniform(2, 12, 400)]
    adata = bare(x, np.arange(800), np.zeros(800, int))
    adata.obs["x"] = x
    states = cs.tl.define_states(adata, target="x > 11", core_fraction=0.4)
    core = (adata.obs["state"] == "A").to_numpy()
    assert states.n_source == pytest.approx(0.4 * (x <= 11).sum(), abs=1)
    assert np.abs(x[core]).max() < 1


def test_row_order_does_not_change_the_committor(walkers_ab, rng_order):
    fitted = cs.tl.committor(walkers_ab, n_bootstrap=2, rng=0)
    shuffled = walkers_ab[rng_order(walkers_ab.n_obs)].copy()
    again = cs.tl.committor(shuffled, n_bootstrap=2, rng=0)
    order = walkers_ab.obs_names.get_indexer(shuffled.obs_names)
    np.testing.assert_allclose(again.forward, fitted.forward[order], atol=1e-8)
    np.testing.assert_allclose(again.replicates, fitted.replicates[order], atol=1e-5)


def test_overwritten_values_are_no_result(walkers_ab):
    cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)
    walkers_ab.obs["committor"] = 0.5
    with pytest.raises(StaleResultError, match="another 'committor'"):
        cs.tl.rates(walkers_ab)


# Committor, rates, events


def test_per_cell_values_are_written(walkers_ab):
    fitted = cs.tl.committor(walkers_ab, n_bootstrap=3, rng=0)
    np.testing.assert_array_equal(walkers_ab.obs["committor"], fitted.forward)
    np.testing.assert_array_equal(walkers_ab.obs["committor_backward"], fitted.backward)
    assert walkers_ab.obsm["committor_replicates"].shape == (walkers_ab.n_obs, 3)
    assert fitted.method == "tracks"


def test_events_are_written_per_cell(walkers_ab):
    cs.tl.committor(walkers_ab, n_bootstrap=3, rng=0)
    result = cs.tl.differentiation_events(walkers_ab)
    by_track = result.table.set_index("track")
    track = walkers_ab.obs["track"]
    assert (walkers_ab.obs["event"] == by_track["status"].loc[track].to_numpy()).all()
    np.testing.assert_array_equal(
        walkers_ab.obs["event_time"], by_track["time"].loc[track]
    )
    # Who was seen to enter B is an event, whatever else is thought of it; who was
    # there from the start was not seen to enter.
    in_b = walkers_ab.obs["state"] == "B"
    reached = walkers_ab.obs.loc[in_b, "track"].unique()
    from_start = walkers_ab.obs.loc[in_b & (walkers_ab.obs["frame"] == 0), "track"]
    entered = np.setdiff1d(reached, from_start)
    assert entered.size > 0
    assert (by_track["status"].loc[entered] == "event").all()
    assert (by_track["status"].loc[from_start] == "undecidable").all()


def test_rates_scale_with_the_time_column(walkers_ab):
    cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)
    slow = cs.tl.rates(walkers_ab, rng=0)
    walkers_ab.obs["time"] /= 2
    with pytest.raises(StaleResultError, match="another 'time'"):
        cs.tl.rates(walkers_ab, rng=0)
    cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)
    fast = cs.tl.rates(walkers_ab, rng=0)
    assert fast.k_ab.value == pytest.approx(2 * slow.k_ab.value)
    assert fast.k_ab.high == pytest.approx(2 * slow.k_ab.high)
    assert fast.mfpt_ab.value == pytest.approx(slow.mfpt_ab.value / 2)
    assert (fast.source, fast.target) == ("A", "B")


def test_a_distrusted_link_is_not_followed(walkers_ab):
    walkers_ab.obs["qc_jump"] = walkers_ab.obs["frame"] > 0  # no link is trusted
    with pytest.raises(ValueError, match="found none among 750 rows in 30 tracks"):
        cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)


def test_an_event_target_keeps_the_committor_a_chance(dividers):
    cs.tl.define_states(dividers, target="division", source="none", n_frames=2)
    fitted = cs.tl.committor(
        dividers, None, "B", horizon=1.0, n_bootstrap=0, penalty=0.01, rng=0
    )
    in_b = (dividers.obs["state"] == "B").to_numpy()
    assert 0.5 < fitted.forward[in_b].mean() < 1
    assert fitted.forward[in_b].mean() > fitted.forward[~in_b].mean() + 0.3
    assert fitted.source == ""
    report = cs.tl.validate_committor(dividers)
    # The founders that will divide rise: they are told apart.
    assert report.auroc > 0.8
    unknown = (dividers.obs["state"] == "unknown").sum()
    assert report.n_excluded >= unknown


def test_validation_excludes_cut_tracks_and_the_sets(walkers_ab):
    cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)
    report = cs.tl.validate_committor(walkers_ab)
    outside = (walkers_ab.obs["state"] == "other").sum()
    assert report.n + report.n_excluded == outside
    assert report.n_excluded > 0
    part = cs.tl.validate_committor(
        walkers_ab, rows=(walkers_ab.obs["track"] <= 10).to_numpy()
    )
    assert part.n < report.n


def test_fit_on_learns_from_the_training_cells_only(walkers_ab):
    walkers_ab.obs["train"] = walkers_ab.obs["track"] <= 20
    by_name = cs.tl.committor(walkers_ab, fit_on="train", n_bootstrap=0, rng=0)
    mask = walkers_ab.obs["train"].to_numpy()
    by_mask = cs.tl.committor(walkers_ab, fit_on=mask, n_bootstrap=0, rng=0)
    np.testing.assert_array_equal(by_name.forward, by_mask.forward)
    whole = cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)
    assert not np.array_equal(by_name.forward, whole.forward)


# State spaces


def test_embedding_another_adata_with_the_same_statistics(measured):
    one = measured[measured.obs["movie"] == "one"].copy()
    other = measured[measured.obs["movie"] == "other"].copy()
    scaling = cs.pp.normalize(one)
    projection = cs.tl.embed(one, n_components=3)
    other.X[:, 4] = np.nan  # a feature that the other movie lacks throughout
    cs.pp.normalize(other, scaling=scaling)
    cs.tl.embed(other, projection=projection)
    np.testing.assert_array_equal(
        other.obsm["X_state"], projection.transform(other.layers["normalized"])
    )
    assert np.isfinite(other.obsm["X_state"]).all()


def test_families_choose_the_features(measured):
    cs.pp.normalize(measured)
    projection = cs.tl.embed(measured, n_components=2, families=("size",))
    used = np.asarray(projection.weights) > 0
    assert set(measured.var["family"][used]) == {"size"}
    with pytest.raises(ValueError, match=r"`families`=\['sizes'\].*'size'"):
        cs.tl.embed(measured, families=("sizes",))


def test_embed_leaves_features_of_fitted_rows_alone(measured):
    cs.pp.normalize(measured)
    rows = (measured.obs["movie"] == "one").to_numpy()
    fitted = cs.tl.embed(measured, n_components=2, fit_on=rows)
    alone = measured[rows].copy()
    again = cs.tl.embed(alone, n_components=2)
    np.testing.assert_allclose(fitted.components, again.components, atol=1e-10)


def test_delay_embedding_joins_past_and_present(walkers):
    window = cs.tl.delay_embed(walkers, basis="X_state", n_lags=2, baseline=False)
    assert walkers.obsm["X_delay"].shape == (750, 3)
    np.testing.assert_array_equal(walkers.obsm["X_state"], window.values)
    x = walkers.obs["x"].to_numpy().reshape(30, 25)
    difference = walkers.obsm["X_delay"][:, 2].reshape(30, 25)
    np.testing.assert_array_equal(difference[:, 2:], x[:, 2:] - x[:, :-2])
    held = walkers.obs["n_held"].to_numpy().reshape(30, 25)
    np.testing.assert_array_equal(held[:, :3], [[2, 1, 0]] * 30)


def test_the_pipeline_runs_on_an_adata_without_divisions_or_images():
    rng = np.random.default_rng(0)
    adata = AnnData(rng.normal(size=(300, 6)))
    adata.obs["track"] = np.repeat(np.arange(20), 15)
    adata.obs["frame"] = np.tile(np.arange(15), 20)
    adata.obs["time"] = adata.obs["frame"] * 0.1
    cs.pp.qc(adata)
    cs.pp.normalize(adata)
    cs.tl.embed(adata, n_components=2)
    adata.obs["first"] = adata.obsm["X_state"][:, 0]
    cs.tl.define_states(adata, source="first < -0.5", target="first > 0.5")
    cs.tl.committor(adata, n_bootstrap=2, rng=0)
    # White noise: the committor knows nothing, and says so.
    report = cs.tl.validate_committor(adata)
    assert abs(report.brier - report.brier_base) < 0.05
