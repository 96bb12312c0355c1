"""Streamed features: the same bits however they are cut, killed or carried on."""

import os
import pickle
import signal
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import cloudpickle
import dask.array
import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr

import cellstate as cs
from cellstate._base.errors import MovieError
from cellstate.pp import _jobs, _stream

# Workers cannot import a test: classes of this file go to them by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

DEADLY = 3  # the frame whose reading kills


class Deadly:
    """Frames on disk; the first process that reads frame 3 dies of it."""

    def __init__(self, path, grave):
        self.path, self.grave = Path(path), Path(grave)
        pixels = np.load(path, mmap_mode="r")
        self.shape, self.dtype = pixels.shape, pixels.dtype

    def __getitem__(self, frame):
        if frame == DEADLY and not self.grave.exists():
            self.grave.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return np.array(np.load(self.path, mmap_mode="r")[frame])


class Unreadable:
    """Frame 3 cannot be read."""

    def __init__(self, pixels):
        self.pixels, self.shape, self.dtype = pixels, pixels.shape, pixels.dtype

    def __getitem__(self, frame):
        if frame == DEADLY:
            raise OSError("disk on fire")
        return self.pixels[frame]


@pytest.fixture
def movie(make_movie):
    """Eight frames; frame 2 is empty, labels are above 65,535."""
    made = make_movie(n_frames=8, name="field 1")
    masks = np.where(made.masks > 0, made.masks + 70_000, 0)
    masks[2] = 0
    lineage = made.lineage[made.lineage["frame"] != 2]
    lineage = lineage.assign(label=lineage["label"] + 70_000)
    return replace(made, masks=masks, lineage=lineage)


@pytest.fixture
def on_disk(movie, tmp_path):
    """The same movie with images in a TIFF and masks in zarr."""
    path = tmp_path / "images.tif"
    tifffile.imwrite(path, movie.images, metadata={"axes": "TCYX"}, compression="zlib")
    masks = zarr.create_array(tmp_path / "masks.zarr", data=movie.masks)
    return replace(movie, images=cs.io.read_images(path), masks=masks)


def same(found, expected):
    assert found.X.tobytes() == expected.X.tobytes()
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    pd.testing.assert_frame_equal(found.var, expected.var)
    assert list(found.obsm) == list(expected.obsm)
    for name in expected.obsm:
        assert found.obsm[name].tobytes() == expected.obsm[name].tobytes()
    assert (found.obsp["lineage"] != expected.obsp["lineage"]).nnz == 0
    assert found.uns == expected.uns


def stream(movies, store, **options):
    options = {"scheduler": "synchronous"} | options
    return cs.pp.stream_features(movies, store, **options)


def parts(store):
    """Where the parts are, and when they were written."""
    return {
        p.relative_to(store).as_posix(): p.stat().st_mtime_ns
        for p in sorted(Path(store).glob("movie-*/*-*"))
    }


