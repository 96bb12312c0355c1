"""Committors in ten dimensions: from tracks, and from simulated paths."""

import numpy as np
import pytest

import cellstate as cs
from cellstate import systems
from cellstate._adata import _extract as extract
from cellstate.kinetics import committor_from_swarms, committor_from_tracks

LAW = systems.RotatedDoubleWell(D=1 / 3)


@pytest.fixture(scope="module")
def cells():
    return cs.datasets.simulate_tracks(
        LAW, frame_interval=0.02, n_cells=100, n_frames=150, rng=0
    )


def rmse(found, x, rows):
    return np.sqrt(np.mean((found - LAW.committor(x))[rows] ** 2))


def fitted(cells, turn=None, scale=1.0):
    x = cells.obsm["X_state"]
    seen = scale * (x if turn is None else x @ turn)
    found = committor_from_tracks(
        seen,
        extract.tracks(cells),
        LAW.source.contains(x),
        LAW.target.contains(x),
        n_bootstrap=0,
        rng=0,
    )
    free = ~(LAW.source.contains(x) | LAW.target.contains(x))
    return found, x, free


def test_the_basis_resolves_the_direction_that_matters(cells):
    found, x, free = fitted(cells)
    # 100 tracks: about .03; without a metric .07 at a million frames' cost.
    assert rmse(found.forward, x, free) < 0.05
    values, vectors = np.linalg.eigh(found.model.basis.metric)
    # One direction stands out, and it is the hidden one.
    hidden = np.asarray(LAW.target.normal)
    assert abs(vectors[:, -1] @ hidden) / np.linalg.norm(hidden) > 0.98
    assert values[-2] < 0.5 * values[-1]


def test_a_turned_and_stretched_space_gives_the_same_answer(cells):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(10, 10)))[0]
    one, x, free = fitted(cells)
    two, _, _ = fitted(cells, turn, 7.0)
    # Landmarks are drawn anew: the two fits differ by less than they err.
    assert np.sqrt(np.mean((one.forward - two.forward)[free] ** 2)) < 0.03
    assert rmse(two.forward, x, free) < 0.05


def test_the_gradient_is_the_derivative(cells):
    found, x, free = fitted(cells)
    between = free & (found.forward > 0.05) & (found.forward < 0.95)
    at, step = x[between][:20], 1e-5 * np.eye(10)[3]
    difference = found.model(at + step) - found.model(at - step)
    np.testing.assert_allclose(
        found.model.gradient(at)[:, 3], difference / 2e-5, atol=1e-6
    )


def test_paths_from_some_cells_tell_of_all():
    x = LAW.sample(2000, rng=0)
    found = committor_from_swarms(
        LAW, x, LAW.source, LAW.target, n_states=200, n_paths=60, n_bootstrap=10, rng=0
    )
    free = ~(LAW.source.contains(x) | LAW.target.contains(x))
    assert rmse(found.forward, x, free) < 0.04
    assert (found.forward[LAW.source.contains(x)] == 0).all()
    assert (found.forward[LAW.target.contains(x)] == 1).all()
    assert found.replicates.shape == (2000, 10)
    assert np.isnan(found.backward).all()
    assert found.method == "sde"
