"""Blur, background, noise, texture and dipole, each measured from pixels."""

from dataclasses import replace

import numpy as np
import pytest

from cellstate.datasets._movie._film import play
from cellstate.datasets._movie._look import Individuality, Look
from cellstate.datasets._movie._optics import (
    Optics,
    background,
    blurred,
    exposed,
    margin,
)
from cellstate.datasets._movie._scene import Life, Motion, Scene
from cellstate.datasets._movie._texture import texture
from cellstate.morphology import measure_frame
from cellstate.systems._laws._wells import DoubleWell

ALIKE = Individuality(size=0, shape=0, intensity=0, texture=0, dipole=0)
PLAIN = Look(radius=10.0, harmonics=(), contrast=0.0, dome=0.0, individuality=ALIKE)
CALM = Life(division_rate=0.0, death_rate=0.0)


def film(look=PLAIN, *, n_frames=1, n_cells=8, shape=(192, 192), motion=None, seed=0):
    scene = Scene(
        name="test",
        system=DoubleWell(),
        look=look,
        life=CALM,
        motion=motion or Motion(speed=0.0),
        time_unit=10.0,
    )
    return play(
        scene,
        n_cells=n_cells,
        n_frames=n_frames,
        shape=shape,
        pixel_size=0.5,
        threshold=0.9,
        rng=np.random.default_rng(seed),
    )


def test_width_of_a_point_is_that_of_the_optics():
    optics = Optics(psf=0.9)
    edge = margin(optics, 0.5)
    light = np.zeros((41 + 2 * edge, 41 + 2 * edge))
    light[20 + edge, 20 + edge] = 1.0
    point = blurred(light, optics, 0.5)
    away = (np.arange(41) - 20) * 0.5
    assert point.shape == (41, 41)
    assert point.sum() == pytest.approx(1, abs=1e-3)
    for axis in (0, 1):
        variance = (point.sum(axis=axis) * away**2).sum()
        assert np.sqrt(variance) == pytest.approx(0.9, rel=2e-3)  # cut off at 4 sd


def test_light_just_outside_the_field_is_blurred_into_it():
    optics = Optics(psf=1.0)
    edge = margin(optics, 0.5)
    light = np.zeros((20 + 2 * edge, 20 + 2 * edge))
    light[edge - 1, edge + 10] = 1.0
    assert blurred(light, optics, 0.5)[0, 10] > 0.02
    assert blurred(light, replace(optics, psf=0.0), 0.5) is light


def test_background_is_recovered_from_a_noisy_picture():
    optics = Optics(background=80.0, gradient=(0.3, -0.2), gain=2.0, offset=50.0)
    shape = (200, 160)
    grey = exposed(background(shape, optics), optics, np.random.default_rng(0))
    photons = (grey.astype(float) - 50) / 2
    y, x = (np.linspace(-1, 1, n) for n in shape)
    plane = np.stack(
        [np.ones(shape), np.broadcast_to(x, shape), np.repeat(y[:, None], 160, 1)], -1
    ).reshape(-1, 3)
    found, *_ = np.linalg.lstsq(plane, photons.ravel(), rcond=None)
    spread = np.sqrt((80 + (2.0 / 2) ** 2) / photons.size)
    errors = np.abs(found - [80, 24, -16]) / (spread * np.array([1, 1.73, 1.73]))
    assert errors.max() < 4


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_variance_is_gain_times_signal_and_read_noise(gain):
    optics = Optics(gain=gain, offset=200.0, read_noise=4.0)
    for photons in (0.0, 30.0, 400.0):
        grey = exposed(np.full((300, 300), photons), optics, np.random.default_rng(1))
        n = grey.size
        expected = gain * (gain * photons) + 16 + 1 / 12
        assert grey.mean() == pytest.approx(
            200 + gain * photons, abs=4 * np.sqrt(expected / n)
        )
        # Near-Gaussian: the variance has a relative error of sqrt(2 / n).
        assert grey.var() == pytest.approx(expected, rel=4 * np.sqrt(2 / n) + 2e-3)


def test_pixels_saturate_instead_of_running_over():
    grey = exposed(np.full((4, 4), 1e6), Optics(), np.random.default_rng(0))
    assert (grey == 65535).all()


@pytest.mark.parametrize("length", [1.2, 3.0])
def test_texture_has_the_correlation_length_it_was_given(length):
    x = np.arange(60) * 0.4
    lags = np.arange(1, 9)
    sums = np.zeros(lags.size)
    for seed in range(30):
        grains = texture(5.0, np.random.default_rng(seed))
        pattern = grains.draw(x, x, length, 0.7, 2.0)
        assert abs(pattern.std() - 1) < 0.6
        for i, lag in enumerate(lags):
            sums[i] += (pattern[:, lag:] * pattern[:, :-lag]).mean() / 2
            sums[i] += (pattern[lag:] * pattern[:-lag]).mean() / 2
    near = np.exp(-((lags * 0.4) ** 2) / (2 * length**2))
    np.testing.assert_allclose(sums / 30, near, atol=0.08)


