"""Growth, division, death, motion, and what of it can be followed on the screen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate.datasets._movie import (
    Affine,
    Individuality,
    Life,
    Look,
    Motion,
    Optics,
    Scene,
    simulate_movie,
)
from cellstate.datasets._movie._film import play
from cellstate.systems._laws._wells import DoubleWell

LAW = DoubleWell(D=1 / 3)
# The state shows in everything, so that nothing is conserved by chance.
LOOK = Look(
    radius=Affine(offset=7.5, slopes=(1.0,), low=6.0, high=9.0),
    harmonics=(Affine(offset=0.1, slopes=(0.05,), low=0.0, high=0.2), 0.03),
    intensity=Affine(offset=1.0, slopes=(0.3,), low=0.4, high=1.6),
)
SCENE = Scene(
    name="test",
    system=LAW,
    time_unit=30.0,
    look=LOOK,
    life=Life(
        division_rate=1 / 5,
        death_rate=1 / 60,
        sister_asymmetry=0.4,
        split=0.42,
        split_spread=0.04,
    ),
)


@pytest.fixture(scope="module")
def film():
    with cs.settings.override(progress=False):
        return simulate_movie(SCENE, n_cells=14, n_frames=32, shape=(288, 256), rng=0)


def divisions(truth):
    """Rows of mothers in their last frame and of both daughters in their first."""
    cells = truth.cells.set_index(["frame", "truth_track"], drop=False)
    cells.index.names = [None, None]
    born = cells[cells["truth_parent_track"] > 0]
    first = born.groupby("truth_track")["frame"].min()
    rows = []
    for mother, family in born.groupby("truth_parent_track"):
        pair = family["truth_track"].unique()
        frame = int(first[pair].min())
        trio = [(frame - 1, mother), *((frame, t) for t in pair)]
        if len(trio) == 3 and all(place in cells.index for place in trio):
            rows.append([cells.loc[place] for place in trio])
    return rows


def test_area_and_light_are_conserved_at_division(film):
    found = divisions(film.truth)
    assert len(found) >= 10
    shares = []
    for mother, first, second in found:
        # Growth between the two frames is told by the cycle; nothing else changes.
        at_birth = [d["body"] - d["cycle"] for d in (first, second)]
        at_division = mother["body"] + 1 - mother["cycle"]
        assert sum(at_birth) == pytest.approx(at_division, rel=1e-9)
        light = first["light"] + second["light"]
        grown = sum(d["body"] for d in (first, second)) / mother["body"]
        assert light == pytest.approx(mother["light"] * grown, rel=1e-9)
        shares.append(min(at_birth) / at_division)
        if any(row["dying"] for row in (mother, first, second)):
            continue  # who dies at once is born shrinking, with all her light
        size = mother["area"] / mother["body"]
        for daughter in (first, second):
            assert daughter["area"] / daughter["body"] == pytest.approx(size, rel=1e-9)
            assert daughter["intensity"] == pytest.approx(mother["intensity"], rel=1e-9)
    # min(s, 1 - s) of shares with mean 0.42 and standard deviation 0.04.
    assert np.mean(shares) == pytest.approx(0.42, abs=4 * 0.04 / np.sqrt(len(shares)))


def test_masks_hold_the_true_areas(film):
    cells = film.truth.cells
    whole = cells[cells["whole"]]
    ratio = whole["pixels"] * 0.65**2 / whole["area"]
    assert len(whole) > 300
    # Pixel centres inside a contour: unbiased, a few pixels off; neighbours take
    # hardly anything.
    assert ratio.mean() == pytest.approx(1, abs=2e-3)
    assert ratio.min() > 0.95
    drawn = np.concatenate(
        [
            np.bincount(film.movie.labels(t).ravel())[1:][group["label"].to_numpy() - 1]
            for t, group in cells.groupby("frame")
        ]
    )
    np.testing.assert_array_equal(drawn, cells["pixels"])


def test_masks_lie_where_the_truth_says(film):
    for frame in (0, 20):
        cells = film.truth.cells.query("frame == @frame and whole")
        y, x = np.mgrid[:288, :256]
        labels = film.movie.labels(frame)
        for row in cells.itertuples():
            mask = labels == row.label
            centre = np.array([x[mask].mean(), y[mask].mean()]) * 0.65
            assert np.hypot(*(centre - [row.x, row.y])) < 0.2


def test_area_doubles_over_a_cycle_and_sizes_stay(film):
    cells = film.truth.cells
    start = cells["body"] - cells["cycle"]
    per_cell = start.groupby(cells["truth_track"]).agg(["min", "max"])
    np.testing.assert_allclose(per_cell["min"], per_cell["max"])
    # Born with 1 and growing by 1 is doubling; unequal sisters scatter around it.
    assert start.mean() == pytest.approx(1, abs=0.1)
    assert start.between(0.5, 1.6).all()


def test_dying_cells_shrink_round_up_and_keep_their_light(film):
    tracks, cells = film.truth.tracks, film.truth.cells
    dead = tracks.loc[tracks["ending"] == "death"]
    assert len(dead) >= 3
    for row in dead.itertuples():
        one = cells[cells["label"] == row.track]
        last = one.iloc[-1]
        assert last["frame"] == row.last_frame
        assert last["dying"] == 1
        waves = last[[f"a_{k}" for k in range(1, 7)]].astype(float)
        np.testing.assert_allclose(waves, 0, atol=1e-12)
        assert (np.diff(one["dying"]) >= 0).all()
        if len(one) > 8:
            before = one.iloc[-8]
            assert last["intensity"] > 1.5 * before["intensity"]
            assert last["area"] < 0.7 * before["area"]
    assert (cells.loc[~cells["label"].isin(dead["track"]), "dying"] == 0).sum() > 0


def test_lineage_is_what_can_be_seen(film):
    """Masks alone, followed by the true number of each label, give the same links."""
    cells, movie = film.truth.cells, film.movie
    seen = pd.concat(
        [
            pd.DataFrame({"frame": t, "label": np.unique(movie.labels(t))[1:]})
            for t in range(movie.n_frames)
        ],
        ignore_index=True,
    )
    pd.testing.assert_frame_equal(
        seen.astype(int), cells[["frame", "label"]].astype(int)
    )
    pd.testing.assert_frame_equal(
        movie.lineage[["frame", "label"]], cells[["frame", "label"]]
    )
    true = cells.groupby("label")["truth_track"].nunique()
    assert (true == 1).all()
    for label, one in cells.groupby("label"):
        frames = one["frame"].to_numpy()
        assert (np.diff(frames) == 1).all()
        row = film.truth.tracks.set_index("track").loc[label]
        assert (row["first_frame"], row["last_frame"]) == (frames[0], frames[-1])
        before = cells[cells["frame"] == frames[0] - 1].set_index("truth_track")
        own, mother = one["truth_track"].iloc[0], one["truth_parent_track"].iloc[0]
        assert own not in before.index
        # A link needs the mother in the frame before, and that the cell is newborn.
        expected = before["label"].get(mother, -1)
        if expected > 0:
            returned = cells[
                (cells["truth_track"] == own) & (cells["frame"] < frames[0])
            ]
            assert returned.empty
        assert row["parent_track"] == expected


def test_endings_tell_what_happened(film):
    cells, tracks = film.truth.cells, film.truth.tracks
    last = film.movie.n_frames - 1
    assert (
        (tracks["ending"] == "end_of_movie") == (tracks["last_frame"] == last)
    ).all()
    assert {"division", "death", "left"} <= set(tracks["ending"])
    for row in tracks[tracks["ending"] == "division"].itertuples():
        after = cells[cells["frame"] == row.last_frame + 1]
        daughters = after[after["truth_parent_track"] == row.true_track]
        assert len(daughters) <= 2
    for row in tracks[tracks["ending"] == "left"].itertuples():
        shown = cells[
            (cells["label"] == row.track) & (cells["frame"] == row.last_frame)
        ]
        assert not shown["whole"].item()


def test_a_cell_that_comes_back_is_a_new_track_without_mother():
    scene = replace(
        SCENE,
        life=Life(division_rate=0.0, death_rate=0.0),
        motion=Motion(speed=60.0, persistence=0.5),
    )
    film = simulate_movie(scene, n_cells=4, n_frames=60, shape=(96, 96), rng=1)
    tracks = film.truth.tracks
    again = tracks[tracks.duplicated("true_track")]
    assert len(again) >= 5
    assert (again["parent_track"] == -1).all()
    assert tracks["track"].is_unique


def test_walks_have_the_speed_and_persistence_they_were_given():
    """One lonely cell: displacement of a persistent random walk (Fuerth's formula)."""
    motion = Motion(speed=8.0, persistence=2.0, margin=30.0)
    scene = replace(SCENE, life=Life(division_rate=0.0, death_rate=0.0), motion=motion)
    squares, lags = [], np.array([1, 4, 12])
    for seed in range(60):
        way = play(
            scene,
            n_cells=1,
            n_frames=40,
            shape=(1024, 1024),
            pixel_size=0.65,
            threshold=0.9,
            rng=np.random.default_rng(seed),
        )
        at = way.ways.center[way.cast.track == 1]
        arena = 1024 * 0.65 + 60
        step = np.diff(at, axis=0)
        step -= arena * np.rint(step / arena)
        at = np.concatenate([[[0, 0]], np.cumsum(step, axis=0)])
        squares.append([((at[k:] - at[:-k]) ** 2).sum(axis=1).mean() for k in lags])
    t, tau = lags * scene.frame_interval, 2.0
    expected = 4 * 8.0**2 * tau * (t - tau * (1 - np.exp(-t / tau)))
    error = np.std(squares, axis=0) / np.sqrt(60)
    # Trapezoids between frames miss a share of (dt / tau)^2 / 12.
    assert (
        np.abs(np.mean(squares, axis=0) - expected) < 4 * error + 0.01 * expected
    ).all()


def test_individuality_has_the_spread_it_was_given():
    own = Individuality(size=0.1, shape=0.0, intensity=0.3, texture=0.2, dipole=0.05)
    look = Look(radius=8.0, harmonics=(), individuality=own)
    scene = replace(SCENE, look=look, life=Life(division_rate=0.0, death_rate=0.0))
    shown = play(
        scene,
        n_cells=400,
        n_frames=2,
        shape=(2000, 2000),
        pixel_size=0.65,
        threshold=0.9,
        rng=np.random.default_rng(0),
    ).shown
    n = 400
    for values, spread in (
        (np.log(shown.radius), 0.1),
        (np.log(shown.intensity), 0.3),
        (np.log(shown.texture_length), 0.2),
        (shown.dipole, 0.05),
    ):
        assert values[::2].std() == pytest.approx(spread, rel=4 / np.sqrt(2 * n))


def test_crowds_are_refused_with_numbers():
    message = r"up to 75% of the field; found \d+% in frame \d"
    with pytest.raises(ValueError, match=message):
        simulate_movie(SCENE, n_cells=200, n_frames=2, shape=(128, 128), rng=0)


def test_a_margin_too_narrow_for_a_cell_is_refused():
    scene = replace(SCENE, motion=Motion(margin=6.0))
    with pytest.raises(ValueError, match=r"found 6 um. Use Motion\(margin=\d+\)"):
        simulate_movie(scene, n_cells=2, n_frames=2, shape=(64, 64), rng=0)


def test_what_is_dark_is_still_there():
    """Photons and background do not touch what is true."""
    kept = {"n_cells": 3, "n_frames": 3, "shape": (96, 96), "rng": 5}
    bright = simulate_movie(SCENE, **kept)
    dim = simulate_movie(SCENE, optics=Optics(photons=1.0, psf=0.0), **kept)
    np.testing.assert_array_equal(bright.movie.masks, dim.movie.masks)
    same = bright.truth.cells.drop(columns=["light", "intensity"])
    pd.testing.assert_frame_equal(
        same, dim.truth.cells.drop(columns=["light", "intensity"])
    )
