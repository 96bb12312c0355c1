"""Embeddings on AnnData: what is written, read back, reused and refused."""

import anndata as ad
import numpy as np
import pytest

import cellstate as cs
from cellstate._base.errors import MovieError
from cellstate.statespace import fit_vamp
from cellstate.tl._embed import METHODS


@pytest.fixture(scope="module")
def nuclei():
    """The shipped crop of the HeLa movie, with crops of its nuclei."""
    with cs.settings.override(progress=False):
        movie = cs.datasets.hela_h2b()
        adata = cs.pp.features(movie)
        cs.pp.normalize(adata)
        cs.tl.embed(adata, n_components=6)
        cs.pp.crops(adata, movie)
    return adata


def known(adata):
    return np.isfinite(adata.obsm["X_pca"]).all(axis=1)


@pytest.mark.parametrize("method", ["tica", "vamp"])
def test_slow_modes_equal_those_of_the_arrays(nuclei, method):
    adata = nuclei.copy()
    modes = cs.tl.embed(adata, method=method, lag=1.0, n_components=3)
    assert (modes.lag, modes.method) == (1.0, method)
    x = adata.obsm[f"X_{method}"]
    np.testing.assert_array_equal(adata.obsm["X_state"], x)
    np.testing.assert_array_equal(x, modes.transform(adata.obsm["X_pca"]))
    stored = cs.get.slow_modes(adata, f"embed_{method}")
    np.testing.assert_array_equal(stored.values, modes.values)
    if method == "vamp":
        tracks = cs._adata._extract.tracks(adata)
        plain = fit_vamp(adata.obsm["X_pca"], tracks, lag_frames=2, frame_interval=0.5)
        np.testing.assert_allclose(modes.values, plain.values[:3], rtol=1e-10)


