"""Committors within a finite time and with division."""

import numpy as np
import pytest

from cellstate.systems._integrate import heun, simulate
from cellstate.systems._laws._bifurcations import Pitchfork
from cellstate.systems._laws._wells import DoubleWell, Prinz, TiltedDoubleWell
from cellstate.systems._regions import above, below
from cellstate.systems._routes._branching_committor import (
    branching_committor,
    branching_committor_adaptive,
)
from cellstate.systems._routes._horizon import (
    committor_within,
    committor_within_by_modes,
    reach_within,
    reach_within_by_modes,
)

TIMES = [0.5, 3.0, 40.0]
LAWS = [
    DoubleWell(D=1 / 3),
    DoubleWell(D=1 / 12),
    Prinz(D=1.0),
    TiltedDoubleWell(source=above(0.96), target=below(-1.0)),
    Pitchfork(D=0.05, h=0.02),
]
X = np.linspace(-1.1, 1.1, 12)[:, None]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.name}-{law.D:.3g}")
def test_two_routes_to_a_finite_time(law):
    one, other = (
        committor_within(law, TIMES, X),
        committor_within_by_modes(law, TIMES, X),
    )
    np.testing.assert_allclose(one, other, atol=1e-7)
    one, other = reach_within(law, TIMES, X), reach_within_by_modes(law, TIMES, X)
    np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.name}-{law.D:.3g}")
@pytest.mark.parametrize("rate", [0.1, 3.0])
def test_two_routes_to_division(law, rate):
    one, other = (
        solve(law, rate, X)
        for solve in (branching_committor, branching_committor_adaptive)
    )
    np.testing.assert_allclose(one, other, atol=1e-8)


def test_stored_values_of_a_finite_time():
    """Stored reference values, finite volumes: four digits."""
    law = DoubleWell(D=1 / 3)
    q = committor_within(law, [1.0, 2.0, 10.0], [0.0])
    np.testing.assert_allclose(q, [0.4307, 0.4957, 0.5000], atol=6e-5)
    p = reach_within(law, [1.0, 2.0, 10.0], [-1.0])
    np.testing.assert_allclose(p, [0.00833, 0.0421, 0.2978], atol=6e-5)


def test_stored_values_of_division():
    law = DoubleWell(D=1 / 3)
    h = [float(branching_committor(law, rate, [-0.5])) for rate in (0, 0.1, 0.5, 1)]
    np.testing.assert_allclose(h, [0.0706, 0.0734, 0.0855, 0.1033], atol=6e-5)


@pytest.mark.parametrize("law", LAWS[:4], ids=lambda law: f"{law.name}-{law.D:.3g}")
def test_a_long_time_gives_the_committor(law):
    np.testing.assert_allclose(
        committor_within(law, 1000.0, X), law.committor(X), atol=1e-7
    )


def test_a_long_time_reaches_b_in_the_end():
    law = DoubleWell(D=1 / 3)
    slowest = 1 / law.transition_paths().k_ab
    np.testing.assert_allclose(reach_within(law, 40 * slowest, X), 1, atol=1e-7)


def test_the_mean_passage_time_is_the_integral_of_what_is_left():
    law = DoubleWell(D=1.0)
    t = np.linspace(0, 80, 321)[1:]
    left = 1 - reach_within(law, t, [-1.0])
    area = np.trapezoid(np.concatenate([[1], left]), dx=t[0])
    known = float(law.transition_paths().passage_time([-1.0]))
    assert area == pytest.approx(known, rel=2e-4)  # the rule of trapezoids


def test_chances_grow_with_time_and_with_division():
    law = TiltedDoubleWell()
    q = committor_within(law, [0.2, 0.5, 1.0, 2.0, 5.0], X)
    assert (np.diff(q, axis=0) > -1e-9).all()
    assert (reach_within(law, 2.0, X) - committor_within(law, 2.0, X) > -1e-9).all()
    h = np.array([branching_committor(law, rate, X) for rate in (0, 0.3, 1, 3)])
    assert (np.diff(h, axis=0) > -1e-12).all()


def test_division_at_rate_zero_is_the_committor():
    for law in LAWS:
        h = branching_committor(law, 0, X)
        np.testing.assert_allclose(h, law.committor(X), atol=1e-10)


def test_paths_reach_the_target_in_time_as_often_as_computed():
    law, n = DoubleWell(D=1.0), 4000
    x = simulate(
        law,
        np.full((n, 1), -0.5),
        n_frames=201,
        frame_interval=0.005,
        substeps=1,
        step=heun,
        rng=1,
    )[..., 0]
    at_end = np.maximum.accumulate(x, axis=0)[-1] >= 1
    # Crossings between frames are missed: as if B began 0.5826 sqrt(2 D dt) farther.
    late = DoubleWell(D=1.0, target=above(1 + 0.5826 * np.sqrt(2 * 0.005)))
    p = float(reach_within(late, 1.0, [-0.5]))
    assert abs(at_end.mean() - p) < 4 * np.sqrt(p * (1 - p) / n)


def test_shapes_of_times_and_states():
    law = DoubleWell()
    assert committor_within(law, 1.0, [0.0]).shape == ()
    x = np.zeros((4, 5, 1))
    assert committor_within(law, [[1.0, 2.0]], x).shape == (1, 2, 4, 5)
    assert branching_committor(law, 0.1, x).shape == (4, 5)


def test_impossible_requests_raise():
    law = DoubleWell()
    for solve in (committor_within, reach_within, committor_within_by_modes):
        with pytest.raises(ValueError, match="horizons above 0"):
            solve(law, [1.0, -1.0], [0.0])
    for solve in (branching_committor, branching_committor_adaptive):
        with pytest.raises(ValueError, match="`division_rate`"):
            solve(law, -0.1, [0.0])
    with pytest.raises(ValueError, match="one set is below"):
        committor_within(Pitchfork(mu=-1.0), 1.0, [0.0])
