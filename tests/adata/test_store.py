"""Results stay with the cells they were computed from."""

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._adata._store import fingerprint, put
from cellstate._base.errors import StaleResultError
from cellstate._base.results import Estimate, Result

MADE = []


@pytest.fixture
def full(measured, add_truth):
    """Every result that the package stores, on a measured movie; made once."""
    if not MADE:
        MADE.append(filled(measured, add_truth))
    return MADE[0].copy()


def filled(adata, add_truth):
    cs.pp.qc(adata)
    cs.pp.normalize(adata)
    cs.tl.embed(adata, n_components=2)
    embed_otherwise(adata)
    cs.tl.embed(adata, n_components=2)
    cs.tl.delay_embed(adata)
    first = adata.obsm["X_state"][:, 0]
    adata.obs["score"] = first
    low, high = np.quantile(first, [0.3, 0.7])
    cs.tl.define_states(adata, source=f"score < {low}", target=f"score > {high}")
    cs.tl.committor(adata, folds=2, n_bootstrap=4, rng=0)
    cs.tl.validate_committor(adata, n_bins=2)
    cs.tl.rates(adata, n_bootstrap=20, rng=0)
    cs.tl.macrostates(adata, 2, n_cells=4, n_bootstrap=3, rng=0)
    cs.tl.mfpt(adata, folds=2, n_bootstrap=4, rng=0)
    fates = {"a": "state == 'A'", "b": "state == 'B'"}
    cs.tl.fate_probabilities(adata, fates, folds=2, n_bootstrap=4, rng=0)
    cs.tl.scan_lags(adata, rng=0)
    cs.tl.reactive_flux(adata, n_bootstrap=5, rng=0)
    cs.tl.reactive_segments(adata, n_bootstrap=5, rng=0)
    cs.tl.differentiation_events(adata)
    cs.tl.compare_with_truth(add_truth(adata))
    cs.tl.couple(adata, rng=0)
    cs.tl.descendants(adata, "time == time.min()")
    adata.obsm["X_line"] = first[:, None]
    cs.tl.fit_flow(adata, basis="X_line", rng=0)
    cs.tl.propagate(adata, 0.0, 0.5, rng=0)
    return adata


def embed_otherwise(adata):
    crops = np.random.default_rng(0).random((adata.n_obs, 1, 9, 9), dtype=np.float32)
    adata.obsm["single_cell_images"] = crops
    cs.tl.embed(adata, method="autoencoder", n_components=1, n_steps=1, rng=0)
    cs.tl.embed(adata, method="diffmap", n_components=2, n_neighbors=5, rng=0)
    cs.tl.embed(adata, method="contour", n_components=2)
    cs.tl.embed(adata, method="vamp")
    cs.tl.state_space(adata, lags=0.5, rng=0)


READERS = {name: getattr(cs.get, name) for name in cs.get.__all__}


def same(one, other):
    """Compare two stored values, whatever they are."""
    if isinstance(one, Result):
        assert type(one) is type(other)
        for name in one.__dataclass_fields__:
            same(getattr(one, name), getattr(other, name))
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(
            one, other, check_dtype=False, check_categorical=False
        )
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, float):
        np.testing.assert_equal(other, one)
    else:
        assert one == other


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_every_result_survives_a_file(full, tmp_path, suffix):
    cs.io.write(full, tmp_path / f"cells.{suffix}")
    back = cs.io.read(tmp_path / f"cells.{suffix}")
    for name, reader in READERS.items():
        same(reader(full), reader(back))
        assert type(reader(back)).__name__ == type(reader(full)).__name__, name
    # What was read can be gone on with.
    again = cs.tl.committor(back, folds=2, n_bootstrap=4, rng=0)
    np.testing.assert_allclose(again.forward, cs.get.committor(full).forward)
    cs.validate(back)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_a_committor_without_refits_survives_a_file(walkers_ab, tmp_path, suffix):
    cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)
    cs.io.write(walkers_ab, tmp_path / f"cells.{suffix}")
    back = cs.io.read(tmp_path / f"cells.{suffix}")
    assert cs.get.committor(back).replicates.shape == (walkers_ab.n_obs, 0)


def test_the_model_that_was_read_back_predicts_the_same(walkers_ab, tmp_path):
    model = cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0).model
    cs.io.write(walkers_ab, tmp_path / "cells.h5ad")
    back = cs.get.committor(cs.io.read(tmp_path / "cells.h5ad")).model
    x = np.linspace(-3, 3, 20)[:, None]
    np.testing.assert_array_equal(back(x), model(x))


def test_what_tl_returns_is_what_get_reads(full):
    returned = cs.tl.rates(full, n_bootstrap=20, rng=0)
    same(returned, cs.get.rates(full))


