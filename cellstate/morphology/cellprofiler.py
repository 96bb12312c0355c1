"""CellProfiler's measurements of every cell, by cp_measure, beside our own.

Values are those of `cp_measure`, unchanged: lengths in pixels, intensities from 0
to 1, angles in degrees. What leaves a measurement unchanged is declared as measured
on the shipped nuclei, where it held to 1e-3 of the spread between cells; many are
nearly invariant and not declared so.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from cellstate.morphology._feature import INVARIANCES, Feature
from cellstate.morphology._table import checked_channels

PREFIX = "cp_"
# Groups of cp_measure that look at the mask alone.
OF_MASK = ("sizeshape", "zernike", "feret")

ALL, POSE = INVARIANCES, INVARIANCES[:3]
# The first pattern that fits the whole name says unit and invariance.
DECLARED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("(Convex|Filled)?Area", "px2", (*POSE, "gain")),
    (
        "EquivalentDiameter|(Major|Minor)AxisLength|Perimeter(Crofton)?"
        "|(Maximum|Mean|Median)Radius|M(in|ax)FeretDiameter",
        "px",
        (*POSE, "gain"),
    ),
    ("InertiaTensorEigenvalues_.|(Spatial|Central)Moment_0_0", "px2", (*POSE, "gain")),
    ("Eccentricity|FormFactor|Solidity|Compactness|EulerNumber", "1", ALL),
    ("HuMoment_[0-5]", "1", ALL),
    ("HuMoment_6", "1", ("translation", "rotation", "scale", "gain")),
    ("BoundingBoxArea", "px2", ("translation", "reflection", "gain")),
    ("Extent", "1", ("translation", "reflection", "scale", "gain")),
    ("Orientation|NormalizedMoment_.*", "unknown", ("translation", "scale", "gain")),
    ("(Spatial|Central)Moment_.*|InertiaTensor_.*", "unknown", ("translation", "gain")),
    ("Center_.|BoundingBoxM(in|ax)imum_.|Location_.*", "px", ("gain",)),
    ("Intensity_MassDisplacement", "px", (*POSE, "gain")),
    ("Intensity_Integrated.*|Intensity_.*Edge", "intensity", POSE),
    ("Intensity_.*", "intensity", (*POSE, "scale")),
    ("RadialDistribution_(FracAtD|MeanFrac|RadialCV).*", "1", ("translation", "gain")),
    ("RadialDistribution_ZernikePhase.*", "rad", ("gain",)),
    ("RadialDistribution_.*", "unknown", ()),
    ("Zernike_.*|Granularity_.*", "unknown", ("gain",)),
    (".*", "unknown", ("translation",)),  # texture, by direction
)


def cellprofiler_table(channels: Sequence[str]) -> tuple[Feature, ...]:
    """Columns of `measure_cellprofiler`, with names that begin with `cp_`.

    Raises
    ------
    ImportError
        cp_measure is not installed.

    Examples
    --------
    >>> table = cellprofiler_table(["H2B"])
    >>> table[0].name, table[0].unit, table[-1].name
    ('cp_Area', 'px2', 'cp_Granularity_16_H2B')
    """
    names = checked_channels(channels)
    of_mask, of_light = _names()
    whole = [_feature(name, PREFIX + name) for name in of_mask]
    lit = [_feature(n, f"{PREFIX}{n}_{channel}") for channel in names for n in of_light]
    return (*whole, *lit)


def measure_cellprofiler(image: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Measure every cell of one frame with cp_measure's core set.

    Parameters
    ----------
    image
        Picture, shape (C, Y, X): of 8 or 16 bits, divided by 255 or 65535 as
        CellProfiler does, or of floats from 0 to 1. A cell with a pixel that is not
        finite has NaN in that channel.
    labels
        Integer mask, shape (Y, X); 0 is background, any gaps are allowed.

    Returns
    -------
    ndarray
        Shape (n, p), labels ascending, columns as in `cellprofiler_table`; NaN where
        undefined.

    Raises
    ------
    ImportError
        cp_measure is not installed.
    ValueError
        The picture is of another type or range.

    References
    ----------
    Stirling et al., CellProfiler 4, BMC Bioinformatics 22 (2021).
    """
    image, labels = np.asarray(image), np.asarray(labels)
    groups = _groups()
    n_mask, n_light = map(len, _names())
    present = np.unique(labels[labels > 0])
    if present.size == 0:
        return np.zeros((0, n_mask + len(image) * n_light))
    columns = _measure(groups, OF_MASK, labels, None)
    for plane in image:
        finite = np.isfinite(plane)
        found = _measure(
            groups,
            [name for name in groups if name not in OF_MASK],
            labels,
            _unit_range(np.where(finite, plane, 0)),
        )
        undefined = np.where(np.isin(present, labels[~finite]), np.nan, 0)
        columns += [column + undefined for column in found]
    values = np.stack(columns, axis=1)
    values[~np.isfinite(values)] = np.nan
    return values


def _feature(name: str, column: str) -> Feature:
    _, unit, kept = next(rule for rule in DECLARED if re.fullmatch(rule[0], name))
    varies = tuple(change for change in INVARIANCES if change not in kept)
    return Feature(column, unit, "cellprofiler", f"CellProfiler's {name}", varies)


def _unit_range(plane: np.ndarray) -> np.ndarray:
    if plane.dtype in (np.uint8, np.uint16):
        return plane / np.iinfo(plane.dtype).max
    if plane.dtype == bool:
        return plane.astype(float)
    low, high = (plane.min(), plane.max()) if plane.size else (0, 0)
    if plane.dtype.kind != "f" or low < 0 or high > 1:
        raise ValueError(
            "CellProfiler's set is measured on pictures of 8 or 16 bits or of floats "
            f"from 0 to 1; found {plane.dtype} from {low:g} to {high:g}. Divide all "
            "frames by one number, the largest value the camera can give."
        )
    return plane.astype(float)


Group = Callable[[np.ndarray, np.ndarray | None], dict[str, np.ndarray]]


def _groups() -> dict[str, Group]:
    try:
        from cp_measure.bulk import get_core_measurements
    except ImportError as error:
        raise ImportError(
            "CellProfiler's set is measured by cp_measure, which is not installed. Run "
            'pip install "cellstate[features]".'
        ) from error
    found = get_core_measurements()
    # Those of the mask first, so that columns of channels follow each other.
    return dict(sorted(found.items(), key=lambda item: item[0] not in OF_MASK))


def _measure(
    groups: dict[str, Group],
    wanted: Sequence[str],
    labels: np.ndarray,
    plane: np.ndarray | None,
) -> list[np.ndarray]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of one-pixel cells; they end as NaN
        parts = [groups[name](labels, plane) for name in wanted]
    return [np.asarray(c, np.float64) for part in parts for c in part.values()]


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the measurements of masks and of channels, from one small square."""
    groups = _groups()
    labels = np.zeros((24, 24), np.int32)
    labels[6:18, 6:18] = 1
    picture = np.random.default_rng(0).random(labels.shape)
    found: tuple[list[str], list[str]] = ([], [])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name, group in groups.items():
            of_mask = name in OF_MASK
            part = group(labels, None if of_mask else picture)
            found[0 if of_mask else 1].extend(part)
    return tuple(found[0]), tuple(found[1])
