"""The grid solver and simulated paths on every reference system.

    python tests/benchmarks/kinetics_grid.py --oracles tpt-reference.json  # ten minutes
    python tests/benchmarks/kinetics_grid.py --small                       # seconds

The solver gets drift, diffusion, a box and two sets; exact values are those of
`cellstate.systems`, by routes that share no code with it (quadrature on a line, finite
elements in the plane). Probes: 2000 states of the stationary law and 2000 spread evenly
over the box where the density is at least a millionth of its largest value, all outside
both sets; "often" are those where it is a thousandth and more. "said" is the solver's
own estimate of its error, from cells twice as large. Baseline of a committor: 1/2
everywhere. Seconds are those of one solve.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from cellstate import systems
from cellstate.kinetics import (
    committor_by_swarms,
    grid_error,
    solve_on_grid,
    solve_within,
)

LINE = {
    "double well, beta 1": systems.DoubleWell(D=1),
    "double well, beta 3": systems.DoubleWell(D=1 / 3),
    "double well, beta 5": systems.DoubleWell(D=1 / 5),
    "double well, beta 8": systems.DoubleWell(D=1 / 8),
    "tilted, beta 4": systems.TiltedDoubleWell(D=1 / 4),
    "Prinz, beta 1": systems.Prinz(D=1),
    "pitchfork, mu 1": systems.Pitchfork(D=0.1, mu=1),
}
PLANE = {
    "double well 2-D, beta 3": systems.DoubleWell2D(D=1 / 3),
    "triple well, beta 1.67": systems.TripleWell(D=1 / 1.67),
    "triple well, beta 6.67": systems.TripleWell(D=1 / 6.67),
    "Mueller-Brown, kT 10": systems.MuellerBrown(D=10),
    "Mueller-Brown, kT 22": systems.MuellerBrown(D=22),
    "rugged Mueller, kT 22": systems.RuggedMueller(D=22),
    "Maier-Stein, D .1": systems.MaierStein(D=0.1),
    "Maier-Stein, D .05": systems.MaierStein(D=0.05),
    "rotational well, beta 3": systems.RotationalDoubleWell(D=1 / 3),
    "choice": systems.BinaryChoice(D=0.05, p1=0.1, p2=0.5),
    "toggle": systems.ToggleSwitch(),
}
RARE, OFTEN = 1e-6, 1e-3


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.3g}"), flush=True)
    return found


def probes(law: object, n: int) -> np.ndarray:
    """States outside both sets, where cells are and where they could be."""
    rng = np.random.default_rng(0)
    box = np.asarray(law.box, dtype=float)
    x = rng.uniform(box[:, 0], box[:, 1], size=(20 * n, len(box)))
    density = law.density(x)
    x = x[density > RARE * density.max()][:n]
    if hasattr(law, "sample"):
        x = np.concatenate([x, law.sample(n, rng)])
    outside = ~law.source.contains(x) & ~law.target.contains(x)
    inside = ((x > box[:, 0]) & (x < box[:, 1])).all(axis=1)
    return x[outside & inside]


def one(name: str, law: object, n: int | None, count: int) -> dict:
    """Errors of one system."""
    box = np.asarray(law.box, dtype=float)
    begin = time.perf_counter()
    found = solve_on_grid(law, law.source, law.target, box, n=n)
    seconds = time.perf_counter() - begin
    said = grid_error(found, law, law.source, law.target)
    x = probes(law, count)
    route = systems.quadrature(law) if len(box) == 1 else systems.finite_elements(law)
    q, back = route.committor(x), route.committor_backward(x)
    often = law.density(x) > OFTEN * law.density(x).max()
    errors = [
        np.abs(found.committor(x) - q),
        np.abs(found.committor_backward(x) - back),
    ]
    exact = route if len(box) == 2 else law.transition_paths()
    return {
        "system": name,
        "cells": "x".join(map(str, found.forward.shape)),
        "max error q": np.nanmax(errors[0]),
        "often": np.nanmax(errors[0][often]),
        "said": said.forward,
        "max error q-": np.nanmax(errors[1]),
        "often, q-": np.nanmax(errors[1][often]),
        "q = 1/2": np.abs(q - 0.5).max(),
        "nu %": 100 * (found.nu / exact.nu - 1),
        "said %": 100 * said.nu,
        "k_AB %": 100 * (found.k_ab / exact.k_ab - 1),
        "residual": found.residual,
        "s": seconds,
    }


def stored(oracles: dict, n: int | None) -> list[dict]:
    """Horizons and committors of cells that divide, beside stored values."""
    law = systems.DoubleWell(D=1 / 3)
    about = (law, law.source, law.target, law.box)
    rows = []
    for key, values in oracles["branching_committor_double_well_1d"]["values"].items():
        rate = float(key.split("=")[1])
        found = solve_on_grid(*about, n=n, division="any", birth_rate=rate)
        x = np.array([[float(k[2:])] for k in values])
        error = found.committor(x) - np.array(list(values.values()))
        rows.append({"value": f"any, {key}", "largest error": np.abs(error).max()})
    sets = {"q_T, beta=3": law.source, "p_T, beta=3": None}
    for name, source in sets.items():
        wanted = oracles["finite_horizon_double_well_1d"]["values"][name]
        times = [float(t[2:]) for t in wanted]
        found = solve_within(law, source, law.target, law.box, times)
        for t, values, q in zip(
            wanted, wanted.values(), _at(found, wanted), strict=True
        ):
            error = q - np.array(list(values.values()))
            rows.append(
                {"value": f"{name[:3]} {t}", "largest error": np.abs(error).max()}
            )
    return rows


def _at(found: object, wanted: dict) -> np.ndarray:
    x = np.array([[float(k[2:])] for k in next(iter(wanted.values()))])
    return found.committor(x)


def three(n: int | None) -> list[dict]:
    """A double well with two harmonic coordinates: exact by its first one."""
    line = systems.DoubleWell(D=1 / 3)

    class Law:
        """Double well times two springs."""

        def drift(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
            """Drift."""
            return np.column_stack([line.drift(x[:, :1])[:, 0], -2 * x[:, 1:]])

        def diffusion(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
            """Diffusion."""
            return np.broadcast_to(line.D * np.eye(3), (len(x), 3, 3))

    class Along:
        """A set of the line, in space."""

        def __init__(self, core: object) -> None:
            self.core = core

        def distance(self, x: np.ndarray) -> np.ndarray:
            """Signed distance."""
            return self.core.distance(x[:, :1])

    box = [(-2.2, 2.2), (-2, 2), (-2, 2)]
    begin = time.perf_counter()
    found = solve_on_grid(Law(), Along(line.source), Along(line.target), box, n=n)
    seconds = time.perf_counter() - begin
    rng = np.random.default_rng(0)
    x = rng.uniform([-0.95, -1, -1], [0.95, 1, 1], size=(1000, 3))
    exact = systems.quadrature(line)
    return [
        {
            "system": "double well and two springs",
            "cells": "x".join(map(str, found.forward.shape)),
            "max error q": np.abs(found.committor(x) - line.committor(x[:, :1])).max(),
            "nu %": 100 * (found.nu / exact.nu - 1),
            "residual": found.residual,
            "s": seconds,
        }
    ]


def swarms(n_states: int, n_paths: int) -> list[dict]:
    """Simulated paths in ten dimensions: error in standard errors of each state."""
    law = systems.RotatedDoubleWell(D=1 / 3)
    x = law.sample(20 * n_states, rng=0)
    x = x[~law.source.contains(x) & ~law.target.contains(x)][:n_states]
    begin = time.perf_counter()
    found = committor_by_swarms(law, x, law.source, law.target, n_paths=n_paths, rng=0)
    seconds = time.perf_counter() - begin
    exact = law.committor(x)
    z = (found.forward - exact) / np.sqrt(exact * (1 - exact) / n_paths)
    return [
        {
            "system": "10-D rotated well",
            "states": len(x),
            "paths": n_paths,
            "mean z": z.mean(),
            "SD z": z.std(),
            "cover %": 100 * ((found.low <= exact) & (exact <= found.high)).mean(),
            "RMSE": np.sqrt(np.mean((found.forward - exact) ** 2)),
            "s": seconds,
        }
    ]


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--oracles", type=Path)
    ask.add_argument("--cells", type=int, help="per axis in the plane; 200")
    ask.add_argument("--small", action="store_true")
    given = ask.parse_args(argv)
    lines, planes, count = LINE, PLANE, 2000
    if given.small:
        lines = {k: LINE[k] for k in list(LINE)[1:2]}
        planes = {k: PLANE[k] for k in list(PLANE)[:1]}
        count, given.cells = 200, 60
    tables = {
        "line": table("On a line", [one(k, v, None, count) for k, v in lines.items()]),
        "plane": table(
            "In the plane", [one(k, v, given.cells, count) for k, v in planes.items()]
        ),
        "space": table("In space", three(16 if given.small else None)),
        "swarms": table(
            "Simulated paths", swarms(*((20, 100) if given.small else (300, 400)))
        ),
    }
    if given.oracles is not None:
        oracles = json.loads(given.oracles.read_text())
        tables["stored"] = table("Stored values", stored(oracles, None))
    return tables


if __name__ == "__main__":
    main()
