"""Rates and committors from tracks of a triple well: exact values, deeptime, and us.

    python tests/benchmarks/kinetics_tracks.py --peer-python PATH   # about 40 minutes
    python tests/benchmarks/kinetics_tracks.py --seeds 1            # four
    python tests/benchmarks/kinetics_tracks.py --small              # seconds

beta 1.67, frames 0.05 apart, 1e6 frames a data set: 100 tracks of 10,000 frames, in the
stationary law ("whole"), the same cut to 20 frames ("cut"), and 50,000 tracks of 20
frames that start in A ("in A"). Each method runs in its own process on the same states;
seconds are from states and track numbers to rates (assignment included, imports and
reading not), memory is the peak of the process, both the worst over seeds. Rates are
means over seeds with the standard error of the mean, errors are against the exact rate
of the continuous process. RMSE is over frames outside A and B, against the exact
committor, the mean over seeds.

Frames hide short visits to A and B. "exact, at frames" is the rate of the same process
looked at once per frame, by its propagator over a frame on a grid; "between frames" is
our estimate with these visits added back. deeptime: k-means with 200 cells, reversible
Markov chain at the lag, committor and rate by transition path theory. Baselines:
counting A to B where both ends were seen, and q = 1/2.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__)
FRAME, BETA, SHORT, CLUSTERS = 0.05, 1.67, 20, 200
CENTRES, RADIUS = {"a": (-1.0, 0.0), "b": (1.0, 0.0)}, 0.25
LAGS = (1, 5, 20)
LIMIT = 300  # seconds that a method gets


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.4g}"), flush=True)
    return found


def inside(x: np.ndarray, name: str) -> np.ndarray:
    """Whether states are in A or B."""
    return ((x - np.array(CENTRES[name])) ** 2).sum(axis=-1) <= RADIUS**2


# Methods: what a worker process runs. Only numpy and the method itself are needed.


def cellstate(x: np.ndarray, track: np.ndarray, lag: int, between: bool) -> dict:
    """Stopped transitions in a smooth basis."""
    from cellstate.kinetics import (
        committor_from_tracks,
        estimate_rates,
        hidden_crossings,
    )
    from cellstate.tracks import Tracks

    begin = time.perf_counter()
    a, b = inside(x, "a"), inside(x, "b")
    new = np.r_[True, track[1:] != track[:-1]]
    frame = np.arange(len(x)) - np.flatnonzero(new)[np.cumsum(new) - 1]
    tracks = Tracks.from_arrays(track=track, frame=frame, time=frame * FRAME)
    crossings = hidden_crossings(x, tracks, a, b, FRAME) if between else None
    found = committor_from_tracks(
        x, tracks, a, b, lag_frames=lag, frame_interval=FRAME, crossings=crossings,
        n_bootstrap=0, rng=0,
    )  # fmt: skip
    rates = estimate_rates(
        tracks, a, b, found.forward, found.backward, frame_interval=FRAME,
        decision_time=found.decision_time,
        crossings=crossings, rng=0,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    return {
        "k": rates.k_ab.value,
        "seen": rates.k_ab_events.value,
        "q": found.forward,
        "seconds": seconds,
    }


def deeptime(x: np.ndarray, track: np.ndarray, lag: int, between: bool) -> dict:
    """Markov chain on 200 cells."""
    from deeptime.clustering import KMeans
    from deeptime.markov import TransitionCountEstimator
    from deeptime.markov.msm import MaximumLikelihoodMSM

    begin = time.perf_counter()
    settings = {"max_iter": 30, "fixed_seed": 1, "init_strategy": "uniform"}
    cells = KMeans(CLUSTERS, n_jobs=2, **settings).fit(x[::10]).fetch_model()
    at = cells.transform(x)
    parts = np.split(at, np.flatnonzero(track[1:] != track[:-1]) + 1)
    counts = TransitionCountEstimator(lag, "sliding").fit(parts).fetch_model()
    counts = counts.submodel_largest()
    chain = MaximumLikelihoodMSM(reversible=True).fit(counts).fetch_model()
    centres = cells.cluster_centers[counts.state_symbols]
    sets = [np.flatnonzero(inside(centres, name)) for name in ("a", "b")]
    flux = chain.reactive_flux(*sets)
    seconds = time.perf_counter() - begin
    q = np.full(CLUSTERS, np.nan)
    q[counts.state_symbols] = flux.forward_committor
    return {"k": flux.rate / (lag * FRAME), "q": q[at], "seconds": seconds}


METHODS = {"cellstate": cellstate, "deeptime": deeptime}


def work(method: str, given: str, lag: int, between: bool, out: str) -> None:
    """One method in its own process; prints its peak memory."""
    import resource

    with np.load(given) as stored:
        x, track = stored["x"], stored["track"]
    found = METHODS[method](x, track, lag, between)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    np.savez(out, mb=peak, **found)


# The benchmark itself


def simulate(n_tracks: int, n_frames: int, start: str, seed: int) -> np.ndarray:
    """States (n_tracks, n_frames, 2), Euler steps of 0.002."""
    from cellstate.systems import TripleWell

    law, rng, stride = TripleWell(D=1 / BETA), np.random.default_rng(seed), 25
    step = FRAME / stride
    if start == "stationary":
        x = law.sample(n_tracks, rng)
    else:
        pool = law.sample(20 * n_tracks, rng)
        x = pool[inside(pool, "a")][:n_tracks]
        x = x[rng.integers(len(x), size=n_tracks)]
    states = np.empty((n_tracks, n_frames, 2))
    width = np.sqrt(2 * law.D * step)
    for frame in range(n_frames):
        states[:, frame] = x
        for _ in range(stride):
            x = x + law.drift(x) * step + width * rng.standard_normal(x.shape)
    return states


def data_sets(n_frames: int, seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """States and track number of each row, by name."""
    whole = simulate(100, n_frames // 100, "stationary", seed).reshape(-1, 2)
    at_a = simulate(n_frames // SHORT, SHORT, "in A", seed + 500).reshape(-1, 2)
    rows = np.arange(len(whole))
    return {
        "whole": (whole, rows // (n_frames // 100)),
        "cut": (whole, rows // SHORT),
        "in A": (at_a, np.arange(len(at_a)) // SHORT),
    }


def run(
    method: str, python: str, given: str, lag: int, between: bool, free: np.ndarray,
    exact: np.ndarray,
) -> dict:  # fmt: skip
    """Scores of one method on one data set; a word when it has none."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/found.npz"
        words = [python, str(HERE), "--worker", method, given, str(lag),
                 str(int(between)), out]  # fmt: skip
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return {"outcome": f"over {LIMIT} s"}
        if "ModuleNotFoundError" in done.stderr:
            return {"outcome": "not installed"}
        if done.returncode:
            return {"outcome": done.stderr.strip().splitlines()[-1][:60]}
        with np.load(out) as found:
            q = found["q"][free]
            scores = {name: float(found[name]) for name in ("k", "seconds", "mb")}
            if "seen" in found:
                scores["seen"] = float(found["seen"])
    return scores | {"rmse": float(np.sqrt(np.nanmean((q - exact) ** 2)))}


