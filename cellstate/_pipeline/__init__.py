"""From a movie to flagged events in one call: the work behind the command line."""

from cellstate._pipeline._folder import RunFolder
from cellstate._pipeline._steps import Settings, report, run

__all__ = ["RunFolder", "Settings", "report", "run"]
