"""Passages between A and B and the time at risk, step by step along tracks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cellstate.kinetics._stopping import Crossings, steps
from cellstate.tracks import Tracks

# The past of a row is certain when its set was met in the track itself.
CERTAIN = 1 - 1e-9
# What is summed over steps. Passages by their beginning: from A to B and from B to A,
# and the hours in A and on what begins there, in B and what begins there. Passages
# into B by their end, hours in all, and on a passage from A to B. Then passages and
# hours seen with certainty.
(
    FROM_A, FROM_B, WITH_A, WITH_B, INTO_B, HOURS, ON_THE_WAY,
    SEEN_INTO_B, SEEN_INTO_A, SURE_INTO_B, SURE_INTO_A, SURE_AFTER_A, SURE_AFTER_B,
) = range(13)  # fmt: skip


def last_met(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    fill: np.ndarray,
    *,
    reverse: bool,
    crossings: Crossings | None = None,
) -> np.ndarray:
    """Chance that A (reverse=True: the past) or B (the future) is the set met.

    In the past the last set met decides, 1 for A; in the future the next one, 1
    for B; `fill` where a track is cut off before. What was met between two frames is
    told by `crossings`.
    """
    inside = np.where(source, 1.0, np.where(target, 0.0, np.nan))
    chance = inside if reverse else 1 - inside
    undecided = np.isnan(chance)
    successor, _ = steps(tracks, reverse=reverse)
    met, left = _met_between(tracks, crossings, reverse=reverse)
    for rows in tracks.by_frame(reverse=not reverse):
        rows = rows[undecided[rows]]
        one, two = successor[rows].T
        ahead = np.where(two >= 0, (chance[one] + chance[two]) / 2, chance[one])
        ahead = met[rows] + left[rows] * ahead
        chance[rows] = np.where(one >= 0, ahead, fill[rows])
    return chance


def time_left(
    tracks: Tracks,
    decided: np.ndarray,
    fill: np.ndarray,
    interval: float,
    crossings: Crossings | None = None,
) -> np.ndarray:
    """Hours from each row until A or B is met, (n,); `fill` where a track is cut off.

    One daughter at random is followed; 0 where `decided`, in A or B.
    """
    hours = np.where(decided, 0.0, np.nan)
    successor, _ = steps(tracks, reverse=False)
    left = np.ones(tracks.n_rows)
    if crossings is not None:
        left = np.maximum(1 - crossings.source - crossings.target, 0.0)
    for rows in tracks.by_frame(reverse=True):
        rows = rows[~decided[rows]]
        one, two = successor[rows].T
        ahead = np.where(two >= 0, (hours[one] + hours[two]) / 2, hours[one])
        hours[rows] = np.where(one >= 0, interval + left[rows] * ahead, fill[rows])
    return hours


@dataclass(frozen=True, eq=False, kw_only=True)
class Ends:
    """What takes the place of what was not seen of a track, per row, (n,).

    Attributes
    ----------
    forward, backward
        Chance that B is met next, that A was met last.
    decision_time
        Hours until A or B is met.
    """

    forward: np.ndarray
    backward: np.ndarray
    decision_time: np.ndarray


def step_sums(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    ends: Ends,
    group: np.ndarray,
    *,
    interval: float,
    crossings: Crossings | None,
) -> np.ndarray:
    """Sum the thirteen columns above over the steps of each group of rows, (13, G).

    At a division each daughter's step counts half. What is not known counts nothing.
    """
    successor, share = steps(tracks, reverse=False)
    row = np.repeat(np.arange(tracks.n_rows), 2)[successor.ravel() >= 0]
    after = successor.ravel()[successor.ravel() >= 0]
    about = (tracks, source, target, ends, row, after, interval, crossings)
    sums, size = [], int(group.max()) + 1
    weight, group = share[row], group[row]
    # One by one: a million rows take 8 MB a column.
    for column in _columns(*about):
        values = np.nan_to_num(column * weight, copy=False)
        sums.append(np.bincount(group, values, size))
    return np.stack(sums)


def _columns(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    ends: Ends,
    row: np.ndarray,
    after: np.ndarray,
    interval: float,
    crossings: Crossings | None,
) -> Iterator[np.ndarray]:
    """Yield the columns in the order in which they are named, each (m,)."""
    to_b = last_met(
        tracks, source, target, ends.forward, reverse=False, crossings=crossings
    )
    wait = time_left(tracks, source | target, ends.decision_time, interval, crossings)
    met_a, met_b = _hidden(row, after, tracks, crossings)
    out_a = (source[row] & ~source[after]) + met_a
    out_b = (target[row] & ~target[after]) + met_b
    yield out_a * to_b[after]
    yield out_b * (1 - to_b[after])
    yield source[row] * interval + out_a * wait[after]
    yield target[row] * interval + out_b * wait[after]
    del wait, out_a, out_b
    past = last_met(
        tracks, source, target, ends.backward, reverse=True, crossings=crossings
    )[row]
    yield np.where(
        target[after], past * ~target[row] + met_a * (1 - past), past * met_b
    )
    yield np.where(np.isfinite(past), interval, 0.0)
    yield past * to_b[row] * (~source[row] & ~target[row]) * interval
    seen_b, seen_a = target[after] & ~target[row], source[after] & ~source[row]
    sure_a, sure_b = past > CERTAIN, past < 1 - CERTAIN
    yield seen_b * (past > 0.5)
    yield seen_a * (past < 0.5)
    yield seen_b * sure_a
    yield seen_a * sure_b
    yield sure_a * interval
    yield sure_b * interval


def _met_between(
    tracks: Tracks, crossings: Crossings | None, *, reverse: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Per row: chance to meet the set sought on the step, and to meet neither."""
    if crossings is None:
        return np.zeros(tracks.n_rows), np.ones(tracks.n_rows)
    if reverse:
        crossings = crossings.reversed_for(tracks)
    met = crossings.target
    return met, np.maximum(1 - crossings.source - met, 0.0)


def _hidden(
    row: np.ndarray, after: np.ndarray, tracks: Tracks, crossings: Crossings | None
) -> tuple[np.ndarray, np.ndarray]:
    """Chances that A, and B, were visited between the two frames of each step."""
    if crossings is None:
        return np.zeros(row.size), np.zeros(row.size)
    along = tracks.next_row[row] == after
    return (
        np.where(along, crossings.source[row], 0.0),
        np.where(along, crossings.target[row], 0.0),
    )
