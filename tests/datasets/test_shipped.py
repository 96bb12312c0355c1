"""The shipped movie: whole, small enough, and what its README says."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import cellstate as cs
from cellstate.datasets import _shipped_movies as shipped
from cellstate.tracks import Tracks


@pytest.fixture(scope="module")
def movie():
    return cs.datasets.hela_h2b()


def test_shipped_movie_is_what_its_readme_says(movie):
    assert movie.images.shape == (20, 1, 384, 704)
    assert (movie.pixel_size, movie.frame_interval) == (0.645, 0.5)
    table = movie.lineage
    tracks = Tracks.from_arrays(
        track=table["track"],
        frame=table["frame"],
        time=table["frame"] * 0.5,
        parent_track=table["parent_track"],
    )
    assert tracks.n_tracks == 144
    assert int(tracks.divides.sum()) == 27


def test_shipped_files_stay_below_six_megabytes():
    folder = shipped.hela_h2b_files()["images"].parent
    assert sum(p.stat().st_size for p in folder.iterdir()) < 6_000_000


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    folder = shipped.hela_h2b_files()["images"].parent
    shutil.copytree(folder, tmp_path / "hela_h2b")
    with (tmp_path / "hela_h2b" / "man_track.txt").open("a") as handle:
        handle.write("9999 0 1 0\n")
    monkeypatch.setattr(shipped, "_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"man_track.txt differs .* SHA-256"):
        shipped.hela_h2b_files()


def test_missing_data_say_where_they_were_sought(monkeypatch):
    monkeypatch.setattr(shipped, "__file__", str(Path("/nowhere/a/b.py")))
    with pytest.raises(FileNotFoundError, match="checkout"):
        shipped.hela_h2b_files()


def test_fresh_links_find_divisions_that_the_shipped_tracks_miss(movie):
    linked = cs.pp.track(movie).lineage
    mothers = linked.loc[linked["parent_track"] > 0, "parent_track"].unique()
    assert mothers.size > 27
    assert np.all(np.isin(mothers, linked["track"]))
