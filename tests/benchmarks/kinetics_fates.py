"""Fate probabilities and macrostates beside CellRank and pyGPCCA on the same matrices.

    python tests/benchmarks/kinetics_fates.py --adata cellrank_adata_100.h5ad \
        --peer-python PATH
    python tests/benchmarks/kinetics_fates.py --small   # a random chain, dense solve

The peer's process builds transition matrices from CellRank's own reference AnnData (100
cells; connectivity and pseudotime kernels), takes the clusters with at least 8 cells as
fates, three cells of each that are most certain of their kind by degree, and computes
fate probabilities with its direct and its default solver, and memberships by pyGPCCA.
Same matrix in: differences are the largest over cells and fates. Baseline: every fate
as likely as any other. Sizes beyond 100 cells: random sparse chains, 12 links a cell.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

HERE = Path(__file__)


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.3g}"), flush=True)
    return found


def peer(path: str, out: str) -> None:
    """What CellRank and pyGPCCA make of the AnnData, in their own process."""
    import anndata
    import cellrank
    import pygpcca

    adata = anndata.read_h5ad(path)
    counts = adata.obs["clusters"].value_counts()
    fates = sorted(counts.index[counts >= 8])
    degree = np.asarray(adata.obsp["connectivities"].sum(axis=1)).ravel()
    ends = np.full(adata.n_obs, None, dtype=object)
    for fate in fates:
        rows = np.flatnonzero(adata.obs["clusters"] == fate)
        ends[rows[np.argsort(-degree[rows])[:3]]] = fate
    kernels = {
        "connectivity": cellrank.kernels.ConnectivityKernel(adata),
        "pseudotime": cellrank.kernels.PseudotimeKernel(
            adata, time_key="dpt_pseudotime"
        ),
    }
    found = {"ends": ends.astype(str), "fates": np.array(fates)}
    for name, kernel in kernels.items():
        kernel.compute_transition_matrix()
        for solver in ("direct", "gmres"):
            estimator = cellrank.estimators.GPCCA(kernel)
            states = pd.Series(ends, index=adata.obs_names, dtype="category")
            estimator.set_terminal_states(states)
            estimator.compute_fate_probabilities(
                solver=solver, use_petsc=False, show_progress_bar=False, n_jobs=1
            )
            fate = estimator.fate_probabilities
            found[f"{name} {solver}"] = np.stack(
                [np.asarray(fate[f]).ravel() for f in fates], axis=1
            )
        matrix = kernel.transition_matrix
        matrix = matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)
        found[f"{name} matrix"] = matrix
    mixed = blocks()
    lumped = pygpcca.GPCCA(mixed, method="brandts").optimize(3)
    found |= {"blocks": mixed, "memberships": lumped.memberships}
    np.savez(out, **found)


def blocks() -> np.ndarray:
    """Chain of three leaky blocks, not reversible."""
    rng, size = np.random.default_rng(0), 20
    chain = 0.02 * rng.dirichlet(np.ones(3 * size), 3 * size)
    for i in range(3):
        at = slice(i * size, (i + 1) * size)
        chain[at, at] += 0.98 * rng.dirichlet(np.ones(size), size)
    return chain / chain.sum(axis=1, keepdims=True)


def same_matrix(path: Path, python: str) -> list[dict]:
    """Ours against CellRank's."""
    from cellstate.kinetics import fates_from_transitions
    from cellstate.kinetics._chain import lump, stationary_law

    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/peer.npz"
        done = subprocess.run(
            [python, str(HERE), "--peer", str(path), out],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            missing = "ModuleNotFoundError" in done.stderr
            last = done.stderr.strip().splitlines()[-1][:70]
            return [{"matrix": "-", "outcome": "not installed" if missing else last}]
        with np.load(out) as stored:
            found = dict(stored)
    rows = []
    sets = {str(fate): found["ends"] == fate for fate in found["fates"]}
    free = ~np.any(list(sets.values()), axis=0)
    for name in ("connectivity", "pseudotime"):
        begin = time.perf_counter()
        ours = fates_from_transitions(found[f"{name} matrix"], sets)
        seconds = time.perf_counter() - begin
        row = {"matrix": name, "cells": len(free), "fates": len(sets)}
        row |= {
            f"difference, {solver}": np.abs(
                ours.probability - found[f"{name} {solver}"]
            )[free].max()
            for solver in ("direct", "gmres")
        }
        even = np.abs(ours.probability - 1 / len(sets))[free].max()
        rows.append(
            row | {"difference, all alike": even, "residual": ours.residual,
                   "s": seconds}
        )  # fmt: skip
    chain = found["blocks"]
    chi = lump(chain, stationary_law(chain)[0], 3).memberships
    theirs = found["memberships"]
    order = [int(np.argmax(theirs.T @ one)) for one in chi.T]
    rows.append(
        {"matrix": "three blocks, memberships (pyGPCCA)", "cells": len(chain),
         "fates": 3, "difference, direct": np.abs(chi - theirs[:, order]).max()}
    )  # fmt: skip
    return rows


def random_chains(sizes: tuple[int, ...]) -> list[dict]:
    """Chains of many cells: seconds, residual, and a dense solve where it fits."""
    from cellstate.kinetics import fates_from_transitions

    rows = []
    for k in sizes:
        rng = np.random.default_rng(k)
        start = np.repeat(np.arange(k), 12)
        links = sparse.csr_array(
            (rng.random(start.size), (start, rng.integers(k, size=start.size))),
            shape=(k, k),
        )
        links = sparse.csr_array(links / links.sum(axis=1)[:, None])
        at = np.arange(k)
        sets = {f"f{i}": at % 100 == i for i in range(3)}
        begin = time.perf_counter()
        found = fates_from_transitions(links, sets)
        row = {"cells": k, "s": time.perf_counter() - begin, "residual": found.residual}
        if k <= 3000:
            free = at % 100 > 2
            dense = links.toarray()
            inside = np.stack(list(sets.values()), axis=1)
            right = dense[np.ix_(free, ~free)] @ inside[~free].astype(float)
            exact = np.linalg.solve(
                np.eye(free.sum()) - dense[np.ix_(free, free)], right
            )
            row["difference, dense"] = np.abs(found.probability[free] - exact).max()
        rows.append(row)
    return rows


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--adata", type=Path)
    ask.add_argument("--peer-python", default=sys.executable)
    ask.add_argument("--small", action="store_true")
    ask.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
    given = ask.parse_args(argv)
    if given.peer:
        peer(*given.peer)
        return {}
    sizes = (300, 1000) if given.small else (1000, 10_000, 100_000)
    tables = {"random": table("Random chains, three fates", random_chains(sizes))}
    if given.adata is not None:
        rows = same_matrix(given.adata, given.peer_python)
        tables["same matrix"] = table("CellRank's AnnData, same matrix", rows)
    return tables


if __name__ == "__main__":
    main()
