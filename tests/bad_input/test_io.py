"""Bad files and tables: expected, found (with numbers), which call to make."""

import numpy as np
import pandas as pd
import pytest
import tifffile

import cellstate as cs
from cellstate._base.errors import LineageError, MovieError, SchemaError

UNITS = {"pixel_size": 0.5, "frame_interval": 0.25}


@pytest.fixture(autouse=True)
def quiet():
    with cs.settings.override(progress=False):
        yield


@pytest.fixture
def masks():
    """Five frames; cell 1 divides after frame 2 into 2 and 3."""
    masks = np.zeros((5, 10, 12), dtype=np.uint16)
    masks[:3, 2:8, 2:8] = 1
    masks[3:, 1:4, 2:8] = 2
    masks[3:, 6:9, 2:8] = 3
    return masks


@pytest.fixture
def images(masks):
    return masks[:, None] * np.uint16(100)


@pytest.fixture
def table():
    return pd.DataFrame(
        [(t, 1, 1, -1) for t in range(3)]
        + [(t, i, i, 1) for i in (2, 3) for t in (3, 4)],
        columns=["frame", "label", "track", "parent_track"],
    )


def save(path, array, axes="TYX", **options):
    tifffile.imwrite(
        path, array, photometric="minisblack", metadata={"axes": axes}, **options
    )
    return path


def rejects(error, *texts):
    """Expect an error whose message holds every text, in this order."""
    return pytest.raises(error, match="(?s)" + ".*".join(texts))


# Paths and files


def test_a_path_that_is_not_there(tmp_path, images):
    save(tmp_path / "masks.tif", images[:, 0])
    with rejects(FileNotFoundError, r"no masks at", r"did you mean \['masks\.tif'\]"):
        cs.io.read_masks(tmp_path / "mask.tif")
    with rejects(FileNotFoundError, "nearest folder", r"\['masks\.tif'\]"):
        cs.io.read_images(tmp_path / "nowhere" / "x.tif")


