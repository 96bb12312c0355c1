"""Shape, intensity, texture, polarity and motion of cells: arrays in, arrays out.

`measure_frame` gives the static features of all cells of a frame, `motility`
what needs tracks; `feature_table` and `motility_table` name every column with
its unit, family and meaning. `contour_points` gives the outlines themselves.
"""

from cellstate.morphology._feature import Feature
from cellstate.morphology._frame import FrameMeasurement, measure_frame
from cellstate.morphology._table import feature_table
from cellstate.morphology.crops import crop_cells, frame_background
from cellstate.morphology.motility import motility, motility_table
from cellstate.morphology.points import contour_points

__all__ = [
    "Feature",
    "FrameMeasurement",
    "contour_points",
    "crop_cells",
    "feature_table",
    "frame_background",
    "measure_frame",
    "motility",
    "motility_table",
]
