"""Units that a file states about itself: offered in messages, never used silently."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from tifffile import TiffFile

from cellstate.io._files import frame_files

TO_UM = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "mm": 1e3}
TO_HOURS = {"ms": 1 / 3.6e6, "s": 1 / 3600, "sec": 1 / 3600, "min": 1 / 60, "h": 1.0}


def stated_units(path: Path) -> dict[str, float]:
    """Return the `pixel_size` (um) and `frame_interval` (h) that a TIFF states."""
    if path.is_dir():
        path = frame_files(path)[0]
    if path.suffix.lower() == ".npy":
        return {}
    with TiffFile(path) as tif:
        if tif.ome_metadata:
            return _from_ome(tif.ome_metadata)
        imagej = tif.imagej_metadata or {}
        tags = tif.pages.first.tags
        resolution = tags.valueof("XResolution")
        unit = str(imagej.get("unit", "")).replace("\\u00B5", "µ")
        per_unit = TO_UM.get(unit) or {2: 25400.0, 3: 1e4}.get(
            int(tags.valueof("ResolutionUnit") or 1)
        )
    units = {}
    if resolution and per_unit and resolution[0] > 0:
        units["pixel_size"] = per_unit * resolution[1] / resolution[0]
    interval = float(imagej.get("finterval", 0) or 0)
    if interval > 0:
        units["frame_interval"] = interval * TO_HOURS.get(
            str(imagej.get("tunit", "s")), 1 / 3600
        )
    return units


def _from_ome(text: str) -> dict[str, float]:
    pixels = _ome_pixels(text)
    units: dict[str, float] = {}
    if pixels is None:
        return units
    size = _ome_side(pixels, "X")
    interval = float(pixels.get("TimeIncrement", 0))
    interval *= TO_HOURS.get(pixels.get("TimeIncrementUnit", "s"), 0)
    if size > 0:
        units["pixel_size"] = size
    if interval > 0:
        units["frame_interval"] = interval
    return units


def ome_sides(text: str) -> tuple[float, float] | None:
    """Return the sides of a pixel, x and y in um; None where they are not both told."""
    try:
        pixels = _ome_pixels(text)
        sides = [_ome_side(pixels, a) for a in "XY"] if pixels is not None else []
    except (ET.ParseError, ValueError):
        return None
    return (sides[0], sides[1]) if sides and min(sides) > 0 else None


def _ome_pixels(text: str) -> ET.Element | None:
    root = ET.fromstring(re.sub(r"<\?xml[^>]*\?>", "", text))
    return next((e for e in root.iter() if e.tag.endswith("Pixels")), None)


def _ome_side(pixels: ET.Element, axis: str) -> float:
    size = float(pixels.get(f"PhysicalSize{axis}", 0))
    return size * TO_UM.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"), 0)
