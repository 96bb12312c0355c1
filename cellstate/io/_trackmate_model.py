"""What a TrackMate file holds, and its units in um and h."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellstate._base.errors import MovieError
from cellstate.io._metadata import TO_HOURS, TO_UM

LENGTHS = {
    **TO_UM,
    **dict.fromkeys(("microns", "micrometer", "micrometers", "micrometre"), 1.0),
}
TIMES = {
    **TO_HOURS,
    **dict.fromkeys(("msec", "millisecond", "milliseconds"), 1 / 3.6e6),
    **dict.fromkeys(("second", "seconds", "secs"), 1 / 3600),
    **dict.fromkeys(("minute", "minutes", "mins"), 1 / 60),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), 1.0),
    **dict.fromkeys(("day", "days"), 24.0),
}
PIXELS = ("pixel", "pixels", "px", "")
# Dimension -> powers of length and time, and the unit in um and h.
DIMENSIONS = {
    "POSITION": (1, 0, "um"),
    "LENGTH": (1, 0, "um"),
    "AREA": (2, 0, "um2"),
    "VOLUME": (3, 0, "um3"),
    "TIME": (0, 1, "h"),
    "VELOCITY": (1, -1, "um/h"),
    "RATE": (0, -1, "1/h"),
    "ANGLE": (0, 0, "rad"),
    "ANGLE_RATE": (0, -1, "rad/h"),
    "INTENSITY": (0, 0, "counts"),
    "INTENSITY_SQUARED": (0, 0, "counts2"),
    "QUALITY": (0, 0, "quality"),
    "NONE": (0, 0, "1"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackMateModel:
    """What a TrackMate file holds, numbers as they are written.

    Attributes
    ----------
    spots
        One row per spot: ID, FRAME, POSITION_X, ... and every feature.
    links
        IDs of the two spots of each link in a filtered track, shape (m, 2).
    in_track
        Whether a spot is in a filtered track, links or not, shape (n,).
    dimensions
        Feature -> a key of `DIMENSIONS`, or a unit as text.
    length_unit, time_unit
        Units as the file names them; "" where it names none.
    pixel_width, time_interval
        Calibration in these units; None where it is not stated.
    n_frames
        Of the movie; 0 where it is not stated.
    """

    spots: pd.DataFrame
    links: np.ndarray
    in_track: np.ndarray
    dimensions: dict[str, str]
    length_unit: str
    time_unit: str
    pixel_width: float | None
    time_interval: float | None
    n_frames: int = 0

    def length_scale(self, pixel_size: float | None, path: Path) -> float:
        """Return micrometres per length unit of the file."""
        in_pixels = self.length_unit.lower() in PIXELS
        if pixel_size is not None and (in_pixels or self.pixel_width is not None):
            return pixel_size / (self.pixel_width or 1.0)
        scale = _scale(self.length_unit, LENGTHS)
        if scale is None:
            raise MovieError(
                f"positions are stored in um; '{path}' has them in "
                f"{self.length_unit or 'no stated unit'!r}, which is none of "
                f"{sorted(LENGTHS)}. Use cs.io.read_trackmate(..., pixel_size=0.645) "
                "with the um per pixel."
            )
        return scale

    def time_scale(self, frame_interval: float | None, path: Path) -> float:
        """Return hours per time unit of the file."""
        scale = _scale(self.time_unit, TIMES)
        if frame_interval is not None and self.time_interval is not None:
            return frame_interval / self.time_interval
        if scale is None and frame_interval is not None:
            return frame_interval
        if scale is None:
            raise MovieError(
                f"times are stored in h; '{path}' has them in "
                f"{self.time_unit or 'no stated unit'!r}, which is none of "
                f"{sorted(TIMES)}. Use cs.io.read_trackmate(..., frame_interval=0.5) "
                "with the h between frames."
            )
        return scale


def _scale(unit: str, known: dict[str, float]) -> float | None:
    return known.get(unit.strip(), known.get(unit.strip().lower()))
