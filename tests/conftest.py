"""Small simulators with exact answers, and AnnData made by hand from them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.integrate import quad
from threadpoolctl import threadpool_limits

import cellstate as cs
from cellstate.tracks import Tracks


@pytest.fixture(autouse=True)
def _no_progress_bar():
    with cs.settings.override(progress=False):
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small matrices: workers side by side must not fight over the cores."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture
def rng_order():
    """A fixed shuffle of n rows."""
    return lambda n: np.random.default_rng(7).permutation(n)


# Tracks


def _tracks_of(n_tracks, n_frames, interval=1.0):
    """Equal tracks without divisions; rows track by track."""
    frame = np.tile(np.arange(n_frames), n_tracks)
    track = np.repeat(np.arange(1, n_tracks + 1), n_frames)
    return Tracks.from_arrays(track=track, frame=frame, time=frame * interval)


@pytest.fixture(scope="session")
def tracks_of():
    return _tracks_of


@pytest.fixture(scope="session")
def family():
    """A mother (track 1, frames 0-2) with daughters 2 (frames 3-5) and 3 (3-4).

    Rows 0-2 mother, 3-5 first daughter, 6-7 second; the movie ends in frame 5.
    """
    frame = np.array([0, 1, 2, 3, 4, 5, 3, 4])
    return {
        "track": np.array([1, 1, 1, 2, 2, 2, 3, 3]),
        "frame": frame,
        "time": frame * 0.5,
        "parent_track": np.array([-1, -1, -1, 1, 1, 1, 1, 1]),
    }


# Markov chains


def _chain_paths(p, n_tracks, n_frames, rng, start):
    """States (n_tracks, n_frames) of a chain with transition matrix p."""
    rng = np.random.default_rng(rng)
    cumulative = np.cumsum(p, axis=1)
    cumulative[:, -1] = 1.0
    states = np.empty((n_tracks, n_frames), dtype=int)
    states[:, 0] = start
    for t in range(1, n_frames):
        u = rng.random(n_tracks)[:, None]
        states[:, t] = (u > cumulative[states[:, t - 1]]).sum(axis=1)
    return states


@pytest.fixture(scope="session")
def chain_paths():
    return _chain_paths


@pytest.fixture(scope="session")
def ruin_matrix():
    """Random walk on 0..k that steps up with chance `up`; the ends hold."""

    def matrix(k, up):
        p = np.zeros((k + 1, k + 1))
        p[0, 0] = p[k, k] = 1.0
        for i in range(1, k):
            p[i, i + 1], p[i, i - 1] = up, 1 - up
        return p

    return matrix


@pytest.fixture(scope="session")
def ruin_chance():
    """Chance to reach k before 0: (1 - r^i) / (1 - r^k), r = down / up."""

    def chance(i, k, up):
        ratio = (1 - up) / up
        if ratio == 1:
            return np.asarray(i) / k
        return (1 - ratio ** np.asarray(i, dtype=float)) / (1 - ratio**k)

    return chance


# Double well: dX = -V'(X) dt + sqrt(2) dW, V = barrier (x^2 - 1)^2

BARRIER, CORE, FRAME_INTERVAL, SUBSTEPS = 2.5, 0.9, 0.02, 10


def _potential(x):
    return BARRIER * (x**2 - 1) ** 2


def _well_paths(n_tracks, n_frames, seed):
    """Euler-Maruyama paths from the stationary law (drawn by its inverse)."""
    rng = np.random.default_rng(seed)
    grid = np.linspace(-2.5, 2.5, 4001)
    mass = np.cumsum(np.exp(-_potential(grid)))
    x = np.interp(rng.random(n_tracks), mass / mass[-1], grid)
    step = FRAME_INTERVAL / SUBSTEPS
    paths = np.empty((n_tracks, n_frames))
    for t in range(n_frames):
        paths[:, t] = x
        for _ in range(SUBSTEPS):
            force = -4 * BARRIER * x * (x**2 - 1)
            x = x + force * step + np.sqrt(2 * step) * rng.normal(size=n_tracks)
    return paths


def _well_committor(x):
    """Exact committor by quadrature of exp(V)."""
    grid = np.linspace(-CORE, CORE, 4001)
    mass = np.concatenate([[0], np.cumsum(np.exp(_potential(grid[:-1])))])
    return np.interp(x, grid, mass / mass[-1])


def _well_rate():
    """Exact k_AB per unit time: flux 1 / (Z int exp V), over the mean of q-."""
    z = quad(lambda x: np.exp(-_potential(x)), -4, 4, limit=200)[0]
    flux = 1 / quad(lambda x: np.exp(_potential(x)), -CORE, CORE)[0] / z
    past_a = quad(
        lambda x: np.exp(-_potential(x)) * (1 - _well_committor(x)),
        -4,
        4,
        limit=400,
        points=[-CORE, CORE],
    )[0]
    return flux / (past_a / z)


@pytest.fixture(scope="session")
def double_well(tracks_of):
    """150 tracks of 400 frames, with the exact committor and rate."""
    paths = _well_paths(150, 400, seed=3)
    x = paths.reshape(-1, 1)
    return SimpleNamespace(
        x=x,
        tracks=tracks_of(*paths.shape, interval=FRAME_INTERVAL),
        source=x[:, 0] < -CORE,
        target=x[:, 0] > CORE,
        interval=FRAME_INTERVAL,
        n_tracks=paths.shape[0],
        n_frames=paths.shape[1],
        committor=_well_committor,
        rate=_well_rate(),
    )


# AnnData made by hand


def _add_truth(adata):
    """Give an AnnData the truth of a law, as if it had been simulated."""
    law = cs.datasets.double_well(n_cells=1, n_frames=1).uns["cellstate"]
    kept = adata.uns.get("cellstate", {k: law[k] for k in law if k != "movies"})
    adata.uns["cellstate"] = {**kept, "truth": law["truth"]}
    adata.obs["truth_committor"] = np.linspace(0, 1, adata.n_obs)
    adata.obs["truth_event"] = pd.Categorical(["none"] * adata.n_obs)
    adata.obs["truth_commitment_time"] = np.nan
    return adata


@pytest.fixture(scope="session")
def add_truth():
    return _add_truth


def _bare(x, track, frame, interval=0.5):
    """Only what is needed: track, frame, time and the state space."""
    x = np.asarray(x, dtype=float).reshape(len(track), -1)
    adata = AnnData(np.zeros((len(x), 1)))
    adata.obs["track"], adata.obs["frame"] = np.asarray(track), np.asarray(frame)
    adata.obs["time"] = adata.obs["frame"] * interval
    adata.obsm["X_state"] = x
    return adata


@pytest.fixture(scope="session")
def bare():
    return _bare


def _walks(n_tracks=30, n_frames=25, seed=0):
    """Random walks on -3..3 with steps -1, 0, 1: cross both ways often."""
    rng = np.random.default_rng(seed)
    x = np.empty((n_tracks, n_frames))
    x[:, 0] = rng.integers(-3, 4, n_tracks)
    for t in range(1, n_frames):
        x[:, t] = np.clip(x[:, t - 1] + rng.integers(-1, 2, n_tracks), -3, 3)
    return x


@pytest.fixture
def walkers(bare):
    """Tracked cells that only have track, frame, time and X_state; column "x"."""
    x = _walks()
    track = np.repeat(np.arange(1, len(x) + 1), x.shape[1])
    frame = np.tile(np.arange(x.shape[1]), len(x))
    adata = bare(x.reshape(-1, 1), track, frame)
    adata.obs["x"] = x.ravel()
    return adata


@pytest.fixture
def walkers_ab(walkers):
    """The same with states: A below -2, B above 2."""
    cs.tl.define_states(walkers, source="x < -2", target="x > 2")
    return walkers


@pytest.fixture
def dividers(bare):
    """40 founders whose state rises until they divide; half are cut off first."""
    rng = np.random.default_rng(5)
    rows, next_track = [], 1
    for founder in range(40):
        mother, height = next_track, rng.random()
        life = 8 if founder % 2 else 5
        for frame in range(life):
            height += rng.normal(0.3 if founder % 2 else 0.0, 0.2)
            rows.append((mother, frame, -1, height))
        next_track += 1
        if founder % 2:
            for _ in range(2):
                rows += [
                    (next_track, frame, mother, rng.normal(0, 0.3))
                    for frame in range(8, 12)
                ]
                next_track += 1
    table = pd.DataFrame(rows, columns=["track", "frame", "parent_track", "x"])
    adata = bare(table["x"], table["track"], table["frame"])
    adata.obs["parent_track"] = table["parent_track"].to_numpy()
    adata.obs["x"] = table["x"].to_numpy()
    return adata


@pytest.fixture(scope="session")
def make_movie():
    """Squares that drift: a movie with masks and, unless told not to, a lineage."""

    def make(n_cells=4, n_frames=5, name="movie", linked=True, **options):
        rng = np.random.default_rng(len(name))
        size = 20 * n_cells
        masks = np.zeros((n_frames, 40, size), dtype=np.int32)
        for cell in range(n_cells):
            for frame in range(n_frames):
                height = 6 + cell + int(rng.integers(0, 3))
                x = 20 * cell + 4 + int(rng.integers(0, 3))
                masks[frame, 10 : 10 + height, x : x + 9] = cell + 1
        images = (masks > 0) * 50.0 + rng.normal(10, 2, masks.shape)
        lineage = pd.DataFrame(
            [(f, c, c, -1) for f in range(n_frames) for c in range(1, n_cells + 1)],
            columns=["frame", "label", "track", "parent_track"],
        )
        settings = {"pixel_size": 0.5, "frame_interval": 0.25} | options
        return cs.Movie(
            images=images[:, None],
            masks=masks,
            lineage=lineage if linked else None,
            name=name,
            **settings,
        )

    return make


@pytest.fixture
def measured(make_movie):
    """Features of two movies that use the same track numbers."""
    return cs.pp.features(
        [make_movie(name="one"), make_movie(name="other")], condition=["dmso", "egf"]
    )
