"""Bridges between coupled cells, the score, and rollouts along probability flow."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.stats import energy_distance

from cellstate.flow import Snapshots
from cellstate.flow._neural import Bridges, fit_neural
from cellstate.flow._neural import _rollout as rollout
from cellstate.flow._neural._bridge_rows import bridge_rows
from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._neural._objectives import DriftObjective
from cellstate.flow._neural._stored import Frame

SLOPE = np.array([[-1.0, -0.5], [0.5, -1.0]])
SPREAD, HOURS = 0.1, 0.25
START = np.array([2.0, 0.0])


@dataclass(frozen=True, eq=False)
class Linear:
    """Drift A x, constant D, growth that is linear in the first coordinate."""

    slope: np.ndarray
    growth: float = 0.0

    def drift(self, x, t=0.0):
        return x @ self.slope.T

    def diffusion(self, x, t=0.0):
        return np.repeat(SPREAD * np.eye(2)[None], len(x), axis=0)

    def jacobian(self, x, t=0.0):
        return np.repeat(self.slope[None], len(x), axis=0)

    def growth_rate(self, x, t=0.0):
        return self.growth * x[:, 0]


def moved(x, rng):
    """Cells a quarter of an hour later, from the exact law."""
    move = expm(SLOPE * HOURS)
    final = solve_continuous_lyapunov(SLOPE, -2 * SPREAD * np.eye(2))
    kick = np.linalg.cholesky(final - move @ final @ move.T)
    return x @ move.T + rng.standard_normal(x.shape) @ kick.T


@pytest.fixture(scope="module")
def given():
    """Three snapshots of 500 cells, and which cell became which."""
    rng = np.random.default_rng(0)
    x = [START + 0.3 * rng.standard_normal((500, 2))]
    x += [moved(x[0], rng)]
    x += [moved(x[1], rng)]
    times = np.array([0.0, HOURS, 2 * HOURS])
    bridges = Bridges(
        np.concatenate(x[:2]), np.concatenate(x[1:]),
        np.repeat(times[:2], 500), np.repeat(times[1:], 500), np.ones(1000),
    )  # fmt: skip
    return bridges, Snapshots(tuple(rng.permuted(s, axis=0) for s in x), times)


def error(model, x):
    true = x @ SLOPE.T
    return ((model.drift(x) - true) ** 2).sum() / (true**2).sum()


QUICK = {"width": 32, "n_epochs": 20, "lr": 1e-2}


def test_bridges_give_the_drift(given):
    bridges, _ = given
    wrong = Linear(-0.5 * np.eye(2))
    model, history = fit_neural(wrong, bridges=bridges, rng=0, **QUICK)
    assert history.unit == "pairs"
    assert history.best_epoch() > 0
    # Brownian bridges cut corners: about (0.25 h * 1.1 / h)^2 / 4 of the drift.
    assert error(model, bridges.x0) < 0.03 < error(wrong, bridges.x0)


def test_the_weight_of_a_pair_counts(given):
    bridges, _ = given
    wrong = Linear(-0.5 * np.eye(2))
    # The other pairs are false: they run backwards, and weigh nothing.
    false = Bridges(
        np.concatenate([bridges.x0, bridges.x1]),
        np.concatenate([bridges.x1, bridges.x0]),
        *(np.tile(v, 2) for v in (bridges.t0, bridges.t1)),
        np.repeat([1.0, 0.0], 1000),
    )  # fmt: skip
    model, _ = fit_neural(wrong, bridges=false, rng=0, **QUICK)
    assert error(model, bridges.x0) < 0.03


def test_points_lie_on_brownian_bridges():
    n = 40_000
    x0, x1 = np.zeros((n, 2)), np.tile([1.0, 3.0], (n, 1))
    pairs = Bridges(x0, x1, np.zeros(n), np.full(n, 2.0), np.ones(n))
    model = NeuralModel(
        base=Linear(np.zeros((2, 2))), frame=a_frame(), drift_kind="free"
    )
    rng = np.random.default_rng(1)
    rows, kicks = bridge_rows(model, pairs, np.arange(n), 1, rng)
    share = rows.time / 2
    away = (rows.center - share[:, None] * x1) / np.sqrt(
        2 * SPREAD * 2 * share * (1 - share)
    )[:, None]
    np.testing.assert_allclose(np.cov(away.T), np.eye(2), atol=4 / np.sqrt(n))
    np.testing.assert_allclose(away, kicks.normal, atol=1e-10)
    # The base is zero: the residual is the bridge's own drift over sqrt(2 D).
    drift = (x1 - rows.center) / (2 - rows.time)[:, None]
    np.testing.assert_allclose(rows.residual, drift / np.sqrt(2 * SPREAD), atol=1e-9)
    assert rows.weight.sum() == pytest.approx(2.0 * n)


def test_energy_scores_make_up_the_energy_distance():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 1)), rng.normal(1, 2, size=(30, 1))
    mass = rng.random(40)
    scores = rollout.energy_scores(*(torch.tensor(v) for v in (x, mass, y)))
    spread = np.abs(y - y.T).mean()
    distance = np.sqrt(2 * float(scores.mean()) - spread)
    expected = energy_distance(x[:, 0], y[:, 0], u_weights=mass)
    assert distance == pytest.approx(expected, rel=1e-5)


def a_frame(**changes):
    one = {
        "center": START, "scale": np.ones(2), "speed": np.ones(2),
        "mobility": np.eye(2), "energy": 1.0, "rate": 1.0, "fixed_point": np.zeros(2),
        "time_scale": 1.0,
    }  # fmt: skip
    return Frame(**(one | changes))


def exact_flow(growth=0.0):
    """Probability flow of the true law from a Gaussian cloud, with its exact score."""
    cov = np.cov((START + 0.3 * np.random.default_rng(3).normal(size=(400, 2))).T)
    final = solve_continuous_lyapunov(SLOPE, -2 * SPREAD * np.eye(2))

    class Flow(rollout.ProbabilityFlow):
        def __init__(self):
            torch.nn.Module.__init__(self)
            self.model = NeuralModel(
                base=Linear(SLOPE, growth), frame=a_frame(), drift_kind="free"
            )

        def forward(self, t, state):
            x, _ = state
            move = expm(SLOPE * float(t))
            spread = final + move @ (cov - final) @ move.T
            precision = torch.tensor(np.linalg.inv(spread), dtype=x.dtype)
            score = -(x - torch.tensor(move @ START, dtype=x.dtype)) @ precision
            return rollout._BaseMotion.apply(x, score, self.model, float(t))

    return Flow(), cov, final


def test_probability_flow_carries_the_density():
    flow, cov, final = exact_flow()
    rng = np.random.default_rng(3)
    start = START + 0.3 * rng.normal(size=(400, 2))
    start += START - start.mean(axis=0)
    end, mass = flow.moved(torch.zeros(1), start, (0.0, HOURS))
    move = expm(SLOPE * HOURS)
    expected = final + move @ (cov - final) @ move.T
    np.testing.assert_allclose(end.mean(0), move @ START, atol=1e-5)
    np.testing.assert_allclose(np.cov(end.T), expected, atol=1e-5)
    np.testing.assert_array_equal(mass, 1)


def test_weights_grow_along_the_flow():
    flow, *_ = exact_flow(growth=0.7)
    _, mass = flow.moved(torch.zeros(1), START[None], (0.0, HOURS))
    # The cloud's middle follows the drift alone: log w = 0.7 int (e^At x)_1 dt.
    moved_by = np.linalg.solve(SLOPE, (expm(SLOPE * HOURS) - np.eye(2)) @ START)
    assert float(torch.log(mass)) == pytest.approx(0.7 * moved_by[0], rel=1e-4)


def test_the_slope_of_a_rollout_is_right(given):
    """Against differences, in the weights of the last layer."""
    bridges, snapshots = given
    frame, sizes = a_frame(time_scale=None), [2, 8, 2]
    model = NeuralModel(base=Linear(SLOPE), frame=frame, drift_kind="free")
    rng = np.random.default_rng(4)
    rows, _ = bridge_rows(model, bridges, np.arange(1000), 1, rng)
    drift = DriftObjective([rows], frame, {"free": sizes}, 0.0, "cpu")
    legs = rollout.make_legs(snapshots, 0.2, rng)
    score = torch.tensor(rng.normal(size=(3 * 8 + 8) + 9 * 2) * 0.1).float()
    objective = rollout.RolloutObjective(
        drift, legs, model, score, [3, 8, 2], a_frame(), "cpu"
    )
    weights = torch.tensor(rng.normal(size=2 * 8 + 8 + 9 * 2) * 0.3).float()
    weights.requires_grad_(True)
    loss = objective.losses(weights, 1, torch.arange(2)).sum()
    (slope,) = torch.autograd.grad(loss, weights)
    for i in (0, 20, 30, 41):
        step = torch.zeros_like(weights)
        step[i] = 0.05
        with torch.no_grad():
            up, down = (
                objective.losses(weights + s * step, 1, torch.arange(2)).sum()
                for s in (1, -1)
            )
        assert float(slope[i]) == pytest.approx(
            float(up - down) / 0.1, rel=0.05, abs=0.3
        )


def test_rollouts_help_or_are_left_out(given):
    bridges, snapshots = given
    # A weak match of the bridges, so that something is left to gain.
    settings = QUICK | {"n_epochs": 6, "lr": 1e-3}
    plain, _ = fit_neural(Linear(-0.5 * np.eye(2)), bridges=bridges, rng=0, **settings)
    tuned, history = fit_neural(
        Linear(-0.5 * np.eye(2)), bridges=bridges, snapshots=snapshots,
        n_rollout_rounds=8, rng=0, **settings,
    )  # fmt: skip
    assert list(history.parts["part"]) == ["drift", "score", "rollout"]
    assert history.best_epoch("rollout") > 0
    assert error(tuned, bridges.x0) < 0.8 * error(plain, bridges.x0)


def test_a_plan_backwards_in_time_is_refused(given):
    bridges, _ = given
    turned = Bridges(bridges.x0, bridges.x1, bridges.t1, bridges.t0, bridges.weight)
    with pytest.raises(ValueError, match="forward in time"):
        fit_neural(Linear(SLOPE), bridges=turned)
