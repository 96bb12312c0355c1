"""Bad input to pp and tl: the message says what is wrong and what to call."""

import re

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._base.errors import LineageError, MovieError, SchemaError


def fails(error, *words):
    """Expect an error whose message holds every one of the words."""
    return pytest.raises(error, match="".join(f"(?=.*{re.escape(w)})" for w in words))


# tl.committor


def test_states_are_missing(walkers):
    with fails(KeyError, "'state'", "['track', 'frame', 'time', 'x']", "define_states"):
        cs.tl.committor(walkers)


def test_the_state_space_is_missing(walkers_ab):
    del walkers_ab.obsm["X_state"]
    with fails(KeyError, "adata.obsm['X_state']", "found []", "Run cs.tl.embed(adata)"):
        cs.tl.committor(walkers_ab)


def test_the_state_space_is_undefined_throughout(walkers_ab):
    walkers_ab.obsm["X_state"][:] = np.nan
    with fails(ValueError, "no row without NaN", "750 rows", "cs.pp.normalize(adata)"):
        cs.tl.committor(walkers_ab)


def test_the_state_space_is_no_matrix(walkers_ab):
    walkers_ab.obsm["X_state"] = np.zeros((750, 2, 2))
    with fails(ValueError, "shape (n, d)", "(750, 2, 2)"):
        cs.tl.committor(walkers_ab)


@pytest.mark.parametrize("name", ["horizon", "lag"])
def test_a_time_that_is_no_whole_number_of_frames(walkers_ab, name):
    with fails(ValueError, f"`{name}`=0.7 h", "frames of 0.5 h", f"{name}=0.5"):
        cs.tl.committor(walkers_ab, **{name: 0.7})


def test_a_negative_horizon(walkers_ab):
    with fails(ValueError, "`horizon`=-1 h", "horizon=0.5"):
        cs.tl.committor(walkers_ab, None, "B", horizon=-1.0)


def test_no_source_and_no_horizon(walkers_ab):
    with fails(ValueError, "give a horizon in hours", "cs.tl.committor(adata, 'A'"):
        cs.tl.committor(walkers_ab, None, "B")


def test_a_state_that_nobody_is_in(walkers_ab):
    with fails(ValueError, "`target`='C'", "'A': ", "'B': ", "define_states"):
        cs.tl.committor(walkers_ab, "A", "C")
    with fails(ValueError, "`source` and `target` are both 'B'"):
        cs.tl.committor(walkers_ab, "B", "B")


def test_too_few_lineages_for_the_folds(walkers_ab):
    few = walkers_ab[walkers_ab.obs["track"] <= 4].copy()
    cs.tl.define_states(few, source="x < -1", target="x > 1")
    with fails(ValueError, "5 folds", "at least 5 lineages", "found 4", "folds=0"):
        cs.tl.committor(few)


def test_an_unknown_method(walkers_ab):
    with fails(ValueError, "`method`", "'tracks', 'graph'", "'neural'"):
        cs.tl.committor(walkers_ab, method="neural")
    with fails(ValueError, "`method`", "['pca', 'contour',", "'umap'"):
        cs.tl.embed(walkers_ab, method="umap")


@pytest.mark.parametrize(("option", "value"), [("folds", -1), ("n_bootstrap", 2.5)])
def test_counts_are_integers(walkers_ab, option, value):
    with fails(ValueError, f"`{option}` must be an integer >= 0", f"found {value}"):
        cs.tl.committor(walkers_ab, **{option: value})


def test_rows_to_fit_on(walkers_ab):
    nobody = np.zeros(750, dtype=bool)
    with fails(ValueError, "`fit_on` selects none of the 750 rows"):
        cs.tl.committor(walkers_ab, fit_on=nobody)
    with fails(ValueError, "`fit_on`", "750 rows", "found float64"):
        cs.tl.committor(walkers_ab, fit_on="x")
    with fails(KeyError, "no 'train' in adata.obs"):
        cs.tl.committor(walkers_ab, fit_on="train")


def test_tracks_of_one_frame_only(walkers_ab):
    walkers_ab.obs["track"] = np.arange(750)
    with fails(ValueError, "found none among 750 rows in 750 tracks", "cs.pp.track"):
        cs.tl.committor(walkers_ab, method="tracks")


def test_a_single_frame_has_no_interval(walkers):
    snapshot = walkers[walkers.obs["frame"] == 3].copy()
    cs.tl.define_states(snapshot, source="x < 0", target="x > 0")
    with fails(
        ValueError, "two consecutive frames", "30 rows in 30 tracks", "pp.track"
    ):
        cs.tl.committor(snapshot, method="tracks")
    # A graph needs no time; but a rate does.
    rng = np.random.default_rng(0)
    snapshot.obsm["X_state"] = snapshot.obsm["X_state"] + 0.1 * rng.normal(size=(30, 1))
    cs.tl.committor(snapshot)
    with fails(ValueError, "Snapshots fix no scale of time", "cs.pp.track(movie)"):
        cs.tl.rates(snapshot)


