"""Balance of means between snapshots, and what it adds to tracks."""

import numpy as np
import pytest
from scipy.stats import kstest

from cellstate import systems
from cellstate.flow import Snapshots, fit_regression
from cellstate.flow._basis import polynomials
from cellstate.flow._design import Design
from cellstate.flow._weak import weak_form
from cellstate.sde import track_steps

OU = systems.OrnsteinUhlenbeck(D=1.0, rate=1.0, rotation=1.0)
WELL = systems.RotationalDoubleWell(D=1 / 3)
TIMES = np.array([0.0, 0.1, 0.2, 0.3])


def linear_design():
    basis = polynomials(np.array([[-1.0, -1.0], [1.0, 1.0]]), 1)
    return Design(free=basis, potential=None, mobility=np.eye(2))


def truth_in(design, law):
    """Coefficients of a linear law."""
    x = np.random.default_rng(0).normal(size=(20, 2))
    columns = design.columns(x).reshape(-1, design.size)
    return np.linalg.lstsq(columns, law.drift(x).ravel(), rcond=None)[0]


def ou_snapshots(rng, n=300, law=OU, start=None):
    """Independent cells at each time: Gaussian, exactly; stationary or from a point."""
    rng, parts = np.random.default_rng(rng), []
    for t in TIMES:
        x = law.sample(n, rng)
        if start is not None:
            spread = law.variance(t + 0.2) / law.variance()
            mean = law.autocorrelation(t + 0.2) @ np.array(start)
            x = mean + np.sqrt(spread) * x
        parts.append(x)
    return Snapshots(tuple(parts), TIMES)


def balance(snapshots, growth=None):
    return weak_form(snapshots, OU.drift, lambda x: OU.diffusion(x).copy(), growth)


@pytest.mark.parametrize("start", [None, (2.0, 0.0)], ids=["stationary", "relaxing"])
def test_means_balance_within_their_covariance(start):
    design, p = linear_design(), []
    c = truth_in(design, OU)
    for seed in range(40):
        weak = balance(ou_snapshots(seed, start=start))
        p.append(weak.agreement(design, c, np.zeros((c.size, c.size))))
    # Uniform but for shrinkage, which only widens.
    assert kstest(p, "uniform", alternative="greater").pvalue > 0.01
    assert np.mean(p) > 0.4


def test_another_law_does_not_balance():
    design = linear_design()
    faster = systems.OrnsteinUhlenbeck(D=1.0, rate=3.0, rotation=1.0)
    c, nothing = truth_in(design, faster), np.zeros((6, 6))
    p = balance(ou_snapshots(0, n=1000)).agreement(design, c, nothing)
    assert p < 1e-4
    # If little is known of the drift, it may be so all the same.
    assert balance(ou_snapshots(0, n=1000)).agreement(design, c, np.eye(6)) > 0.01


def test_rotation_of_a_stationary_law_leaves_the_balance():
    design = linear_design()
    weak = balance(ou_snapshots(0, n=2000))
    a, b = weak.equations(design)
    turning = truth_in(design, OU) - truth_in(design, systems.OrnsteinUhlenbeck(D=1.0))
    pull = truth_in(design, systems.OrnsteinUhlenbeck(D=1.0))
    # Little is told of the rotation beside what is told of the pull.
    assert turning @ a @ turning < 0.02 * (pull @ a @ pull)
    assert pull @ b == pytest.approx(pull @ a @ pull, rel=0.2)


def test_growth_that_favours_some_cells_moves_the_means():
    # Cells of an OU law at rest that divide at x: the mean moves by the variance of x.
    rng, n = np.random.default_rng(1), 4000
    drifted = tuple(OU.sample(n, rng) + np.array([t, 0.0]) for t in TIMES)
    shots, design = Snapshots(drifted, TIMES), linear_design()
    c, nothing = truth_in(design, OU), np.zeros((6, 6))
    growing = balance(shots, lambda x: x[:, 0])
    # d/dt E[x] = E[b] + Cov(g, x) = 1 at the first time, as seen.
    known = growing.known[0] - balance(shots).known[0]
    slopes = growing.tests.slopes(drifted[0][:1])[0, :, 1:3]
    np.testing.assert_allclose(known[:2], slopes[0], atol=0.1)
    assert growing.agreement(design, c, nothing) > balance(shots).agreement(
        design, c, nothing
    )


