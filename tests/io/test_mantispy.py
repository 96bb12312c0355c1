"""The schema of mantispy, as its document and its own reader state it, and back."""

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import cellstate as cs
from cellstate._base.errors import SchemaError


@pytest.fixture
def family(samples):
    adata = samples.family_adata()
    for column, value in (("Metadata_Plate", "P1"), ("Metadata_Well", "B03")):
        # As anndata stores it: text that repeats is a category.
        adata.obs[column] = pd.Categorical([value] * adata.n_obs)
    return adata


@pytest.fixture
def plate():
    """Four objects in two images of another program's making."""
    obs = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": pd.Categorical(["A01", "A01", "A02", "A02"]),
            "Metadata_ImageID": ["P1|A01", "P1|A01", "P1|A02", "P1|A02"],
            "Metadata_ObjectNumber": [1, 2, 1, 5],
            "Metadata_ObjectType": "Cells",
            "Metadata_Center_X": [3.0, 8.0, 1.0, 2.0],
            "Metadata_Center_Y": [4.0, 4.0, 9.0, 2.0],
        },
        index=list("abcd"),
    )
    var = pd.DataFrame(
        {
            "feature_group": pd.Categorical(["AreaShape", None]),
            "feature_kind": pd.Categorical(["measurement", "embedding"]),
        },
        index=["Cells_AreaShape_Area", "dino_0"],
    )
    adata = AnnData(np.arange(8, dtype=np.float32).reshape(4, 2), obs=obs, var=var)
    adata.uns["mantispy"] = {
        "schema_version": "2.0",
        "schema_status": "experimental",
        "resolution": "object",
        "grouped_by": [],
        "history": [],
    }
    return adata


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
def test_there_and_back(tmp_path, family, suffix):
    before = family.copy()
    path = cs.io.write_mantispy(family, tmp_path / f"a{suffix}")
    found = cs.io.read_mantispy(path)
    assert list(found.obs_names) == list(family.obs_names)
    pd.testing.assert_frame_equal(found.obs[family.obs.columns], before.obs)
    pd.testing.assert_frame_equal(
        found.var[family.var.columns], family.var, check_dtype=False
    )
    np.testing.assert_array_equal(found.X, family.X.astype(np.float32))
    np.testing.assert_allclose(found.obsm["spatial"], family.obsm["spatial"])
    assert (found.obsp["lineage"] != family.obsp["lineage"]).nnz == 0
    assert found.uns["cellstate"]["movies"] == family.uns["cellstate"]["movies"]
    pd.testing.assert_frame_equal(family.obs, before.obs)
    assert "mantispy" not in family.uns
    again = cs.io.read_mantispy(cs.io.write_mantispy(found, tmp_path / f"b{suffix}"))
    pd.testing.assert_frame_equal(again.obs, found.obs)


def test_what_is_written_is_what_the_schema_asks(tmp_path, family):
    """Sections 3 to 6 of the schema: names, types, uniqueness, where positions are."""
    stored = anndata.read_h5ad(cs.io.write_mantispy(family, tmp_path / "a.h5ad"))
    said = stored.uns["mantispy"]
    assert (said["schema_version"], said["schema_status"]) == ("2.0", "experimental")
    assert said["resolution"] == "object"
    assert len(said["grouped_by"]) == len(said["history"]) == 0
    assert stored.X.dtype == np.float32
    pairs = stored.obs[["Metadata_ImageID", "Metadata_ObjectNumber"]]
    assert not pairs.duplicated().any()
    assert {"Metadata_Plate", "Metadata_Well", "Metadata_ObjectType"} <= set(stored.obs)
    for column in (
        *("object", "feature_group", "feature", "channel", "scale", "angle"),
        *("gray_levels", "radial_bin", "params"),
    ):
        assert column in stored.var, column
    assert stored.var["is_feature"].dtype == bool
    assert set(stored.var["feature_kind"]) == {"measurement"}
    assert list(stored.var["feature_group"]) == ["table"]
    assert "spatial" not in stored.obsm
    px = stored.obs[["Metadata_Center_X", "Metadata_Center_Y"]].to_numpy()
    np.testing.assert_allclose(px, family.obsm["spatial"] / 0.5)


