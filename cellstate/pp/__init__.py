"""Link, measure, check and scale cells."""

from cellstate.pp._features import feature_table, features
from cellstate.pp._normalize import normalize
from cellstate.pp._qc import qc

__all__ = ["feature_table", "features", "normalize", "qc"]