# The same values


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("frames_per_block", [1, 2, 5, 100])
def test_values_do_not_depend_on_blocks_and_threads(
    on_disk, make_movie, tmp_path, frames_per_block, scheduler
):
    movies = [on_disk, make_movie(name="a", n_cells=3)]
    options = {"condition": ["egf", "dmso"]}
    found = stream(
        movies,
        tmp_path / "store",
        scheduler=scheduler,
        frames_per_block=frames_per_block,
        n_workers=2,
        **options,
    )
    same(found, cs.pp.features(movies, **options))
    cs.validate(found)
    expected = -(-8 // frames_per_block) + -(-5 // frames_per_block)
    assert len(parts(tmp_path / "store")) == expected


@pytest.mark.parametrize("where", ["on disk", "in memory"])
def test_values_do_not_depend_on_processes(movie, on_disk, tmp_path, where):
    given = on_disk if where == "on disk" else movie
    options = {"scheduler": "processes", "n_workers": 2, "frames_per_block": 3}
    found = stream(given, tmp_path / "store", **options)
    same(found, cs.pp.features(movie))


def test_a_cluster_of_threads(movie, on_disk, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        lazy = replace(movie, images=as_dask(movie.images, tmp_path))
        kinds = {"disk": on_disk, "memory": movie, "dask": lazy}
        for name, given in kinds.items():
            found = stream(given, tmp_path / name, scheduler=client)
            same(found, cs.pp.features(movie))
        with pytest.raises(ValueError, match=r"n_workers=2 beside .*cluster\.scale"):
            stream(movie, tmp_path / "disk", scheduler=client, n_workers=2)


# Memory


def test_frames_on_disk_stay_there_and_others_travel_alone(movie, on_disk, tmp_path):
    there, here = (
        _stream._jobs(
            m, _stream._plan(m, _stream.parts.open_store(at, [m.name]), 1), extra=None
        )
        for m, at in ((on_disk, tmp_path / "a"), (movie, tmp_path / "b"))
    )
    frame = movie.images[0].nbytes + movie.masks[0].nbytes
    assert len(cloudpickle.dumps(there[4])) < 10_000
    assert frame < len(cloudpickle.dumps(here[4])) < frame + 10_000
    arrived = pickle.loads(cloudpickle.dumps(here[4]))
    np.testing.assert_array_equal(arrived.images[4], movie.images[4])


def as_dask(pixels, folder):
    return dask.array.from_zarr(as_zarr(pixels, folder))


def as_zarr(pixels, folder):
    chunks = (1, *pixels.shape[1:])
    return zarr.create_array(folder / "a.zarr", data=pixels, chunks=chunks)


def as_zarr_in_memory(pixels, folder):
    return zarr.create_array(zarr.storage.MemoryStore(), data=pixels)


def as_hdf5(pixels, folder):
    return h5py.File(folder / "a.h5", "w").create_dataset("a", data=pixels)


def as_memory_map(pixels, folder):
    np.save(folder / "a.npy", pixels)
    return np.load(folder / "a.npy", mmap_mode="r")


@pytest.mark.parametrize(
    ("store", "elsewhere"),
    [
        (as_zarr, True),
        (as_dask, True),
        (as_zarr_in_memory, False),
        (as_hdf5, False),
        (as_memory_map, False),
    ],
)
def test_stacks_of_every_kind_travel(tmp_path, store, elsewhere):
    # More than a reference may have, even when compressed.
    pixels = np.random.default_rng(0).random((64, 1, 40, 100))
    stack = store(pixels, tmp_path)
    assert _jobs.opens_elsewhere(stack) is elsewhere
    if not elsewhere:
        stack = _jobs.Carried(stack, "m", range(9, 11))
    arrived = pickle.loads(cloudpickle.dumps(stack))
    for frame in (9, 10):
        np.testing.assert_array_equal(np.asarray(arrived[frame]), pixels[frame])


def test_memory_is_that_of_a_block_whatever_the_number_of_frames(tmp_path):
    def peak(n_frames):
        masks = np.zeros((n_frames, 600, 600), np.int32)
        masks[:, 5:20, 5:20] = 1
        where = tmp_path / f"{n_frames}.npy"
        np.save(where, masks)
        lineage = pd.DataFrame(
            {"frame": range(n_frames), "label": 1, "track": 1, "parent_track": -1}
        )
        units = {"pixel_size": 1, "frame_interval": 1}
        long = cs.io.read_movie(where, where, name="m", tracks=lineage, **units)
        del masks
        tracemalloc.start()
        try:
            stream(long, tmp_path / f"store{n_frames}")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # modules that are loaded on first use
    assert peak(24) < 1.1 * peak(4)


# Carrying on


def test_a_killed_run_goes_on_where_it_was(movie, tmp_path):
    np.save(tmp_path / "images.npy", movie.images)
    np.save(tmp_path / "masks.npy", movie.masks)
    movie.lineage.to_csv(tmp_path / "tracks.csv", index=False)
    code = f"""
import os, signal, pandas as pd, cellstate as cs
from dataclasses import replace
class Deadly:
    def __init__(self, stack):
        self.stack, self.shape, self.dtype = stack, stack.shape, stack.dtype
    def __getitem__(self, frame):
        if frame == {DEADLY}:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.stack[frame]
movie = cs.io.read_movie("images.npy", "masks.npy", pixel_size=0.5,
    frame_interval=0.25, tracks=pd.read_csv("tracks.csv"), name="field 1")
movie = replace(movie, images=Deadly(movie.images))
cs.pp.stream_features(movie, "store", scheduler="synchronous")
"""
    died = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    store = tmp_path / "store"
    finished = parts(store)
    assert 0 < len(finished) < movie.n_frames  # dask goes forth or back
    same(stream(movie, store), cs.pp.features(movie))
    assert finished.items() <= parts(store).items()
    assert len(parts(store)) == movie.n_frames
    assert not (store / "unfinished").exists()


def test_a_killed_process_loses_only_its_block(movie, tmp_path):
    np.save(tmp_path / "images.npy", movie.images)
    deadly = replace(movie, images=Deadly(tmp_path / "images.npy", tmp_path / "grave"))
    options = {"scheduler": "processes", "n_workers": 1}
    store = tmp_path / "store"
    with pytest.raises(
        RuntimeError, match=r"a worker died.*[34] of 8 blocks.*same call"
    ):
        stream(deadly, store, **options)
    finished = parts(store)
    assert 0 < len(finished) < movie.n_frames  # dask goes forth or back
    same(stream(deadly, store, **options), cs.pp.features(movie))
    assert finished.items() <= parts(store).items()


def test_a_cluster_replaces_a_killed_worker(movie, tmp_path):
    distributed = pytest.importorskip("distributed")
    np.save(tmp_path / "images.npy", movie.images)
    deadly = replace(movie, images=Deadly(tmp_path / "images.npy", tmp_path / "grave"))
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=50,
            local_directory=tmp_path,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = stream(deadly, tmp_path / "store", scheduler=client)
    assert (tmp_path / "grave").exists()
    same(found, cs.pp.features(movie))


def test_only_missing_frames_are_measured_whatever_the_blocks(
    movie, tmp_path, monkeypatch
):
    stream(movie, tmp_path, frames_per_block=3)
    assert [name[-3:] for name in parts(tmp_path)] == ["0-3", "3-6", "6-8"]
    cut = tmp_path / "movie-field%201" / "3-6"
    cut.rename(tmp_path / "elsewhere")
    measured = []
    measure = _jobs.measure_block

    def counted(recipe, frame, *pixels):
        measured.append(frame)
        return measure(recipe, frame, *pixels)

    monkeypatch.setattr(_jobs, "measure_block", counted)
    found = stream(movie, tmp_path, frames_per_block=2)
    assert sorted(measured) == [3, 4, 5]
    assert len(parts(tmp_path)) == 4
    same(found, cs.pp.features(movie))


def test_linking_anew_measures_nothing_anew(movie, tmp_path, monkeypatch):
    stream(movie, tmp_path)
    lineage = movie.lineage.assign(track=movie.lineage["track"] + 100)
    linked = replace(movie, lineage=lineage, frame_interval=2.0)
    expected = cs.pp.features(linked, condition="x")
    monkeypatch.delattr(_jobs, "measure_block")
    same(stream(linked, tmp_path, condition="x"), expected)
    assert expected.obs["track"].min() == 101


# Parts that are damaged, or of something else


def cut_short(part):
    chunk = part / "values" / "c" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-20])


