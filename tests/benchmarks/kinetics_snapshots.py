"""Committors from snapshots: the graph against exact values, baselines and CellRank.

    python tests/benchmarks/kinetics_snapshots.py --peer-python PATH   # four minutes
    python tests/benchmarks/kinetics_snapshots.py --small              # seconds

Cells are drawn from the stationary law; A and B are the usual sets of the system.
RMSE is over the cells outside both sets, against the exact committor (finite volumes in
the plane, quadrature along the hidden coordinate in ten dimensions). Each method runs
in its own process on the same cells; seconds are those of its call, without imports and
reading but with what it compiles, memory is the peak of the whole process.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__)
LIMIT = 80  # seconds that a peer gets


# Methods: what a worker process runs. Only numpy and the method itself are needed.


def graph(cells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """cellstate, from the cells alone."""
    from cellstate.kinetics import committor_on_graph

    begin = time.perf_counter()
    found = committor_on_graph(cells["x"], cells["a"], cells["b"], rng=0)
    seconds = time.perf_counter() - begin
    return {"q": found.forward, "q_back": found.backward, "seconds": seconds}


def graph_drift(cells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """cellstate, told drift and diffusion."""
    from cellstate.kinetics import committor_on_graph

    told = {"drift": cells["drift"], "diffusion": float(cells["diffusion"])}
    begin = time.perf_counter()
    found = committor_on_graph(cells["x"], cells["a"], cells["b"], rng=0, **told)
    seconds = time.perf_counter() - begin
    return {"q": found.forward, "q_back": found.backward, "seconds": seconds}


def constant(cells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The share of B among the cells of both sets, for every cell."""
    begin = time.perf_counter()
    share = cells["b"].sum() / (cells["a"].sum() + cells["b"].sum())
    q = np.full(len(cells["x"]), share)
    return {"q": q, "seconds": time.perf_counter() - begin}


