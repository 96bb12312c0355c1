"""The schema: every violation at once, each with the call that mends it."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

import cellstate as cs
from cellstate._base.errors import SchemaError


def violations(adata):
    with pytest.raises(SchemaError) as caught:
        cs.validate(adata)
    return caught.value.violations


def named(lines, *words):
    """Whether one line holds all the words."""
    return any(all(w in line for w in words) for line in lines)


def test_a_bare_adata_is_valid(walkers, measured):
    cs.validate(walkers)
    cs.validate(measured)


def test_every_planted_problem_is_listed_at_once():
    adata = AnnData(np.zeros((4, 1)))
    adata.obs_names = ["a", "a", "b", "c"]
    adata.obs["frame"] = [0.0, 0.0, 1.0, 2.0]
    adata.obs["track"] = ["1", "1", "1", "1"]
    adata.obs["label"] = [5, 5, 5, 5]
    adata.obs["time"] = [0.0, np.nan, 1.0, np.inf]
    adata.obsm["spatial"] = np.zeros((4, 5))
    adata.obsm["X_state"] = np.full((4, 2), np.nan)
    adata.obsp["lineage"] = sparse.csr_matrix(
        ([1, 1, 1], ([0, 1, 2], [3, 3, 3])), shape=(4, 4)
    )
    adata.var["family"] = "size"
    adata.uns["cellstate"] = {"schema_version": "0"}
    lines = violations(adata)
    assert named(lines, "obs['frame']", "float64", ".astype(int)")
    assert named(lines, "obs['track']", ".astype(int)")
    assert named(lines, "obs['time']", "found 2 NaN or infinite")
    assert named(lines, "obs_names", "1 repeated: ['a']", "obs_names_make_unique")
    assert named(lines, "(frame, label)", "1 repeated", "duplicated")
    assert named(lines, "obsm['spatial']", "(4, 5)")
    assert named(lines, "obsm['X_state']", "cs.tl.embed")
    assert named(lines, "obsp['lineage']", "found 1 and 3", "cs.pp.features")
    assert named(lines, "var['unit']")
    assert named(lines, "schema version '1'", "'0'", "cs.pp.features")
    assert len(lines) == 10


@pytest.mark.parametrize("column", ["track", "frame", "time"])
def test_a_missing_column_is_named(walkers, column):
    del walkers.obs[column]
    lines = violations(walkers)
    assert len(lines) == 1
    assert named(lines, f"obs['{column}'] is missing", f"adata.obs['{column}'] = ...")


def test_integers_with_holes_are_no_integers(walkers):
    walkers.obs["track"] = walkers.obs["track"].astype("Int64")
    cs.validate(walkers)
    walkers.obs.loc[walkers.obs_names[3], "track"] = pd.NA
    assert named(violations(walkers), "obs['track']", "1 missing")


def test_a_broken_lineage_is_a_violation(walkers):
    walkers.obs["parent_track"] = walkers.obs["track"]
    assert named(violations(walkers), "forest", "their own mothers")


def test_time_must_grow_along_tracks(walkers):
    walkers.obs["time"] = -walkers.obs["time"]
    assert named(violations(walkers), "time grows", "found 720 steps", "track 1")


def test_no_cells_at_all(walkers):
    assert named(violations(walkers[:0].copy()), "no cell (0 rows)")


@pytest.mark.parametrize(
    "dtype", ["category", "string", "object"], ids=["category", "string", "object"]
)
def test_movies_may_be_named_by_any_kind_of_text(walkers, dtype):
    """Two movies that use the same track numbers stay apart."""
    obs = pd.concat([walkers.obs, walkers.obs])
    obs.index = [str(i) for i in range(len(obs))]
    both = AnnData(np.zeros((len(obs), 1)), obs=obs)
    both.obs["movie"] = pd.Series(
        np.repeat(["north", "south"], walkers.n_obs), index=both.obs.index
    ).astype(dtype)
    both.obsm["X_state"] = np.vstack([walkers.obsm["X_state"]] * 2)
    cs.validate(both)
    cs.tl.define_states(both, source="x < -2 and movie == 'north'", target="x > 2")
    assert set(both.obs["movie"][both.obs["state"] == "A"].astype(str)) == {"north"}
    cs.tl.committor(both, n_bootstrap=0, rng=0)
    table = cs.tl.differentiation_events(both).table
    assert len(table) == 60
    assert set(table["movie"]) == {"north", "south"}


def test_float_frames_are_refused_with_the_call_that_mends_them(walkers_ab):
    walkers_ab.obs["frame"] = walkers_ab.obs["frame"].astype(float)
    message = r"obs\['frame'\] = adata.obs\['frame'\].astype\(int\)"
    with pytest.raises(SchemaError, match=message):
        cs.tl.committor(walkers_ab)
    walkers_ab.obs["frame"] = walkers_ab.obs["frame"].astype(int)
    cs.tl.committor(walkers_ab, n_bootstrap=0, rng=0)


def test_a_damaged_sparse_matrix_is_named_before_it_is_used():
    """Row numbers beyond the matrix: scipy would read memory that is not its own."""
    adata = AnnData(np.zeros((3, 1)))
    adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 1, [0, 1, 2], [0, 1, 2]
    edges = sparse.csr_matrix(([1.0, 1.0], ([0, 1], [1, 2])), shape=(3, 3))
    adata.obsp["lineage"] = edges
    adata.obsp["lineage"].indices[1] = 2**30
    with pytest.raises(SchemaError, match=r"obsp\['lineage'\] is a whole sparse"):
        cs.validate(adata)
