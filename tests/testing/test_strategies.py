"""The shipped strategies give what they promise, and hold the package to its word."""

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops

import cellstate as cs
from cellstate.morphology import measure_frame
from cellstate.testing import (
    label_masks,
    landscapes,
    lineage_tables,
    movies,
    tracked_adatas,
    tracks,
)
from cellstate.tracks import ENDINGS, Tracks, lineage_folds, outcomes

few = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize(
    ("what", "condition"),
    [
        ("division", lambda t: t.divides.any()),
        ("grandchild", lambda t: (t.parent[t.parent[t.parent >= 0]] >= 0).any()),
        ("gap", lambda t: (t.previous_row[t.frame > t.frame[t.first_row[t.index]]] < 0)
         .any()),
        ("two movies", lambda t: t.track_movie.max() == 1),
        ("one row", lambda t: t.n_rows == 1),
    ],
)  # fmt: skip
def test_tracks_of_every_kind_occur(what, condition):
    found = find(tracks(), condition, settings=settings(max_examples=4000))
    assert condition(found)


@few
@given(tracks())
def test_links_go_both_ways(built):
    linked = np.flatnonzero(built.previous_row >= 0)
    before = built.previous_row[linked]
    np.testing.assert_array_equal(built.next_row[before], linked)
    np.testing.assert_array_equal(built.frame[before] + 1, built.frame[linked])
    np.testing.assert_array_equal(built.track[before], built.track[linked])


@few
@given(lineage_tables(), st.randoms(use_true_random=False))
def test_tracks_do_not_depend_on_the_order_of_rows(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    first, second = _tracks(table), _tracks(table.iloc[order])
    for name in ("track_id", "parent", "lineage", "track_movie"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(
        outcomes(first).ending[order], outcomes(second).ending
    )


@few
@given(tracks())
def test_outcomes_agree_with_a_walk_row_by_row(built):
    found = outcomes(built)
    for row in range(built.n_rows):
        end = row
        while built.next_row[end] >= 0:
            end = built.next_row[end]
        assert found.end_row[row] == end
        daughters = (built.mother_row() == end).sum()
        last = built.frame[end] == built.last_frame[built.movie[end]]
        expected = "division" if daughters == 2 else "end_of_movie" if last else "lost"
        assert ENDINGS[found.ending[row]] == expected


@few
@given(tracks(), st.integers(0, 99))
def test_folds_never_part_a_lineage(built, seed):
    founders = np.unique(built.row_lineage)
    if founders.size < 2:
        with pytest.raises(ValueError, match="at least 2 lineages"):
            lineage_folds(built, 2, rng=seed)
        return
    fold = lineage_folds(built, 2, rng=seed)
    for founder in founders:
        assert np.unique(fold[built.row_lineage == founder]).size == 1
    assert set(fold) == {0, 1}


@few
@given(label_masks(frames=None))
def test_areas_and_centres_are_those_of_scikit_image(masks):
    image = np.zeros((1, *masks.shape))
    if not masks.any():
        return
    found = measure_frame(image, masks, pixel_size=1.0, channels=["light"])
    area = found.values[:, found.names.index("area")]
    regions = regionprops(masks.astype(np.int64))
    assert found.label.tolist() == [region.label for region in regions]
    np.testing.assert_allclose(area, [region.area for region in regions])
    centres = [region.centroid[::-1] for region in regions]
    np.testing.assert_allclose(found.centroid, centres, atol=1e-9)


@few
@given(movies())
def test_any_small_movie_is_measured(movie):
    if not np.asarray(movie.masks).any():
        return
    with cs.settings.override(progress=False):
        adata = cs.pp.features(movie)
    cs.validate(adata)
    assert adata.n_obs == len(movie.lineage)
    sizes = [
        np.sum(np.asarray(movie.masks[f]) == label) * movie.pixel_size**2
        for f, label in zip(adata.obs["frame"], adata.obs["label"], strict=True)
    ]
    np.testing.assert_allclose(adata[:, "area"].X.ravel(), sizes, rtol=1e-6)


@few
@given(tracked_adatas())
def test_states_from_anywhere_are_valid_and_split_in_two(adata):
    cs.validate(adata)
    adata.obs["x"] = adata.obsm["X_state"][:, 0]
    low, high = np.quantile(adata.obs["x"], [0.25, 0.75]).tolist()
    if not low < high:
        return
    cs.tl.define_states(adata, source=f"x < {low!r}", target=f"x > {high!r}")
    state = adata.obs["state"].astype(str)
    np.testing.assert_array_equal(state == "A", adata.obs["x"] < low)
    np.testing.assert_array_equal(state == "B", adata.obs["x"] > high)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(landscapes(dimension=1))
def test_committors_of_both_directions_sum_to_one_on_any_landscape(law):
    back = type(law)(
        **{f: getattr(law, f) for f in ("D", "heights", "centers", "widths", "bowl")},
        source=law.target,
        target=law.source,
    )
    x = np.linspace(-1.5, 1.5, 31)[:, None]
    np.testing.assert_allclose(law.committor(x) + back.committor(x), 1, atol=1e-9)
    assert (np.diff(law.committor(x)) >= -1e-12).all()


@settings(max_examples=10, deadline=None, derandomize=True)
@given(landscapes(), st.integers(0, 99))
def test_gradient_and_hessian_of_any_landscape(law, seed):
    x = np.random.default_rng(seed).uniform(-1.5, 1.5, (3, 4, law.dimension))
    step = 1e-5 * np.eye(law.dimension)
    slope = [(law.potential(x + e) - law.potential(x - e)) / 2e-5 for e in step]
    bend = [(law.gradient(x + e) - law.gradient(x - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(np.stack(slope, -1), law.gradient(x), atol=1e-7)
    np.testing.assert_allclose(np.stack(bend, -1), law.hessian(x), atol=1e-7)
    np.testing.assert_allclose(law.drift(x), -law.gradient(x))


def _tracks(table):
    return Tracks.from_arrays(
        track=table["track"],
        frame=table["frame"],
        time=table["frame"],
        parent_track=table["parent_track"],
        movie=table["movie"],
    )
