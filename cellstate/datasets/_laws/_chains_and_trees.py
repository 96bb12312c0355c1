"""Counts, clones, lineage trees and colonies as tables with their truth."""

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._adata._truth import NUMBER_COLUMNS, Truth
from cellstate._base.checks import integer, positive
from cellstate._base.random import generator
from cellstate.datasets._cells._assemble import movie_names, put_truth, track_table
from cellstate.datasets._cells._rows import Rows, checked_number
from cellstate.datasets._cells._truth import parameters_text
from cellstate.datasets._laws._sampled import sampled
from cellstate.systems._first_mode import null_mode
from cellstate.systems._integrate import simulate
from cellstate.systems._laws._angles import AngularPolarity
from cellstate.systems._laws._interacting import DesaiZwanzig
from cellstate.systems._laws._ornstein_uhlenbeck import OrnsteinUhlenbeck
from cellstate.systems._lineages._branching import BranchingProcess
from cellstate.systems._lineages._chains import BirthDeathChain
from cellstate.systems._lineages._lineage_trees import BifurcatingAR

Numbers = dict[str, tuple[float, str]]


def birth_death(
    *,
    immigration: float = 5.0,
    death_rate: float = 1.0,
    source: int = 2,
    target: int = 9,
    n_cells: int = 100,
    n_frames: int = 200,
    frame_interval: float = 0.05,
    rng: int | np.random.Generator | None = None,
) -> AnnData:
    """Simulate counts, of molecules say, that arrive and go one at a time.

    A is a count of at most `source`, B of at least `target`; the stationary law is
    that of Poisson. Chains start from it and are followed without error.

    Parameters
    ----------
    immigration
        Arrivals, 1/h.
    death_rate
        Rate at which each one goes, 1/h.
    source, target
        Edges of A and B, whole numbers, source below target.
    n_cells, n_frames
        Cells, and frames.
    frame_interval
        Hours between frames.
    rng
        Seed or Generator.

    Returns
    -------
    AnnData
        Counts in X; obs `truth_set`, `truth_committor`, `truth_committor_backward`;
        exact rates in `cs.get.truth`.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = birth_death(n_cells=3, n_frames=4, rng=0)
    >>> cells.shape, round(cs.get.truth(cells).k_ab, 4)
    ((12, 1), 0.1345)
    """
    interval = positive(frame_interval, "frame_interval", "h", "frame_interval=0.05")
    positive(immigration, "immigration", "1/h", "immigration=5.0")
    positive(death_rate, "death_rate", "1/h", "death_rate=1.0")
    if not 0 <= source < target:
        raise ValueError(
            f"`source` lies below `target`, both counts of 0 or more; found {source} "
            f"and {target}. Exchange them."
        )
    mean = immigration / death_rate
    top = int(np.ceil(max(target, mean) + 12 * np.sqrt(max(target, mean)) + 12))
    law = BirthDeathChain.immigration_death(immigration, death_rate, top)
    rng = generator(rng)
    start = rng.choice(top + 1, size=integer(n_cells, "n_cells", 1), p=law.stationary())
    x = law.simulate(
        start,
        n_frames=integer(n_frames, "n_frames", 1),
        frame_interval=interval,
        rng=rng,
    )
    paths = law.transition_paths(source, target)
    given = {"immigration": immigration, "death_rate": death_rate}
    adata = _tracks(x[..., None], ("count",), interval)
    truth = _truth(
        "birth-death chain",
        given,
        ("count",),
        interval,
        source=f"count <= {source}",
        target=f"count >= {target}",
        k_ab=paths.k_ab,
        k_ba=paths.k_ba,
        nu=paths.nu,
        mfpt_ab=paths.mfpt_ab,
        mfpt_ba=paths.mfpt_ba,
        transition_path_time=paths.transition_path_time,
        numbers={"mean": (mean, "1"), "gap": (law.gap(), "1/h")},
    )
    state = adata.X[:, 0]
    inside = np.where(state <= source, "A", np.where(state >= target, "B", "other"))
    adata.obs[keys.TRUTH_SET] = pd.Categorical(inside, ["A", "B", "other"])
    adata.obs[keys.TRUTH_COMMITTOR] = paths.committor(adata.X)
    adata.obs[keys.TRUTH_COMMITTOR_BACKWARD] = paths.committor_backward(adata.X)
    put_truth(adata, truth)
    return adata


