"""Pairs of snapshots cut to what memory holds."""

from itertools import pairwise
from pathlib import Path

import numpy as np

# Cost, plan, kernel and the network's arcs, measured for one pair of cells.
BYTES_PER_PAIR = 56
MEMINFO = Path("/proc/meminfo")


def n_blocks(n: int, m: int, most: int) -> int:
    """Blocks into which two snapshots of n and m cells are cut."""
    return min(-(-max(n, m) // most), n, m)


def blocks(
    n: int, m: int, number: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random blocks of both snapshots, as positions; one block keeps the order."""
    if number == 1:
        return [(np.arange(n), np.arange(m))]
    first = np.array_split(rng.permutation(n), number)
    second = np.array_split(rng.permutation(m), number)
    return list(zip(first, second, strict=True))


def memory(sizes: list[int], most: int) -> float:
    """Bytes that the largest block of a chain of snapshots needs."""
    largest = 0
    for n, m in pairwise(sizes):
        number = n_blocks(n, m, most)
        largest = max(largest, -(-n // number) * -(-m // number))
    return float(largest * BYTES_PER_PAIR)


def check_memory(needed: float, most: int) -> None:
    """Refuse before a long step what the machine cannot hold."""
    available = _available()
    if needed > available:
        raise MemoryError(
            f"a block of up to {most} cells a side needs about {needed / 1e9:.1f} GB; "
            f"{available / 1e9:.1f} GB are available. Lower max_cells "
            f"(to {int((available / BYTES_PER_PAIR) ** 0.5)} at most)."
        )


def _available() -> float:
    """Bytes of memory that can be had; infinity where the system does not say."""
    if not MEMINFO.exists():
        return np.inf
    for line in MEMINFO.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return 1024.0 * int(line.split()[1])
    return np.inf