def test_every_method_survives_a_file_and_places_other_cells(nuclei, tmp_path):
    adata = nuclei.copy()
    shaped = np.random.default_rng(0).normal(size=(adata.n_obs, 1, 16, 2))
    angle = 2 * np.pi * np.arange(16) / 16
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    adata.obsm["X_contour"] = (circle + 0.05 * shaped).reshape(adata.n_obs, 32)
    options = {
        "pca": {},
        "contour": {"n_components": 3},
        "tica": {},
        "vamp": {},
        "diffmap": {"n_components": 2, "rng": 0},
        "autoencoder": {"n_components": 2, "n_steps": 2, "rng": 0},
    }
    fitted = {k: cs.tl.embed(adata, method=k, **v) for k, v in options.items()}
    adata.write_h5ad(tmp_path / "cells.h5ad")
    back = ad.read_h5ad(tmp_path / "cells.h5ad")
    readers = {
        "pca": cs.get.projection,
        "contour": cs.get.shape_modes,
        "tica": lambda a: cs.get.slow_modes(a, "embed_tica"),
        "vamp": cs.get.slow_modes,
        "diffmap": cs.get.diffusion_map,
        "autoencoder": cs.get.autoencoder,
    }
    half = back[: back.n_obs // 2].copy()
    for method, reader in readers.items():
        assert type(reader(back)) is type(fitted[method])
        cs.tl.embed(half, method=method, projection=reader(back))
        np.testing.assert_allclose(
            half.obsm["X_state"],
            adata[half.obs_names].obsm[
                {"pca": "X_pca", "contour": "X_shape", "autoencoder": "X_learned"}.get(
                    method, f"X_{method}"
                )
            ],
            atol=1e-5,
        )
    assert cs.get.embedding_diagnosis(back).vamp2_most == 4


def test_a_subset_that_is_fitted_on_makes_the_same_modes(nuclei):
    adata = nuclei.copy()
    rows = (adata.obs["track"] % 2 == 0).to_numpy()
    masked = cs.tl.embed(adata, method="vamp", fit_on=rows, n_components=2)
    alone = cs.tl.embed(adata[rows].copy(), method="vamp", n_components=2)
    np.testing.assert_allclose(masked.values, alone.values, rtol=1e-10)


def test_the_state_space_is_chosen_stored_and_explained(nuclei):
    adata = nuclei.copy()
    found = cs.tl.state_space(adata, lags=[0.5, 1.0], rng=0)
    assert adata.obsm["X_state"].shape == (adata.n_obs, found.n_components)
    assert cs.get.state_space(adata).reason == str(found)
    assert set(found.scores["lag"]) == {0.5, 1.0}
    by_default = cs.tl.state_space(adata, rng=0)
    longest = adata.obs["frame"].max()
    assert by_default.timescales["lag"].iloc[-1] <= 0.25 * longest * 0.5 + 0.5


def test_crops_hold_the_light_of_their_own_cell_only(nuclei):
    movie = cs.datasets.hela_h2b()
    adata = nuclei.copy()
    crops = adata.obsm["single_cell_images"]
    assert (adata.obs["crop_inside"] > 0.9).all()
    row = 7
    frame, label = (int(adata.obs[k].iloc[row]) for k in ("frame", "label"))
    image, masks = movie.image(frame)[0].astype(float), movie.labels(frame)
    light = image[masks == label] - np.median(image[masks == 0])
    assert crops[row].sum() == pytest.approx(light.sum(), rel=1e-3)
    assert (crops[row] != 0).sum() <= (masks == label).sum()
    whole = adata.obs["crop_inside"].to_numpy() == 1
    total = np.asarray(adata[:, "integrated_intensity_H2B"].X).ravel()
    np.testing.assert_allclose(crops[whole].sum((1, 2, 3)), total[whole], rtol=2e-2)


def test_cells_that_are_not_linked_are_embedded_without_time(nuclei):
    shot = nuclei[nuclei.obs["frame"] == 3].copy()
    shot.obs["track"], shot.obs["parent_track"] = np.arange(shot.n_obs), -1
    options = {"method": "autoencoder", "n_components": 2, "n_steps": 2, "rng": 0}
    assert 20 < shot.n_obs < 100
    cs.tl.embed(shot, **options)
    assert np.isnan(cs.get.embedding_diagnosis(shot).orientation_leak)
    alike = nuclei.copy()
    alike.obs["track"], alike.obs["parent_track"] = np.arange(alike.n_obs), -1
    cs.tl.embed(alike, **options)
    report = cs.get.embedding_diagnosis(alike)
    assert np.isnan(report.vamp2)
    assert np.isnan(report.lag)


def test_an_encoder_that_says_nothing_is_no_error(nuclei):
    adata = nuclei.copy()
    report = cs.tl.embed(
        adata, method="encoder", rng=0, encoder=lambda crops: np.ones((len(crops), 2))
    )
    assert np.isnan(report.vamp2)
    assert report.orientation_leak == 0


def test_your_own_encoder_is_averaged_and_judged(nuclei):
    adata = nuclei.copy()
    report = cs.tl.embed(
        adata,
        method="encoder",
        rng=0,
        encoder=lambda c: c[:, 0].std(axis=(1, 2))[:, None],
    )
    assert report.orientation_leak < 0.05
    assert adata.obsm["X_learned"].shape == (adata.n_obs, 1)
    assert cs.get.embedding_diagnosis(adata, "embed_encoder").lag == 0.5


def test_refusals_name_what_to_do(nuclei):
    adata = nuclei.copy()
    with pytest.raises(TypeError, match=r"method='pca'\) takes .*found \['lag'\]"):
        cs.tl.embed(adata, lag=1.0)
    with pytest.raises(ValueError, match=r"`lag`=0\.7 h is not a whole number"):
        cs.tl.embed(adata, method="vamp", lag=0.7)
    with pytest.raises(ValueError, match="`lag`=500 h is longer than every track"):
        cs.tl.embed(adata, method="tica", lag=500)
    with pytest.raises(KeyError, match="X_nothing"):
        cs.tl.embed(adata, method="diffmap", basis="X_nothing")
    with pytest.raises(ValueError, match="`lag` must be a number of hours; found '1h'"):
        cs.tl.embed(adata, method="vamp", lag="1h")
    with pytest.raises(ValueError, match="`lags` needs at least one lag in h"):
        cs.tl.state_space(adata, lags=[])
    for method in ("vamp", "autoencoder"):
        with pytest.raises(TypeError, match="for other cells; found Projection"):
            cs.tl.embed(adata, method=method, projection=cs.get.projection(adata))
    del adata.obsm["single_cell_images"]
    with pytest.raises(KeyError, match=r"Run cs\.pp\.crops\(adata, movies\)"):
        cs.tl.embed(adata, method="autoencoder")
    adata.obsm["X_contour"] = np.ones((adata.n_obs, 33))
    with pytest.raises(ValueError, match="found 33 columns, an odd number"):
        cs.tl.embed(adata, method="contour")
    assert len(METHODS) == 7


def test_crops_are_refused_with_other_movies_or_too_large(nuclei):
    movie = cs.datasets.hela_h2b()
    adata = nuclei.copy()
    with pytest.raises(MemoryError, match=r"take .* GB; at most 8 GB"):
        cs.pp.crops(adata, movie, size=100_000)
    adata.obs["label"] += 10_000
    with pytest.raises(MovieError, match=r"lacks \d+ of \d+"):
        cs.pp.crops(adata, movie, size=16)
    adata.obs["movie"] = "other"
    with pytest.raises(MovieError, match="'other' need that movie"):
        cs.pp.crops(adata, movie, size=16)
