"""Damaged files: how many of each format are read, refused, or break the reader.

    python tests/benchmarks/fuzz_readers.py --copies 1000

Every copy of a small file of each format is damaged in one to three places (see
``tests/io/_mutate.py``). Uncaught must be 0: a reader reads what is left or refuses
with an error of the package. Files of HDF5 and of zarr are damaged in their bytes.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

import cellstate as cs

sys.path.insert(0, str(Path(__file__).parents[1] / "io"))
from _mutate import Survey, contents, survives, survives_tables
from _samples import (
    ALLOWED,
    SAMPLES,
    btrack_h5,
    btrack_tables,
    geff_tables,
    rewrite_geff,
)

ROW = "| {:<22} | {:>6} | {:>6} | {:>7} | {:>8} | {:>7} |"
# What is in a container is damaged too: its bytes mostly break the container.
TABLES = {
    "btrack HDF5": (lambda path: btrack_tables(), btrack_h5),
    "GEFF": (geff_tables, rewrite_geff),
    "GEFF, foreign": (geff_tables, rewrite_geff),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="formats whose name has this text")
    options = parser.parse_args()
    print(ROW.format("format", "files", "read", "refused", "uncaught", "seconds"))
    print("|---|---|---|---|---|---|")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with cs.settings.override(progress=False):
        broken = sum(
            survey(name, options.copies, options.seed)
            for name in SAMPLES
            if not options.only or options.only in name
        )
    return int(broken > 0)


def survey(name: str, copies: int, seed: int) -> int:
    """Damage a format's bytes and, in a container, its tables; print rows."""
    with tempfile.TemporaryDirectory() as place:
        path, read = SAMPLES[name](Path(place))
        read(path)
        data = contents(path) if path.is_dir() else path.read_bytes()
        start = time.perf_counter()
        found = survives(read, path, data, copies, ALLOWED, seed=seed)
        broken = report(name, found, start)
        if "Zarr" in name:
            described = {k: v for k, v in data.items() if v.lstrip().startswith(b"{")}
            rewritten(path, data)
            start = time.perf_counter()
            found = survives(read, path, described, copies, ALLOWED, seed=seed)
            broken += report(f"{name}, JSON", found, start)
        if name in TABLES:
            load, write = TABLES[name]
            tables = load(rewritten(path, data))
            start = time.perf_counter()
            found = survives_tables(
                read, path, tables, write, copies, ALLOWED, seed=seed
            )
            broken += report(f"{name}, tables", found, start)
    return broken


def rewritten(path: Path, data: bytes | dict[str, bytes]) -> Path:
    """Bring the whole file back."""
    for name, content in data.items() if isinstance(data, dict) else [("", data)]:
        (path / name).write_bytes(content)
    return path


def report(name: str, found: Survey, start: float) -> int:
    """Print one row; return the number of errors that were not caught."""
    seconds = f"{time.perf_counter() - start:.1f}"
    refused, uncaught = found.refused.total(), found.uncaught.total()
    n = found.read + refused + uncaught
    print(ROW.format(name, n, found.read, refused, uncaught, seconds), flush=True)
    if uncaught:
        print(found)
    return uncaught


if __name__ == "__main__":
    sys.exit(main())
