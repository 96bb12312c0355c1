"""Macrostates of an AnnData: what is written, what can be made of it, bad input."""

import numpy as np
import pytest
from scipy.linalg import eigh_tridiagonal

import cellstate as cs
from cellstate import systems
from cellstate._base.errors import StaleResultError

LAW = systems.DoubleWell(D=1 / 3)


@pytest.fixture(scope="module")
def followed():
    return cs.datasets.double_well(n_cells=80, n_frames=400, rng=2)


@pytest.fixture
def cells(followed):
    return followed.copy()


def lumped(adata, *args, **options):
    options = {"n_cells": 25, "n_bootstrap": 20, "rng": 0} | options
    return cs.tl.macrostates(adata, *args, **options)


def slowest_exact():
    """Slowest time of the law (h): 1 over the gap of its generator on a fine grid."""
    x = np.linspace(-2.2, 2.2, 801)
    step = x[1] - x[0]
    drift = LAW.drift(((x[1:] + x[:-1]) / 2)[:, None])[:, 0]
    forth = LAW.D / step**2 * np.exp(drift * step / 2 / LAW.D)
    back = LAW.D / step**2 * np.exp(-drift * step / 2 / LAW.D)
    stay = np.r_[forth, 0] + np.r_[0, back]
    values = eigh_tridiagonal(
        stay, -np.sqrt(forth * back), select="i", select_range=(0, 1)
    )[0]
    return 1 / values[1]


def test_the_two_wells_are_found_with_their_timescale(cells):
    interval = float(np.diff(np.unique(cells.obs["time"]))[0])
    found = lumped(cells, lag=5 * interval)
    assert found.names == ("m1", "m2")
    assert "widest gap" in found.why
    x = cells.obsm["X_state"][:, 0]
    sure = found.certainty > 0.9
    left = (found.memberships[:, 0] > 0.5)[sure]
    sides = np.sign(x[sure])
    assert abs(np.mean(sides == np.where(left, 1, -1)) - 0.5) > 0.49
    # Cells of finite size make it too short at short lags.
    exact, long = slowest_exact(), found.lags > 0.3
    assert long.sum() > 1
    assert (found.timescales_low[long, 0] < exact).all()
    assert (exact < found.timescales_high[long, 0]).all()
    assert found.timescales[-1, 0] == pytest.approx(exact, rel=0.3)
    assert found.largest_deviation < 4.5
    np.testing.assert_allclose(found.weights.sum(), 1)


def test_per_cell_values_and_sets_made_of_them(cells):
    cells.obsm["X_state"][:7] = np.nan
    found = lumped(cells, 2)
    assert cells.obs["macrostate"].isna().sum() == 7 + found.n_lost
    known = cells.obs["macrostate"].notna().to_numpy()
    best = np.array(found.names)[found.memberships[known].argmax(axis=1)]
    assert (cells.obs["macrostate"][known] == best).all()
    np.testing.assert_array_equal(
        cells.obs["macrostate_certainty"], found.memberships.max(axis=1)
    )
    np.testing.assert_array_equal(
        cs.get.macrostates(cells).memberships, cells.obsm["macrostate_memberships"]
    )
    cs.tl.define_states(
        cells,
        source="macrostate == 'm1' and macrostate_certainty > 0.9",
        target="macrostate == 'm2' and macrostate_certainty > 0.9",
    )
    sizes = cells.obs["state"].value_counts()
    assert sizes["A"] > 1000
    assert sizes["B"] > 1000


def test_two_results_stand_beside_each_other(cells):
    one = lumped(cells, 2)
    two = lumped(cells, 3, key_added="fine")
    np.testing.assert_array_equal(
        cs.get.macrostates(cells).memberships, one.memberships
    )
    np.testing.assert_array_equal(
        cs.get.macrostates(cells, "fine").memberships, two.memberships
    )
    assert set(cells.obs["fine"].cat.categories) == {"m1", "m2", "m3"}
    assert cells.obsm["fine_memberships"].shape == (cells.n_obs, 3)


def test_a_result_is_stale_when_the_space_changes(cells):
    lumped(cells, 2)
    cells.obsm["X_state"] = cells.obsm["X_state"] + 1
    with pytest.raises(StaleResultError, match="another 'X_state'"):
        cs.get.macrostates(cells)


def test_rotating_the_space_changes_little(cells):
    """k-means sees distances only."""
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.normal(size=cells.n_obs)
    cells.obsm["X_state"] = np.column_stack([cells.obsm["X_state"][:, 0], noise])
    one = lumped(cells, 2, n_bootstrap=0)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    cells.obsm["X_state"] = cells.obsm["X_state"] @ turn
    two = lumped(cells, 2, n_bootstrap=0)
    same = np.mean(one.memberships.argmax(axis=1) == two.memberships.argmax(axis=1))
    assert max(same, 1 - same) > 0.97


@pytest.mark.parametrize(
    ("args", "options", "words"),
    [
        ((1,), {}, "`n_states` must be an integer >= 2; found 1"),
        ((25,), {}, "from 2 to 24 sets can be made of 25 cells; found 25"),
        ((2,), {"lag": 1e4}, r"`lag`=10000 h is longer than every track"),
        ((2,), {"n_cells": 2}, "`n_cells` must be an integer >= 3; found 2"),
        ((2,), {"n_cells": 10**6}, "need as many states; found 32000"),
        ((2,), {"key_added": "movies"}, "reserved"),
    ],
)
def test_what_cannot_be_lumped(cells, args, options, words):
    with pytest.raises(ValueError, match=words):
        lumped(cells, *args, **options)
    assert "macrostate" not in cells.obs


def test_cells_that_nobody_follows_are_refused(cells):
    cells.obs["track"] = np.arange(1, cells.n_obs + 1)
    with pytest.raises(ValueError, match=r"no track shows a step of 1 frames"):
        lumped(cells, 2)
