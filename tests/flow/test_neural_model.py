"""Fields of a neural model: zero networks, slopes, symmetry, storage."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import anndata
import numpy as np
import pytest

from cellstate._base.results import Result
from cellstate.flow._neural import Network, NeuralModel
from cellstate.flow._neural import _model as model_file
from cellstate.flow._neural._stored import Frame


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearBase(Result):
    """Drift A x, constant D; V = x' K x / 2 with A = -M K where there is one."""

    kind: ClassVar[str] = "linear_base_of_tests"
    slope: np.ndarray
    spread: np.ndarray
    stiffness: np.ndarray
    rate: float = 0.0

    def drift(self, x, t=0.0):
        return x @ self.slope.T

    def diffusion(self, x, t=0.0):
        return np.repeat(self.spread[None], len(x), axis=0)

    def growth_rate(self, x, t=0.0):
        return np.full(len(x), self.rate)

    def jacobian(self, x, t=0.0):
        return np.repeat(self.slope[None], len(x), axis=0)

    def potential(self, x, t=0.0):
        return ((x @ self.stiffness) * x).sum(axis=1) / 2


class Plain:
    """A law without a potential."""


MOBILITY = np.array([[1.2, 0.3], [0.3, 0.8]])
STIFFNESS = np.array([[2.0, 0.4], [0.4, 1.0]])
QUARTERS = np.array([np.linalg.matrix_power([[0, -1], [1, 0]], k) for k in range(4)])


def base(**changes):
    given = {
        "slope": -MOBILITY @ STIFFNESS,
        "spread": np.array([[0.5, 0.1], [0.1, 0.3]]),
        "stiffness": STIFFNESS,
        "rate": 0.1,
    }
    return LinearBase(**(given | changes))


def frame(**changes):
    given = {
        "center": np.array([0.2, -0.1]),
        "scale": np.array([1.5, 0.7]),
        "speed": np.array([2.0, 1.0]),
        "mobility": MOBILITY,
        "energy": 1.3,
        "rate": 0.5,
        "fixed_point": np.zeros(2),
    }
    return Frame(**(given | changes))


def network(n_outputs, seed, *, zero=False, n_inputs=2):
    sizes = np.array([n_inputs, 16, 16, n_outputs])
    n = sum((a + 1) * b for a, b in pairwise(sizes))
    weights = np.random.default_rng(seed).normal(size=n).astype(np.float32) / 3
    if zero:
        weights[-17 * n_outputs :] = 0
    return Network(sizes=sizes, weights=weights)


def model(kind="split", *, zero=False, **changes):
    nets = {
        "psi": None if kind == "free" else network(1, 1, zero=zero),
        "free": None if kind == "gradient" else network(2, 2, zero=zero),
        "root": network(3, 3, zero=zero),
        "growth": network(1, 4, zero=zero),
    }
    given = {"base": base(), "frame": frame(), "drift_kind": kind}
    return NeuralModel(**(given | nets | changes))


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(50, 2))


@pytest.mark.parametrize("kind", ["free", "gradient", "split"])
def test_zero_last_layers_give_the_base(kind, x):
    one, known = model(kind, zero=True), base()
    np.testing.assert_array_equal(one.drift(x), known.drift(x))
    np.testing.assert_array_equal(one.jacobian(x), known.jacobian(x))
    np.testing.assert_array_equal(one.growth_rate(x), known.growth_rate(x))
    np.testing.assert_allclose(one.diffusion(x), known.diffusion(x), rtol=1e-14)
    if kind != "free":
        np.testing.assert_array_equal(one.potential(x), known.potential(x))


def test_without_networks_the_model_is_its_base(x):
    one = NeuralModel(base=base(), frame=frame(), drift_kind="free")
    for name in ("drift", "diffusion", "growth_rate", "jacobian"):
        expected = getattr(base(), name)(x)
        np.testing.assert_array_equal(getattr(one, name)(x), expected)


def test_a_gradient_drift_has_a_symmetric_slope_and_a_potential(x):
    one = model("gradient")
    slope = np.linalg.inv(MOBILITY) @ one.jacobian(x)
    assert np.abs(one.jacobian(x) - base().jacobian(x)).max() > 0.1
    np.testing.assert_allclose(slope, slope.transpose(0, 2, 1), atol=1e-12)
    step = 1e-6 * np.eye(2)
    rise = [(one.potential(x + s) - one.potential(x - s)) / 2e-6 for s in step]
    drift = -np.stack(rise, axis=1) @ MOBILITY.T
    np.testing.assert_allclose(one.drift(x), drift, atol=1e-7)


