"""Results that speak of an AnnData: what the numerics do not know."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from cellstate._base.errors import listing
from cellstate._base.results import Result


@dataclass(frozen=True, eq=False, kw_only=True)
class QualityReport(Result):
    """How many cells each check flagged; nothing is dropped.

    Attributes
    ----------
    flags, counts
        Names of the checks and cells flagged by each.
    not_checked
        Checks that had nothing to look at.
    n_cells, n_pass
        Cells, and those without any flag.
    thresholds
        Limits used, in the order of `threshold_names`.
    dead_features
        Features that are undefined or the same in all cells: an empty or constant
        channel, too few cells.
    """

    kind: ClassVar[str] = "quality"
    flags: tuple[str, ...]
    counts: np.ndarray
    not_checked: tuple[str, ...]
    n_cells: int
    n_pass: int
    threshold_names: tuple[str, ...]
    thresholds: np.ndarray
    dead_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.n_pass} of {self.n_cells} cells pass every check"]
        lines += [
            f"  {flag:<14}{count:>7d}"
            for flag, count in zip(self.flags, self.counts, strict=True)
        ]
        lines += [f"  {flag:<14}    not checked" for flag in self.not_checked]
        if self.dead_features:
            lines.append(
                f"{len(self.dead_features)} features are undefined or constant in all "
                f"cells: {listing(self.dead_features)}"
            )
        return "\n".join(lines)


def _no_counts() -> np.ndarray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class States(Result):
    """What A and B mean.

    Attributes
    ----------
    source_rule, target_rule
        In words: how a cell enters.
    source_keep, target_keep
        Expressions for which a cell stays once it is in; empty without hysteresis.
    min_dwell
        Hours that a stay must last, from its first to its last frame.
    target_is_event
        B is known from the future only (the last frames before a division).
    n_source, n_target, n_unknown
        Cells in A, in B, and those whose track was cut off too early to tell.
    n_short_source, n_short_target
        Cells that the rules put in A or B and the minimum dwell took out again.
    n_cut_off_source, n_cut_off_target
        Cells of stays that were seen for less than the minimum dwell and kept, since
        the track's beginning or end cut them off.
    dwell_frames
        Frames of dwell 0, 1 .. for which entries were counted, shape (m,).
    n_entries_source, n_entries_target
        Entries into A and B (hysteresis applied) that last at least so many frames,
        shape (m,): a steep fall over the first frames is flicker at the edge.
    """

    kind: ClassVar[str] = "states"
    source_rule: str
    target_rule: str
    target_is_event: bool
    n_source: int
    n_target: int
    n_unknown: int
    source_keep: str = ""
    target_keep: str = ""
    min_dwell: float = 0.0
    n_short_source: int = 0
    n_short_target: int = 0
    n_cut_off_source: int = 0
    n_cut_off_target: int = 0
    dwell_frames: np.ndarray = field(default_factory=_no_counts)
    n_entries_source: np.ndarray = field(default_factory=_no_counts)
    n_entries_target: np.ndarray = field(default_factory=_no_counts)
