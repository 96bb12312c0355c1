"""Reactive current, passages through surfaces and channels against exact values.

    python tests/benchmarks/kinetics_flux.py             # 1e5 frames: two minutes
    python tests/benchmarks/kinetics_flux.py --frames 1000000 --seeds 1
    python tests/benchmarks/kinetics_flux.py --small     # seconds

100 cells are followed from the stationary law, with the committor of
`cs.tl.committor` on their tracks. The exact current comes from committors and density
by finite volumes: J_AB = q+ q- J + D rho (q- grad q+ - q+ grad q-). Scores are over
5000 cells outside A and B, so that the density weighs them: mean cosine, weighted by
the exact current; size, the exact current's coefficient in the estimate (1 is exact);
error, mean length of the difference over mean length of the exact current. Baselines:
the straight way from A to B at its best length; steps of what the tracks did, averaged
over the 200 nearest; D grad q+ of the exact committor, what a reversible reading gives
at best.

nu is the net flux through three lines x = const and through all surfaces of equal
committor; `inside` is the share of seeds whose 95 % interval holds the exact value,
`worth` how many independent events it is worth. Visits to A or B between two frames
are not seen, which no surface can mend. Rows are means over seeds with their spread
(sd). In the triple well `lower share` is that of the channel below the hill.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

import cellstate as cs
from cellstate import systems
from cellstate._adata import _extract as extract
from cellstate.kinetics._flux import reactive_steps

CELLS, JUDGED = 100, 5000
# Law and frame interval.
CASES = {
    "triple well, beta 1.67": (systems.TripleWell(D=1 / 1.67), 0.05),
    "triple well, beta 3": (systems.TripleWell(D=1 / 3), 0.05),
    "Maier-Stein, D .1": (systems.MaierStein(D=0.1), 0.04),
    "rotational well, beta 3": (systems.RotationalDoubleWell(D=1 / 3), 0.02),
}
CHANNELS = {
    "triple well, beta 1.67": 2,
    "triple well, beta 3": 2,
    "Maier-Stein, D .1": 1,
    "rotational well, beta 3": 1,
}
SURFACES = (-0.5, 0.0, 0.5)
# Spreads that say nothing.
UNSHOWN = (
    "inside sd",
    "exact share sd",
    "exact path time h sd",
    "committor s sd",
    "flux s sd",
    "segments s sd",
)


def gradient(function: object, x: np.ndarray, h: float = 0.02) -> np.ndarray:
    """Central differences, (n, d)."""
    shifts = h * np.eye(x.shape[1])
    return np.stack([function(x + e) - function(x - e) for e in shifts], 1) / (2 * h)


def exact_current(law: object, x: np.ndarray) -> np.ndarray:
    """Reactive current over the density, (n, d)."""
    q, back = law.committor(x)[:, None], law.committor_backward(x)[:, None]
    steady = law.drift(x) - law.D * gradient(lambda y: np.log(law.density(y)), x)
    slopes = gradient(law.committor, x), gradient(law.committor_backward, x)
    return q * back * steady + law.D * (back * slopes[0] - q * slopes[1])


def scores(seen: np.ndarray, want: np.ndarray) -> dict[str, float]:
    """Direction, size and error of a current."""
    known = np.isfinite(seen).all(axis=1) & np.isfinite(want).all(axis=1)
    seen, want = seen[known], want[known]
    lengths = [np.maximum(np.linalg.norm(v, axis=1), 1e-300) for v in (seen, want)]
    along = (seen * want).sum(axis=1)
    return {
        "cosine": (along / lengths[0]).sum() / lengths[1].sum(),
        "size": along.sum() / (lengths[1] ** 2).sum(),
        "error": np.linalg.norm(seen - want, axis=1).sum() / lengths[1].sum(),
    }


def what_tracks_did(x: np.ndarray, at: np.ndarray, steps: object) -> np.ndarray:
    """Plain average of reactive displacements over the 200 nearest steps."""
    middle = (x[steps.row] + x[steps.after]) / 2
    near = NearestNeighbors(n_neighbors=min(200, len(middle))).fit(middle)
    chosen = near.kneighbors(at, return_distance=False)
    moved = steps.weight[:, None] * (x[steps.after] - x[steps.row])
    return moved[chosen].sum(axis=1) / steps.hours[chosen].sum(axis=1)[:, None]


def lower_share(law: object) -> float:
    """Share of the triple well's flux that passes x = 0 below the hill between."""
    y = np.linspace(-2, 3, 2001)
    line = np.stack([np.zeros_like(y), y], axis=1)
    step = np.array([0.02, 0])
    slope = law.committor(line + step) - law.committor(line - step)
    flux, inner = law.density(line) * slope, (y > 0) & (y < 1)
    hill = y[inner][np.argmax(law.potential(line[inner]))]
    return float(flux[y < hill].sum() / flux.sum())


