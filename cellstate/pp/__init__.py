"""Link, measure, check and scale cells."""

from cellstate.pp._crops import crops
from cellstate.pp._features import feature_table, features
from cellstate.pp._normalize import normalize
from cellstate.pp._qc import qc
from cellstate.pp._track import track

__all__ = ["crops", "feature_table", "features", "normalize", "qc", "track"]
