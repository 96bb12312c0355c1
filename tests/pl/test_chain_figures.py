"""Figures of macrostates show the stored timescales and the stored test."""

import numpy as np
import pytest

import cellstate as cs


def lines(ax, least=2):
    return [line for line in ax.lines if len(line.get_xdata()) >= least]


def test_timescales_stand_over_their_lags(adata, ax):
    found = cs.get.macrostates(adata)
    cs.pl.implied_timescales(adata, ax=ax)
    drawn = {line.get_label(): line for line in ax.lines}
    shown = [i for i in range(5) if (found.timescales[:, i] > 0).any()]
    for i in shown:
        line = drawn[f"process {i + 2}"]
        np.testing.assert_allclose(line.get_xdata(), found.lags)
        values = found.timescales[:, i]
        told = np.isfinite(values) & (values > 0)
        np.testing.assert_allclose(line.get_ydata()[told], values[told])
        assert np.isnan(line.get_ydata()[~told]).all()
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "implied timescale (h)"
    ax.figure.canvas.draw()


def test_the_region_below_the_lag_is_shaded(adata, ax):
    found = cs.get.macrostates(adata)
    cs.pl.implied_timescales(adata, ax=ax)
    corners = ax.collections[-1].get_paths()[0].vertices
    top = {x: corners[corners[:, 0] == x, 1].max() for x in found.lags}
    np.testing.assert_allclose(list(top.values()), found.lags)


def test_lines_are_predictions_and_points_are_counts(adata, ax):
    found = cs.get.macrostates(adata)
    cs.pl.chapman_kolmogorov(adata, ax=ax)
    for i, name in enumerate(found.names):
        line = next(one for one in ax.lines if one.get_label() == name)
        np.testing.assert_allclose(line.get_ydata(), found.predicted[:, i, i])
        points = ax.containers[i]
        np.testing.assert_allclose(points[0].get_ydata(), found.estimated[:, i, i])
        ends = np.array([s[:, 1] for s in points[2][0].get_segments()])
        low = np.minimum(found.estimated_low[:, i, i], found.estimated[:, i, i])
        np.testing.assert_allclose(ends.min(axis=1), low)
    assert f"{found.largest_deviation:.1f} SE" in ax.texts[0].get_text()
    ax.figure.canvas.draw()


@pytest.mark.parametrize("draw", [cs.pl.implied_timescales, cs.pl.chapman_kolmogorov])
def test_without_refits_and_without_macrostates(draw, adata, one_cell, ax):
    cs.tl.macrostates(adata, 2, n_cells=6, n_bootstrap=0, key_added="bare", rng=0)
    draw(adata, key="bare", ax=ax).figure.canvas.draw()
    with pytest.raises(KeyError, match=r"cs\.tl\.macrostates"):
        draw(one_cell, ax=ax)