def branching(
    *, division_rate: float = 0.05, death_rate: float = 0.01, **sampling: object
) -> AnnData:
    """Simulate clones that divide and die, with a state that does not care.

    The state is an Ornstein-Uhlenbeck process (D = 1, rate 1/h), inherited exactly.

    Parameters
    ----------
    division_rate, death_rate
        Per cell, 1/h.
    **sampling
        Options of `cs.datasets.simulate_tracks`; 50 cells and 200 frames when left
        out.

    Returns
    -------
    AnnData
        Tracks with their truth; `cs.get.truth(...).number` knows "growth rate",
        "expected cells" (per founder, at the end) and "extinction" (ever).

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = branching(n_cells=5, n_frames=50, rng=0)
    >>> round(cs.get.truth(cells).number("extinction"), 6)
    0.2
    """
    clone = BranchingProcess(division_rate=division_rate, death_rate=death_rate)
    rates = {"division_rate": division_rate, "death_rate": death_rate}
    options: dict[str, Any] = {"n_cells": 50, "n_frames": 200, **sampling, **rates}
    options.setdefault("frame_interval", 0.2)
    hours = (options["n_frames"] - 1) * options["frame_interval"]
    numbers: Numbers = {
        "growth rate": (clone.growth_rate, "1/h"),
        "expected cells": (float(clone.mean(hours)), "1"),
        "extinction": (clone.extinction(), "1"),
    }
    return sampled(OrnsteinUhlenbeck(D=1.0, rate=1.0, d=1), options, numbers)


def bifurcating_autoregression(
    *,
    mother: float = 0.7,
    sister: float = 0.5,
    n_trees: int = 200,
    n_generations: int = 6,
    rng: int | np.random.Generator | None = None,
) -> AnnData:
    """Simulate lineage trees on which a value is passed on in part.

    One row per cell: a frame is a generation, one hour apart, and each cell is seen
    once.

    Parameters
    ----------
    mother
        Correlation of mother and daughter, above -1 and below 1.
    sister
        Correlation of what sisters get beside their mother's part.
    n_trees, n_generations
        Complete trees, and their depth.
    rng
        Seed or Generator.

    Returns
    -------
    AnnData
        Values in X, `parent_track` in obs; `cs.get.truth(...).number` knows the
        correlations "mother-daughter", "sisters" and "cousins".

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = bifurcating_autoregression(n_trees=2, n_generations=3, rng=0)
    >>> cells.n_obs, round(cs.get.truth(cells).number("cousins"), 5)
    (14, 0.36505)
    """
    law = BifurcatingAR(mother=mother, sister=sister)
    trees = law.simulate(n_trees, n_generations, rng=rng)
    n = trees.value.size
    rows = Rows(
        movie=np.zeros(n, dtype=np.int64),
        track=np.arange(1, n + 1),
        parent_track=np.where(trees.parent < 0, -1, trees.parent + 1),
        frame=trees.generation.astype(np.int64),
        values=trees.value[:, None].astype(float),
        cell=np.arange(n),
    )
    kin = {"mother-daughter": (0, 1), "sisters": (1, 1), "cousins": (2, 2)}
    adata = track_table(
        rows,
        axes=("value",),
        movie_names=movie_names(1),
        frame_interval=1.0,
        n_frames=n_generations,
    )
    given = {"mother": mother, "sister": sister}
    numbers = {name: (law.kin_correlation(*uv), "1") for name, uv in kin.items()}
    put_truth(adata, _truth("bifurcating AR", given, ("value",), 1.0, numbers=numbers))
    return adata


def desai_zwanzig(
    *,
    D: float = 0.3,
    coupling: float = 1.0,
    n_colonies: int = 4,
    n_cells: int = 100,
    n_frames: int = 200,
    frame_interval: float = 0.05,
    rng: int | np.random.Generator | None = None,
) -> AnnData:
    """Simulate colonies whose cells pull each other towards their mean.

    Each colony is a movie. Cells start from the law of a large colony.

    Parameters
    ----------
    D
        Diffusion of a cell, squared units of the state per h.
    coupling
        Rate at which a cell is drawn to the mean, 1/h.
    n_colonies, n_cells, n_frames
        Colonies, cells in each, frames.
    frame_interval
        Hours between frames.
    rng
        Seed or Generator.

    Returns
    -------
    AnnData
        Tracks; `cs.get.truth(...).number` knows "order parameter" and "critical D".

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = desai_zwanzig(n_colonies=2, n_cells=5, n_frames=3, rng=0)
    >>> round(cs.get.truth(cells).number("order parameter"), 4)
    0.7055
    """
    interval = positive(frame_interval, "frame_interval", "h", "frame_interval=0.05")
    law, rng = DesaiZwanzig(D=D, coupling=coupling), generator(rng)
    colonies = integer(n_colonies, "n_colonies", 1)
    cells = integer(n_cells, "n_cells", 2)
    start = law.sample(colonies * cells, rng).reshape(colonies, cells, 1)
    x = simulate(law, start, n_frames=n_frames, frame_interval=interval, rng=rng)
    movie = np.repeat(np.arange(colonies), cells)
    adata = _tracks(x.reshape(len(x), -1, 1), ("x",), interval, movie)
    numbers = {
        "order parameter": (law.order_parameter(), "1"),
        "critical D": (law.critical_diffusion(), "1/h"),
    }
    given = {"D": D, "coupling": coupling}
    truth = _truth(
        law.name, given, ("x",), interval, numbers=numbers, diffusion=np.array([[D]])
    )
    put_truth(adata, truth)
    return adata