def test_an_empty_folder(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with rejects(MovieError, r"no \.tif or \.tiff among the 1 entries", "a.png"):
        cs.io.read_images(tmp_path)


def test_a_file_that_is_no_tiff(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    with rejects(MovieError, "is no TIFF", "PNG", "28 bytes"):
        cs.io.read_images(path)
    path.write_bytes(b"")
    with rejects(MovieError, "is no TIFF", "0 bytes"):
        cs.io.read_images(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_truncated_stack_names_the_bytes_and_pages(tmp_path, images, compression):
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(0).integers(0, 999, (9, 40, 40), dtype=np.uint16)
    with tifffile.TiffWriter(path) as tif:
        for frame in noise:
            tif.write(frame, compression=compression, contiguous=False)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with rejects(
        MovieError, r"a\.tif' is cut short", "byte", f"found {len(content) // 2} bytes",
        "with 5 page directories", "again",
    ):  # fmt: skip
        cs.io.read_images(path)


def test_a_truncated_npy(tmp_path, images):
    np.save(tmp_path / "a.npy", images)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-100])
    with rejects(MovieError, r"a\.npy' is no whole \.npy", f"{len(content) - 100} byt"):
        cs.io.read_images(tmp_path / "a.npy")


def test_damaged_pixels_name_the_frame(tmp_path, masks):
    path = save(tmp_path / "a.tif", masks, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[3].dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[offset : offset + 6] = b"\xff" * 6
    path.write_bytes(content)
    stack = cs.io.read_masks(path)
    np.testing.assert_array_equal(stack[2], masks[2])
    with rejects(MovieError, r"frame 3 of '.*a\.tif' cannot be decoded", r"\(10, 12\)"):
        stack[3]


def test_several_z_planes(tmp_path, images):
    path = save(tmp_path / "z.tif", images.repeat(4, axis=1), axes="TZYX")
    with rejects(MovieError, "TZYX", r"\(5, 4, 10, 12\)", "4 z planes", r"max\(axis=1"):
        cs.io.read_images(path)


def test_several_positions_in_one_file(tmp_path, masks):
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(masks, photometric="minisblack")
        tif.write(masks[:, :5], photometric="minisblack")
    with rejects(MovieError, "found 2 series", "series=0"):
        cs.io.read_images(path)


def test_axes_that_are_not_of_a_movie(tmp_path, masks):
    six = np.zeros((5, 2, 2, 10, 12), np.uint16)
    with rejects(MovieError, "among T, C, Y, X", r"\(5, 2, 2, 10, 12\)", "'axes'"):
        cs.io.read_images(save(tmp_path / "a.tif", six, axes="QQQYX"))


def test_a_folder_with_a_frame_of_another_shape(tmp_path, masks):
    for t, frame in enumerate(masks):
        save(tmp_path / f"t{t}.tif", frame[: 9 if t == 3 else 10], axes="YX")
    with rejects(MovieError, r"t0\.tif.*\(10, 12\)", r"t3\.tif' has \(9, 12\)"):
        cs.io.read_images(tmp_path)


def test_a_folder_with_a_frame_of_another_type(tmp_path, masks):
    for t, frame in enumerate(masks):
        save(tmp_path / f"t{t}.tif", frame.astype("u1" if t == 2 else "u2"), axes="YX")
    with rejects(MovieError, r"t2\.tif", "uint8"):
        cs.io.read_images(tmp_path)


def test_a_folder_with_a_missing_frame(tmp_path, masks):
    for t in (0, 1, 3, 4):
        save(tmp_path / f"t{t:03}.tif", masks[t], axes="YX")
    with rejects(MovieError, "4 files numbered 0 to 4", r"\[2\] missing"):
        cs.io.read_images(tmp_path)


def test_a_folder_whose_channels_lie_in_files_of_their_own(tmp_path, masks):
    for t in range(3):
        for c in range(2):
            save(tmp_path / f"t{t}_c{c}.tif", masks[t], axes="YX")
    with rejects(MovieError, "one number that counts", "found 2 that change"):
        cs.io.read_images(tmp_path)


def test_a_folder_with_a_foreign_image(tmp_path, masks):
    for t in range(3):
        save(tmp_path / f"t{t}.tif", masks[t], axes="YX")
    save(tmp_path / "projection.tif", masks[0], axes="YX")
    with rejects(MovieError, "found 2 patterns", r"projection\.tif", "Move"):
        cs.io.read_images(tmp_path)


def test_a_whole_movie_in_a_folder_of_frames(tmp_path, masks):
    save(tmp_path / "a1.tif", masks)
    with rejects(MovieError, "one file is one frame", "TYX", r"\(5, 10, 12\)"):
        cs.io.read_images(tmp_path)


# Masks and images


def test_masks_and_images_of_different_size(images, masks):
    with rejects(MovieError, r"images \(10, 12\)", r"masks \(10, 11\)"):
        cs.io.read_movie(images, masks[:, :, :11], **UNITS)


def test_masks_and_images_with_different_numbers_of_frames(images, masks):
    with rejects(MovieError, "5 image frames and 4 mask frames"):
        cs.io.read_movie(images, masks[:4], **UNITS)


def test_masks_of_floats(tmp_path, images, masks):
    with rejects(MovieError, "float64", r"astype\('int32'\)", r"label\(mask > 0.5"):
        cs.io.read_movie(images, masks / 2, **UNITS)
    path = save(tmp_path / "m.tif", masks.astype("float32"))
    with rejects(MovieError, "float32", r"m\.tif", r"astype\('int32'\)"):
        cs.io.read_masks(path)


def test_masks_with_channels(tmp_path, masks):
    path = save(tmp_path / "m.tif", np.stack([masks] * 2, axis=1), axes="TCYX")
    with rejects(MovieError, "one channel", "found 2 channels"):
        cs.io.read_masks(path)


def test_images_with_too_few_axes(masks):
    with rejects(MovieError, r"found \(10, 12\)", r"images\[None, None\]"):
        cs.io.read_movie(masks[0], masks, **UNITS)


def test_negative_labels(images, masks, table):
    below = masks.astype(int)
    below[1, 0, 0] = -3
    with rejects(MovieError, r"found \[-3\] in frame 1", r"masks\[masks < 0\] = 0"):
        cs.io.read_movie(images, below, tracks=table, **UNITS)


@pytest.mark.parametrize("field", ["pixel_size", "frame_interval"])
@pytest.mark.parametrize("value", [None, 0, -1, np.nan, "0.5"])
def test_units_that_are_missing_or_no_length_of_time(images, masks, field, value):
    found = "is missing" if value is None else f"found {value!r}"
    with rejects(ValueError, f"`{field}`", found, rf"read_movie\(\.\.\., {field}="):
        cs.io.read_movie(images, masks, **{**UNITS, field: value})


def test_frames_without_a_cell_are_no_error(images, masks, table):
    masks = masks.copy()
    masks[:3] = 0
    movie = cs.io.read_movie(
        images, masks, tracks=table.query("frame > 2").assign(parent_track=-1), **UNITS
    )
    assert movie.lineage["frame"].tolist() == [3, 4, 3, 4]
    nothing = cs.io.read_movie(
        images, np.zeros_like(masks), tracks=table.iloc[:0], **UNITS
    )
    assert len(nothing.lineage) == 0


# Tracks


def test_tracks_that_name_labels_missing_in_the_masks(images, masks, table):
    masks = masks.copy()
    masks[1] = 0
    with rejects(MovieError, "found 1 rows of the track table", r"\[\[1, 1\]\]"):
        cs.io.read_movie(images, masks, tracks=table, **UNITS)


def test_labels_that_no_track_names(images, masks, table):
    with rejects(MovieError, "found 2 objects of the masks", r"\[3, 3\]", "pp.track"):
        cs.io.read_movie(images, masks, tracks=table.query("label != 3"), **UNITS)


def test_one_object_in_two_rows(images, masks, table):
    twice = pd.concat([table, table.iloc[[1]]])
    with rejects(MovieError, r"found 1 repeated", r"\[\[1, 1\]\]"):
        cs.io.read_movie(images, masks, tracks=twice, **UNITS)


def test_track_tables_without_the_needed_columns(images, masks, table):
    renamed = table.rename(columns={"frame": "t"})
    with rejects(MovieError, r"\['frame', 'label', 'track'\]", r"\['frame'\] missing"):
        cs.io.read_movie(images, masks, tracks=renamed, **UNITS)


def test_tracks_that_are_no_whole_numbers(images, masks, table):
    with rejects(MovieError, "'track' holds whole numbers", "found 1 of 7", r"1\.5"):
        cs.io.read_movie(
            images, masks, tracks=table.assign(track=[1.5, 1, 1, 2, 2, 3, 3]), **UNITS
        )


def test_a_cycle(images, masks, table):
    around = table.assign(parent_track=table["track"].map({1: 2, 2: 1, 3: 1}))
    with rejects(LineageError, "cycle through tracks"):
        cs.io.read_movie(images, masks, tracks=around, **UNITS)


def test_two_mothers(images, masks, table):
    table.loc[3, "parent_track"] = -1
    with rejects(LineageError, "one mother", r"\[2\]"):
        cs.io.read_movie(images, masks, tracks=table, **UNITS)


def test_a_mother_that_does_not_exist(images, masks, table):
    table["parent_track"] = table["parent_track"].replace(1, 8)
    with rejects(LineageError, "found 1 that are not", r"\[8\]", "-1"):
        cs.io.read_movie(images, masks, tracks=table, **UNITS)


def test_division_into_three(images, masks, table):
    masks[3:, :, 10:] = 4
    third = pd.DataFrame({"frame": [3, 4], "label": 4, "track": 4, "parent_track": 1})
    with rejects(LineageError, "at most two daughters; found 3 of track 1"):
        cs.io.read_movie(images, masks, tracks=pd.concat([table, third]), **UNITS)


def test_a_mother_that_lives_on(images, masks, table):
    table["parent_track"] = table["track"].map({1: -1, 2: -1, 3: 2})
    with rejects(LineageError, "found 1 that live on", "track 2 ends in frame 4"):
        cs.io.read_movie(images, masks, tracks=table, **UNITS)


@pytest.mark.parametrize(
    ("text", "error", "texts"),
    [
        (
            "1 0 2 0\n2 3 4 1\n3 4 3 1",
            LineageError,
            ("found 1 of 3", r"\[3, 4, 3, 1\]"),
        ),
        ("1 0 2 0\n2 3 4 1\n2 3 4 1", LineageError, ("found 1 tracks", r"\[2\]")),
        ("1 0 2 0\n2 3 4 1\n3 3 4 7", LineageError, ("found 1 that are not", r"\[7\]")),
        ("1 0 2 0\n2 3 4 1", MovieError, ("1 of 3 labels without", r"\[3\]")),
        ("1 0 2 0\n2 3 4 1\n3 3 4 1\n9 0 1 0", MovieError, ("1 of 4 tracks", r"\[9\]")),
        ("1 0 2 0\n2 3 4 1\n3 3 9 1", MovieError, ("up to 9", "frames 0 to 4")),
        ("1 0 1 0\n2 3 4 1\n3 3 4 1", MovieError, ("track 1 from frame 0 to 1",)),
        ("1 0 2\n2 3 4 1", MovieError, ("four integers", "'1 0 2' in line 1")),
        ("1 0 2 2\n2 3 4 1\n3 3 4 1", LineageError, ("cycle",)),
        ("0 0 2 0\n2 3 4 1", LineageError, ("numbered from 1", r"\[0\]")),
    ],
)
def test_man_track_tables(tmp_path, images, masks, text, error, texts):
    (tmp_path / "man_track.txt").write_text(text)
    with rejects(error, *texts):
        cs.io.read_movie(images, masks, tracks=tmp_path / "man_track.txt", **UNITS)


# CTC folders


def test_a_ctc_folder_without_masks(tmp_path, masks):
    (tmp_path / "01").mkdir()
    save(tmp_path / "01" / "t000.tif", masks[0], axes="YX")
    with rejects(FileNotFoundError, "01_GT/TRA/man_track.txt", r"found \['01'\]"):
        cs.io.read_ctc(tmp_path, **UNITS)
    with rejects(FileNotFoundError, "images of sequence '02'"):
        cs.io.read_ctc(tmp_path, "02", **UNITS)


def test_a_ctc_folder_with_unequal_numbers(tmp_path, images, masks, table):
    movie = cs.io.read_movie(images, masks, tracks=table, **UNITS)
    folder = cs.io.write_ctc(movie, tmp_path / "set")
    (folder / "01" / "t004.tif").unlink()
    with rejects(MovieError, "4 images from 0 and 5 masks", r"\[4\]"):
        cs.io.read_ctc(folder, **UNITS)


def test_writing_into_a_folder_that_is_not_empty(tmp_path, images, masks, table):
    movie = cs.io.read_movie(images, masks, tracks=table, **UNITS)
    (tmp_path / "notes.txt").write_text("keep me")
    with rejects(FileExistsError, "new or an empty folder; found entries"):
        cs.io.write_ctc(movie, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_writing_a_movie_that_is_not_linked(tmp_path, images, masks):
    with rejects(MovieError, "not linked", r"cs\.pp\.track\(movie\)"):
        cs.io.write_ctc(cs.io.read_movie(images, masks, **UNITS), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_writing_a_lineage_that_leaves_out_cells(tmp_path, images, masks, table):
    movie = cs.Movie(
        images=images, masks=masks, lineage=table.query("label != 3"), **UNITS
    )
    with rejects(MovieError, r"found 2 \(frame, label\)", r"\[3, 3\]"):
        cs.io.write_ctc(movie, tmp_path / "a")


# Object tables

OBJECTS = {"frame": "t", "track": "id", "x": "px", "y": "py"}
READ = {"columns": OBJECTS, "frame_interval": 0.5, "pixel_size": 0.6}


@pytest.fixture
def objects():
    return pd.DataFrame(
        {"t": [0, 1, 2], "id": [1, 1, 1], "px": [1.0, 2, 3], "py": 4.0, "area": 9.0}
    )


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"columns": {**OBJECTS, "x": "X"}}, (r"\{'x': 'X'\} are not there", "'px'")),
        ({"columns": {**OBJECTS, "area": "area"}}, (r"found \['area'\]",)),
        ({"columns": {"track": "id"}}, ("a cell needs a frame or a time",)),
        ({"columns": {"frame": "t", "x": "px"}}, ("both 'x' and 'y'",)),
        ({"frame_interval": None}, ("neither a time column nor", "frame_interval=0.5")),
        ({"pixel_size": None}, ("positions in px", "pixel_size=0.645")),
        ({"units": {"x": "furlong"}}, (r"\['furlong'\]",)),
        ({"units": {"volume": "um3"}}, (r"found \['volume'\]",)),
        ({"columns": {"time": "t", "track": "id"}}, ("time column needs a unit",)),
        (
            {
                "columns": {"time": "t", "track": "id"},
                "units": {"time": "h"},
                "frame_interval": 0.7,
            },
            (r"multiples of frame_interval=0\.7", "found 2 of 3"),
        ),
        (
            {
                "columns": {"time": "t", "track": "id"},
                "units": {"time": "h"},
                "frame_interval": None,
            },
            ("without a frame column", "frame_interval=0.5"),
        ),
    ],
)
def test_tables_with_columns_or_units_missing(objects, changes, texts):
    with rejects(SchemaError, *texts):
        cs.io.read_table(objects, **{**READ, **changes})


