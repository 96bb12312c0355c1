"""Learned coordinates of ellipses whose length and brightness are known."""

import h5py
import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeCV

from cellstate.statespace import (
    Autoencoder,
    EmbeddingDiagnosis,
    averaged_encoding,
    diagnose,
    fit_autoencoder,
)
from cellstate.statespace._learned._objectives import posed_error
from cellstate.tracks import Tracks

HALF = 14
Y, X = np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1].astype(float)


def ellipses(long, angle, lean, level):
    """Crops (n, 1, H, W): area fixed, one end brighter by `lean`."""
    long, angle, lean, level = (np.asarray(v)[:, None, None] for v in
                                (long, angle, lean, level))  # fmt: skip
    u = X * np.cos(angle) + Y * np.sin(angle)
    v = -X * np.sin(angle) + Y * np.cos(angle)
    inside = (u / (7 * long)) ** 2 + (v * long / 7) ** 2 < 1
    return np.float32(inside * level * (1 + lean * u / (7 * long)))[:, None]


def single_cells(n):
    return Tracks.from_arrays(
        track=np.arange(1, n + 1), frame=np.zeros(n, int), time=np.zeros(n)
    )


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(0)
    n = 900
    known = {
        "long": rng.uniform(1, 1.6, n),
        "angle": rng.uniform(0, 2 * np.pi, n),
        "lean": rng.uniform(0, 0.6, n),
        "level": np.exp(0.3 * rng.normal(size=n)) * 20,
    }
    return ellipses(**known), known


@pytest.fixture(scope="module")
def model(cells):
    return fit_autoencoder(
        cells[0], single_cells(900), n_components=6, n_steps=200, rng=0
    )


def test_quarter_turns_and_mirrors_give_the_same_coordinates(cells, model):
    crops = cells[0][:50]
    still = model.transform(crops)
    assert still.std(axis=0).min() > 0.1  # and yet cells differ
    for pose in (
        np.rot90(crops, 1, axes=(2, 3)),
        np.rot90(crops, 2, axes=(2, 3)),
        crops[..., ::-1],
        crops.transpose(0, 1, 3, 2),
    ):
        np.testing.assert_allclose(model.transform(pose), still, atol=2e-3)
    turn = np.full(50, 2 * np.pi * 5 / 24)  # of the grid's own 24 turns
    np.testing.assert_allclose(model.transform(crops, turn), still, atol=2e-3)


def test_coordinates_hold_what_was_varied_and_not_the_angle(cells, model):
    crops, known = cells
    found = model.transform(crops)
    train = np.arange(900) < 600
    for name, least in (("long", 0.95), ("lean", 0.9)):
        fit = RidgeCV(np.logspace(-3, 3, 7)).fit(found[train], known[name][train])
        assert fit.score(found[~train], known[name][~train]) > least, name
    level = np.log(known["level"])
    assert abs(np.corrcoef(found[:, -1], level)[0, 1]) > 0.999
    report = diagnose(
        crops, model.transform, found, single_cells(900), frame_interval=1.0, rng=0
    )
    assert (report.leak["low"] < 0.02).all()
    assert report.orientation_leak < 0.05
    assert report.rotation_error < 0.4
    assert np.isnan(report.vamp2)
    again = EmbeddingDiagnosis.from_dict(report.to_dict())
    assert str(again) == str(report)


def test_an_encoder_that_sees_the_angle_is_caught(cells):
    crops = cells[0]

    def seeing(pictures):
        light = pictures[:, 0]
        total = light.sum(axis=(1, 2))
        return np.stack([(light * f).sum(axis=(1, 2)) / total for f in (X, Y)], axis=1)

    report = diagnose(
        crops, seeing, seeing(crops), single_cells(900), frame_interval=1.0, rng=0
    )
    assert report.leak["r2"][0] > 0.7
    blind = averaged_encoding(crops[:10], seeing)
    np.testing.assert_allclose(blind, 0, atol=1e-5)


def test_vamp2_of_what_lasts_and_of_noise():
    rng = np.random.default_rng(1)
    n_tracks, n_frames = 40, 20
    tracks = Tracks.from_arrays(
        track=np.repeat(np.arange(1, 41), 20),
        frame=np.tile(np.arange(20), 40),
        time=np.tile(np.arange(20.0), 40),
    )
    angle = rng.uniform(0, 2 * np.pi, 800)
    crops = ellipses(np.full(800, 1.3), angle, np.full(800, 0.3), np.full(800, 9.0))
    lasting = np.c_[rng.normal(size=n_tracks).repeat(n_frames), rng.normal(size=800)]
    report = diagnose(
        crops, lambda c: np.zeros((len(c), 2)), lasting, tracks, frame_interval=0.5,
        rng=0,
    )  # fmt: skip
    assert report.vamp2 == pytest.approx(1, abs=0.1)
    assert (report.vamp2_most, report.lag) == (2, 0.5)


