"""Tracks made elsewhere and masks: by position, and by trackastra's own output."""

import numpy as np
import pandas as pd
import pytest
import tifffile

import cellstate as cs
from cellstate._adata import _extract as extract
from cellstate._base.errors import LineageError, MovieError

UNITS = {"pixel_size": 1.0, "frame_interval": 0.5}


@pytest.fixture
def family(samples):
    return samples.family_adata()


@pytest.fixture
def masks(samples):
    return samples.masks()


def test_each_cell_takes_the_label_under_it(family, masks):
    table = cs.io.lineage_of(family, masks, pixel_size=1.0)
    expected = family.obs[["frame", "label", "track", "parent_track"]]
    pd.testing.assert_frame_equal(
        table, expected.sort_values(["frame", "label"]).reset_index(drop=True)
    )
    movie = cs.io.read_movie(masks * 1.0, masks, **UNITS, tracks=table)
    assert movie.lineage["parent_track"].max() == family.obs["parent_track"].max()


def test_other_labels_same_tracks(family, masks, tmp_path):
    """Labels permuted frame by frame: tracks follow positions, not labels."""
    rng = np.random.default_rng(3)
    other = np.zeros_like(masks)
    for frame, labels in enumerate(masks):
        present = np.unique(labels[labels > 0])
        for old, new in zip(present, rng.permutation(len(present)) + 1, strict=True):
            other[frame][labels == old] = new
    tifffile.imwrite(tmp_path / "m.tif", other, photometric="minisblack")
    a = cs.io.lineage_of(family, masks, pixel_size=1.0)
    b = cs.io.lineage_of(family, tmp_path / "m.tif", pixel_size=1.0)
    count = ["frame", "track", "parent_track"]
    pd.testing.assert_frame_equal(
        a[count].sort_values(count, ignore_index=True),
        b[count].sort_values(count, ignore_index=True),
    )
    for row, new in zip(a.itertuples(), b.itertuples(), strict=True):
        where = (masks[row.frame] == row.label).nonzero()
        assert new.frame == row.frame
        found = b[(b["frame"] == row.frame) & (b["track"] == row.track)]["label"]
        assert set(other[row.frame][where]) == set(found)


def test_the_pixel_size_of_the_file_is_used(family, masks):
    """The family states 0.5 um/px: with masks twice as fine positions still fit."""
    fine = masks.repeat(2, axis=1).repeat(2, axis=2)
    assert len(cs.io.lineage_of(family, fine)) == 8


def test_labels_that_no_cell_takes_are_their_own(family, masks):
    masks[3, 40:43, 1:4] = 99
    table = cs.io.lineage_of(family, masks, pixel_size=1.0)
    alone = table[table["label"] == 99].iloc[0]
    assert alone["track"] == family.obs["track"].max() + 1
    assert alone["parent_track"] == -1


def test_reach_bridges_a_position_on_background(family, masks):
    family.obsm["spatial"][0] += [3.0, 0.0]  # the square ends 1 px from its centre
    with pytest.raises(MovieError, match=r"found 1 of 8 on none.*'family:0:10'"):
        cs.io.lineage_of(family, masks, pixel_size=1.0, reach=1.5)
    table = cs.io.lineage_of(family, masks, pixel_size=1.0, reach=2.0)
    assert table["label"].tolist() == [10, 11, 20, 12, 13, 21, 15, 14]


def test_masks_that_do_not_fit(family, masks):
    with pytest.raises(MovieError, match=r"frames of the masks, 0 to 1; found 5 of 8"):
        cs.io.lineage_of(family, masks[:2], pixel_size=1.0)
    with pytest.raises(MovieError, match="on none within 0 um"):
        cs.io.lineage_of(family, masks[:, :20], pixel_size=1.0)
    masks[2][masks[2] == 13] = 0
    masks[2, 6:15, 2:9] = 12
    with pytest.raises(MovieError, match="2 cells that share one"):
        cs.io.lineage_of(family, masks, pixel_size=1.0)
    family.obs["movie"] = ["a"] * 4 + ["b"] * 4
    family.obs["track"], family.obs["parent_track"] = np.arange(8), -1
    with pytest.raises(MovieError, match="one movie are needed; found 2"):
        cs.io.lineage_of(family, masks, pixel_size=1.0)


