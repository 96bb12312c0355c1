"""Drift and diffusion from tracks: the truth, StochasticForceInference, and us.

    python tests/benchmarks/flow_tracks.py --peer-python PATH           # full sweep
    python tests/benchmarks/flow_tracks.py --peer-python PATH --brief   # corners of it
    python tests/benchmarks/flow_tracks.py --small                      # seconds

30 tracks of 600 frames that start in the stationary law. `dt l` is the frame interval
times the fastest rate of the law, `noise` the variance of measurement noise over the
variance 2 D dt of a frame's diffusion. Errors over 3,000 states of the stationary law:
drift sqrt(<|b^ - b|^2> / <|b|^2>), diffusion |D^ - D| / |D| (ours, which may depend on
the state, averaged over these states). Means over seeds, `+-` the standard error of our
mean. `ratio` is our error over that of SFI's method of least mean error in that row,
known only with the truth at hand; `guided` over that of the method which SFI's guide
names for the row: without noise linear at dt l <= 0.1 and "p. clean" beyond, with noise
"parametric"; `s.e.` of the ratios by seeds.

SFI: monomials up to degree 3, which hold every law here; see _sfi_peer.py for its
methods; "clean" and "p. clean" are told that there is no noise and run there only.
Ours: no setting. Baselines: zero drift, and least squares of increments on the same
monomials with the mean squared increment for D. Seconds are CPU seconds of one process
from arrays to drift, the first call (with what it compiles or imports) and the median
of later ones; SFI keeps its compiled programs in a folder, as its guide says.

Optical tweezer: SFI's example file is one track of 20,001 frames, simulated as "a weak
cubic in one axis and a slow rotation"; its numbers are not published. Two tables: the
law of that form whose coefficients are nearest to the file's, simulated anew (truth
known); and the file itself, fitted in one half, scored in the other by the gain in
predicted increments, 1 for the least-squares fit of that form to the whole file.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

import cellstate as cs
from cellstate import systems

HERE = Path(__file__).resolve().parent
LAWS = {
    "OU, rotating": systems.OrnsteinUhlenbeck(D=1.0, rate=1.0, rotation=1.0),
    "double well": systems.DoubleWell(D=1 / 3),
    "binary choice": systems.BinaryChoice(D=0.3, p2=0.5),
    "rotational well": systems.RotationalDoubleWell(D=1 / 3),
}
SPACINGS, NOISES = (0.02, 0.1, 0.2, 0.5), (0.0, 0.1, 1.0)
TRACKS, FRAMES, STATES, DEGREE = 30, 600, 3000, 3
LINEAR = ("linear", "PASTIS")
TOLD = ("clean", "clean PASTIS")
LIKELY = ("parametric", "p. PASTIS")
LIKELY_TOLD = ("p. clean", "p. clean PASTIS")
OURS, PLAIN, ZERO = "cellstate", "least squares", "zero drift"
FINE = 0.1  # dt l up to which the guide's linear method is meant
FILE = "tracks/sfi_optical_tweezer_2d.csv"


@dataclass(frozen=True, eq=False)
class Set:
    """Tracks (frames, tracks, d) of a law, and where its fits are asked."""

    law: str
    spacing: float
    ratio: float
    seed: int
    x: np.ndarray
    dt: float
    states: np.ndarray
    drift: np.ndarray
    diffusion: np.ndarray


def table(title: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Print a table and return it."""
    print(f"\n## {title}\n")
    print(rows.to_string(index=False, float_format=lambda v: f"{v:.3g}"), flush=True)
    return rows


def simulated(
    law: systems.Diffusion, n: int, frames: int, dt: float, noise: float, seed: int
) -> np.ndarray:
    """Tracks (frames, n, d) from the stationary law, with measurement noise."""
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        x = systems.simulate(
            law, law.sample(n, rng=rng), n_frames=frames, frame_interval=dt, rng=rng
        )
    return x + noise * rng.standard_normal(x.shape)


def data_set(
    name: str, spacing: float, ratio: float, seed: int, n: int, frames: int
) -> Set:
    """One set of tracks."""
    law = LAWS[name]
    dt = spacing / law.fastest_rate
    states = law.sample(STATES, rng=99)
    x = simulated(law, n, frames, dt, np.sqrt(ratio * 2 * law.D * dt), seed)
    return Set(
        law=name, spacing=spacing, ratio=ratio, seed=seed, x=x, dt=dt, states=states,
        drift=law.drift(states), diffusion=law.D * np.eye(law.dimension),
    )  # fmt: skip


# Methods: tracks in; drift at states, mean diffusion and CPU seconds out.


def cellstate(x: np.ndarray, dt: float, states: np.ndarray, seed: int) -> dict:
    """`tl.fit_flow` as it comes."""
    frames, n, d = x.shape
    frame = np.tile(np.arange(frames), n)
    cells = AnnData(
        obs=pd.DataFrame(
            {
                "track": np.repeat(np.arange(1, n + 1), frames),
                "frame": frame,
                "time": frame * dt,
            },
            index=[str(i) for i in range(n * frames)],
        )
    )
    cells.obsm["X_state"] = x.transpose(1, 0, 2).reshape(-1, d)
    begin = time.process_time()
    fit = cs.tl.fit_flow(cells, use="tracks", rng=seed)
    drift = fit.drift(states)
    diffusion = fit.diffusion(states).mean(axis=0)
    seconds = time.process_time() - begin
    return {"drift": drift, "D": diffusion, "seconds": seconds}