def test_tables_with_bad_rows(objects):
    with rejects(SchemaError, "'t' holds whole numbers", "found 1 of 3", "nan"):
        cs.io.read_table(objects.assign(t=[0, np.nan, 2]), **READ)
    with rejects(SchemaError, "found 1 negative, down to -1"):
        cs.io.read_table(objects.assign(t=[-1, 0, 1]), **READ)
    with rejects(SchemaError, r"one \(movie, frame, label\); found 1 repeated of 3"):
        cs.io.read_table(objects.assign(t=[0, 0, 1]), **READ)
    with rejects(SchemaError, "at least one row; found 0"):
        cs.io.read_table(objects.iloc[:0], **READ)


def test_tables_with_bad_mothers(objects):
    columns = {**OBJECTS, "parent_track": "mother"}
    with rejects(LineageError, "found 1 that are not", r"\('table', 5\)"):
        cs.io.read_table(objects.assign(mother=5), **{**READ, "columns": columns})
    with rejects(LineageError, r"tracks \[1\] are their own mothers"):
        cs.io.read_table(objects.assign(mother=1), **{**READ, "columns": columns})


def test_a_table_with_another_separator(tmp_path, objects):
    objects.to_csv(tmp_path / "a.csv", sep=";", index=False)
    with rejects(SchemaError, "are not there", "t;id;px;py;area"):
        cs.io.read_table(tmp_path / "a.csv", **READ)