@pytest.mark.parametrize("kind", ["free", "gradient", "split"])
def test_slopes_are_those_of_the_drift(kind, x):
    one = model(kind)
    columns = [
        (one.drift(x + step) - one.drift(x - step)) / 2e-6 for step in 1e-6 * np.eye(2)
    ]
    np.testing.assert_allclose(one.jacobian(x), np.stack(columns, axis=2), atol=1e-6)


def test_fields_turn_with_the_state(x):
    turned_base = base(spread=0.4 * np.eye(2), slope=-np.eye(2))
    one = model("free", base=turned_base, frame=frame(group=QUARTERS))
    for turn in QUARTERS:
        there = x @ turn.T
        np.testing.assert_allclose(one.drift(there), one.drift(x) @ turn.T, atol=1e-12)
        np.testing.assert_allclose(
            one.diffusion(there), turn @ one.diffusion(x) @ turn.T, atol=1e-12
        )
        np.testing.assert_allclose(
            one.jacobian(there), turn @ one.jacobian(x) @ turn.T, atol=1e-12
        )
        np.testing.assert_allclose(
            one.growth_rate(there), one.growth_rate(x), atol=1e-12
        )
    lone = model("free", base=turned_base)
    assert (
        np.abs(lone.drift(x @ QUARTERS[1].T) - lone.drift(x) @ QUARTERS[1].T).max()
        > 0.1
    )


def test_a_symmetry_may_keep_another_point(x):
    fixed = np.array([1.0, -2.0])
    one = model("free", frame=frame(group=QUARTERS, fixed_point=fixed))
    there = fixed + (x - fixed) @ QUARTERS[1].T
    expected = one.drift(x) @ QUARTERS[1].T
    np.testing.assert_allclose(one.drift(there), expected, atol=1e-12)


def test_diffusion_is_symmetric_and_positive(x):
    found = model().diffusion(x)
    np.testing.assert_allclose(found, found.transpose(0, 2, 1), atol=1e-14)
    assert np.linalg.eigvalsh(found).min() > 0


def test_time_enters_where_it_was_asked_for(x):
    timed = frame(time_center=5.0, time_scale=2.0)
    one = model(
        "free", frame=timed, free=network(2, 2, n_inputs=3), root=None, growth=None
    )
    assert np.abs(one.drift(x, 1.0) - one.drift(x, 9.0)).max() > 0.01
    each = one.drift(x, np.where(np.arange(50) < 25, 1.0, 9.0))
    np.testing.assert_array_equal(each[:25], one.drift(x, 1.0)[:25])
    np.testing.assert_array_equal(each[25:], one.drift(x, 9.0)[25:])
    still = model("free")
    np.testing.assert_array_equal(still.drift(x, 1.0), still.drift(x, 9.0))


def test_blocks_do_not_show(x, monkeypatch):
    one = model()
    whole = one.drift(x), one.diffusion(x), one.jacobian(x)
    monkeypatch.setattr(model_file, "BLOCK", 7)
    parts = one.drift(x), one.diffusion(x), one.jacobian(x)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)
    assert one.drift(x[:0]).shape == (0, 2)


def test_storage_keeps_every_bit(x, tmp_path):
    one = model(frame=frame(group=QUARTERS, time_scale=None))
    adata = anndata.AnnData(np.zeros((1, 1)))
    adata.uns["fit"] = one.to_dict()
    adata.write_h5ad(tmp_path / "fit.h5ad")
    stored = anndata.read_h5ad(tmp_path / "fit.h5ad").uns["fit"]
    for again in (NeuralModel.from_dict(one.to_dict()), NeuralModel.from_dict(stored)):
        assert again.free.weights.dtype == np.float32
        for name in ("drift", "diffusion", "growth_rate", "jacobian", "potential"):
            np.testing.assert_array_equal(
                getattr(again, name)(x), getattr(one, name)(x)
            )


def test_a_network_tells_its_layout():
    found = network(2, 0)
    assert found.layout[:2] == ("matrix 1: 2 x 16", "offsets 1: 16")
    assert len(found.layout) == 6


def test_a_free_drift_has_no_potential(x):
    with pytest.raises(ValueError, match="no potential"):
        model("free").potential(x)
    assert not model("free").has_potential
    assert model("split").has_potential
    none = model("gradient", base=Plain())
    assert not none.has_potential
    with pytest.raises(ValueError, match="base of kind 'Plain' has no potential"):
        none.potential(x)


def test_a_correction_is_the_drift_less_the_base(x):
    one = model()
    expected = one.drift(x) - base().drift(x)
    np.testing.assert_allclose(one.correction(x), expected, atol=1e-12)
    assert not replace(one, free=None, psi=None).correction(x).any()
