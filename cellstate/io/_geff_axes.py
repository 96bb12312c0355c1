"""Axes of a GEFF: time in h, frames, positions in um."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellstate._base.errors import MovieError, SchemaError, listing
from cellstate.io._lineage import LARGEST_WHOLE
from cellstate.io._trackmate_model import LENGTHS, TIMES

# Words of OME-Zarr beside those that other files use.
HOURS = {**TIMES, "microsecond": 1 / 3.6e9}
MICROMETRES = {
    **LENGTHS,
    "nanometer": 1e-3,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
    "angstrom": 1e-4,
}
TIME_NAMES = ("t", "time", "frame")
SPACE_NAMES = ("x", "y", "z")
FRAME = "frame"


@dataclass(frozen=True, eq=False, kw_only=True)
class Axes:
    """Where and when each node is.

    Attributes
    ----------
    names
        Properties that are axes.
    frame, time
        Frames and hours, shape (n,).
    position
        x, y or x, y, z in um, shape (n, 2 or 3); None without space axes.
    stated
        `pixel_size` and `frame_interval`, where known.
    """

    names: tuple[str, ...]
    frame: np.ndarray
    time: np.ndarray
    position: np.ndarray | None
    stated: dict[str, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Axis:
    name: str
    kind: str | None
    unit: str | None
    values: np.ndarray


def axes_of(
    metadata: Any,
    props: dict[str, np.ndarray],
    path: Path,
    frame_interval: float | None,
    pixel_size: float | None,
) -> Axes:
    """Find time and space among the axes, or among properties named t, x, y, z.

    Raises
    ------
    MovieError
        No time, one axis of space, or units that are not stated nor given.
    SchemaError
        Times that are no numbers or no multiples of the frame interval.
    """
    axes = [_scaled(a, props, path) for a in metadata.axes or []] or [
        _Axis(name=n, kind=kind, unit=None, values=props[n].astype(float))
        for kind, names in (("time", TIME_NAMES), ("space", SPACE_NAMES[::-1]))
        for n in names
        if n in props and props[n].dtype.kind in "iuf"
    ]
    time = [a for a in axes if (a.kind or a.name) in ("time", *TIME_NAMES)]
    space = [a for a in axes if a.kind == "space"]
    if not time or len(space) not in (0, 2, 3):
        raise MovieError(
            f"a GEFF of a movie has one axis of time and 2 or 3 of space; found "
            f"{listing([f'{a.name} ({a.kind})' for a in axes])} in '{path}'. Name the "
            "axes in its metadata."
        )
    frame, hours, interval = _frames(time[0], props, path, frame_interval)
    stated = {} if interval is None else {"frame_interval": float(interval)}
    if pixel_size is not None:
        stated["pixel_size"] = float(pixel_size)
    return Axes(
        names=tuple(dict.fromkeys([*(a.name for a in axes), FRAME])),
        frame=frame,
        time=hours,
        position=_position(space, path, pixel_size),
        stated=stated,
    )


def _scaled(axis: Any, props: dict[str, np.ndarray], path: Path) -> _Axis:
    """Apply the axis's own scale and offset."""
    values = props.get(axis.name)
    if values is None or values.dtype.kind not in "iuf":
        raise MovieError(
            f"axis {axis.name!r} is a property with one number per node; found "
            f"{'none' if values is None else values.dtype} in '{path}'."
        )
    values, unit = values.astype(np.float64), axis.unit
    if axis.scale is not None and axis.scaled_unit is not None:
        values, unit = values * axis.scale, axis.scaled_unit
        values = values + (axis.offset or 0.0)
    return _Axis(name=axis.name, kind=axis.type, unit=unit, values=values)


def _frames(
    time: _Axis,
    props: dict[str, np.ndarray],
    path: Path,
    frame_interval: float | None,
) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Return frames, hours, and hours per frame where known."""
    values = time.values
    if not np.isfinite(values).all():
        raise SchemaError(
            [
                f"times are finite numbers; found {int((~np.isfinite(values)).sum())} "
                f"of {values.size} in '{path}' that are none. Mend or drop these nodes."
            ]
        )
    if time.unit is None or time.unit == FRAME:
        if frame_interval is None:
            raise MovieError(
                f"times are stored in h; '{path}' has them in frames or without a "
                "unit. Use cs.io.read_geff(..., frame_interval=0.5) with the h between "
                "frames."
            )
        frame = _counted(values, path)
        return frame, frame * frame_interval, frame_interval
    if time.unit not in HOURS:
        raise MovieError(
            f"times have a unit among {sorted(HOURS)}; found {time.unit!r} in "
            f"'{path}'. Mend the unit of the time axis."
        )
    hours = values * HOURS[time.unit]
    counted = props.get(FRAME)
    if counted is not None and counted.dtype.kind in "iu" and frame_interval is None:
        return _counted(counted.astype(float), path), hours, None
    steps = np.diff(np.unique(hours))
    interval = frame_interval or (float(steps.min()) if steps.size else 1.0)
    frame = np.rint(hours / interval)
    off = np.abs(hours / interval - frame) > 0.1
    if off.any():
        raise SchemaError(
            [
                f"times are multiples of the frame interval, {interval:g} h; found "
                f"{int(off.sum())} of {hours.size} in '{path}' that are not, e.g. "
                f"{hours[off][0]:g} h. Use cs.io.read_geff(..., frame_interval=...)."
            ]
        )
    return _counted(frame, path), hours, interval if steps.size else frame_interval


def _counted(values: np.ndarray, path: Path) -> np.ndarray:
    whole = (values >= 0) & (values <= LARGEST_WHOLE) & (values == np.floor(values))
    if not whole.all():
        raise SchemaError(
            [
                f"frames are whole numbers from 0; found {int((~whole).sum())} of "
                f"{values.size} in '{path}' that are none, e.g. "
                f"{listing(values[~whole], 3)}. Mend the time axis."
            ]
        )
    return values.astype(np.int64)


def _letter(name: str) -> str:
    """Return x, y or z if it stands alone in a name, as in POSITION_X."""
    alone = re.findall(r"(?<![a-z])[xyz](?![a-z])", name.lower())
    return alone[0] if len(alone) == 1 else ""


def _position(
    space: list[_Axis], path: Path, pixel_size: float | None
) -> np.ndarray | None:
    """Return x, y(, z) in um; axes whose names do not tell are in order z, y, x."""
    if not space:
        return None
    letters = [_letter(a.name) for a in space]
    if sorted(letters) == list(SPACE_NAMES[: len(space)]):
        space = [space[letters.index(letter)] for letter in SPACE_NAMES[: len(space)]]
    else:
        space = space[::-1]
    columns = []
    for axis in space:
        scale = MICROMETRES.get(axis.unit) if axis.unit else None
        if scale is None and (axis.unit or "pixel") in ("pixel", "pixels", "px"):
            scale = pixel_size
        if scale is None:
            raise MovieError(
                f"positions are stored in um; '{path}' has {axis.name!r} in "
                f"{axis.unit or 'no stated unit'!r}. Use cs.io.read_geff(..., "
                "pixel_size=0.645) with the um per pixel, or mend the unit."
            )
        columns.append(axis.values * scale)
    return np.column_stack(columns)
