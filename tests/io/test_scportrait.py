"""Crops of scPortrait: its file, as it writes it, and what is refused."""

import h5py
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import cellstate as cs
from cellstate._base.errors import SchemaError


def test_images_and_cells_are_those_of_the_file(tmp_path, samples):
    path, images, ids = samples.h5sc(tmp_path / "single_cells.h5sc")
    adata = cs.io.read_scportrait(path)
    stored = adata.obsm["single_cell_images"]
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, images.astype(np.float16))
    assert list(adata.obs["label"]) == ids
    assert list(adata.obs_names) == [f"single_cells:0:{i}" for i in ids]
    assert list(adata.obs["well"]) == list("abcab")
    about = adata.uns["single_cell_images"]
    assert list(about["channel_names"]) == ["seg_all_nucleus", "DNA", "actin"]
    assert list(about["channel_mapping"]) == ["mask", "image_channel", "image_channel"]
    assert adata.n_vars == 0
    cs.validate(adata)
    again = cs.io.read(cs.io.write(adata, tmp_path / "a.h5ad"))
    np.testing.assert_array_equal(again.obsm["single_cell_images"], stored)


def test_rows_in_any_order(tmp_path, samples):
    path, _, ids = samples.h5sc(tmp_path / "a.h5sc")
    whole = cs.io.read_scportrait(path, name="m")
    part = cs.io.read_scportrait(path, rows=[4, 0, 2], name="m")
    assert list(part.obs["label"]) == [ids[4], ids[0], ids[2]]
    np.testing.assert_array_equal(
        part.obsm["single_cell_images"], whole.obsm["single_cell_images"][[4, 0, 2]]
    )
    with pytest.raises(IndexError, match="rows are 0 to 4; found 2 to 5"):
        cs.io.read_scportrait(path, rows=[2, 5])


def test_more_than_memory_holds_is_refused_before_it_is_read(tmp_path, samples):
    path, _, _ = samples.h5sc(tmp_path / "a.h5sc")
    with h5py.File(path, "a") as file:
        del file["obsm/single_cell_images"]
        file.create_dataset(
            "obsm/single_cell_images",
            shape=(5, 3, 20_000, 20_000),
            chunks=(1, 1, 100, 100),
            dtype="float16",
        )
    with pytest.raises(MemoryError, match=r"5 cells take 24\.0 GB.*range\(1\)"):
        cs.io.read_scportrait(path)


@pytest.mark.parametrize("dtype", ["uint16", "uint8", "int16", "float32"])
def test_types_of_pixels(tmp_path, samples, dtype):
    images = np.full((5, 3, 4, 4), 100, dtype)
    path, _, _ = samples.h5sc(tmp_path / "a.h5sc", images)
    assert (cs.io.read_scportrait(path).obsm["single_cell_images"] == 100).all()


def test_what_is_wrong_is_named(tmp_path, samples):
    rgb = np.zeros((5, 3, 4, 4, 3), np.uint8)
    path, _, _ = samples.h5sc(tmp_path / "a.h5sc", rgb)
    with pytest.raises(SchemaError, match=r"found \(5, 3, 4, 4, 3\), uint8, for 5 ce"):
        cs.io.read_scportrait(path)
    path, _, _ = samples.h5sc(tmp_path / "b.h5sc", rgb[:4, ..., 0])
    with pytest.raises(SchemaError, match=r"found \(4, 3, 4, 4\), uint8, for 5 cells"):
        cs.io.read_scportrait(path)
    path, _, _ = samples.h5sc(tmp_path / "c.h5sc", rgb[:, :2, ..., 0])
    with pytest.raises(SchemaError, match=r"\[3, 3\] names of channels"):
        cs.io.read_scportrait(path)
    path, _, _ = samples.h5sc(tmp_path / "d.h5sc", ids=[1, 2, 2, 3, 4])
    with pytest.raises(SchemaError, match="found 1 repeated of 5 rows"):
        cs.io.read_scportrait(path)
    AnnData(obs=pd.DataFrame({"a": [1]}, index=["0"])).write_h5ad(tmp_path / "e.h5sc")
    with pytest.raises(SchemaError, match=r"found obs \['a'\] and no images"):
        cs.io.read_scportrait(tmp_path / "e.h5sc")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(SchemaError, match="no whole file of single-cell images"):
        cs.io.read_scportrait(path)
    path.write_bytes(b"")
    with pytest.raises(SchemaError, match=r"\(0 bytes\)"):
        cs.io.read_scportrait(path)
