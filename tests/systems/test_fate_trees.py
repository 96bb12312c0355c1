"""Fates of kin by formula, by a walk over the tree, and counted."""

import numpy as np
import pytest

from cellstate.systems._lineages._fate_trees import FateTree
from cellstate.systems._lineages._lineage_trees import kin_pairs

LAWS = (
    FateTree(transition=((0.9, 0.1), (0.3, 0.7))),
    FateTree(transition=((0.5, 0.5, 0.0), (0.1, 0.6, 0.3), (0.4, 0.0, 0.6))),
    FateTree(transition=((0.8, 0.2), (0.0, 1.0))),
)
KIN = [(0, 1), (1, 1), (1, 2), (2, 2), (0, 3)]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("u", "v"), KIN)
def test_two_routes_to_the_fates_of_kin(law, u, v):
    found = law.kin_frequencies(u, v)
    np.testing.assert_allclose(found, law.kin_frequencies_by_walk(u, v), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), law.stationary(), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), law.stationary(), atol=1e-12)
    np.testing.assert_allclose(found, law.kin_frequencies(v, u).T, atol=1e-12)


def test_shares_do_not_change_down_a_lineage():
    pi = LAWS[1].stationary()
    np.testing.assert_allclose(pi @ LAWS[1].matrix, pi, atol=1e-13)
    assert (pi > 0).all()


@pytest.mark.parametrize(("u", "v"), KIN)
def test_counted_pairs(u, v):
    law, generations, n = LAWS[1], 4, 4000
    trees = law.simulate(n, generations, rng=3)
    kind = trees.value.reshape(n, -1)
    first, second = kin_pairs(generations, u, v).T
    # One mean per tree: pairs of a tree are not independent.
    for i, j in [(0, 0), (0, 1), (1, 2), (2, 2)]:
        per_tree = ((kind[:, first] == i) & (kind[:, second] == j)).mean(axis=1)
        wanted = law.kin_frequencies(u, v)
        if u == v:
            wanted = (wanted + wanted.T) / 2
            other = ((kind[:, first] == j) & (kind[:, second] == i)).mean(axis=1)
            per_tree = (per_tree + other) / 2
        error = per_tree.std() / np.sqrt(n)
        assert abs(per_tree.mean() - wanted[i, j]) < 4.5 * error


def test_mothers_pass_on_by_the_matrix():
    law = LAWS[0]
    trees = law.simulate(3000, 3, rng=1)
    born = trees.parent >= 0
    mother, daughter = trees.value[trees.parent[born]], trees.value[born]
    for i in (0, 1):
        share = np.mean(daughter[mother == i] == 1)
        error = np.sqrt(share * (1 - share) / (mother == i).sum())
        assert abs(share - law.matrix[i, 1]) < 4.5 * error


def test_impossible_matrices_are_refused():
    with pytest.raises(ValueError, match="sum to 1"):
        FateTree(transition=((0.9, 0.2), (0.3, 0.7)))
    with pytest.raises(ValueError, match="one stationary law"):
        FateTree(transition=((1.0, 0.0), (0.0, 1.0)))
