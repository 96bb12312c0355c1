"""Flows from snapshots: a time that is held out, beside trivial rows and torchcfm.

    python tests/benchmarks/flow_snapshots.py --peer-python PATH   # fifteen minutes
    python tests/benchmarks/flow_snapshots.py --small              # seconds

Leave one time out: each inner time in turn; columns scaled by the spread of all cells
(the published habit, a mild leak); every method sees the other times and pushes all
cells of the time before to the one that is held out; the score is the exact W1
(Euclidean, uniform weights). `split half` sets a floor: two halves of that snapshot.
Drug (4i, image features of melanoma cells, 8 h and 48 h): fitted to the training cells
and the numbers of cells (ratio 0.751); test cells of 8 h, weighted by what grows on the
way, are pushed to 48 h and compared with the test cells there. CPU seconds are those of
fit and push on one thread.

EB: Moon et al., Nat. Biotechnol. 37 (2019), 5 x 550 cells. EMT: Cook and Vanderhyden,
Nat. Commun. 11 (2020). Gene: a simulated toggle with division (DeepRUOT). 4i: Bunne et
al. and Pariset et al., unbalanced diffusion Schroedinger bridge (2023).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

import cellstate as cs
from cellstate import settings
from cellstate.flow import fit_transport, follow, transport_paths
from cellstate.flow._snapshot_fit import implied_growth
from cellstate.transport import couple, wasserstein

HERE = Path(__file__).parent
DATA = Path(os.environ.get("CELLSTATE_DATA", HERE.parents[2] / "shared" / "data"))
NO_NULL = pd.DataFrame()  # the rows are made here
HEUN = 10  # steps of a push per unit of time


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Print and return the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", nargs="+", default=[*SETS, "4i"], help="sets")
    options = parser.parse_args(argv)
    if options.small:
        options.seeds, options.iterations = 1, 20
    tables = {}
    with settings.override(progress=False):
        for name, load in SETS.items():
            if name not in options.only:
                continue
            cells = load()
            if cells is None:
                print(f"{name}: no data in {DATA}")
                continue
            if options.small:
                cells = thinned(*cells, 80)
            tables[name] = shown(name, leave_one_out(name, *cells, options))
        if "4i" in options.only:
            if (DATA / DRUG).exists():
                tables["4i"] = shown("4i", drug(options))
            else:
                print(f"4i: no data in {DATA}")
    return tables


def shown(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Print a table and return it."""
    text = table.to_string(index=False, float_format="%.3f")
    print(f"\n{name}\n{text}", flush=True)
    return table


# Data: states (n, d), scaled, and time (n,).


def embryoid():
    """Embryoid bodies, 5 PCs."""
    path = DATA / "snapshots" / "eb_subset_2750.npz"
    if not path.exists():
        return None
    given = np.load(path, allow_pickle=True)
    return scaled(given["pcs"][:, :5]), given["sample_labels"].astype(float)


def table_of(name: str):
    """A table with columns samples (time) and x1, x2 ..."""
    path = DATA / "snapshots" / name
    if not path.exists():
        return None
    table = pd.read_csv(path)
    columns = [c for c in table if c.startswith("x")]
    return scaled(table[columns].to_numpy(float)), table["samples"].to_numpy(float)


SETS = {
    "EB": embryoid,
    "EMT": lambda: table_of("emt_a549_10d.csv"),
    "gene": lambda: table_of("simulation_gene_2d.csv"),
}
DRUG = "snapshots/melanoma_4i_trametinib_erlotinib.npz"
RATIO = 0.751


