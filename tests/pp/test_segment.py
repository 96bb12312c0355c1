"""Raw images to a movie: units, channels, methods, and what is refused."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from skimage.measure import label

import cellstate as cs
from cellstate._base.errors import MovieError

UNITS = {"pixel_size": 0.5, "frame_interval": 0.25}
GRID = np.mgrid[:120, :160]
PLACES = [(25, 30), (25, 90), (80, 40), (90, 120), (60, 75)]


def film(n_frames=3, radius=9, brightness=300.0, places=PLACES):
    """Discs that drift by a pixel a frame, on noise; shape (T, 1, Y, X)."""
    rng = np.random.default_rng(4)
    images = rng.normal(100, 3, (n_frames, 1, *GRID[0].shape))
    for t in range(n_frames):
        for y, x in places:
            inside = (GRID[0] - y) ** 2 + (GRID[1] - x - t) ** 2 <= radius**2
            images[t, 0][inside] += brightness
    return images


def n_cells(movie):
    return [
        int(np.count_nonzero(np.unique(movie.labels(t))))
        for t in range(len(movie.masks))
    ]


def test_raw_images_become_features():
    pytest.importorskip("laptrack")
    movie = cs.pp.segment(film(), **UNITS)
    assert movie.lineage is None
    assert n_cells(movie) == [5, 5, 5]
    linked = cs.pp.track(movie)
    assert linked.lineage["track"].nunique() == 5
    adata = cs.pp.features(linked)
    area = np.pi * (9 * 0.5) ** 2
    # The outline runs at .3 of the height of a smoothed edge, up to a pixel outside.
    np.testing.assert_allclose(adata[:, "area"].X, area, rtol=0.25)


def test_images_on_disk_are_read_frame_by_frame(tmp_path):
    path = tmp_path / "raw.npy"
    np.save(path, film().astype("uint16"))
    movie = cs.pp.segment(cs.io.read_images(path), **UNITS, name="raw")
    assert n_cells(movie) == [5, 5, 5]
    assert movie.name == "raw"


def test_lengths_are_in_micrometres():
    images = film()
    fine = cs.pp.segment(images, diameter=9.0, **UNITS)
    coarse = cs.pp.segment(images, diameter=18.0, pixel_size=1.0, frame_interval=1)
    np.testing.assert_array_equal(fine.masks, coarse.masks)
    none = cs.pp.segment(images, diameter=9.0, min_diameter=12.0, **UNITS)
    assert n_cells(none) == [0, 0, 0]


@pytest.mark.parametrize("radius", [5, 9, 13])
def test_the_diameter_is_estimated(radius):
    images = film(radius=radius)
    given = cs.pp.segment(images, diameter=radius * 1.0, **UNITS)
    assert n_cells(cs.pp.segment(images, **UNITS)) == n_cells(given) == [5, 5, 5]


def test_the_channel_is_chosen_by_number_or_name():
    images = np.concatenate([np.full((3, 1, 120, 160), 7.0), film()], axis=1)
    names = ("phase", "H2B")
    for channel in (1, "H2B"):
        movie = cs.pp.segment(images, channels=names, channel=channel, **UNITS)
        assert n_cells(movie) == [5, 5, 5]
    for channel in ("DAPI", 2, -1, True):
        with pytest.raises(MovieError, match=r"one of \['phase', 'H2B'\]"):
            cs.pp.segment(images, channels=names, channel=channel, **UNITS)


def test_frames_without_cells_stay_empty():
    images = film()
    images[1] = np.random.default_rng(0).normal(100, 3, images[1].shape)
    images[2] = 100.0
    assert n_cells(cs.pp.segment(images, **UNITS)) == [5, 0, 0]


def test_a_missing_frame_has_no_cell():
    images = film()
    images[1] = np.nan
    assert n_cells(cs.pp.segment(images, **UNITS)) == [5, 0, 5]


def test_one_cell_in_one_frame():
    movie = cs.pp.segment(film(1, places=PLACES[:1])[:, 0], **UNITS)
    assert n_cells(movie) == [1]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "bool"])
def test_types_of_pixels(dtype):
    images = film(brightness=100.0)
    stored = images > 150 if dtype == "bool" else images.round().astype(dtype)
    assert n_cells(cs.pp.segment(stored, **UNITS)) == [5, 5, 5]


# Other segmenters


def test_any_function_of_a_frame_segments():
    def by_threshold(image):
        assert image.shape == (1, 120, 160)
        return label(image[0] > 250)

    assert n_cells(cs.pp.segment(film(), method=by_threshold, **UNITS)) == [5, 5, 5]


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        (np.ones((120, 160), bool), "bool of shape"),
        (np.ones((120, 160)), "float64"),
        (np.ones((2, 160), int), r"\(2, 160\) in frame 0"),
        (-np.ones((120, 160), int), "found -1 in frame 0"),
        (None, "object"),
    ],
)
def test_what_a_function_may_not_return(labels, word):
    with pytest.raises(MovieError, match=word):
        cs.pp.segment(film(), method=lambda image: labels, **UNITS)


@pytest.mark.parametrize("method", ["cellpose", "stardist"])
def test_a_package_that_is_missing_is_named(method, monkeypatch):
    monkeypatch.setitem(sys.modules, method, None)
    with pytest.raises(ImportError, match=f"pip install {method}"):
        cs.pp.segment(film(), method=method, **UNITS)


def test_cellpose_gets_the_plane_and_the_diameter_in_pixels(monkeypatch):
    asked = []

    class Model:
        def __init__(self, gpu):
            assert gpu is False

        def eval(self, plane, diameter):
            asked.append((plane.shape, diameter))
            return label(plane > 250), [], []

    package = ModuleType("cellpose")
    package.models = SimpleNamespace(CellposeModel=Model)
    package.core = SimpleNamespace(use_gpu=lambda: False)
    monkeypatch.setitem(sys.modules, "cellpose", package)
    movie = cs.pp.segment(film(), method="cellpose", diameter=9.0, **UNITS)
    assert n_cells(movie) == [5, 5, 5]
    assert asked == [((120, 160), 18.0)] * 3


def test_stardist_gets_a_scaled_plane(monkeypatch):
    class Model:
        @classmethod
        def from_pretrained(cls, name):
            assert name == "2D_versatile_fluo"
            return cls()

        def predict_instances(self, plane):
            return label(plane > 0.5), {}

    utils, models = ModuleType("csbdeep.utils"), ModuleType("stardist.models")
    utils.normalize = lambda x, low, high: (x - 100) / 300
    models.StarDist2D = Model
    for name, module in (
        ("csbdeep", ModuleType("csbdeep")),
        ("csbdeep.utils", utils),
        ("stardist", ModuleType("stardist")),
        ("stardist.models", models),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    assert n_cells(cs.pp.segment(film(), method="stardist", **UNITS)) == [5, 5, 5]


@pytest.mark.parametrize(
    ("method", "option"),
    [
        ("stardist", "diameter"),
        ("stardist", "contrast"),
        ("cellpose", "min_diameter"),
        (lambda image: image, "diameter"),
    ],
)
def test_options_of_another_method_are_refused(method, option):
    with pytest.raises(ValueError, match=option):
        cs.pp.segment(film(), method=method, **{option: 0.5}, **UNITS)


# Bad input


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ((2, 1, 5, 30, 30), "a z-stack. Project it"),
        ((2, 30, 30, 3), "looks like RGB"),
        ((30, 30), r"images\[None, None\]"),
        ((0, 1, 30, 30), "at least one frame"),
    ],
)
def test_other_shapes_are_refused(shape, word):
    with pytest.raises(MovieError, match=word):
        cs.pp.segment(np.zeros(shape), **UNITS)


def test_a_path_is_refused_with_the_call_to_make():
    with pytest.raises(MovieError, match=r"cs\.io\.read_images\('raw\.tif'\)"):
        cs.pp.segment("raw.tif", **UNITS)


def test_complex_images_are_refused():
    with pytest.raises(MovieError, match="complex128"):
        cs.pp.segment(film().astype(complex), **UNITS)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_nothing_to_estimate_a_diameter_from(value):
    with pytest.raises(MovieError, match=r"Give it: cs\.pp\.segment"):
        cs.pp.segment(np.full((2, 1, 40, 40), value), **UNITS)
    empty = cs.pp.segment(np.full((2, 1, 40, 40), value), diameter=5, **UNITS)
    assert n_cells(empty) == [0, 0]


def test_options_out_of_range():
    images = film(1)
    for options, word in (
        ({"diameter": 1.0}, "which is 2 px of 0.5 um"),
        ({"diameter": -1}, "number above 0 in um"),
        ({"contrast": 1.5}, "contrast"),
        ({"min_diameter": 0}, "min_diameter"),
        ({"method": "unet"}, "watershed"),
        ({"pixel_size": 0}, "pixel_size"),
        ({"frame_interval": None}, "frame_interval"),
        ({"name": "a:b"}, "a:b"),
    ):
        with pytest.raises(ValueError, match=word):
            cs.pp.segment(images, **(UNITS | options))