def test_a_constant_growth_rate_changes_nothing():
    shots = ou_snapshots(0)
    plain = balance(shots)
    same = balance(shots, lambda x: np.full(len(x), 0.7))
    np.testing.assert_allclose(same.known, plain.known, atol=1e-12)


def test_few_cells_ask_for_few_functions():
    assert balance(ou_snapshots(0, n=12)).tests.degree == 1
    assert balance(ou_snapshots(0, n=200)).tests.degree == 4


# Together with tracks


def both(seed, tracks_of, law=WELL, other=None, n=20, cells=300):
    """Tracks of one law, snapshots of it or of another."""
    rng = np.random.default_rng(seed)
    paths = systems.simulate(
        law, law.sample(n, rng), n_frames=60, frame_interval=0.02, rng=rng
    ).transpose(1, 0, 2)
    times = np.linspace(0, 59 * 0.02, 5)
    shots = Snapshots(tuple((other or law).sample(cells, rng) for _ in times), times)
    x = paths.reshape(-1, 2)
    return x, track_steps(x, tracks_of(n, 60, 0.02)), shots


def error(fit, law, x):
    wrong = fit.drift(x) - law.drift(x)
    return np.sqrt((wrong**2).sum() / (law.drift(x) ** 2).sum())


@pytest.fixture(scope="module")
def pairs(tracks_of):
    """Fits to tracks and to both, of five sets."""
    sets = [both(seed, tracks_of) for seed in range(5)]
    return [
        (
            fit_regression(x, steps, rng=0),
            fit_regression(x, steps, snapshots=shots, rng=0),
        )
        for x, steps, shots in sets
    ]


def test_snapshots_lower_the_error_of_tracks(pairs):
    x = WELL.sample(500, rng=0)
    alone, together = (
        np.median([error(pair[k], WELL, x) for pair in pairs]) for k in (0, 1)
    )
    # No drift at all scores 1.
    assert together < 0.75 * alone < 0.75
    assert all(fit.use == "both" for _, fit in pairs)
    assert all(fit.diagnosis.n_snapshots == 5 for _, fit in pairs)


def test_snapshots_of_the_same_law_agree_with_the_tracks(pairs):
    assert min(fit.diagnosis.agreement_p for _, fit in pairs) > 1e-3
    assert all(np.isnan(fit.diagnosis.agreement_p) for fit, _ in pairs)


def test_snapshots_of_another_law_do_not(tracks_of):
    other = systems.RotationalDoubleWell(D=0.1)
    x, steps, shots = both(0, tracks_of, other=other)
    fit = fit_regression(x, steps, snapshots=shots, rng=0)
    assert fit.diagnosis.agreement_p < 1e-3


def test_tracks_that_saw_one_well_do_not_contradict_snapshots_of_both(tracks_of):
    # All cells begin in the left well; those that are followed hardly leave it, and
    # alone would be fitted with a drift too simple for the right one.
    p, times = [], np.linspace(0, 59 * 0.02, 5)
    for seed in (3, 4, 7):
        rng = np.random.default_rng(seed)
        start = np.array([-1.0, 0.0]) + 0.1 * rng.standard_normal((1520, 2))
        paths = systems.simulate(
            WELL, start[:20], n_frames=60, frame_interval=0.02, rng=rng
        )
        others = systems.simulate(
            WELL, start[20:], n_frames=5, frame_interval=times[1], rng=rng
        )
        shots = Snapshots(
            tuple(x[k * 300 : (k + 1) * 300] for k, x in enumerate(others)), times
        )
        x = paths.transpose(1, 0, 2).reshape(-1, 2)
        steps = track_steps(x, tracks_of(20, 60, 0.02))
        p.append(fit_regression(x, steps, snapshots=shots, rng=0).diagnosis.agreement_p)
    assert np.median(p) > 0.05