def measured(
    n_frames: int, seeds: int, peer_seeds: int, lags: tuple[int, ...], python: str
) -> pd.DataFrame:
    """One row per data set, method, lag and seed."""
    from cellstate.systems import TripleWell

    law, rows = TripleWell(D=1 / BETA), []
    for seed in range(seeds):
        for name, (x, track) in data_sets(n_frames, seed).items():
            free = ~(inside(x, "a") | inside(x, "b"))
            exact = law.committor(x[free])
            with tempfile.TemporaryDirectory() as folder:
                given = f"{folder}/given.npz"
                np.savez(given, x=x, track=track)
                for lag in lags:
                    jobs = [("cellstate", False), ("cellstate", True)]
                    jobs += [("deeptime", False)] if seed < peer_seeds else []
                    for method, between in jobs:
                        where = python if method == "deeptime" else sys.executable
                        scores = run(method, where, given, lag, between, free, exact)
                        label = method + (", between frames" if between else "")
                        rows.append({"tracks": name, "method": label, "lag": lag,
                                     "seed": seed} | scores)  # fmt: skip
                        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            half = float(np.sqrt(np.mean((0.5 - exact) ** 2)))
            rows.append({"tracks": name, "method": "q = 1/2", "rmse": half})
    return pd.DataFrame(rows)


