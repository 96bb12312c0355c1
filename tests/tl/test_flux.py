"""Reactive flux and segments of an AnnData: what is stored, named and refused."""

import warnings

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate import systems
from cellstate._adata import _extract as extract
from cellstate._base.errors import StaleResultError
from cellstate.kinetics._flux import reactive_flux, reactive_segments


@pytest.fixture(scope="module")
def made():
    """Cells of a double well in the plane that divide, with a fitted committor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        adata = cs.datasets.simulate_tracks(
            systems.DoubleWell2D(D=1 / 3),
            frame_interval=0.05,
            n_cells=60,
            n_frames=300,
            division_rate=0.05,
            n_batches=2,
            rng=0,
        )
    adata.obs["state"] = adata.obs["truth_set"]
    adata.obs["third"] = pd.cut(
        adata.obsm["X_state"][:, 0], [-9, -0.4, 0.4, 9], labels=["left", "mid", "right"]
    )
    cs.tl.committor(adata, n_landmarks=200, n_bootstrap=2, rng=0)
    return adata


@pytest.fixture
def cells(made):
    return made.copy()


def test_flux_is_stored_beside_the_cells_and_read_back(cells):
    made = cs.tl.reactive_flux(cells, groups="third", n_bootstrap=20, rng=0)
    stored = cs.get.reactive_flux(cells)
    np.testing.assert_array_equal(cells.obsm["reactive_current_state"], made.current)
    np.testing.assert_array_equal(stored.current, made.current)
    assert "reactive_current_state_error" in cells.obsm
    assert stored.nodes == ("A", "left", "mid", "right", "B")
    assert stored.pathways.equals(made.pathways)
    assert made.pathways["path"][0] == "A > left > mid > right > B"
    exact = systems.DoubleWell2D(D=1 / 3).transition_paths().nu
    assert made.nu.low < exact < 1.5 * made.nu.high
    same = reactive_flux(
        np.asarray(cells.obsm["X_state"]),
        extract.tracks(cells),
        (cells.obs["state"] == "A").to_numpy(),
        (cells.obs["state"] == "B").to_numpy(),
        cells.obs["committor"].to_numpy(),
        cells.obs["committor_backward"].to_numpy(),
        frame_interval=0.05,
        groups=cells.obs["third"].astype(str).to_numpy(),
        n_bootstrap=20,
        rng=0,
    )
    np.testing.assert_array_equal(same.net, made.net)


def test_passages_agree_with_the_rates(cells):
    flux = cs.tl.reactive_flux(cells, n_bootstrap=50, rng=0)
    rates = cs.tl.rates(cells, n_bootstrap=50, rng=0)
    # Cut ends count on every surface for the one, on the edge of B for the other.
    assert flux.nu.value == pytest.approx(rates.nu.value, rel=0.1)


def test_a_second_basis_has_names_of_its_own(cells):
    cells.obsm["X_other"] = 2 * cells.obsm["X_state"]
    first = cs.tl.reactive_flux(cells, n_bootstrap=2, rng=0)
    cs.tl.reactive_flux(cells, basis="X_other", key_added="twice", n_bootstrap=2, rng=0)
    twice = cells.obsm["twice_reactive_current_other"]
    np.testing.assert_allclose(twice, 2 * first.current, atol=1e-9)
    np.testing.assert_array_equal(cs.get.reactive_flux(cells).current, first.current)


def test_segments_name_the_movies_and_follow_divisions(cells):
    made = cs.tl.reactive_segments(cells, n_bootstrap=20, rng=0)
    table = cs.get.reactive_segments(cells).table
    assert set(table["movie"]) == set(cells.obs["movie"])
    assert (table["n_divisions"] > 0).any()
    np.testing.assert_allclose(table["share"], 0.5 ** table["n_divisions"])
    assert made.n_channels == 1
    row = table[table["reactive"]].iloc[0]
    ends = cells.obs[(cells.obs["movie"] == row["movie"])]
    last = ends[(ends["track"] == row["track_end"]) & (ends["frame"] == row.frame_end)]
    assert last["state"].tolist() == ["B"]
    same = reactive_segments(
        np.asarray(cells.obsm["X_state"]),
        extract.tracks(cells),
        (cells.obs["state"] == "A").to_numpy(),
        (cells.obs["state"] == "B").to_numpy(),
        cells.obs["committor"].to_numpy(),
        cells.obs["committor_backward"].to_numpy(),
        frame_interval=0.05,
        n_bootstrap=20,
        rng=0,
    )
    np.testing.assert_array_equal(same.table["weight"], table["weight"])
    given = cs.tl.reactive_segments(cells, n_channels=2, n_bootstrap=5, rng=0)
    assert given.channel_share.shape == (2,)
    assert given.channel_path.shape == (2, len(given.levels), 2)


def test_the_time_column_sets_the_unit(cells):
    one = cs.tl.reactive_segments(cells, n_bootstrap=5, rng=0).transition_path_time
    rate = cs.tl.reactive_flux(cells, n_bootstrap=5, rng=0).nu
    cells.obs["time"] = 3 * cells.obs["time"]
    cs.tl.committor(cells, n_landmarks=200, n_bootstrap=2, rng=0)
    longer = cs.tl.reactive_segments(cells, n_bootstrap=5, rng=0).transition_path_time
    assert longer.value == pytest.approx(3 * one.value)
    slower = cs.tl.reactive_flux(cells, n_bootstrap=5, rng=0).nu
    assert slower.value == pytest.approx(rate.value / 3)


@pytest.mark.parametrize("name", ["reactive_flux", "reactive_segments"])
def test_a_committor_with_a_horizon_or_without_a_source_is_refused(cells, name):
    cs.tl.committor(
        cells, None, "B", horizon=1.0, n_landmarks=20, n_bootstrap=0, key_added="soon"
    )
    with pytest.raises(ValueError, match=r"source='', horizon=1 h under 'soon'.*Run"):
        getattr(cs.tl, name)(cells, key="soon")


@pytest.mark.parametrize("name", ["reactive_flux", "reactive_segments"])
def test_a_committor_that_changed_or_is_missing_is_refused(cells, name):
    getattr(cs.tl, name)(cells, n_bootstrap=2, rng=0)
    cells.obs["committor_backward"] = 0.5
    with pytest.raises(StaleResultError, match="another 'committor_backward'"):
        getattr(cs.tl, name)(cells)
    with pytest.raises(StaleResultError, match=f"Run cs.tl.{name}"):
        getattr(cs.get, name)(cells)
    with pytest.raises(KeyError, match=r"cs\.tl\.committor\(adata, key_added='none'"):
        getattr(cs.tl, name)(cells, key="none")


def test_groups_that_changed_make_the_flux_stale(cells):
    cs.tl.reactive_flux(cells, groups="third", n_bootstrap=2, rng=0)
    cells.obs["third"] = cells.obs["third"].cat.rename_categories({"mid": "centre"})
    with pytest.raises(StaleResultError, match="another 'third'"):
        cs.get.reactive_flux(cells)


def test_groups_must_name_every_cell_between_the_states(cells):
    between = np.flatnonzero(cells.obs["state"] == "other")
    third = cells.obs["third"].astype(object)
    third.iloc[np.flatnonzero(cells.obs["state"] == "A")[:4]] = np.nan
    cells.obs["third"] = third  # in A nobody asks
    cs.tl.reactive_flux(cells, groups="third", n_bootstrap=2, rng=0)
    third.iloc[between[:3]] = np.nan
    cells.obs["third"] = third
    with pytest.raises(
        ValueError, match=r"found 3 without one in adata.obs\['third'\]"
    ):
        cs.tl.reactive_flux(cells, groups="third")
    with pytest.raises(ValueError, match=r"must name groups.*found float64.*pd\.cut"):
        cs.tl.reactive_flux(cells, groups="committor")
    with pytest.raises(KeyError, match=r"no 'nowhere' in adata.obs"):
        cs.tl.reactive_flux(cells, groups="nowhere")
