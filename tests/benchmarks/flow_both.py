"""Drift from tracks, from snapshots, and from both at once: what each adds.

    python tests/benchmarks/flow_both.py            # 16 sets a scene, ten minutes
    python tests/benchmarks/flow_both.py --small    # seconds

Each set: 30 cells followed for 60 frames, and 5 snapshots of 500 other cells, seen once
each, over the same time. Two coordinates. Scenes:

- rotational well (D = 1/3, circulation 2), frames 0.02 apart (dt * lambda_max 0.16),
  cells in the stationary law, or all in the left well at the start;
- binary choice (D = 0.3, p2 = 0.5), frames 0.01 apart (0.25), cells that start in the
  stationary law and divide at 2 / (1 + exp(-4 (y - 0.2))) per h, so that the law moves;
  divisions along the tracks tell the growth (``growth="events"``).

Error: root of the mean squared error of the drift over the root of its mean square,
over the cells of the snapshots and over the stationary law; no drift at all scores 1.
Snapshots alone move cells by transport; and, an oracle that no experiment has, they are
told the true diffusion and growth and fit a gradient. Tracks and both are fitted with
either form and told neither. Medians over sets,
quartiles beside them, and by how much both at once (free in the well, which circulates,
a gradient in the choice, which does not) is below each; `p < 0.05 %` are the sets whose
tracks and snapshots are told to disagree, though they do not.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
from anndata import AnnData

import cellstate as cs
from cellstate import systems

TRACKS, FRAMES, TIMES, CELLS, LEVEL = 30, 60, 5, 500, 0.05
SPARE = 1.1  # lineages simulated per snapshot cell


@dataclass(frozen=True)
class Scene:
    """A law, how cells start and divide, and the form of its drift."""

    law: systems.Diffusion
    interval: float
    start: Callable[[int, np.random.Generator], np.ndarray]
    division_rate: Callable[[np.ndarray], np.ndarray] | float = 0.0
    form: str = "free"

    @property
    def growing(self) -> bool:
        """Whether cells divide."""
        return callable(self.division_rate)


def more_above(x: np.ndarray) -> np.ndarray:
    """Division rate of states (n, 2), 1/h."""
    return 2 / (1 + np.exp(-4 * (x[:, 1] - 0.2)))


def left(n: int, rng: np.random.Generator) -> np.ndarray:
    """Around the left well."""
    return np.array([-1.0, 0.0]) + 0.1 * rng.standard_normal((n, 2))


WELL = systems.RotationalDoubleWell(D=1 / 3)
CHOICE = systems.BinaryChoice(D=0.3, p2=0.5)
SCENES = {
    "well, stationary": Scene(WELL, 0.02, WELL.sample),
    "well, relaxing": Scene(WELL, 0.02, left),
    "choice, growing": Scene(CHOICE, 0.01, CHOICE.sample, more_above, "gradient"),
}


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.4g}"), flush=True)
    return found


def followed(scene: Scene, rng: np.random.Generator) -> AnnData:
    """Tracks."""
    return cs.datasets.simulate_tracks(
        scene.law, frame_interval=scene.interval, n_cells=TRACKS, n_frames=FRAMES,
        start=scene.start(TRACKS, rng), division_rate=scene.division_rate, rng=rng,
    )  # fmt: skip


def seen_once(scene: Scene, n_cells: int, rng: np.random.Generator) -> AnnData:
    """Snapshots over the time of the tracks, of lineages of their own."""
    founders = int(SPARE * n_cells) * TIMES
    span = (FRAMES - 1) * scene.interval
    everyone = cs.datasets.simulate_tracks(
        scene.law, frame_interval=span / (TIMES - 1), n_cells=founders, n_frames=TIMES,
        start=scene.start(founders, rng), division_rate=scene.division_rate, rng=rng,
    )  # fmt: skip
    shots = cs.datasets.to_snapshots(
        everyone, times=np.arange(TIMES) * span / (TIMES - 1), rng=rng
    )
    # Rows of a time are in random order.
    rank = shots.obs.groupby("time").cumcount().to_numpy()
    return shots[rank < n_cells].copy()


def bare(cells: AnnData, name: str, scene: Scene) -> AnnData:
    """States, identity and time, and the true growth rate, as a movie of its own."""
    obs = cells.obs[["track", "parent_track", "frame", "time"]].copy()
    x = cells.obsm["X_state"]
    obs["movie"] = name
    obs["true growth"] = scene.division_rate(x) if scene.growing else 0.0
    obs.index = name + ":" + cells.obs_names.astype(str)
    return AnnData(obs=obs, obsm={"X_state": x})


def ways(tracks: AnnData, shots: AnnData, scene: Scene, seed: int) -> dict:
    """Every way to fit one set, by name."""
    together = anndata.concat([tracks, shots])
    growing = scene.growing

    def fit(cells: AnnData, use: str, growth: str | None = None, **options):
        return lambda: cs.tl.fit_flow(
            cells, use=use, growth=growth if growing else None, rng=seed, **options
        )

    told = {"drift": "gradient", "diffusion": scene.law.D}
    asked = {
        "snapshots, transport": fit(shots, "snapshots", "counts"),
        "snapshots told D, growth": fit(shots, "snapshots", "true growth", **told),
    }
    for form in ("free", "gradient"):
        asked[f"tracks, {form}"] = fit(tracks, "tracks", "events", drift=form)
        asked[f"both, {form}"] = fit(together, "both", "events", drift=form)
    if growing:
        best = {"drift": "gradient"}
        asked["both, growth given"] = fit(together, "both", "true growth", **best)
        asked["both, growth left out"] = fit(together, "both", **best)
    return asked


def fits(scene: Scene, seed: int, n_cells: int) -> tuple[dict, np.ndarray, np.ndarray]:
    """Fits of one set with their seconds; states and times of the snapshots."""
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # snapshots lie far apart on purpose
        tracks = bare(followed(scene, rng), "tracks", scene)
        shots = bare(seen_once(scene, n_cells, rng), "snapshots", scene)
    found = {}
    for name, fit in ways(tracks, shots, scene, seed).items():
        begin = time.process_time()
        found[name] = (fit(), time.process_time() - begin)
    return found, shots.obsm["X_state"], shots.obs["time"].to_numpy()


def error(drift: np.ndarray, truth: np.ndarray) -> float:
    """Relative error of a drift."""
    return float(np.sqrt(((drift - truth) ** 2).sum() / (truth**2).sum()))


def one_set(scene: Scene, seed: int, n_cells: int) -> list[dict]:
    """Errors of every fit of one set."""
    found, cells, times = fits(scene, seed, n_cells)
    everywhere = scene.law.sample(2000, rng=98765)
    return [
        {
            "use": name,
            "cells": error(fit.drift(cells, times), scene.law.drift(cells)),
            "law": error(
                fit.drift(everywhere, times.mean()), scene.law.drift(everywhere)
            ),
            "agreement p": fit.diagnosis.agreement_p,
            "seconds": seconds,
        }
        for name, (fit, seconds) in found.items()
    ]


def summary(name: str, scene: Scene, found: pd.DataFrame) -> list[dict]:
    """Medians and quartiles of one scene, zero drift beside them."""
    both = found[found["use"] == f"both, {scene.form}"]
    rows = []
    for use, own in found.groupby("use", sort=False):
        row = {"scene": name, "use": use, "sets": len(own)}
        for where in ("cells", "law"):
            low, middle, high = own[where].quantile([0.25, 0.5, 0.75])
            row |= {
                f"error, {where}": middle,
                f"quartiles, {where}": f"{low:.3f}-{high:.3f}",
                f"both below by %, {where}": 100 * (1 - both[where].median() / middle),
            }
        agreement = own["agreement p"].dropna()
        row["p < 0.05 %"] = 100 * (agreement < LEVEL).mean()
        row["CPU s"] = own["seconds"].median()
        rows.append(row)
    rows.append(
        {"scene": name, "use": "no drift", "error, cells": 1.0, "error, law": 1.0}
    )
    return rows


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--sets", type=int, default=16)
    ask.add_argument("--small", action="store_true")
    given = ask.parse_args(argv)
    cs.settings.progress = False
    n_cells = CELLS
    if given.small:
        given.sets, n_cells = 1, 120
    rows = []
    for name, scene in SCENES.items():
        found = [one_set(scene, seed, n_cells) for seed in range(given.sets)]
        every = pd.DataFrame([row for one in found for row in one])
        rows += summary(name, scene, every)
    title = (
        f"Error of the drift: {TRACKS} tracks of {FRAMES} frames, {TIMES} snapshots of "
        f"{n_cells} cells, {given.sets} sets"
    )
    return {"errors": table(title, rows)}


if __name__ == "__main__":
    main()