@pytest.mark.parametrize(
    "name", ["TrackMate XML", "TrackMate CSV, spots", "btrack HDF5", "GEFF, foreign"]
)
def test_what_is_read_is_stored_and_serves_the_analysis(tmp_path, samples, name):
    """Every reader's AnnData goes through h5ad and into `tl`."""
    path, read = samples.SAMPLES[name](tmp_path)
    adata = read(path)
    cs.validate(adata)
    again = cs.io.read(cs.io.write(adata, tmp_path / "a.h5ad"))
    columns = ["frame", "time", "label", "track", "parent_track"]
    pd.testing.assert_frame_equal(again.obs[columns], adata.obs[columns])
    np.testing.assert_array_equal(again.X, adata.X)
    tracks = extract.tracks(again)
    assert tracks.n_tracks == 4
    assert np.bincount(tracks.lineage).max() == 3
    again.obsm["X_state"] = again.obsm["spatial"]
    again.obs["x"] = again.obsm["spatial"][:, 0]
    states = cs.tl.define_states(again, source="x < 4", target="x > 6")
    assert states is not None


# What trackastra writes: a folder of the challenge, and a table of links


def test_a_folder_of_trackastra(tmp_path, family, masks):
    """``man_track.txt`` beside ``man_track0000.tif``, a gap as a daughter alone."""
    folder = tmp_path / "tracked"
    folder.mkdir()
    for frame, labels in enumerate(masks):
        tracked = np.zeros_like(labels)
        for label, track in ((10, 1), (11, 1), (12, 2), (13, 3), (15, 3), (14, 4)):
            tracked[labels == label] = track
        tracked[(labels == 20) | (labels == 21)] = 5
        tifffile.imwrite(folder / f"man_track{frame:04d}.tif", tracked)
    (folder / "man_track.txt").write_text(
        "1 0 1 0\n2 2 2 1\n3 2 3 1\n4 4 4 2\n5 1 2 0\n"
    )
    movie = cs.io.read_movie(
        masks * 1.0, folder, **UNITS, tracks=folder / "man_track.txt"
    )
    parents = movie.lineage.drop_duplicates("track").set_index("track")["parent_track"]
    assert parents.to_dict() == {1: -1, 2: 1, 3: 1, 4: 2, 5: -1}


def test_a_table_of_links(tmp_path, samples, family, masks):
    path = tmp_path / "tracked.csv"
    samples.edge_table().to_csv(path, index=False)
    movie = cs.io.read_movie(masks * 1.0, masks, **UNITS, tracks=path)
    columns = ["frame", "label", "track", "parent_track"]
    expected = family.obs[columns].sort_values(["frame", "label"])
    pairs = set(zip(movie.lineage["track"], expected["track"].to_numpy(), strict=True))
    assert len(pairs) == 4  # one to one
    renamed = dict(pairs) | {-1: -1}
    assert movie.lineage["parent_track"].map(renamed).tolist() == (
        expected["parent_track"].tolist()
    )


def test_links_that_do_not_fit_the_masks(samples, masks):
    table = samples.edge_table()
    with pytest.raises(MovieError, match=r"\(frame, label\) that are not.*\[\[0, 10\]"):
        cs.io.read_movie(masks * 1.0, masks * (masks != 10), **UNITS, tracks=table)
    table.loc[5] = [2, 12, 3, 15, 0.1]
    with pytest.raises(LineageError, match=r"merge: \[\[3, 15\]\]"):
        cs.io.read_movie(masks * 1.0, masks, **UNITS, tracks=table)


def test_no_links_leave_every_object_alone(samples, masks):
    movie = cs.io.read_movie(
        masks * 1.0, masks, **UNITS, tracks=samples.edge_table().iloc[:0]
    )
    assert movie.lineage["track"].nunique() == 8


def test_a_damaged_table_is_named(tmp_path, masks):
    path = tmp_path / "man_track.txt"
    for data in (b"1 0 1 \xff\n", b"1 0 99999999999999999999 0\n"):
        path.write_bytes(data)
        with pytest.raises(MovieError, match=r"L B E P"):
            cs.io.read_movie(masks * 1.0, masks, **UNITS, tracks=path)
    (tmp_path / "t.csv").write_bytes(b"")
    with pytest.raises(MovieError, match="is no table with a header"):
        cs.io.read_movie(masks * 1.0, masks, **UNITS, tracks=tmp_path / "t.csv")
