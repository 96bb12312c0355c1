"""How often 95 % intervals of drift and diffusion hold the truth at the cells.

    python tests/benchmarks/flow_coverage.py            # 100 sets a row, ten minutes
    python tests/benchmarks/flow_coverage.py --small    # seconds

Ornstein-Uhlenbeck with rotation (rate 1, angular velocity 1, D = 1, two coordinates)
and double well (x^2 - 1)^2 at D = 1/3 (one), 200 frames a cell, dt * lambda_max 0.1 and
0.16, from the stationary law; without and with measurement noise (variance half of the
diffusion's, D * dt, per frame and coordinate). From 50 lineages on standard errors are
summed by lineage, below over neighbouring steps; 30 and 60 lineages lie on either side.
Each cell's interval is value -+ 1.96 standard errors; `cover %` is its share that holds
the truth, averaged over the cells and coordinates of a set, then over sets, `+-` its
standard error over sets. `bias` and `SD` over sets at fixed states, `error` the mean
standard error there, all in units of the drift's size (or of D). `NRMSE` is the drift's
error over the cells relative to the drift (zero drift: 1).
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd

import cellstate as cs
from cellstate import systems

LAWS = {
    "OU, rotating": (systems.OrnsteinUhlenbeck(D=1.0, rate=1.0, rotation=1.0), 0.1),
    "double well": (systems.DoubleWell(D=1 / 3), 0.02),
}
FRAMES, LINEAGES, SOME, WIDE = 200, (30, 60), 500, 1.959964


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.4g}"), flush=True)
    return found


def simulated(law: systems.Diffusion, dt: float, n: int, noise: float, seed: int):
    """Tracks of n lineages without division."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        return cs.datasets.simulate_tracks(
            law, frame_interval=dt, n_cells=n, n_frames=FRAMES, noise=noise, rng=seed
        )


def one_set(
    name: str, n: int, noisy: bool, seed: int, states: np.ndarray, drift: str
) -> dict:
    """Errors and intervals of one set, at its cells and at fixed states."""
    law, dt = LAWS[name]
    noise = np.sqrt(law.D * dt) if noisy else 0.0
    cells = simulated(law, dt, n, noise, seed)
    begin = time.perf_counter()
    fit = cs.tl.fit_flow(cells, drift=drift, rng=seed)
    seconds = time.perf_counter() - begin
    x = cells.obsm["X_state"]
    x = x[:: max(1, len(x) // SOME)]
    wrong = fit.drift(x) - law.drift(x)
    held = np.abs(wrong) <= WIDE * fit.standard_error(x)
    spread = fit.diffusion(x) - law.diffusion(x)
    spread_held = np.abs(spread) <= WIDE * fit.model.diffusion_standard_error(x)
    diagonal = np.arange(law.dimension)
    return {
        "cover b": held.mean(),
        "cover D": spread_held[:, diagonal, diagonal].mean(),
        "NRMSE": np.sqrt((wrong**2).sum() / (law.drift(x) ** 2).sum()),
        "drift": fit.drift(states),
        "drift error": fit.standard_error(states),
        "D": fit.diffusion(states)[:, diagonal, diagonal],
        "D error": fit.model.diffusion_standard_error(states)[:, diagonal, diagonal],
        "noise seen": fit.diagnosis.noise.any(),
        "degree": fit.diagnosis.chosen,
        "seconds": seconds,
    }


def share(values: list[float]) -> tuple[float, float]:
    """Mean in per cent and its standard error."""
    values = 100 * np.asarray(values, dtype=float)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))


def judged(found: list[dict], name: str, law: systems.Diffusion, states: np.ndarray):
    """Bias, spread and mean standard error at fixed states, drift then diffusion."""
    truth = {"drift": law.drift(states), "D": np.full_like(states, law.D)}[name]
    values = np.array([one[name] for one in found])
    scale = np.sqrt((truth**2).mean())
    errors = np.array([one[f"{name} error"] for one in found])
    return {
        "bias": np.sqrt(((values.mean(axis=0) - truth) ** 2).mean()) / scale,
        "SD": np.sqrt(values.var(axis=0, ddof=1).mean()) / scale,
        "error": np.sqrt((errors**2).mean()) / scale,
    }


def measured(name: str, n: int, noisy: bool, sets: int, drift: str) -> list[dict]:
    """Two rows, of the drift and of the diffusion, over many sets."""
    law = LAWS[name][0]
    states = law.sample(200, rng=12345)
    found = [one_set(name, n, noisy, seed, states, drift) for seed in range(sets)]
    degrees = pd.Series([one["degree"] for one in found]).value_counts()
    rows = []
    for quantity, cover in (("drift", "cover b"), ("D", "cover D")):
        mean, deviation = share([one[cover] for one in found])
        rows.append(
            {
                "law": name,
                "lineages": n,
                "noise": "yes" if noisy else "no",
                "of": quantity,
                "cover %": mean,
                "+-": deviation,
                **judged(found, quantity, law, states),
                "NRMSE": np.median([one["NRMSE"] for one in found]),
                "noise seen %": share([one["noise seen"] for one in found])[0],
                "usual basis": degrees.index[0].removeprefix("polynomial of "),
                "its share": degrees.iloc[0] / sets,
                "s a fit": np.median([one["seconds"] for one in found]),
            }
        )
    return rows


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--sets", type=int, default=100)
    ask.add_argument("--drift", choices=("free", "gradient", "split"), default="free")
    ask.add_argument("--small", action="store_true")
    given = ask.parse_args(argv)
    cs.settings.progress = False
    lineages = LINEAGES
    if given.small:
        given.sets, lineages = 3, LINEAGES[:1]
    rows = []
    for name in LAWS:
        for n in lineages:
            for noisy in (False, True):
                rows += measured(name, n, noisy, given.sets, given.drift)
    return {"coverage": table(f"Coverage, {given.sets} sets a row", rows)}


if __name__ == "__main__":
    main()
