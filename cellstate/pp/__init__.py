"""Link, measure, check and scale cells."""

from cellstate.pp._assemble import feature_table
from cellstate.pp._crops import crops
from cellstate.pp._features import features
from cellstate.pp._normalize import normalize
from cellstate.pp._qc import qc
from cellstate.pp._stream import stream_features
from cellstate.pp._track import track

__all__ = [
    "crops",
    "feature_table",
    "features",
    "normalize",
    "qc",
    "stream_features",
    "track",
]
