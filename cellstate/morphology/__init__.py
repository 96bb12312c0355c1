"""Shape, intensity, texture, polarity and motion of cells: arrays in, arrays out.

`measure_frame` gives the static features of all cells of a frame, `motility`
what needs tracks; `feature_table` and `motility_table` name every column with
its unit, family, meaning and invariance. `contour_points` gives the outlines
themselves, `elliptic_modes` their Fourier modes with phases. `measure_volume`
measures cells in three dimensions, `measure_cellprofiler` what CellProfiler does.
`segment_plane` labels the bright cells of one picture.
"""

from cellstate.morphology._feature import INVARIANCES, Feature
from cellstate.morphology._frame import FrameMeasurement, measure_frame
from cellstate.morphology._table import feature_table
from cellstate.morphology.cellprofiler import (
    cellprofiler_table,
    measure_cellprofiler,
)
from cellstate.morphology.crops import crop_cells, frame_background
from cellstate.morphology.elliptic import EllipticModes, elliptic_modes
from cellstate.morphology.motility import motility, motility_table
from cellstate.morphology.points import contour_points
from cellstate.morphology.segmentation import (
    label_diameters,
    lone_diameters,
    segment_plane,
)
from cellstate.morphology.volume import (
    VolumeMeasurement,
    measure_volume,
    volume_table,
)

__all__ = [
    "INVARIANCES",
    "EllipticModes",
    "Feature",
    "FrameMeasurement",
    "VolumeMeasurement",
    "cellprofiler_table",
    "contour_points",
    "crop_cells",
    "elliptic_modes",
    "feature_table",
    "frame_background",
    "label_diameters",
    "lone_diameters",
    "measure_cellprofiler",
    "measure_frame",
    "measure_volume",
    "motility",
    "motility_table",
    "segment_plane",
    "volume_table",
]
