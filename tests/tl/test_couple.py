"""Couplings of an AnnData: stored, read back, refused when stale."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.sparse import csr_matrix

import cellstate as cs
from cellstate._base.errors import StaleResultError
from cellstate.transport import couple


def drifting(n=30, times=(0.0, 2.0, 6.0), seed=0):
    rng = np.random.default_rng(seed)
    adata = AnnData(np.zeros((n * len(times), 1)))
    adata.obs["time"] = np.repeat(times, n)
    adata.obs["track"] = np.arange(adata.n_obs)
    adata.obs["frame"] = np.repeat(np.arange(len(times)), n)
    state = rng.normal(size=(adata.n_obs, 2))
    state[:, 0] += adata.obs["time"]
    adata.obsm["X_state"] = state
    adata.obs["high"] = state[:, 1] > 0
    return adata


@pytest.fixture
def coupled():
    adata = drifting()
    cs.tl.couple(adata, rng=0)
    return adata


def test_the_arrays_are_those_of_the_numerics(coupled):
    found = cs.get.couplings(coupled)
    truth = couple(coupled.obsm["X_state"], coupled.obs["time"].to_numpy(), rng=0)
    for name in ("source", "target", "mass", "growth", "weight", "offsets", "cost"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name))
    plan = coupled.obsp["coupling"]
    rows, columns = plan.nonzero()
    time = coupled.obs["time"].to_numpy()
    assert (time[rows] < time[columns]).all()
    # From 0 to 2 h and from 2 to 6 h each cell of the later time is reached in full.
    np.testing.assert_allclose(np.asarray(plan.sum(axis=0)).ravel()[30:], 1 / 30)
    np.testing.assert_array_equal(coupled.obs["coupling_growth"], truth.growth)
    assert list(found.null["time"]) == [2.0]


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_couplings_survive_a_file(coupled, tmp_path, suffix):
    cs.tl.descendants(coupled, "time == 0 and high")
    cs.tl.ancestors(coupled, "time == 6 and high", time=2.0)
    cs.io.write(coupled, tmp_path / f"cells.{suffix}")
    back = cs.io.read(tmp_path / f"cells.{suffix}")
    before, after = cs.get.couplings(coupled), cs.get.couplings(back)
    for name in before.__dataclass_fields__:
        one, other = getattr(before, name), getattr(after, name)
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other)
        else:
            np.testing.assert_array_equal(one, other)
    for key in ("descendants", "ancestors"):
        np.testing.assert_array_equal(
            cs.get.relatives(back, key).share, cs.get.relatives(coupled, key).share
        )
    # What was read can be gone on with.
    again = cs.tl.descendants(back, "time == 0 and high", key_added="again")
    np.testing.assert_array_equal(again.share, coupled.obs["descendants"])


def test_plans_follow_a_permutation_of_the_cells(coupled, rng_order):
    order = rng_order(coupled.n_obs)
    mixed = coupled[order].copy()
    before, after = cs.get.couplings(coupled), cs.get.couplings(mixed)
    np.testing.assert_allclose(
        after.plan(1).toarray(), before.plan(1).toarray()[np.ix_(order, order)]
    )
    mask = coupled.obs["time"].to_numpy() == 0
    mask &= coupled.obs["high"].to_numpy()
    np.testing.assert_allclose(
        cs.tl.descendants(mixed, mask[order]).share,
        cs.tl.descendants(coupled, mask).share[order],
    )


def test_relatives_by_mask_column_and_expression_agree(coupled):
    coupled.obs["chosen"] = (coupled.obs["time"] == 0) & coupled.obs["high"]
    by_rule = cs.tl.descendants(coupled, "time == 0 and high", time=2)
    for cells in ("chosen", coupled.obs["chosen"].to_numpy()):
        again = cs.tl.descendants(coupled, cells, time=2)
        np.testing.assert_array_equal(again.share, by_rule.share)
    assert (by_rule.cell_time, by_rule.time) == (0.0, 2.0)
    assert by_rule.n_cells == coupled.obs["chosen"].sum()
    np.testing.assert_array_equal(coupled.obs["descendants"], by_rule.share)
    at = coupled.obs["time"] == 2
    assert by_rule.share[~at].sum() == 0
    assert by_rule.share.sum() == pytest.approx(1)
    # Cells keep their height: descendants of high cells are high more often.
    high = (at & coupled.obs["high"]).to_numpy()
    assert by_rule.share[high].sum() > high.sum() / 30 + 0.2


def test_the_spread_of_relatives_counts_cells(coupled):
    everybody = cs.tl.descendants(coupled, "time == 0")
    assert everybody.n_effective == pytest.approx(30)  # equal shares of 30 cells
    one = np.zeros(90, dtype=bool)
    one[4] = True
    assert 1 <= cs.tl.descendants(coupled, one, time=2).n_effective < 30


def test_columns_give_growth_weights_and_lineage():
    adata = drifting(times=(0.0, 3.0))
    rng = np.random.default_rng(1)
    adata.obs["rate"], adata.obs["w"] = rng.normal(0, 0.1, 60), rng.random(60)
    adata.obs["clone"] = pd.Categorical(np.tile(["a", "b", None], 20))
    options = {"method": "exact", "rng": 0}
    ours = cs.tl.couple(
        adata, growth="rate", weights="w", lineage="clone", masses=[1, 3], **options
    )
    codes = np.tile([0, 1, -1], 20)
    truth = couple(
        adata.obsm["X_state"], adata.obs["time"], growth=adata.obs["rate"].to_numpy(),
        weights=adata.obs["w"].to_numpy(), lineage=codes, masses={0.0: 1, 3.0: 3},
        **options,
    )  # fmt: skip
    np.testing.assert_array_equal(ours.target, truth.target)
    np.testing.assert_allclose(ours.mass, truth.mass)
    assert ours.mass_ratio[0] == 3
    adata.obsp["kin"] = csr_matrix(
        (codes[:, None] == codes[None, :]) & (codes[:, None] >= 0)
    )
    by_kin = cs.tl.couple(adata, lineage="kin", key_added="by_kin", **options)
    assert by_kin.broken[0] >= 0
    assert set(adata.obsp) == {"coupling", "kin", "by_kin"}
    assert cs.get.couplings(adata, "by_kin").method == "exact"


def column(name, value):
    """A change that sets an obs column."""

    def change(adata):
        adata.obs[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.obsm["X_state"].__setitem__((0, 0), 9.0), "another 'X_state'"),
        (column("time", np.repeat([0.0, 2.0, 7.0], 30)), "another 'time'"),
        (column("coupling_growth", 0.0), "another 'coupling_gr"),
        (
            lambda a: a.obsp.__delitem__("coupling"),
            r"obsp\['coupling'\], which is gone",
        ),
        (lambda a: a.obsp.__setitem__("coupling", 2 * a.obsp["coupling"]), "Run cs"),
    ],
)
def test_couplings_are_refused_when_something_changed(coupled, change, message):
    change(coupled)
    with pytest.raises(StaleResultError, match=message):
        cs.get.couplings(coupled)


def test_relatives_are_refused_when_the_couplings_changed(coupled):
    cs.tl.descendants(coupled, "time == 0 and high")
    cs.tl.couple(coupled, method="exact", rng=0)
    with pytest.raises(StaleResultError, match="another 'coupling_growth'"):
        cs.get.relatives(coupled)


def test_cells_without_a_state_are_left_out(coupled):
    coupled.obsm["X_state"][[3, 40]] = np.nan
    result = cs.tl.couple(coupled, rng=0)
    assert result.n_left_out == 2
    back = cs.get.couplings(coupled)
    np.testing.assert_array_equal(back.time_index, result.time_index)
    assert (coupled.obs["coupling_weight"].iloc[[3, 40]] == 0).all()
    with pytest.raises(ValueError, match="cells of one time"):
        cs.tl.descendants(coupled, np.isnan(coupled.obsm["X_state"][:, 0]))


BAD = {
    "days": (column("time", "day 1"), r"hours as numbers; found"),
    "one time": (
        column("time", 1.0),
        r"two times or more; found 1",
    ),
    "constant": (lambda a: a.obsm.__setitem__("X_state", np.ones((90, 2))), "constant"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told(name):
    adata = drifting()
    change, message = BAD[name]
    change(adata)
    with pytest.raises(ValueError, match=message):
        cs.tl.couple(adata)


def test_missing_pieces_name_the_call():
    adata = drifting()
    with pytest.raises(KeyError, match=r"Run cs\.tl\.couple\(adata\)"):
        cs.tl.descendants(adata, "time == 0")
    with pytest.raises(KeyError, match=r"no 'rate' in adata\.obs"):
        cs.tl.couple(adata, growth="rate")
    del adata.obsm["X_state"]
    with pytest.raises(KeyError, match=r"Run cs\.tl\.embed"):
        cs.tl.couple(adata)
