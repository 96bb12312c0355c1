"""Linking masks: known motions, known divisions, real cells."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._base.errors import MovieError
from cellstate._movie import Movie
from cellstate.pp._track import track
from cellstate.tracks import Tracks

DATA = Path(
    os.environ.get(
        "CELLSTATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)


@pytest.fixture(autouse=True)
def quiet():
    with cs.settings.override(progress=False):
        yield


def painted(cells, n_frames, size=120, pixel_size=1.0):
    """Movie of discs (frame, label, y, x, radius, brightness) on background 100."""
    masks = np.zeros((n_frames, size, size), dtype=np.int32)
    images = np.full((n_frames, 1, size, size), 100.0)
    grid_y, grid_x = np.mgrid[:size, :size]
    for t, label, y, x, radius, brightness in cells:
        disc = (grid_y - y) ** 2 + (grid_x - x) ** 2 <= radius**2
        masks[t][disc] = label
        images[t, 0][disc] += brightness
    return Movie(images=images, masks=masks, pixel_size=pixel_size, frame_interval=0.5)


def linked(movie):
    table = movie.lineage
    return Tracks.from_arrays(
        track=table["track"],
        frame=table["frame"],
        time=table["frame"] * movie.frame_interval,
        parent_track=table["parent_track"],
    )


def division(sister=1.0, distance=9):
    """A mother of mass r^2 b = 49 x 400; daughters of half, one `sister` times that."""
    half = 7**2 * 400 / 2 / 5**2
    cells = [(t, 7, 60, 60, 7, 400) for t in range(3)]
    for t in (3, 4, 5):
        cells.append((t, 3, 60, 60 - distance - t, 5, half))
        cells.append((t, 9, 60, 60 + distance + t, 5, half * sister))
    return cells


def test_moving_cells_keep_their_tracks_when_labels_are_shuffled():
    rng = np.random.default_rng(3)
    start = np.stack(np.meshgrid(np.arange(12, 120, 24), np.arange(12, 120, 24)), -1)
    start = start.reshape(-1, 2).astype(float)
    steps = rng.normal(0, 1.0, (6, *start.shape)).cumsum(axis=0)
    cells, truth = [], {}
    for t in range(6):
        labels = rng.permutation(np.arange(1, 500))[: len(start)]
        for i, label in enumerate(labels):
            y, x = start[i] + steps[t, i]
            cells.append((t, label, y, x, 4, 50))
            truth[t, label] = i
    movie = painted(cells, 6)
    table = track(movie).lineage
    cell = [truth[k] for k in zip(table["frame"], table["label"], strict=True)]
    assert len(table) == 6 * len(start)
    assert table.groupby(cell)["track"].nunique().eq(1).all()
    assert table["track"].nunique() == len(start)
    assert (table["parent_track"] == -1).all()


def test_a_division_is_found_and_both_daughters_are_new_tracks():
    table = track(painted(division(), 6)).lineage
    assert table.groupby("track")["frame"].agg(["min", "max"]).to_numpy().tolist() == [
        [0, 2],
        [3, 5],
        [3, 5],
    ]
    assert table.groupby("track")["parent_track"].first().tolist() == [-1, 1, 1]


def test_distances_are_in_micrometres():
    """Pixels half as large: all distances halve, nothing changes at half the limits."""
    cells = division(distance=12)
    whole = track(painted(cells, 6), max_distance=15, max_division_distance=20)
    half = track(
        painted(cells, 6, pixel_size=0.5), max_distance=7.5, max_division_distance=10
    )
    pd.testing.assert_frame_equal(whole.lineage, half.lineage)
    assert linked(whole).divides.sum() == 1
    near = track(painted(cells, 6), max_distance=15, max_division_distance=10)
    assert linked(near).divides.sum() == 0


def test_a_newcomer_beside_a_cell_is_no_daughter():
    """The cell goes on with its whole mass while another enters near by."""
    cells = [(t, 1, 60, 60, 6, 300) for t in range(6)]
    cells += [(t, 2, 60, 74, 6, 300) for t in range(3, 6)]
    assert linked(track(painted(cells, 6))).divides.sum() == 0


def test_mass_tells_a_division_only_where_the_channel_carries_it():
    """With a sister three times as bright mass is not halved; shape still fits."""
    movie = painted(division(sister=3.0), 6)
    assert linked(track(movie)).divides.sum() == 0
    assert linked(track(movie, channel=None)).divides.sum() == 1


def test_no_divisions_where_cells_do_not_divide():
    result = linked(track(painted(division(), 6), max_division_distance=None))
    assert (result.divides.sum(), result.n_tracks) == (0, 2)


def test_null_random_discs_divide_rarely():
    """Discs at random places in each frame: under 3 % of the 232 newborn fit by chance.

    Without the mass about 5 % do.
    """
    rng = np.random.default_rng(11)
    cells = []
    for t in range(30):
        for label in range(1, 9):
            y, x = rng.uniform(8, 112, 2)
            cells.append((t, label, y, x, rng.uniform(4, 7), rng.uniform(100, 500)))
    result = linked(track(painted(cells, 30)))
    assert result.n_tracks > 150
    assert result.divides.sum() < 0.03 * 8 * 29


@pytest.mark.parametrize(("max_gap", "n_tracks"), [(0, 2), (1, 2), (2, 1)])
def test_gaps_are_closed_only_when_asked(max_gap, n_tracks):
    cells = [(t, 4, 60, 60 + t, 6, 300) for t in (0, 1, 4, 5)]
    table = track(painted(cells, 6), max_gap=max_gap).lineage
    assert table["track"].nunique() == n_tracks
    assert table["frame"].tolist() == [0, 1, 4, 5]


def test_closing_gaps_leaves_divisions_as_they_are():
    cells = division() + [(t, 50, 20, 20, 5, 300) for t in (0, 1, 3, 4, 5)]
    movie = painted(cells, 6)
    without, closed = track(movie), track(movie, max_gap=1)
    assert linked(without).n_tracks == linked(closed).n_tracks + 1
    assert linked(without).divides.sum() == linked(closed).divides.sum() == 1
    far = closed.lineage.query("label == 50")
    assert far["track"].nunique() == 1


def test_frames_without_a_cell_are_fine():
    cells = [(t, 1, 60, 60, 6, 300) for t in (1, 2, 4)]
    table = track(painted(cells, 6)).lineage
    assert table["track"].tolist() == [1, 1, 2]


def test_a_movie_of_one_frame():
    table = track(painted([(0, 5, 20, 20, 4, 9), (0, 8, 60, 60, 4, 9)], 1)).lineage
    assert table["track"].tolist() == [1, 2]


def test_the_movie_is_returned_anew():
    movie = painted(division(), 6)
    result = track(movie)
    assert movie.lineage is None
    assert result.images is movie.images
    assert result.masks is movie.masks
    pd.testing.assert_frame_equal(track(result).lineage, result.lineage)


def test_channel_by_name_and_by_number_agree():
    movie = painted(division(), 6)
    pd.testing.assert_frame_equal(
        track(movie, channel="intensity").lineage, track(movie, channel=0).lineage
    )


def test_bad_arguments_say_what_to_call():
    movie = painted([(0, 1, 20, 20, 4, 9)], 1)
    with pytest.raises(ValueError, match=r"max_distance.*found -3"):
        track(movie, max_distance=-3)
    with pytest.raises(ValueError, match=r"max_division_distance.*found 0"):
        track(movie, max_division_distance=0)
    with pytest.raises(ValueError, match=r"max_gap.*>= 0; found -1"):
        track(movie, max_gap=-1)
    with pytest.raises(MovieError, match=r"\['intensity'\].*found 'DNA'"):
        track(movie, channel="DNA")


def test_masks_without_any_cell_or_with_negative_labels():
    with pytest.raises(MovieError, match="found none in the 4 frames"):
        track(painted([], 4))
    movie = painted([(1, -2, 20, 20, 4, 9)], 3)
    with pytest.raises(MovieError, match=r"found \[-2\] in frame 1"):
        track(movie)


def test_without_laptrack_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "laptrack", None)
    with pytest.raises(ImportError, match=r"pip install 'cellstate\[track\]'"):
        track(painted([(0, 1, 20, 20, 4, 9)], 1))


def test_hela_cells_against_the_partial_truth():
    """At least 99.5 % of the true links, and about 58 divisions (57 right by eye)."""
    folder = DATA / "movies" / "hela_h2b_ctc02_movie"
    for file in ("img.tif", "masks_raw.tif", "gt_markers_partial.csv"):
        if not (folder / file).exists():
            pytest.skip(f"movies/hela_h2b_ctc02_movie/{file} is not there")
    movie = track(
        cs.io.read_movie(
            folder / "img.tif",
            folder / "masks_raw.tif",
            pixel_size=0.645,
            frame_interval=0.5,
        )
    )
    tracks = linked(movie)
    row = {
        key: i
        for i, key in enumerate(
            zip(movie.lineage["frame"], movie.lineage["label"], strict=True)
        )
    }
    truth = pd.read_csv(folder / "gt_markers_partial.csv").query("label > 0")
    truth = truth[~truth.duplicated(["frame", "label"], keep=False)]
    before = np.maximum(tracks.previous_row, tracks.mother_row())
    links = [
        (row[a.frame, a.label], row[b.frame, b.label])
        for _, one in truth.sort_values("frame").groupby("gt_track")
        for a, b in zip(
            one.itertuples(index=False),
            list(one.itertuples(index=False))[1:],
            strict=False,
        )
        if b.frame == a.frame + 1
    ]
    right = np.mean([before[b] == a for a, b in links])
    assert len(links) == 903
    assert right >= 0.995
    assert 55 <= tracks.divides.sum() <= 62