def watched(name: str, n_frames: int, seed: int) -> tuple[object, float]:
    """Cells of a law with their committor, and the seconds it took to fit."""
    law, interval = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        adata = cs.datasets.simulate_tracks(
            law, frame_interval=interval, n_cells=CELLS, n_frames=n_frames, rng=seed
        )
    adata.obs["state"] = adata.obs["truth_set"]
    begin = time.perf_counter()
    cs.tl.committor(adata, n_bootstrap=0, rng=seed)
    return adata, time.perf_counter() - begin


def one_run(name: str, frames: int, seed: int) -> tuple[list, dict, dict]:
    """Rows of the three tables."""
    law, interval = CASES[name]
    adata, fitting = watched(name, frames // CELLS, seed)
    begin = time.perf_counter()
    flux = cs.tl.reactive_flux(adata, n_bootstrap=100, rng=seed)
    middle = time.perf_counter()
    segments = cs.tl.reactive_segments(adata, n_bootstrap=100, rng=seed)
    end = time.perf_counter()
    x = np.asarray(adata.obsm["X_state"])
    sets = law.source.contains(x), law.target.contains(x)
    steps = reactive_steps(
        extract.tracks(adata),
        *sets,
        adata.obs["committor"].to_numpy(),
        adata.obs["committor_backward"].to_numpy(),
        frame_interval=interval,
    )
    named = {"system": name, "frames": frames}
    between = np.flatnonzero(~sets[0] & ~sets[1])
    rng = np.random.default_rng(seed)
    picked = rng.choice(between, min(JUDGED, between.size), replace=False)
    seconds = {
        "committor s": fitting,
        "flux s": middle - begin,
        "segments s": end - middle,
    }
    return (
        [named | row for row in judged(law, x, picked, flux, steps)],
        named | passages(law, x, flux, steps),
        named | {"expected": CHANNELS[name]} | ways(law, segments) | seconds,
    )


def judged(
    law: object, x: np.ndarray, picked: np.ndarray, flux: object, steps: object
) -> list[dict]:
    """Scores of the current and of its baselines."""
    at = x[picked]
    want = exact_current(law, at)
    seen = {
        "cellstate": np.asarray(flux.current)[picked],
        "what tracks did": what_tracks_did(x, at, steps),
        "straight way": np.tile(np.nanmean(want, axis=0), (len(at), 1)),
        "D grad q+, exact": law.D * gradient(law.committor, at),
    }
    return [{"method": m} | scores(v, want) for m, v in seen.items()]


def passages(law: object, x: np.ndarray, flux: object, steps: object) -> dict:
    """Passages per hour through surfaces, beside the exact number."""
    exact = law.transition_paths().nu
    return {
        "exact nu": exact,
        "all surfaces": flux.nu.value,
        **{f"x = {s:g}": steps.through(x[:, 0] > s) for s in SURFACES},
        "inside": float(flux.nu.low <= exact <= flux.nu.high),
        "worth": flux.nu.n_effective,
    }


def ways(law: object, segments: object) -> dict:
    """Channels and the mean path time, beside the exact numbers."""
    found = {
        "channels": segments.n_channels,
        "paths": int(segments.table["reactive"].sum()),
        "lower share": np.nan,
        "exact share": np.nan,
        "path time h": segments.transition_path_time.value,
        "exact path time h": law.transition_paths().transition_path_time,
    }
    if isinstance(law, systems.TripleWell) and segments.n_channels == 2:
        lower = int(np.argmin(segments.channel_path[:, 4, 1]))
        found["lower share"] = float(segments.channel_share[lower])
        found["exact share"] = lower_share(law)
    return found


def averaged(rows: list[dict], by: list[str]) -> pd.DataFrame:
    """Mean over seeds beside the spread."""
    table = pd.DataFrame(rows).groupby(by, sort=False)
    mean, spread = table.mean(), table.std(ddof=1)
    mean["seeds"] = table.size()
    return mean.join(spread.add_suffix(" sd")).reset_index()


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[100_000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--systems", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args(argv)
    if asked.small:
        asked.frames, asked.seeds = [10_000], 1
        asked.systems = ["Maier-Stein, D .1"]
    rows = {"current": [], "nu": [], "channels": []}
    with cs.settings.override(progress=False):
        for name in asked.systems:
            for frames in asked.frames:
                for seed in range(asked.seeds):
                    current, nu, found = one_run(name, frames, seed)
                    rows["current"] += current
                    rows["nu"].append(nu)
                    rows["channels"].append(found)
    by = {"current": "method", "nu": "exact nu", "channels": "expected"}
    tables = {
        title: averaged(found, ["system", "frames", by[title]])
        for title, found in rows.items()
    }
    for title, table in tables.items():
        shown = table.drop(columns=[c for c in table if c in UNSHOWN])
        print(f"\n## {title}\n")
        print(
            shown.dropna(axis=1, how="all").to_string(
                index=False, float_format=lambda v: f"{v:.4g}"
            ),
            flush=True,
        )
    return tables


if __name__ == "__main__":
    main()
