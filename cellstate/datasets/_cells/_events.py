"""Commitment of simulated cells, read off the true committor.

A cell's events are told per track, from birth to division, death or the end of the
movie, by the committor of the hidden law and the same rule as `cs.tl` applies to
estimates: the **time of commitment** is the first frame after the last one, before B
is met, in which the committor was below c (0.9). A track that was never below c
commits in its first frame.

=============  =================================================================
event          meaning
=============  =================================================================
commitment     B is met from outside
already        in B when the track begins; the time is the mother's, or -inf
unfinished     B is not met; the committor ends at c or above
undecided      B is not met; the committor ends between 1 - c and c
none           B is not met; the committor ends at 1 - c or below
=============  =================================================================

Laws with a committor but without sets choose a side: "right" (the committor ends at
c or above), "left" (at 1 - c or below) and "undecided"; a track that was on its side
since its mother's last frame is "already" there.
"""

import numpy as np

from cellstate._adata import _keys as keys
from cellstate._base.checks import fraction
from cellstate.datasets._cells._population import Population

THRESHOLD = 0.9
COMMITMENT, ALREADY, UNFINISHED = "commitment", "already", "unfinished"
UNDECIDED, NONE, RIGHT, LEFT = "undecided", "none", "right", "left"
FROM = np.array(
    [keys.UNKNOWN_STATE, keys.SOURCE_STATE, keys.TARGET_STATE], dtype=object
)


def check_threshold(threshold: float) -> float:
    """Check that c leaves an undecided band."""
    if fraction(threshold, "threshold") <= 0.5:
        raise ValueError(
            f"`threshold` must lie between 0.5 and 1; found {threshold}. The undecided "
            "band reaches from 1 - threshold to threshold."
        )
    return threshold


def arrivals(
    population: Population, q: np.ndarray, time: np.ndarray, c: float
) -> dict[str, np.ndarray]:
    """Events of a law with a target: one entry per track."""
    row, own = np.arange(q.size), population.track - 1
    first, last, mother = _track_rows(population)
    entry = np.full(first.size, q.size)
    np.minimum.at(entry, own[population.met_target], row[population.met_target])
    entered = entry < q.size
    before = row < entry[own]
    passage = _passage(own, first, (q < c) & before)
    in_b = population.system.target.contains(population.state)
    from_inside = (mother < 0) | in_b[mother]
    already = entered & (entry == first) & from_inside
    end = q[last]
    kind = np.select(
        [already, entered, end >= c, end > 1 - c],
        [ALREADY, COMMITMENT, UNFINISHED, UNDECIDED],
        NONE,
    ).astype(object)
    # A track that is not yet committed in its last frame has no passage.
    when = np.where(entered, time[np.minimum(passage, last)], np.nan)
    when[already] = -np.inf
    return {
        "event": kind,
        "commitment_time": _inherited(when, already, own[mother], mother >= 0),
        "target_time": np.where(entered, time[np.minimum(entry, last)], np.nan),
        "came_from": _came_from(population, q, first, last, mother, entry),
    }


def choices(
    population: Population, q: np.ndarray, time: np.ndarray, c: float
) -> dict[str, np.ndarray]:
    """Sides chosen under a law without sets: one entry per track."""
    own = population.track - 1
    first, last, mother = _track_rows(population)
    right, left = q[last] >= c, q[last] <= 1 - c
    toward = np.where(right[own], q, 1 - q)
    passage = _passage(own, first, toward < c)
    same = np.where(right, q[mother] >= c, q[mother] <= 1 - c)
    already = (right | left) & (passage == first) & (toward[first] >= c)
    already &= (mother < 0) | same
    kind = np.select([already, right, left], [ALREADY, RIGHT, LEFT], UNDECIDED)
    when = np.where(right | left, time[np.minimum(passage, last)], np.nan)
    when[already] = -np.inf
    return {
        "event": kind.astype(object),
        "commitment_time": _inherited(when, already, own[mother], mother >= 0),
    }


def first_rows(track: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(track, prepend=0))


def _track_rows(population: Population) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last row of each track, and the last row of its mother (-1)."""
    first = first_rows(population.track)
    last = np.append(first[1:], population.track.size) - 1
    parent = population.parent_track[first]
    return first, last, np.where(parent > 0, last[np.maximum(parent - 1, 0)], -1)


def _passage(own: np.ndarray, first: np.ndarray, waiting: np.ndarray) -> np.ndarray:
    """Row after the last one that waits, the first row where none does; (m,)."""
    passage = first.copy()
    rows = np.flatnonzero(waiting)
    np.maximum.at(passage, own[rows], rows + 1)
    return passage


def _inherited(
    values: np.ndarray, which: np.ndarray, mother: np.ndarray, has: np.ndarray
) -> np.ndarray:
    """Hand the values of mothers down to the daughters in `which`."""
    heirs = np.flatnonzero(which & has)
    while True:
        handed = values.copy()
        handed[heirs] = values[mother[heirs]]
        if np.array_equal(handed, values, equal_nan=values.dtype.kind == "f"):
            return values
        values = handed


def _came_from(
    population: Population,
    q: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    mother: np.ndarray,
    entry: np.ndarray,
) -> np.ndarray:
    """Set met last before B is met, or before the track ends; (m,)."""
    own, row = population.track - 1, np.arange(q.size)
    # 1 for A, 2 for B; a cell that met both since the frame before is nearer to one.
    met = np.where(population.met_target, 2, 0)
    met = np.where(population.met_source & ((met == 0) | (q < 0.5)), 1, met)

    def last_met(until: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero((met > 0) & (row < until[own]))
        latest = np.full(first.size, -1)
        np.maximum.at(latest, own[rows], rows)
        return np.where(latest >= 0, met[latest], 0)

    at_end = last_met(last + 1)
    at_end = _inherited(at_end, at_end == 0, own[mother], mother >= 0)
    before = last_met(np.minimum(entry, last + 1))
    born = np.where(mother >= 0, at_end[own[mother]], 0)
    return FROM[np.where(before > 0, before, born)]
