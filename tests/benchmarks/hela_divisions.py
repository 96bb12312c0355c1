"""Does this cell divide within h hours? The HeLa movie, held out by lineage.

Everything that is fitted (scaling, projection, basis, penalty, baselines) is fitted
to the training lineages of each fold alone. Cells whose future is cut off by the end
of the movie or a lost track are excluded and counted.

The links that come with the movie miss divisions, so there are two truths: the links
as shipped, and the same masks linked by `cs.pp.track`. Every method learns from each
and is judged by each; a fold holds whole lineages of both.

    python tests/benchmarks/hela_divisions.py --data DIR [--seeds 5] [--crop]
"""

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import cellstate as cs
from cellstate._adata import _extract as extract
from cellstate.kinetics import calibration, realised_fate
from cellstate.tracks import Tracks, lineage_folds, outcomes

MOVIE = "movies/hela_h2b_ctc02_movie"
HORIZONS = (0.5, 1.0, 1.5, 2.0)  # h
FRAME = 0.5  # h
REGION_12 = (
    "area",
    "eccentricity",
    "major_axis_length",
    "minor_axis_length",
    "solidity",
    "extent",
    "perimeter",
    "form_factor",
    "mean_intensity_H2B",
    "sd_intensity_H2B",
    "min_intensity_H2B",
    "max_intensity_H2B",
)


def main(arguments: Sequence[str] | None = None) -> pd.DataFrame:
    """Print the tables; return the scores of every method, horizon and seed."""
    options = _options(arguments)
    with cs.settings.override(progress=False):
        movie = _movie(options.data, options.crop)
        cells = {"shipped": _measured(movie), "fresh": _measured(cs.pp.track(movie))}
        print(f"{movie}\n{cs.get.quality(cells['shipped'])}\n")
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        scores = pd.concat(
            _one_seed(cells, learnt, seed, options.folds, options.horizons)
            for learnt in options.learn_from
            for seed in seeds
        )
    _print(scores, options)
    return scores


def _measured(movie: cs.Movie) -> AnnData:
    adata = cs.pp.features(movie)
    cs.pp.qc(adata)
    return adata


def _one_seed(
    cells: dict[str, AnnData],
    learnt: str,
    seed: int,
    folds: int,
    horizons: Sequence[float],
) -> pd.DataFrame:
    truths = {name: _as_linked(adata) for name, adata in cells.items()}
    fold = _joint_folds(truths, folds, seed)
    adata, trusted = cells[learnt], extract.tracks(cells[learnt])
    methods = {"committor": _committor, **BASELINES}
    predicted = {
        (m, h): np.full(adata.n_obs, np.nan) for m in methods for h in horizons
    }
    for f in range(folds):
        train = fold != f
        for name, method in methods.items():
            found = method(adata, trusted, train, seed, horizons)
            for h in horizons:
                predicted[name, h][~train] = found[h][~train]
    rows = []
    for truth, tracks in truths.items():
        for (name, h), p in predicted.items():
            report = calibration(p, _divides_within(tracks, h))
            rows.append(
                {
                    "learnt from": learnt,
                    "judged by": truth,
                    "method": name,
                    "h": h,
                    "seed": seed,
                    "AUROC": report.auroc,
                    "AP": report.average_precision,
                    "Brier": report.brier,
                    "Brier base": report.brier_base,
                    "slope": report.slope,
                    "cells": report.n,
                    "dividing": report.n_positive,
                    "excluded": report.n_excluded,
                }
            )
    return pd.DataFrame(rows)


def _joint_folds(truths: dict[str, Tracks], folds: int, seed: int) -> np.ndarray:
    """Folds of cells that no lineage of either linking crosses."""
    shipped, fresh = (t.row_lineage for t in truths.values())
    offset = int(shipped.max()) + 1
    size = offset + int(fresh.max()) + 1
    edges = coo_matrix((np.ones(shipped.size), (shipped, fresh + offset)), (size, size))
    family = connected_components(edges, directed=False)[1][shipped]
    rare = np.any([_target(t)[0] for t in truths.values()], axis=0)
    joined = Tracks.from_arrays(
        track=np.arange(family.size), frame=np.zeros(family.size), time=family
    )
    return lineage_folds(
        replace(joined, lineage=family), folds, stratify=rare, rng=seed
    )


def _committor(
    adata: AnnData,
    tracks: Tracks,
    train: np.ndarray,
    seed: int,
    horizons: Sequence[float],
) -> dict[float, np.ndarray]:
    """The package's own path: normalize, embed, delay_embed, committor(horizon)."""
    cells = adata.copy()
    cs.pp.normalize(cells, fit_on=train)
    cs.tl.embed(cells, fit_on=train)
    cs.tl.delay_embed(cells)
    cs.tl.define_states(cells, source="none", target="division")
    found = {}
    for h in horizons:
        # B is the last frame before a division: within h means B within h - 1 frame.
        fitted = cs.tl.committor(
            cells, None, "B", horizon=h - FRAME, fit_on=train, n_bootstrap=0, rng=seed
        )
        found[h] = fitted.model(cells.obsm["X_state"])
    return found


def _columns(adata: AnnData, names: Sequence[str]) -> np.ndarray:
    return np.asarray(adata[:, list(names)].X, dtype=float)