def lose_a_chunk(part):
    (part / "obsm" / "spatial" / "c" / "0" / "0").unlink()


def lose_an_array(part):
    (part / "obs" / "label" / "zarr.json").unlink()


def change_a_value(part):
    zarr.open_group(part)["values"][0, 0] += 1e-9


def break_the_metadata(part):
    (part / "zarr.json").write_text('{"zarr_format"')


def empty_it(part):
    (part / "zarr.json").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        lose_a_chunk,
        lose_an_array,
        change_a_value,
        break_the_metadata,
        empty_it,
    ],
)
def test_a_damaged_part_is_measured_again(movie, tmp_path, damage):
    stream(movie, tmp_path, frames_per_block=3)
    damage(tmp_path / "movie-field%201" / "3-6")
    before = parts(tmp_path)
    with pytest.warns(UserWarning, match="1 of 3 blocks.*frames 3 to 5 of movie"):
        found = stream(movie, tmp_path)
    same(found, cs.pp.features(movie))
    after = parts(tmp_path)
    assert [name[-3:] for name in after if after[name] != before[name]] == ["3-6"]
    same(stream(movie, tmp_path), found)  # and no warning


def test_parts_of_something_else_are_refused_by_name(movie, tmp_path, monkeypatch):
    stream(movie, tmp_path, frames_per_block=2)
    images = movie.images.copy()
    images[5, 0, 0, 0] += 1
    masks = movie.masks.copy()
    masks[6][masks[6] == 70_001] = 0
    kept = movie.lineage.query("frame != 6 or label != 70_001")
    others = {
        r"has frames 4 to 5 of movie 'field 1'.*pixels of frames \[5\] are others": (
            replace(movie, images=images)
        ),
        r"frames 6 to 7 .*the pixels of frames \[6\] are others": replace(
            movie, masks=masks, lineage=kept
        ),
        r"pixel_size is 0\.5 there and 0\.25 here": replace(movie, pixel_size=0.25),
        r"channels is \['intensity'\] there and \['H2B'\] here; features is": replace(
            movie, channels=("H2B",)
        ),
        r"has frames 6 to 7 of movie 'field 1', but that movie has 7 frames": replace(
            movie,
            images=movie.images[:7],
            masks=movie.masks[:7],
            lineage=movie.lineage.query("frame < 7"),
        ),
    }
    before = parts(tmp_path)
    for message, other in others.items():
        with pytest.raises(MovieError, match=f"{message}.*Give another store"):
            stream(other, tmp_path)
    monkeypatch.setattr(_jobs, "version", lambda name: "99.0")
    with pytest.raises(MovieError, match=r"cellstate is '.*' there and '99\.0' here"):
        stream(movie, tmp_path)
    assert parts(tmp_path) == before


