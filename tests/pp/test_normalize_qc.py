"""Scaling and quality control of an AnnData."""

import numpy as np
import pytest
from anndata import AnnData

import cellstate as cs


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    x = np.stack(
        [
            rng.normal(3, 2, 60),
            np.full(60, 7.0),
            np.full(60, np.nan),
            rng.gamma(1, 1, 60),
        ]
    ).T
    adata = AnnData(x)
    adata.var_names = ["a", "flat", "never", "b"]
    return adata


def test_raw_values_are_kept_and_the_layer_is_the_compressed_z_score(table):
    before = table.X.copy()
    scaling = cs.pp.normalize(table)
    np.testing.assert_array_equal(table.X, before)
    z = (before[:, 0] - np.median(before[:, 0])) / scaling.scale[0]
    np.testing.assert_allclose(table.layers["normalized"][:, 0], np.arcsinh(z))
    cs.pp.normalize(table, compress=False)
    np.testing.assert_allclose(table.layers["normalized"][:, 0], z)


def test_constant_and_undefined_features_are_reported_not_fatal(table):
    scaling = cs.pp.normalize(table)
    np.testing.assert_array_equal(table.var["used"], [True, False, False, True])
    np.testing.assert_array_equal(scaling.n_undefined, [0, 0, 60, 0])
    assert np.isfinite(table.layers["normalized"]).all()


def test_statistics_of_other_cells_are_reused(table):
    scaling = cs.pp.normalize(table[:30].copy())
    rows = np.arange(60) < 30
    fitted = cs.pp.normalize(table, fit_on=rows)
    np.testing.assert_array_equal(fitted.center, scaling.center)
    by_rows = table.layers["normalized"].copy()
    cs.pp.normalize(table, scaling=scaling)
    np.testing.assert_array_equal(table.layers["normalized"], by_rows)


@pytest.fixture
def moving():
    """Five cells, six frames, 10 um2 each; rows by cell."""
    frame = np.tile(np.arange(6), 5)
    adata = AnnData(np.full((30, 1), 10.0))
    adata.var_names = ["area"]
    adata.obs["track"] = np.repeat(np.arange(1, 6), 6)
    adata.obs["frame"], adata.obs["time"] = frame, frame * 0.5
    adata.obsm["spatial"] = np.stack(
        [100.0 * adata.obs["track"] + frame, np.zeros(30)], axis=1
    )
    return adata


def test_clean_cells_pass(moving):
    report = cs.pp.qc(moving)
    assert (report.n_cells, report.n_pass) == (30, 30)
    assert moving.obs["qc_pass"].all()
    assert set(report.not_checked) == {"qc_border", "qc_fragmented", "qc_blur"}
    assert "not checked" in str(report)


def test_slivers_fragments_borders_and_undefined_values_are_flagged(moving):
    moving.X[3] = 1.5
    moving.X[4] = np.nan
    moving.obs["n_components"] = 1
    moving.obs.loc[moving.obs_names[7], "n_components"] = 2
    moving.obs["touches_border"] = np.arange(30) == 9
    report = cs.pp.qc(moving)
    flagged = {
        name: np.flatnonzero(moving.obs[name]).tolist()
        for name in ("qc_sliver", "qc_undefined", "qc_fragmented", "qc_border")
    }
    assert flagged == {
        "qc_sliver": [3],
        "qc_undefined": [4],
        "qc_fragmented": [7],
        "qc_border": [9],
    }
    assert dict(zip(report.flags, report.counts, strict=True))["qc_sliver"] == 1
    np.testing.assert_array_equal(np.flatnonzero(~moving.obs["qc_pass"]), [3, 4, 7, 9])


def test_a_jump_breaks_the_link(moving):
    moving.obsm["spatial"][3:6, 1] = 50.0
    cs.pp.qc(moving)
    np.testing.assert_array_equal(np.flatnonzero(moving.obs["qc_jump"]), [3])
    window = cs.tl.delay_embed(
        with_state(moving), basis="X_state", n_lags=1, baseline=False
    )
    assert window.n_held[3] == 1


def with_state(adata):
    adata.obsm["X_state"] = np.asarray(adata.X, float)
    return adata


def test_the_limit_of_a_jump_is_one_and_a_half_median_diameters(moving):
    limit = 1.5 * np.sqrt(4 * 10 / np.pi)
    for step, flags in ((0.99 * limit, 0), (1.01 * limit, 1)):
        moving.obsm["spatial"][3:6, 1] = np.sqrt(step**2 - 1)
        assert cs.pp.qc(moving).counts[-1] == flags


def test_a_missed_division_shows_as_a_cell_that_shrinks_beside_a_newcomer(moving):
    # Cell 1 halves in frame 3 while cell 2, until then unseen, begins beside it.
    moving.X[3:6] = 5.0
    keep = np.ones(30, bool)
    keep[6:9] = False
    moving.obsm["spatial"][6:12, 0] -= 95
    divided = moving[keep].copy()
    cs.pp.qc(divided)
    flagged = divided.obs.loc[divided.obs["qc_jump"], ["track", "frame"]]
    assert flagged.to_numpy().tolist() == [[1, 3]]
    # Without the newcomer a cell may shrink.
    alone = divided[divided.obs["track"] != 2].copy()
    cs.pp.qc(alone)
    assert not alone.obs["qc_jump"].any()


def test_links_are_judged_afresh(moving):
    moving.obsm["spatial"][3:6, 1] = 50.0
    cs.pp.qc(moving)
    moving.obsm["spatial"][3:6, 1] = 0.0
    cs.pp.qc(moving)
    assert not moving.obs["qc_jump"].any()


def test_a_movie_without_sharpness_does_not_stop_the_other(measured):
    measured.X[(measured.obs["movie"] == "one").to_numpy()] = np.nan
    report = cs.pp.qc(measured)
    assert report.n_cells == measured.n_obs
    undefined = measured.obs["qc_undefined"]
    assert undefined[measured.obs["movie"] == "one"].all()