def scaled(x: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and spread 1."""
    return (x - x.mean(axis=0)) / x.std(axis=0)


def thinned(x: np.ndarray, time: np.ndarray, n: int):
    """First cells of every time."""
    kept = np.concatenate([np.flatnonzero(time == t)[:n] for t in np.unique(time)])
    return x[kept], time[kept]


# Leave one time out


def leave_one_out(name, x, times, options) -> pd.DataFrame:
    """Scores of every hold and method."""
    clock = np.unique(times, return_inverse=True)[1].astype(float)
    holds = range(1, int(clock.max()))
    scores: dict[str, dict] = {}

    def note(method: str, hold: int, values: list[float], cpu: float) -> None:
        row = scores.setdefault(method, {"cpu": []})
        row[hold] = (float(np.mean(values)), float(np.std(values)))
        row["cpu"].append(cpu)

    for hold in holds:
        held, kept = x[clock == hold], clock != hold
        for method, value in trivial(x, clock, hold).items():
            note(method, hold, [value], 0.0)
        problem = (x[kept], clock[kept], x[clock == hold - 1], hold - 1.0, float(hold))
        for method, run in METHODS.items():
            results = [run(*problem, seed) for seed in range(options.seeds)]
            note(
                method,
                hold,
                [wasserstein(pushed, held) for pushed, _ in results],
                float(np.median([cpu for _, cpu in results])),
            )
        peer = [torchcfm(*problem, seed, options) for seed in range(options.seeds)]
        if all(result is not None for result in peer):
            values = [wasserstein(pushed, held) for pushed, _ in peer]
            cpu = float(np.median([cpu for _, cpu in peer]))
            note("torchcfm OT-CFM", hold, values, cpu)
        print(f"{name}: hold {hold} done", flush=True)
    return scores_table(scores, list(holds))


def scores_table(scores: dict[str, dict], holds: list[int]) -> pd.DataFrame:
    """One row per method: every hold, their mean, the spread over seeds, seconds."""
    rows = []
    for method, found in scores.items():
        values = [found[h][0] for h in holds]
        rows.append(
            {"method": method}
            | {f"hold {h}": v for h, v in zip(holds, values, strict=True)}
            | {
                "mean": np.mean(values),
                "spread over seeds": np.max([found[h][1] for h in holds]),
                "CPU s a fold": np.median(found["cpu"]),
            }
        )
    if "torchcfm OT-CFM" not in scores:
        rows.append({"method": "torchcfm OT-CFM: not installed"})
    return pd.DataFrame(rows)


def trivial(x: np.ndarray, clock: np.ndarray, hold: int) -> dict[str, float]:
    """Rows that need no model."""
    before, held, after = (x[clock == hold + k] for k in (-1, 0, 1))
    two = np.concatenate([before, after])
    when = np.repeat([0.0, 2.0], [len(before), len(after)])
    pair = couple(two, when, method="exact", null=NO_NULL, rng=0).pairs(0)
    middle = (two[pair.source] + two[pair.target]) / 2
    order = np.random.default_rng(0).permutation(len(held))
    halves = held[order[: len(held) // 2]], held[order[len(held) // 2 :]]
    return {
        "previous snapshot": wasserstein(before, held),
        "next snapshot": wasserstein(after, held),
        "plan midpoint": wasserstein(middle, held, pair.mass),
        "split half (floor)": wasserstein(*halves),
    }


def smooth(x, clock, push, start, stop, seed):
    """`fit_flow`: the drift that is smooth in state and time."""
    begin = time.process_time()
    chain = couple(x, clock, method="exact", null=NO_NULL, rng=seed)
    fit = fit_transport(x, chain, rng=seed)
    pushed = carried(fit, push, start, stop)
    return pushed, time.process_time() - begin


def local(x, clock, push, start, stop, seed):
    """`flow.follow`: along the transport paths nearby."""
    begin = time.process_time()
    chain = couple(x, clock, method="exact", null=NO_NULL, rng=seed)
    pushed = follow(transport_paths(x, chain), push, start, stop)
    return pushed, time.process_time() - begin


def straight(x, clock, push, start, stop, seed):
    """The same without the bend at inner times."""
    begin = time.process_time()
    chain = couple(x, clock, method="exact", null=NO_NULL, rng=seed)
    pushed = follow(transport_paths(x, chain, bent=0.0), push, start, stop)
    return pushed, time.process_time() - begin


def interpolated(x, clock, push, start, stop, seed):
    """`tl.interpolate`: the same drift, and its share of the miss at the time after."""
    begin = time.process_time()
    cells = AnnData(obs=pd.DataFrame({"time": clock}, index=[*map(str, range(len(x)))]))
    cells.obsm["X_state"] = x
    cs.tl.fit_flow(cells, use="snapshots", rng=seed)
    pushed = cs.tl.interpolate(cells, stop, rng=seed).states
    return pushed, time.process_time() - begin


METHODS = {
    "cellstate, fit_flow": smooth,
    "cellstate, interpolate": interpolated,
    "cellstate, follow paths": local,
    "cellstate, straight paths": straight,
}


def carried(fit, x: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Heun's scheme along the drift."""
    n = max(1, round(HEUN * abs(stop - start)))
    step = (stop - start) / n
    for k in range(n):
        t = start + k * step
        middle = x + step / 2 * fit.drift(x, t)
        x = x + step * fit.drift(middle, t + step / 2)
    return x


def torchcfm(x, clock, push, start, stop, seed, options):
    """Pushed cells and CPU seconds of the peer, None when it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(
            source,
            x=x,
            time=clock,
            push=push,
            start=start,
            stop=stop,
            seed=seed,
            iterations=options.iterations,
        )
        script = HERE / "_torchcfm_peer.py"
        done = subprocess.run(
            [options.peer_python, script, source, target],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            if "No module named" in done.stderr:
                return None
            raise RuntimeError(done.stderr[-2000:])
        found = np.load(target)
        return found["pushed"], float(found["cpu"])


# Drug


def drug(options) -> pd.DataFrame:
    """4i: test cells of 8 h carried to 48 h, with their mass."""
    given = np.load(DATA / DRUG, allow_pickle=True)
    x, hours = scaled(given["X"].astype(float)), given["time_h"].astype(float)
    test = given["is_test"].astype(bool)
    early, late = (x[test & (hours == t)] for t in (8.0, 48.0))
    train, when = x[~test], hours[~test]
    if options.small:
        train, when = thinned(train, when, 100)
    shift = train[when == 48].mean(axis=0) - train[when == 8].mean(axis=0)
    half = np.random.default_rng(0).permutation(len(late))
    rows = [
        ("previous: test cells of 8 h", 1.0, wasserstein(early, late), 0.0),
        (
            "previous, moved by the mean shift",
            1.0,
            wasserstein(early + shift, late),
            0.0,
        ),
        (
            "training cells of 48 h (knows the answer)",
            RATIO,
            wasserstein(train[when == 48], late),
            0.0,
        ),
        (
            "split half (floor)",
            RATIO,
            wasserstein(late[half[::2]], late[half[1::2]]),
            0.0,
        ),
    ]
    begin = time.process_time()
    chain = couple(train, when, masses={8.0: 1.0, 48.0: RATIO}, null=NO_NULL, rng=0)
    coupled = time.process_time() - begin
    for name, push in (
        ("cellstate, fit_flow", smooth_drug),
        ("cellstate, follow paths", local_drug),
    ):
        begin = time.process_time()
        pushed, weight = push(train, chain, early)
        cpu = coupled + time.process_time() - begin
        rows.append((name, weight.mean(), wasserstein(pushed, late, weight), cpu))
    columns = ["method", "mass at 48 h", "W1", "CPU s"]
    return pd.DataFrame(rows, columns=columns)


def smooth_drug(train, chain, early):
    """Pushed by the smooth drift, with the mass that grows on the way."""
    fit = fit_transport(train, chain, growth_source="masses", rng=0)
    n = 20
    x, step, gained = early, 40 / n, np.zeros(len(early))
    for k in range(n):
        t = 8 + k * step
        middle = x + step / 2 * fit.drift(x, t)
        gained += step * fit.growth_rate(middle, t + step / 2)
        x = x + step * fit.drift(middle, t + step / 2)
    return x, np.exp(gained)


def local_drug(train, chain, early):
    """Along the paths nearby; the growth at either end counts half."""
    pushed = follow(transport_paths(train, chain), early, 8.0, 48.0)
    growth = implied_growth(train, chain)
    return pushed, np.exp(20 * (growth(early) + growth(pushed))[:, 0])


if __name__ == "__main__":
    main()
