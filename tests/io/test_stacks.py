"""Lazy stacks: the same pixels whatever the container, one frame in memory."""

import gc
import pickle
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

import cellstate as cs
from cellstate._base.errors import MovieError
from cellstate.io._stacks import LazyStack

T, C, Y, X = 6, 2, 12, 15


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 4000, (T, C, Y, X), dtype=np.uint16)


def frames(stack):
    return np.stack([stack[t] for t in range(stack.shape[0])])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    ("suffix", "axes", "order"),
    [
        (".ome.tif", "TCYX", (0, 1, 2, 3)),
        (".ome.tif", "CTYX", (1, 0, 2, 3)),
        (".tif", "TCYX", (0, 1, 2, 3)),
    ],
)
def test_axes_named_in_the_file_are_put_in_order(
    tmp_path, pixels, suffix, axes, order, compression
):
    path = tmp_path / f"a{suffix}"
    tifffile.imwrite(
        path, pixels.transpose(order), metadata={"axes": axes}, compression=compression
    )
    stack = cs.io.read_images(path)
    assert stack.shape == (T, C, Y, X)
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(frames(stack), pixels)


def test_imagej_hyperstack(tmp_path, pixels):
    tifffile.imwrite(
        tmp_path / "ij.tif", pixels, imagej=True, metadata={"axes": "TCYX"}
    )
    np.testing.assert_array_equal(
        frames(cs.io.read_images(tmp_path / "ij.tif")), pixels
    )


def test_unnamed_axes_are_time_then_channel(tmp_path, pixels):
    tifffile.imwrite(tmp_path / "four.tif", pixels)
    tifffile.imwrite(tmp_path / "three.tif", pixels[:, 0], metadata=None)
    np.testing.assert_array_equal(
        frames(cs.io.read_images(tmp_path / "four.tif")), pixels
    )
    np.testing.assert_array_equal(
        frames(cs.io.read_images(tmp_path / "three.tif")), pixels[:, :1]
    )


def test_channels_last_and_big_endian(tmp_path, pixels):
    rgb = (pixels[:, [0, 1, 0]] % 256).astype(np.uint8)
    tifffile.imwrite(tmp_path / "rgb.tif", rgb.transpose(0, 2, 3, 1), photometric="rgb")
    np.testing.assert_array_equal(frames(cs.io.read_images(tmp_path / "rgb.tif")), rgb)
    tifffile.imwrite(tmp_path / "big.tif", pixels[:, 0], byteorder=">")
    stack = cs.io.read_images(tmp_path / "big.tif")
    assert stack[0].dtype.isnative
    np.testing.assert_array_equal(frames(stack)[:, 0], pixels[:, 0])


def test_bigtiff_and_npy(tmp_path, pixels):
    tifffile.imwrite(tmp_path / "big.tif", pixels, bigtiff=True, compression="zlib")
    np.save(tmp_path / "a.npy", pixels[:, 0])
    np.testing.assert_array_equal(
        frames(cs.io.read_images(tmp_path / "big.tif")), pixels
    )
    np.testing.assert_array_equal(
        frames(cs.io.read_masks(tmp_path / "a.npy")), pixels[:, 0]
    )


def test_folder_is_sorted_by_number_and_other_files_are_ignored(tmp_path, pixels):
    twelve = np.concatenate([pixels[:, 0], pixels[:, 1]])
    for t, frame in enumerate(twelve):
        tifffile.imwrite(tmp_path / f"t{t}.tif", frame, compression="zlib")
    (tmp_path / "notes.txt").write_text("t99")
    stack = cs.io.read_masks(tmp_path)
    assert stack.shape == (2 * T, Y, X)
    np.testing.assert_array_equal(frames(stack), twelve)


def test_folder_of_frames_with_channels(tmp_path, pixels):
    for t, frame in enumerate(pixels):
        tifffile.imwrite(tmp_path / f"s1_t{t:02}.tif", frame, metadata={"axes": "CYX"})
    np.testing.assert_array_equal(frames(cs.io.read_images(tmp_path)), pixels)


def test_index_from_the_end_and_out_of_range(tmp_path, pixels):
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    stack = cs.io.read_images(tmp_path / "a.tif")
    np.testing.assert_array_equal(stack[-1], pixels[-1])
    with pytest.raises(IndexError, match="frames 0 to 5"):
        stack[6]
    with pytest.raises(TypeError, match="frame by frame"):
        stack[0:2]


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_frame_costs_the_memory_of_a_frame(tmp_path, compression):
    movie = np.zeros((40, 256, 256), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "long.tif", movie, compression=compression)
    frame_bytes, movie_bytes = movie[0].nbytes, movie.nbytes
    del movie
    tracemalloc.start()
    stack = cs.io.read_images(tmp_path / "long.tif")
    for t in range(len(stack)):
        assert stack[t].sum() == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frame_bytes < peak < 8 * frame_bytes < movie_bytes


