"""Relatives stand where their cells are, coloured by their share."""

import numpy as np

import cellstate as cs


def test_shares_are_drawn_over_the_mean_share(adata, ax):
    found = cs.get.relatives(adata)
    cs.pl.relatives(adata, components=(1, 0), ax=ax)
    ax.figure.canvas.draw()
    other, here = ax.collections[:2]
    at = (adata.obs["time"] == adata.obs["time"].max()).to_numpy()
    x = adata.obsm["X_state"][:, [1, 0]]
    np.testing.assert_allclose(other.get_offsets(), x[~at])
    order = np.flatnonzero(at)[np.argsort(found.share[at], kind="stable")]
    np.testing.assert_allclose(here.get_offsets(), x[order])
    np.testing.assert_allclose(here.get_array(), found.share[order] * at.sum())
    np.testing.assert_allclose(here.get_array().mean(), 1)
    assert here.get_clim()[0] == 0
