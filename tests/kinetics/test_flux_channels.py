"""Channels: two where there are two, one where there is one, shares that are exact."""

import warnings

import numpy as np
import pytest

import cellstate as cs
from cellstate import systems
from cellstate._adata import _extract as extract
from cellstate.kinetics._flux import reactive_segments
from cellstate.kinetics._flux._channels import LEVELS, explained, find_channels


def bundle(rng, n, middle, width=0.15, d=2):
    """Paths along a line that bulge to one side, noise at every level."""
    bulge = np.sin(np.pi * LEVELS)
    points = rng.normal(0, width, (n, LEVELS.size, d))
    # Most of what sets paths apart is the same along the way.
    points += rng.normal(0, width, (n, 1, d)) * bulge[:, None]
    points[:, :, 0] += 2 * LEVELS - 1
    points[:, :, 1] += middle * bulge
    return points


def test_two_bundles_are_two_channels_with_their_shares():
    rng = np.random.default_rng(0)
    points = np.concatenate([bundle(rng, 60, 1), bundle(rng, 30, -1)])
    found = find_channels(points, rng=rng)
    assert (found.channel[:60] == 0).all()
    assert (found.channel[60:] == 1).all()
    assert found.p < 0.05
    assert found.silhouette > 0.5
    np.testing.assert_allclose(found.path[:, 4, 1], [1, -1], atol=0.1)


def test_three_bundles_in_ten_dimensions():
    rng = np.random.default_rng(1)
    parts = [bundle(rng, n, m, d=10) for n, m in ((50, 1.5), (40, 0), (30, -1.5))]
    found = find_channels(np.concatenate(parts), rng=rng)
    assert np.bincount(found.channel).tolist() == [50, 40, 30]


@pytest.mark.parametrize("shape", ["normal", "flat", "skewed", "bent"])
def test_one_bundle_is_one_channel_at_the_stated_rate(shape):
    split = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        points = bundle(rng, 80, 0)
        offset = {
            "normal": rng.normal(size=80),
            "flat": rng.uniform(-1.7, 1.7, 80),
            "skewed": rng.exponential(size=80),
            "bent": rng.uniform(-1.7, 1.7, 80),
        }[shape]
        points[:, :, 1] += offset[:, None] * np.sin(np.pi * LEVELS)
        if shape == "bent":
            points[:, :, 0] += 0.5 * offset[:, None] ** 2
        split += len(find_channels(points, rng=rng).path) > 1
    # 5 % by name for a flat bundle, the worst case: above 4 of 20 has a chance of 1 %.
    assert split <= 4


def test_channels_closer_than_a_step_are_one():
    rng = np.random.default_rng(2)
    points = np.concatenate([bundle(rng, 40, m, width=0.01) for m in (0.1, -0.1)])
    assert len(find_channels(points, rng=rng).path) == 2
    assert len(find_channels(points, closest=0.5, rng=rng).path) == 1


def test_few_paths_are_one_channel_untested_and_a_number_given_is_obeyed():
    rng = np.random.default_rng(3)
    points = np.concatenate([bundle(rng, 9, 1), bundle(rng, 9, -1)])
    found = find_channels(points, rng=rng)
    assert len(found.path) == 1
    assert np.isnan(found.p)
    given = find_channels(points, n_channels=2, rng=rng)
    assert np.bincount(given.channel).tolist() == [9, 9]
    assert np.isnan(given.p)


def test_paths_without_a_state_are_in_no_channel():
    rng = np.random.default_rng(4)
    points = bundle(rng, 30, 0)
    points[3, 2] = np.nan
    found = find_channels(points, rng=rng)
    assert found.channel[3] == -1
    assert (np.delete(found.channel, 3) == 0).all()


def test_variance_explained_by_two_groups():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(3, 4000))
    np.testing.assert_allclose(explained(values), 2 / np.pi, atol=0.02)
    apart = np.r_[np.zeros(50), np.ones(50)][None] + rng.normal(0, 0.01, (1, 100))
    assert explained(apart)[0] > 0.99


def segments_of(law, frame_interval, n_cells, n_frames, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        adata = cs.datasets.simulate_tracks(
            law,
            frame_interval=frame_interval,
            n_cells=n_cells,
            n_frames=n_frames,
            substeps=10,
            rng=seed,
        )
    x = np.asarray(adata.obsm["X_state"])
    found = reactive_segments(
        x,
        extract.tracks(adata),
        law.source.contains(x),
        law.target.contains(x),
        law.committor(x),
        law.committor_backward(x),
        frame_interval=frame_interval,
        n_bootstrap=200,
        rng=0,
    )
    return found


def test_the_triple_well_has_two_channels_with_exact_shares():
    law = systems.TripleWell(D=1 / 1.67)
    found = segments_of(law, 0.05, 100, 1000, 0)
    assert found.n_channels == 2
    # By symmetry q = 1/2 on x = 0; paths pass it for the last time in proportion to
    # the flux, density times slope of q. The hill between the channels parts them.
    y = np.linspace(-2, 3, 2001)
    line = np.stack([np.zeros_like(y), y], axis=1)
    step = np.array([0.02, 0])
    slope = law.committor(line + step) - law.committor(line - step)
    flux = law.density(line) * slope
    hill = y[(y > 0) & (y < 1)][np.argmax(law.potential(line[(y > 0) & (y < 1)]))]
    lower = flux[y < hill].sum() / flux.sum()
    heights = found.channel_path[:, 4, 1]
    which = int(np.argmin(heights))
    assert heights[which] < hill < 0.8 < heights[1 - which]
    n_paths = (found.table["channel"] >= 0).sum()
    error = np.sqrt(lower * (1 - lower) / n_paths)
    assert n_paths > 60
    # Where the hill parts paths, its flank counts for either: 0.05 more.
    assert abs(found.channel_share[which] - lower) < 3 * error + 0.05
    width = (found.channel_high - found.channel_low)[which]
    assert 0.5 < width / (2 * 1.96 * error) < 2
    np.testing.assert_allclose(found.channel_share.sum(), 1)
    reactive = found.table["channel"][found.table["reactive"]]
    assert reactive.isin([0, 1]).all()
    assert (found.table["channel"][~found.table["reactive"]] == -1).all()


@pytest.mark.parametrize(
    "law",
    [
        systems.DoubleWell(D=1 / 3),
        systems.DoubleWell2D(D=1 / 3),
        systems.RotationalDoubleWell(D=1 / 3),
    ],
    ids=lambda law: type(law).__name__,
)
def test_double_wells_have_one_channel(law):
    found = segments_of(law, 0.05, 100, 400, 1)
    assert found.table["reactive"].sum() > 20
    assert found.n_channels == 1
    assert found.channel_share.tolist() == [1]
    assert found.channel_p > 0.05
