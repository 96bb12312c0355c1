"""Passages between A and B and the time at risk, step by step along tracks."""

import numpy as np

from cellstate.kinetics._stopping import Crossings, steps
from cellstate.tracks import Tracks

# The past of a row is certain when its set was met in the track itself.
CERTAIN = 1 - 1e-9
# What is summed over steps: passages A to B and B to A; hours after A, after B, in
# all, and on a passage from A to B; then passages and hours seen with certainty.
(
    INTO_B, INTO_A, AFTER_A, AFTER_B, HOURS, ON_THE_WAY,
    SEEN_INTO_B, SEEN_INTO_A, SURE_INTO_B, SURE_INTO_A, SURE_AFTER_A, SURE_AFTER_B,
) = range(12)  # fmt: skip


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


def step_columns(
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    *,
    interval: float,
    crossings: Crossings | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Row before each step (m,), and the twelve columns above, (12, m).

    Steps of which the past is not known count for
    nothing; at a division each daughter's step counts half.
    """
    about = {"crossings": crossings}
    from_a = last_met(tracks, source, target, backward, reverse=True, **about)
    to_b = last_met(tracks, source, target, forward, reverse=False, **about)
    successor, share = steps(tracks, reverse=False)
    row = np.repeat(np.arange(tracks.n_rows), 2)[successor.ravel() >= 0]
    after = successor.ravel()[successor.ravel() >= 0]
    past, future = from_a[row], np.nan_to_num(to_b[row])
    weight = np.where(np.isfinite(past), share[row], 0.0)
    past = np.nan_to_num(past)
    into_b, into_a = _entries(row, after, past, source, target, tracks, crossings)
    on_the_way = ~source[row] & ~target[row]
    seen_b, seen_a = target[after] & ~target[row], source[after] & ~source[row]
    sure_a, sure_b = past > CERTAIN, past < 1 - CERTAIN
    columns = np.stack(
        [
            into_b,
            into_a,
            past * interval,
            (1 - past) * interval,
            np.full(past.shape, interval),
            past * future * on_the_way * interval,
            seen_b * (past > 0.5),
            seen_a * (past < 0.5),
            seen_b * sure_a,
            seen_a * sure_b,
            sure_a * interval,
            sure_b * interval,
        ]
    )
    columns *= weight
    return row, columns


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


def _entries(
    row: np.ndarray,
    after: np.ndarray,
    past: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    tracks: Tracks,
    crossings: Crossings | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Passages A to B and B to A of each step, seen or between its two frames."""
    into_b = past * (target[after] & ~target[row])
    into_a = (1 - past) * (source[after] & ~source[row])
    if crossings is None:
        return into_b, into_a
    along = tracks.next_row[row] == after
    met_a = np.where(along, crossings.source[row], 0.0)
    met_b = np.where(along, crossings.target[row], 0.0)
    into_b = np.where(target[after], into_b + met_a * (1 - past), past * met_b)
    into_a = np.where(source[after], into_a + met_b * past, (1 - past) * met_a)
    return into_b, into_a