def test_objects_of_another_program(plate):
    before = plate.copy()
    adata = cs.io.read_mantispy(plate, pixel_size=0.5)
    assert list(adata.obs_names) == [
        *("P1|A01:0:1", "P1|A01:0:2", "P1|A02:0:1", "P1|A02:0:5")
    ]
    assert (adata.obs["time"] == 0).all()
    assert adata.obs["track"].is_unique
    np.testing.assert_array_equal(adata.obsm["spatial"][1], [4.0, 2.0])
    assert list(adata.var["family"]) == ["AreaShape", "embedding"]
    assert list(adata.var["unit"]) == ["px2", "unknown"]
    np.testing.assert_array_equal(adata.X, plate.X)
    pd.testing.assert_frame_equal(plate.obs, before.obs)
    assert "spatial" not in cs.io.read_mantispy(plate).obsm
    cs.validate(adata)


def test_the_older_schema(plate):
    plate.uns["mantispy"] = {"schema_version": "1.0", "resolution": "cell"}
    del plate.obs["Metadata_ImageID"], plate.var["feature_kind"]
    adata = cs.io.read_mantispy(plate)
    assert sorted(set(adata.obs["movie"])) == ["P1|A01", "P1|A02"]


def test_cells_of_cellprofiler_become_profiles(tmp_path, samples):
    folder = samples.write_tables(tmp_path / "run", samples.cellprofiler_tables())
    cells = cs.io.read_cellprofiler(folder, pixel_size=0.5, frame_interval=0.5)
    with pytest.raises(SchemaError, match=r"\['Metadata_Plate'\] missing"):
        cs.io.write_mantispy(cells, tmp_path / "a.h5ad")
    cells.obs["Metadata_Plate"] = "P1"
    found = cs.io.read_mantispy(cs.io.write_mantispy(cells, tmp_path / "a.h5ad"))
    assert list(found.var["object"]) == ["Cells"] * 3 + ["Nuclei"] * 2
    assert list(found.var["feature_group"]) == list(cells.var["family"])
    assert (found.obsp["lineage"] != cells.obsp["lineage"]).nnz == 0


def stamped(**said):
    def change(adata):
        adata.uns["mantispy"] |= said

    return change


def no_number(adata):
    del adata.obs["Metadata_ObjectNumber"]


def twice(adata):
    adata.obs["Metadata_ObjectNumber"] = 1


def half(adata):
    adata.obs["Metadata_ObjectNumber"] = [0.5, 1, 2, 3]


def no_stamp(adata):
    del adata.uns["mantispy"]


def odd_kind(adata):
    adata.var["feature_kind"] = ["measurement", "guess"]


def label(adata):
    adata.obs["label"] = 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (no_stamp, r"uns\['mantispy'\] with its schema_version; found NoneType"),
        (stamped(schema_version="3.0"), "schema 1.0 or 2.0 .* found '3.0'"),
        (
            stamped(resolution="well", grouped_by=["Metadata_Well"]),
            r"found 'well', grouped by \['Metadata_Well'\]",
        ),
        (stamped(resolution=None), "resolution 'object'; found None"),
        (no_number, "objects by 'Metadata_ObjectNumber'; found"),
        (twice, "found 2 repeated of 4 rows"),
        (half, "whole numbers"),
        (odd_kind, r"found \['guess'\]"),
        (label, r"obs has columns \['label'\]"),
    ],
)
def test_what_is_wrong_is_named(plate, change, match):
    change(plate)
    with pytest.raises(SchemaError, match=match):
        cs.io.read_mantispy(plate)


def test_what_cannot_be_written(tmp_path, family):
    path = tmp_path / "a.h5ad"
    family.obs["Metadata_Well"] = "upper left"
    with pytest.raises(
        SchemaError, match=r"names wells as A01; found \['upper left'\]"
    ):
        cs.io.write_mantispy(family, path)
    family.obs["Metadata_Well"], family.obs["Metadata_ImageID"] = "A1", "one"
    family.obs["label"] = family.obs["track"]
    with pytest.raises(SchemaError, match="repeated"):
        cs.io.write_mantispy(family, path)
    assert not path.exists()
    path.write_bytes(b"none")
    with pytest.raises(SchemaError, match="is no whole AnnData"):
        cs.io.read_mantispy(path)
