"""Counts, clones, trees and colonies: the tables hold what the formulas say."""

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

import cellstate as cs

MAKERS = {
    "birth_death": {"n_cells": 3, "n_frames": 4},
    "branching": {"n_cells": 3, "n_frames": 4},
    "bifurcating_autoregression": {"n_trees": 3, "n_generations": 3},
    "desai_zwanzig": {"n_colonies": 2, "n_cells": 3, "n_frames": 4},
    "polarity": {"n_cells": 3, "n_frames": 4},
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_tables_are_valid_and_survive_a_file(name, suffix, tmp_path):
    adata = getattr(cs.datasets, name)(**MAKERS[name], rng=1)
    cs.validate(adata)
    again = getattr(cs.datasets, name)(**MAKERS[name], rng=1)
    np.testing.assert_array_equal(adata.X, again.X)
    if suffix == "zarr":
        pytest.importorskip("zarr")
    path = tmp_path / f"cells.{suffix}"
    cs.io.write(adata, path)
    read = cs.io.read(path)
    truth, kept = cs.get.truth(adata), cs.get.truth(read)
    assert kept.system == truth.system
    assert kept.numbers["value"].tolist() == truth.numbers["value"].tolist()
    np.testing.assert_array_equal(read.obsm["X_state"], adata.obsm["X_state"])


def test_counts_are_poisson_in_every_frame():
    adata = cs.datasets.birth_death(n_cells=4000, n_frames=3, frame_interval=1, rng=0)
    last = adata.X[adata.obs["frame"] == 2, 0].astype(int)
    seen = np.bincount(np.minimum(last, 11), minlength=12)
    wanted = 4000 * np.append(poisson.pmf(np.arange(11), 5), poisson.sf(10, 5))
    assert chisquare(seen, wanted).pvalue > 1e-4


def test_the_rate_of_the_counts_is_the_exact_one():
    adata = cs.datasets.birth_death(n_cells=400, n_frames=400, rng=2)
    cs.tl.define_states(adata, source="truth_set == 'A'", target="truth_set == 'B'")
    cs.tl.committor(adata, n_bootstrap=5, rng=0)
    found = cs.tl.rates(adata, rng=0, n_bootstrap=200)
    # 20 frames an hour see nearly all passages of a chain that moves 10 times an hour.
    assert found.k_ab.value == pytest.approx(cs.get.truth(adata).k_ab, rel=0.15)
    error = adata.obs["committor"] - adata.obs["truth_committor"]
    assert np.sqrt((error**2).mean()) < 0.03


def test_clones_grow_and_die_out_as_the_formulas_say():
    n = 3000
    adata = cs.datasets.branching(
        division_rate=0.3, death_rate=0.1, n_cells=n, n_frames=21, rng=3
    )
    truth = cs.get.truth(adata)
    final = (adata.obs["frame"] == 20).sum() / n
    assert truth.number("expected cells") == pytest.approx(np.exp(0.2 * 20 * 0.2))
    growth, hours = 0.2, 4.0
    variance = 0.4 / growth * np.exp(growth * hours) * (np.exp(growth * hours) - 1)
    # Cells neither divide nor die before they were seen once: a bias of a few 1e-3.
    error = 4 * np.sqrt(variance / n) + 0.01
    assert abs(final - truth.number("expected cells")) < error
    assert truth.number("extinction") == pytest.approx(1 / 3)


def test_kin_are_as_alike_as_the_law_says():
    adata = cs.datasets.bifurcating_autoregression(n_trees=2000, n_generations=5, rng=4)
    value = adata.X[:, 0]
    row = {t: i for i, t in enumerate(adata.obs["track"])}
    parent = np.array([row.get(p, -1) for p in adata.obs["parent_track"]])
    born = np.flatnonzero(parent >= 0)
    found = np.corrcoef(value[born], value[parent[born]])[0, 1]
    truth = cs.get.truth(adata)
    assert found == pytest.approx(truth.number("mother-daughter"), abs=0.03)
    sisters = np.corrcoef(value[born[::2]], value[born[1::2]])[0, 1]
    assert sisters == pytest.approx(truth.number("sisters"), abs=0.03)


def test_ordered_colonies_keep_their_mean():
    adata = cs.datasets.desai_zwanzig(n_colonies=20, n_cells=200, n_frames=100, rng=5)
    x = adata.X[:, 0].reshape(20, 200, 100)
    means = x[:, :, 50:].mean(axis=(1, 2))
    wanted = cs.get.truth(adata).number("order parameter")
    assert abs(means.mean() - wanted) < 4 * means.std() / np.sqrt(20) + 0.01


def test_directions_persist_and_forget():
    adata = cs.datasets.polarity(n_cells=3000, n_frames=21, rng=6)
    truth = cs.get.truth(adata)
    angle = np.arctan2(adata.X[:, 1], adata.X[:, 0]).reshape(3000, 21)
    hours = 20 * truth.frame_interval
    turned = np.cos(angle[:, -1] - angle[:, 0])
    wanted = np.exp(-truth.number("rotational diffusion") * hours)
    assert abs(turned.mean() - wanted) < 4 * turned.std() / np.sqrt(3000)


def test_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="immigration"):
        cs.datasets.birth_death(immigration=-1.0)
    with pytest.raises(ValueError, match="mother"):
        cs.datasets.bifurcating_autoregression(mother=1.0)
    with pytest.raises(ValueError, match="coupling"):
        cs.datasets.desai_zwanzig(coupling=0.0)
    with pytest.raises(TypeError, match="horizon"):
        cs.datasets.branching(horizon=3)
