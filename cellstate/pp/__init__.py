"""Segment, link, measure, check and scale cells."""

from cellstate.pp._assemble import feature_table
from cellstate.pp._crops import crops
from cellstate.pp._features import features
from cellstate.pp._normalize import normalize
from cellstate.pp._qc import qc
from cellstate.pp._segment import segment
from cellstate.pp._stream import stream_features
from cellstate.pp._track import track
from cellstate.pp._volume import volume_features

__all__ = [
    "crops",
    "feature_table",
    "features",
    "normalize",
    "qc",
    "segment",
    "stream_features",
    "track",
    "volume_features",
]
