"""The entropic solver against POT, a closed form, and an independent package."""

import os
from pathlib import Path

import anndata
import numpy as np
import ot
import pytest

from cellstate.transport._scaling import scale

DATA = Path(
    os.environ.get(
        "CELLSTATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(50, 2)) + 1
    a, b = rng.random(60), rng.random(50)
    cost = ot.dist(x, y)
    return cost / np.median(cost), a / a.sum(), b / b.sum()


@pytest.mark.parametrize("eps", [1.0, 0.1])
@pytest.mark.parametrize(("p", "q"), [(1.0, np.inf), (0.5, 2.0), (np.inf, 0.3)])
def test_relaxed_plans_are_those_of_pot(problem, eps, p, q):
    cost, a, b = problem
    ours = scale(
        cost, a, b, regularization=eps, source_relaxation=p, target_relaxation=q,
        tolerance=1e-12, max_iterations=20_000,
    )  # fmt: skip
    theirs = ot.unbalanced.sinkhorn_unbalanced(
        a, b, cost, eps, (p, q), stopThr=1e-13, numItermax=100_000
    )
    np.testing.assert_allclose(ours.plan, theirs, atol=1e-9 * theirs.max(), rtol=1e-6)
    assert ours.residual < 1e-12


def test_balanced_plans_are_those_of_pot(problem):
    cost, a, b = problem
    ours = scale(cost, a, b, regularization=0.1, tolerance=1e-12)
    theirs = ot.sinkhorn(a, b, cost, 0.1, stopThr=1e-13, numItermax=100_000)
    np.testing.assert_allclose(ours.plan, theirs, atol=1e-10 * theirs.max())


@pytest.mark.parametrize("p", [np.inf, 1.0])
def test_small_regularization_and_far_cells_do_not_overflow(problem, p):
    cost, a, b = problem
    cost = cost.copy()
    cost[:5] += 1e4  # at eps = 1e-3 their kernel is exp(-1e7)
    solved = scale(
        cost, a, b, regularization=1e-3, source_relaxation=p, max_iterations=20_000
    )
    assert np.isfinite(solved.plan).all()
    assert solved.residual <= 1e-5
    np.testing.assert_allclose(solved.plan.sum(axis=0), b, atol=1e-12)
    if np.isinf(p):
        best = ot.emd2(a, b, cost)
        assert (solved.plan * cost).sum() == pytest.approx(best, rel=1e-3)


def test_the_residual_is_what_is_left_of_the_marginals(problem):
    cost, a, b = problem
    solved = scale(cost, a, b, regularization=0.01, max_iterations=7)
    assert solved.residual == pytest.approx(abs(solved.plan.sum(axis=1) - a).sum())
    assert solved.residual > 1e-3


def test_two_cells_in_closed_form():
    """Symmetric 2 x 2: the odds of a pair are exp(c / eps)."""
    half = np.array([0.5, 0.5])
    for eps in (1.0, 0.05):
        cost = np.array([[0.0, 1.0], [1.0, 0.0]])
        plan = scale(cost, half, half, regularization=eps).plan
        np.testing.assert_allclose(plan[0, 0], 0.5 / (1 + np.exp(-1 / eps)))


STAGES = {"tmap_10_105": (10, 10.5), "tmap_105_11": (10.5, 11), "tmap_10_11": (10, 11)}


@pytest.mark.parametrize("name", STAGES)
def test_reprogramming_cells_are_coupled_as_by_waddington_ot(name):
    """eps = .5, lambda = (1, 10) in units of the mean cost, on 50 local components."""
    path = DATA / "oracles" / "moscot_temporal_tests.h5ad"
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    cells = anndata.read_h5ad(path)
    reference = np.asarray(cells.uns[name], dtype=float)
    day = cells.obs["day"].astype(float).to_numpy()
    first, second = (np.flatnonzero(day == t) for t in STAGES[name])
    counts = np.asarray(cells.X.toarray(), dtype=float)[np.r_[first, second]]
    centred = counts - counts.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:50]
    z = centred @ axes.T
    cost = ot.dist(z[: len(first)], z[len(first) :])
    # Their entropy counts from 1, ours from ab: they differ by a constant cost.
    plan = scale(
        cost / cost.mean() - 0.5 * np.log(cost.size),
        np.full(len(first), 1 / len(first)),
        np.full(len(second), 1 / len(second)),
        regularization=0.5,
        source_relaxation=1.0,
        target_relaxation=10.0,
        tolerance=1e-9,
    ).plan
    np.testing.assert_allclose(plan, reference, rtol=1e-4)
