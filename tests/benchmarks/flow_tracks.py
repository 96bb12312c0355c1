"""Drift and diffusion from tracks: the truth, StochasticForceInference, and us.

    python tests/benchmarks/flow_tracks.py --peer-python PATH  # 15 minutes on a core
    python tests/benchmarks/flow_tracks.py --likely-seeds 3 --peer-python PATH  # 30
    python tests/benchmarks/flow_tracks.py --turn 30 --peer-python PATH  # turned axes
    python tests/benchmarks/flow_tracks.py --small             # seconds

30 tracks of 600 frames that start in the stationary law. `dt l` is the frame interval
times the fastest rate of the law, `noise` the variance of measurement noise over the
variance 2 D dt that diffusion has in a frame. Errors over 3,000 states of the
stationary law: drift sqrt(<|b^ - b|^2> / <|b|^2>), diffusion |D^ - D| / |D| (of ours,
which may depend on the state, the mean over these states). Means over seeds; `+-` the
standard error of our mean. `ratio` is our error over that of SFI's best method in the
row, which only the truth tells, on the same seeds; `guided` over that of the method
that SFI's guide names for such data: without noise "linear" up to dt l = 0.1 and
"p. clean" beyond, with noise "parametric".

SFI: monomials up to degree 3, which hold every law here. _sfi_peer.py says what its
methods are; "P" is for PASTIS. "clean" and "p. clean" are told that there is no noise,
and run where there is none; the parametric ones run on the first seeds only. Ours: no
setting. Baselines: zero drift; least squares of increments on the same monomials, and
the mean squared increment for D. Seconds: CPU seconds of a process from arrays to
drift, at its first call (with what it compiles or imports) and at later ones (median).
SFI keeps compiled programs in a folder, as its guide says.

Every law here is sparse in the axes it is written in, which PASTIS rewards; axes of a
state space are arbitrary. `--turn 30` measures along turned ones (planar laws only).

Optical tweezer: SFI's example is one track of 20,001 frames, simulated with a weak
cubic in one axis and a slow rotation, the numbers of which are not published. "twin":
the law of that form that fits the file best, simulated anew, so that the truth is
known. "file": fitted to one half and scored on the other, by the gain in prediction,
sum 2 b . dx - |b|^2 dt with b at the frame before (its noise is then not in dx), over
that of the least-squares fit of that form to the whole file.
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
DATA = Path(os.environ.get("CELLSTATE_DATA", HERE.parents[2] / "shared" / "data"))
FILE, FILE_DT = DATA / "tracks" / "sfi_optical_tweezer_2d.csv", 0.01
LAWS = {
    "OU, rotating": systems.OrnsteinUhlenbeck(D=1.0, rate=1.0, rotation=1.0),
    "double well": systems.DoubleWell(D=1 / 3),
    "binary choice": systems.BinaryChoice(D=0.3, p2=0.5),
    "rotational well": systems.RotationalDoubleWell(D=1 / 3),
}
SPACINGS, NOISES = (0.02, 0.1, 0.2, 0.5), (0.0, 0.1, 1.0)
TRACKS, FRAMES, STATES, DEGREE = 30, 600, 3000, 3
SHORT, LONG = ("linear",), ("parametric",)
SHORT_TOLD, LONG_TOLD = ("clean",), ("p. clean",)
OURS, PLAIN, ZERO = "cellstate", "least squares", "zero drift"
FINE = 0.1  # dt l up to which the guide's linear method is meant
KEY = ["law", "dt l", "noise"]


@dataclass(frozen=True, eq=False)
class Set:
    """Tracks (frames, tracks, d), and where drift is asked; truths when known."""

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


def turned(angle: float) -> np.ndarray:
    """Matrix that turns a plane by an angle in degrees, (2, 2)."""
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.array([[c, -s], [s, c]])


def data_set(
    name: str, spacing: float, ratio: float, seed: int, given: argparse.Namespace
) -> Set:
    """Tracks of a law, from its stationary law, with measurement noise."""
    n, frames = given.tracks, given.frames
    law, rng = LAWS[name], np.random.default_rng(seed)
    dt, states = spacing / law.fastest_rate, law.sample(STATES, rng=99)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        x = systems.simulate(
            law, law.sample(n, rng=rng), n_frames=frames, frame_interval=dt, rng=rng
        )
    x = x + np.sqrt(ratio * 2 * law.D * dt) * rng.standard_normal(x.shape)
    axes = turned(given.turn).T if law.dimension == 2 else np.eye(law.dimension)
    return Set(
        law=name, spacing=spacing, ratio=ratio, seed=seed, x=x @ axes, dt=dt,
        states=states @ axes, drift=law.drift(states) @ axes,
        diffusion=law.D * np.eye(law.dimension),
    )  # fmt: skip


# Methods: a data set in; drift at its states, mean diffusion and CPU seconds out.


def cellstate(one: Set) -> dict:
    """`tl.fit_flow` as it comes."""
    frames, n, d = one.x.shape
    frame = np.tile(np.arange(frames), n)
    obs = {"track": np.repeat(np.arange(1, n + 1), frames), "frame": frame}
    names = [str(i) for i in range(n * frames)]
    cells = AnnData(obs=pd.DataFrame(obs | {"time": frame * one.dt}, index=names))
    cells.obsm["X_state"] = one.x.transpose(1, 0, 2).reshape(-1, d)
    begin = time.process_time()
    fit = cs.tl.fit_flow(cells, use="tracks", rng=one.seed)
    drift = fit.drift(one.states)
    diffusion = fit.diffusion(one.states).mean(axis=0)
    return {"drift": drift, "D": diffusion, "seconds": time.process_time() - begin}


def monomials(x: np.ndarray) -> np.ndarray:
    """Monomials up to degree 3 of states (..., d), shape (..., q)."""
    d = x.shape[-1]
    powers = np.indices([DEGREE + 1] * d).reshape(d, -1).T
    powers = powers[powers.sum(axis=1) <= DEGREE]
    return (x[..., None, :] ** powers).prod(axis=-1)


def least_squares(one: Set) -> dict:
    """Increments on monomials; D from mean squared increments."""
    begin = time.process_time()
    step = np.diff(one.x, axis=0).reshape(-1, one.x.shape[-1])
    known = monomials(one.x[:-1]).reshape(len(step), -1)
    drift = monomials(one.states) @ np.linalg.lstsq(known, step / one.dt)[0]
    diffusion = step.T @ step / (2 * one.dt * len(step))
    return {"drift": drift, "D": diffusion, "seconds": time.process_time() - begin}


def nothing(one: Set) -> dict:
    """Zero drift, and no diffusion."""
    d = one.x.shape[-1]
    return {"drift": np.zeros_like(one.states), "D": np.zeros((d, d)), "seconds": 0.0}


OWN = {OURS: cellstate, PLAIN: least_squares, ZERO: nothing}


def own(sets: list[Set]) -> list[dict]:
    """Our fit and the baselines."""
    return [
        {"method": name, "set": one, "call": call, **fit(one)}
        for name, fit in OWN.items()
        for call, one in enumerate(sets)
    ]


def peer(
    sets: list[Set], methods: tuple[str, ...], python: str, limit: float
) -> list[dict]:
    """What SFI finds, in one process of one thread."""
    given = {"n": len(sets)}
    for k, one in enumerate(sets):
        given |= {f"{name}_{k}": getattr(one, name) for name in ("x", "dt", "states")}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(source, **given)
        words = [python, HERE / "_sfi_peer.py", source, target, limit, *methods]
        alone = {
            "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
            "OMP_NUM_THREADS": "1",
            "JAX_PLATFORMS": "cpu",
            "SFI_JAX_CACHE_DIR": f"{folder}/programs",
        }
        done = subprocess.run(
            [str(word) for word in words], capture_output=True, text=True,
            env=os.environ | alone,
        )  # fmt: skip
        outcome = ""
        if done.returncode:
            outcome = done.stderr.strip().splitlines()[-1][:60]
        if "ModuleNotFoundError" in outcome:
            outcome = "not installed"
        stored = dict(np.load(target)) if target.exists() else {}
    every = [name for method in methods for name in (method, f"{method}, PASTIS")]
    return [
        {"method": name, "set": one, "call": k, **_found(stored, k, name, outcome)}
        for name in every
        for k, one in enumerate(sets)
    ]


def _found(stored: dict, k: int, method: str, outcome: str) -> dict:
    if f"failed_{k}_{method}" in stored:
        return {"outcome": str(stored[f"failed_{k}_{method}"])}
    if f"seconds_{k}_{method}" not in stored:
        return {"outcome": outcome or "out of time"}
    return {kind: stored[f"{kind}_{k}_{method}"] for kind in ("drift", "D", "seconds")}


# The sweep


def scored(found: dict) -> dict:
    """A row: data set, method, errors, seconds, or why there is none."""
    one = found["set"]
    row = {
        "law": one.law, "dt l": one.spacing, "noise": one.ratio, "seed": one.seed,
        "method": found["method"], "call": found["call"],
        "outcome": found.get("outcome", ""),
    }  # fmt: skip
    if "drift" not in found:
        return row | dict.fromkeys(("drift", "D", "seconds"), np.nan)
    wrong, apart = found["drift"] - one.drift, found["D"] - one.diffusion
    return row | {
        "drift": np.sqrt((wrong**2).sum() / (one.drift**2).sum()),
        "D": np.linalg.norm(apart) / np.linalg.norm(one.diffusion),
        "seconds": float(found["seconds"]),
    }


def peers_of(sets: list[Set], likely_seeds: int, python: str, limit: float):
    """SFI on sets of one law, each method where it is meant to be used."""
    found = []
    for told in (True, False):
        some = [one for one in sets if (one.ratio == 0) == told]
        early = [one for one in some if one.seed < likely_seeds]
        if some:
            names = SHORT + SHORT_TOLD if told else SHORT
            found += peer(some, names, python, limit)
        if early:
            names = LONG + LONG_TOLD if told else LONG
            found += peer(early, names, python, limit)
    return found


def against(rows: pd.DataFrame, method: str, what: str) -> float:
    """Our mean error over that of a method, on the seeds that both have."""
    both = rows.pivot_table(index="seed", columns="method", values=what)
    if method not in both:
        return np.nan
    both = both[[OURS, method]].dropna()
    return both[OURS].mean() / both[method].mean()


def guided(spacing: float, ratio: float) -> str:
    """The method that SFI's guide names for such data."""
    if ratio > 0:
        return LONG[0]
    return SHORT[0] if spacing <= FINE else LONG_TOLD[0]


