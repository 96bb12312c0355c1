"""Committors from tracks: without detailed balance, in ten dimensions, of families.

    python tests/benchmarks/kinetics_laws.py --oracles tpt-reference.json  # 15 minutes
    python tests/benchmarks/kinetics_laws.py --small                       # seconds

Each row is the mean over seeds with its spread; every seed is one set of 100 tracks
from the stationary law, fitted by stopped transitions with visits between frames
counted. Exact: finite elements or volumes in the plane, quadrature along the hidden
coordinate in ten dimensions. RMSE is over frames outside A and B. Baselines: q = 1/2,
and q- = 1 - q+ (what a reversible method assumes; of the exact q, so its best).
Families: double well, beta 3, tracks of dividing cells; the three committors of a cell
that divides, and the chance to be in B within a time, beside stored values.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import cellstate as cs
from cellstate import systems
from cellstate._adata import _extract as extract
from cellstate.kinetics import (
    Crossings,
    committor_from_tracks,
    hidden_crossings,
    solve_on_grid,
)

# Law, frame interval, and states whose values are shown.
CIRCULATING = {
    "rotational well, beta 3": (systems.RotationalDoubleWell(D=1 / 3), 0.02, (0, 0.5)),
    "Maier-Stein, D .1": (systems.MaierStein(D=0.1), 0.04, (0, 0.5)),
}


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.4g}"), flush=True)
    return found


def watched(law: object, interval: float, frames: int, seed: int, **options: object):
    """States, tracks and sets of simulated cells."""
    options = {"n_cells": 100} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        cells = cs.datasets.simulate_tracks(
            law, frame_interval=interval, n_frames=frames // options["n_cells"],
            rng=seed, **options,
        )  # fmt: skip
    x = cells.obsm["X_state"]
    return x, extract.tracks(cells), law.source.contains(x), law.target.contains(x)


def fitted(law: object, interval: float, frames: int, seed: int, **options: object):
    """Fit to tracks of a law, and which rows lie outside the sets."""
    x, tracks, a, b = watched(law, interval, frames, seed)
    about = {"crossings": hidden_crossings(x, tracks, a, b, interval)} | options
    found = committor_from_tracks(
        x, tracks, a, b, frame_interval=interval, n_bootstrap=0, rng=seed, **about
    )
    return found, x, ~a & ~b


def rmse(values: np.ndarray, exact: np.ndarray) -> float:
    """Root mean square difference."""
    return float(np.sqrt(np.nanmean((values - exact) ** 2)))


def spread(rows: list[dict]) -> dict[str, float]:
    """Means of the columns, and standard deviations of those that vary."""
    found = pd.DataFrame(rows)
    out = {}
    for name in found:
        out[name] = found[name].mean()
        if len(found) > 1 and found[name].std() > 0:
            out[f"SD {name}"] = found[name].std()
    return out


def circulating(frames: int, seeds: int) -> list[dict]:
    """Laws without detailed balance."""
    rows = []
    for name, (law, interval, state) in CIRCULATING.items():
        at = np.array([state], dtype=float)
        want = float(law.committor(at)[0])
        want_back = float(law.committor_backward(at)[0])
        runs = []
        for seed in range(seeds):
            found, x, free = fitted(law, interval, frames, seed)
            exact, back = law.committor(x[free]), law.committor_backward(x[free])
            runs.append(
                {
                    "q": float(found.model(at)[0]),
                    "q-": float(found.model_backward(at)[0]),
                    "RMSE q": rmse(found.forward[free], exact),
                    "RMSE q-": rmse(found.backward[free], back),
                    "if 1 - q": rmse(1 - exact, back),
                    "q = 1/2": rmse(np.full(exact.shape, 0.5), exact),
                }
            )
        rows.append(
            {"law": name, "frames": frames, "seeds": seeds, "at": str(state),
             "exact q": want, "exact q-": want_back} | spread(runs)
        )  # fmt: skip
    return rows


def ten(frames: int, seeds: int) -> list[dict]:
    """Ten dimensions."""
    law, rows = systems.RotatedDoubleWell(D=1 / 3), []
    for lag in (1, 5):
        runs = []
        for seed in range(seeds):
            found, x, free = fitted(law, 0.05, frames, seed, lag_frames=lag)
            exact = law.committor(x[free])
            runs.append(
                {
                    "RMSE q": rmse(found.forward[free], exact),
                    "RMSE q-": rmse(found.backward[free], 1 - exact),
                    "q = 1/2": rmse(np.full(exact.shape, 0.5), exact),
                }
            )
        about = {"law": "10-D rotated well", "frames": frames, "lag": lag}
        rows.append(about | {"seeds": seeds} | spread(runs))
    return rows


def at_states(found: object, x: np.ndarray, states: list[float]) -> list[tuple]:
    """Value and standard error at states; the error is that of the cells nearest by."""
    values = found.model(np.array(states)[:, None])
    error = np.std(found.replicates, axis=1, ddof=1, dtype=float)
    out = []
    for state, value in zip(states, values, strict=True):
        near = np.argsort(np.abs(x[:, 0] - state))[:50]
        out.append((float(value), float(np.median(error[near]))))
    return out


def judged(name: str, kind: str, stored: dict, found: object, x: np.ndarray) -> list:
    """Rows beside stored values, with the error in standard errors."""
    states = [float(key[2:]) for key in stored]
    return [
        {
            "case": name,
            "followed": kind,
            "x": state,
            "stored": exact,
            "found": value,
            "SE": error,
            "z": (value - exact) / error,
        }
        for state, exact, (value, error) in zip(
            states, stored.values(), at_states(found, x, states), strict=True
        )
    ]


def families(stored: dict, n_cells: int, seed: int) -> list[dict]:
    """Cells that divide: any descendant, one at random, and how many."""
    law, interval, rows = systems.DoubleWell(D=1 / 3), 0.02, []
    single = stored["lambda=0"]
    for rate in (0.1, 0.5, 1.0):
        n = int(n_cells / (1 + 2 * rate))
        x, tracks, a, b = watched(
            law, interval, 150 * n, seed, n_cells=n, division_rate=rate
        )
        crossings = hidden_crossings(x, tracks, a, b, interval)
        box = [(float(x.min()) - 0.3, float(x.max()) + 0.3)]
        grid = solve_on_grid(
            law, law.source, law.target, box, division="mass", birth_rate=rate
        )
        states = [float(key[2:]) for key in single]
        mass = grid.committor(np.array(states)[:, None])
        wanted = {
            "any": stored[f"lambda={rate:g}"],
            "random": single,
            "mass": dict(zip(single, mass.tolist(), strict=True)),
        }
        for kind, values in wanted.items():
            found = committor_from_tracks(
                x, tracks, a, b, frame_interval=interval, division=kind,
                crossings=crossings, n_bootstrap=30, rng=seed,
            )  # fmt: skip
            rows += judged(f"division rate {rate:g}", kind, values, found, x)
    return rows


def horizons(stored: dict, n_cells: int, seed: int) -> list[dict]:
    """B within a time, before A or whatever is met before."""
    law, interval, rows = systems.DoubleWell(D=1 / 3), 0.02, []
    x, tracks, a, b = watched(law, interval, 400 * n_cells, seed, n_cells=n_cells)
    crossings = hidden_crossings(x, tracks, a, b, interval)
    nobody = np.zeros(len(x), dtype=bool)
    for name, source in (("q_T, beta=3", a), ("p_T, beta=3", nobody)):
        met = crossings
        if not source.any():
            met = Crossings(source=np.zeros(len(x)), target=crossings.target)
        for within, values in stored[name].items():
            hours = float(within[2:])
            if hours > 10:
                continue
            free = {key: v for key, v in values.items() if key != "x=-1"}
            found = committor_from_tracks(
                x, tracks, source, b, frame_interval=interval, crossings=met,
                horizon_frames=round(hours / interval), n_bootstrap=30, rng=seed,
            )  # fmt: skip
            rows += judged(f"{name[:3]} {within}", "random", free, found, x)
    return rows


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--oracles", type=Path)
    ask.add_argument("--seeds", type=int, default=5)
    ask.add_argument("--small", action="store_true")
    given = ask.parse_args(argv)
    frames, high = (20_000, 20_000) if given.small else (1_000_000, 100_000)
    seeds = 1 if given.small else given.seeds
    tables = {
        "circulating": table("Without detailed balance", circulating(frames, seeds)),
        "ten": table("Ten dimensions", ten(high, seeds)),
    }
    if given.oracles is not None:
        stored = json.loads(given.oracles.read_text())
        n_cells = 100 if given.small else 1000
        tables["families"] = table(
            "Dividing cells, double well, beta 3",
            families(
                stored["branching_committor_double_well_1d"]["values"], n_cells, 1
            ),
        )
        tables["horizons"] = table(
            "Within a time, double well, beta 3",
            horizons(stored["finite_horizon_double_well_1d"]["values"], n_cells, 1),
        )
    return tables


if __name__ == "__main__":
    main()
