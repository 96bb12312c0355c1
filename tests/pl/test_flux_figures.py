"""Figures of the reactive flux show what is stored."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch, Rectangle

import cellstate as cs
from cellstate.pl import _style as style


def drawn(ax):
    ax.figure.canvas.draw()
    return ax


@pytest.fixture
def grouped(adata):
    adata.obs["group"] = pd.cut(
        adata.obsm["X_state"][:, 0], [-9, 1, 1.8, 9], labels=["near", "half", "far"]
    ).astype(str)
    cs.tl.reactive_flux(adata, groups="group", n_bootstrap=20, rng=0)
    return adata


def test_streamlines_lead_from_a_to_b(adata, ax):
    drawn(cs.pl.reactive_current(adata, ax=ax))
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    parts = np.concatenate([np.asarray(c.get_segments()) for c in lines])
    assert len(parts) > 20
    assert (parts[:, 1, 0] - parts[:, 0, 0]).mean() > 0
    assert "component 1 (" in ax.get_xlabel()
    assert "passages per h" in ax.figure.axes[-1].get_ylabel()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["A", "B"]


def test_components_can_be_exchanged_and_must_exist(adata, ax):
    drawn(cs.pl.reactive_current(adata, components=(1, 0), ax=ax))
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    parts = np.concatenate([np.asarray(c.get_segments()) for c in lines])
    assert (parts[:, 1, 1] - parts[:, 0, 1]).mean() > 0
    with pytest.raises(ValueError, match=r"must be two of the 2 columns"):
        cs.pl.reactive_current(adata, components=(0, 5), ax=ax)


def test_a_single_component_shows_passages_per_hour_beside_nu(adata, ax):
    adata.obsm["X_line"] = adata.obsm["X_state"][:, :1]
    made = cs.tl.reactive_flux(adata, basis="X_line", n_bootstrap=5, rng=0)
    drawn(cs.pl.reactive_current(adata, ax=ax))
    level = [line for line in ax.lines if line.get_color() == style.ORANGE]
    assert level[0].get_ydata()[0] == pytest.approx(made.nu.value)
    assert ax.get_ylabel() == "reactive current (passages per h)"
    heights = ax.containers[0].lines[0].get_ydata()
    between = (adata.obs["state"] == "other").to_numpy()
    flow = (made.current[:, 0] * made.density)[between]
    assert flow.min() <= heights.min() <= heights.max() <= flow.max()


def test_bars_and_bands_are_as_tall_as_the_flux(grouped, ax):
    flux = cs.get.reactive_flux(grouped)
    drawn(cs.pl.pathways(grouped, ax=ax))
    bars = [p for p in ax.patches if isinstance(p, Rectangle)]
    total = flux.net[0].sum()
    want = np.maximum(flux.net.sum(axis=0), flux.net.sum(axis=1)) / total
    heights = sorted(bar.get_height() for bar in bars)
    np.testing.assert_allclose(heights, sorted(want[want > 0]), rtol=1e-6)
    x = {bar.get_facecolor()[:3]: bar.get_x() for bar in bars}
    assert min(x.values()) == bars[0].get_x()  # A comes first
    bands = [p for p in ax.patches if isinstance(p, PathPatch)]
    widths = sorted(
        float(v[0, 1] - v[7, 1]) for v in (p.get_path().vertices for p in bands)
    )
    best = flux.pathways["path"][0].split(" > ")
    strong = [flux.pathways["flux"][0]] * (len(best) - 1)
    links = [*flux.net[flux.net >= 0.01 * total], *strong]
    np.testing.assert_allclose(widths, np.sort(links) / total, rtol=1e-6)
    words = [t.get_text() for t in ax.get_legend().get_texts()]
    assert words[0].startswith(flux.pathways["path"][0])
    names = {t.get_text() for t in ax.texts}
    assert {"A", "B", best[1]} <= names


def test_bars_do_not_stand_on_each_other(grouped, ax):
    bars = [
        p.get_bbox()
        for p in drawn(cs.pl.pathways(grouped, ax=ax)).patches
        if isinstance(p, Rectangle)
    ]
    for n, one in enumerate(bars):
        assert not any(one.overlaps(other) for other in bars[n + 1 :])


def test_no_pathway_is_said_so(adata, ax):
    state = adata.obs["state"].astype(str)
    # Nobody arrives: each track is cut before.
    first = adata.obs["frame"] < 2
    few = adata[first.to_numpy() | (state == "B").to_numpy()].copy()
    few.obs["track"] = np.where(
        few.obs["state"] == "B", 1000 + np.arange(few.n_obs), few.obs["track"]
    )
    few.obs["parent_track"] = -1
    few.obs["committor"] = np.where(few.obs["state"] == "B", 1.0, 0.0)
    few.obs["committor_backward"] = np.where(few.obs["state"] == "B", 0.0, 1.0)
    stored = few.uns["cellstate"]
    assert "reactive_flux" in stored
    from cellstate._adata import _store as store

    fitted = dict(stored["committor"])
    fitted["inputs"] = {k: store.fingerprint(few, k) for k in fitted["inputs"]}
    few.uns["cellstate"] = {
        **{k: v for k, v in stored.items() if k != "define_states"},
        "committor": fitted | {"cells": store.fingerprint(few)},
    }
    made = cs.tl.reactive_flux(few, n_bootstrap=2, rng=0)
    assert made.nu.value == 0
    assert (
        "no pathway from A to B"
        in drawn(cs.pl.pathways(few, ax=ax)).texts[0].get_text()
    )


@pytest.mark.parametrize("name", ["reactive_current", "pathways"])
def test_what_is_missing_is_named_with_its_call(name, one_cell, ax):
    with pytest.raises(KeyError, match=r"Run cs\.tl\.reactive_flux\(adata\)"):
        getattr(cs.pl, name)(one_cell, ax=ax)