def test_only_the_asked_frame_is_decoded(tmp_path, pixels, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib")
    decoded = []
    original = tifffile.TiffPage.asarray
    monkeypatch.setattr(
        tifffile.TiffPage, "asarray", lambda s, **k: decoded.append(1) or original(s)
    )
    monkeypatch.setattr(
        tifffile.TiffFrame,
        "asarray",
        lambda s, **k: decoded.append(1) or tifffile.TiffPage.asarray(s),
    )
    monkeypatch.setattr(
        tifffile.TiffFile, "asarray", lambda *a, **k: pytest.fail("whole file read")
    )
    decoded.clear()
    stack = cs.io.read_images(tmp_path / "a.tif")
    assert decoded == []
    stack[0]
    assert 1 <= len(decoded) <= 2 * C


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_files_are_closed_when_the_stack_is_gone(tmp_path, pixels, compression):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, compression=compression)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        stack = cs.io.read_images(path)
        stack[0]
        del stack
        gc.collect()
    open_now = [
        target
        for fd in _descriptors()
        if (target := _target(fd)) is not None and target == str(path)
    ]
    assert open_now == []


def _descriptors():
    from pathlib import Path

    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("/proc/self/fd is not there")
    return list(folder.iterdir())


def _target(link):
    try:
        return str(link.readlink())
    except OSError:
        return None


def test_a_file_cut_anywhere_is_never_read_as_a_shorter_movie(tmp_path, pixels):
    """At every length the answer is the whole movie or an error naming the file."""
    for compression in (None, "zlib"):
        whole = tmp_path / "whole.tif"
        tifffile.imwrite(whole, pixels[:, 0], compression=compression, metadata=None)
        content = whole.read_bytes()
        cut = tmp_path / "cut.tif"
        for length in range(1, len(content), 97):
            cut.write_bytes(content[:length])
            with pytest.raises(MovieError, match=r"cut\.tif"):
                frames(cs.io.read_images(cut))


@pytest.mark.parametrize("kind", ["zlib", "plain", "folder", "npy"])
def test_a_stack_pickles_as_the_path_it_was_opened_from(tmp_path, pixels, kind):
    path = tmp_path / ("folder" if kind == "folder" else "a.npy")
    if kind == "folder":
        path.mkdir()
        for t, frame in enumerate(pixels):
            tifffile.imwrite(path / f"t{t}.tif", frame, metadata={"axes": "CYX"})
    elif kind == "npy":
        np.save(path, pixels)
    else:
        path = tmp_path / "a.tif"
        compression = "zlib" if kind == "zlib" else None
        tifffile.imwrite(
            path, pixels, metadata={"axes": "TCYX"}, compression=compression
        )
    content = pickle.dumps(cs.io.read_images(path))
    assert len(content) < 500
    np.testing.assert_array_equal(frames(pickle.loads(content)), pixels)
    assert pickle.loads(content) is pickle.loads(content)  # one open file


def test_masks_and_stacks_with_an_added_axis_pickle_too(tmp_path, pixels):
    tifffile.imwrite(tmp_path / "m.tif", pixels[:, 0], metadata={"axes": "TYX"})
    masks = cs.io.read_masks(tmp_path / "m.tif")
    content = pickle.dumps(masks)
    np.testing.assert_array_equal(frames(pickle.loads(content)), pixels[:, 0])
    movie = cs.io.read_movie(masks, masks, pixel_size=1, frame_interval=1)
    there = pickle.loads(pickle.dumps(movie))
    np.testing.assert_array_equal(there.images[2], pixels[2, :1])
    # A file that was written anew since is opened anew.
    tifffile.imwrite(tmp_path / "m.tif", pixels[:5, 1], metadata={"axes": "TYX"})
    anew = pickle.loads(pickle.dumps(cs.io.read_masks(tmp_path / "m.tif")))
    np.testing.assert_array_equal(frames(anew), pixels[:5, 1])


def test_threads_share_a_compressed_file(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 99, (40, 64, 64), dtype=np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, metadata={"axes": "TYX"}, compression="zlib"
    )
    stack = cs.io.read_images(tmp_path / "a.tif")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(stack.__getitem__, np.tile(np.arange(40), 10)))
    np.testing.assert_array_equal(np.stack(found)[:, 0], np.tile(pixels, (10, 1, 1)))


def test_a_stack_of_a_function_alone_does_not_pickle():
    stack = LazyStack((2, 3, 3), np.uint8, lambda frame: np.zeros((3, 3)))
    with pytest.raises(TypeError, match="does not know how to be opened elsewhere"):
        pickle.dumps(stack)
