"""Stacks over time to an AnnData: identity, units, lineage, motion in three axes."""

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._base.errors import MovieError


def balls(centres, radius=6.0, shape=(16, 40, 60), spacing=(1.0, 0.5, 0.5)):
    """Labels 1, 2, ... of balls at z, y, x in um."""
    axes = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    labels = np.zeros(shape, np.uint16)
    for k, centre in enumerate(centres, start=1):
        away = sum(
            (axis * step - c) ** 2
            for axis, step, c in zip(axes, spacing, centre, strict=True)
        )
        labels[away < radius**2] = k
    return labels


@pytest.fixture(scope="module")
def stacks():
    """One ball that moves along x and z, and divides into two smaller ones."""
    masks = np.stack(
        [
            balls([(7.0, 10.0, 7.0)]),
            balls([(8.0, 10.0, 9.0)]),
            np.where((b := balls([(7.0, 10, 8), (7.0, 10, 20)], 4.5)) > 0, b + 1, 0),
        ]
    )
    rng = np.random.default_rng(0)
    images = 100 + 50.0 * (masks > 0) + rng.normal(0, 1, masks.shape)
    lineage = pd.DataFrame(
        {
            "frame": [0, 1, 2, 2],
            "label": [1, 1, 2, 3],
            "track": [1, 1, 2, 3],
            "parent_track": [-1, -1, 1, 1],
        }
    )
    return masks, images[:, None], lineage


SIZES = {"pixel_size": 0.5, "z_step": 1.0, "frame_interval": 0.25}


def test_volumes_positions_and_lineage(stacks):
    masks, images, lineage = stacks
    adata = cs.pp.volume_features(
        masks, images, lineage=lineage, channels=["H2B"], condition="egf", **SIZES
    )
    cs.validate(adata)
    assert adata.obs_names.tolist() == [
        "movie:0:1",
        "movie:1:1",
        "movie:2:2",
        "movie:2:3",
    ]
    np.testing.assert_allclose(adata.obs["time"], [0, 0.25, 0.5, 0.5])
    whole, half = (4 / 3 * np.pi * r**3 for r in (6.0, 4.5))
    volume = adata[:, "volume"].X.ravel()
    np.testing.assert_allclose(volume, [whole, whole, half, half], rtol=0.02)
    expected = [[7, 10, 7], [9, 10, 8], [8, 10, 7], [20, 10, 7]]
    np.testing.assert_allclose(adata.obsm["spatial"], expected, atol=0.05)
    signal = adata[:, "mean_signal_H2B"].X.ravel()
    np.testing.assert_allclose(signal, 50, atol=0.5)
    assert adata.obsp["lineage"].nnz == 3
    # From (7, 10, 7) to (9, 10, 8) in a quarter of an hour.
    speed = adata["movie:1:1", "speed"].X.item()
    assert speed == pytest.approx(np.sqrt(5) / 0.25, rel=0.02)
    assert adata.var.loc["volume", "unit"] == "um3"
    assert adata.uns["cellstate"]["movies"]["movie"]["z_step"] == 1.0


def test_it_goes_on_as_any_other_anndata(stacks, tmp_path):
    masks, images, lineage = stacks
    adata = cs.pp.volume_features(masks, images, lineage=lineage, **SIZES)
    adata.write_h5ad(tmp_path / "volume.h5ad")
    import anndata

    back = anndata.read_h5ad(tmp_path / "volume.h5ad")
    cs.validate(back)
    np.testing.assert_array_equal(back.X, adata.X)


def test_masks_alone_are_measured(stacks):
    masks, _, lineage = stacks
    adata = cs.pp.volume_features(masks, lineage=lineage, **SIZES)
    assert set(adata.var["family"]) == {"size", "contour", "fourier", "motility"}


def test_halving_all_lengths_halves_lengths(stacks):
    masks, _, lineage = stacks
    wide = cs.pp.volume_features(masks, lineage=lineage, **SIZES)
    half = {"pixel_size": 0.25, "z_step": 0.5, "frame_interval": 0.25}
    fine = cs.pp.volume_features(masks, lineage=lineage, **half)
    unit = wide.var["unit"].map({"um": 1, "um2": 2, "um3": 3, "um/h": 1, "1": 0})
    unit = unit.fillna(0).to_numpy()
    np.testing.assert_allclose(fine.X, wide.X * 0.5**unit, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": np.zeros((3, 4, 5), int)}, r"found \(3, 4, 5\). One stack is"),
        ({"images": np.zeros((3, 2, 16, 40, 60))}, r"for the channels \['intensity'\]"),
        ({"lineage": pd.DataFrame({"frame": [0]})}, "'parent_track'] missing"),
        ({"name": "a:b"}, "no ':'"),
    ],
)
def test_stacks_that_do_not_fit_are_refused(stacks, change, message):
    masks, images, lineage = stacks
    given = {"masks": masks, "images": images, "lineage": lineage, **SIZES} | change
    with pytest.raises(MovieError, match=message):
        cs.pp.volume_features(given.pop("masks"), given.pop("images"), **given)


def test_missing_steps_and_other_labels_are_named(stacks):
    masks, _, lineage = stacks
    with pytest.raises(ValueError, match=r"`z_step`.*um between planes"):
        cs.pp.volume_features(masks, lineage=lineage, **SIZES | {"z_step": -1.0})
    with pytest.raises(MovieError, match="frame 2 the lineage names 0 labels"):
        cs.pp.volume_features(masks, lineage=lineage[:-1], **SIZES)
    with pytest.raises(MovieError, match="frame 0 of movie 'movie' cannot be measured"):
        cs.pp.volume_features(masks.astype(float), lineage=lineage, **SIZES)
    with pytest.raises(MovieError, match="no cell in any of its 3 frames"):
        cs.pp.volume_features(masks * 0, lineage=lineage[:0], **SIZES)
