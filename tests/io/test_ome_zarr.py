"""OME-Zarr and OME-TIFF: the same movie there and back, whatever the axes."""

import os
import pickle
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr

import cellstate as cs
from cellstate._base.errors import MovieError

T, C, Y, X = 5, 2, 30, 36
UNITS = {"pixel_size": 0.65, "frame_interval": 0.25}


@pytest.fixture(autouse=True)
def _quiet():
    with cs.settings.override(progress=False):
        yield


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 60_000, (T, C, Y, X), dtype=np.uint16)


@pytest.fixture
def movie(pixels):
    masks = np.zeros((T, Y, X), dtype=np.int64)
    masks[:, 2:8, 2:9] = 70_001
    masks[1:, 15:20, 20:24] = 2**33
    table = pd.DataFrame(
        [(t, 70_001, 1, -1) for t in range(T)]
        + [(t, 2**33, 2, -1) for t in range(1, T)],
        columns=["frame", "label", "track", "parent_track"],
    )
    return cs.Movie(
        images=pixels.astype("float32") / 7,
        masks=masks,
        lineage=table,
        name="field_1",
        channels=("DNA", "actin"),
        **UNITS,
    )


def frames(stack):
    return np.stack([stack[t] for t in range(stack.shape[0])])


def assert_same(found, movie):
    np.testing.assert_array_equal(frames(found.images), movie.images)
    np.testing.assert_array_equal(frames(found.masks), movie.masks)
    assert found.images.dtype == movie.images.dtype
    for field in ("pixel_size", "frame_interval", "name", "channels"):
        assert getattr(found, field) == getattr(movie, field), field
    if movie.lineage is None:
        assert found.lineage is None
    else:
        pd.testing.assert_frame_equal(found.lineage, movie.lineage)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["tcyx", "ctyx", "xytc", "tzcyx", "cxzty"])
def test_axes_in_any_order(tmp_path, samples, pixels, version, axes):
    whole = np.moveaxis(pixels[:, :, None], 2, 2)  # t c z y x
    stored = whole.transpose(
        ["tczyx".index(a) for a in axes if a in "tcyxz"]
        + [i for i in (2,) if "z" not in axes]
    )
    stored = stored if "z" in axes else stored[..., 0]
    path = samples.ngff(
        tmp_path / "a.zarr", np.ascontiguousarray(stored), axes, version
    )
    stack = cs.io.read_images(path)
    assert stack.shape == (T, C, Y, X)
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(frames(stack), pixels)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_axes_that_are_left_out(tmp_path, samples, pixels, version):
    cases = {"yx": pixels[:1, :1], "tyx": pixels[:, :1], "cyx": pixels[:1]}
    for axes, expected in cases.items():
        stored = expected.reshape([n for n in expected.shape if n > 1])
        path = samples.ngff(tmp_path / f"{axes}.zarr", stored, axes, version)
        np.testing.assert_array_equal(frames(cs.io.read_images(path)), expected)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", ">u2", ">f4", "float16", "int64", "uint32"]
)
def test_types_of_pixels(tmp_path, samples, pixels, dtype):
    stored = (pixels % 120).astype(dtype)
    stack = cs.io.read_images(samples.ngff(tmp_path / "a.zarr", stored, "tcyx", "0.4"))
    assert stack.dtype == np.dtype(dtype).newbyteorder("=")
    assert stack[1].dtype.isnative
    np.testing.assert_array_equal(frames(stack), stored)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_label_images(tmp_path, samples, pixels, version):
    nuclei, cells = pixels[:, 0].astype("int64") * 100_000, pixels[:, 1]
    one = samples.ngff(
        tmp_path / "one.zarr", pixels, "tcyx", version, labels={"nuclei": nuclei}
    )
    two = samples.ngff(
        tmp_path / "two.zarr",
        pixels,
        "tcyx",
        version,
        labels={"nuclei": nuclei, "cells": cells},
    )
    np.testing.assert_array_equal(frames(cs.io.read_masks(one)), nuclei)
    np.testing.assert_array_equal(frames(cs.io.read_images(one)), pixels)
    np.testing.assert_array_equal(
        frames(cs.io.read_masks(two / "labels" / "cells")), cells
    )
    with pytest.raises(MovieError, match=r"2 label images, \['nuclei', 'cells'\]"):
        cs.io.read_masks(two)
    alone = samples.ngff(tmp_path / "masks.zarr", cells, "tyx", version)
    np.testing.assert_array_equal(frames(cs.io.read_masks(alone)), cells)


def test_a_frame_is_read_when_asked_for(tmp_path, samples, pixels, monkeypatch):
    path = samples.ngff(tmp_path / "a.zarr", pixels, "tcyx")
    read = []
    get = zarr.Array.__getitem__
    monkeypatch.setattr(
        zarr.Array, "__getitem__", lambda a, k: read.append(k) or get(a, k)
    )
    stack = cs.io.read_images(path)
    assert not read
    stack[3]
    assert read == [(3, slice(None), slice(None), slice(None))]


