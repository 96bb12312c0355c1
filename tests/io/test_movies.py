"""Movies from files, arrays and tables of tracks; CTC folders there and back."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

import cellstate as cs
from cellstate._base.errors import MovieError
from cellstate.tracks import Tracks

UNITS = {"pixel_size": 0.5, "frame_interval": 0.25}
DATA = Path(
    os.environ.get(
        "CELLSTATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)


@pytest.fixture(autouse=True)
def quiet():
    with cs.settings.override(progress=False):
        yield


@pytest.fixture
def division():
    """Four frames: cell 3 divides after frame 1 into 5 and 6; frame 3 has no cell 6."""
    masks = np.zeros((4, 16, 16), dtype=np.uint16)
    masks[:2, 4:10, 4:10] = 3
    masks[2:, 2:6, 4:10] = 5
    masks[2, 9:13, 4:10] = 6
    images = np.random.default_rng(1).integers(0, 999, (4, 1, 16, 16), dtype=np.uint16)
    table = pd.DataFrame(
        [(0, 3, 3, -1), (1, 3, 3, -1), (2, 5, 5, 3), (3, 5, 5, 3), (2, 6, 6, 3)],
        columns=["frame", "label", "track", "parent_track"],
    )
    return images, masks, table


def ctc_text(table):
    span = table.groupby("track").agg({"frame": ["min", "max"], "parent_track": "max"})
    return "\n".join(
        f"{t} {b} {e} {max(p, 0)}"
        for t, (b, e, p) in zip(span.index, span.astype(int).to_numpy(), strict=True)
    )


def assert_same_lineage(a, b):
    a, b = (
        x.sort_values(["frame", "label"]).reset_index(drop=True).astype("int64")
        for x in (a, b)
    )
    pd.testing.assert_frame_equal(a[sorted(a)], b[sorted(b)])


def test_three_ways_to_give_tracks_agree(tmp_path, division):
    images, masks, table = division
    table.to_csv(tmp_path / "tracks.csv", index=False)
    (tmp_path / "man_track.txt").write_text(ctc_text(table))
    for tracks in (table, tmp_path / "tracks.csv", tmp_path / "man_track.txt"):
        movie = cs.io.read_movie(images, masks, tracks=tracks, **UNITS)
        assert_same_lineage(movie.lineage, table)


def test_paths_and_arrays_agree_and_the_name_is_the_stem(tmp_path, division):
    images, masks, _ = division
    tifffile.imwrite(tmp_path / "pos 1.ome.tif", images, metadata={"axes": "TCYX"})
    tifffile.imwrite(
        tmp_path / "masks.tif",
        masks,
        photometric="minisblack",
        metadata={"axes": "TYX"},
    )
    movie = cs.io.read_movie(
        tmp_path / "pos 1.ome.tif", tmp_path / "masks.tif", **UNITS
    )
    assert movie.name == "pos_1"
    assert movie.channels == ("intensity",)
    for t in range(4):
        np.testing.assert_array_equal(movie.image(t), images[t])
        np.testing.assert_array_equal(movie.labels(t), masks[t])


def test_channels_are_named_and_one_axis_may_be_left_out(division):
    images, masks, _ = division
    assert cs.io.read_movie(images[:, 0], masks, **UNITS).images.shape[1] == 1
    two = cs.io.read_movie(images.repeat(2, axis=1), masks, **UNITS)
    assert two.channels == ("channel_0", "channel_1")
    named = cs.io.read_movie(images, masks, channels=["H2B"], name="a", **UNITS)
    assert (named.channels, named.name) == (("H2B",), "a")


def test_masks_are_read_once_and_only_for_tracks(division):
    images, masks, table = division
    read = []

    class Counting:
        shape, dtype = masks.shape, masks.dtype

        def __getitem__(self, t):
            read.append(t)
            return masks[t]

    cs.io.read_movie(images, Counting(), **UNITS)
    assert read == [0]  # one look, whether these are masks at all
    cs.io.read_movie(images, Counting(), tracks=table, **UNITS)
    assert read == [0, 0, 0, 1, 2, 3]


def test_a_label_absent_in_a_middle_frame_gives_no_row(tmp_path, division):
    images, masks, table = division
    masks = masks.copy()
    masks[:, 14:, 14:] = 9
    masks[1, 14:, 14:] = 0
    table = pd.concat(
        [table, pd.DataFrame({"frame": [0, 2, 3], "label": 9, "track": 9})]
    ).fillna(-1)
    (tmp_path / "man_track.txt").write_text(ctc_text(table))
    movie = cs.io.read_movie(images, masks, tracks=tmp_path / "man_track.txt", **UNITS)
    assert movie.lineage.query("track == 9")["frame"].tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {
                "imagej": True,
                "metadata": {"axes": "TYX", "unit": "um", "finterval": 900.0},
                "resolution": (4, 4),
            },
            ("0.25", "0.25"),
        ),
        (
            {
                "ome": True,
                "metadata": {
                    "axes": "TYX",
                    "PhysicalSizeX": 0.645,
                    "TimeIncrement": 30.0,
                    "TimeIncrementUnit": "min",
                },
            },
            ("0.645", "0.5"),
        ),
        ({"resolution": (20000, 20000), "resolutionunit": 3}, ("0.5", "state none")),
        ({}, ("state none", "state none")),
    ],
)
def test_units_of_the_file_are_offered_never_used(
    tmp_path, division, options, expected
):
    images, masks, _ = division
    path = tmp_path / "images.tif"
    tifffile.imwrite(path, np.concatenate([images[:, 0]] * 2), **options)
    for field, text in zip(("pixel_size", "frame_interval"), expected, strict=True):
        with pytest.raises(ValueError, match=rf"`{field}`.*missing") as error:
            cs.io.read_movie(path, masks, **{**UNITS, field: None})
        assert text in str(error.value)


def test_ctc_folder_there_and_back(tmp_path, division):
    images, masks, table = division
    movie = cs.io.read_movie(images, masks, tracks=table, **UNITS)
    again = cs.io.read_ctc(cs.io.write_ctc(movie, tmp_path / "set"), **UNITS)
    assert again.name == "set_01"
    assert_same_lineage(again.lineage, table)
    for t in range(4):
        np.testing.assert_array_equal(again.image(t), images[t])
        np.testing.assert_array_equal(again.labels(t), masks[t])


def test_written_labels_are_tracks_whatever_the_labels_were(tmp_path, division):
    """Relabelled at random and numbered beyond 16 bits, the forest is the same."""
    images, masks, table = division
    shuffled = np.zeros(masks.shape, dtype=np.int32)
    rows = table.copy()
    rng = np.random.default_rng(2)
    for i, (t, label) in enumerate(zip(table["frame"], table["label"], strict=True)):
        new = int(rng.integers(10**6)) * 10 + i + 1
        shuffled[t][masks[t] == label] = new
        rows.loc[i, "label"] = new
    rows[["track", "parent_track"]] += (rows[["track", "parent_track"]] > 0) * 10**5
    movie = cs.io.read_movie(
        images.repeat(2, axis=1), shuffled, tracks=rows, name="a", **UNITS
    )
    again = cs.io.read_ctc(cs.io.write_ctc(movie, tmp_path / "set"), **UNITS)
    assert again.images.shape == (4, 2, 16, 16)
    number = {3: 1, 5: 2, 6: 3, -1: -1}
    for t in range(4):
        expected = np.zeros((16, 16), int)
        for track in (3, 5, 6):
            expected[masks[t] == track] = number[track]
        np.testing.assert_array_equal(again.labels(t), expected)
    parents = again.lineage.groupby("track")["parent_track"].first()
    assert parents.to_dict() == {1: -1, 2: 1, 3: 1}


def test_results_folder_is_read_without_truth(tmp_path, division):
    images, masks, table = division
    folder = cs.io.write_ctc(
        cs.io.read_movie(images, masks, tracks=table, **UNITS), tmp_path / "set"
    )
    results = folder / "01_RES"
    results.mkdir()
    for path in (folder / "01_GT" / "TRA").iterdir():
        name = path.name.replace("man_track.txt", "res_track.txt")
        path.rename(results / name.replace("man_track", "mask"))
    assert_same_lineage(cs.io.read_ctc(folder, **UNITS).lineage, table)


def test_a_failed_write_leaves_no_folder(tmp_path, division, monkeypatch):
    images, masks, table = division
    movie = cs.io.read_movie(images, masks, tracks=table, **UNITS)
    written = []

    def fails_late(path, *args, **kwargs):
        written.append(path)
        if len(written) == 5:
            raise OSError("no space left on device")

    monkeypatch.setattr(tifffile, "imwrite", fails_late)
    with pytest.raises(OSError, match="no space"):
        cs.io.write_ctc(movie, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_movie_of_hela_cells():
    folder = DATA / "movies" / "hela_h2b_ctc02_movie"
    if not (folder / "masks_tracked.tif").exists():
        pytest.skip("movies/hela_h2b_ctc02_movie/masks_tracked.tif is not there")
    movie = cs.io.read_movie(
        folder / "img.tif",
        folder / "masks_tracked.tif",
        tracks=folder / "man_track.txt",
        pixel_size=0.645,
        frame_interval=0.5,
    )
    assert movie.images.shape == (20, 1, 700, 1100)
    tracks = Tracks.from_arrays(
        track=movie.lineage["track"],
        frame=movie.lineage["frame"],
        time=movie.lineage["frame"] * 0.5,
        parent_track=movie.lineage["parent_track"],
    )
    assert (tracks.n_tracks, int(tracks.divides.sum())) == (256, 41)


def test_masks_that_are_not_tracked_are_told_apart(division, tmp_path):
    images, masks, table = division
    anew = np.where(masks > 0, masks + 100, 0)
    (tmp_path / "man_track.txt").write_text(ctc_text(table))
    with pytest.raises(MovieError, match=r"3 of 3 tracks without any pixel"):
        cs.io.read_movie(images, anew, tracks=tmp_path / "man_track.txt", **UNITS)
