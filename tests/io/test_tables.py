"""Object tables with named columns."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._base.errors import LineageError

DATA = Path(
    os.environ.get(
        "CELLSTATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)


def shipped(*parts):
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not there")
    return path


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "t": [0, 30, 60, 60],
            "id": [1.0, 1.0, 2.0, 3.0],
            "mother": [np.nan, np.nan, 1, 1],
            "col": [10.0, 12, 8, 16],
            "row": [5.0, 5, 4, 6],
            "area": [90, 95, 40, 45],
            "note": ["a", "b", "c", "d"],
        }
    )


COLUMNS = {"time": "t", "track": "id", "parent_track": "mother", "x": "col", "y": "row"}


def test_every_column_finds_its_place(tmp_path, table):
    table.to_csv(tmp_path / "cells.csv")
    adata = cs.io.read_table(
        tmp_path / "cells.csv",
        columns=COLUMNS,
        units={"time": "min", "area": "px2"},
        frame_interval=0.5,
        pixel_size=2.0,
        name="A:1",
    )
    cs.validate(adata)
    assert adata.var_names.tolist() == ["area"]
    assert adata.var.loc["area"].to_dict() == {"family": "table", "unit": "px2"}
    assert adata.obs_names.tolist() == ["A_1:0:1", "A_1:1:1", "A_1:2:2", "A_1:2:3"]
    assert adata.obs["time"].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert adata.obs["frame"].tolist() == [0, 1, 2, 2]
    assert adata.obs["parent_track"].tolist() == [-1, -1, 1, 1]
    assert adata.obs["note"].tolist() == list("abcd")
    np.testing.assert_allclose(adata.obsm["spatial"], 2 * table[["col", "row"]])
    expected = np.zeros((4, 4))
    expected[0, 1] = expected[1, 2] = expected[1, 3] = 1
    np.testing.assert_array_equal(adata.obsp["lineage"].toarray(), expected)
    assert adata.uns["cellstate"]["movies"]["A_1"] == {
        "n_frames": 3,
        "pixel_size": 2.0,
        "frame_interval": 0.5,
    }


def test_units_of_time_and_length_are_honoured(table):
    """The same cells in other units are the same cells."""
    other = table.assign(t=table["t"] / 60, col=table["col"] * 2, row=table["row"] * 2)
    a = cs.io.read_table(
        table,
        columns=COLUMNS,
        units={"time": "min"},
        frame_interval=0.5,
        pixel_size=2.0,
    )
    b = cs.io.read_table(
        other, columns=COLUMNS, units={"time": "h", "x": "um"}, frame_interval=0.5
    )
    np.testing.assert_allclose(a.obsm["spatial"], b.obsm["spatial"])
    np.testing.assert_allclose(a.obs["time"], b.obs["time"])
    assert a.obs["frame"].tolist() == b.obs["frame"].tolist()


def test_the_order_of_rows_does_not_matter(table):
    read = {
        "columns": COLUMNS,
        "units": {"time": "min"},
        "frame_interval": 0.5,
        "pixel_size": 1.0,
    }
    forward = cs.io.read_table(table, **read)
    backward = cs.io.read_table(table.iloc[::-1], **read)[forward.obs_names]
    np.testing.assert_array_equal(
        forward.obsp["lineage"].toarray(), backward.obsp["lineage"].toarray()
    )


def test_without_tracks_each_row_is_its_own(table):
    adata = cs.io.read_table(
        table, columns={"frame": "t", "label": "id"}, frame_interval=1 / 60
    )
    assert adata.obs["track"].nunique() == 4
    assert adata.obsp["lineage"].nnz == 0
    assert adata.obs["label"].tolist() == [1, 1, 2, 3]


def test_movies_keep_their_tracks_apart(table):
    two = pd.concat([table.assign(well="A1"), table.assign(well="B2")])
    adata = cs.io.read_table(
        two,
        columns={**COLUMNS, "movie": "well"},
        units={"time": "min", "x": "um"},
        frame_interval=0.5,
    )
    assert adata.obsp["lineage"].nnz == 6
    assert sorted(adata.uns["cellstate"]["movies"]) == ["A1", "B2"]


def test_objects_of_the_hela_movie():
    path = shipped("movies", "hela_h2b_ctc02_movie", "objects.csv")
    adata = cs.io.read_table(
        path,
        columns={
            "frame": "frame",
            "label": "label",
            "track": "track",
            "x": "x",
            "y": "y",
        },
        units={"area": "px2"},
        frame_interval=0.5,
        pixel_size=0.645,
        name="hela",
    )
    assert adata.shape == (3271, 1)
    assert adata.obs["track"].nunique() == 256
    assert adata.obsm["spatial"].max() < 1100 * 0.645


def test_nuclei_tracked_by_btrack():
    folder = shipped("tracks", "btrack_cellcycle_tracks")
    table = pd.read_csv(folder / "tracks.csv.gz")
    graph = json.loads((folder / "graph.json").read_text())
    mothers = {int(child): parents[0] for child, parents in graph.items()}
    assert len(mothers) > 50
    seen = table.groupby("ID")["t"].agg(["min", "max"])
    joined = {
        c: m
        for c, m in mothers.items()
        if c in seen.index and m in seen.index and seen["max"][m] < seen["min"][c]
    }
    table["mother"] = table["ID"].map(joined)
    adata = cs.io.read_table(
        table,
        columns={
            "frame": "t",
            "track": "ID",
            "x": "x",
            "y": "y",
            "parent_track": "mother",
        },
        frame_interval=4 / 60,
        pixel_size=1 / 3,
        name="mdck",
    )
    assert adata.n_obs == len(table)
    assert adata.n_vars == 0
    assert (adata.obs["parent_track"] >= 0).any()
    assert int(adata.uns["cellstate"]["movies"]["mdck"]["n_frames"]) == 500


def test_cells_under_growth_factors():
    """Real tables: three mothers have three daughters, and that is said."""
    path = shipped("tracks", "mcf10a_ligands", "EGF_1.csv.gz")
    table = pd.read_csv(path)
    read = {
        "columns": {
            "time": "tmin",
            "track": "TID",
            "parent_track": "motherID",
            "x": "xpixel",
            "y": "ypixel",
            "movie": "well",
            "condition": "treatment",
        },
        "units": {"time": "min"},
        "frame_interval": 0.5,
        "pixel_size": 1.0,
    }
    with pytest.raises(LineageError, match="found 3 of track"):
        cs.io.read_table(path, **read)
    daughters = table.drop_duplicates("TID").groupby("motherID").cumcount()
    surplus = table.loc[daughters.index[daughters >= 2], "TID"]
    table.loc[table["TID"].isin(surplus), "motherID"] = 0
    adata = cs.io.read_table(table, **read)
    cs.validate(adata)
    assert set(adata.obs["condition"]) == {"EGF"}
    assert adata.obs["time"].max() == 48.0
    assert {"generation", "velocity"} & set(adata.var_names) == {"generation"}