def test_texture_turns_with_its_cell_and_fades_in_time():
    grains = texture(4.0, np.random.default_rng(0))
    x = np.linspace(-8, 8, 33)
    upright = grains.draw(x, x, 2.0, 0.0, 0.0)
    quarter = grains.draw(x, x, 2.0, np.pi / 2, 0.0)
    # A quarter turn from x towards y takes (x, y) to (-y, x).
    np.testing.assert_allclose(quarter, np.rot90(upright, -1), atol=1e-9)
    later = [
        np.mean(
            [
                np.corrcoef(
                    t.draw(x, x, 2.0, 0.0, 0.0).ravel(),
                    t.draw(x, x, 2.0, 0.0, time).ravel(),
                )[0, 1]
                for t in (texture(4.0, np.random.default_rng(s)) for s in range(20))
            ]
        )
        for time in (1.0, 4.0)
    ]
    np.testing.assert_allclose(later, np.exp([-1 / 32, -1 / 2]), atol=0.06)


def test_texture_length_in_pixels_follows_the_look():
    """The same cells, grained differently: correlation one pixel on, inside masks."""
    found = {}
    for length in (1.0, 3.0):
        shown = film(replace(PLAIN, contrast=0.3, texture_length=length), n_cells=10)
        light, owner = shown.cast.light_in(0), shown.cast.owners(0)
        edge = margin(shown.cast.optics, 0.5)
        light = light[edge:-edge, edge:-edge] / light[light > 0].mean()
        both = (owner[:, 2:] > 0) & (owner[:, 2:] == owner[:, :-2])
        both &= (light[:, 2:] > 0) & (light[:, :-2] > 0)
        step = (light[:, 2:] - light[:, :-2])[both]
        found[length] = np.median(np.abs(step)) / 0.6745
    # 2 px are 1 um: the increments have variance 2 c^2 (1 - exp(-1 / (2 l^2))).
    for length, spread in found.items():
        expected = 0.3 * np.sqrt(2 * (1 - np.exp(-1 / (2 * length**2))))
        assert spread == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("strength", [0.0, 0.3, -0.6])
def test_dipole_is_recovered_from_pixels(strength):
    shown = film(replace(PLAIN, dipole=strength), n_cells=12)
    cast = shown.cast
    edge = margin(cast.optics, 0.5)
    light = cast.light_in(0)[edge:-edge, edge:-edge]
    cells = measure_frame(
        light[None],
        cast.owners(0),
        pixel_size=0.5,
        channels=["light"],
        background=[0.0],
    )
    columns = dict(zip(cells.names, cells.values.T, strict=True))
    whole = ~cells.touches_border
    assert whole.sum() >= 5
    size = 2 * columns["a1_light"][whole]
    np.testing.assert_allclose(size, abs(strength), atol=0.02)
    if strength:
        axis = cast.axis[cast.rows[0][cells.label - 1]][whole]
        turn = columns["a1_phase_light"][whole] - axis - np.pi * (strength < 0)
        assert np.abs(np.angle(np.exp(1j * turn))).max() < 0.05


def test_light_of_a_cell_is_her_brightness_times_her_area():
    look = replace(PLAIN, intensity=1.5, contrast=0.4, dome=0.6, dipole=0.5)
    shown = film(look, n_cells=1, shape=(128, 128), seed=3)
    cast, (row, *_) = shown.cast, shown.cast.rows[0]
    edge = margin(cast.optics, 0.5)
    others = cast.light_in(0)
    inside = np.abs(np.array([cast.x[row], cast.y[row]]) - 63.5).max() < 40
    assert inside, "the one founder of the field lies well inside"
    y, x = np.mgrid[: others.shape[0], : others.shape[1]]
    near = np.hypot(x - cast.x[row] - edge, y - cast.y[row] - edge) < 27
    area = shown.shown.area[row] / 0.25
    assert others[near].sum() == pytest.approx(1.5 * area, rel=1e-9)


def test_field_drift_is_recovered_by_registration():
    from skimage.registration import phase_cross_correlation

    motion = Motion(speed=0.0, turning=0.0, drift=(4.0, -2.0), jitter=0.2)
    look = replace(PLAIN, contrast=0.3, memory=1e6)
    shown = film(look, n_frames=6, n_cells=10, motion=motion, seed=2)
    frames = [shown.cast.photons(t) for t in range(6)]
    window = np.hanning(192)[:, None] * np.hanning(192)
    found = np.array(
        [
            phase_cross_correlation(
                (a - a.mean()) * window,
                (b - b.mean()) * window,
                upsample_factor=50,
                normalization=None,
            )[0][::-1]
            for a, b in zip(frames[1:], frames[:-1], strict=True)
        ]
    )
    np.testing.assert_allclose(
        found * 0.5, np.diff(shown.ways.shift, axis=0), atol=0.05
    )