def test_a_longer_movie_and_another_movie_use_what_is_there(movie, tmp_path):
    short = replace(
        movie,
        images=movie.images[:5],
        masks=movie.masks[:5],
        lineage=movie.lineage.query("frame < 5"),
    )
    stream(short, tmp_path)
    before = parts(tmp_path)
    other = replace(movie, name="..")
    same(stream([movie, other], tmp_path), cs.pp.features([movie, other]))
    assert before.items() <= parts(tmp_path).items()
    assert len(parts(tmp_path)) == 16


def test_a_folder_of_something_else_is_not_touched(movie, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"found something else.*new folder"):
        stream(movie, tmp_path)
    with pytest.raises(FileExistsError, match="found something else"):
        stream(movie, tmp_path / "notes.txt")
    zarr.open_group(tmp_path / "other.zarr", mode="w")
    with pytest.raises(FileExistsError, match="found something else"):
        stream(movie, tmp_path / "other.zarr")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "other.zarr"]


# Errors


@pytest.mark.parametrize("scheduler", ["synchronous", "processes"])
def test_an_error_names_the_movie_and_the_frame(movie, tmp_path, scheduler):
    message = "frame 3 of movie 'field 1' cannot be measured: OSError: disk on fire"
    broken = replace(movie, images=Unreadable(movie.images))
    options = {"scheduler": scheduler, "n_workers": 1}
    with pytest.raises(MovieError, match=message):
        stream(broken, tmp_path, **options)
    assert 0 < len(parts(tmp_path)) < movie.n_frames
    with pytest.raises(MovieError, match=message):
        cs.pp.features(broken)


def test_masks_and_lineage_that_differ_are_told_and_cost_no_measuring(movie, tmp_path):
    lacking = replace(movie, lineage=movie.lineage.query("frame != 4"))
    message = r"'field 1'.*frame 4.*masks have 4 that the lineage does not name"
    for _ in range(2):
        with pytest.raises(MovieError, match=message):
            stream(lacking, tmp_path)
    same(stream(movie, tmp_path), cs.pp.features(movie))


def test_a_movie_without_cells(movie, tmp_path):
    empty = replace(movie, masks=np.zeros_like(movie.masks), lineage=movie.lineage[:0])
    with pytest.raises(MovieError, match="no cell in any of its 8 frames"):
        stream(empty, tmp_path)


def test_options_that_are_none(movie, tmp_path):
    with pytest.raises(ValueError, match=r"`frames_per_block`.*>= 1; found 0"):
        stream(movie, tmp_path, frames_per_block=0)
    with pytest.raises(ValueError, match=r"one of \['processes'.*found 'slurm'"):
        stream(movie, tmp_path, scheduler="slurm")
    with pytest.raises(ValueError, match=r"distributed\.Client; found 4"):
        stream(movie, tmp_path, scheduler=4)
    with pytest.raises(ValueError, match=r"`n_workers`.*found 0"):
        stream(movie, tmp_path, n_workers=0)
    assert not any(tmp_path.iterdir())


def test_without_dask_the_extra_is_named(movie, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"pip install 'cellstate\[scale\]'"):
        stream(movie, tmp_path)
