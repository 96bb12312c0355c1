"""Circulation of laws whose share is a formula, and its test."""

import numpy as np
import pytest
from scipy.stats import kstest

from cellstate import systems
from cellstate.flow import fit_regression
from cellstate.sde import track_steps

FRAME = 0.02


def landscape(strength):
    return systems.NonEquilibriumLandscape(D=0.1, circulation=strength, p1=0.0, p2=1.0)


def fitted(law, tracks_of, rng, *, n=45, n_frames=100, frame=FRAME, **options):
    rng = np.random.default_rng(rng)
    paths = systems.simulate(
        law, law.sample(n, rng), n_frames=n_frames, frame_interval=frame, rng=rng
    )
    x = paths.transpose(1, 0, 2).reshape(-1, 2)
    steps = track_steps(x, tracks_of(n, n_frames, frame))
    return fit_regression(x, steps, rng=0, **options)


@pytest.fixture(scope="module")
def turning(tracks_of):
    """Circulations of three sets at c = 0.5, 90 cell-hours each."""
    return [fitted(landscape(0.5), tracks_of, seed) for seed in range(3)]


def test_a_share_of_a_fifth_is_found(turning):
    share = [fit.circulation.share for fit in turning]
    # c^2 / (1 + c^2); intervals are some 0.15 wide.
    assert np.mean([s.value for s in share]) == pytest.approx(0.2, abs=0.07)
    assert sum(s.low <= 0.2 <= s.high for s in share) >= 2
    assert all(0.05 < s.high - s.low < 0.3 for s in share)
    assert all(fit.circulation.p < 1e-6 for fit in turning)


def test_entropy_production_is_the_formula_of_the_law(turning):
    found = [fit.circulation.entropy_production for fit in turning]
    exact = landscape(0.5).entropy_production()
    assert found[0].unit == "1/h"
    assert np.mean([e.value for e in found]) == pytest.approx(exact, rel=0.4)
    assert sum(e.low <= exact <= e.high for e in found) >= 2


def test_detailed_balance_is_kept_where_it_holds(tracks_of):
    law = systems.OrnsteinUhlenbeck(D=1.0, rate=1.0)
    found = [
        fitted(law, tracks_of, seed, n=20, n_frames=50, frame=0.1, penalty=0.01)
        for seed in range(10)
    ]
    p = [fit.circulation.p for fit in found]
    assert kstest(p, "uniform").pvalue > 0.01
    held = [fit.circulation.share.low == 0 for fit in found]
    assert sum(held) >= 8  # of 10 at 95 %: fewer with a chance of 1 %


def test_all_of_a_rotation_about_a_pull_is_circulation(tracks_of):
    law = systems.OrnsteinUhlenbeck(D=1.0, rate=1.0, rotation=1.0)
    fit = fitted(law, tracks_of, 3, frame=0.05)
    # <|w J x|^2> / <|b|^2> is 1 / 2; production 2 w^2 / k.
    assert fit.circulation.share.low < 0.5 < fit.circulation.share.high
    production = fit.circulation.entropy_production
    assert production.low < law.entropy_production() < production.high
    assert production.value == pytest.approx(2, rel=0.35)


def test_diffusion_of_different_size_per_axis_is_allowed_for(tracks_of):
    # Coordinates stretched by 1 and 3: reversible motion stays so, though the drift
    # is no longer the gradient of anything without the mobility.
    law, rng = systems.BinaryChoice(D=0.3, p2=0.5), np.random.default_rng(5)
    paths = systems.simulate(
        law, law.sample(40, rng), n_frames=60, frame_interval=0.01, rng=rng
    )
    stretch = np.array([[1.0, 0.0], [0.8, 3.0]])
    x = paths.transpose(1, 0, 2).reshape(-1, 2) @ stretch.T
    fit = fit_regression(x, track_steps(x, tracks_of(40, 60, 0.01)), rng=0)
    assert fit.circulation.p > 0.01
    assert fit.circulation.share.low == 0


@pytest.mark.parametrize("drift", ["gradient", "split"])
def test_the_share_is_that_of_a_free_drift_whatever_is_fitted(tracks_of, drift):
    law = systems.OrnsteinUhlenbeck(D=1.0, rate=1.0, rotation=1.0)
    options = {"n": 20, "n_frames": 40, "frame": 0.05}
    free, other = (
        fitted(law, tracks_of, 7, drift=form, **options) for form in ("free", drift)
    )
    assert other.drift_kind == drift
    assert other.circulation.share.value == pytest.approx(free.circulation.share.value)


@pytest.mark.parametrize(
    ("law", "frame", "limit"),
    [
        (systems.OrnsteinUhlenbeck(D=1.0, rate=1.0), 0.05, 0.2),
        (systems.BinaryChoice(D=0.3, p2=0.5), 0.01, 0.6),
    ],
    ids=lambda given: getattr(given, "name", None),
)
def test_a_gradient_fit_has_the_potential_of_the_law(tracks_of, law, frame, limit):
    fit = fitted(law, tracks_of, 9, frame=frame, drift="gradient")
    x = law.sample(300, rng=1)
    found, exact = fit.potential(x), law.potential(x)
    off = (found - found.mean()) - (exact - exact.mean())
    assert np.sqrt(np.mean(off**2)) < limit * exact.std()
    # Without circulation the slope of the drift is symmetric, but for the mobility.
    slope = np.linalg.solve(fit.model.design.mobility, fit.jacobian(x))
    np.testing.assert_allclose(slope, slope.transpose(0, 2, 1), atol=1e-6)


def test_a_gradient_fit_to_a_rotation_keeps_the_pull_only(tracks_of):
    law = systems.OrnsteinUhlenbeck(D=1.0, rate=1.0, rotation=2.0)
    options = {"n": 40, "n_frames": 60, "frame": 0.05}
    gradient = fitted(law, tracks_of, 11, drift="gradient", **options)
    split = fitted(law, tracks_of, 11, drift="split", **options)
    at = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(gradient.drift(at), -at, atol=0.45)
    assert np.abs(split.drift(at) - law.drift(at)).max() < 0.6
    assert np.isfinite(split.potential(at)).all()


def test_one_coordinate_cannot_circulate(tracks_of):
    x = np.random.default_rng(0).normal(size=(600, 1)).cumsum(axis=0)
    fit = fit_regression(x, track_steps(x, tracks_of(10, 60, 0.1)), rng=0)
    assert fit.circulation is None
    said = fit.identifiable.set_index("quantity").loc["circulation"]
    assert said["status"] == "no"
