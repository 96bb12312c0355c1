"""What an AnnData holds for a flow: steps along tracks, snapshots, growth."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata._couplings import snapshot_times
from cellstate.flow import Snapshots
from cellstate.sde import Steps, track_steps
from cellstate.tracks import Tracks

TRACKS, SNAPSHOTS, BOTH, AUTO = "tracks", "snapshots", "both", "auto"
USES = (AUTO, TRACKS, SNAPSHOTS, BOTH)
LEAST = 10  # cells of a snapshot beside tracks


@dataclass(frozen=True)
class FlowData:
    """Cells as a flow is fitted to them.

    Attributes
    ----------
    use
        "tracks", "snapshots" or "both".
    x
        States, (n, d).
    tracks, steps
        None for snapshots.
    snapshots
        None for tracks.
    """

    use: str
    x: np.ndarray
    tracks: Tracks | None
    steps: Steps | None
    snapshots: Snapshots | None


def flow_data(adata: AnnData, basis: str, use: str) -> FlowData:
    """Sort the cells into steps and snapshots.

    Cells of a track with two consecutive frames make steps; the others, by time,
    snapshots: all of them with ``use="snapshots"``.
    """
    x = extract.basis(adata, basis)
    tracks = extract.tracks(adata) if keys.TRACK in adata.obs else None
    linked = np.zeros(len(x), dtype=bool)
    if tracks is not None:
        linked = (tracks.next_row >= 0) | (tracks.previous_row >= 0)
    time = snapshot_times(adata, keys.TIME)
    singles = _snapshots(x, time, ~linked)
    if use == AUTO:
        use = _suited(linked, singles)
    if use == SNAPSHOTS:
        everything = _snapshots(x, time, np.ones(len(x), dtype=bool), least=2)
        return FlowData(use, x, None, None, _two_times(everything, time))
    if not linked.any():
        raise ValueError(
            f"use={use!r} needs cells that are followed from frame to frame; found "
            f"{len(x)} rows, none with a next frame. Link the masks with "
            "cs.pp.track(movie), or use='snapshots'."
        )
    steps = track_steps(x, tracks)
    if use == TRACKS:
        return FlowData(use, x, tracks, steps, None)
    return FlowData(use, x, tracks, steps, _two_times(singles, time[~linked], LEAST))


def _snapshots(
    x: np.ndarray, time: np.ndarray, chosen: np.ndarray, least: int = LEAST
) -> Snapshots:
    chosen = chosen & np.isfinite(x).all(axis=1) & np.isfinite(time)
    parts, times = [], []
    for t in np.unique(time[chosen]):
        own = x[chosen & (time == t)]
        if len(own) >= least:
            parts.append(own)
            times.append(t)
    return Snapshots(tuple(parts), np.array(times))


def _suited(linked: np.ndarray, singles: Snapshots) -> str:
    if not linked.any():
        return SNAPSHOTS
    # A few cells that were never linked are no snapshots.
    cells = sum(len(part) for part in singles.x)
    many = len(singles.x) >= 2 and cells > 0.1 * linked.sum()
    return BOTH if many else TRACKS


def _two_times(snapshots: Snapshots, time: np.ndarray, least: int = 2) -> Snapshots:
    if len(snapshots.x) < 2:
        sizes = pd.Series(time).value_counts().sort_index()
        found = ", ".join(f"{n} at {t:g} h" for t, n in sizes.head(5).items())
        beside = " that are not followed" if least == LEAST else ""
        raise ValueError(
            f"snapshots need at least two times with {least} cells or more each"
            f"{beside}; found {len(sizes)} times{': ' if found else ''}{found}. Set "
            "obs['time'] in hours, leave `use` to 'auto', or follow the cells: "
            "cs.pp.track(movie)."
        )
    return snapshots
