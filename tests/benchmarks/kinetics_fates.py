"""Fates, macrostates and flux beside CellRank, pyGPCCA and deeptime on one matrix.

    python tests/benchmarks/kinetics_fates.py --adata cellrank_adata_100.h5ad \
        --peer-python PATH
    python tests/benchmarks/kinetics_fates.py --small   # a random chain, dense solve

The peer's process builds transition matrices from CellRank's own reference AnnData (100
cells; connectivity and pseudotime kernels), takes the clusters with at least 8 cells as
fates, three cells of each that are most certain of their kind by degree, and computes
fate probabilities with its direct and its default solver; memberships of a chain of
leaky blocks by pyGPCCA; committors and flux of it by deeptime. Same matrix in:
differences are the largest over cells and fates. Baseline: every fate as likely as any
other; for memberships all sets alike, for flux the largest value itself. Sizes beyond
100 cells: random sparse chains, 12 links a cell.
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
    import deeptime
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
            begin = time.perf_counter()
            estimator.compute_fate_probabilities(
                solver=solver, use_petsc=False, show_progress_bar=False, n_jobs=1
            )
            found[f"{name} {solver} s"] = time.perf_counter() - begin
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
    found["crispness"] = lumped.crispness_values[0]
    model = deeptime.markov.msm.MarkovStateModel(mixed)
    flux = model.reactive_flux(*ENDS)
    found |= {
        "forward": flux.forward_committor,
        "backward": flux.backward_committor,
        "net": flux.net_flux,
        "rate": flux.rate,
        "widest": flux.pathways()[1][0],
        "times": deeptime.markov.tools.analysis.mfpt(mixed, ENDS[1]),
    }
    np.savez(out, **found)


ENDS = ([0, 1], [58, 59])  # states of the chain of blocks


def blocks() -> np.ndarray:
    """Chain of three leaky blocks, not reversible."""
    rng, size = np.random.default_rng(0), 20
    chain = 0.02 * rng.dirichlet(np.ones(3 * size), 3 * size)
    for i in range(3):
        at = slice(i * size, (i + 1) * size)
        chain[at, at] += 0.98 * rng.dirichlet(np.ones(size), size)
    return chain / chain.sum(axis=1, keepdims=True)


def from_peers(path: Path, python: str) -> dict[str, np.ndarray] | str:
    """What the peers found, or why they did not."""
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
            return "not installed" if missing else last
        with np.load(out) as stored:
            return dict(stored)


def same_fates(found: dict[str, np.ndarray]) -> list[dict]:
    """Ours against CellRank's."""
    from anndata import AnnData

    import cellstate as cs

    rows = []
    fates = [str(fate) for fate in found["fates"]]
    adata = AnnData(np.zeros((len(found["ends"]), 1)))
    adata.obs["end"] = pd.Categorical(found["ends"].astype(str), categories=fates)
    free = adata.obs["end"].isna().to_numpy()
    for name in ("connectivity", "pseudotime"):
        adata.obsp[name] = sparse.csr_matrix(found[f"{name} matrix"])
        begin = time.perf_counter()
        ours = cs.tl.fate_probabilities(adata, "end", transitions=name)
        seconds = time.perf_counter() - begin
        row = {"matrix": name, "cells": len(free), "fates": len(fates)}
        row |= {
            f"difference, {solver}": np.abs(
                ours.probability - found[f"{name} {solver}"]
            )[free].max()
            for solver in ("direct", "gmres")
        }
        even = np.abs(ours.probability - 1 / len(fates))[free].max()
        rows.append(
            row | {"difference, all alike": even, "residual": ours.residual,
                   "s": seconds, "s, direct": float(found[f"{name} direct s"]),
                   "s, gmres": float(found[f"{name} gmres s"])}
        )  # fmt: skip
    return rows


def same_chain(found: dict[str, np.ndarray]) -> list[dict]:
    """Ours against pyGPCCA's and deeptime's, of the chain of leaky blocks."""
    from cellstate.kinetics import (
        MarkovChain,
        chain_flux,
        dominant_pathways,
        mean_passage_times,
    )
    from cellstate.kinetics._chain import lump

    chain = MarkovChain.of(found["blocks"], 1.0)
    lumped = lump(chain.transitions, chain.law, 3)
    chi = lumped.memberships
    theirs = found["memberships"]
    order = [int(np.argmax(theirs.T @ one)) for one in chi.T]
    masks = [np.isin(np.arange(len(chi)), ends) for ends in ENDS]
    flux = chain_flux(chain, *masks)
    widest = dominant_pathways(flux.net, *ENDS)[0][1]
    times = mean_passage_times(chain.transitions, masks[1], 1.0)[0]
    pairs = [
        ("memberships", "pyGPCCA", chi, theirs[:, order], 1 / 3),
        ("crispness", "pyGPCCA", lumped.crispness, found["crispness"], 0),
        ("forward committor", "deeptime", flux.forward, found["forward"], 0.5),
        ("backward committor", "deeptime", flux.backward, found["backward"], 0.5),
        ("net flux", "deeptime", flux.net, found["net"], 0),
        ("rate k_AB", "deeptime", flux.k_ab, found["rate"], 0),
        ("widest pathway", "deeptime", widest, found["widest"], 0),
        ("passage times", "deeptime", times, found["times"], 0),
    ]
    return [
        {"quantity": name, "peer": who, "largest": np.max(one),
         "difference": np.abs(one - two).max(),
         "difference, baseline": np.abs(one - base).max()}
        for name, who, one, two, base in pairs
    ]  # fmt: skip


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
        found = from_peers(given.adata, given.peer_python)
        missing = [{"peers": found}] if isinstance(found, str) else []
        tables["same matrix"] = table(
            "CellRank's AnnData, same matrix", missing or same_fates(found)
        )
        tables["same chain"] = table(
            "Chain of 60 states in three leaky blocks", missing or same_chain(found)
        )
    return tables


if __name__ == "__main__":
    main()
