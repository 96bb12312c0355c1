"""The shipped simulated movie: whole, small, and what the package makes anew."""

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate.cli import main
from cellstate.datasets import _shipped_movies as shipped


@pytest.fixture(scope="module")
def film():
    return cs.datasets.simulated_differentiation()


def test_shipped_files_stay_below_three_megabytes():
    folder = shipped.simulated_differentiation_files()["truth"].parent
    assert sum(p.stat().st_size for p in folder.iterdir()) < 3_000_000


def test_the_call_in_its_readme_makes_it_anew(film):
    again = cs.datasets.simulate_movie(
        "differentiation",
        n_cells=60,
        n_frames=40,
        shape=(224, 224),
        pixel_size=1.25,
        optics=cs.datasets.Optics(gain=0.5, read_noise=1.0),
        name="simulated_differentiation",
        rng=0,
    )
    # Another processor may round the last digit otherwise: hardly a pixel differs.
    same = [
        np.mean(np.asarray(a.masks[f]) == np.asarray(b.masks[f]))
        for a, b in [(again.movie, film.movie)]
        for f in range(40)
    ]
    assert min(same) > 0.999
    truths = [f.truth.cells["truth_committor"].to_numpy() for f in (again, film)]
    np.testing.assert_allclose(*truths, atol=1e-6)
    assert again.truth.law.k_ab == pytest.approx(film.truth.law.k_ab, rel=1e-9)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "out"
    assert main(["demo", "--simulated", "-q", "-o", str(out)]) == 0
    return out


def test_the_demo_shows_truth_beside_estimate(demo):
    page = (demo / "report.html").read_text(encoding="utf-8")
    assert "Truth beside estimate" in page
    assert "These cells were simulated (binary choice)" in page
    adata = cs.io.read(demo / "cells.h5ad")
    found = cs.get.comparison(adata)
    assert f"off by {found.committor_rmse:.3f}" in page
    assert found.committor_rmse < found.committor_rmse_base
    assert f"{found.events.n_right} were flagged" in " ".join(page.split())
    rates = cs.get.rates(adata).k_ab
    row = found.numbers.set_index("quantity").loc["k_ab"]
    assert (row["estimate"], row["low"], row["high"]) == (
        rates.value,
        rates.low,
        rates.high,
    )
    assert row["truth"] == cs.get.truth(adata).k_ab


def test_every_cell_of_the_demo_has_its_truth(demo, film):
    adata = cs.io.read(demo / "cells.h5ad")
    cells = film.truth.cells
    assert adata.n_obs == len(cells)
    at = cells.set_index(["frame", "label"]).loc[
        pd.MultiIndex.from_frame(adata.obs[["frame", "label"]])
    ]
    for name in ("truth_committor", "truth_track"):
        np.testing.assert_array_equal(adata.obs[name], at[name])
    np.testing.assert_array_equal(adata.obsm["truth_state"], at[["state_x", "state_y"]])


def test_measured_areas_are_the_true_ones(demo, film):
    adata = cs.io.read(demo / "cells.h5ad")
    at = film.truth.cells.set_index(["frame", "label"]).loc[
        pd.MultiIndex.from_frame(adata.obs[["frame", "label"]])
    ]
    whole = at["whole"].to_numpy(bool)
    ratio = adata[:, "area"].X.ravel()[whole] / at["area"].to_numpy()[whole]
    # About 130 pixels each: an edge pixel in or out changes the area by about 1 %.
    assert abs(ratio.mean() - 1) < 0.005
    assert ratio.std() < 0.03
