"""Networks on top of a regression: drift error and seconds, 1e5 track frames in 5-D.

    python tests/benchmarks/flow_neural.py           # 3 seeds, about 6 minutes
    python tests/benchmarks/flow_neural.py --small   # seconds

Law: a double well along one hidden direction of five (D = 1/3), plus a circulation
``swirl * sin(2 z1) / (1 + z2^2 + z3^2)`` in the plane of the hidden z2 and z3. No
polynomial is exact for it; a weak swirl is nearly cubic, a strong one is not.
100 tracks of 1,000 frames, 0.02 h apart (dt lambda_max = 0.16), in the stationary law,
simulated by the stochastic Heun scheme with 5 steps a frame.

Error: mean of |b - b_true|^2 over that of |b_true|^2, at 10,000 states of other
tracks. "regression" is `cellstate.flow.fit_regression`, "neural" starts from it, with
seconds of the training alone; "neural, from linear" starts from a linear fit and shows
what training does by itself. Baselines: a zero drift and a linear fit. One thread,
no GPU. Means over seeds, their spread (standard deviation), and the worst ratio of the
error to the regression's on the same data. Seconds are CPU seconds of the one thread,
which do not depend on what else the machine does; wall seconds stand beside them.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

D, DIMENSION, FRAME, SUBSTEPS = 1 / 3, 5, 0.02, 5
SWIRLS = {"weak swirl": 1.5, "strong swirl": 4.0}


class Law:
    """The rotated double well with a circulation."""

    def __init__(self, swirl: float) -> None:
        from cellstate.systems import RotatedDoubleWell

        self.well, self.swirl = RotatedDoubleWell(D=D, d=DIMENSION), swirl

    def drift(self, x: np.ndarray) -> np.ndarray:
        """Drift of states (n, d)."""
        turn = self.well.rotation
        z = x @ turn
        speed = self.swirl * np.sin(2 * z[:, 0]) / (1 + z[:, 1] ** 2 + z[:, 2] ** 2)
        around = np.zeros_like(z)
        around[:, 1], around[:, 2] = -speed * z[:, 2], speed * z[:, 1]
        return self.well.drift(x) + around @ turn.T

    def simulate(self, n_tracks: int, n_frames: int, seed: int) -> np.ndarray:
        """States (n_tracks, n_frames, d); the circulation keeps the well's law."""
        rng, h = np.random.default_rng(seed), FRAME / SUBSTEPS
        x = self.well.sample(n_tracks, rng)
        states = np.empty((n_tracks, n_frames, DIMENSION))
        for frame in range(n_frames):
            states[:, frame] = x
            for _ in range(SUBSTEPS):
                kick = np.sqrt(2 * D * h) * rng.standard_normal(x.shape)
                here = self.drift(x)
                x = x + (here + self.drift(x + here * h + kick)) * h / 2 + kick
        return states


class LinearFit:
    """Drift by least squares in 1 and x; constant diffusion from what is left."""

    def __init__(self, x: np.ndarray, steps) -> None:
        start, hours = x[steps.first], steps.dt[:, None]
        inputs = np.hstack([np.ones((len(start), 1)), start])
        speed = (x[steps.second] - start) / hours
        found = np.linalg.lstsq(inputs, speed, rcond=None)[0]
        self.offset, self.slope = found[0], found[1:].T
        left = speed - inputs @ found
        self.spread = (left * hours).T @ left / len(left) / 2

    def drift(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Drift of states (n, d)."""
        return self.offset + x @ self.slope.T

    def jacobian(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Its slope, (n, d, d)."""
        return np.repeat(self.slope[None], len(x), axis=0)

    def diffusion(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Diffusion, (n, d, d)."""
        return np.repeat(self.spread[None], len(x), axis=0)


def measured(name: str, n_tracks: int, n_frames: int, seed: int) -> list[dict]:
    """Error and seconds of every method on one data set."""
    from cellstate.flow import fit_regression
    from cellstate.flow._neural import fit_neural
    from cellstate.sde import track_steps
    from cellstate.tracks import Tracks

    law = Law(SWIRLS[name])
    x = law.simulate(n_tracks, n_frames, seed).reshape(-1, DIMENSION)
    frame = np.tile(np.arange(n_frames), n_tracks)
    track = np.repeat(np.arange(1, n_tracks + 1), n_frames)
    steps = track_steps(x, Tracks.from_arrays(track=track, frame=frame,
                                              time=frame * FRAME))  # fmt: skip
    test = law.simulate(100, 100, seed + 1000).reshape(-1, DIMENSION)
    true = law.drift(test)
    rows = []

    def add(method: str, fit: Callable) -> Any:
        """Fit, time, score; the kept parts are those of a training."""
        wall, cpu = time.perf_counter(), time.process_time()
        model, kept = fit()
        seconds = {"CPU s": time.process_time() - cpu, "s": time.perf_counter() - wall}
        drift = np.zeros_like(true) if model is None else model.drift(test)
        error = float(((drift - true) ** 2).sum() / (true**2).sum())
        row = {"system": name, "method": method, "seed": seed, "error": error}
        rows.append(row | seconds | {"kept": kept})
        print(f"{name}, seed {seed}, {method}: {error:.4g}", flush=True)
        return model

    def neural(base: Any) -> tuple[Any, str]:
        model, history = fit_neural(base, x, steps, device="cpu", rng=seed)
        return model, history.parts["kept"].iloc[0]

    add("zero drift", lambda: (None, ""))
    linear = add("linear fit", lambda: (LinearFit(x, steps), ""))
    regression = add(
        "regression", lambda: (fit_regression(x, steps, rng=seed).model, "")
    )
    add("neural", lambda: neural(regression))
    add("neural, from linear", lambda: neural(linear))
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, and the worst ratio to the regression."""
    known = rows[rows["method"] == "regression"].set_index(["system", "seed"])["error"]
    keys = pd.MultiIndex.from_frame(rows[["system", "seed"]])
    rows = rows.assign(ratio=rows["error"].to_numpy() / known.reindex(keys).to_numpy())
    groups = rows.groupby(["system", "method"], sort=False)
    return pd.DataFrame({
        "error": groups["error"].mean(),
        "spread": groups["error"].std(),
        "worst ratio": groups["ratio"].max(),
        "networks kept": groups["kept"].apply(lambda k: (k == "network").sum()),
        "CPU s": groups["CPU s"].mean(),
        "worst CPU s": groups["CPU s"].max(),
        "wall s": groups["s"].mean(),
    }).reset_index()  # fmt: skip


def main(argv: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Print the table and return it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args(argv)
    n_tracks, n_frames = (40, 60) if given.small else (100, 1000)
    names = ["strong swirl"] if given.small else list(SWIRLS)
    seeds = 1 if given.small else given.seeds
    rows = [
        row
        for seed in range(seeds)
        for name in names
        for row in measured(name, n_tracks, n_frames, seed)
    ]
    tables = {"rows": pd.DataFrame(rows)}
    tables["neural"] = summary(tables["rows"])
    print(f"\n## {n_tracks * n_frames:,} frames in 5-D, {seeds} seed(s)\n")
    text = tables["neural"].to_string(index=False, float_format=lambda v: f"{v:.4g}")
    print(text, flush=True)
    return tables


if __name__ == "__main__":
    main()
