"""Outlines, complex modes and CellProfiler's set beside the features."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.segmentation import clear_border

import cellstate as cs
from cellstate._base.errors import MovieError
from cellstate.morphology import (
    cellprofiler_table,
    elliptic_modes,
    measure_cellprofiler,
)

FOLDER = Path(__file__).parents[2] / "data" / "hela_h2b"


@pytest.fixture(scope="module")
def crop():
    image = tifffile.imread(FOLDER / "images.tif", key=0)[:200, :300]
    labels = tifffile.imread(FOLDER / "masks.tif", key=0)[:200, :300]
    return image, clear_border(labels.astype(np.int32))


def test_outlines_are_stored_about_the_centroid_in_um(make_movie):
    movie = make_movie(n_cells=3, n_frames=3)
    adata = cs.pp.features(movie)
    contour = adata.obsm["X_contour"]
    assert contour.shape == (adata.n_obs, 128)
    x, y = contour[:, ::2], contour[:, 1::2]
    radius = np.hypot(x, y)
    column = adata[:, "radius_max"].X.ravel()
    assert (radius.max(axis=1) <= column + 1e-9).all()
    np.testing.assert_allclose(radius.max(axis=1), column, rtol=0.05)
    # Clockwise on the screen, where y points down: a positive signed area.
    area = ((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y) / 2).sum(axis=1)
    np.testing.assert_allclose(area, adata[:, "area"].X.ravel(), rtol=0.15)
    assert (y[:, 0] <= y.min(axis=1) + 0.25).all()  # from the highest pixel
    assert elliptic_modes(contour).modes.shape == (adata.n_obs, 17)


def test_modes_are_stored_with_their_phases(make_movie):
    adata = cs.pp.features(make_movie(n_cells=3, n_frames=3))
    modes = np.ascontiguousarray(adata.obsm["angular_modes"]).view(complex)
    assert modes.shape == (adata.n_obs, 6)
    for k, name in enumerate(("boundary_a1", "boundary_a2", "boundary_a3")):
        np.testing.assert_allclose(np.abs(modes[:, k]), adata[:, name].X.ravel())
    for k, name in enumerate(("a1", "a2", "a3"), start=3):
        column = adata[:, f"{name}_intensity"].X.ravel()
        np.testing.assert_allclose(np.abs(modes[:, k]), column)


def test_arrays_survive_a_file_and_follow_subsets(make_movie, tmp_path):
    import anndata

    adata = cs.pp.features(make_movie(n_cells=3, n_frames=3))
    adata.write_h5ad(tmp_path / "cells.h5ad")
    back = anndata.read_h5ad(tmp_path / "cells.h5ad")
    for name in ("X_contour", "angular_modes"):
        np.testing.assert_array_equal(back.obsm[name], adata.obsm[name])
        np.testing.assert_array_equal(back[2:5].obsm[name], adata.obsm[name][2:5])
    assert back.var["invariance"].tolist() == adata.var["invariance"].tolist()
    cs.validate(back)


def test_the_table_says_what_leaves_a_feature_unchanged():
    table = cs.pp.feature_table()
    said = table["invariance"].str.split()
    assert said["area"] == ["translation", "rotation", "reflection", "gain"]
    assert said["a1_phase_intensity"] == ["translation", "scale", "gain"]
    assert "scale" not in said["band_1px_intensity"]
    pose = said.map(lambda kept: {"translation", "rotation", "reflection"} <= {*kept})
    assert (pose == table["invariant"]).all()


def test_columns_are_those_of_cp_measure(make_movie):
    bulk = pytest.importorskip("cp_measure.bulk")
    plain = make_movie(n_cells=3, n_frames=2)
    images = np.clip(plain.images, 0, 60_000).astype(np.uint16)
    movie = cs.Movie(
        images=images,
        masks=plain.masks,
        lineage=plain.lineage,
        pixel_size=0.5,
        frame_interval=0.25,
    )
    adata = cs.pp.features(movie, extra="cellprofiler")
    own = cs.pp.features(movie)
    np.testing.assert_array_equal(adata[:, own.var_names].X, own.X)
    added = adata.var[adata.var["family"] == "cellprofiler"]
    assert len(added) == adata.n_vars - own.n_vars > 250
    assert added.index.str.startswith("cp_").all()
    table = cs.pp.feature_table(movie.channels, extra="cellprofiler")
    assert adata.var_names.tolist() == table.index.tolist()
    checked = 0
    for frame in range(2):
        rows = adata[adata.obs["frame"] == frame]
        picture = images[frame, 0] / 65_535
        for name, group in bulk.get_core_measurements().items():
            of_mask = name in ("sizeshape", "zernike", "feret")
            with np.errstate(all="ignore"):
                found = group(movie.masks[frame], None if of_mask else picture)
            for key, values in found.items():
                column = f"cp_{key}" + ("" if of_mask else "_intensity")
                finite = np.where(np.isfinite(values), values, np.nan)
                np.testing.assert_array_equal(rows[:, column].X.ravel(), finite, column)
                checked += 1
    assert checked == 2 * len(added)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("translation", lambda a: np.pad(a, ((5, 0), (7, 0)))),
        ("rotation", lambda a: np.rot90(a).copy()),
        ("reflection", lambda a: a[:, ::-1].copy()),
        ("gain", lambda a: a if a.dtype == np.int32 else a * 0.7),
    ],
)
def test_cellprofiler_features_keep_what_they_declare(crop, name, change):
    pytest.importorskip("cp_measure")
    image, labels = crop[0] / 65_535, crop[1]
    before = measure_cellprofiler(image[None], labels)
    after = measure_cellprofiler(change(image)[None], change(labels))
    known = np.isfinite(before).any(axis=0) & np.isfinite(after).any(axis=0)
    before, after = before[:, known], after[:, known]
    spread = np.nanstd(before, axis=0)
    spread[~(spread > 0)] = 1  # of a number that all cells share
    moved = np.sqrt(np.nanmean((after - before) ** 2, axis=0)) / spread
    table = [f for f, k in zip(cellprofiler_table(["c"]), known, strict=True) if k]
    for feature, moved_by in zip(table, moved, strict=True):
        if name in feature.invariance:
            assert moved_by < 1e-3, feature.name
    # The declarations are not empty, and not lax for want of looking.
    kept = np.array([name in feature.invariance for feature in table])
    assert kept.sum() > 30
    if name != "translation":  # few are not declared and most of them change
        assert (moved[~kept] > 1e-3).mean() > 0.5


def test_pictures_cp_measure_cannot_scale_are_refused(make_movie):
    pytest.importorskip("cp_measure")
    movie = make_movie()
    with pytest.raises(cs._base.errors.MovieError, match=r"from 0 to 1; found float64"):
        cs.pp.features(movie, extra="cellprofiler")
    labels = np.zeros((20, 20), int)
    labels[4:9, 4:9] = 1
    for dtype in (np.int16, np.int32, np.uint32):
        with pytest.raises(ValueError, match="largest value the camera can give"):
            measure_cellprofiler(np.full((1, 20, 20), 7, dtype), labels)
    with pytest.raises(ValueError, match=r"`extra` is None or 'cellprofiler'; found"):
        cs.pp.features(movie, extra="haralick")


def test_specks_gaps_and_empty_frames_of_cp_measure():
    pytest.importorskip("cp_measure")
    p = len(cellprofiler_table(["a", "b"]))
    image = np.random.default_rng(0).random((2, 40, 40))
    labels = np.zeros((40, 40), np.int64)
    assert measure_cellprofiler(image, labels).shape == (0, p)
    labels[3, 3], labels[10:30, 8:25], labels[33:38, 2:30] = 5, 70_000, 9
    image[1, 34, 5] = np.nan
    values = measure_cellprofiler(image, labels)
    names = [feature.name for feature in cellprofiler_table(["a", "b"])]
    assert values.shape == (3, p)
    assert values[:, names.index("cp_Area")].tolist() == [1, 140, 340]
    broken = [name.endswith("_b") for name in names]
    assert np.isnan(values[1, broken]).all()
    assert not np.isinf(values).any()


def test_without_cp_measure_the_message_says_what_to_install(make_movie, monkeypatch):
    monkeypatch.setitem(sys.modules, "cp_measure.bulk", None)
    cellprofiler = sys.modules["cellstate.morphology.cellprofiler"]
    cellprofiler._names.cache_clear()
    with pytest.raises(ImportError, match=r'pip install "cellstate\[features\]"'):
        cs.pp.features(make_movie(), extra="cellprofiler")


def test_streamed_cells_get_the_same_extra_features(make_movie, tmp_path):
    pytest.importorskip("cp_measure")
    plain = make_movie(n_cells=3, n_frames=2)
    images = np.clip(plain.images, 0, 60_000).astype(np.uint16)
    movie = replace(plain, images=images)
    whole = cs.pp.features(movie, extra="cellprofiler")
    parts = cs.pp.stream_features(
        movie, tmp_path / "parts", extra="cellprofiler", scheduler="synchronous"
    )
    assert list(parts.var_names) == list(whole.var_names)
    np.testing.assert_array_equal(parts.X, whole.X)
    with pytest.raises(MovieError, match="features"):
        cs.pp.stream_features(movie, tmp_path / "parts", scheduler="synchronous")
    with pytest.raises(ValueError, match=r"`extra` is None or 'cellprofiler'; found"):
        cs.pp.stream_features(movie, tmp_path / "other", extra="haralick")