def test_a_table_that_is_empty_or_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    with rejects(SchemaError, r"0 bytes", "CSV"):
        cs.io.read_table(tmp_path / "a.csv", **READ)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x80\x81" * 9)
    with rejects(SchemaError, r"36 bytes", "CSV"):
        cs.io.read_table(tmp_path / "b.csv", **READ)


# Results


def test_overwriting_is_refused(tmp_path, objects):
    path = cs.io.write(cs.io.read_table(objects, **READ), tmp_path / "a.h5ad")
    before = path.read_bytes()
    with rejects(FileExistsError, "there already; nothing was written", "overwrite=Tr"):
        cs.io.write(cs.io.read_table(objects, **READ), path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_to(tmp_path, objects):
    (tmp_path / "file").write_text("in the way")
    with rejects(OSError, "cannot be written to", "Nothing was written", "another"):
        cs.io.write(cs.io.read_table(objects, **READ), tmp_path / "file" / "a.h5ad")


@pytest.mark.parametrize("call", ["read", "write"])
def test_a_suffix_that_is_not_known(tmp_path, objects, call):
    given = [cs.io.read_table(objects, **READ)] if call == "write" else []
    with rejects(ValueError, r"\['\.h5ad', '\.zarr'\]; found 'a\.csv'", r"a\.h5ad"):
        getattr(cs.io, call)(*given, tmp_path / "a.csv")


def test_a_truncated_h5ad(tmp_path, objects):
    path = cs.io.write(cs.io.read_table(objects, **READ), tmp_path / "a.h5ad")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with rejects(
        OSError, r"a\.h5ad' is no whole AnnData", f"{len(content) // 2} bytes"
    ):
        cs.io.read(path)


def test_a_zarr_folder_with_a_part_missing(tmp_path, objects):
    path = cs.io.write(cs.io.read_table(objects, **READ), tmp_path / "a.zarr")
    for part in list((path / "X").rglob("*")):
        if part.is_file():
            part.unlink()
    (path / "zarr.json").write_text("{")
    with rejects(OSError, r"a\.zarr' is no whole AnnData", "bytes"):
        cs.io.read(path)


def test_results_that_are_not_there(tmp_path, objects):
    cs.io.write(cs.io.read_table(objects, **READ), tmp_path / "cells.h5ad")
    with rejects(FileNotFoundError, r"did you mean \['cells\.h5ad'\]"):
        cs.io.read(tmp_path / "cell.h5ad")


def test_images_given_as_masks():
    rng = np.random.default_rng(0)
    picture = rng.integers(100, 60_000, (2, 40, 40)).astype("uint16")
    with pytest.raises(MovieError, match=r"no 0\. Are images and masks swapped"):
        cs.io.read_movie(picture, picture, pixel_size=0.5, frame_interval=0.5)
