"""SpatialData: table, images and label images, and what is refused."""

import shutil

import anndata
import numpy as np
import pytest

import cellstate as cs
from cellstate._base.errors import MovieError, SchemaError


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_elements_are_those_of_the_store(tmp_path, samples, version):
    path, image, labels = samples.spatialdata(tmp_path / "a.zarr", version)
    found = cs.io.read_spatialdata(path, pixel_size=0.5)
    np.testing.assert_array_equal(found.images["raw"][0], image)
    np.testing.assert_array_equal(found.masks["cells"][0], labels)
    adata = found.adata
    assert list(adata.obs_names) == ["cells:0:4", "cells:0:70000"]
    assert list(adata.obs["label"]) == [4, 70_000]
    assert list(adata.obs["label_in_file"]) == ["a", "b"]
    np.testing.assert_array_equal(adata.X, [[20.0, 1.0], [40.0, 0.0]])
    np.testing.assert_array_equal(adata.obsm["spatial"], [[2.0, 1.75], [7.75, 6.0]])
    assert list(adata.var["unit"]) == ["unknown", "unknown"]
    cs.validate(adata)


def test_positions_of_unknown_unit_are_no_micrometres(tmp_path, samples):
    path, _, _ = samples.spatialdata(tmp_path / "a.zarr")
    adata = cs.io.read_spatialdata(path).adata
    assert "spatial" not in adata.obsm
    np.testing.assert_array_equal(adata.obsm["spatial_unscaled"][0], [4.0, 3.5])


def test_image_and_masks_make_a_movie_that_matches_the_table(tmp_path, samples):
    path, _, labels = samples.spatialdata(tmp_path / "a.zarr")
    found = cs.io.read_spatialdata(path)
    movie = cs.io.read_movie(
        found.images["raw"],
        found.masks["cells"],
        pixel_size=0.5,
        frame_interval=1.0,
        name="cells",
    )
    assert sorted(np.unique(movie.labels(0)))[1:] == sorted(found.adata.obs["label"])
    assert movie.images.shape == (1, 2, *labels.shape)


def test_a_store_without_a_table(tmp_path, samples):
    path, _, _ = samples.spatialdata(tmp_path / "a.zarr")
    shutil.rmtree(path / "tables")
    found = cs.io.read_spatialdata(path)
    assert found.adata is None
    assert list(found.images) == ["raw"]


def test_what_is_wrong_is_named(tmp_path, samples):
    path, _, _ = samples.spatialdata(tmp_path / "a.zarr")
    shutil.copytree(path / "tables" / "table", path / "tables" / "other")
    with pytest.raises(SchemaError, match=r"found \['other', 'table'\]"):
        cs.io.read_spatialdata(path)
    assert cs.io.read_spatialdata(path, table="other").adata.n_obs == 2
    with pytest.raises(SchemaError, match="asked for 'none'"):
        cs.io.read_spatialdata(path, table="none")
    (path / "images" / "raw" / "0" / "zarr.json").write_text("{")
    with pytest.raises(MovieError, match="cannot be right: JSONDecodeError"):
        cs.io.read_spatialdata(path, table="other")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(SchemaError, match="folders images, labels or tables"):
        cs.io.read_spatialdata(tmp_path / "empty.zarr")
    with pytest.raises(FileNotFoundError, match="did you mean"):
        cs.io.read_spatialdata(tmp_path / "b.zarr")


@pytest.mark.filterwarnings("ignore:.*zarr.*:UserWarning")
def test_a_table_that_names_no_cells(tmp_path, samples):
    path, _, _ = samples.spatialdata(tmp_path / "a.zarr")
    adata = anndata.read_zarr(path / "tables" / "table")
    adata.uns["spatialdata_attrs"]["instance_key"] = "cell"
    shutil.rmtree(path / "tables" / "table")
    adata.write_zarr(path / "tables" / "table")
    with pytest.raises(SchemaError, match=r"found \['region', 'cell'\] and obs"):
        cs.io.read_spatialdata(path)