def distances(cells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """d_A / (d_A + d_B), distances to the nearest cell of A and of B."""
    from sklearn.neighbors import NearestNeighbors

    begin = time.perf_counter()
    to_a, to_b = (
        NearestNeighbors(n_neighbors=1).fit(cells["x"][cells[s]]).kneighbors(cells["x"])
        for s in ("a", "b")
    )
    q = to_a[0][:, 0] / (to_a[0][:, 0] + to_b[0][:, 0])
    return {"q": q, "seconds": time.perf_counter() - begin}


def cellrank(cells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fate probabilities of a connectivity kernel on 30 neighbours."""
    from cellrank.estimators import GPCCA  # first: often missing
    from cellrank.kernels import ConnectivityKernel

    # isort: split
    import anndata
    import scanpy

    adata = anndata.AnnData(np.asarray(cells["x"], dtype=np.float32))
    side = np.where(cells["a"], "A", np.where(cells["b"], "B", "rest"))
    fates = pd.Series(side, index=adata.obs_names, dtype="category")
    fates = fates.cat.remove_categories("rest")
    begin = time.perf_counter()
    scanpy.pp.neighbors(adata, n_neighbors=30, use_rep="X", transformer="sklearn")
    estimator = GPCCA(ConnectivityKernel(adata).compute_transition_matrix())
    estimator.set_terminal_states(fates)
    estimator.compute_fate_probabilities(show_progress_bar=False, n_jobs=1)
    q = np.asarray(estimator.fate_probabilities["B"]).ravel()
    return {"q": q, "seconds": time.perf_counter() - begin}


METHODS = {
    "graph": graph,
    "graph, drift told": graph_drift,
    "constant": constant,
    "distances": distances,
    "CellRank": cellrank,
}


def work(method: str, given: str, out: str) -> None:
    """One method in its own process."""
    with np.load(given) as stored:
        cells = dict(stored)
    np.savez(out, **METHODS[method](cells))


# The benchmark itself


def draw(law: object, n: int, seed: int) -> dict[str, np.ndarray]:
    """Cells of a law, with what is exact about them."""
    x = law.sample(n, seed)
    return {
        "x": x,
        "a": law.source.contains(x),
        "b": law.target.contains(x),
        "drift": law.drift(x),
        "diffusion": np.array(law.D),
        "exact": law.committor(x),
        "exact_back": law.committor_backward(x),
    }


def run(method: str, cells: dict[str, np.ndarray], python: str, limit: float) -> dict:
    """Scores of one method on some cells; a word in their place when it has none."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = f"{folder}/cells.npz", f"{folder}/found.npz"
        hidden = ("exact", "exact_back")
        np.savez(given, **{k: v for k, v in cells.items() if k not in hidden})
        words = [python, str(HERE), "--worker", method, given, out]
        # The peak of all children that ended so far: hence one child per process.
        watch = [sys.executable, str(HERE), "--watch", str(limit), *words]
        done = subprocess.run(watch, capture_output=True, text=True)
        if done.returncode == 124:
            return {"outcome": f"over {limit:g} s"}
        if "ModuleNotFoundError" in done.stderr:
            return {"outcome": "not installed"}
        if done.returncode:
            return {"outcome": done.stderr.strip().splitlines()[-1][:60]}
        with np.load(out) as found:
            scores = score(cells, found)
    return scores | {"peak MB": float(done.stdout.split()[-1])}


def watch(limit: float, words: list[str]) -> int:
    """Run one child; print its peak memory."""
    try:
        code = subprocess.run(words, timeout=limit).returncode
    except subprocess.TimeoutExpired:
        return 124
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    return code


def score(cells: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> dict:
    """RMSE of both committors, seconds, and what is missing."""
    rest = ~(cells["a"] | cells["b"])
    scores = {"RMSE q": rmse(found["q"], cells["exact"], rest)}
    if "q_back" in found:
        scores["RMSE q-"] = rmse(found["q_back"], cells["exact_back"], rest)
    scores["seconds"] = float(found["seconds"])
    scores["no value"] = int(np.isnan(found["q"]).sum())
    return scores


def rmse(values: np.ndarray, exact: np.ndarray, rows: np.ndarray) -> float:
    """Over the rows that have a value."""
    return float(np.sqrt(np.nanmean((values - exact)[rows] ** 2)))


def compare(
    law: object,
    n: int,
    seeds: int,
    methods: dict[str, int],
    python: str,
    limit: float,
) -> list[dict]:
    """Rows of a table: each method on as many of the seeds as it is given."""
    rows = []
    drawn = [draw(law, n, seed) for seed in range(1, seeds + 1)]
    for method, repeats in methods.items():
        where = python if method == "CellRank" else sys.executable
        scores = pd.DataFrame(
            [run(method, cells, where, limit) for cells in drawn[:repeats]]
        )
        row = {"system": law.name, "cells": n, "method": method}
        row |= {"seeds": min(repeats, seeds), "outcome": ""}
        for name in scores:
            if name == "outcome":
                row["outcome"] = scores[name].dropna().iloc[0]
                continue
            row[name] = scores[name].max() if name == "peak MB" else scores[name].mean()
            if name.startswith("RMSE"):
                row[f"SD {name[5:]}"] = (
                    scores[name].std() if len(scores) > 1 else np.nan
                )
        rows.append(row)
    return rows


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    columns = ["system", "cells", "method", "seeds", "RMSE q", "SD q", "RMSE q-"]
    columns += ["SD q-", "seconds", "peak MB", "no value", "outcome"]
    found = pd.DataFrame(rows).reindex(columns=columns)
    print(f"\n## {title}\n")
    shown = found.dropna(axis=1, how="all")
    print(shown.to_string(index=False, float_format="{:.4g}".format), flush=True)
    return found


def triple_well(small: bool, python: str) -> pd.DataFrame:
    """Reversible: what CellRank is made for as well."""
    from cellstate import systems

    law = systems.TripleWell(D=1 / 1.67)
    plans = [(10_000, 10, 3), (100_000, 3, 1), (1_000_000, 1, 0)]
    if small:
        plans = [(1_000, 1, 1)]
    rows = []
    for n, seeds, of_peer in plans:
        methods = {"graph": seeds, "constant": seeds, "distances": seeds}
        if of_peer:
            methods["CellRank"] = of_peer
        rows += compare(law, n, seeds, methods, python, LIMIT)
    return table("Triple well, beta 1.67, cells from the stationary law", rows)


def drifts(small: bool, python: str) -> pd.DataFrame:
    """Irreversible laws: drift told, and what the cells alone say."""
    from cellstate import systems

    laws = [systems.RotationalDoubleWell(D=1 / 3), systems.MaierStein(D=0.1)]
    laws = laws[:1] if small else laws
    sizes = ((1_000, 1),) if small else ((10_000, 5), (100_000, 2))
    rows = []
    for law in laws:
        for n, seeds in sizes:
            methods = dict.fromkeys(["graph, drift told", "graph", "constant"], seeds)
            rows += compare(law, n, seeds, methods, python, LIMIT)
    return table("Laws that circulate (cells alone cannot show it)", rows)


def ten(small: bool, python: str) -> pd.DataFrame:
    """A double well along one hidden direction of ten."""
    from cellstate import systems

    law = systems.RotatedDoubleWell(D=1 / 2, d=10)
    sizes = ((1_000, 1),) if small else ((10_000, 3), (60_000, 1))
    names = ["graph", "graph, drift told", "constant", "distances"]
    rows = []
    for n, seeds in sizes:
        methods = dict.fromkeys(names, seeds)
        rows += compare(law, n, seeds, methods, python, LIMIT)
    return table("Ten coordinates, double well along one, beta 2", rows)


def main(words: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="small sizes, for a test")
    parser.add_argument("--only", nargs="+", help="sections to print")
    parser.add_argument("--peer-python", default=sys.executable, help="has CellRank")
    options = parser.parse_args(words)
    pd.set_option("display.width", 250)
    sections = {"triple well": triple_well, "drift": drifts, "ten": ten}
    chosen = options.only or list(sections)
    unknown = [name for name in chosen if name not in sections]
    if unknown:
        parser.error(f"no section {unknown}; there are {list(sections)}")
    return {n: sections[n](options.small, options.peer_python) for n in chosen}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(*sys.argv[2:])
    elif sys.argv[1:2] == ["--watch"]:
        sys.exit(watch(float(sys.argv[2]), sys.argv[3:]))
    else:
        main()