def compared(measured: pd.DataFrame, what: str) -> pd.DataFrame:
    """Errors of one quantity: a row for a law, spacing and noise."""
    rows = []
    peers = [m for m in measured["method"].unique() if m not in OWN]
    for key, part in measured.groupby(KEY, sort=False):
        by = part.groupby("method")[what].agg(["mean", "sem"])
        ratios = {name: against(part, name, what) for name in peers}
        seen = {name: value for name, value in ratios.items() if np.isfinite(value)}
        best = max(seen, key=seen.get) if seen else "none"
        rows.append(
            dict(zip(KEY, key, strict=True))
            | {name: by["mean"].get(name, np.nan) for name in (ZERO, PLAIN, *peers)}
            | {OURS: by.loc[OURS, "mean"], "+-": by.loc[OURS, "sem"]}
            | {"best": best, "ratio": seen.get(best, np.nan)}
            | {"guided": ratios.get(guided(*key[1:]), np.nan)}
        )
    short = {name: name.replace(", PASTIS", " P") for name in peers}
    return pd.DataFrame(rows).rename(columns=short).replace({"best": short})


def clocked(measured: pd.DataFrame) -> pd.DataFrame:
    """CPU seconds of first and later calls; failures."""
    rows = []
    for (law, method), part in measured.groupby(["law", "method"], sort=False):
        failed = part.loc[part["outcome"] != "", "outcome"]
        first, later = part["call"] == 0, part["call"] > 0
        rows.append(
            {
                "law": law,
                "method": method,
                "fits": int(part["seconds"].notna().sum()),
                "first s": part.loc[first, "seconds"].max(),
                "later s": part.loc[later, "seconds"].dropna().median(),
                "failed": len(failed),
                "why": failed.iloc[0] if len(failed) else "",
            }
        )
    return pd.DataFrame(rows)


