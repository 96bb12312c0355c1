"""Read movies, masks, tracks and tables; write what came of them."""

from cellstate.io._btrack import read_btrack
from cellstate.io._cellprofiler import read_cellprofiler
from cellstate.io._ctc import read_ctc, write_ctc
from cellstate.io._geff import read_geff
from cellstate.io._geff_write import write_geff
from cellstate.io._mantispy import read_mantispy, write_mantispy
from cellstate.io._match import lineage_of
from cellstate.io._movies import read_movie
from cellstate.io._ome_tiff import write_ome_tiff
from cellstate.io._ome_zarr_write import write_ome_zarr
from cellstate.io._results import read, write
from cellstate.io._scportrait import read_scportrait
from cellstate.io._spatialdata import SpatialElements, read_spatialdata
from cellstate.io._stacks import read_images, read_masks
from cellstate.io._tables import read_table
from cellstate.io._trackmate import read_trackmate

__all__ = [
    "SpatialElements",
    "lineage_of",
    "read",
    "read_btrack",
    "read_cellprofiler",
    "read_ctc",
    "read_geff",
    "read_images",
    "read_mantispy",
    "read_masks",
    "read_movie",
    "read_scportrait",
    "read_spatialdata",
    "read_table",
    "read_trackmate",
    "write",
    "write_ctc",
    "write_geff",
    "write_mantispy",
    "write_ome_tiff",
    "write_ome_zarr",
]