def test_parameters_seed_and_version_stand_beside_a_result(full):
    stored = full.uns["cellstate"]["committor"]
    assert stored["seed"] == 0
    assert stored["params"]["basis"] == "X_state"
    assert stored["version"] == cs.__version__


DEPENDENTS = ("committor", "rates", "events", "calibration", "states")


# The truth of a law holds for any of its cells.
OF_THESE_CELLS = sorted(set(READERS) - {"truth"})


@pytest.mark.parametrize("name", OF_THESE_CELLS)
def test_results_are_refused_on_other_cells(full, name):
    part = full[1:].copy()
    with pytest.raises(StaleResultError, match=r"fingerprint \w{16} then, \w{16} now"):
        READERS[name](part)


@pytest.mark.parametrize("name", DEPENDENTS)
def test_results_are_refused_when_the_states_changed(full, name):
    full.obs["state"] = full.obs["state"].astype(str).replace({"A": "B", "B": "A"})
    with pytest.raises(StaleResultError, match=r"another 'state'.*Run cs\.tl\."):
        READERS[name](full)


def test_a_committor_is_refused_in_another_state_space(full):
    full.obsm["X_state"] = full.obsm["X_state"] + 1e-9
    with pytest.raises(StaleResultError, match=r"another 'X_state'.*cs\.tl\.committor"):
        cs.get.committor(full)


def test_what_was_made_of_a_committor_is_refused_when_it_changed(full):
    full.obs["committor"] = full.obs["committor"] * 0.5
    for name in ("rates", "events", "calibration"):
        with pytest.raises(StaleResultError, match="another 'committor'"):
            READERS[name](full)


def test_a_column_that_is_gone_is_named(full):
    del full.obs["committor_backward"]
    message = (
        r"'backward' in adata.obs\['committor_backward'\].*gone.*cs\.tl\.committor"
    )
    with pytest.raises(StaleResultError, match=message):
        cs.get.committor(full)


def test_results_follow_a_permutation_of_the_cells(full):
    order = np.random.default_rng(0).permutation(full.n_obs)
    mixed = full[order].copy()
    np.testing.assert_array_equal(
        cs.get.committor(mixed).forward, cs.get.committor(full).forward[order]
    )
    same(cs.get.rates(mixed), cs.get.rates(full))


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_missing_result_names_the_call(walkers, name):
    call = r"Only .*cs\.datasets" if name == "truth" else r"Run cs\.(tl|pp)\.\w+\(adata"
    with pytest.raises(KeyError, match=rf"found \[\].*{call}"):
        READERS[name](walkers)


def test_a_missing_result_names_what_is_there(full):
    with pytest.raises(
        KeyError, match=r"'other'.*found \['committor'\].*key_added='ot"
    ):
        cs.get.committor(full, "other")


def test_a_fingerprint_does_not_depend_on_the_order_of_cells(walkers):
    order = np.random.default_rng(1).permutation(walkers.n_obs)
    mixed = walkers[order].copy()
    for name in (None, "X_state", "x", "frame"):
        assert fingerprint(mixed, name) == fingerprint(walkers, name)


def test_a_fingerprint_changes_with_cells_and_with_values(walkers):
    was = fingerprint(walkers), fingerprint(walkers, "X_state")
    assert fingerprint(walkers[1:]) != was[0]
    walkers.obsm["X_state"][7, 0] += 1e-12
    assert fingerprint(walkers, "X_state") != was[1]
    assert fingerprint(walkers) == was[0]


def test_a_fingerprint_changes_when_two_cells_swap_their_values(walkers):
    before = fingerprint(walkers, "X_state")
    values = walkers.obsm["X_state"]
    other = int(np.flatnonzero(values[:, 0] != values[0, 0])[0])
    values[[0, other]] = values[[other, 0]]
    assert fingerprint(walkers, "X_state") != before


def test_reserved_names_are_refused(walkers):
    result = Estimate(
        value=1.0, low=0, high=2, level=0.9, method="m", n_effective=1, unit="1"
    )
    for key in ("movies", "a/b"):
        with pytest.raises(ValueError, match=f"key_added='{key}' is reserved or holds"):
            put(walkers, key, result)


def test_two_committors_stand_beside_each_other(walkers_ab):
    one = cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)
    two = cs.tl.committor(
        walkers_ab, None, "B", horizon=2.0, n_bootstrap=0, key_added="soon", rng=0
    )
    np.testing.assert_array_equal(cs.get.committor(walkers_ab).forward, one.forward)
    np.testing.assert_array_equal(
        cs.get.committor(walkers_ab, "soon").forward, two.forward
    )
    assert cs.tl.validate_committor(walkers_ab, key="soon", key_added="c2").n > 0
