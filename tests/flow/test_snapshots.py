"""Flows from snapshots: paths of coupled cells, and balance for a known diffusion."""

import numpy as np
import pandas as pd
import pytest

from cellstate import systems
from cellstate.flow import (
    Snapshots,
    fit_balance,
    fit_transport,
    follow,
    refuse_snapshots,
    transport_paths,
)
from cellstate.flow._snapshot_fit import implied_growth
from cellstate.transport import couple, wasserstein

NONE = pd.DataFrame()
TIMES = (0.0, 1.0, 2.0, 4.0)


def cloud(n, at, rng, d=2):
    return rng.normal(size=(n, d)) * 0.3 + np.asarray(at)


def carried(mean, n=150, seed=0):
    """Clouds around a mean that moves; exact couplings of them."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([cloud(n, mean(t), rng) for t in TIMES])
    time = np.repeat(TIMES, n)
    return x, time, couple(x, time, method="exact", null=NONE, rng=0)


def straight(t):
    return np.array([2.0 * t, -t])


def parabola(t):
    return np.array([0.5 * t**2, 0.0])


def test_paths_begin_and_end_at_their_cells():
    x, _, chain = carried(parabola)
    paths = transport_paths(x, chain)
    count = len(paths.mass)
    np.testing.assert_allclose(paths.at(np.zeros(count))[0], paths.start)
    np.testing.assert_allclose(paths.at(np.ones(count))[0], paths.stop, atol=1e-12)
    for k in range(3):
        assert paths.mass[paths.interval == k].sum() == pytest.approx(1)


def test_velocities_are_derivatives_of_the_paths():
    x, _, chain = carried(parabola)
    paths = transport_paths(x, chain)
    share, step = np.full(len(paths.mass), 0.3), 1e-6
    ahead, behind = paths.at(share + step)[0], paths.at(share - step)[0]
    numerical = (ahead - behind) / (2 * step * paths.span[:, None])
    np.testing.assert_allclose(paths.at(share)[1], numerical, atol=1e-6)


def test_a_bend_brings_paths_closer_to_a_parabola():
    x, _, chain = carried(parabola)
    last = slice(300, None)  # from 2 h to 4 h: the middle is at 4.5, not at 5
    errors = []
    for bent in (0.0, 0.5, 1.0):
        paths = transport_paths(x, chain, bent)
        middle = paths.at(np.full(len(paths.mass), 0.5))[0][last]
        errors.append(abs(middle[:, 0].mean() - 4.5))
    # At 2 h the velocity is known, 2; at the end the bend runs out, which keeps 3/4 of
    # it. Standard error of a mean: 0.3 / sqrt(150) = .02.
    assert errors[0] == pytest.approx(0.5, abs=0.08)
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] == pytest.approx(0.125, abs=0.08)


def test_cells_that_are_followed_arrive_with_the_cloud():
    x, time, chain = carried(straight)
    paths = transport_paths(x, chain)
    rng = np.random.default_rng(5)
    moved = follow(paths, cloud(200, straight(1.0), rng), 1.0, 3.0)
    error = moved.mean(axis=0) - straight(3.0)
    assert np.abs(error).max() < 0.12  # 0.3 / sqrt(150) and as much again, four times
    back = follow(paths, x[time == 2.0], 2.0, 1.0)
    assert wasserstein(back, x[time == 1.0]) < 0.15


def test_a_uniform_motion_is_learnt_with_its_error():
    x, _, chain = carried(straight)
    fit = fit_transport(x, chain, rng=0)
    at = straight(1.5)[None] + np.array([[0.0, 0.0], [0.2, -0.1]])
    drift, error = fit.drift(at, 1.5), fit.standard_error(at, 1.5)
    assert np.abs(drift - [2.0, -1.0]).max() < 0.25
    assert (error > 0).all()
    assert (fit.diffusion(at, 1.5) == 0).all()
    assert fit.use == "snapshots"


def test_the_slope_is_the_derivative_of_the_drift():
    x, _, chain = carried(parabola)
    fit = fit_transport(x, chain, rng=0)
    at, step = parabola(1.3)[None] + 0.1, 1e-5
    numerical = np.stack(
        [
            (fit.drift(at + step * e, 1.3) - fit.drift(at - step * e, 1.3)) / (2 * step)
            for e in np.eye(2)
        ],
        axis=-1,
    )
    np.testing.assert_allclose(fit.jacobian(at, 1.3), numerical, atol=1e-6)
    np.testing.assert_allclose(
        fit.divergence(at, 1.3), np.trace(numerical, axis1=1, axis2=2), atol=1e-6
    )


def test_beyond_the_snapshots_the_drift_is_that_at_the_end():
    x, _, chain = carried(parabola)
    fit = fit_transport(x, chain, rng=0)
    at = parabola(4.0)[None]
    np.testing.assert_array_equal(fit.drift(at, 9.0), fit.drift(at, 4.0))


def test_other_units_of_time_and_space_give_the_same_motion():
    x, time, chain = carried(straight)
    fit = fit_transport(x, chain, rng=0)
    slow = couple(x * 1000, time * 60, method="exact", null=NONE, rng=0)
    other = fit_transport(x * 1000, slow, rng=0)
    at = straight(1.5)[None]
    np.testing.assert_allclose(
        other.drift(at * 1000, 90.0), fit.drift(at, 1.5) * 1000 / 60, rtol=1e-6
    )


def test_mass_comes_back_from_the_growth_that_couplings_imply():
    rng = np.random.default_rng(0)
    one = np.concatenate([cloud(150, (-3, 0), rng), cloud(150, (3, 0), rng)])
    two = np.concatenate([cloud(90, (-3, 0), rng), cloud(270, (3, 0), rng)])
    x, time = np.concatenate([one, two]), np.repeat([0.0, 4.0], [300, 360])
    chain = couple(x, time, masses={0.0: 1.0, 4.0: 1.2}, null=NONE, rng=0)
    growth = implied_growth(x, chain)
    mass = np.exp(4.0 * growth(one)[:, 0])
    assert mass.mean() == pytest.approx(1.2, rel=0.03)
    # True factors .6 and 1.8; the relaxed plan shrinks their contrast.
    assert mass[:150].mean() < 0.9
    assert mass[150:].mean() > 1.4


def relaxing(n=1500, seed=0):
    """Cells of dX = -2 X dt + noise that start off centre; D = 0.5."""
    law = systems.OrnsteinUhlenbeck(D=0.5, rate=2.0, d=1)
    rng = np.random.default_rng(seed)
    times = np.array([0.0, 0.1, 0.2, 0.3, 0.5])
    parts = []
    for t in times:
        start = 2.0 + 0.3 * rng.normal(size=(n, 1))
        x = start
        if t:
            x = systems.simulate(law, start, n_frames=2, frame_interval=t, rng=rng)[1]
        parts.append(x)
    return Snapshots(tuple(parts), times)


def test_a_pull_comes_out_of_snapshots_when_the_diffusion_is_known():
    fit = fit_balance(relaxing(), np.array([[0.5]]), rng=0)
    at = np.array([[0.8], [1.4], [2.0]])
    drift, error = fit.drift(at)[:, 0], fit.standard_error(at)[:, 0]
    assert (np.abs(drift + 2 * at[:, 0]) < 4 * error + 0.15).all()
    assert (error < 0.5).all()
    height = fit.potential(at)
    assert height[2] - height[0] == pytest.approx(2.0**2 - 0.8**2, rel=0.15)
    assert "gradient" in fit.diagnosis.chosen or fit.drift_kind == "gradient"


def test_what_snapshots_cannot_tell_is_refused():
    with pytest.raises(
        ValueError, match="circulation, which snapshots do not identify"
    ):
        refuse_snapshots("split", None)
    with pytest.raises(ValueError, match="needs a diffusion"):
        refuse_snapshots("gradient", None)
    with pytest.raises(ValueError, match="leave diffusion out"):
        refuse_snapshots("free", np.eye(2))
    table = fit_balance(relaxing(300), np.array([[0.5]]), rng=0).identifiable
    status = table.set_index("quantity")["status"]
    assert status["circulation"] == "no"
    assert status["diffusion"] == "assumed"
