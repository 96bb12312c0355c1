"""How well the circulation of a drift is measured, and where it is refused.

    python tests/benchmarks/flow_circulation.py            # 40 sets, five minutes
    python tests/benchmarks/flow_circulation.py --small    # seconds

Non-equilibrium landscape b = -(I + c J) grad U, U the binary choice at p2 = 1, D = 0.1:
100 cells, 400 frames 0.005 apart (200 cell-hours), from the stationary law. The density
is the same for all c; the circulation's share of <b . D^-1 b> is c^2 / (1 + c^2),
entropy is produced at c^2 <laplacian U>. Two coordinates, `fit_flow` as it comes.
`bias %` and `SD %` are relative to the truth, `cover %` counts sets whose 95 % interval
holds it, `rejected %` those whose test of detailed balance falls below 0.05: size at
c = 0, its power elsewhere (at c = 0.1 it begins to see); `+-` are standard errors over
sets. Baseline: no circulation (share 0). The last table asks the same of snapshots of
the same cells.
"""

import argparse
import time

import numpy as np
import pandas as pd
from anndata import AnnData

import cellstate as cs
from cellstate import systems

STRENGTHS, LEVEL = (0.5, 0.1, 0.0), 0.05


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.4g}"), flush=True)
    return found


def cells_of(strength: float, seed: int, n_cells: int) -> AnnData:
    """Tracks in the stationary law."""
    return cs.datasets.nonequilibrium_landscape(
        circulation=strength, n_cells=n_cells, rng=seed
    )


def one_set(strength: float, seed: int, n_cells: int) -> dict:
    """Circulation of one set, and what the fit cost."""
    cells = cells_of(strength, seed, n_cells)
    begin = time.process_time()
    fit = cs.tl.fit_flow(cells, rng=seed)
    return {
        "share": fit.circulation.share,
        "entropy production, 1/h": fit.circulation.entropy_production,
        "p": fit.circulation.p,
        "seconds": time.process_time() - begin,
    }


def per_cent(held: np.ndarray) -> tuple[float, float]:
    """Share of sets and its binomial standard error, in per cent."""
    mean = float(np.mean(held))
    return 100 * mean, 100 * float(np.sqrt(mean * (1 - mean) / len(held)))


def row(found: list[dict], strength: float, name: str, exact: float) -> dict:
    """One quantity over the sets."""
    values = np.array([(e.value, e.low, e.high) for e in (one[name] for one in found)])
    value, low, high = values.T
    cover, error = per_cent((low <= exact) & (exact <= high))
    rejected = per_cent(np.array([one["p"] < LEVEL for one in found]))
    relative = 100 / exact if exact > 0 else float("nan")
    return {
        "c": strength,
        "of": name,
        "exact": exact,
        "mean": value.mean(),
        "bias %": (value.mean() - exact) * relative,
        "+- bias": value.std(ddof=1) / np.sqrt(len(value)) * relative,
        "SD %": value.std(ddof=1) * relative,
        "width": (high - low).mean(),
        "cover %": cover,
        "+- cover": error,
        "rejected %": rejected[0],
        "+- rejected": rejected[1],
        "share 0, error %": 100.0 if exact > 0 else 0.0,
        "CPU s a fit": np.median([one["seconds"] for one in found]),
    }


def measured(strength: float, sets: int, n_cells: int) -> list[dict]:
    """Share and entropy production at one strength of circulation."""
    law = systems.NonEquilibriumLandscape(D=0.1, circulation=strength, p1=0.0, p2=1.0)
    found = [one_set(strength, seed, n_cells) for seed in range(sets)]
    exact = {
        "share": strength**2 / (1 + strength**2),
        "entropy production, 1/h": law.entropy_production(),
    }
    return [row(found, strength, name, value) for name, value in exact.items()]


def asked_of_snapshots(n_cells: int) -> list[dict]:
    """What a fit to snapshots says about circulation and its test."""
    shots = cs.datasets.to_snapshots(cells_of(0.5, 0, n_cells), rng=0)
    times = shots.obs["time"].nunique()
    cells = f"{shots.n_obs} cells at {times} times"
    fit = cs.tl.fit_flow(shots, use="snapshots", rng=0)
    said = fit.identifiable.set_index("quantity").loc["circulation"]
    rows = [
        {
            "asked": f"{cells}: circulation",
            "answer": said["status"],
            "why": said["why"],
        },
        {
            "asked": "fit.circulation",
            "answer": str(fit.circulation),
            "why": "no number is made up",
        },
    ]
    for options in ({"use": "snapshots", "drift": "split"}, {"use": "tracks"}):
        try:
            cs.tl.fit_flow(shots, rng=0, **options)
        except ValueError as refusal:
            asked = ", ".join(f"{name}={value!r}" for name, value in options.items())
            rows.append({"asked": asked, "answer": "refused", "why": str(refusal)})
    return rows


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--sets", type=int, default=40)
    ask.add_argument("--cells", type=int, default=100)
    ask.add_argument("--small", action="store_true")
    given = ask.parse_args(argv)
    cs.settings.progress = False
    strengths = STRENGTHS
    if given.small:
        given.sets, given.cells, strengths = 3, 20, (STRENGTHS[0], STRENGTHS[-1])
    rows = [one for c in strengths for one in measured(c, given.sets, given.cells)]
    title = f"Circulation from tracks, {given.sets} sets of {given.cells} cells"
    return {
        "tracks": table(title, rows),
        "snapshots": table("From snapshots", asked_of_snapshots(given.cells)),
    }


if __name__ == "__main__":
    main()
