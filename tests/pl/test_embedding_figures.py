"""Figures of shape modes and of the choice of a state space."""

import numpy as np
import pytest
from anndata import AnnData
from matplotlib.figure import Figure

import cellstate as cs


@pytest.fixture
def ax():
    return Figure().subplots()


def drawn(ax):
    ax.figure.canvas.draw()
    return ax


def test_each_mode_is_drawn_at_its_place_with_its_share(ax):
    angle = 2 * np.pi * np.arange(64) / 64
    long = np.exp(0.1 * np.random.default_rng(0).normal(size=100))[:, None]
    outlines = np.stack([long * np.cos(angle), np.sin(angle) / long], axis=-1)
    cells = AnnData(np.zeros((100, 1)))
    cells.obsm["X_contour"] = outlines.reshape(100, 128)
    modes = cs.tl.embed(cells, method="contour", n_components=3)
    drawn(cs.pl.shape_modes(cells, n_modes=2, ax=ax))
    assert len(ax.lines) == 6
    first, mean, last = (line.get_xydata() for line in ax.lines[:3])
    np.testing.assert_allclose(mean[:-1] * [1, -1], modes.mean)
    spread = 4 * np.sqrt(modes.variance[0]) * modes.modes[0]
    np.testing.assert_allclose((last - first)[:-1] * [1, -1], spread, atol=1e-12)
    assert ax.get_xticklabels()[0].get_text().startswith("mode 1\n")
    assert ax.get_ylabel() == "radii"


def test_scores_and_the_choice_are_drawn(ax):
    cells = cs.datasets.double_well(n_cells=60, n_frames=60, rng=0)
    found = cs.tl.state_space(cells, basis="X_state", rng=0)
    drawn(cs.pl.mode_choice(cells, ax=ax))
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert f"lag {found.lag:g} h" in words
    ring = next(line for line in ax.lines if line.get_markersize() == 10)
    assert ring.get_xdata()[0] == found.n_components
    assert "VAMP-E" in ax.get_ylabel()


def test_nothing_to_draw_names_the_call(ax):
    cells = AnnData(np.zeros((3, 1)))
    with pytest.raises(KeyError, match=r"cs\.tl\.embed\(adata, method='contour'\)"):
        cs.pl.shape_modes(cells, ax=ax)
    with pytest.raises(KeyError, match=r"cs\.tl\.state_space\(adata\)"):
        cs.pl.mode_choice(cells, ax=ax)
