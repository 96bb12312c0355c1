"""Hidden state and committor from pixels: simulated movies of differentiating cells.

Movies of the preset "differentiation" are filmed twice: as they are, where cells in
one state differ (individuality), and with all cells of a state alike, so that pixels
could tell the state. Embeddings learn from the training movies; all scores are of
cells of a movie that was held out, whole cells only. `true look` scores the quantities
that the film was drawn from (area, a_2, a_3, brightness, grain, dipole): no picture of
one frame tells more, so that it bounds every row below.

CC R2: squared canonical correlations of the coordinates with the hidden state, fitted
on training movies. R2 x, R2 y: of the two hidden coordinates by gradient boosting.
q: root mean square error of the committor: `q, taught` by boosting on the true
committor of training cells (what coordinates hold), `q, tracks` by
`cs.tl.committor` with states A and B marked and nothing else known, from the first 12
coordinates. Cells of A and B are left out of q.

    python tests/benchmarks/features_state.py --movies 4
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd
from sklearn.cross_decomposition import CCA
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

import cellstate as cs
from cellstate.datasets import Individuality, scene

LOOK = ("area", "a_2", "a_3", "intensity", "texture_length", "dipole")
MOST = 12  # coordinates that the committor of tracks is given
ALIKE = Individuality(size=0, shape=0, intensity=0, texture=0, dipole=0)


def main(arguments: Sequence[str] | None = None) -> pd.DataFrame:
    """Print the tables; return the scores of every embedding and look."""
    options = _options(arguments)
    with cs.settings.override(progress=False), threadpool_limits(options.threads):
        tables = [_one_look(name, options) for name in options.looks]
    scores = pd.concat(tables, ignore_index=True)
    print(
        f"\n{options.movies} movies of {options.frames} frames, the last one held out; "
        f"trained on at most {options.crops} crops, {options.threads} threads"
    )
    print(scores.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    return scores


def _one_look(name: str, options: argparse.Namespace) -> pd.DataFrame:
    cells, truth = _filmed(name, options)
    codes = cells.obs["movie"].astype(str).to_numpy()
    whole = truth["whole"].to_numpy(dtype=bool)
    train, test = (whole & (codes != codes[-1])), (whole & (codes == codes[-1]))
    cells.obs["train"] = train
    look = np.log(np.maximum(truth[list(LOOK)].to_numpy(), 1e-3))
    rows = [
        _scored("nothing", np.zeros((len(look), 1)), cells, train, test),
        _scored("log area", look[:, :1], cells, train, test),
        _scored("true look", np.c_[truth[list(LOOK)], look], cells, train, test),
    ]
    cs.pp.normalize(cells, fit_on="train")
    for label, families in (
        ("features, default", {}), ("features, all", {"families": None}),
    ):  # fmt: skip
        begin = time.time()
        cs.tl.embed(cells, n_components=40, fit_on="train", **families)
        seconds = time.time() - begin
        x = cells.obsm["X_pca"].copy()
        rows.append(_scored(label, x, cells, train, test) | {"fit s": seconds})
    cs.tl.state_space(cells, max_components=12, fit_on="train", rng=0)
    x = cells.obsm["X_state"].copy()
    rows.append(_scored("slow modes of these", x, cells, train, test))
    rows.append(_learned(cells, train, test, options))
    return pd.DataFrame(rows).assign(cells=name)[["cells", *rows[-1]]]


def _filmed(name: str, options: argparse.Namespace) -> tuple[ad.AnnData, pd.DataFrame]:
    """Features and crops of all movies, and the truth of each row."""
    setting = scene("differentiation")
    if name == "alike":
        setting = replace(setting, look=replace(setting.look, individuality=ALIKE))
    parts, truths = [], []
    for seed in range(options.movies):
        film = cs.datasets.simulate_movie(
            setting,
            n_cells=options.cells,
            n_frames=options.frames,
            rng=seed,
            name=f"{name}_{seed}",
        )
        part = cs.pp.features(film.movie)
        cs.datasets.attach_truth(part, film)
        cs.pp.crops(part, film.movie, size=40)
        parts.append(part)
        known = film.truth.cells.set_index(["frame", "label"])
        where = pd.MultiIndex.from_frame(part.obs[["frame", "label"]])
        truths.append(known.loc[where].reset_index())
    cells = ad.concat(parts, merge="same", uns_merge="first")
    cells.uns["cellstate"]["movies"] = {
        k: v for p in parts for k, v in p.uns["cellstate"]["movies"].items()
    }
    return cells, pd.concat(truths, ignore_index=True)


def _learned(
    cells: ad.AnnData, train: np.ndarray, test: np.ndarray, options: argparse.Namespace
) -> dict:
    """The autoencoder, trained on tracks of training movies up to `crops` crops."""
    track = cells.obs["movie"].astype(str) + ":" + cells.obs["track"].astype(str)
    order = np.random.default_rng(0).permutation(track[train].unique())
    size = track[train].value_counts()[order].cumsum()
    chosen = train & track.isin(size.index[size <= options.crops]).to_numpy()
    begin, cpu = time.time(), time.process_time()
    model = cs.tl.embed(
        cells, method="autoencoder", n_components=options.components,
        n_steps=options.steps, fit_on=chosen, rng=0,
    )  # fmt: skip
    seconds, cpu = time.time() - begin, time.process_time() - cpu
    print(f"{model.n_train} crops trained on; {cs.get.embedding_diagnosis(cells)}")
    held = cells[test].copy()
    cs.tl.embed(held, method="autoencoder", projection=model, rng=0)
    report = cs.get.embedding_diagnosis(held)
    print(f"held-out movie: {report}\n{report.leak.to_string(index=False)}")
    row = _scored("learned", cells.obsm["X_learned"].copy(), cells, train, test)
    return row | {"leak": report.orientation_leak, "fit s": seconds, "cpu s": cpu}


def _scored(
    label: str, x: np.ndarray, cells: ad.AnnData, train: np.ndarray, test: np.ndarray
) -> dict:
    state = np.asarray(cells.obsm["truth_state"])
    known = np.isfinite(x).all(axis=1)
    train, test = train & known, test & known
    row = {"embedding": label, "d": x.shape[1]}
    row |= dict(
        zip(("CC1 R2", "CC2 R2"), _canonical(x, state, train, test), strict=True)
    )
    for k, axis in enumerate("xy"):
        told = _boosted(x[train], state[train, k]).predict(x[test])
        off = ((told - state[test, k]) ** 2).mean()
        row[f"R2 {axis}"] = 1 - off / state[test, k].var()
    q = cells.obs["truth_committor"].to_numpy(dtype=float)
    between = np.isfinite(q) & (q > 0) & (q < 1)
    taught = _boosted(x[train & between], q[train & between])
    told = np.clip(taught.predict(x[test & between]), 0, 1)
    row["q, taught"] = np.sqrt(((told - q[test & between]) ** 2).mean())
    row["q, tracks"] = _by_tracks(x, cells, train, test & between, q)
    return row | {"leak": np.nan, "fit s": np.nan, "cpu s": np.nan}


def _canonical(
    x: np.ndarray, state: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[float, float]:
    varied = x[train].std(axis=0) > 0
    if not varied.any():
        return 0.0, 0.0
    n = min(2, int(varied.sum()))
    fit = CCA(n, max_iter=2000).fit(x[train][:, varied], state[train])
    left, right = fit.transform(x[test][:, varied], state[test])
    found = [np.corrcoef(left[:, k], right[:, k])[0, 1] ** 2 for k in range(n)]
    return found[0], found[1] if n > 1 else 0.0


def _boosted(x: np.ndarray, y: np.ndarray) -> HistGradientBoostingRegressor:
    model = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.05)
    return model.fit(x, y)


def _by_tracks(
    x: np.ndarray, cells: ad.AnnData, train: np.ndarray, judged: np.ndarray, q
) -> float:
    """Committor by tracks, A and B marked; the rest of the truth is not shown."""
    if x.std(axis=0).max() == 0:
        guess = np.average(q[train & (q > 0) & (q < 1)])
        return float(np.sqrt(((guess - q[judged]) ** 2).mean()))
    own = ad.AnnData(obs=cells.obs[["movie", "frame", "time", "label", "track"]].copy())
    own.obs["parent_track"] = cells.obs["parent_track"]
    own.uns["cellstate"] = {
        k: v for k, v in cells.uns["cellstate"].items() if k in ("movies",)
    }
    spread = x[train].std(axis=0)
    own.obsm["X_state"] = (x / np.where(spread > 0, spread, 1))[:, :MOST]
    own.obs["state"] = pd.Categorical(cells.obs["truth_set"].astype(str))
    # The judged cells are of a movie that is not learnt from: folds matter little.
    found = cs.tl.committor(
        own, method="tracks", direction="forward", fit_on=train, folds=2,
        n_bootstrap=0, rng=0,
    )  # fmt: skip
    told = found.forward[judged]
    good = np.isfinite(told)
    return float(np.sqrt(((told - q[judged])[good] ** 2).mean()))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movies", type=int, default=4)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--crops", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--components", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--looks", nargs="+", default=["varied", "alike"])
    parser.add_argument("--cells", type=int, default=60)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
