"""Written and read back: whole files or none."""

import re

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.sparse import csr_matrix

import cellstate as cs
from cellstate._base.errors import SchemaError
from cellstate.io import _results


@pytest.fixture
def adata():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "frame": np.repeat(np.arange(5), 4),
            "track": np.tile(np.arange(1, 5), 5),
            "px": rng.random(20),
            "py": rng.random(20),
            "area": rng.random(20),
            "drug": np.tile(["a", "b", "a", "b"], 5),
        }
    )
    adata = cs.io.read_table(
        table,
        columns={
            "frame": "frame",
            "track": "track",
            "x": "px",
            "y": "py",
            "condition": "drug",
        },
        units={"area": "um2"},
        frame_interval=0.5,
        pixel_size=0.6,
    )
    adata.layers["normalized"] = adata.X * 2
    adata.uns["cellstate"]["embed"] = {"kind": "pca", "weights": np.eye(2)}
    return adata


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
def test_round_trip(tmp_path, adata, suffix):
    again = cs.io.read(cs.io.write(adata, tmp_path / f"cells{suffix}"))
    pd.testing.assert_frame_equal(
        again.obs.astype({"movie": str, "condition": str}),
        adata.obs.astype({"movie": str, "condition": str}),
        check_index_type=False,
        check_column_type=False,
    )
    np.testing.assert_array_equal(again.X, adata.X)
    np.testing.assert_array_equal(again.obsm["spatial"], adata.obsm["spatial"])
    np.testing.assert_array_equal(again.layers["normalized"], adata.X * 2)
    assert (csr_matrix(again.obsp["lineage"]) != adata.obsp["lineage"]).nnz == 0
    assert again.var["unit"].tolist() == ["um2"]
    stored = again.uns["cellstate"]
    assert float(stored["movies"]["table"]["pixel_size"]) == 0.6
    assert int(stored["movies"]["table"]["n_frames"]) == 5
    np.testing.assert_array_equal(stored["embed"]["weights"], np.eye(2))


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
def test_overwriting_is_asked_for(tmp_path, adata, suffix):
    path = cs.io.write(adata, tmp_path / f"cells{suffix}")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        cs.io.write(adata[:8].copy(), path)
    assert cs.io.read(path).n_obs == 20
    cs.io.write(adata[:8].copy(), path, overwrite=True)
    assert cs.io.read(path).n_obs == 8
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("suffix", "error", "when"),
    [
        (".h5ad", OSError("disk full"), "_write_as"),
        (".h5ad", KeyboardInterrupt(), "_move"),
        (".zarr", KeyboardInterrupt(), "_write_as"),
    ],
)
def test_a_broken_write_keeps_the_older_file(
    tmp_path, adata, monkeypatch, suffix, error, when
):
    path = cs.io.write(adata, tmp_path / f"cells{suffix}")
    original = getattr(_results, when)

    def breaks(*args):
        if when == "_write_as":
            original(*args)
        raise error

    monkeypatch.setattr(_results, when, breaks)
    with pytest.raises(type(error)):
        cs.io.write(adata[:8].copy(), path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert cs.io.read(path).n_obs == 20


def test_a_folder_that_cannot_be_moved_in_makes_way_for_the_old_one(
    tmp_path, adata, monkeypatch
):
    path = cs.io.write(adata, tmp_path / "cells.zarr")
    original = type(path).replace

    def breaks(self, target):
        if self.name == path.name and self.parent != path.parent:
            raise OSError("device is gone")
        return original(self, target)

    monkeypatch.setattr(type(path), "replace", breaks)
    with pytest.raises(OSError, match="device is gone"):
        cs.io.write(adata[:8].copy(), path, overwrite=True)
    monkeypatch.undo()
    assert cs.io.read(path).n_obs == 20


def test_only_what_can_be_read_back_is_written(tmp_path, adata):
    del adata.obs["track"]
    with pytest.raises(SchemaError, match="obs\\['track'\\] is missing"):
        cs.io.write(adata, tmp_path / "cells.h5ad")
    assert list(tmp_path.iterdir()) == []


def test_reading_checks_the_schema(tmp_path, adata):
    adata.obs["time"] = np.nan
    adata.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(SchemaError, match="20 NaN"):
        cs.io.read(tmp_path / "cells.h5ad")


def test_a_zarr_that_claims_more_than_is_there(tmp_path):
    """A damaged shape is refused before memory is filled."""
    adata = AnnData(np.ones((3, 2)))
    adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 1, [0, 1, 2], [0, 1, 2]
    path = cs.io.write(adata, tmp_path / "a.zarr")
    for file in [*path.rglob(".zarray"), *path.rglob(".zmetadata")]:
        text = re.sub(
            r'(?s)"shape": \[\s*3,\s*2', '"shape": [3000000000, 2', file.read_text()
        )
        file.write_text(text)
    with pytest.raises(OSError, match=r"'X' states shape \(3000000000, 2\)"):
        cs.io.read(path)