def summary(found: pd.DataFrame, k_exact: float, k_frames: float) -> list[dict]:
    """Means over seeds."""
    rows = []
    for (tracks, method, lag), part in found.groupby(
        ["tracks", "method", "lag"], dropna=False, sort=False
    ):
        row = {"tracks": tracks, "method": method, "lag": lag, "seeds": len(part)}
        rows.append(row)
        if "outcome" in part and part["outcome"].notna().all():
            row["outcome"] = part["outcome"].iloc[0]
            continue
        if np.isfinite(part.get("k", np.nan)).any():
            mean, se = part["k"].mean(), part["k"].std() / np.sqrt(len(part))
            row |= {
                "k_AB": mean,
                "error %": 100 * (mean / k_exact - 1),
                "SE %": 100 * se / k_exact,
                "at frames %": 100 * (mean / k_frames - 1),
            }
        if "seen" in part and np.isfinite(part["seen"]).any():
            row["seen only %"] = 100 * (part["seen"].mean() / k_exact - 1)
        row["RMSE q"] = part["rmse"].mean()
        if np.isfinite(part.get("seconds", np.nan)).any():
            row |= {"s": part["seconds"].max(), "MB": part["mb"].max()}
    return rows


def exact_rates(spacing: float) -> dict[str, float]:
    """k_AB of the continuous process, and looked at once per frame, on a grid.

    A reversible jump process on a square grid; its propagator over a frame by an
    L-stable Runge-Kutta method in 16 steps; q = P q outside A and B by GMRES. Grid
    cells on the edge of a set belong to it in part.
    """
    from scipy import sparse
    from scipy.sparse.linalg import LinearOperator, gmres, splu

    from cellstate.systems import TripleWell

    law = TripleWell(D=1 / BETA)
    axes = [np.arange(low + spacing / 2, high, spacing) for low, high in law.box]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    weight = np.exp(-(law.potential(nodes) - law.potential(nodes).min()) / law.D)
    weight /= weight.sum()
    at = np.arange(len(nodes)).reshape([len(one) for one in axes])
    pairs = [(at[:-1], at[1:]), (at[:, :-1], at[:, 1:])]
    one, two = (np.concatenate([p[k].ravel() for p in pairs]) for k in (0, 1))
    link = law.D / spacing**2 * np.sqrt(weight[one] * weight[two])
    rates = sparse.coo_matrix(
        (np.r_[link / weight[one], link / weight[two]], (np.r_[one, two],
         np.r_[two, one])), shape=(len(nodes), len(nodes)),
    ).tocsr()  # fmt: skip
    rates -= sparse.diags(np.asarray(rates.sum(axis=1)).ravel())
    gamma, tau = 1 - 1 / np.sqrt(2), FRAME / 16
    solver = splu((sparse.identity(len(nodes)) - gamma * tau * rates).tocsc())

    def ahead(u: np.ndarray) -> np.ndarray:
        for _ in range(16):
            first = solver.solve(rates @ u)
            second = solver.solve(rates @ (u + (1 - gamma) * tau * first))
            u = u + tau * ((1 - gamma) * first + gamma * second)
        return u

    in_a, in_b = (
        np.clip(0.5 - s.distance(nodes) / spacing, 0, 1)
        for s in (law.source, law.target)
    )
    free = 1 - in_a - in_b
    shape = (len(nodes), len(nodes))
    step = LinearOperator(shape, matvec=lambda u: u - free * ahead(u))
    q, _ = gmres(step, in_b, rtol=1e-10, restart=100, maxiter=5)
    nu = float((weight * in_a * ahead(q)).sum() / FRAME)
    found = law.transition_paths()
    return {
        "continuous": found.k_ab,
        "at frames": float(nu / (weight * (1 - q)).sum()),
        "residual": float(np.linalg.norm(step @ q - in_b) / np.linalg.norm(in_b)),
    }


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--frames", type=int, default=1_000_000)
    ask.add_argument("--seeds", type=int, default=10)
    ask.add_argument("--peer-seeds", type=int, default=2)
    ask.add_argument("--peer-python", default=sys.executable)
    ask.add_argument("--small", action="store_true")
    ask.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    given = ask.parse_args(argv)
    if given.worker:
        method, path, lag, between, out = given.worker
        work(method, path, int(lag), bool(int(between)), out)
        return {}
    lags, spacing = LAGS, 0.03
    if given.small:
        given.frames, given.seeds, given.peer_seeds, lags = 10_000, 1, 1, (1, 5)
        spacing = 0.1
    exact = exact_rates(spacing)
    tables = {
        "exact": table("Exact k_AB, per unit time", [exact]),
    }
    found = measured(
        given.frames, given.seeds, given.peer_seeds, lags, given.peer_python
    )
    rows = summary(found, exact["continuous"], exact["at frames"])
    tables["tracks"] = table(f"Triple well, {given.frames} frames", rows)
    return tables


if __name__ == "__main__":
    main()
