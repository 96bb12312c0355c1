"""Whole movies: seeds, files, presets, truth joined with measurements, bad input."""

import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

import cellstate as cs
from cellstate.datasets._cells._grow import grow
from cellstate.datasets._cells._truth import true_cells
from cellstate.datasets._movie import (
    PRESETS,
    Affine,
    Life,
    Look,
    Motion,
    Optics,
    Scene,
    attach_truth,
    read_simulated,
    scene,
    simulate_movie,
)
from cellstate.datasets._movie._film import play
from cellstate.systems._laws._wells import DoubleWell

SMALL = {"n_cells": 5, "n_frames": 8, "shape": (112, 96), "rng": 4}


def equal_stacks(one, other):
    for frame in range(one.n_frames):
        np.testing.assert_array_equal(one.image(frame), other.image(frame))
        np.testing.assert_array_equal(one.labels(frame), other.labels(frame))
    pd.testing.assert_frame_equal(one.lineage, other.lineage)


def equal_truth(one, other):
    for name in ("cells", "tracks"):
        pd.testing.assert_frame_equal(
            getattr(one, name), getattr(other, name), check_dtype=False
        )
    pd.testing.assert_frame_equal(one.law.events, other.law.events, check_dtype=False)
    np.testing.assert_array_equal(one.shift, other.shift)
    assert one.law.parameters == other.law.parameters
    assert one.law.k_ab == other.law.k_ab or np.isnan(one.law.k_ab)


@pytest.fixture(scope="module")
def film():
    with cs.settings.override(progress=False):
        return simulate_movie(**SMALL)


def test_same_seed_same_bytes_other_seed_other(film):
    again = simulate_movie(**SMALL)
    equal_stacks(film.movie, again.movie)
    equal_truth(film.truth, again.truth)
    other = simulate_movie(**{**SMALL, "rng": 5})
    assert (other.movie.images != film.movie.images).any()


def test_no_global_randomness_is_used_or_left():
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the trace looked for
    simulate_movie(**SMALL)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_frames_may_be_drawn_in_any_order():
    cast = play(
        scene("differentiation"),
        n_cells=3,
        n_frames=4,
        shape=(64, 64),
        pixel_size=0.65,
        threshold=0.9,
        rng=np.random.default_rng(0),
    ).cast
    forward = [cast.image(t) for t in range(4)]
    for t in (3, 0, 2):
        np.testing.assert_array_equal(cast.image(t), forward[t])


@pytest.mark.parametrize("preset", ["differentiation", "symmetry_breaking"])
def test_on_disk_in_memory_written_and_read_are_the_same(preset, tmp_path):
    kept = simulate_movie(preset, **SMALL)
    streamed = simulate_movie(preset, path=tmp_path / "streamed", **SMALL)
    kept.write(tmp_path / "written")
    assert not isinstance(streamed.movie.images, np.ndarray)
    equal_stacks(kept.movie, streamed.movie)
    for name in ("images.tif", "masks.tif", "man_track.txt", "truth.h5"):
        files = [(tmp_path / folder / name) for folder in ("streamed", "written")]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    back = read_simulated(tmp_path / "written")
    equal_stacks(kept.movie, back.movie)
    equal_truth(kept.truth, back.truth)
    assert {p.name for p in tmp_path.iterdir()} == {"streamed", "written"}