def test_uneven_times(walkers_ab):
    late = walkers_ab.obs["frame"] > 10
    walkers_ab.obs["time"] += np.where(late, 0.3, 0.0)
    with fails(ValueError, "evenly spaced", "from 0.5 to 0.8 h", ".copy()"):
        cs.tl.committor(walkers_ab)


def test_frames_as_floats_or_missing(walkers_ab):
    walkers_ab.obs["frame"] = walkers_ab.obs["frame"].astype(float)
    del walkers_ab.obs["time"]
    with pytest.raises(SchemaError) as caught:
        cs.tl.committor(walkers_ab)
    assert len(caught.value.violations) == 2


def test_two_rows_of_a_track_in_one_frame(walkers_ab):
    walkers_ab.obs.loc[walkers_ab.obs_names[1], "frame"] = 0
    with fails(LineageError, "found 1 repeated (track, frame)", "[1]", "relabel"):
        cs.tl.committor(walkers_ab)


def test_a_repeated_object(measured):
    measured.obs.loc[measured.obs_names[1], "label"] = measured.obs["label"].iloc[0]
    with pytest.raises(SchemaError) as caught:
        cs.validate(measured)
    (line,) = caught.value.violations
    assert "found 1 repeated, e.g. ['one', 0, 1]" in line
    assert "adata[~adata.obs.duplicated(['movie', 'frame', 'label'])].copy()" in line


# tl.define_states


def test_states_that_overlap(walkers):
    with fails(ValueError, "(x < 1)", "(x > -1)", "share", "must be disjoint"):
        cs.tl.define_states(walkers, source="x < 1", target="x > -1")
    assert "state" not in walkers.obs


@pytest.mark.parametrize("role", ["source", "target"])
def test_an_empty_state(walkers, role):
    rules = {"source": "x < 0", "target": "x > 0"} | {role: "x > 99"}
    with fails(ValueError, f"`{role}` (x > 99) holds none of the 750 cells"):
        cs.tl.define_states(walkers, **rules)


@pytest.mark.parametrize("rule", ["size > 3", "x >", "x", "1 > 0", "x + 1"])
def test_a_bad_expression(walkers, rule):
    with fails(ValueError, f"`target`={rule!r}", "'track', 'frame'", "target='area >"):
        cs.tl.define_states(walkers, source="x < 0", target=rule)


def test_a_division_that_is_not_there(walkers):
    with fails(ValueError, "no division in 30 tracks", "parent_track", "cs.pp.track"):
        cs.tl.define_states(walkers, target="division")


@pytest.mark.parametrize("share", [0, 1.5])
def test_a_core_that_is_no_share(walkers, share):
    with fails(ValueError, "`core_fraction`", f"between 0 and 1; found {share}"):
        cs.tl.define_states(walkers, target="x > 2", core_fraction=share)


# After the committor


@pytest.mark.parametrize(
    "call", [cs.tl.rates, cs.tl.differentiation_events, cs.tl.validate_committor]
)
def test_no_committor_yet(walkers_ab, call):
    with fails(KeyError, "no committor", "found []", "Run cs.tl.committor(adata)"):
        call(walkers_ab)


def test_rates_of_a_committor_with_a_horizon(walkers_ab):
    cs.tl.committor(walkers_ab, None, "B", horizon=1.0, n_bootstrap=0)
    with fails(ValueError, "source=''", "horizon=1 h", "cs.tl.committor(adata, 'A'"):
        cs.tl.rates(walkers_ab)


@pytest.mark.parametrize("threshold", [-0.2, 0.4, 1.0])
def test_a_threshold_outside_its_range(walkers_ab, threshold):
    cs.tl.committor(walkers_ab, n_bootstrap=0)
    with fails(ValueError, "`threshold`", f"found {threshold}"):
        cs.tl.differentiation_events(walkers_ab, threshold=threshold)


def test_nobody_whose_fate_is_known(walkers_ab):
    cs.tl.committor(walkers_ab, n_bootstrap=0)
    last = (walkers_ab.obs["frame"] == 24) & (walkers_ab.obs["state"] == "other")
    with fails(ValueError, "a known future", f"found {last.sum()} cells", "0 with"):
        cs.tl.validate_committor(walkers_ab, rows=last.to_numpy())


# pp


def test_nothing_normalised_yet(measured):
    with fails(KeyError, "layers['normalized']", "found []", "cs.pp.normalize(adata)"):
        cs.tl.embed(measured)


def test_no_coordinates_to_look_back_on(measured):
    with fails(KeyError, "obsm['X_pca']", "'spatial'", "cs.tl.embed(adata)"):
        cs.tl.delay_embed(measured)