def _area_intensity(
    adata: AnnData,
    tracks: Tracks,
    train: np.ndarray,
    seed: int,
    horizons: Sequence[float],
) -> dict[float, np.ndarray]:
    x = np.log(_columns(adata, ["area", "mean_signal_H2B"]).clip(1e-3))
    return _classified(x, tracks, train, horizons, _logistic)


def _region_logistic(
    adata: AnnData,
    tracks: Tracks,
    train: np.ndarray,
    seed: int,
    horizons: Sequence[float],
) -> dict[float, np.ndarray]:
    return _classified(_columns(adata, REGION_12), tracks, train, horizons, _logistic)


def _region_boosted(
    adata: AnnData,
    tracks: Tracks,
    train: np.ndarray,
    seed: int,
    horizons: Sequence[float],
) -> dict[float, np.ndarray]:
    linked = _as_linked(adata)
    x = _columns(adata, REGION_12)
    change, ratio = np.full_like(x, np.nan), np.full_like(x, np.nan)
    age = np.full(len(x), np.nan)
    for t in range(linked.n_tracks):
        rows = linked.rows(t)
        change[rows[1:]] = np.diff(x[rows], axis=0)
        running = pd.DataFrame(x[rows]).expanding().median().to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio[rows] = x[rows] / running
        if linked.parent[t] >= 0:
            age[rows] = linked.time[rows] - linked.time[rows[0]]
    ratio[~np.isfinite(ratio)] = np.nan
    joined = np.column_stack([x, change, ratio, age])
    return _classified(joined, tracks, train, horizons, lambda: _boosted(seed))


BASELINES = {
    "area + intensity": _area_intensity,
    "12 properties, logistic": _region_logistic,
    "12 properties + history, boosted": _region_boosted,
}


def _classified(
    x: np.ndarray,
    tracks: Tracks,
    train: np.ndarray,
    horizons: Sequence[float],
    make: object,
) -> dict[float, np.ndarray]:
    """Fit a classifier per horizon to the known futures of the training cells."""
    found = {}
    for h in horizons:
        outcome = _divides_within(tracks, h)
        rows = train & np.isfinite(outcome)
        model = make().fit(x[rows], outcome[rows] > 0.5)
        found[h] = model.predict_proba(x)[:, 1]
    return found


def _logistic() -> object:
    return make_pipeline(
        SimpleImputer(strategy="median"),
        StandardScaler(),
        LogisticRegression(max_iter=3000),
    )


def _boosted(seed: int) -> object:
    return HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=8, random_state=seed
    )


def _as_linked(adata: AnnData) -> Tracks:
    """Tracks with every link believed."""
    return extract.tracks(AnnData(obs=adata.obs.drop(columns="qc_jump"), uns=adata.uns))


def _target(tracks: Tracks) -> tuple[np.ndarray, np.ndarray]:
    outcome = outcomes(tracks)
    last = outcome.steps == 0
    return last & outcome.divides, last & ~outcome.divides


def _divides_within(tracks: Tracks, hours: float) -> np.ndarray:
    """1 if the cell divides within so many hours, 0 if not, NaN if cut off."""
    target, unknown = _target(tracks)
    return realised_fate(
        tracks,
        np.zeros(tracks.n_rows, dtype=bool),
        target,
        unknown=unknown,
        horizon_frames=round(hours / FRAME) - 1,
    )


def _movie(data: Path, crop: bool) -> cs.Movie:
    if crop:
        return cs.datasets.hela_h2b()
    folder = data / MOVIE
    if not folder.is_dir():
        raise SystemExit(f"no {folder}; give its parent with --data, or use --crop.")
    return cs.io.read_movie(
        folder / "img.tif",
        folder / "masks_tracked.tif",
        tracks=folder / "man_track.txt",
        pixel_size=0.645,
        frame_interval=FRAME,
        channels=("H2B",),
        name="hela",
    )


def _print(scores: pd.DataFrame, options: argparse.Namespace) -> None:
    counts = scores.groupby(["judged by", "h"], sort=False)
    columns = ["cells", "dividing", "excluded"]
    print(counts[columns].first().astype(int).to_string(), end="\n\n")
    for (learnt, truth), part in scores.groupby(
        ["learnt from", "judged by"], sort=False
    ):
        print(f"learnt from {learnt} links, judged by {truth} links")
        grouped = part.groupby(["h", "method"], sort=False)
        table = grouped[["AUROC", "AP", "Brier", "Brier base", "slope"]].mean().round(4)
        for name in ("AUROC", "AP", "slope"):
            table[f"{name} sd"] = grouped[name].std(ddof=1).round(4)
        print(table.to_string(), end="\n\n")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    print(
        f"mean and sd over seeds {list(seeds)} of the split into {options.folds} folds "
        f"by lineage; {time.process_time():.0f} s of CPU"
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = Path(__file__).parents[3] / "shared" / "data"
    default = Path(os.environ.get("CELLSTATE_DATA", shared))
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--horizons", type=float, nargs="+", default=HORIZONS)
    parser.add_argument("--crop", action="store_true", help="the shipped crop instead")
    both = ("shipped", "fresh")
    parser.add_argument("--learn-from", nargs="+", choices=both, default=both)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
