"""Groups from their generators, and drifts that obey them exactly."""

import numpy as np
import pytest

from cellstate import systems
from cellstate.flow import fit_regression, symmetry_group
from cellstate.sde import track_steps

QUARTER = np.array([[0.0, -1.0], [1.0, 0.0]])
MIRROR = np.diag([-1.0, 1.0])
PLACES = np.random.default_rng(0).normal(size=(30, 2))


@pytest.mark.parametrize(
    ("generators", "size"),
    [([MIRROR], 2), ([QUARTER], 4), ([QUARTER, MIRROR], 8), ([np.eye(2)], 1)],
)
def test_groups_are_closed(generators, size):
    group = symmetry_group(generators, 2)
    assert len(group) == size
    np.testing.assert_array_equal(group[0], np.eye(2))
    for a in group:
        for b in group:
            assert min(np.abs(a @ b - c).max() for c in group) < 1e-9


def test_the_order_of_sisters_is_a_group():
    exchange = np.kron([[0.0, 1.0], [1.0, 0.0]], np.eye(2))
    assert len(symmetry_group([exchange], 4)) == 2


def test_a_turn_that_never_closes_is_refused():
    c, s = np.cos(1.0), np.sin(1.0)
    with pytest.raises(ValueError, match="more than 120 elements"):
        symmetry_group([[[c, -s], [s, c]]], 2)


@pytest.mark.parametrize("wrong", [[[2.0, 0.0], [0.0, 1.0]], [[1.0]]])
def test_what_is_not_orthogonal_is_refused(wrong):
    with pytest.raises(ValueError, match=r"orthogonal matrices of shape \(2, 2\)"):
        symmetry_group([wrong], 2)


@pytest.fixture(scope="module")
def followed(tracks_of):
    """Tracks of the binary choice without tilt: left and right are alike."""
    law, rng = systems.BinaryChoice(D=0.3, p2=0.5), np.random.default_rng(3)
    paths = systems.simulate(
        law, law.sample(30, rng), n_frames=60, frame_interval=0.01, rng=rng
    )
    x = paths.transpose(1, 0, 2).reshape(-1, 2)
    return law, x, track_steps(x, tracks_of(30, 60, 0.01))


@pytest.mark.parametrize("drift", ["free", "gradient", "split"])
def test_the_fitted_drift_obeys_the_symmetry(followed, drift):
    _, x, steps = followed
    group = symmetry_group([MIRROR], 2)
    fit = fit_regression(x, steps, drift=drift, symmetry=group, rng=0)
    np.testing.assert_allclose(
        fit.drift(PLACES @ MIRROR), fit.drift(PLACES) @ MIRROR, atol=1e-9
    )
    np.testing.assert_allclose(
        fit.potential(PLACES @ MIRROR), fit.potential(PLACES), atol=1e-9
    )
    np.testing.assert_allclose(
        fit.standard_error(PLACES @ MIRROR), fit.standard_error(PLACES), rtol=1e-6
    )


def test_a_symmetry_that_holds_makes_the_drift_surer(followed):
    law, x, steps = followed
    places = law.sample(400, rng=1)

    def error(fit):
        return np.sqrt(((fit.drift(places) - law.drift(places)) ** 2).mean())

    plain = fit_regression(x, steps, rng=0)
    tied = fit_regression(x, steps, symmetry=symmetry_group([MIRROR], 2), rng=0)
    assert error(tied) < error(plain)
    surer = tied.standard_error(places).mean() / plain.standard_error(places).mean()
    assert surer < 0.9  # half as many numbers from as many steps: 1 / sqrt(2)
