"""400,000 cell-frames streamed from zarr: cells per second, speed-up, memory.

    python tests/benchmarks/features_scale.py --frames 200 --cells 2000

A field of cells drifts under the camera, with fresh noise in every frame; images
and masks are zarr arrays with a frame per chunk. Every row is a process of its own,
one after the other, and all must give the same bits: `cs.pp.features` in memory,
`cs.pp.stream_features` with 1 and 2 workers, and that again with all blocks done.

"wall s" is of the whole call, workers started in it; "CPU s" is of this process and
of its workers apart. On cores that others use too, wall seconds are too many, so
"alone s" says what they come to on free cores: those of this process, and those of
the workers shared out evenly. "others" is how many cores other programs had
meanwhile. Memory is the largest sum of resident sizes over all processes of a row;
pages that they share are counted once for each.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import cellstate as cs

IMAGES, MASKS, TRACKS = "images.zarr", "masks.zarr", "tracks.csv"


def speed_benchmark():
    """The file that draws a field of cells."""
    file = Path(__file__).with_name("features_speed.py")
    spec = importlib.util.spec_from_file_location("features_speed", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_movie(folder: Path, frames: int, cells: int) -> None:
    """Images (T, 1, Y, X) uint16, masks (T, Y, X) int32 and their tracks."""
    import zarr

    speed = speed_benchmark()
    size = int(np.sqrt(cells) * speed.STEP)
    wide = int(np.ceil((size + frames) / speed.STEP)) ** 2
    labels, picture = speed.field(wide)
    rng = np.random.default_rng(1)
    shapes = {IMAGES: ((1, size, size), "uint16"), MASKS: ((size, size), "int32")}
    images, masks = (
        zarr.create_array(
            folder / name, shape=(frames, *shape), chunks=(1, *shape), dtype=dtype
        )
        for name, (shape, dtype) in shapes.items()
    )
    rows = []
    for t in range(frames):
        window = np.s_[t // 2 : t // 2 + size, t : t + size]
        masks[t] = labels[window]
        light = 100 + 4000 * picture[window] + rng.normal(0, 20, (size, size))
        images[t, 0] = light.clip(0).astype(np.uint16)
        seen = np.unique(labels[window])
        rows.append(pd.DataFrame({"frame": t, "label": seen[seen > 0]}))
    table = pd.concat(rows).assign(parent_track=-1)
    table.assign(track=table["label"]).to_csv(folder / TRACKS, index=False)


def measure(folder: Path, workers: int) -> None:
    """Run one row; print what it took and a digest of what came out."""
    import zarr

    movie = cs.Movie(
        images=zarr.open_array(folder / IMAGES, mode="r"),
        masks=zarr.open_array(folder / MASKS, mode="r"),
        lineage=pd.read_csv(folder / TRACKS),
        pixel_size=0.5,
        frame_interval=0.25,
    )
    wall, cpu, busy = time.perf_counter(), np.array(os.times()[:4]), machine_seconds()
    if workers:
        store = folder / f"blocks_of_{workers}"
        adata = cs.pp.stream_features(movie, store, n_workers=workers)
    else:
        adata = cs.pp.features(movie)
    wall, cpu = time.perf_counter() - wall, os.times()[:4] - cpu
    here, there = cpu[:2].sum(), cpu[2:].sum()
    others = machine_seconds() - busy - here - there
    result = {
        "cell-frames": adata.n_obs,
        "wall s": wall,
        "CPU s": here,
        "workers' CPU s": there,
        "alone s": here + there / max(workers, 1),
        "others": others / wall,
        "bits": hashlib.sha256(adata.X.reshape(-1)).hexdigest()[:12],
    }
    print(json.dumps(result))


def machine_seconds() -> float:
    """CPU seconds that all programs had since the machine started."""
    import psutil

    spent = psutil.cpu_times()
    return spent.user + spent.system + spent.nice


def watched(words: list[str]) -> dict:
    """Run this file with other words and add up the memory of its processes."""
    import psutil

    command = [sys.executable, str(Path(__file__).resolve()), *words]
    most = 0
    # One thread each: rows differ in their workers alone.
    single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | single
    ) as child:
        root = psutil.Process(child.pid)
        while child.poll() is None:
            total = 0
            try:
                for process in [root, *root.children(recursive=True)]:
                    total += process.memory_info().rss
            except psutil.NoSuchProcess:
                pass
            most = max(most, total)
            time.sleep(0.3)  # the watching is not to take part in the race
        printed = child.stdout.read()
    if child.returncode:
        raise SystemExit(f"{' '.join(words)} failed with {child.returncode}.")
    return json.loads(printed.splitlines()[-1]) | {"GB": most / 1e9}


def main(argv: list[str] | None = None) -> pd.DataFrame:
    """Print and return the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--cells", type=int, default=2000, help="per frame")
    parser.add_argument("--folder", type=Path, help="holds the movie and is kept")
    parser.add_argument("--row", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    cs.settings.progress = False
    if args.row is not None:
        return measure(args.folder, args.row)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch)
        folder.mkdir(exist_ok=True)
        if not (folder / TRACKS).exists():
            write_movie(folder, args.frames, args.cells)
        rows = {}
        for name, workers in (
            ("features, in memory", 0),
            ("stream, 1 worker", 1),
            ("stream, 2 workers", 2),
            ("the same, all done", 2),
        ):
            rows[name] = watched(["--folder", str(folder), "--row", str(workers)])
    table = pd.DataFrame(rows).T.infer_objects()
    for seconds, name in (("wall s", "speed-up"), ("alone s", "speed-up alone")):
        table[name] = table[seconds].loc["stream, 1 worker"] / table[seconds]
    table.insert(1, "cells/s", table["cell-frames"] / table["wall s"])
    table.insert(2, "cells/s alone", table["cell-frames"] / table["alone s"])
    print(table.to_string(float_format="{:.2f}".format))
    if table["bits"].nunique() > 1:
        raise SystemExit("the rows differ in their values.")
    return table


if __name__ == "__main__":
    main()