def test_statistics_of_other_features(measured):
    scaling = cs.pp.normalize(measured[:, :10].copy())
    with fails(ValueError, "of 10 features", "cells have 12", "list(scaling.names)"):
        cs.pp.normalize(measured[:, :12].copy(), scaling=scaling)
    with fails(ValueError, "9 lacking", "and 4 more"):
        cs.pp.normalize(measured[:, 9:].copy(), scaling=scaling)


def test_a_projection_of_other_features(measured):
    cs.pp.normalize(measured)
    projection = cs.tl.embed(measured, n_components=2)
    part = measured[:, :20].copy()
    with fails(ValueError, "features; found 20 columns"):
        cs.tl.embed(part, projection=projection)


def test_features_that_never_vary(walkers):
    with fails(ValueError, "none of the 1 features varies over 750 cells"):
        cs.pp.normalize(walkers)


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("min_relative_area", -0.1, "between 0 and 1"),
        ("area_jump", 1.7, "between 0 and 1"),
        ("max_step", 0, "above 0 in um"),
        ("reach", -5, "above 0 in um"),
    ],
)
def test_limits_of_quality_control(measured, option, value, word):
    with fails(ValueError, f"`{option}`", word, f"found {value}", "cs.pp.qc(adata, "):
        cs.pp.qc(measured, **{option: value})


def test_a_movie_that_is_not_linked(make_movie):
    with fails(MovieError, "'movie' is not linked", "cs.pp.track(movie)", "tracks=..."):
        cs.pp.features(make_movie(linked=False))


def test_a_lineage_that_names_labels_absent_from_the_masks(make_movie):
    movie = make_movie()
    wrong = movie.lineage.copy()
    wrong.loc[0, "label"] = 99
    movie = cs.Movie(
        images=movie.images,
        masks=movie.masks,
        lineage=wrong,
        pixel_size=0.5,
        frame_interval=0.25,
    )
    words = ("frame 0", "names 1 labels", "[99]", "1 that the lineage", "cs.pp.track")
    with fails(MovieError, *words):
        cs.pp.features(movie)


# Movie


@pytest.fixture
def parts(make_movie):
    movie = make_movie()
    return {
        "images": movie.images,
        "masks": movie.masks,
        "lineage": movie.lineage,
        "pixel_size": 0.5,
        "frame_interval": 0.25,
    }


@pytest.mark.parametrize("value", [None, 0, -0.5, float("nan"), "0.5"])
@pytest.mark.parametrize("name", ["pixel_size", "frame_interval"])
def test_a_movie_needs_its_units(parts, name, value):
    unit = {"pixel_size": "um per pixel", "frame_interval": "h between frames"}[name]
    with fails(ValueError, f"`{name}`", unit, f"cs.Movie(..., {name}="):
        cs.Movie(**parts | {name: value})


def test_masks_as_floats(parts):
    with fails(MovieError, "found float64", "astype('int32')", "skimage.measure.label"):
        cs.Movie(**parts | {"masks": parts["masks"].astype(float)})


def test_stacks_of_other_shapes(parts):
    images, masks = parts["images"], parts["masks"]
    with fails(MovieError, "5 image frames and 4 mask frames"):
        cs.Movie(**parts | {"masks": masks[:4]})
    with fails(MovieError, "images (40, 80) and masks (40, 79) px"):
        cs.Movie(**parts | {"masks": masks[:, :, 1:]})
    with fails(MovieError, "(T, C, Y, X)", "(5, 40, 80)", "images[:, None]"):
        cs.Movie(**parts | {"images": images[:, 0]})
    with fails(MovieError, "(T, Y, X)", "found (5, 1, 40, 80)"):
        cs.Movie(**parts | {"masks": masks[:, None]})


def test_names_of_movies_and_channels(parts):
    with fails(MovieError, "found 'a:b'", "name='field_1'"):
        cs.Movie(**parts | {"name": "a:b"})
    with fails(MovieError, "each of the 1 channels", "['H2B', 'ERK']"):
        cs.Movie(**parts | {"channels": ("H2B", "ERK")})


def test_tables_that_are_no_lineage(parts):
    table = parts["lineage"]
    with fails(MovieError, "['parent_track'] missing"):
        cs.Movie(**parts | {"lineage": table.drop(columns="parent_track")})
    with fails(MovieError, "frames [7]", "frames 0 to 4"):
        cs.Movie(**parts | {"lineage": table.replace({"frame": {4: 7}})})
    with fails(MovieError, "found 1 repeated", "[[0, 1]]"):
        cs.Movie(**parts | {"lineage": pd.concat([table, table[:1]])})
    with fails(MovieError, "whole numbers", "['parent_track']", "-1 for no mother"):
        cs.Movie(**parts | {"lineage": table.assign(parent_track=np.nan)})
    with fails(MovieError, "whole numbers", "['track']", "[1.5"):
        cs.Movie(**parts | {"lineage": table.assign(track=table["track"] + 0.5)})
