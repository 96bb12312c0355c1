"""A small movie with known cells, and every result computed from it."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import cellstate as cs
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._adata._results import QualityReport

mpl.use("agg")

N_FRAMES, HEIGHT, WIDTH = 12, 96, 120
PIXEL, INTERVAL = 0.5, 0.5


def _walks(rng: np.random.Generator) -> pd.DataFrame:
    """Forty tracks on a line from A (x < 0.5) to B (x > 2.5); one divides."""
    rows = []
    for track in range(1, 41):
        committed = track % 3 == 0
        length = 6 if track == 1 else N_FRAMES
        drift = 0.3 if committed else 0.0
        x = np.abs(0.2 + drift * np.arange(length) + 0.25 * rng.normal(size=length))
        rows += [(track, f, -1, x[f]) for f in range(length)]
    for daughter in (41, 42):
        rows += [(daughter, f, 1, 0.3 + 0.1 * f) for f in range(6, N_FRAMES)]
    return pd.DataFrame(rows, columns=["track", "frame", "parent_track", "x"])


def _cells(table: pd.DataFrame, rng: np.random.Generator) -> AnnData:
    names = [f"movie:{f}:{t}" for f, t in zip(table.frame, table.track, strict=True)]
    obs = table.set_index(pd.Index(names))
    obs["time"] = obs["frame"] * INTERVAL
    obs["label"], obs["movie"] = obs["track"], pd.Categorical(["movie"] * len(obs))
    adata = AnnData(np.full((len(obs), 1), 12.5), obs=obs)
    adata.var_names, adata.var["unit"] = ["area"], ["um2"]
    adata.obsm["X_state"] = np.stack(
        [obs["x"].to_numpy(), 0.1 * rng.normal(size=len(obs))], axis=1
    )
    row, column = np.divmod(obs["track"].to_numpy() - 1, 7)
    # The first cell sits in the corner, so that its crop leaves the field.
    adata.obsm["spatial"] = PIXEL * np.stack(
        [4 + 16.0 * column, 4 + 15.0 * row], axis=1
    )
    return adata


def _movie(adata: AnnData) -> cs.Movie:
    masks = np.zeros((N_FRAMES, HEIGHT, WIDTH), np.uint16)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for (cx, cy), f, label in zip(
        adata.obsm["spatial"] / PIXEL, adata.obs.frame, adata.obs.label, strict=True
    ):
        masks[f][np.hypot(x - cx, y - cy) < 4] = label
    images = (20 + 100 * (masks > 0) + masks).astype(np.uint16)[:, None]
    return cs.Movie(
        images=images, masks=masks, pixel_size=PIXEL, frame_interval=INTERVAL
    )


def embed_otherwise(adata: AnnData) -> None:
    """Shape modes and a choice of slow modes; the state space stays as it is."""
    x = adata.obsm["X_state"].copy()
    angle = 2 * np.pi * np.arange(16) / 16
    long = np.exp(0.2 * np.random.default_rng(1).random((adata.n_obs, 1)))
    outlines = np.stack([long * np.cos(angle), np.sin(angle) / long], axis=-1)
    adata.obsm["X_contour"] = outlines.reshape(adata.n_obs, 32)
    cs.tl.embed(adata, method="contour", n_components=2)
    adata.obsm["X_state"] = x.copy()
    cs.tl.state_space(adata, basis="X_state", lags=INTERVAL, rng=0)
    adata.obsm["X_state"] = x


@pytest.fixture(scope="module")
def example() -> tuple[AnnData, cs.Movie]:
    rng = np.random.default_rng(0)
    adata = _cells(_walks(rng), rng)
    embed_otherwise(adata)
    cs.tl.define_states(adata, source="x < 0.5", target="x > 2.5")
    cs.tl.committor(adata, n_landmarks=20, n_bootstrap=10, folds=3, rng=0)
    cs.tl.validate_committor(adata, n_bins=4)
    cs.tl.rates(adata, n_bootstrap=50, rng=0)
    cs.tl.macrostates(adata, 2, n_cells=6, n_bootstrap=5, rng=0)
    cs.tl.scan_lags(adata, rng=0)
    cs.tl.reactive_flux(adata, n_bootstrap=5, rng=0)
    cs.tl.differentiation_events(adata)
    cs.tl.fit_flow(adata, rng=0)
    cs.tl.couple(adata, rng=0)
    cs.tl.descendants(adata, "time == 0 and x > 0.2")
    flags = ("qc_border", "qc_jump")
    report = QualityReport(
        flags=flags,
        counts=np.array([7, 3]),
        not_checked=("qc_blur",),
        n_cells=adata.n_obs,
        n_pass=adata.n_obs - 10,
        threshold_names=(),
        thresholds=np.array([]),
    )
    store.put(adata, keys.QC, report)
    return adata, _movie(adata)


@pytest.fixture
def adata(example) -> AnnData:
    return example[0].copy()


@pytest.fixture
def movie(example) -> cs.Movie:
    return example[1]


@pytest.fixture
def ax():
    from matplotlib.figure import Figure

    return Figure(layout="constrained").subplots()


@pytest.fixture
def one_cell() -> AnnData:
    """One cell in one frame, without any result."""
    adata = AnnData(np.ones((1, 1)))
    adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 1, 0, 0.0
    adata.obs["label"], adata.obs["movie"] = 1, pd.Categorical(["movie"])
    adata.obsm["X_state"] = np.array([[0.0, 1.0]])
    adata.obsm["spatial"] = np.array([[5.0, 5.0]])
    return adata
