"""Training of the networks: known drifts, noise, stops, seeds, checkpoints."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch

from cellstate._base.results import Result
from cellstate.flow._neural import Births, fit_neural
from cellstate.flow._neural import _session as session_file
from cellstate.flow._neural._data import draw_held_out, held_out_units
from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._neural._step_rows import moves_of, step_rows
from cellstate.flow._neural._stored import Frame
from cellstate.sde import Steps, track_steps

RATE, TURN, SPREAD = 1.0, 0.6, 0.5
SLOPE = np.array([[-RATE, -TURN], [TURN, -RATE]])
QUICK = {"width": 16, "n_epochs": 20, "lr": 1e-2, "diffusion": "base"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear(Result):
    """Drift A x and constant D."""

    kind: ClassVar[str] = "linear_law_of_tests"
    slope: np.ndarray
    spread: np.ndarray

    def drift(self, x, t=0.0):
        return x @ self.slope.T

    def diffusion(self, x, t=0.0):
        return np.repeat(self.spread[None], len(x), axis=0)

    def jacobian(self, x, t=0.0):
        return np.repeat(self.slope[None], len(x), axis=0)


def law(slope=SLOPE):
    return Linear(slope=np.asarray(slope), spread=SPREAD * np.eye(2))


@pytest.fixture(scope="module")
def turning(tracks_of):
    """60 tracks of 150 frames of a rotating trap, drawn from its exact law."""
    return sample(tracks_of, 60, 150, 0.1, seed=1)


def sample(tracks_of, n_tracks, n_frames, dt, seed):
    rng = np.random.default_rng(seed)
    angle = TURN * dt
    turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    move = np.exp(-RATE * dt) * np.array(turn)
    kick = np.sqrt(SPREAD / RATE * (1 - np.exp(-2 * RATE * dt)))
    x = np.empty((n_tracks, n_frames, 2))
    x[:, 0] = np.sqrt(SPREAD / RATE) * rng.standard_normal((n_tracks, 2))
    for k in range(1, n_frames):
        x[:, k] = x[:, k - 1] @ move.T + kick * rng.standard_normal((n_tracks, 2))
    tracks = tracks_of(n_tracks, n_frames, interval=dt)
    x = x.reshape(-1, 2)
    # Standard error of an entry of A from all steps: sqrt(2 D / (T var)).
    hours = n_tracks * (n_frames - 1) * dt
    error = np.sqrt(2 * SPREAD / (hours * SPREAD / RATE))
    return SimpleNamespace(x=x, steps=track_steps(x, tracks), dt=dt, error=error)


def slope_of(model, x):
    """Linear part of a drift under the density that was visited."""
    return np.linalg.lstsq(x, model.drift(x), rcond=None)[0].T


def drift_error(model, x):
    true = x @ SLOPE.T
    return ((model.drift(x) - true) ** 2).sum() / (true**2).sum()


# Drift


def test_a_wrong_base_is_put_right(turning):
    wrong = law(-0.4 * np.eye(2))
    model, history = fit_neural(wrong, turning.x, turning.steps, rng=0, **QUICK)
    gap = (slope_of(model, turning.x) - SLOPE) / turning.error
    assert np.abs(gap).max() < 3.5
    assert history.best_epoch() > 0
    assert drift_error(model, turning.x) < 0.1 * drift_error(wrong, turning.x)


def test_a_right_base_is_kept(turning):
    kept = []
    for seed in range(3):
        model, history = fit_neural(law(), turning.x, turning.steps, rng=seed, **QUICK)
        kept.append(history.best_epoch() == 0)
        if kept[-1]:
            assert model.free is None
            np.testing.assert_array_equal(model.drift(turning.x), turning.x @ SLOPE.T)
    assert sum(kept) >= 2  # each errs with a chance of 5 % at most


def test_a_gradient_cannot_turn(turning):
    wrong = law(-0.4 * np.eye(2))
    model, _ = fit_neural(
        wrong, turning.x, turning.steps, kind="gradient", rng=0, **QUICK
    )
    found = slope_of(model, turning.x)
    assert abs(found[0, 1] - found[1, 0]) < 0.02
    np.testing.assert_allclose(np.diag(found), -RATE, atol=3.5 * turning.error)


def test_a_split_turns_only_as_much_as_it_must(turning):
    wrong, rest = law(-0.4 * np.eye(2)), (turning.x, turning.steps)
    swirls = []
    for cost in (0.0, 30.0):
        model, _ = fit_neural(
            wrong, *rest, kind="split", circulation=cost, rng=0, **QUICK
        )
        found = slope_of(model, turning.x)
        swirls.append((found[1, 0] - found[0, 1]) / 2)
    assert abs(swirls[0] - TURN) < 3.5 * turning.error
    assert abs(swirls[1]) < 0.3 * TURN


def test_the_drift_obeys_a_symmetry(turning):
    quarters = [np.linalg.matrix_power([[0, -1], [1, 0]], k) for k in range(4)]
    settings = QUICK | {"n_epochs": 12}
    model, _ = fit_neural(
        law(-0.4 * np.eye(2)), turning.x, turning.steps, symmetry=quarters, rng=0,
        **settings,
    )  # fmt: skip
    there = turning.x @ quarters[1].T
    expected = model.drift(turning.x) @ quarters[1].T
    np.testing.assert_allclose(model.drift(there), expected, atol=1e-12)
    assert np.abs(slope_of(model, turning.x) - SLOPE).max() < 4 * turning.error


def test_measurement_noise_does_not_pull_the_drift(tracks_of):
    data = sample(tracks_of, 100, 200, 0.1, seed=4)
    noise = 0.04 * np.eye(2)  # of 0.1 that diffusion adds in a step
    seen = data.x + 0.2 * np.random.default_rng(5).standard_normal(data.x.shape)
    known, _ = fit_neural(law(), seen, data.steps, noise=noise, rng=0, **QUICK)
    blind, _ = fit_neural(law(), seen, data.steps, rng=0, **QUICK)
    # Blind, an increment undoes the noise of its first end: -noise / (dt var(seen)).
    pull = -0.04 / (data.dt * (SPREAD / RATE + 0.04))
    gap = np.diag(slope_of(blind, data.x) - SLOPE)
    assert (gap < 0.5 * pull).all()
    assert np.abs(np.diag(slope_of(known, data.x) - SLOPE)).max() < 0.1 * abs(pull)


def test_noise_leaves_no_pull_on_a_right_base(tracks_of):
    """Frames so long (dt * rate = 0.3) that the law moves within a step."""
    data = sample(tracks_of, 200, 100, 0.3, seed=6)
    rng, noise = np.random.default_rng(7), 0.1 * np.eye(2)
    seen = data.x + np.sqrt(0.1) * rng.standard_normal(data.x.shape)
    one = Frame(
        center=np.zeros(2), scale=np.ones(2), speed=np.ones(2), mobility=np.eye(2),
        energy=1.0, rate=1.0, fixed_point=np.zeros(2),
    )  # fmt: skip
    model = NeuralModel(base=law(), frame=one, drift_kind="free")
    moves = moves_of(seen, np.zeros(len(seen)), data.steps, data.steps.group, noise)
    rows, _ = step_rows(model, moves, rng)
    found = []
    for lean in (rows.lean, 0 * rows.lean):
        # Slope of the loss at no correction, for corrections that are linear in x.
        push = np.einsum("nji,nj->ni", rows.matrix, rows.residual)
        slope = push[:, :, None] * rows.center[:, None]
        slope = slope + lean[:, :, None] * rows.spread[:, None]
        tracks = slope.reshape(200, 99, 4).mean(axis=1)
        found.append(tracks.mean(axis=0) / tracks.std(axis=0) * np.sqrt(200))
    assert np.abs(found[0]).max() < 4
    assert np.abs(found[1]).max() > 15


# Law of a step


@dataclass(frozen=True, eq=False)
class Well:
    """Drift -4 x (x^2 - 1), D = 1/3."""

    def drift(self, x, t=0.0):
        return -4 * x * (x**2 - 1)

    def jacobian(self, x, t=0.0):
        return (4 - 12 * x**2)[..., None]

    def diffusion(self, x, t=0.0):
        return np.full((len(x), 1, 1), 1 / 3)


def test_the_mean_of_a_step_is_right_to_second_order():
    n, start, dt = 400_000, 0.9, 0.03
    rng, x = np.random.default_rng(0), np.full((n, 1), 0.9)
    for _ in range(40):
        kick = np.sqrt(2 / 3 * dt / 40) * rng.standard_normal(x.shape)
        here = Well().drift(x)
        x = x + (here + Well().drift(x + here * dt / 40 + kick)) * dt / 80 + kick
    both = np.concatenate([np.full((n, 1), start), x])
    rows = np.arange(n)
    steps = Steps(rows, n + rows, np.full(n, -1), np.full(n, dt), rows)
    one = Frame(
        center=np.zeros(1), scale=np.ones(1), speed=np.ones(1), mobility=np.eye(1),
        energy=1.0, rate=1.0, fixed_point=np.zeros(1),
    )  # fmt: skip
    model = NeuralModel(base=Well(), frame=one, drift_kind="free")
    moves = moves_of(both, np.zeros(2 * n), steps, rows, None)
    found, _ = step_rows(model, moves, rng)
    euler = x - start - dt * Well().drift(np.array([[start]]))
    bias = abs(euler.mean()) / np.sqrt(2 / 3 * dt)
    assert bias > 0.025
    assert abs(found.residual.mean()) < bias / 5  # the third order is left
    assert abs(found.residual.var() - 1) < 0.02


# Diffusion and growth


def test_diffusion_that_depends_on_the_state(tracks_of):
    rng, dt, n = np.random.default_rng(2), 0.02, (100, 200)
    x = np.empty((*n, 2))
    x[:, 0] = rng.standard_normal((n[0], 2))

    def width(at):
        return 0.5 * (1 + 0.6 * np.tanh(at))

    sub = dt / 4
    at = x[:, 0]
    for k in range(1, n[1]):
        for _ in range(4):
            kick = np.sqrt(2 * width(at[:, :1]) * sub) * rng.standard_normal(at.shape)
            at = at - at * sub + kick
        x[:, k] = at
    x = x.reshape(-1, 2)
    steps = track_steps(x, tracks_of(*n, interval=dt))
    model, history = fit_neural(
        law(-np.eye(2)), x, steps, width=16, n_epochs=25, lr=1e-2, rng=0
    )
    some = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    found = model.diffusion(some)
    expected = width(some[:, 0])
    assert history.best_epoch("diffusion") > 0
    # 20,000 steps, a few dozen weights in effect: 5 % each.
    np.testing.assert_allclose(found[:, 0, 0], expected, rtol=0.12)
    np.testing.assert_allclose(found[:, 1, 1], expected, rtol=0.12)
    assert np.abs(found[:, 0, 1]).max() < 0.05


def test_growth_where_cells_divide(turning):
    rng = np.random.default_rng(3)
    rate = 1 / (1 + np.exp(-4 * turning.x[:, 0]))
    divided = rng.random(len(rate)) < 1 - np.exp(-rate * turning.dt)
    births = Births(
        turning.x, np.zeros(len(rate)), np.full(len(rate), turning.dt),
        divided.astype(float), np.arange(len(rate)) // 150,
    )  # fmt: skip
    model, history = fit_neural(
        law(), turning.x, turning.steps, births=births, rng=0, **QUICK
    )
    assert history.best_epoch("growth") > 0
    found = model.growth_rate(turning.x)
    assert ((found - rate) ** 2).mean() < 0.3 * rate.var()
    # The mean comes from about 450 events.
    assert abs(found.mean() - rate.mean()) < 4 * rate.mean() / np.sqrt(divided.sum())


# Seeds, checkpoints, devices


def same(one, other):
    """Whether two fits are the same bit for bit, times apart."""
    for name in ("free", "psi", "root"):
        a, b = getattr(one[0], name), getattr(other[0], name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a.weights, b.weights)
    a, b = one[1].table, other[1].table
    assert a.equals(b)
    assert one[1].parts.equals(other[1].parts)


SHORT = {"width": 8, "n_epochs": 7, "lr": 1e-2}


def test_a_seed_gives_the_same_bits(turning):
    wrong = law(-0.4 * np.eye(2))
    before = torch.get_num_threads(), torch.get_rng_state()
    fits = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        fits.append(fit_neural(wrong, turning.x, turning.steps, rng=7, **SHORT))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before[0])
    same(*fits)
    assert torch.equal(torch.get_rng_state(), before[1])
    other = fit_neural(wrong, turning.x, turning.steps, rng=8, **SHORT)
    assert not np.array_equal(other[0].free.weights, fits[0][0].free.weights)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("n_writes", [1, 2, 4])
def test_a_fit_that_was_interrupted_ends_the_same(
    turning, tmp_path, monkeypatch, n_writes
):
    wrong, path = law(-0.4 * np.eye(2)), tmp_path / "fit.pt"
    given = (wrong, turning.x, turning.steps)
    whole = fit_neural(*given, rng=7, **SHORT)
    write, count = session_file.Checkpoint.write, []

    def stops(self, *args):
        write(self, *args)
        count.append(1)
        if len(count) == n_writes:
            raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(session_file.Checkpoint, "write", stops)
        with pytest.raises(Interrupted):
            fit_neural(*given, rng=7, checkpoint=path, **SHORT)
    again = fit_neural(*given, rng=7, checkpoint=path, **SHORT)
    same(whole, again)
    # Once it has ended, the file gives the result at once.
    done = fit_neural(*given, rng=None, checkpoint=path, **SHORT)
    same(whole, done)


def test_a_checkpoint_of_another_fit_is_refused(turning, tmp_path):
    path = tmp_path / "fit.pt"
    given = {**SHORT, "n_epochs": 1, "checkpoint": path}
    fit_neural(law(), turning.x, turning.steps, rng=1, **given)
    with pytest.raises(ValueError, match="other data or settings"):
        fit_neural(law(), 2 * turning.x, turning.steps, rng=1, **given)
    with pytest.raises(ValueError, match="another `rng`"):
        fit_neural(law(), turning.x, turning.steps, rng=2, **given)


def test_a_gpu_that_is_not_there(turning, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    given = (law(), turning.x, turning.steps)
    with pytest.raises(ValueError, match="found no GPU"):
        fit_neural(*given, device="cuda", **SHORT)
    _, history = fit_neural(*given, n_epochs=1, rng=0)
    assert history.device == "cpu (auto: no GPU found)"
    with pytest.raises(ValueError, match="`device` must be one of"):
        fit_neural(*given, device="tpu", **SHORT)


# What is held out


def test_whole_lineages_are_held_out(turning):
    unit, name = held_out_units(turning.steps)
    assert name == "lineages"
    held = draw_held_out(unit, 0.2, np.random.default_rng(0))
    assert not set(unit[held]) & set(unit[~held])
    assert 0.15 < held.mean() < 0.25


def test_few_lineages_are_cut_into_stretches(tracks_of):
    data = sample(tracks_of, 3, 400, 0.1, seed=0)
    unit, name = held_out_units(data.steps)
    assert name == "stretches of tracks"
    first = data.steps.first
    for code in np.unique(unit):
        rows = np.sort(first[unit == code])
        assert (np.diff(rows) == 1).all()
        assert np.ptp(data.steps.group[unit == code]) == 0
    assert 60 <= np.unique(unit).size <= 63


def test_the_order_of_cells_does_not_matter_to_what_is_held_out(turning, rng_order):
    order = rng_order(turning.steps.size)
    shuffled = Steps(*(getattr(turning.steps, n)[order] for n in
                       ("first", "second", "before", "dt", "group")))  # fmt: skip
    a = draw_held_out(held_out_units(turning.steps)[0], 0.2, np.random.default_rng(0))
    b = draw_held_out(held_out_units(shuffled)[0], 0.2, np.random.default_rng(0))
    np.testing.assert_array_equal(a[order], b)


def test_history_says_what_was_kept(turning):
    _, history = fit_neural(law(), turning.x, turning.steps, rng=0, **SHORT)
    again = type(history).from_dict(history.to_dict())
    assert list(again.parts["part"]) == ["drift", "diffusion"]
    assert again.unit == "lineages"
    assert len(again.losses()[0]) == len(again.losses()[1])
    assert again.reason() in {"n_epochs=7 reached"}
    with pytest.raises(KeyError, match="no training of 'growth'"):
        again.best_epoch("growth")


# Bad input


def test_bad_input_is_told(turning):
    x, steps = turning.x, turning.steps
    with pytest.raises(ValueError, match="steps along tracks, bridges"):
        fit_neural(law())
    broken = x.copy()
    broken[5] = np.nan
    with pytest.raises(ValueError, match="states must be finite; 1 of"):
        fit_neural(law(), broken, steps)
    with pytest.raises(ValueError, match="covariance of shape"):
        fit_neural(law(), x, steps, noise=0.1)
    with pytest.raises(ValueError, match="whole group: 1 product"):
        fit_neural(law(), x, steps, symmetry=[[[0, -1], [1, 0]]])
    with pytest.raises(ValueError, match="orthogonal"):
        fit_neural(law(), x, steps, symmetry=[2 * np.eye(2)])
    with pytest.raises(ValueError, match="are the same in every"):
        fit_neural(law(), x * [1, 0], steps)
    with pytest.raises(ValueError, match="n_rollout_rounds=2 needs"):
        fit_neural(law(), x, steps, n_rollout_rounds=2)
    with pytest.raises(ValueError, match="`kind` must be one of"):
        fit_neural(law(), x, steps, kind="curl")
    with pytest.raises(ValueError, match="several times"):
        fit_neural(law(), x, steps, time_dependent=True)
    lost = Linear(slope=SLOPE, spread=np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="not a finite, positive"):
        fit_neural(lost, x, steps)
