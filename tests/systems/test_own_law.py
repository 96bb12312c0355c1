"""A law of one's own needs little: the rest is derived, and agrees with formulas."""

from dataclasses import dataclass

import numpy as np
import pytest

from cellstate import systems as cs


@dataclass(frozen=True, kw_only=True)
class Drift(cs.Diffusion):
    """The double well, told by its drift alone."""

    name = "my double well"
    box = ((-2.2, 2.2),)

    def drift(self, x, t=0.0):
        x = np.asarray(x, dtype=float)
        return -4 * x * (x**2 - 1)


@dataclass(frozen=True, kw_only=True)
class Landscape(cs.Gradient):
    """The double well in the plane, told by its potential and gradient."""

    name = "my landscape"
    axes = ("x", "y")
    box = ((-2.5, 2.5), (-2.5, 2.5))

    def potential(self, x):
        x = np.asarray(x, dtype=float)
        return (x[..., 0] ** 2 - 1) ** 2 + x[..., 1] ** 2

    def gradient(self, x):
        x = np.asarray(x, dtype=float)
        return np.stack([4 * x[..., 0] * (x[..., 0] ** 2 - 1), 2 * x[..., 1]], axis=-1)


HALVES = {
    "source": cs.HalfSpace((1.0, 0.0), -1.0),
    "target": cs.HalfSpace((-1.0, 0.0), -1.0),
}


def test_a_drift_on_a_line_is_enough():
    law = Drift(D=1 / 3, source=cs.below(-1.0), target=cs.above(1.0))
    known = cs.DoubleWell(D=1 / 3)
    assert law.transition_paths().k_ab == pytest.approx(0.0375374138, rel=1e-8)
    x = np.linspace(-1.5, 1.5, 12).reshape(3, 4, 1)
    np.testing.assert_allclose(law.committor(x), known.committor(x), atol=1e-9)
    np.testing.assert_allclose(law.jacobian(x), known.jacobian(x), atol=1e-7)
    assert law.fastest_rate == pytest.approx(8, rel=1e-6)
    steps = {"n_frames": 3, "frame_interval": 0.02, "substeps": 8, "rng": 0}
    moved, wanted = (cs.simulate(one, [[-1.0]], **steps) for one in (law, known))
    np.testing.assert_allclose(moved, wanted, atol=1e-12)


def test_a_potential_in_the_plane_is_enough():
    law = Landscape(D=1 / 3, **HALVES)
    assert law.transition_paths().nu == pytest.approx(0.0187687, rel=1e-3)
    known = cs.DoubleWell2D(D=1 / 3)
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(law.hessian(x), known.hessian(x), atol=1e-7)
    drawn = law.sample(4000, rng=1)
    variance = drawn[:, 1].var()
    assert abs(variance - 1 / 6) < 4 * (1 / 6) * np.sqrt(2 / 4000)


def test_what_cannot_be_derived_is_asked_for():
    law = Drift(D=1 / 3)
    with pytest.raises(ValueError, match="below"):
        law.committor([[0.0]])
    with pytest.raises(ValueError, match=r"sample\(n, rng\)"):
        law.sample(3)


@pytest.mark.parametrize(
    ("law", "x", "found"),
    [
        (cs.DoubleWell(), 0.5, r"\(\)"),
        (cs.DoubleWell(), np.zeros((4, 2)), r"\(4, 2\)"),
        (cs.TripleWell(), np.zeros((4, 3)), r"\(4, 3\)"),
        (cs.TripleWell(), np.zeros(3), r"\(3,\)"),
    ],
)
def test_states_of_another_shape_are_refused(law, x, found):
    for ask in (law.committor, law.drift, law.potential, law.jacobian):
        with pytest.raises(ValueError, match=f"shape .*{found}"):
            ask(x)


@pytest.mark.parametrize("law", [cs.DoubleWell(), cs.TripleWell(), cs.MaierStein()])
def test_a_state_that_is_not_known_has_no_committor(law):
    x = np.zeros((3, law.dimension))
    x[1] = np.nan
    for ask in (law.committor, law.committor_backward):
        np.testing.assert_array_equal(np.isnan(ask(x)), [False, True, False])
