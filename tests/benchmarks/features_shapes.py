"""Shape modes of real outlines: U373 glioblastoma cells (and others on request).

Outlines of the silver truth of the Cell Tracking Challenge, the artefact frame 1000
left out, resampled to 64 points at equal arc length. `all` is the share of variance
explained in the outlines that were fitted; `held out` in tracks that were not (five
folds of whole tracks). The trivial rows explain by an ellipse alone: two numbers.

    python tests/benchmarks/features_shapes.py --data DIR --figure shapes.png
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellstate.statespace import fit_shape_modes

SETS = ("PhC-C2DH-U373", "DIC-C2DH-HeLa", "Fluo-N2DL-HeLa")
ARTEFACT, POINTS, FOLDS = 1000, 64, 5
COUNTS = (1, 2, 4, 8, 12)


def main(arguments: Sequence[str] | None = None) -> pd.DataFrame:
    """Print the table; return it."""
    options = _options(arguments)
    rows = []
    for name in options.sets:
        outlines, track = read_outlines(options.data / "contours" / f"{name}.npz")
        for mirrored in (False, True):
            rows += _explained(name, outlines, track, mirrored)
        rows += _ellipses(name, outlines)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    if options.figure:
        _draw(options.data, options.figure)
    return table


def read_outlines(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Outlines (n, 64, 2) in px and a code of each one's track."""
    stored = np.load(path)
    kind, frame, offset = stored["kind"], stored["frame"], stored["offset"]
    silver = np.char.endswith(kind.astype(str), "ST-SEG")
    silver = silver if silver.any() else np.char.endswith(kind.astype(str), "GT-SEG")
    kept = np.flatnonzero(silver & (frame != ARTEFACT) & (np.diff(offset) >= 20))
    outlines = np.array(
        [_resampled(stored["xy"][offset[k] : offset[k + 1]]) for k in kept]
    )
    names = [f"{kind[k][:2]}:{stored['track'][k]}" for k in kept]
    return outlines, np.unique(names, return_inverse=True)[1]


def _resampled(xy: np.ndarray) -> np.ndarray:
    closed = np.r_[xy, xy[:1]].astype(float)
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(closed, axis=0).T))]
    wanted = np.arange(POINTS) * along[-1] / POINTS
    return np.stack([np.interp(wanted, along, c) for c in closed.T], axis=1)


def _explained(
    name: str, outlines: np.ndarray, track: np.ndarray, mirrored: bool
) -> list[dict]:
    whole = fit_shape_modes(outlines, max(COUNTS), mirrored=mirrored)
    codes = np.random.default_rng(0).permutation(np.arange(track.max() + 1) % FOLDS)
    fold, left, total = codes[track], np.zeros(len(COUNTS)), 0.0
    for k in range(FOLDS):
        own = fold == k
        model = fit_shape_modes(outlines[~own], max(COUNTS), mirrored=mirrored)
        aligned, scores = model.align(outlines[own]), model.transform(outlines[own])
        total += ((aligned - model.mean) ** 2).sum()
        for i, n in enumerate(COUNTS):
            left[i] += ((model.reconstruct(scores[:, :n]) - aligned) ** 2).sum()
    label = "modes, mirrors as one" if mirrored else "modes"
    about = {"set": name, "outlines": len(outlines), "tracks": int(track.max()) + 1}
    return [
        about | {"by": label, "modes": n, "all": whole.explained[n - 1],
                 "held out": 1 - left[i] / total}
        for i, n in enumerate(COUNTS)
    ]  # fmt: skip


def _ellipses(name: str, outlines: np.ndarray) -> list[dict]:
    """Share of the same variance that the best ellipse of each outline explains."""
    model = fit_shape_modes(outlines, 1, mirrored=False)
    aligned = model.align(outlines)
    z = np.fft.fft(aligned[..., 0] + 1j * aligned[..., 1], axis=1)
    kept = np.zeros_like(z)
    kept[:, [1, -1]] = z[:, [1, -1]]
    ellipse = np.fft.ifft(kept, axis=1)
    ellipse = np.stack([ellipse.real, ellipse.imag], axis=-1)
    left = ((aligned - ellipse) ** 2).sum() / ((aligned - model.mean) ** 2).sum()
    about = {"set": name, "outlines": len(outlines), "by": "an ellipse each"}
    return [about | {"modes": 4, "all": 1 - left}]


def _draw(data: Path, path: Path) -> None:
    """Modes at -2, 0 and 2 standard deviations, and reconstructions of five cells."""
    from matplotlib.figure import Figure

    outlines, track = read_outlines(data / "contours" / f"{SETS[0]}.npz")
    model = fit_shape_modes(outlines, max(COUNTS), mirrored=False)
    figure = Figure(figsize=(10, 6), layout="constrained")
    rows = figure.subfigures(2, 1)
    rows[0].suptitle(f"Modes of {len(outlines)} outlines, U373: -2, 0, +2 sd")
    for k, ax in enumerate(rows[0].subplots(1, 5)):
        for step, colour in ((-2, "#0072b2"), (0, "#999999"), (2, "#d55e00")):
            score = np.zeros((1, k + 1))
            score[0, k] = step * np.sqrt(model.variance[k])
            _line(ax, model.reconstruct(score)[0], colour)
        share = model.variance[k] / model.total_variance
        ax.set_title(f"mode {k + 1}: {100 * share:.0f} %", fontsize=10)
    rows[1].suptitle("Outlines (grey) rebuilt from 12 modes (orange)")
    _, first = np.unique(track, return_index=True)
    picked = first[np.linspace(0, len(first) - 1, 5).astype(int)]
    aligned, scores = model.align(outlines[picked]), model.transform(outlines[picked])
    for ax, seen, made in zip(
        rows[1].subplots(1, 5), aligned, model.reconstruct(scores), strict=True
    ):
        _line(ax, seen, "#999999")
        _line(ax, made, "#d55e00")
        error = np.sqrt(((seen - made) ** 2).sum(axis=1).mean())
        ax.set_title(f"off by {error:.2f} radii", fontsize=10)
    figure.savefig(path, dpi=130)


def _line(ax, outline: np.ndarray, colour: str) -> None:
    closed = np.r_[outline, outline[:1]]
    ax.plot(closed[:, 0], closed[:, 1], color=colour, lw=1.5)
    ax.set_aspect("equal")
    ax.axis("off")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).parents[3] / "shared" / "data"
    default = Path(os.environ.get("CELLSTATE_DATA", here))
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--figure", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
