"""The two sets of a committor, and the stopped transitions between them."""

from dataclasses import dataclass

import numpy as np

from cellstate.kinetics._fate import realised_fate
from cellstate.kinetics._stopping import Crossings, StoppedPairs, stopped_pairs
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class Sets:
    """The two sets between which cells go, and what is known of their edges.

    Attributes
    ----------
    source, target
        Boolean masks (n,) of A and B.
    unknown
        Rows of which nobody can tell whether they are in B, shape (n,).
    target_is_event
        B is known from the future only (the last frames before a division).
    dies
        Last rows of cells that die, shape (n,); None when no death was seen.
    """

    source: np.ndarray
    target: np.ndarray
    unknown: np.ndarray | None = None
    target_is_event: bool = False
    dies: np.ndarray | None = None

    def forward(
        self,
        tracks: Tracks,
        lag_frames: int,
        division: str,
        crossings: Crossings | None,
    ) -> StoppedPairs:
        """Pairs into the future."""
        return stopped_pairs(
            tracks,
            self.source,
            self.target,
            lag_frames=lag_frames,
            target_is_event=self.target_is_event,
            unknown=self.unknown,
            descendants=division != "random",
            dies=self.dies,
            crossings=crossings,
        )

    def backward(
        self, tracks: Tracks, lag_frames: int, crossings: Crossings | None
    ) -> StoppedPairs:
        """Pairs into the past, where A is what is sought."""
        return stopped_pairs(
            tracks,
            self.target,
            self.source,
            lag_frames=lag_frames,
            reverse=True,
            crossings=None if crossings is None else crossings.reversed_for(tracks),
        )

    def at_the_sets(self, q: np.ndarray) -> np.ndarray:
        """Set what holds by definition: 0 in A, and 1 in B if the state shows B."""
        q = np.where(self.source, 0.0, q)
        return q if self.target_is_event else np.where(self.target, 1.0, q)

    def at_the_sets_back(self, q: np.ndarray) -> np.ndarray:
        """Set what holds of the past: 1 in A, 0 in B."""
        return np.where(self.source, 1.0, np.where(self.target, 0.0, q))

    def fate(self, tracks: Tracks, horizon: int | None) -> np.ndarray:
        """What became of each row: 1 for B, 0 for A or too late, NaN if unseen."""
        return realised_fate(
            tracks,
            self.source,
            self.target,
            unknown=self.unknown,
            horizon_frames=horizon,
        )
