"""Image strips: the right pixels, outlines, order; only the frames shown are read."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import cellstate as cs
from cellstate._adata import _store as store
from cellstate.pl._crops import COMMITTED, GAP, KIN, OWN


class Counted:
    """A stack that remembers which frames were read."""

    def __init__(self, stack: np.ndarray) -> None:
        self.stack, self.read = stack, []
        self.shape, self.dtype = stack.shape, stack.dtype

    def __getitem__(self, frame: int) -> np.ndarray:
        self.read.append(frame)
        return self.stack[frame]


@pytest.fixture
def counted(movie) -> cs.Movie:
    return cs.Movie(
        images=Counted(movie.images),
        masks=Counted(movie.masks),
        pixel_size=movie.pixel_size,
        frame_interval=movie.frame_interval,
    )


def mosaic(ax) -> np.ndarray:
    ax.figure.canvas.draw()
    return np.asarray(ax.images[0].get_array())


def tile(picture: np.ndarray, row: int, column: int, columns: int) -> np.ndarray:
    size = (picture.shape[1] + GAP) // columns - GAP
    top, left = row * (size + GAP), column * (size + GAP)
    return picture[top : top + size, left : left + size]


def has(picture: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool((picture == color).all(axis=2).any())


def test_strip_reads_only_its_frames_once(adata, counted, ax):
    cs.pl.image_strip(adata, counted, track=4, frames=[2, 5, 7], ax=ax)
    assert counted.images.read == counted.masks.read == [2, 5, 7]


def test_strip_has_one_crop_per_frame_with_time_and_committor(adata, movie, ax):
    cs.pl.image_strip(adata, movie, track=4, frames=[2, 5, 7], ax=ax)
    picture = mosaic(ax)
    size = picture.shape[0]
    assert picture.shape == (size, 3 * size + 2 * GAP, 3)
    texts = [t.get_text() for t in ax.texts]
    row = adata.obs.loc["movie:5:4"]
    assert {"1 h", "2.5 h", "3.5 h", f"{row['committor']:.2f}"} <= set(texts)
    assert any("µm" in t for t in texts)
    for column in range(3):
        assert has(tile(picture, 0, column, 3), OWN)
        assert not has(tile(picture, 0, column, 3), KIN)


def test_pixels_are_those_of_the_image(adata, movie, ax):
    """Where nothing is drawn over it the crop is an affine map of the image."""
    cs.pl.image_strip(adata, movie, track=17, frames=[3], width=10, ax=ax)
    picture = mosaic(ax)
    x, y = adata.obsm["spatial"][adata.obs_names.get_loc("movie:3:17")] / 0.5
    half = 10
    zoom = picture.shape[0] // (2 * half + 1)
    crop = movie.image(3)[0][int(y) - half : int(y) + half + 1][
        :, int(x) - half : int(x) + half + 1
    ]
    drawn = picture[zoom // 2 :: zoom, zoom // 2 :: zoom]
    grey = (drawn[..., 0] == drawn[..., 1]) & (drawn[..., 1] == drawn[..., 2])
    inside = crop == 20 + 100 + 17
    assert (grey & inside).any()
    values = {int(v): set(drawn[..., 0][grey & (crop == v)]) for v in np.unique(crop)}
    assert all(len(greys) <= 1 for greys in values.values())
    bright = [max(g) for v, g in sorted(values.items()) if g]
    assert bright == sorted(bright)


def test_outside_the_field_is_black(adata, movie, ax):
    cs.pl.image_strip(adata, movie, track=1, frames=[0], width=12, ax=ax)
    picture = mosaic(ax)
    assert (picture[: picture.shape[0] // 5] == 0).all()
    assert picture.any()


def test_daughters_and_mother_are_drawn_in_another_color(adata, movie, ax):
    cs.pl.image_strip(adata, movie, track=1, frames=[5, 6], ax=ax)
    picture = mosaic(ax)
    assert has(tile(picture, 0, 0, 2), OWN)
    assert has(tile(picture, 0, 1, 2), KIN)
    assert not has(tile(picture, 0, 1, 2), OWN)
    other = cs.pl.image_strip(
        adata, movie, track=41, frames=[5, 6], ax=Figure().subplots()
    )
    assert has(tile(mosaic(other), 0, 0, 2), KIN)


def test_a_frame_in_which_the_track_is_missing_has_no_outline(adata, movie, ax):
    there = ~((adata.obs["track"] == 4) & (adata.obs["frame"] == 6))
    cells = adata[there.to_numpy()].copy()
    cells.uns = {}
    cs.pl.image_strip(cells, movie, track=4, frames=[6], ax=ax)
    assert not has(mosaic(ax), OWN)


def test_without_frames_the_commitment_is_in_the_strip(adata, movie, ax):
    table = cs.get.events(adata).table
    track = int(table["track"][table["status"] == "event"].iloc[0])
    cs.pl.image_strip(adata, movie, track=track, ax=ax)
    assert has(mosaic(ax), COMMITTED)
    still = int(table["track"][table["status"] != "event"].iloc[1])
    ax = cs.pl.image_strip(adata, movie, track=still, ax=Figure().subplots())
    assert not has(mosaic(ax), COMMITTED)


def test_contrast_is_the_same_along_a_strip(adata, movie, ax):
    images = np.array(movie.images)
    images[8] += 300  # one frame much brighter
    flash = cs.Movie(
        images=images, masks=movie.masks, pixel_size=0.5, frame_interval=0.5
    )
    cs.pl.image_strip(adata, flash, track=4, frames=[2, 8], ax=ax)
    dark, bright = (tile(mosaic(ax), 0, c, 2).mean() for c in range(2))
    assert bright > dark + 100


def test_all_flagged_cells_are_shown_each_frame_read_once(adata, counted, ax):
    table = cs.get.events(adata).table
    flagged = int((table["status"] == "event").sum())
    cs.pl.event_strips(adata, counted, n=100, before=3, after=1, ax=ax)
    picture = mosaic(ax)
    size = (picture.shape[1] + GAP) // 5 - GAP
    assert picture.shape == (flagged * (size + GAP) - GAP, 5 * (size + GAP) - GAP, 3)
    assert len(counted.images.read) == len(set(counted.images.read))
    assert len(ax.get_yticklabels()) == flagged
    for row in range(flagged):
        assert has(tile(picture, row, 3, 5), COMMITTED)


def test_strips_are_ordered_and_limited(adata, movie, ax):
    cs.pl.event_strips(adata, movie, n=3, ax=ax)
    table = cs.get.events(adata).table
    table = table[table["status"] == "event"]
    best = table.sort_values(["q", "statistic"], ascending=[True, False])["track"][:3]
    shown = [t.get_text().split("\n")[0] for t in ax.get_yticklabels()]
    assert shown == [f"track {t}" for t in best]


def test_no_event_is_said(adata, movie, ax):
    stored = cs.get.events(adata)
    table = stored.table.assign(status="no_event")
    store.put(adata, "none", type(stored)(**{**vars(stored), "table": table}))
    cs.pl.event_strips(adata, movie, key="none", ax=ax)
    assert "no event is flagged" in ax.texts[0].get_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"track": 99}, "no track 99"),
        ({"frames": [3, 40]}, r"between 0 and 11; found \[40\]"),
        ({"channel": 1}, "`channel`=1 must be below 1"),
        ({"width": -1.0}, "width"),
    ],
)
def test_what_cannot_be_shown_is_refused(change, message, adata, movie, ax):
    with pytest.raises(ValueError, match=message):
        cs.pl.image_strip(adata, movie, **{"track": 4, "ax": ax} | change)


def test_a_movie_of_other_cells_is_refused(adata, movie, ax):
    about = {"pixel_size": 0.5, "frame_interval": 0.5}
    other = cs.Movie(images=movie.images, masks=movie.masks, name="other", **about)
    with pytest.raises(ValueError, match="named 'other'"):
        cs.pl.image_strip(adata, other, track=4, ax=ax)
    short = cs.Movie(images=movie.images[:5], masks=movie.masks[:5], **about)
    with pytest.raises(ValueError, match="reach frame 11"):
        cs.pl.image_strip(adata, short, track=4, ax=ax)
    del adata.obsm["spatial"]
    with pytest.raises(KeyError, match=r"cs\.pp\.features"):
        cs.pl.image_strip(adata, movie, track=4, ax=ax)
