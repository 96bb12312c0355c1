"""Tables of CellProfiler and CytoTable: rows, joins, families, units, lineage."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._base.errors import LineageError, SchemaError

DATA = Path(
    os.environ.get(
        "CELLSTATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)
PAINTED = DATA / "tables" / "cell_painting"
UNITS = {"pixel_size": 0.5, "frame_interval": 0.5}


@pytest.fixture
def tables(samples):
    return samples.cellprofiler_tables()


@pytest.fixture
def read(tmp_path, samples):
    def run(tables, **kwargs):
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        return cs.io.read_cellprofiler(
            samples.write_tables(folder, tables), **{**UNITS, **kwargs}
        )

    return run


def test_family_of_cells(read, tables, samples):
    adata = read(tables, name="m")
    known = samples.family_adata()
    assert adata.n_obs == known.n_obs
    # Rows by frame and area, which tell the cells apart.
    place = {
        (f, a): i
        for i, (f, a) in enumerate(zip(known.obs["frame"], samples.AREA, strict=True))
    }
    area = adata[:, "Cells_AreaShape_Area"].X.ravel()
    rows = [place[f, a] for f, a in zip(adata.obs["frame"], area, strict=True)]
    assert sorted(rows) == list(range(known.n_obs))
    np.testing.assert_array_equal(adata.obs["time"], adata.obs["frame"] * 0.5)
    xy = np.column_stack([samples.X, samples.Y])[rows] * 0.5
    np.testing.assert_allclose(adata.obsm["spatial"], xy)
    expected = known.obsp["lineage"].toarray()[np.ix_(rows, rows)]
    np.testing.assert_array_equal(adata.obsp["lineage"].toarray(), expected)
    assert set(adata.obs["movie"]) == {"m"}
    assert set(adata.obs["Metadata_Well"]) == {"B03"}
    assert adata.uns["cellstate"]["movies"]["m"]["pixel_size"] == 0.5
    cs.validate(adata)


def test_features_have_families_units_and_their_own_rows(read, tables):
    adata = read(tables)
    assert list(adata.var_names) == [
        "Cells_AreaShape_Area",
        "Cells_Intensity_MeanIntensity_DNA",
        "Cells_TrackObjects_Displacement_50",
        "Nuclei_AreaShape_Area",
        "Nuclei_Texture_Contrast_DNA_3_00_256",
    ]
    assert list(adata.var["family"]) == [
        *("AreaShape", "Intensity", "TrackObjects", "AreaShape", "Texture")
    ]
    assert list(adata.var["unit"]) == ["px2", "unknown", "px", "px2", "unknown"]
    cells, nuclei = (
        adata[:, f"{c}_AreaShape_Area"].X.ravel() for c in ("Cells", "Nuclei")
    )
    np.testing.assert_array_equal(nuclei, cells / 2)


def test_a_joined_table_says_the_same(read, tables, samples, tmp_path):
    path = tmp_path / "single_cells.csv.gz"
    samples.cytotable().to_csv(path, index=False)
    one, other = read(tables), cs.io.read_cellprofiler(path, **UNITS)
    pd.testing.assert_frame_equal(
        one.obs, other.obs[one.obs.columns], check_categorical=False
    )
    pd.testing.assert_frame_equal(one.to_df(), other.to_df()[one.var_names])
    pd.testing.assert_frame_equal(one.var, other.var.loc[one.var_names])
    np.testing.assert_array_equal(one.obsm["spatial"], other.obsm["spatial"])
    assert (one.obsp["lineage"] != other.obsp["lineage"]).nnz == 0


def test_order_of_rows_and_tables_does_not_matter(read, tables):
    one = read(tables)
    turned = {n: t.sample(frac=1, random_state=1) for n, t in tables.items()}
    other = read(dict(reversed(turned.items())))[one.obs_names].copy()
    pd.testing.assert_frame_equal(one.to_df(), other.to_df())
    assert (one.obsp["lineage"] != other.obsp["lineage"]).nnz == 0


@pytest.mark.parametrize("parents", ["down", "through Cytoplasm"])
def test_other_ways_to_join(read, tables, parents):
    expected = read(tables).to_df()
    cells, nuclei = tables["Cells"].drop(columns="Parent_Nuclei"), tables["Nuclei"]
    ids = tables["Cells"][["ImageNumber", "ObjectNumber"]]
    if parents == "down":
        other = {"Nuclei": nuclei.assign(Parent_Cells=nuclei["ObjectNumber"])}
    else:
        link = ids.assign(
            Parent_Cells=ids["ObjectNumber"], Parent_Nuclei=ids["ObjectNumber"]
        )
        other = {"Nuclei": nuclei, "Cytoplasm": link}
    found = read({"Cells": cells, **other, "Image": tables["Image"]}).to_df()
    pd.testing.assert_frame_equal(found[expected.columns], expected)


def test_a_cell_without_a_nucleus_has_nan(read, tables):
    nuclei = tables["Nuclei"].iloc[:-1]
    adata = read({**tables, "Nuclei": nuclei})
    lost = np.isnan(adata[:, "Nuclei_AreaShape_Area"].X.ravel())
    assert lost.tolist() == [True] + [False] * 7
    assert not np.isnan(adata[:, "Cells_AreaShape_Area"].X).any()


def test_one_table_alone_and_paths(tmp_path, samples, tables):
    folder = samples.write_tables(tmp_path / "run", tables, start="")
    whole = cs.io.read_cellprofiler(folder, **UNITS)
    paths = [folder / "Cells.csv", folder / "Image.csv"]
    alone = cs.io.read_cellprofiler(paths, **UNITS)
    assert list(alone.var_names) == list(whole.var_names[:3])
    nuclei = cs.io.read_cellprofiler(str(folder / "Nuclei.csv"), pixel_size=0.5)
    assert "spatial" not in nuclei.obsm
    assert list(nuclei.var_names) == list(whole.var_names[3:])


def test_images_without_an_interval_are_movies_of_one_frame(read, tables):
    still = {n: t.loc[:, ~t.columns.str.startswith("Track")] for n, t in tables.items()}
    adata = read(still, frame_interval=None, pixel_size=None, name="p")
    assert set(adata.obs["movie"]) == {f"p_{i}" for i in range(3, 9)} - {"p_8"}
    assert (adata.obs["frame"] == 0).all()
    assert adata.obsp["lineage"].nnz == 0
    assert adata.obs["track"].is_unique
    assert "spatial" not in adata.obsm
    assert adata.uns["cellstate"]["movies"]["p_3"] == {"n_frames": 1}


def test_groups_are_movies(read, tables):
    two = {
        n: pd.concat([t, t.assign(ImageNumber=t["ImageNumber"] + 6)])
        for n, t in tables.items()
    }
    for n, column in (("Cells", "TrackObjects_ParentImageNumber_50"),):
        late = two[n].index.size // 2
        values = two[n][column].to_numpy().copy()
        values[late:][values[late:] > 0] += 6
        two[n][column] = values
    two["Image"]["Group_Number"] = [1] * 6 + [2] * 6
    adata = read(two, name="m")
    one = read(tables, name="m")
    assert sorted(set(adata.obs["movie"])) == ["m_1", "m_2"]
    for movie in ("m_1", "m_2"):
        part = adata[adata.obs["movie"] == movie]
        np.testing.assert_array_equal(part.obs["frame"], one.obs["frame"])
        np.testing.assert_array_equal(
            part.obsp["lineage"].toarray(), one.obsp["lineage"].toarray()
        )


def test_labels_without_parents_make_tracks(read, tables):
    cells = tables["Cells"].drop(
        columns=[c for c in tables["Cells"] if "TrackObjects_Parent" in c]
    )
    cells = cells[cells["TrackObjects_Label_50"] == 2]
    cells = pd.concat([cells, cells.assign(ObjectNumber=9, TrackObjects_Label_50=None)])
    adata = read({"Cells": cells})
    assert sorted(adata.obs.groupby("track").size()) == [1, 1, 2]
    assert (adata.obs["parent_track"] == -1).all()


def test_two_runs_in_one_table(tmp_path, samples):
    table = samples.cytotable()
    both = pd.concat([table.assign(Metadata_TableNumber=n) for n in (1, 2)])
    both = both.loc[:, ~both.columns.str.contains("TrackObjects")]
    both.to_csv(tmp_path / "a.csv", index=False)
    adata = cs.io.read_cellprofiler(tmp_path / "a.csv", frame_interval=1, name="m")
    assert sorted(set(adata.obs["movie"])) == ["m_1", "m_2"]
    assert adata.n_obs == 16


def test_tracks_need_an_interval(read, tables):
    with pytest.raises(
        SchemaError, match="need the time between images; found 'Cells_"
    ):
        read(tables, frame_interval=None)


def test_parents_that_are_not_there(read, tables):
    tables["Cells"].loc[1, "TrackObjects_ParentObjectNumber_50"] = 7
    with pytest.raises(LineageError, match=r"found 1 of 6 .*\['cellprofiler', 3, 7\]"):
        read(tables)


def test_three_daughters(read, tables):
    extra = tables["Cells"][tables["Cells"]["ImageNumber"] == 5].iloc[:1]
    extra = extra.assign(ObjectNumber=9, Parent_Nuclei=0)
    cells = pd.concat([tables["Cells"], extra])
    with pytest.raises(LineageError, match="at most two daughters"):
        read({**tables, "Cells": cells})


def bad_image(t):
    return {**t, "Cells": t["Cells"].drop(columns="ImageNumber")}


def bad_text(t):
    area = t["Cells"]["AreaShape_Area"].astype(object).copy()
    area[2] = "large"
    return {**t, "Cells": t["Cells"].assign(AreaShape_Area=area)}


def bad_center(t):
    return {**t, "Cells": t["Cells"].assign(Location_Center_X=np.nan)}


def twice(t):
    return {**t, "Cells": pd.concat([t["Cells"], t["Cells"].iloc[:2]])}


def many(t):
    foci = t["Nuclei"].assign(Parent_Cells=t["Nuclei"]["ObjectNumber"])
    foci = pd.concat([foci, foci.assign(ObjectNumber=foci["ObjectNumber"] + 50)])
    return {**t, "Foci": foci}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (bad_image, "names images in 'ImageNumber'; .*Run_Cells.csv' has"),
        (bad_text, r"text in 1 columns, \['Cells_AreaShape_Area'\], e.g. \['large'\]"),
        (bad_center, "finite numbers; found 8 of 8 rows"),
        (twice, r"found 2 of 10 rows .* repeated: \[\[3, 1\], \[4, 1\]\]"),
        (many, "each of Cells has one of Foci; found 8 with more"),
        (lambda t: {"Image": t["Image"]}, "tables of objects have 'ObjectNumber'"),
        (
            lambda t: {**t, "Foci": t["Nuclei"]},
            "neither 'Cells_Parent_Foci' nor 'Foci_Parent_Cells'",
        ),
        (
            lambda t: {**t, "Cells": t["Cells"].iloc[:0]},
            "at least one row; found 0 rows of 15 columns",
        ),
        (
            lambda t: {**t, "Cells": t["Cells"].assign(ObjectNumber=0.5)},
            r"ObjectNumber holds whole numbers; found 8 of 8",
        ),
    ],
)
def test_what_is_wrong_is_named(read, tables, change, match):
    with pytest.raises(SchemaError, match=match):
        read(change(tables))


def test_other_folders_and_tables_are_refused(tmp_path, tables):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(SchemaError, match=r"found \['notes.txt'\]"):
        cs.io.read_cellprofiler(tmp_path)
    with pytest.raises(FileNotFoundError, match="no tables at"):
        cs.io.read_cellprofiler(tmp_path / "none")
    path = tmp_path / "other.csv"
    pd.DataFrame({"a": [1]}).to_csv(path, index=False)
    with pytest.raises(SchemaError, match=r"For any other table use cs.io.read_table"):
        cs.io.read_cellprofiler(path)
    pd.DataFrame({"Metadata_ImageNumber": [1], "Cells_AreaShape_Area": [1]}).to_csv(
        path, index=False
    )
    with pytest.raises(SchemaError, match="has an object number"):
        cs.io.read_cellprofiler(path)
    path.write_bytes(b"")
    with pytest.raises(SchemaError, match=r"0 bytes\) is no table"):
        cs.io.read_cellprofiler(path)
    with pytest.raises(ValueError, match="`pixel_size` must be a number above 0"):
        cs.io.read_cellprofiler(tmp_path, pixel_size=0)


def test_parquet_is_read_or_says_what_is_missing(tmp_path, samples):
    path = tmp_path / "cells.parquet"
    try:
        samples.cytotable().to_parquet(path)
    except ImportError:
        path.write_bytes(b"PAR1")
        with pytest.raises(ImportError, match="pip install pyarrow"):
            cs.io.read_cellprofiler(path, frame_interval=1)
        return
    assert cs.io.read_cellprofiler(path, frame_interval=1).n_obs == 8
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SchemaError, match="no whole Parquet table"):
        cs.io.read_cellprofiler(path, frame_interval=1)


@pytest.mark.skipif(not PAINTED.is_dir(), reason=f"needs {PAINTED}")
def test_cell_painting(tmp_path):
    adata = cs.io.read_cellprofiler(PAINTED, pixel_size=0.6, name="BR00121431_A01")
    assert adata.shape == (89, 5607)
    assert adata.var["family"].value_counts().to_dict() == {
        "Texture": 3744,
        "Correlation": 672,
        "Granularity": 384,
        "Intensity": 360,
        "RadialDistribution": 288,
        "AreaShape": 144,
        "Neighbors": 15,
    }
    assert set(adata.obs["Metadata_Well"]) == {"A01"}
    assert "Metadata_Plate" in adata.obs
    file = PAINTED / "BR00121431-A01-1_{}.csv.gz"
    cells, nuclei = (pd.read_csv(str(file).format(n)) for n in ("Cells", "Nuclei"))
    area = nuclei.set_index("ObjectNumber")["AreaShape_Area"]
    np.testing.assert_array_equal(
        adata[:, "Nuclei_AreaShape_Area"].X.ravel(), area[cells["Parent_Nuclei"]]
    )
    # A nucleus lies inside its cell: the join holds only if it is never larger.
    assert (
        adata[:, "Nuclei_AreaShape_Area"].X <= adata[:, "Cells_AreaShape_Area"].X
    ).all()
    np.testing.assert_allclose(
        adata.obsm["spatial"][:, 0], cells["Location_Center_X"] * 0.6
    )
    cs.validate(adata)
    cs.io.write(adata, tmp_path / "a.h5ad")
    stored = cs.io.read(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(stored.X, adata.X)
    assert list(stored.obs.columns) == list(adata.obs.columns)
