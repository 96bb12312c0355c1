"""Steps along tracks, each with its chance to lie on a path from A to B."""

from dataclasses import dataclass

import numpy as np

from cellstate._base.checks import positive, row_mask
from cellstate._base.results import frozen
from cellstate.kinetics._passages import last_met
from cellstate.kinetics._stopping import steps
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class ReactiveSteps:
    """Steps from one row to the next, and how much of each goes from A to B.

    Attributes
    ----------
    row, after
        Rows before and after the step, shape (m,). A mother's last row has two
        steps, one to each daughter.
    weight
        Chance that A was met last up to `row` and B is met next from `after` on,
        times `hours` over the frame interval, shape (m,).
    hours
        Time watched: the frame interval, half of it for each daughter, shape (m,).
    """

    row: np.ndarray
    after: np.ndarray
    weight: np.ndarray
    hours: np.ndarray

    def through(self, beyond: np.ndarray) -> float:
        """Net passages per hour from outside a set of rows to the inside.

        Parameters
        ----------
        beyond
            Boolean (n,): rows on the side of B. Any side that holds B and not A
            gives nu, for tracks long enough; or, averaged over many sides, a function
            of the rows that is 0 on A and 1 on B, such as the committor.

        Examples
        --------
        Two passages from A (rows 0, 3) to B (rows 2, 5) in 4 h.

        >>> tracks = Tracks.from_arrays(
        ...     track=[1, 1, 1, 2, 2, 2], frame=[0, 1, 2] * 2, time=[0, 1, 2] * 2)
        >>> a = np.array([True, False, False] * 2)
        >>> ends = np.zeros(6)
        >>> found = reactive_steps(tracks, a, a[::-1], ends, ends, frame_interval=1.0)
        >>> float(found.through(~a)), float(found.through(a[::-1]))
        (0.5, 0.5)
        """
        side = np.asarray(beyond, dtype=float)
        gained = self.weight @ (side[self.after] - side[self.row])
        return float(gained / self.hours.sum())


def reactive_steps(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    *,
    frame_interval: float,
) -> ReactiveSteps:
    """Weigh each step by what the track met before and after it.

    Where a track is cut off before it met a set, the backward committor of its first
    row or the forward one of its last row takes the place of what was not seen.
    Steps of which neither is known are left out, with their time.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    source, target
        Boolean masks (n,) of A and B.
    forward, backward
        Committors of the rows, shape (n,); NaN where undefined.
    frame_interval
        Hours between frames.

    Raises
    ------
    ValueError
        A mask has another length, or no step has a known past and future.
    """
    interval = positive(frame_interval, "frame_interval", "h", "frame_interval=0.25")
    source = row_mask(source, tracks.n_rows, "source")
    target = row_mask(target, tracks.n_rows, "target")
    from_a = last_met(tracks, source, target, np.asarray(backward), reverse=True)
    to_b = last_met(tracks, source, target, np.asarray(forward), reverse=False)
    row, after, share = all_steps(tracks)
    weight = share * from_a[row] * to_b[after]
    known = np.isfinite(weight)
    if not known.any():
        raise ValueError(
            f"no step of {tracks.n_tracks} tracks ({row.size} steps) has a known past "
            "and future; fit a committor first: committor_from_tracks(...)."
        )
    return ReactiveSteps(
        row=frozen(row[known]),
        after=frozen(after[known]),
        weight=frozen(weight[known]),
        hours=frozen(share[known] * interval),
    )


def all_steps(tracks: Tracks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows before and after each step, and its share (1/2 at a division)."""
    successor, share = steps(tracks, reverse=False)
    has = successor.ravel() >= 0
    row = np.repeat(np.arange(tracks.n_rows), 2)[has]
    return row, successor.ravel()[has], share[row]
