"""btrack files: the known family, a real file, and tables that do not fit."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._adata import _extract as extract
from cellstate._base.errors import LineageError, MovieError

UNITS = {"pixel_size": 0.5, "frame_interval": 0.25}
DATA = Path(
    os.environ.get(
        "CELLSTATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)
PLACE = "tracks/obj_type_1/"


@pytest.fixture
def read(tmp_path, samples):
    def with_changes(**changes):
        tables = samples.btrack_tables()
        names = {name.split("/")[-1]: name for name in tables}
        tables |= {names[k]: v for k, v in changes.items()}
        return cs.io.read_btrack(
            samples.btrack_h5(tmp_path / "cells.h5", tables), **UNITS
        )

    return with_changes


@pytest.fixture
def lbepr(samples):
    return samples.btrack_tables()[PLACE + "LBEPR"]


def test_the_family(read, samples):
    adata = read()
    cs.validate(adata)
    order = np.argsort(samples.FRAME, kind="stable")
    ids = np.array(samples.IDS)[order][adata.obs["label"]]
    assert ids.tolist() == [10, 11, 12, 14, 13, 15, 20, 21]
    assert adata.obs["track"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert adata.obs["parent_track"].tolist() == [-1, -1, 1, 1, 1, 1, -1, -1]
    assert adata.obs["frame"].tolist() == [0, 1, 2, 4, 2, 3, 1, 2]
    np.testing.assert_allclose(adata.obs["time"], adata.obs["frame"] * 0.25)
    place = {i: k for k, i in enumerate(samples.IDS)}
    rows = [place[i] for i in ids]
    np.testing.assert_allclose(
        adata.obsm["spatial"],
        0.5 * np.column_stack([samples.X, samples.Y])[rows],
    )
    np.testing.assert_allclose(adata[:, "area"].X[:, 0], np.array(samples.AREA)[rows])
    assert adata.var.loc["area"].to_dict() == {"family": "btrack", "unit": "unknown"}
    links = {
        (ids[a], ids[b]) for a, b in zip(*adata.obsp["lineage"].nonzero(), strict=True)
    }
    assert links == {(10, 11), (11, 12), (11, 13), (13, 15), (20, 21)}


def test_classes_fates_and_what_was_left_out(read):
    adata = read()
    assert adata.obs["object_class"].tolist() == [0, 2, 0, 0, 0, 1, 3, 0]
    fates = adata.obs.drop_duplicates("track").set_index("track")["fate"]
    assert adata.obs["fate"].dtype == "category"
    assert fates.to_dict() == {
        1: "divide",
        2: "terminate",
        3: "apoptosis",
        4: "code_77",
    }
    movie = adata.uns["cellstate"]["movies"]["cells"]
    assert movie == {
        "n_frames": 5,
        "n_left_out": 1,
        "pixel_size": 0.5,
        "frame_interval": 0.25,
    }


def test_tables_that_may_be_missing(read):
    adata = read(labels=None, area=None, fates=None, dummies=None)
    assert adata.n_vars == 0
    assert not {"object_class", "fate"} & set(adata.obs)


def test_scores_of_classes_are_features(read):
    labels = np.column_stack([np.zeros(8), np.linspace(0, 1, 8), np.linspace(1, 0, 8)])
    adata = read(labels=labels)
    assert adata.var_names.tolist() == ["class_score_0", "class_score_1", "area"]
    np.testing.assert_allclose(adata.X[:, :2].sum(axis=1), 1)


def test_depth_is_kept_where_there_is_some(read, samples):
    coords = samples.btrack_tables()["objects/obj_type_1/coords"].copy()
    coords[:, 3] = np.arange(8)
    spatial = read(coords=coords).obsm["spatial"]
    assert spatial.shape == (8, 3)
    assert set(spatial[:, 2]) == set(0.5 * np.arange(8))


def test_a_track_of_dummies_alone_leaves_orphans(read):
    """The mother was never seen: her daughters are founders."""
    adata = read(tracks=np.array([-1, -1, 3, -1, 7, 4, 6, 2, 5]))
    assert 1 not in set(adata.obs["track"])
    assert set(adata.obs["parent_track"]) == {-1}


def test_real_nuclei():
    folder = DATA / "tracks" / "btrack_cellcycle_tracks"
    if not (folder / "tracks.h5").exists():
        pytest.skip("tracks/btrack_cellcycle_tracks/tracks.h5 is not there")
    adata = cs.io.read_btrack(
        folder / "tracks.h5", pixel_size=1 / 3, frame_interval=4 / 60, name="mdck"
    )
    cs.validate(adata)
    assert adata.shape == (52581, 0)
    tracks = extract.tracks(adata)
    assert tracks.n_tracks == 409
    # Two routes: cells that btrack says divide, and mothers in the lineage.
    fate = adata.obs["fate"].to_numpy()[tracks.last_row]
    np.testing.assert_array_equal(fate == "divide", tracks.divides)
    assert tracks.divides.sum() == 110
    counts = adata.obs["object_class"].value_counts().to_dict()
    assert counts == {0: 48798, 3: 2334, 2: 738, 1: 585, 4: 126}
    assert adata.uns["cellstate"]["movies"]["mdck"]["n_left_out"] == 97
    # The same tracks as its table, which holds y first and the dummies too.
    table = pd.read_csv(folder / "tracks.csv.gz")
    seen = adata.obs[["track", "frame"]].assign(
        y=3 * adata.obsm["spatial"][:, 0], x=3 * adata.obsm["spatial"][:, 1]
    )
    both = seen.merge(
        table, left_on=["track", "frame"], right_on=["ID", "t"], suffixes=("", "_csv")
    )
    assert len(both) == len(adata)
    np.testing.assert_allclose(both[["x", "y"]], both[["x_csv", "y_csv"]], atol=1e-3)


def test_nuclei_go_through_geff(tmp_path):
    path = DATA / "tracks" / "btrack_cellcycle_tracks" / "tracks.h5"
    if not path.exists():
        pytest.skip("tracks/btrack_cellcycle_tracks/tracks.h5 is not there")
    adata = cs.io.read_btrack(path, pixel_size=1 / 3, frame_interval=4 / 60)
    again = cs.io.read_geff(cs.io.write_geff(adata, tmp_path / "tracks.geff"))
    pd.testing.assert_frame_equal(again.obs, adata.obs, check_like=True)
    assert (again.obsp["lineage"] != adata.obsp["lineage"]).nnz == 0


# Files that cannot be right


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"coords": None}, MovieError, "'coords' missing"),
        ({"LBEPR": None}, MovieError, "'LBEPR' missing"),
        ({"coords": np.zeros((8, 2))}, MovieError, r"4 columns.*shape \(8, 2\)"),
        ({"tracks": np.arange(9.0)}, MovieError, "whole numbers.*float64"),
        ({"tracks": np.arange(9)}, LineageError, r"beyond the 8 objects.*\[8\]"),
        ({"tracks": np.zeros(9, int)}, LineageError, r"in several, rows \[0\]"),
        ({"tracks": np.full(9, -1)}, MovieError, "found none"),
        ({"tracks": np.arange(5)}, MovieError, "cuts 5 references"),
        ({"map": np.zeros((4, 2), int)}, MovieError, "cuts 9 references"),
        ({"fates": np.zeros(3, int)}, MovieError, "3 fates"),
        ({"labels": np.full((8, 1), np.nan)}, MovieError, r"classes; found \[nan"),
        ({"labels": np.zeros((7, 1))}, MovieError, "found 7 and 8"),
    ],
)
def test_tables_that_do_not_fit(read, change, error, match):
    with pytest.raises(error, match=match):
        read(**change)


@pytest.mark.parametrize("frame", [np.nan, -1.0, 0.5, np.inf, 1e30])
def test_frames_that_are_none(read, samples, frame):
    coords = samples.btrack_tables()["objects/obj_type_1/coords"].copy()
    coords[0, 0] = frame
    with pytest.raises(MovieError, match="holds frames from 0"):
        read(coords=coords)


def test_mothers_that_are_not_there(read, lbepr):
    lbepr[1, 3] = 9
    with pytest.raises(LineageError, match=r"in 'LBEPR' that are not: \[9\]"):
        read(LBEPR=lbepr)


def test_a_mother_that_lives_on(read, lbepr):
    lbepr[1, 3] = 4
    with pytest.raises(ValueError, match="a mother ends before her daughters begin"):
        read(LBEPR=lbepr)


def test_a_file_cut_anywhere_is_refused(tmp_path, samples):
    path = samples.btrack_h5(tmp_path / "cells.h5")
    data = path.read_bytes()
    for length in (0, 7, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(MovieError, match=f"cannot be read as HDF5.*{length} byt"):
            cs.io.read_btrack(path, **UNITS)


def test_another_type_of_object(tmp_path, samples):
    path = samples.btrack_h5(tmp_path / "cells.h5")
    with pytest.raises(MovieError, match=r"'objects/obj_type_2'; found \['obj_type_1'"):
        cs.io.read_btrack(path, **UNITS, object_type="obj_type_2")


def test_units_are_asked_for(tmp_path, samples):
    path = samples.btrack_h5(tmp_path / "cells.h5")
    with pytest.raises(ValueError, match=r"pixel_size.*is missing.*read_btrack"):
        cs.io.read_btrack(path, pixel_size=None, frame_interval=1.0)
