"""Hours to whole frames."""

from numbers import Real

import numpy as np

from cellstate.tracks import Tracks


def whole_frames(hours: float, interval: float, name: str, least: int = 0) -> int:
    """Return hours as a whole number of frames, at least `least`, or refuse them."""
    if not isinstance(hours, Real):
        raise ValueError(
            f"`{name}` must be a number of hours; found {hours!r}. Use e.g. "
            f"{name}={max(least, 1) * interval:g}."
        )
    frames = hours / interval
    if frames < least - 1e-6 or abs(frames - round(frames)) > 1e-6 * max(1.0, frames):
        raise ValueError(
            f"`{name}`={hours:g} h is not a whole number (at least {least}) of frames "
            f"of {interval:g} h; "
            f"use e.g. {name}={max(round(frames), 1) * interval:g}."
        )
    return round(frames)


def lag_frames(tracks: Tracks, lag: float, interval: float) -> int:
    """Return a lag in frames; refuse one that is longer than every lineage."""
    frames = whole_frames(lag, interval, "lag", least=1)
    longest = longest_frames(tracks)
    if frames > longest:
        raise ValueError(
            f"`lag`={lag:g} h is longer than every track: the longest lineage lasts "
            f"{longest * interval:g} h ({longest} frames of {interval:g} h). Use a "
            "shorter lag."
        )
    return frames


def longest_frames(tracks: Tracks) -> int:
    """Frames from the first to the last of the longest lineage."""
    ends = np.full((2, int(tracks.row_lineage.max()) + 1), 0)
    ends[0] = np.iinfo(np.int64).max
    np.minimum.at(ends[0], tracks.row_lineage, tracks.frame)
    np.maximum.at(ends[1], tracks.row_lineage, tracks.frame)
    return int((ends[1] - np.minimum(*ends)).max())