def test_the_movie_alone_is_read_by_its_tracks(film, tmp_path):
    folder = film.write(tmp_path / "film")
    movie = cs.io.read_movie(
        folder / "images.tif",
        folder / "masks.tif",
        tracks=folder / "man_track.txt",
        pixel_size=0.65,
        frame_interval=0.25,
        name="differentiation",
    )
    found = movie.lineage.sort_values(["frame", "label"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, film.movie.lineage)


def test_nothing_is_overwritten_and_nothing_left_half(film, tmp_path, monkeypatch):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="must be new or an empty folder"):
        film.write(tmp_path)
    with pytest.raises(FileExistsError, match="must be new or an empty folder"):
        simulate_movie(path=tmp_path, **SMALL)

    def fails(*_):
        raise RuntimeError("disk full")

    monkeypatch.setattr("cellstate.datasets._movie._simulate.write_tables", fails)
    with pytest.raises(RuntimeError, match="disk full"):
        simulate_movie(path=tmp_path / "half", **SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["note.txt"]


def test_missing_and_damaged_folders_say_so(film, tmp_path):
    with pytest.raises(FileNotFoundError, match="no simulated movie"):
        read_simulated(tmp_path / "nowhere")
    folder = film.write(tmp_path / "film")
    (folder / "truth.h5").write_bytes((folder / "truth.h5").read_bytes()[:500])
    with pytest.raises(OSError, match=r"holds no whole truth \(500 bytes\)"):
        read_simulated(folder)
    (folder / "truth.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"\['truth.h5'\] missing"):
        read_simulated(folder)


def test_truth_is_joined_with_measured_cells_however_linked(film):
    cells = cs.pp.features(film.movie)
    attach_truth(cells, film)
    cs.validate(cells)
    truth = film.truth.cells.set_index(["frame", "label"])
    rows = truth.loc[pd.MultiIndex.from_frame(cells.obs[["frame", "label"]])]
    np.testing.assert_array_equal(
        cells.obsm["truth_state"], rows[["state_x", "state_y"]].to_numpy()
    )
    np.testing.assert_array_equal(cells.obs["truth_committor"], rows["truth_committor"])
    law = scene("differentiation").system
    expected = law.drift(cells.obsm["truth_state"]) / 3.0
    np.testing.assert_allclose(cells.obsm["truth_drift"], expected)
    assert cs.get.truth(cells).time_unit == 3.0
    whole = rows["whole"].to_numpy()
    np.testing.assert_allclose(
        cells.obsm["spatial"][whole], rows[["x", "y"]].to_numpy()[whole], atol=0.25
    )
    relinked = cs.pp.features(cs.pp.track(film.movie))
    attach_truth(relinked, film)
    np.testing.assert_array_equal(
        relinked.obs["truth_track"].to_numpy(), cells.obs["truth_track"].to_numpy()
    )


def test_truth_survives_a_file_and_subsetting(film, tmp_path):
    cells = cs.pp.features(film.movie)
    attach_truth(cells, film)
    cs.io.write(cells, tmp_path / "cells.h5ad")
    back = cs.io.read(tmp_path / "cells.h5ad")[3:9].copy()
    np.testing.assert_array_equal(
        back.obsm["truth_state"], cells.obsm["truth_state"][3:9]
    )
    assert cs.get.truth(back).k_ab == film.truth.law.k_ab


def test_truth_of_several_movies_and_of_strangers(film):
    second = simulate_movie(**{**SMALL, "rng": 9}, name="second")
    stranger = replace(film.movie, name="stranger")
    cells = cs.pp.features([film.movie, second.movie, stranger])
    attach_truth(cells, [film, second])
    unknown = (cells.obs["movie"] == "stranger").to_numpy()
    assert (cells.obs.loc[unknown, "truth_track"] == -1).all()
    assert cells.obs.loc[unknown, "truth_committor"].isna().all()
    assert np.isfinite(cells.obsm["truth_state"][~unknown]).all()
    assert set(cs.get.truth(cells).events["movie"]) == {"differentiation", "second"}
    with pytest.raises(ValueError, match=r"no cell is of the simulated movies"):
        attach_truth(cs.pp.features(stranger), film)
    other = simulate_movie("symmetry_breaking", **SMALL)
    with pytest.raises(ValueError, match="follow one law; found 2 among 2 movies"):
        attach_truth(cells, [film, other])


def test_hidden_states_can_be_read_off_the_measurements():
    """A linear fit to size, brightness, shape and polarity finds the progress y."""
    film = simulate_movie(n_cells=16, n_frames=60, shape=(256, 256), rng=1)
    cells = cs.pp.features(film.movie)
    attach_truth(cells, film)
    inside = ~cells.obs["touches_border"].to_numpy()
    names = ["area", "mean_intensity_intensity", "boundary_a2", "a1_intensity"]
    x = np.log(np.asarray(cells[:, names].X)[inside] + 1e-3)
    x = np.column_stack([np.ones(len(x)), x])
    y = cells.obsm["truth_state"][inside, 1]
    fit = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert np.corrcoef(fit, y)[0, 1] > 0.5


# Presets


def preset_population(name, n_cells, substeps=26, rng=0):
    """The cells of a preset, in coarser steps than a movie takes."""
    made, rng = scene(name), np.random.default_rng(rng)
    held = np.full(n_cells, bool(made.control))
    return grow(
        made.system,
        n_cells=n_cells,
        n_frames=60,
        frame_interval=made.frame_interval,
        time_unit=made.time_unit,
        start=made.founders(held, rng),
        division_rate=made.life.division_rate,
        death_rate=made.life.death_rate,
        cycle_stages=made.life.cycle_stages,
        sister_asymmetry=made.life.sister_asymmetry,
        control=held,
        substeps=substeps,
        rng=rng,
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nothing_happens_in_the_null_movie(seed):
    true = true_cells(preset_population("null", 60, rng=seed))
    assert set(true.events["event"]) <= {"none", "undecided"}
    assert true.rows["truth_committor"].max() <= 0.5
    assert set(true.condition) == {"control"}
    assert true.events["commitment_time"].isna().all()


def test_null_and_differentiation_look_alike_at_first():
    films = [simulate_movie(p, **SMALL) for p in ("null", "differentiation")]
    means = [f.movie.images[0].mean() for f in films]
    assert means[0] == pytest.approx(means[1], rel=0.15)
    assert films[0].truth.law.k_ab == films[1].truth.law.k_ab


def test_controls_and_treated_cells_share_a_movie():
    film = simulate_movie(control=0.5, **{**SMALL, "n_cells": 8})
    shown = film.truth.cells.groupby("condition")["truth_committor"].max()
    assert shown["control"] <= 0.5
    assert set(shown.index) == {"control", "treated"}


def test_a_culture_needs_sets():
    with pytest.raises(ValueError, match="'culture' needs a source and a target"):
        simulate_movie("symmetry_breaking", start="culture", **SMALL)


def test_one_in_about_200_cells_commits_in_the_rare_movie():
    events = true_cells(preset_population("rare", 2500)).events["event"]
    n = int((events == "commitment").sum())
    interval = binomtest(n, len(events)).proportion_ci(0.999)
    assert len(events) > 5000
    assert interval.low < 1 / 200 < interval.high
    assert 1 / 1000 < interval.low < interval.high < 1 / 100


def test_a_fifth_to_a_quarter_of_the_lineages_commits_in_differentiation():
    cells = preset_population("differentiation", 800)
    events = true_cells(cells).events
    parent = events["parent_track"].to_numpy()
    founder = np.arange(parent.size)
    for i in np.flatnonzero(parent > 0):
        founder[i] = founder[parent[i] - 1]
    happened = (events["event"] == "commitment").to_numpy()
    interval = binomtest(np.unique(founder[happened]).size, 800).proportion_ci(0.99)
    assert 0.1 < interval.low < interval.high < 0.4
    # From the first frame on B is entered at the rate of a long run: k_AB.
    own = cells.track - 1
    in_b = events["target_time"].to_numpy()[own] <= cells.frame * cells.frame_interval
    in_b |= (events["event"] == "already").to_numpy()[own]
    exposure = (~in_b).sum() * cells.frame_interval
    n = happened.sum()
    exact = cells.system.transition_paths().k_ab / cells.time_unit
    # Families share their past: a committed mother brings two events in one.
    assert n / exposure == pytest.approx(exact, abs=4 * np.sqrt(n) / exposure)


def test_sides_are_chosen_and_sisters_part_in_symmetry_breaking():
    cells = preset_population("symmetry_breaking", 200, substeps=10)
    true = true_cells(cells)
    last = cells.frame == cells.n_frames - 1
    x = cells.state[last, 0]
    right = int((x > 0).sum())
    assert binomtest(right, x.size).pvalue > 1e-3
    assert (np.abs(x) > 0.5).mean() > 0.9
    start = np.abs(cells.state[cells.frame == 0, 0])
    assert (start > 0.5).mean() < 0.02
    # Sisters start 0.2 apart, one on either side of their mother's state.
    born = np.flatnonzero(np.diff(cells.track, prepend=0) * (cells.parent_track > 0))
    born = born[np.lexsort((cells.track[born], cells.parent_track[born]))]
    apart = np.abs(cells.state[born[::2], 0] - cells.state[born[1::2], 0])
    early = cells.frame[born[::2]] < 20
    assert np.median(apart[early]) == pytest.approx(0.2, abs=0.1)
    assert {"left", "right"} <= set(true.events["event"])


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_movie_without_a_warning(preset):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        film = simulate_movie(preset, **SMALL)
    assert film.truth.scene == preset == film.movie.name
    state = film.truth.columns("state_")
    q = film.truth.cells["truth_committor"]
    time = film.truth.cells["frame"] * 0.25 / film.truth.law.time_unit
    exact = scene(preset).system.committor(state, time.to_numpy())
    np.testing.assert_allclose(q, exact)


# A law of one's own, and the smallest movies


def test_any_law_is_shown_without_a_look_made_for_it():
    film = simulate_movie(system=DoubleWell(), time_unit=20.0, **SMALL)
    assert film.movie.name == film.truth.scene == "double_well"
    assert film.truth.law.k_ab == pytest.approx(0.037537 / 20, rel=1e-4)
    x, a = film.truth.columns("state_")[:, 0], film.truth.cells["a_2"].to_numpy()
    assert np.corrcoef(x, a)[0, 1] > 0.7


def test_frames_long_for_the_law_are_warned_of():
    with pytest.warns(UserWarning, match=r"dt \* lambda_max = 0\.25 \* 8 = 2"):
        simulate_movie(system=DoubleWell(), **SMALL)


def test_one_cell_in_one_frame():
    film = simulate_movie(n_cells=1, n_frames=1, shape=(48, 64), rng=0)
    assert film.movie.images.shape == (1, 1, 48, 64)
    assert film.truth.tracks["ending"].eq("end_of_movie").all()
    assert len(film.movie.lineage) == len(film.truth.cells) >= 1


def test_everything_dies(tmp_path):
    life = Life(division_rate=0.0, death_rate=4.0, dying=0.5)
    film = simulate_movie(life=life, **{**SMALL, "n_frames": 20})
    last = film.truth.cells["frame"].max()
    assert last < 19
    assert (film.movie.labels(19) == 0).all()
    assert set(film.truth.tracks["ending"]) <= {"death", "left"}
    equal_truth(film.truth, read_simulated(film.write(tmp_path / "dead")).truth)


def test_an_empty_field_is_a_movie_too(tmp_path):
    """Few quick cells around a narrow field: in some frames nobody is in it."""
    film = simulate_movie(
        life=Life(division_rate=0.0, death_rate=0.0),
        look=Look(radius=3.0),
        motion=Motion(speed=80.0, margin=12.0),
        n_cells=1,
        n_frames=40,
        shape=(24, 24),
        path=tmp_path / "film",
        rng=0,
    )
    empty = np.setdiff1d(np.arange(40), film.truth.cells["frame"])
    assert 1 < empty.size < 39
    for frame in empty:
        assert (film.movie.labels(int(frame)) == 0).all()
    assert "left" in set(film.truth.tracks["ending"])


def test_cells_that_do_not_divide_have_no_cycle():
    film = simulate_movie(life=Life(division_rate=0.0, death_rate=0.0), **SMALL)
    assert film.truth.cells["cycle"].isna().all()
    assert film.truth.cells["body"].nunique() == 1


# Bad input


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"preset": "mitosis"}, r"must be one of \['differentiation'.*found 'mitosis'"),
        ({"n_cells": 0}, r"`n_cells` must be an integer >= 1; found 0"),
        ({"n_frames": 1.5}, r"`n_frames` must be an integer >= 1; found 1\.5"),
        ({"shape": (512,)}, r"`shape` is height and width.*found \(512,\)"),
        ({"shape": (8, 512)}, r"at least 16; found \(8, 512\)"),
        ({"pixel_size": 0}, r"`pixel_size` must be a number above 0 in um"),
        ({"threshold": 0.4}, r"between 0\.5 and 1; found 0\.4"),
        ({"control": 1.5}, r"between 0 and 1.*1\.5"),
        ({"frame_interval": -1.0}, r"`frame_interval`.*-1"),
        ({"name": "a:b"}, r"no ':' or '/'; found 'a:b'"),
    ],
)
def test_bad_arguments_are_refused_with_numbers(keywords, message):
    with pytest.raises(ValueError, match=message):
        simulate_movie(**{**SMALL, **keywords})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Optics(photons=0), r"`photons` must be a number above 0.*found 0"),
        (lambda: Optics(psf=-1.0), r"`psf` must be >= 0 \(um\); found -1"),
        (lambda: Optics(gradient=(0.8, 0.4)), r"at most 1; found \(0\.8, 0\.4\)"),
        (lambda: Look(contrast=2.0), r"`contrast` lies between 0 and 1; found 2"),
        (lambda: Look(harmonics=(0.1,) * 6), r"5 at most; found 6"),
        (lambda: Life(split=1.2), r"`split` must lie between 0 and 1; found 1\.2"),
        (lambda: Life(dying=0), r"`dying` must be a number above 0 in h"),
        (lambda: Motion(speed=np.nan), r"`speed` must be >= 0 \(um/h\); found nan"),
        (lambda: Motion(drift=(1.0,)), r"two finite velocities.*found \(1\.0,\)"),
    ],
)
def test_impossible_parts_are_refused_with_numbers(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (Look(radius=-3.0), r"`radius` of a look.*found -3 for"),
        (Look(dipole=1.2), r"`dipole` of a look must lie between -0\.95 and 0\.95"),
        (Look(harmonics=(0.6, 0.5)), r"add up to less than 0\.9"),
        (
            Look(intensity=Affine(offset=1.0, slopes=(1.0,))),
            r"1 slopes for states with 2",
        ),
        (Look(texture_length=lambda z: z), r"one value per cell; .* gave shape"),
    ],
)
def test_impossible_looks_are_refused_with_numbers(look, message):
    with pytest.raises(ValueError, match=message):
        simulate_movie(look=look, **SMALL)


def test_scenes_are_values():
    assert scene("rare") == scene("rare") != scene("differentiation")
    assert hash(Scene(name="a", system=DoubleWell())) == hash(
        Scene(name="a", system=DoubleWell())
    )


def test_memory_does_not_grow_with_the_movie(tmp_path):
    """Streamed: thirty more frames hold hardly more than their rows of truth."""
    tracemalloc.start()
    peaks = []
    for n_frames in (10, 40):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        simulate_movie(
            life=Life(division_rate=0.0, death_rate=0.0),
            start="source",
            n_cells=3,
            n_frames=n_frames,
            shape=(256, 256),
            path=tmp_path / str(n_frames),
            rng=0,
        )
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    assert peaks[1] - peaks[0] < 30 * (256 * 256 * 4) / 20
