"""Commitment: the last passage of the committor out of the undecided band."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import logit

from cellstate._base.checks import fraction
from cellstate._base.results import Result
from cellstate.tracks import ENDINGS, Tracks, outcomes

COLUMNS = (
    "event",
    "kind",
    "movie",
    "track",
    "lineage",
    "time",
    "time_low",
    "time_high",
    "statistic",
    "null",
    "p",
    "q",
    "n_effective",
    "status",
    "observed",
    "ending",
    "why",
)
# Committors are held inside this band before the logit: more than n cells can
# tell would otherwise make an infinite statistic.
EDGE = 1e-3


@dataclass(frozen=True, eq=False, kw_only=True)
class EventTable(Result):
    """One row per track: did the cell commit, when, how surely.

    Attributes
    ----------
    table
        Columns `event` (running number, -1 without event), `kind`, `movie`,
        `track`, `lineage`, `time`, `time_low`, `time_high` (h; NaN without event),
        `statistic` (log-odds gained), `null`, `p` (conformal, within the stated
        null), `q` (Benjamini-Hochberg), `n_effective` (frames with a committor),
        `status` (event, no_event, undecidable), `observed` (B was seen to be
        reached), `ending` of the track, `why` it is undecidable.
    fdr
        Level at which predicted events are called.
    n_tested
        Tracks with a p-value.
    n_null
        Tracks in the null: watched and never seen to reach B.
    threshold
        c: a cell is committed above it, uncommitted below 1 - c.
    """

    kind: ClassVar[str] = "events"
    table: pd.DataFrame
    fdr: float
    n_tested: int
    n_null: int
    threshold: float

    @property
    def n_events(self) -> int:
        """Tracks with status event."""
        return int((self.table["status"] == "event").sum())


def commitment_events(
    tracks: Tracks,
    q: np.ndarray,
    replicates: np.ndarray,
    target: np.ndarray,
    *,
    threshold: float = 0.9,
    fdr: float = 0.1,
    level: float = 0.95,
    target_is_event: bool = False,
    movie_names: list[str] | None = None,
) -> EventTable:
    """Read commitment off the committor along each track.

    A track is an **event** when B is seen to be reached, or when its last known
    committor is above `threshold` in a share `level` of the replicates and its q-value
    is at most `fdr`. It is **no_event** when the last known committor is below
    1 - threshold in a share `level` of them, and **undecidable** otherwise.
    The time of commitment is the first frame after the last one that was not yet
    above the threshold; a cell that enters B before it ever was commits there.
    The interval joins the replicates' times with the frame before, for what
    happened between two frames is not known better.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    q, replicates
        Committor of the rows (n,) and its refits (n, R), NaN where undefined.
    target
        Rows in B, shape (n,).
    threshold
        c, above 0.5.
    fdr
        False-discovery rate for events that were predicted, not seen.
    level
        Of the intervals.
    target_is_event
        B is the moment itself (the frames before a division). Otherwise a track
        that begins in B committed before it was seen, and is undecidable.
    movie_names
        By movie code.

    Notes
    -----
    The p-value ranks a track's statistic, the highest log-odds of its committor over
    its first, among the tracks that were never seen to reach B (conformal;
    a track is not compared with itself); q-values adjust seen and unseen tracks
    apart. Tracks whose event was missed sit in that null too. As long as the
    null is made of the unseen tracks themselves, and not of control lineages,
    hardly any prediction can pass: it then stays undecidable, which is honest.
    """
    threshold, fdr = fraction(threshold, "threshold"), fraction(fdr, "fdr")
    if threshold <= 0.5:
        raise ValueError(
            f"`threshold` must lie between 0.5 and 1; found {threshold}. The undecided "
            "band reaches from 1 - threshold to threshold."
        )
    names = movie_names or [str(m) for m in range(tracks.last_frame.size)]
    ending = outcomes(tracks).ending
    mother = tracks.mother_row()[tracks.first_row]
    rows = [
        _one_track(
            tracks,
            i,
            q,
            replicates,
            target,
            threshold,
            level,
            target_is_event,
            # A daughter whose mother was not in B was seen to enter it.
            bool(mother[i] >= 0 and not target[mother[i]]),
        )
        for i in range(tracks.n_tracks)
    ]
    table = pd.DataFrame(rows)
    table["kind"] = "differentiation"
    table["movie"] = [names[m] for m in tracks.track_movie]
    table["track"] = tracks.track_id
    table["lineage"] = tracks.track_id[tracks.lineage]
    table["ending"] = [ENDINGS[e] for e in ending[tracks.last_row]]
    table["null"] = "tracks never seen to reach the target"
    null = ~table["observed"].to_numpy() & table["statistic"].notna().to_numpy()
    table["p"] = _conformal(table["statistic"].to_numpy(), null)
    seen = table["observed"].to_numpy()
    p = table["p"].to_numpy()
    table["q"] = np.where(
        seen, _benjamini_hochberg(p, seen), _benjamini_hochberg(p, ~seen)
    )
    _judge_predicted(table, fdr)
    happened = (table["status"] == "event").to_numpy()
    table["event"] = np.where(happened, np.cumsum(happened) - 1, -1)
    table.loc[~happened, ["time", "time_low", "time_high"]] = np.nan
    return EventTable(
        table=table[list(COLUMNS)],
        fdr=fdr,
        n_tested=int(table["p"].notna().sum()),
        n_null=int(null.sum()),
        threshold=threshold,
    )


def _one_track(
    tracks: Tracks,
    index: int,
    q: np.ndarray,
    replicates: np.ndarray,
    target: np.ndarray,
    threshold: float,
    level: float,
    target_is_event: bool,
    born_outside: bool,
) -> dict[str, object]:
    rows = tracks.rows(index)
    entry = np.flatnonzero(target[rows])
    known = rows[np.isfinite(q[rows])]
    found: dict[str, object] = {
        "observed": bool(entry.size),
        "n_effective": float(known.size),
        "statistic": np.nan,
        "time": np.nan,
        "time_low": np.nan,
        "time_high": np.nan,
        "why": "",
    }
    if known.size:
        odds = logit(np.clip(q[known], EDGE, 1 - EDGE))
        found["statistic"] = float(odds.max() - odds[0]) if known.size > 1 else np.nan
    found["status"], found["why"] = _status(
        q[known], replicates[known], bool(entry.size), threshold, level
    )
    if entry.size and entry[0] == 0 and not (target_is_event or born_outside):
        found["status"] = "undecidable"
        found["why"] = "already in the target when the track begins"
    if found["status"] == "event":
        stop = rows[entry[0]] if entry.size else None
        found |= _times(tracks, known, q, replicates, stop, threshold, level)
    return found


def _status(
    q: np.ndarray, replicates: np.ndarray, reached: bool, threshold: float, level: float
) -> tuple[str, str]:
    if reached:
        return "event", ""
    if not q.size:
        return "undecidable", "no frame has a committor"
    last = replicates[-1] if replicates.shape[1] else q[-1:]
    if q[-1] >= threshold and np.mean(last >= threshold) >= level:
        return "event", ""
    if q[-1] <= 1 - threshold and np.mean(last <= 1 - threshold) >= level:
        return "no_event", ""
    if 1 - threshold < q[-1] < threshold:
        return "undecidable", "the track ends inside the undecided band"
    return "undecidable", "refits to other lineages disagree"


def _times(
    tracks: Tracks,
    known: np.ndarray,
    q: np.ndarray,
    replicates: np.ndarray,
    entry: int | None,
    threshold: float,
    level: float,
) -> dict[str, float]:
    """Commitment time of the track and its interval, in hours."""
    if entry is not None:
        known = known[tracks.frame[known] < tracks.frame[entry]]
        # B itself is committed, whatever the committor says there.
        known = np.append(known, entry)
    time = tracks.time[known]

    def passage(values: np.ndarray) -> int:
        committed = values >= threshold
        if entry is not None:
            committed[-1] = True
        waiting = np.flatnonzero(~committed)
        return int(waiting[-1]) + 1 if waiting.size else 0

    first = passage(q[known])
    again = [passage(replicates[known, r]) for r in range(replicates.shape[1])]
    again = [min(a, len(known) - 1) for a in again] or [first]
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(again, tails, method="nearest").astype(int)
    before = min(low, first) - 1
    return {
        "time": float(time[first]),
        "time_low": float(time[before]) if before >= 0 else -np.inf,
        "time_high": float(time[max(high, first)]),
    }


def _conformal(statistic: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Rank each statistic among those of the null, itself left out."""
    p = np.full(statistic.size, np.nan)
    reference = np.sort(statistic[null])
    for i in np.flatnonzero(np.isfinite(statistic)):
        above = reference.size - np.searchsorted(reference, statistic[i], side="left")
        count = reference.size
        if null[i]:
            above, count = above - 1, count - 1
        p[i] = (1 + above) / (1 + count)
    return p


def _benjamini_hochberg(p: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Adjust the p-values of one family, NaN elsewhere.

    Events that were seen are true; in one family with the rest they would pay for
    false ones.
    """
    from scipy.stats import false_discovery_control

    q = np.full(p.size, np.nan)
    known = np.isfinite(p) & family
    if known.any():
        q[known] = false_discovery_control(p[known], method="bh")
    return q


def _judge_predicted(table: pd.DataFrame, fdr: float) -> None:
    """An event that was not seen needs a q-value below the false-discovery rate."""
    predicted = (table["status"] == "event") & ~table["observed"]
    doubtful = predicted & ~(table["q"] <= fdr)
    table.loc[doubtful, "status"] = "undecidable"
    table.loc[doubtful, "why"] = f"committed, but q-value above {fdr:g}"