# The optical tweezer


def trap(x: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Drift (..., 2) of stiffness, rotation and cubic at states (..., 2)."""
    return np.einsum("...ij,j->...i", _trap_terms(x), law)


def _trap_terms(x: np.ndarray) -> np.ndarray:
    turned = np.stack([x[..., 1], -x[..., 0]], axis=-1)
    cubic = np.stack([-(x[..., 0] ** 3), np.zeros_like(x[..., 0])], axis=-1)
    return np.stack([-x, turned, cubic], axis=-1)


def nearest_trap(x: np.ndarray, dt: float) -> tuple[np.ndarray, float, float]:
    """Law of the trap, diffusion and noise variance that fit tracks (frames, ..., 2).

    Terms one frame earlier stand in for those at the start of a step, whose noise is in
    the step too.
    """
    step = np.diff(x, axis=0)
    terms = _trap_terms(x[1:-1]).reshape(-1, 3)
    before = _trap_terms(x[:-2]).reshape(-1, 3)
    law = np.linalg.solve(before.T @ terms, before.T @ step[1:].ravel() / dt)
    left = step - trap(x[:-1], law) * dt
    both = (left[1:] * left[:-1]).mean()  # minus the noise
    return law, float(((left**2).mean() / 2 + both) / dt), float(max(-both, 0.0))


def trap_tracks(law, diffusion, noise, dt, n, frames, rng) -> np.ndarray:
    """Tracks (frames, n, 2) of the trap, 5 Euler steps a frame, from its middle."""
    x, fine, burn = np.zeros((n, 2)), dt / 5, int(5 / dt)
    states = np.empty((frames, n, 2))
    for frame in range(-burn, frames):
        if frame >= 0:
            states[frame] = x
        for _ in range(5):
            kick = np.sqrt(2 * diffusion * fine) * rng.standard_normal(x.shape)
            x = x + trap(x, law) * fine + kick
    return states + np.sqrt(noise) * rng.standard_normal(states.shape)


def twins(x: np.ndarray, seeds: int, frames: int) -> list[Set]:
    """Single tracks of the law nearest to the file's, each with known truth."""
    law, diffusion, noise = nearest_trap(x, FILE_DT)
    rng = np.random.default_rng(0)
    settings = (law, diffusion, noise, FILE_DT)
    tracks = trap_tracks(*settings, seeds, frames, rng)
    states = trap_tracks(law, diffusion, 0.0, FILE_DT, STATES, 1, rng)[0]
    drift = trap(states, law)
    ratio = noise / (2 * diffusion * FILE_DT)
    print(
        f"\nnearest law: stiffness {law[0]:.3g}, rotation {law[1]:.3g}, cubic "
        f"{law[2]:.3g}, D {diffusion:.3g}, noise {ratio:.3g} of 2 D dt"
    )
    return [
        Set("twin", FILE_DT, ratio, seed, tracks[:, [seed]], FILE_DT, states, drift,
            diffusion * np.eye(2))
        for seed in range(seeds)
    ]  # fmt: skip


def halves(x: np.ndarray) -> list[Set]:
    """The halves of the file; asked at the states of the other one."""
    parts = np.array_split(x, 2)
    none = np.full((2, 2), np.nan)
    return [
        Set("file", FILE_DT, np.nan, k, part[:, None], FILE_DT, parts[1 - k][:-2],
            np.full_like(parts[1 - k][:-2], np.nan), none)
        for k, part in enumerate(parts)
    ]  # fmt: skip


def gain(drift: np.ndarray, x: np.ndarray) -> float:
    """How much better than none a drift at `x[:-2]` predicts the steps after next."""
    step = np.diff(x, axis=0)[1:]
    return float((2 * drift * step - drift**2 * FILE_DT).sum())


def tweezer(seeds: int, frames: int, python: str, limit: float) -> pd.DataFrame:
    """Scores on the twin, and gains on the file."""
    x = pd.read_csv(FILE, comment="#")[["x", "y"]].to_numpy()
    names, parts = SHORT + LONG, np.array_split(x, 2)
    law, _, _ = nearest_trap(x, FILE_DT)
    known = [scored(f) for f in _both(twins(x, seeds, frames), names, python, limit)]
    found = pd.DataFrame(known).groupby("method", sort=False)
    rows = found[["drift", "D", "seconds"]].mean()
    rows.insert(1, "+-", found["drift"].sem())
    gains = {name: [] for name in rows.index}
    for one in _both(halves(x), names, python, limit):
        other = parts[1 - one["set"].seed]
        most = gain(trap(other[:-2], law), other)
        value = gain(one["drift"], other) / most if "drift" in one else np.nan
        gains[one["method"]].append(value)
    rows["gain, file"] = {name: np.mean(values) for name, values in gains.items()}
    return rows.reset_index()


def _both(sets, names, python, limit) -> list[dict]:
    return own(sets) + peer(sets, names, python, limit)


def sweep(given: argparse.Namespace) -> pd.DataFrame:
    """Every law, spacing, noise, seed and method."""
    rows, laws = [], given.laws or list(LAWS)
    for name in laws:
        sets = [
            data_set(name, spacing, ratio, seed, given)
            for seed in range(given.seeds)
            for spacing in given.spacings
            for ratio in given.noises
        ]
        found = own(sets)
        found += peers_of(sets, given.likely_seeds, given.peer_python, given.limit)
        rows += [scored(one) for one in found]
    return pd.DataFrame(rows)


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--likely-seeds", type=int, default=1, help="parametric SFI")
    ask.add_argument("--laws", nargs="*", choices=list(LAWS))
    ask.add_argument("--turn", type=float, default=0.0, help="degrees, of the axes")
    ask.add_argument("--peer-python", default=sys.executable)
    ask.add_argument("--limit", type=float, default=600, help="CPU s of a peer process")
    ask.add_argument("--small", action="store_true")
    given = ask.parse_args(argv)
    given.tracks, given.frames = TRACKS, FRAMES
    given.spacings, given.noises, frames = SPACINGS, NOISES, 20001
    if given.small:
        given.laws, given.seeds, given.likely_seeds = ["OU, rotating"], 2, 0
        given.spacings, given.noises = (0.1, 0.5), (0.0, 0.1)
        given.tracks, given.frames, frames = 20, 200, 2001
    measured = sweep(given)
    size = f"{given.tracks} tracks of {given.frames} frames, {given.seeds} seeds"
    size += f", axes turned by {given.turn:g} degrees" if given.turn else ""
    tables = {
        "drift": table(f"Error of the drift, {size}", compared(measured, "drift")),
        "D": table(f"Error of the diffusion, {size}", compared(measured, "D")),
        "seconds": table("CPU seconds", clocked(measured)),
    }
    if given.small or given.turn:
        return tables
    if not FILE.exists():
        print(f"\n{FILE} not found: no optical tweezer")
        return tables
    found = tweezer(given.seeds, frames, given.peer_python, given.limit)
    return tables | {"tweezer": table("Optical tweezer", found)}


if __name__ == "__main__":
    main()