def polarity(
    *,
    a: float = 0.0,
    D: float = 0.5,
    noise: float = 0.0,
    n_cells: int = 100,
    n_frames: int = 100,
    frame_interval: float = 0.1,
    rng: int | np.random.Generator | None = None,
) -> AnnData:
    """Simulate the directions in which cells point.

    Directions have density (1 + a cos theta) / 2 pi and turn by rotational diffusion;
    without preference (a = 0) they forget themselves as e^(-D t).

    Parameters
    ----------
    a
        Strength of the common preference, 0 to below 1.
    D
        Rotational diffusion, rad^2/h.
    noise
        Standard deviation of the measured angle, rad.
    n_cells, n_frames
        Cells, and frames.
    frame_interval
        Hours between frames.
    rng
        Seed or Generator.

    Returns
    -------
    AnnData
        cos and sin of the measured angle in X, the true angle in
        ``obsm["truth_state"]``; `cs.get.truth(...).number` knows "first mode",
        "null mode" (expected of as many cells without preference) and "rotational
        diffusion".

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = polarity(a=0.5, n_cells=20, n_frames=2, rng=0)
    >>> truth = cs.get.truth(cells)
    >>> truth.number("first mode"), round(truth.number("null mode"), 4)
    (0.25, 0.1988)
    """
    interval = positive(frame_interval, "frame_interval", "h", "frame_interval=0.1")
    law, rng = AngularPolarity(a=a, D=D), generator(rng)
    start = law.sample(integer(n_cells, "n_cells", 1), rng)
    theta = simulate(law, start, n_frames=n_frames, frame_interval=interval, rng=rng)
    theta = theta[..., 0]
    spread = checked_number(noise, "noise", "rad")
    seen = theta + spread * rng.standard_normal(theta.shape)
    axes = ("cos", "sin")
    adata = _tracks(np.stack([np.cos(seen), np.sin(seen)], axis=-1), axes, interval)
    adata.obsm[keys.TRUTH_STATE] = theta.T.reshape(-1, 1)
    numbers: Numbers = {
        "first mode": (law.first_mode(), "1"),
        "null mode": (null_mode(n_cells), "1"),
        "rotational diffusion": (D, "1/h"),
    }
    put_truth(
        adata,
        _truth("angular polarity", {"a": a, "D": D}, axes, interval, numbers=numbers),
    )
    return adata


def _tracks(
    x: np.ndarray,
    axes: tuple[str, ...],
    frame_interval: float,
    movie: np.ndarray | None = None,
) -> AnnData:
    """Equal tracks from states (n_frames, n_cells, d), cell by cell."""
    n_frames, n_cells, d = x.shape
    movie = np.zeros(n_cells, dtype=np.int64) if movie is None else movie
    track = np.repeat(np.arange(1, n_cells + 1), n_frames)
    rows = Rows(
        movie=np.repeat(movie, n_frames),
        track=track,
        parent_track=np.full(track.size, -1),
        frame=np.tile(np.arange(n_frames), n_cells),
        values=np.swapaxes(x, 0, 1).reshape(-1, d).astype(float),
        cell=np.arange(track.size),
    )
    return track_table(
        rows,
        axes=axes,
        movie_names=movie_names(int(movie.max()) + 1),
        frame_interval=frame_interval,
        n_frames=n_frames,
    )


def _truth(
    system: str,
    law: dict[str, Any],
    axes: tuple[str, ...],
    frame_interval: float,
    *,
    numbers: Numbers,
    diffusion: np.ndarray | None = None,
    **exact: Any,
) -> Truth:
    """Truth of a law whose time unit is the hour."""
    rows = [(name, float(value), unit) for name, (value, unit) in numbers.items()]
    return Truth(
        system=system,
        parameters=parameters_text(law, {}),
        axes=axes,
        diffusion=np.empty((0, 0)) if diffusion is None else diffusion,
        frame_interval=frame_interval,
        time_unit=1.0,
        threshold=0.9,
        events=pd.DataFrame({"track": np.empty(0, dtype=np.int64)}),
        numbers=pd.DataFrame(rows, columns=list(NUMBER_COLUMNS)),
        **exact,
    )