def monomials(x: np.ndarray) -> np.ndarray:
    """Monomials up to degree 3 of states (..., d), shape (..., q)."""
    powers = np.indices([DEGREE + 1] * x.shape[-1]).reshape(x.shape[-1], -1).T
    powers = powers[powers.sum(axis=1) <= DEGREE]
    return (x[..., None, :] ** powers).prod(axis=-1)


def least_squares(x: np.ndarray, dt: float, states: np.ndarray, seed: int) -> dict:
    """Increments on monomials; D from mean squared increments."""
    begin = time.process_time()
    step = np.diff(x, axis=0).reshape(-1, x.shape[-1])
    known = monomials(x[:-1]).reshape(len(step), -1)
    coefficients = np.linalg.lstsq(known, step / dt, rcond=None)[0]
    drift = monomials(states) @ coefficients
    diffusion = step.T @ step / (2 * dt * len(step))
    seconds = time.process_time() - begin
    return {"drift": drift, "D": diffusion, "seconds": seconds}


def nothing(x: np.ndarray, dt: float, states: np.ndarray, seed: int) -> dict:
    """Zero drift."""
    return {"drift": np.zeros_like(states), "D": None, "seconds": 0.0}


OWN = {OURS: cellstate, PLAIN: least_squares, ZERO: nothing}


def peer(
    sets: list[Set], methods: tuple[str, ...], python: str, limit: float
) -> list[dict]:
    """What SFI finds: one process for sets of one shape and kind."""
    rows = [dict(vars(one)) for one in sets]
    given = {"n": len(rows)}
    for k, row in enumerate(rows):
        given |= {f"{name}_{k}": row[name] for name in ("x", "dt", "states")}
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/in.npz", f"{folder}/out.npz"
        np.savez(source, **given)
        words = [python, str(HERE / "_sfi_peer.py"), source, target, *methods]
        # One thread, and compiled programs kept from fit to fit.
        alone = {
            "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
            "OMP_NUM_THREADS": "1",
            "JAX_PLATFORMS": "cpu",
            "SFI_JAX_CACHE_DIR": f"{folder}/programs",
        }
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, timeout=limit,
                env=os.environ | alone,
            )  # fmt: skip
            outcome = done.stderr.strip().splitlines()[-1:] if done.returncode else []
            outcome = outcome[0][:60] if outcome else ""
            if "ModuleNotFoundError" in outcome:
                outcome = "not installed"
        except subprocess.TimeoutExpired:
            outcome = f"over {limit:.0f} s"
        if not Path(target).exists():
            return [
                {"method": name, "set": one, "outcome": outcome, "call": k}
                for name in methods
                for k, one in enumerate(sets)
            ]
        with np.load(target) as found:
            return [
                {"method": name, "set": one, "call": k, **_found(found, k, name)}
                for name in methods
                for k, one in enumerate(sets)
            ]


def _found(stored: np.lib.npyio.NpzFile, k: int, method: str) -> dict:
    if f"failed_{k}_{method}" in stored:
        return {"outcome": str(stored[f"failed_{k}_{method}"])}
    if f"seconds_{k}_{method}" not in stored:
        return {"outcome": "out of time"}
    kinds = ("drift", "D", "seconds")
    return {kind: stored[f"{kind}_{k}_{method}"] for kind in kinds} | {"outcome": ""}


def errors(one: Set, found: dict) -> dict:
    """Normalised errors of drift and diffusion."""
    wrong = found["drift"] - one.drift
    drift = np.sqrt((wrong**2).sum() / (one.drift**2).sum())
    if found["D"] is None:
        return {"drift": drift, "D": np.nan}
    apart = np.linalg.norm(found["D"] - one.diffusion)
    return {"drift": drift, "D": apart / np.linalg.norm(one.diffusion)}


def scored(one: Set, call: int, method: str, found: dict) -> dict:
    """A row: data set, method, errors, seconds, or why there is none."""
    row = {
        "law": one.law, "dt l": one.spacing, "noise": one.ratio, "seed": one.seed,
        "method": method, "call": call, "outcome": found.get("outcome", ""),
        "drift": np.nan, "D": np.nan, "seconds": np.nan,
    }  # fmt: skip
    if "drift" in found:
        row |= errors(one, found) | {"seconds": float(found["seconds"])}
    return row


def own_rows(sets: list[Set]) -> list[dict]:
    """Scores of our fit and the baselines."""
    rows = []
    for method, fit in OWN.items():
        for call, one in enumerate(sets):
            found = fit(one.x, one.dt, one.states, one.seed)
            rows.append(scored(one, call, method, found))
    return rows
