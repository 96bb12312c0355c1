"""From a movie to an AnnData: identity, units, lineage."""

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._base.errors import MovieError


def test_identity_units_and_positions(make_movie):
    movie = make_movie(n_cells=3, n_frames=4, name="field")
    adata = cs.pp.features(movie, condition="egf")
    assert adata.n_obs == 12
    assert adata.obs_names[0] == "field:0:1"
    np.testing.assert_array_equal(adata.obs["time"], adata.obs["frame"] * 0.25)
    assert set(adata.obs["condition"]) == {"egf"}
    for name, row in adata.obs.iterrows():
        cell = movie.masks[row["frame"]] == row["label"]
        # 0.5 um per pixel: a quarter of a square micrometre each.
        assert adata[name, "area"].X.item() == pytest.approx(cell.sum() / 4)
        y, x = np.nonzero(cell)
        np.testing.assert_allclose(
            adata[name].obsm["spatial"][0], np.array([x.mean(), y.mean()]) * 0.5
        )
    assert adata.var.loc["area", "unit"] == "um2"
    stated = adata.uns["cellstate"]["movies"]["field"]
    assert (stated["pixel_size"], stated["n_frames"]) == (0.5, 4)


def test_the_lineage_graph_leads_from_parents_to_children(make_movie):
    movie = make_movie(n_cells=3, n_frames=4)
    table = movie.lineage
    # Cell 1 divides into 2 and 3, which were not there before.
    keep = ((table["label"] == 1) & (table["frame"] < 2)) | (
        (table["label"] > 1) & (table["frame"] >= 2)
    )
    masks = movie.masks.copy()
    masks[:2][masks[:2] > 1] = 0
    masks[2:][masks[2:] == 1] = 0
    table = table[keep].assign(parent_track=np.where(table[keep]["label"] > 1, 1, -1))
    divided = cs.Movie(
        images=movie.images,
        masks=masks,
        lineage=table,
        pixel_size=0.5,
        frame_interval=0.25,
    )
    adata = cs.pp.features(divided)
    cs.validate(adata)
    edges = adata.obsp["lineage"].tocoo()
    names = adata.obs_names
    found = {(names[i], names[j]) for i, j in zip(edges.row, edges.col, strict=True)}
    assert found == {
        ("movie:0:1", "movie:1:1"),
        ("movie:1:1", "movie:2:2"),
        ("movie:1:1", "movie:2:3"),
        ("movie:2:2", "movie:3:2"),
        ("movie:2:3", "movie:3:3"),
    }
    assert cs.tl.define_states(adata, target="division", source="none").n_target == 1


def test_several_movies_stay_apart(measured, make_movie):
    assert measured.obs_names.is_unique
    assert list(measured.obs["movie"].cat.categories) == ["one", "other"]
    edges = measured.obsp["lineage"].tocoo()
    movie = measured.obs["movie"].to_numpy()
    assert (movie[edges.row] == movie[edges.col]).all()
    assert edges.nnz == 2 * 4 * 4
    alone = cs.pp.features(make_movie(name="other"))
    part = measured[measured.obs["movie"] == "other"]
    np.testing.assert_array_equal(part.X, alone.X)


def test_halving_the_pixel_size_halves_lengths(make_movie):
    wide, fine = (cs.pp.features(make_movie(pixel_size=size)) for size in (0.5, 0.25))
    power = wide.var["unit"].map({"um": 1, "um2": 2, "um/h": 1, "1": 0, "rad": 0})
    known = power.notna().to_numpy()
    assert (power[known] > 0).sum() > 5
    expected = wide.X[:, known] * 0.5 ** power[known].to_numpy()
    np.testing.assert_allclose(fine.X[:, known], expected, rtol=1e-6, atol=1e-9)


def test_the_feature_table_names_every_column(measured):
    table = cs.pp.feature_table(("intensity",))
    pd.testing.assert_frame_equal(measured.var, table)
    assert (table["meaning"].str.len() > 5).all()
    assert table.index.is_unique


def test_movies_with_other_channels_or_equal_names_are_refused(make_movie):
    with pytest.raises(MovieError, match=r"distinct names.*\['a', 'a'\]"):
        cs.pp.features([make_movie(name="a"), make_movie(name="a")])
    with pytest.raises(MovieError, match=r"same channels.*'H2B'"):
        cs.pp.features([make_movie(name="a"), make_movie(name="b", channels=("H2B",))])
    with pytest.raises(MovieError, match="at least one movie; found none"):
        cs.pp.features([])
    with pytest.raises(ValueError, match=r"one name for each of 1 movies; found \['x'"):
        cs.pp.features(make_movie(), condition=["x", "y"])


def test_an_empty_movie_is_refused(make_movie):
    movie = make_movie()
    empty = cs.Movie(
        images=movie.images,
        masks=np.zeros_like(movie.masks),
        lineage=movie.lineage[:0],
        pixel_size=1,
        frame_interval=1,
    )
    with pytest.raises(MovieError, match="no cell in any of its 5 frames"):
        cs.pp.features(empty)