def test_a_frame_costs_the_memory_of_a_frame(tmp_path, samples):
    long = np.zeros((40, 1, 128, 128), np.uint16)
    long[..., 0] = 1  # a chunk that is all 0 would not be written
    path = samples.ngff(tmp_path / "a.zarr", long, "tcyx")
    stack = cs.io.read_images(path)
    stack[0]
    tracemalloc.start()
    total = sum(int(stack[t].sum()) for t in range(len(stack)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 40 * 128
    assert long[0].nbytes < peak < long.nbytes / 2


def test_a_stack_opens_again_in_another_process(tmp_path, samples, pixels):
    path = samples.ngff(
        tmp_path / "a.zarr", pixels, "tcyx", labels={"cells": pixels[:, 0]}
    )
    sent = tmp_path / "stacks.pickle"
    sent.write_bytes(pickle.dumps([cs.io.read_images(path), cs.io.read_masks(path)]))
    code = (
        "import pickle, sys, pathlib\n"
        "a, b = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print(int(a[2].sum()), int(b[2].sum()))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(sent)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stdout
    assert out.split() == [str(pixels[2].sum()), str(pixels[2, 0].sum())]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_units_are_offered_and_never_used(tmp_path, samples, pixels, version):
    steps = {"t": 15.0, "y": 0.65, "x": 0.65}
    masks = np.zeros((T, Y, X), np.uint8)
    masks[:, 1:4, 1:4] = 1
    path = samples.ngff(
        tmp_path / "a.zarr", pixels, "tcyx", version, steps, labels={"cells": masks}
    )
    with pytest.raises(ValueError, match=r"pixel_size=0\.65\) if what the metadata"):
        cs.io.read_movie(path, pixel_size=None, frame_interval=0.5)
    with pytest.raises(ValueError, match=r"frame_interval=0\.25\) if what the meta"):
        cs.io.read_movie(path, pixel_size=0.3, frame_interval=None)
    found = cs.io.read_movie(path, pixel_size=0.3, frame_interval=0.5)
    assert (found.pixel_size, found.frame_interval) == (0.3, 0.5)
    assert (found.name, found.channels) == ("a", ("channel_0", "channel_1"))
    bare = samples.ngff(
        tmp_path / "bare.zarr", pixels, "tcyx", version, units={"z": "m"}
    )
    with pytest.raises(ValueError, match="state none"):
        cs.io.read_movie(bare, masks, pixel_size=None, frame_interval=0.5)


def test_pixels_that_are_not_square(tmp_path, samples, pixels):
    path = samples.ngff(
        tmp_path / "a.zarr", pixels, "tcyx", steps={"y": 0.5, "x": 0.25}
    )
    with pytest.raises(MovieError, match=r"0\.25 along x and 0\.5 along y"):
        cs.io.read_images(path)
    tiff = tmp_path / "a.ome.tif"
    sides = {"PhysicalSizeX": 0.25, "PhysicalSizeY": 500, "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(tiff, pixels, metadata={"axes": "TCYX", **sides})
    with pytest.raises(MovieError, match=r"0\.25 along x and 0\.5 along y"):
        cs.io.read_images(tiff)
    equal = {**sides, "PhysicalSizeY": 250}
    tifffile.imwrite(tmp_path / "b.ome.tif", pixels, metadata={"axes": "TCYX", **equal})
    assert cs.io.read_images(tmp_path / "b.ome.tif").shape == pixels.shape


def test_what_is_no_flat_image_is_refused_by_name(tmp_path, samples, pixels):
    deep = samples.ngff(tmp_path / "deep.zarr", pixels, "tzyx")
    with pytest.raises(MovieError, match=r"axes tzyx, shape .* with 2 z planes"):
        cs.io.read_images(deep)
    odd = samples.ngff(tmp_path / "odd.zarr", pixels, ["t", "angle", "y", "x"])
    with pytest.raises(MovieError, match="axes are among t, c, z, y, x"):
        cs.io.read_images(odd)
    few = samples.ngff(tmp_path / "few.zarr", pixels, "tcyx")
    said = zarr.open_group(few, mode="a")
    ome = said.attrs["ome"]
    ome["multiscales"][0]["axes"] = ome["multiscales"][0]["axes"][1:]
    said.attrs["ome"] = ome
    with pytest.raises(MovieError, match=r"names 3 axes, cyx, for an array of shape"):
        cs.io.read_images(few)
    complex_ = samples.ngff(tmp_path / "c.zarr", pixels * 1j, "tcyx")
    with pytest.raises(MovieError, match="pixels are numbers; found complex128"):
        cs.io.read_images(complex_)
    empty = samples.ngff(tmp_path / "empty.zarr", pixels[:0], "tcyx")
    with pytest.raises(MovieError, match="at least one pixel"):
        cs.io.read_images(empty)


def test_groups_arrays_and_plates_are_refused_by_name(tmp_path, samples, pixels):
    samples.ngff(tmp_path / "many.zarr" / "0", pixels, "tcyx")
    zarr.open_group(tmp_path / "many.zarr", mode="a")
    with pytest.raises(MovieError, match=r"a group without, with \['0'\]"):
        cs.io.read_images(tmp_path / "many.zarr")
    assert cs.io.read_images(tmp_path / "many.zarr" / "0").shape == pixels.shape
    with pytest.raises(MovieError, match=r"a zarr array of shape \(5, 2, 30, 36\)"):
        cs.io.read_images(tmp_path / "many.zarr" / "0" / "0")
    plate = zarr.open_group(tmp_path / "plate.zarr", mode="w")
    plate.attrs["ome"] = {"plate": {}}
    with pytest.raises(MovieError, match="is a plate without"):
        cs.io.read_images(tmp_path / "plate.zarr")
    (tmp_path / "none.zarr").mkdir()
    with pytest.raises(MovieError, match="does not open as zarr"):
        cs.io.read_images(tmp_path / "none.zarr")


def test_masks_that_are_none(tmp_path, samples, pixels):
    image = samples.ngff(tmp_path / "a.zarr", pixels, "tcyx")
    with pytest.raises(MovieError, match="masks have one channel"):
        cs.io.read_masks(image)
    share = samples.ngff(tmp_path / "p.zarr", pixels[:, 0] / 6e4, "tyx")
    with pytest.raises(MovieError, match="integer labels"):
        cs.io.read_masks(share)
    with pytest.raises(MovieError, match="holds no label image"):
        cs.io.read_movie(image, **UNITS)
    with pytest.raises(MovieError, match="an OME-Zarr with labels"):
        cs.io.read_movie(pixels, **UNITS)
    with pytest.raises(FileNotFoundError, match="did you mean"):
        cs.io.read_movie(tmp_path / "b.zarr", **UNITS)


def test_chunks_that_are_lost(tmp_path, samples, movie, pixels):
    path = cs.io.write_ome_zarr(movie, tmp_path / "a.zarr")
    (path / "0" / "c" / "3" / "1" / "0" / "0").unlink()
    found = cs.io.read_movie(path, **UNITS)
    (path / "labels" / "cells" / "0" / "c" / "2" / "0" / "0").unlink()
    np.testing.assert_array_equal(found.image(2), movie.image(2))
    with pytest.raises(MovieError, match=r"frame 3 .* has 2 chunks.* 1 missing"):
        found.image(3)
    with pytest.raises(MovieError, match=r"frame 2 .* has 1 chunks.* 1 missing"):
        found.labels(2)
    chunk = path / "0" / "c" / "4" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-20])
    with pytest.raises(MovieError, match=r"frame 4 .* cannot be decoded"):
        found.image(4)
    other = samples.ngff(tmp_path / "b.zarr", pixels, "tcyx")
    shutil.rmtree(other / "0" / "c")
    with pytest.raises(MovieError, match=r"in 40 chunks; found 0 files"):
        cs.io.read_images(other)


def test_a_blank_frame_is_no_lost_one(tmp_path, samples, pixels):
    masks = np.where(np.arange(T)[:, None, None] == 2, 0, pixels[:, 0])
    path = samples.ngff(tmp_path / "a.zarr", masks, "tyx")
    assert not (path / "0" / "c" / "2").exists()
    np.testing.assert_array_equal(frames(cs.io.read_masks(path)), masks)


def test_zarr_there_and_back(tmp_path, movie):
    path = cs.io.write_ome_zarr(movie, tmp_path / "f.zarr")
    assert_same(cs.io.read_movie(path, **UNITS), movie)
    again = cs.io.read_movie(path, **UNITS, name="b", channels=["p", "q"], tracks=None)
    assert (again.name, again.channels) == ("b", ("p", "q"))
    again = cs.io.write_ome_zarr(cs.io.read_movie(path, **UNITS), tmp_path / "g.zarr")
    assert_same(cs.io.read_movie(again, **UNITS), movie)
    unlinked = cs.Movie(
        images=movie.images, masks=movie.masks, name="n", channels=("a", "b"), **UNITS
    )
    path = cs.io.write_ome_zarr(unlinked, tmp_path / "u.zarr")
    assert_same(cs.io.read_movie(path, **UNITS), unlinked)


def test_zarr_on_disk_is_as_documented(tmp_path, movie):
    path = cs.io.write_ome_zarr(movie, tmp_path / "f.zarr")
    root = zarr.open_group(path, mode="r")
    assert root.metadata.zarr_format == 3
    assert root["0"].chunks == (1, 1, Y, X)
    assert root["labels/cells/0"].chunks == (1, Y, X)
    np.testing.assert_array_equal(root["labels/cells/0"][...], movie.masks)
    for column in movie.lineage:
        np.testing.assert_array_equal(
            root[f"lineage/{column}"][...], movie.lineage[column]
        )
    said = root.attrs["ome"]
    axes = said["multiscales"][0]["axes"]
    assert [a["name"] for a in axes] == ["t", "c", "y", "x"]
    assert [a.get("unit") for a in axes] == ["hour", None, "micrometer", "micrometer"]
    scale = said["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    assert scale == [{"type": "scale", "scale": [0.25, 1.0, 0.65, 0.65]}]
    assert said["version"] == "0.5"
    with pytest.raises(ValueError, match=r"pixel_size=0\.65\) if what the"):
        cs.io.read_movie(path, pixel_size=None, frame_interval=0.25)


def test_lineage_that_is_cut_short(tmp_path, movie):
    path = cs.io.write_ome_zarr(movie, tmp_path / "f.zarr")
    table = zarr.open_group(path, mode="a")["lineage"]
    for column in list(table.keys()):
        values = table[column][:-2]
        del table[column]
        table.create_array(column, data=values)
    with pytest.raises(MovieError, match="7 of 9 rows"):
        cs.io.read_movie(path, **UNITS)


@pytest.mark.parametrize("write", [cs.io.write_ome_zarr, cs.io.write_ome_tiff])
def test_nothing_is_left_or_overwritten(tmp_path, movie, write):
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError, match="must be new; found a folder"):
        write(movie, tmp_path / "there")
    broken = cs.Movie(
        images=_Breaks(movie.images, 3),
        masks=np.minimum(movie.masks, 9),
        channels=movie.channels,
        **UNITS,
    )
    with pytest.raises(OSError, match="frame 3 is gone"):
        write(broken, tmp_path / "new" / "movie")
    assert not list((tmp_path / "new").iterdir())


class _Breaks:
    def __init__(self, stack, frame):
        self.stack, self.frame = stack, frame
        self.shape, self.dtype = stack.shape, stack.dtype

    def __getitem__(self, frame):
        if frame == self.frame:
            raise OSError(f"frame {frame} is gone")
        return self.stack[frame]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
def test_tiff_there_and_back(tmp_path, movie, dtype):
    masks = np.minimum(movie.masks, 70_002)
    lineage = movie.lineage.assign(label=movie.lineage["label"].clip(upper=70_002))
    small = cs.Movie(
        images=(movie.images % 250).astype(dtype),
        masks=masks,
        lineage=lineage,
        name="m",
        channels=movie.channels,
        **UNITS,
    )
    folder = cs.io.write_ome_tiff(small, tmp_path / "m")
    found = cs.io.read_movie(
        folder / "images.ome.tif",
        folder / "masks.ome.tif",
        tracks=folder / "tracks.csv",
        name="m",
        channels=small.channels,
        **UNITS,
    )
    assert_same(found, small)
    for name in ("images", "masks"):
        path = folder / f"{name}.ome.tif"
        with pytest.raises(ValueError, match=r"pixel_size=0\.65\) if what the"):
            cs.io.read_movie(path, masks, pixel_size=None, frame_interval=0.25)
        with pytest.raises(ValueError, match=r"frame_interval=0\.25\) if what the"):
            cs.io.read_movie(path, masks, pixel_size=0.65, frame_interval=None)
    with tifffile.TiffFile(folder / "images.ome.tif") as tif:
        assert 'Name="actin"' in tif.ome_metadata


def test_tiff_refuses_what_it_cannot_hold(tmp_path, movie):
    with pytest.raises(MovieError, match=r"0 to 4294967295; frame 1 .* 8589934592"):
        cs.io.write_ome_tiff(movie, tmp_path / "m")
    half = cs.Movie(
        images=movie.images.astype("float16"),
        masks=movie.masks,
        channels=movie.channels,
        **UNITS,
    )
    with pytest.raises(MovieError, match="found float16 in movie"):
        cs.io.write_ome_tiff(half, tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_hela_movie_through_zarr(tmp_path):
    movie = cs.datasets.hela_h2b()
    path = cs.io.write_ome_zarr(movie, tmp_path / "hela.zarr")
    found = cs.io.read_movie(
        path, pixel_size=movie.pixel_size, frame_interval=movie.frame_interval
    )
    pd.testing.assert_frame_equal(found.lineage, movie.lineage)
    last = movie.n_frames - 1
    np.testing.assert_array_equal(found.image(last), movie.image(last))
    np.testing.assert_array_equal(found.labels(last), movie.labels(last))
