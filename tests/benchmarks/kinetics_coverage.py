"""How often 95 % intervals of rates and committors hold the exact value.

    python tests/benchmarks/kinetics_coverage.py            # 200 sets, five minutes
    python tests/benchmarks/kinetics_coverage.py --small    # seconds

Double well, beta 3, frames 0.05 apart: 50 founders come into view within 4 h, are
watched until 12 h, divide at 0.06 per h (daughters start near their mother), are lost
at 0.02 per h, and are measured with noise; some 140 tracks a set, 12 passages each way.
Intervals: k_AB and k_BA by lineage bootstrap (Garwood's interval of as many events as
would spread like the draws), those of the events seen alone (exact Poisson), and the
committor at cells by its 40 refits, in eight bins of the state between A and B. Rates
and committor count visits between frames ("between frames") or not. `cover` is the
share of sets, for the committor of cells averaged over sets; 200 sets have a standard
error of 1.5 %. `low` and `high`: sets whose lower end is too high, upper too low.
"""

import argparse
import warnings

import numpy as np
import pandas as pd

import cellstate as cs
from cellstate import systems
from cellstate.kinetics import committor_interval

FRAME, REFITS, BINS = 0.05, 40, np.linspace(-1, 1, 9)
LAW = systems.DoubleWell(D=1 / 3)
RATES = ("k_ab", "k_ba", "k_ab_events", "k_ba_events", "k_ab_at_frames")


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.4g}"), flush=True)
    return found


def one_set(seed: int, noise: float, between: bool) -> tuple[dict, dict]:
    """Estimates of one simulated set: rates, and per bin of the committor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        cells = cs.datasets.simulate_tracks(
            LAW, frame_interval=FRAME, n_cells=50, n_frames=240, division_rate=0.06,
            lost_rate=0.02, late_entry=4.0, noise=noise, inheritance_noise=0.05,
            rng=seed,
        )  # fmt: skip
    x = cells.obsm["X_state"]
    in_a, in_b = LAW.source.contains(x), LAW.target.contains(x)
    cells.obs["state"] = np.where(in_a, "A", np.where(in_b, "B", "other"))
    fitted = cs.tl.committor(
        cells, between_frames=between or None, n_bootstrap=REFITS, rng=seed
    )
    rates = cs.tl.rates(cells, rng=seed)
    free = ~in_a & ~in_b
    low, high = (end[free] for end in committor_interval(fitted))
    exact = LAW.committor(x[free])
    place = np.digitize(x[free].ravel(), BINS) - 1
    held = (low <= exact) & (exact <= high)
    error = fitted.forward[free] - exact
    count = np.bincount(place, minlength=8)[:8]
    per_bin = {
        "held": np.bincount(place, held, 8)[:8] / count,
        "error": np.bincount(place, error, 8)[:8] / count,
        "width": np.bincount(place, high - low, 8)[:8] / count,
    }
    return {name: getattr(rates, name) for name in RATES}, per_bin


def of_rates(found: list[dict], exact: float, label: str) -> list[dict]:
    """Coverage of each rate."""
    rows = []
    for name in RATES:
        some = [one[name] for one in found if one[name] is not None]
        if not some:
            continue
        values = np.array([[e.value, e.low, e.high, e.n_effective] for e in some])
        too_high, too_low = values[:, 1] > exact, values[:, 2] < exact
        rows.append(
            {
                "visits": label,
                "rate": name,
                "exact": exact,
                "mean": values[:, 0].mean(),
                "SD": values[:, 0].std(ddof=1),
                "width": (values[:, 2] - values[:, 1]).mean(),
                "n": np.median(values[:, 3]),
                "cover %": 100 * (1 - (too_high | too_low).mean()),
                "low": int(too_high.sum()),
                "high": int(too_low.sum()),
            }
        )
    return rows


def of_committor(found: list[dict], label: str) -> list[dict]:
    """Coverage of the committor in each bin."""
    stacked = {name: np.array([one[name] for one in found]) for name in found[0]}
    middle = (BINS[1:] + BINS[:-1]) / 2
    exact = LAW.committor(middle[:, None])
    return [
        {
            "visits": label,
            "x": middle[k],
            "exact q": exact[k],
            "bias": np.nanmean(stacked["error"][:, k]),
            "SD": np.nanstd(stacked["error"][:, k]),
            "width": np.nanmean(stacked["width"][:, k]),
            "cover %": 100 * np.nanmean(stacked["held"][:, k]),
        }
        for k in range(8)
    ]


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Run and print the tables."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--sets", type=int, default=200)
    ask.add_argument("--noise", type=float, default=0.03)
    ask.add_argument("--small", action="store_true")
    given = ask.parse_args(argv)
    if given.small:
        given.sets = 5
    exact = systems.quadrature(LAW).k_ab
    rates, committors = [], []
    for label, between in (("at frames", False), ("between frames", True)):
        found = [one_set(seed, given.noise, between) for seed in range(given.sets)]
        rates += of_rates([one for one, _ in found], exact, label)
        committors += of_committor([one for _, one in found], label)
    return {
        "rates": table(f"Rates, {given.sets} sets", rates),
        "committor": table(f"Committor, {given.sets} sets", committors),
    }


if __name__ == "__main__":
    main()
