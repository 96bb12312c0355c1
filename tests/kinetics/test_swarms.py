"""Swarms of paths against exact committors."""

from types import SimpleNamespace as Law

import numpy as np
import pytest

from cellstate import systems
from cellstate.kinetics import _swarms as swarms


def mean_error(found, exact, n_paths):
    """Mean error over its standard error."""
    error = np.sqrt((exact * (1 - exact)).sum() / n_paths) / exact.size
    return (found.forward - exact).mean() / error


def test_ten_dimensions():
    law = systems.RotatedDoubleWell(D=1 / 3, d=10)
    x = law.sample(3000, 0)
    x = x[np.abs(law.hidden(x)[:, 0]) < 0.9][:60]
    found = swarms.committor_by_swarms(
        law, x, law.source, law.target, n_paths=150, dt=0.01, rng=1
    )
    q = law.committor(x)
    assert abs(mean_error(found, q, 150)) < 3.5
    # Of 60 intervals of 95 %, at least 51: chance of fewer below 0.001.
    assert ((found.low <= q) & (q <= found.high)).sum() >= 51
    assert (found.undecided == 0).all()
    again = swarms.committor_by_swarms(
        law, x[:2], law.source, law.target, n_paths=1, rng=1
    )
    fastest = np.abs(np.linalg.eigvals(law.jacobian(x[:2]))).max()
    assert again.dt == pytest.approx(0.02 / fastest, rel=1e-3)


def test_crossings_between_steps_are_seen():
    """A walk with coarse steps: q = x whatever the step, but for the bridges."""
    law = Law(
        drift=lambda x, t=0.0: np.zeros_like(x),
        diffusion=lambda x, t=0.0: np.full((len(x), 1, 1), 1.0),
    )
    left, right = systems.below(0.0), systems.above(1.0)
    found = swarms.committor_by_swarms(
        law, [[0.1], [0.3]], left, right, n_paths=40_000, dt=0.01, horizon=0.3, rng=0
    )
    # Method of images: chance to reach 1 before 0 within T.
    times = np.linspace(0, 0.3, 30_001)[1:]
    k = np.arange(-20, 21)[:, None]
    for x, q, low, high in zip(
        (0.1, 0.3), found.forward, found.low, found.high, strict=True
    ):
        gap = 1 - x + 2 * k
        arrivals = gap * np.exp(-(gap**2) / (4 * times)) / np.sqrt(4 * np.pi * times**3)
        exact = np.trapezoid(arrivals.sum(axis=0), times)
        se = np.sqrt(exact * (1 - exact) / 40_000)
        assert abs(q - exact) < 4 * se
        assert low < q < high
    assert (found.undecided > 0).all()


def test_states_in_the_sets_and_undefined_ones():
    law = systems.DoubleWell(D=1 / 3)
    found = swarms.committor_by_swarms(
        law, [[-1.2], [1.2], [np.nan]], law.source, law.target, n_paths=20, rng=0
    )
    np.testing.assert_array_equal(found.forward, [0, 1, np.nan])
    q = found.committor(("left", "right"))
    assert q.reason.tolist() == [0, 0, 1]
    assert (q.method, q.source) == ("sde", "left")


def test_seeds_and_permutations():
    law = systems.DoubleWell(D=1 / 3)
    x = np.array([[-0.5], [0.2]])
    one, two = (
        swarms.committor_by_swarms(law, x, law.source, law.target, dt=0.01, rng=4)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.forward, two.forward)


def test_tracks_of_swarms_follow_the_law():
    """Ornstein-Uhlenbeck: mean e^{-t}, variance D (1 - e^{-2t})."""
    law = Law(
        drift=lambda x, t=0.0: -x,
        diffusion=lambda x, t=0.0: np.full((len(x), 1, 1), 0.2),
    )
    found = swarms.swarm_tracks(law, np.ones((4000, 1)), 4, 0.5, rng=0)
    x = found["states"].reshape(4000, 4)
    t = found["time"][:4]
    np.testing.assert_allclose(t, [0, 0.5, 1, 1.5])
    spread = 0.2 * (1 - np.exp(-2 * t))
    assert (np.abs(x.mean(axis=0) - np.exp(-t)) <= 4 * np.sqrt(spread / 4000)).all()
    np.testing.assert_allclose(x.var(axis=0), spread, rtol=4 * np.sqrt(2 / 4000))
    assert found["track"][-1] == 4000


def test_bad_input_is_told():
    law = systems.DoubleWell(D=1 / 3)
    with pytest.raises(ValueError, match="horizon"):
        swarms.committor_by_swarms(law, [[0.0]], None, law.target)
    with pytest.raises(ValueError, match="no state without NaN"):
        swarms.committor_by_swarms(law, [[np.nan]], law.source, law.target)
    with pytest.raises(ValueError, match="1 undefined rows"):
        swarms.swarm_tracks(law, [[np.nan], [0.0]], 3, 0.1)
