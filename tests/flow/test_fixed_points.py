"""Fixed points of fits against those of the laws, with their standard errors."""

import numpy as np
import pytest

from cellstate import systems
from cellstate.flow import fit_regression
from cellstate.flow._fixed_points import fixed_points
from cellstate.flow._support import support_of
from cellstate.sde import track_steps


def visited(law, n=400):
    return support_of(law.sample(n, rng=0), rng=0)


@pytest.mark.parametrize(
    "law",
    [
        systems.BinaryChoice(D=0.1, p2=0.5),
        systems.RotationalDoubleWell(D=1 / 3),
        systems.DoubleWell(D=0.2),
        systems.OrnsteinUhlenbeck(rotation=1.0),
    ],
    ids=lambda law: law.name,
)
def test_points_of_a_law_are_found(law):
    table = fixed_points(law, visited(law), 0.0)
    exact = law.fixed_points()
    d = law.dimension
    points = table[[f"x{i}" for i in range(d)]].to_numpy()
    assert len(table) == len(exact.x)
    for point, n_unstable in zip(exact.x, exact.n_unstable, strict=True):
        away = np.abs(points - point).max(axis=1)
        nearest = int(away.argmin())
        assert away[nearest] < 1e-6
        kind = {0: "stable", d: "unstable"}.get(int(n_unstable), "saddle")
        assert table["kind"].iloc[nearest] == kind
    # Errors are not known of a law; rates are those of its slope.
    assert table["se0"].isna().all()
    stable = exact.eigenvalues[exact.stable].real
    assert table["fastest"].iloc[0] == pytest.approx(stable.min(), rel=1e-6)


def test_points_of_a_fit_lie_within_their_errors(tracks_of):
    law, rng = systems.DoubleWell(D=1 / 3), np.random.default_rng(1)
    paths = systems.simulate(
        law, law.sample(60, rng), n_frames=200, frame_interval=0.02, rng=rng
    )
    x = paths.transpose(1, 0, 2).reshape(-1, 1)
    fit = fit_regression(x, track_steps(x, tracks_of(60, 200, 0.02)), rng=0)
    table = fit.fixed_points()
    inside = table[~table["extrapolated"]].sort_values("x0")
    assert inside["kind"].tolist() == ["stable", "unstable", "stable"]
    wrong = inside["x0"].to_numpy() - np.array([-1.0, 0.0, 1.0])
    assert np.abs(wrong / inside["se0"]).max() < 4
    assert inside["se0"].max() < 0.15
    # V'' is 8 in the wells and -4 between them.
    slopes = inside["slowest"].to_numpy()
    np.testing.assert_allclose(slopes, [-8, 4, -8], rtol=0.3)


def test_a_drift_without_zero_has_no_fixed_point():
    class Wind:
        def drift(self, x, t=0.0):
            return np.ones_like(x)

        def jacobian(self, x, t=0.0):
            return np.zeros((*x.shape, x.shape[1]))

    law = systems.OrnsteinUhlenbeck()
    table = fixed_points(Wind(), visited(law), 0.0)
    assert len(table) == 0
    assert {"x0", "x1", "se0", "se1", "kind", "fastest", "slowest", "extrapolated"} <= (
        set(table.columns)
    )


def test_points_beyond_the_cells_are_told():
    law = systems.RotationalDoubleWell(D=1 / 3)
    right = law.sample(2000, rng=0)
    right = right[right[:, 0] > 0.5]
    table = fixed_points(law, support_of(right, rng=0), 0.0).set_index("x0")
    away = table.index.to_numpy() < 0.1
    assert table["extrapolated"].to_numpy()[away].all()
    assert not table["extrapolated"].to_numpy()[~away].any()