def test_the_error_is_least_over_all_poses():
    rng = np.random.default_rng(2)
    made = torch.from_numpy(rng.normal(size=(5, 2, 16, 48)).astype(np.float32))
    turned = made.roll(7, dims=-1).flip(-1)
    np.testing.assert_allclose(posed_error(made, turned), 0, atol=1e-5)
    other = torch.from_numpy(rng.normal(size=(5, 2, 16, 48)).astype(np.float32))
    rings = (np.arange(16) + 0.5) * 2 / 16
    brute = [
        ((made - side.roll(s, dims=-1)) ** 2).numpy()
        for side in (other, other.flip(-1))
        for s in range(48)
    ]
    brute = [(b * rings[:, None]).sum(axis=(1, 2, 3)) / made[0].numel() for b in brute]
    np.testing.assert_allclose(posed_error(made, other), np.min(brute, axis=0), 1e-4)


def test_pictures_are_rebuilt_better_than_by_the_round_cell(cells, model):
    assert model.held_out_loss[-1] < 0.5
    made, seen = model.reconstruct(cells[0][:40])
    assert made.shape == seen.shape == (40, 1, 16, 48)
    left = ((made - seen) ** 2).mean()
    assert left < 0.5 * ((seen.mean(axis=(0, 3), keepdims=True) - seen) ** 2).mean()


def test_seeds_reproduce_and_torch_is_left_as_it_was(cells):
    options = {"n_components": 2, "n_steps": 3, "rng": 5}
    before = torch.get_rng_state()
    one, two = (
        fit_autoencoder(cells[0][:60], single_cells(60), **options) for _ in range(2)
    )
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(one.weights, two.weights)
    again = Autoencoder.from_dict(one.to_dict())
    np.testing.assert_array_equal(
        again.transform(cells[0][:60]), two.transform(cells[0][:60])
    )


def test_crops_in_a_file_and_empty_ones(cells, model, tmp_path):
    crops = cells[0][:30].copy()
    crops[4] = 0
    crops[9] = np.nan
    expected = model.transform(crops)
    np.testing.assert_array_equal(
        np.isnan(expected).all(axis=1), np.isin(np.arange(30), [4, 9])
    )
    with h5py.File(tmp_path / "crops.h5", "w") as file:
        stored = file.create_dataset("crops", data=crops)
        np.testing.assert_array_equal(model.transform(stored), expected)
        short = fit_autoencoder(
            stored, single_cells(30), n_components=2, n_steps=2, rng=0
        )
    assert short.n_train + short.n_held_out == 28


def test_the_decoder_is_told_the_batch(cells):
    crops = cells[0][:200].copy()
    batch = np.arange(200) % 2
    crops[batch == 1, :, HALF - 2 : HALF + 3, HALF - 2 : HALF + 3] *= 3
    model = fit_autoencoder(
        crops, single_cells(200), n_components=2, n_steps=60, batch=batch, rng=0
    )
    plain, _ = model.reconstruct(crops[:20], np.zeros(20, int))
    spotted, _ = model.reconstruct(crops[:20], np.ones(20, int))
    middle = (spotted - plain)[:, 0, :3].mean()
    assert middle > (spotted - plain)[:, 0, 6:].mean() + 0.1


def test_encoders_of_any_kind_plug_in(cells):
    crops = cells[0][:12]
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 5), torch.nn.Flatten())
    codes = averaged_encoding(crops, module)
    turned = averaged_encoding(np.rot90(crops, 1, axes=(2, 3)), module)
    np.testing.assert_allclose(turned, codes, atol=1e-4)
    with pytest.raises(ValueError, match=r"shape \(12, d\); found \(12, 3, 25, 25\)"):
        averaged_encoding(crops, module[0])


def test_refusals(cells):
    crops = cells[0]
    with pytest.raises(ValueError, match="found 10 crops and 12 rows"):
        fit_autoencoder(crops[:10], single_cells(12))
    with pytest.raises(ValueError, match=r"\(n, C, H, W\).*found \(10, 29, 29\)"):
        fit_autoencoder(crops[:10, 0], single_cells(10))
    with pytest.raises(ValueError, match="at least 20 crops with light in them; found"):
        fit_autoencoder(np.zeros_like(crops[:30]), single_cells(30))
    with pytest.raises(ValueError, match="code 0, 1, "):
        fit_autoencoder(crops[:30], single_cells(30), batch=np.zeros(3))
    with pytest.raises(
        ValueError, match="found none among 9: the encoder returned NaN"
    ):
        diagnose(
            crops[:9],
            lambda c: c,
            np.full((9, 2), np.nan),
            single_cells(9),
            frame_interval=1,
        )
