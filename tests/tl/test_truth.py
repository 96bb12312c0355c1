"""Estimates beside the truth: what is compared, and what is left out."""

import numpy as np
import pytest

import cellstate as cs


@pytest.fixture(scope="module")
def cells():
    adata = cs.datasets.double_well(n_cells=60, n_frames=250, rng=4)
    with cs.settings.override(progress=False):
        cs.tl.define_states(adata, source="truth_set == 'A'", target="truth_set == 'B'")
        cs.tl.committor(adata, n_bootstrap=10, rng=0)
        cs.tl.rates(adata, rng=0)
        cs.tl.differentiation_events(adata)
    return adata


def test_errors_are_those_of_the_columns(cells):
    found = cs.tl.compare_with_truth(cells)
    gap = cells.obs["committor"] - cells.obs["truth_committor"]
    assert found.committor_rmse == pytest.approx(np.sqrt((gap**2).mean()))
    base = cells.obs["truth_committor"].std(ddof=0)
    assert found.committor_rmse_base == pytest.approx(base)
    assert found.committor_rmse < 0.15 * base
    assert found.system == "double well"


def test_rates_carry_their_truth_and_interval(cells):
    table = cs.tl.compare_with_truth(cells).numbers.set_index("quantity")
    assert table.loc["k_ab", "truth"] == pytest.approx(0.037537, rel=1e-4)
    rates = cs.get.rates(cells)
    for name in table.index:
        estimate = getattr(rates, name)
        low, high = table.loc[name, ["low", "high"]]
        assert (low, high) == (estimate.low, estimate.high)
        inside = "yes" if low <= table.loc[name, "truth"] <= high else "no"
        assert table.loc[name, "inside"] == inside
    assert "nu" not in table.index


def test_events_of_the_truth_itself_score_perfectly(cells):
    score = cs.tl.compare_with_truth(cells).events
    # A and B are the true ones and every frame is seen: B reached is B reached.
    assert score.n_false == 0
    assert score.n_missed == 0
    assert score.n_true > 5
    assert score.sensitivity.value > 0.8


def test_the_comparison_is_stored_and_goes_stale(cells):
    adata = cells.copy()
    made = cs.tl.compare_with_truth(adata)
    read = cs.get.comparison(adata)
    assert read.committor_rmse == made.committor_rmse
    assert read.events.n_right == made.events.n_right
    adata.obs["truth_committor"] = 0.5
    with pytest.raises(ValueError, match="truth_committor"):
        cs.get.comparison(adata)


def test_what_was_not_computed_is_left_out(cells):
    adata = cells.copy()
    del adata.uns["cellstate"]["rates"]
    del adata.uns["cellstate"]["differentiation_events"]
    found = cs.tl.compare_with_truth(adata)
    assert found.events is None
    assert found.numbers["estimate"].isna().all()
    assert (found.numbers["inside"] == "no interval").all()


def test_a_law_that_tells_of_no_events_is_compared_without_them():
    adata = cs.datasets.birth_death(n_cells=30, n_frames=100, rng=1)
    cs.tl.define_states(adata, source="truth_set == 'A'", target="truth_set == 'B'")
    cs.tl.committor(adata, n_bootstrap=2, rng=0)
    cs.tl.differentiation_events(adata)
    found = cs.tl.compare_with_truth(adata)
    assert found.events is None
    assert found.committor_rmse < 0.3 * found.committor_rmse_base


def test_cells_without_truth_are_told_where_truth_comes_from(walkers_ab):
    cs.tl.committor(walkers_ab, n_bootstrap=2, rng=0)
    with pytest.raises(KeyError, match=r"cs\.datasets"):
        cs.tl.compare_with_truth(walkers_ab)


def test_the_figure_shows_every_cell(cells):
    cs.tl.compare_with_truth(cells)
    ax = cs.pl.committor_truth(cells)
    points = ax.collections[0].get_offsets()
    assert len(points) == cs.get.comparison(cells).n_cells
    np.testing.assert_allclose(points[:, 0], cells.obs["truth_committor"])
    ax.figure.canvas.draw()
    assert "true committor (1)" in ax.get_xlabel()
