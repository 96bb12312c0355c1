"""Folds and bootstrap weights keep relatives together."""

import numpy as np
import pytest

from cellstate.tracks import Tracks, lineage_folds, lineage_weights


@pytest.fixture
def forest():
    """Twelve mothers with two daughters each, two frames per track."""
    mother = np.arange(12) * 10
    track = np.concatenate([mother, mother + 1, mother + 2]).repeat(2)
    parent = np.concatenate([np.full(12, -1), mother, mother]).repeat(2)
    frame = np.tile([0, 1], 36) + 2 * (parent >= 0)
    order = np.random.default_rng(0).permutation(track.size)
    return Tracks.from_arrays(
        track=track[order],
        frame=frame[order],
        time=frame[order],
        parent_track=parent[order],
    )


def test_folds_keep_lineages_together_and_are_even(forest):
    fold = lineage_folds(forest, 4, rng=0)
    for lineage in np.unique(forest.row_lineage):
        assert np.unique(fold[forest.row_lineage == lineage]).size == 1
    np.testing.assert_array_equal(np.bincount(fold), [18] * 4)


def test_rare_lineages_are_spread_over_the_folds(forest):
    rare = np.isin(forest.row_lineage, np.unique(forest.row_lineage)[:4])
    rare &= forest.parent[forest.index] >= 0
    for seed in range(5):
        fold = lineage_folds(forest, 4, stratify=rare, rng=seed)
        np.testing.assert_array_equal(np.unique(fold[rare]), range(4))


def test_folds_do_not_depend_on_the_order_of_rows(forest):
    order = np.random.default_rng(4).permutation(forest.n_rows)
    mixed = Tracks.from_arrays(
        track=forest.track[order],
        frame=forest.frame[order],
        time=forest.time[order],
        parent_track=np.where(forest.parent >= 0, forest.track_id[forest.parent], -1)[
            forest.index
        ][order],
    )
    np.testing.assert_array_equal(
        lineage_folds(mixed, 3, rng=2), lineage_folds(forest, 3, rng=2)[order]
    )


def test_too_few_lineages_for_the_folds(forest):
    with pytest.raises(ValueError, match=r"13 folds .* at least 13 .* found 12.*fewer"):
        lineage_folds(forest, 13)


def test_bootstrap_draws_whole_lineages(forest):
    weight = lineage_weights(forest, rng=1)
    of_lineage = [
        np.unique(weight[forest.row_lineage == f])
        for f in np.unique(forest.row_lineage)
    ]
    assert all(w.size == 1 for w in of_lineage)
    assert sum(w[0] for w in of_lineage) == 12


def test_bootstrap_weights_have_mean_one_and_the_multinomial_variance(forest):
    rng = np.random.default_rng(7)
    rows = [
        np.flatnonzero(forest.row_lineage == f)[0]
        for f in np.unique(forest.row_lineage)
    ]
    draws = np.stack([lineage_weights(forest, rng)[rows] for _ in range(2000)])
    # Multinomial with 12 draws over 12 lineages: variance 11/12 of each count.
    se = np.sqrt(11 / 12 / 2000)
    assert np.abs(draws.mean(axis=0) - 1).max() < 4 * se
    assert draws.var() == pytest.approx(11 / 12, rel=0.05)
