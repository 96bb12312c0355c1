"""Cells per second: `measure_frame` against `regionprops_table`, one thread.

    python tests/benchmarks/features_speed.py --cells 2000 --repeats 5

Both measure the same synthetic field, one after the other in every repeat, so
that the ratio is fair even where the machine is not quiet; times are of the
processor, on one thread. Quote the ratio.
"""

import argparse
import time

import numpy as np
from scipy import ndimage
from skimage.draw import polygon
from skimage.measure import regionprops_table
from threadpoolctl import threadpool_limits

from cellstate.morphology import measure_frame

# The 20 properties of the bar: with hull, perimeter and feret.
PROPERTIES = [
    "label",
    "area",
    "bbox",
    "centroid",
    "eccentricity",
    "axis_major_length",
    "axis_minor_length",
    "orientation",
    "extent",
    "equivalent_diameter_area",
    "intensity_mean",
    "intensity_max",
    "intensity_min",
    "moments_hu",
    "inertia_tensor_eigvals",
    "perimeter",
    "solidity",
    "area_convex",
    "feret_diameter_max",
    "euler_number",
]
STEP = 2048 / np.sqrt(2000)  # px between cells, as in 2000 cells on 2048 x 2048


def field(cells: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and picture of irregular star-shaped cells on a jittered grid."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(cells)))
    size = int(np.ceil(side * STEP))
    labels = np.zeros((size, size), np.int32)
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    modes = np.arange(2, 7)
    for k in range(cells):
        center = (np.array(divmod(k, side)) + 0.5) * STEP
        center += rng.normal(0, 0.04 * STEP, 2)
        lobes = rng.normal(0, 0.14 / modes)
        wave = np.cos(modes * angle[:, None] + rng.uniform(0, 2 * np.pi, 5))
        radius = np.clip(0.36 * STEP * (1 + wave @ lobes), 0.12 * STEP, 0.49 * STEP)
        y, x = center[0] + radius * np.sin(angle), center[1] + radius * np.cos(angle)
        labels[polygon(y, x, labels.shape)] = k + 1
    noise = ndimage.gaussian_filter(rng.normal(size=labels.shape), 2)
    noise = (noise - noise.min()) / np.ptp(noise)
    return labels, np.clip(noise / 2 + 0.4 * (labels > 0), 0, 1).astype(np.float32)


def seconds(function, *args, **kwargs) -> float:
    start = time.process_time()
    function(*args, **kwargs)
    return time.process_time() - start


def main(argv: list[str] | None = None) -> float:
    """Print the table; return the median ratio of cells per second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args(argv)
    labels, image = field(args.cells)
    options = {"pixel_size": 1.0, "channels": ["signal"]}
    columns = measure_frame(image[None], labels, **options).values.shape[1]
    print(f"{args.cells} cells on {labels.shape}; cells per second")
    print(
        f"{'repeat':>7} {'regionprops, 20':>16} {f'this, {columns}':>10} {'ratio':>6}"
    )
    rows = []
    with threadpool_limits(1):
        for repeat in range(args.repeats):
            slow = seconds(regionprops_table, labels, image, properties=PROPERTIES)
            fast = seconds(measure_frame, image[None], labels, **options)
            rows.append((args.cells / slow, args.cells / fast, slow / fast))
            print_row(str(repeat + 1), *rows[-1])
    middle = np.median(rows, axis=0)
    print_row("median", *middle)
    return float(middle[2])


def print_row(name: str, slow: float, fast: float, ratio: float) -> None:
    print(f"{name:>7} {slow:>16.0f} {fast:>10.0f} {ratio:>6.2f}")


if __name__ == "__main__":
    main()
