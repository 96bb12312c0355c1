"""What the results say, in sentences."""

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata._results import States
from cellstate._adata._truth_comparison import TruthComparison
from cellstate._base.errors import listing
from cellstate._base.results import Estimate
from cellstate.kinetics import Calibration, Rates
from cellstate.report._tables import number
from cellstate.tracks import ENDINGS, outcomes

# A slope further from 1 than this is worth a sentence.
SLOPE_TOLERANCE = 0.2
# So is a share of decided cells below this.
MOST_DECIDED = 0.95

STRIPS = (
    "One row per flagged cell, the most certain first; time runs from left to right "
    "and the framed picture is the moment of commitment. The cell's own outline is "
    "orange; its mother before birth and its daughters after division are blue. "
    "Numbers on each picture: time (h) above, committor below. Brightness is the same "
    "along a row. Does the picture show what the number claims?"
)
RASTER = (
    "One line per track; slanted lines join a mother to her daughters. Lineages with "
    "an event come first. A diamond is the time of commitment and the black bar its "
    "95 % interval; it is open when the event was predicted but not seen. Grey tracks "
    "could not be decided. A cross is a track that was lost before the movie ended."
)
TRACKS = (
    "The committor against time, one row per track: tracks with an event, undecidable "
    "tracks that came closest, and one without. The coloured band holds 95 % of the "
    "refits to resampled lineages. Inside the grey band a cell is undecided. The "
    "triangle is the time of commitment with its interval; the ring is the first frame "
    "in the target. A line breaks where the link between two frames is not trusted."
)
CALIBRATION = (
    "Cells are grouped by their predicted chance; each point compares it with the "
    "share of these cells that did reach the target. Points on the grey diagonal mean "
    "that a predicted 30 % happens in 30 % of cases. Cells whose track ended "
    "before they were decided are stood for by others that were watched for as long as "
    "a decision took. Bars are 95 % intervals, from lineages drawn with replacement. "
    "The dotted line is the base rate."
)
TRUTH = (
    "Each dot is a cell in one frame: its committor as estimated from what can be "
    "seen, against the true one of the hidden law that made the cell. The line joins "
    "the medians, the band holds half of the cells. Points on the grey diagonal are "
    "right."
)
RATES = (
    "Points are estimates, bars their intervals from resampled lineages, n the "
    "number of independent events that would be as uncertain. Grey: the same from the "
    "passages that were seen whole, with the exact Poisson interval. An arrow without "
    "a bar is an upper bound: nothing was seen."
)


def state_space(adata: AnnData) -> str:
    """Caption of the state space."""
    text = (
        "Each point is one cell in one frame, placed by what was measured of it: near "
        "points look alike. "
    )
    if keys.COMMITTOR in adata.obs:
        text += (
            "Dark cells are likely to reach the target next; they are drawn over the "
            "others."
        )
    return text


def truth(compared: TruthComparison) -> str:
    """What the estimates got right, beside what costs nothing."""
    text = (
        f"These cells were simulated ({compared.system}), so the truth is known. The "
        f"committor is off by {compared.committor_rmse:.3f} (root mean square over "
        f"{compared.n_cells:,} cells); one number for all cells would be off by "
        f"{compared.committor_rmse_base:.3f}. "
    )
    score = compared.events
    if score is not None:
        text += (
            f"Of {score.n_true} tracks that truly committed, {score.n_right} were "
            f"flagged, {score.n_undecidable_true} left undecidable and "
            f"{score.n_missed} called without event; {score.n_false} flags are false "
            f"among {score.n_tracks - score.n_true} tracks that did not commit. "
        )
        if np.isfinite(score.time_error.value):
            text += (
                f"Right flags come {score.time_error.value:+.2g} h after the true "
                f"commitment in the median (half of them between "
                f"{score.time_error.low:+.2g} and {score.time_error.high:+.2g} h). "
            )
    return text + (
        "Source and target are seen through the measured features, the truth speaks of "
        "the hidden state: part of the difference is that."
    )


def stored(reader: object, adata: AnnData) -> object | None:
    """Read a result; None when it is missing or stale."""
    try:
        return reader(adata)
    except (KeyError, ValueError):
        return None


def headline(adata: AnnData) -> list[tuple[str, str]]:
    """Numbers that stand on top, each with what it counts."""
    tracks = extract.tracks(adata)
    hours = float(np.ptp(tracks.time)) if tracks.n_rows else 0.0
    cards = [
        (f"{tracks.n_tracks:,}", "tracks"),
        (f"{adata.n_obs:,}", f"cell images over {hours:.3g} h"),
        (f"{int(tracks.divides.sum()):,}", "divisions"),
    ]
    events = stored(get.events, adata)
    if events is not None:
        status = events.table["status"].astype(str)
        undecidable = int((status == "undecidable").sum())
        cards += [
            (f"{events.n_events:,}", "tracks with an event"),
            (
                f"{undecidable:,}",
                f"tracks undecidable ({100 * undecidable / len(status):.0f} %)",
            ),
        ]
    rates = stored(get.rates, adata)
    if rates is not None:
        cards.append(_rate_card(rates))
    return cards


def _rate_card(rates: Rates) -> tuple[str, str]:
    k, way = rates.k_ab, f"{rates.source} to {rates.target}"
    level = f"{100 * k.level:g} %"
    if k.n_effective == 0:
        return f"< {number(k.high)} {k.unit}", f"rate {way} ({level}); no event"
    interval = f"{number(k.low)} to {number(k.high)}"
    return f"{number(k.value)} {k.unit}", f"rate {way} ({level}: {interval})"


def story(adata: AnnData) -> list[str]:
    """A paragraph for someone who reads nothing else."""
    sentences = []
    states = stored(get.states, adata)
    if states is not None:
        sentences.append(
            f"The target B is: {states.target_rule} ({states.n_target} cells). The "
            f"source A is: {states.source_rule} ({states.n_source} cells)."
        )
        sentences += _stay_sentences(states)
    committor = stored(get.committor, adata)
    if committor is not None:
        before = f" before {committor.source}" if committor.source else ""
        within = ""
        if np.isfinite(committor.horizon):
            within = f" within {committor.horizon:g} h"
        sentences.append(
            "The committor of a cell is the chance that it reaches "
            f"{committor.target}{before}{within}, judged from its present state: near "
            "0 it will not, near 1 it will, in between it is undecided."
        )
    sentences += _event_sentences(adata) + _rate_sentences(adata)
    report = stored(get.calibration, adata)
    if report is not None:
        sentences.append(calibration(adata, report))
    return sentences


def _stay_sentences(states: States) -> list[str]:
    """How cells leave A and B, where that was asked for."""
    keeps = {"A": states.source_keep, "B": states.target_keep}
    lines = [
        f"A cell that has entered {name} stays while {keep}."
        for name, keep in keeps.items()
        if keep
    ]
    if states.min_dwell:
        lines.append(
            f"Stays shorter than {states.min_dwell:g} h do not count: "
            f"{states.n_short_source} cells of A and {states.n_short_target} of B were "
            f"taken out, {states.n_cut_off_source} and {states.n_cut_off_target} "
            "kept since the track's beginning or end cut their stay off."
        )
    return lines


def _event_sentences(adata: AnnData) -> list[str]:
    events = stored(get.events, adata)
    if events is None:
        return []
    count = events.table["status"].astype(str).value_counts()
    event, none, undecidable = (
        int(count.get(s, 0)) for s in ("event", "no_event", "undecidable")
    )
    # A track that begins in the target was seen there, but is no event.
    happened = (events.table["status"] == "event").to_numpy()
    seen = int((events.table["observed"].to_numpy(dtype=bool) & happened).sum())
    return [
        f"Of {len(events.table)} tracks, {event} committed ({seen} seen to do so, "
        f"{event - seen} predicted with a false-discovery rate of {events.fdr:g}), "
        f"{none} did not, and {undecidable} could not be decided."
    ]


def _rate_sentences(adata: AnnData) -> list[str]:
    rates = stored(get.rates, adata)
    if rates is None:
        return []
    a, b, k = rates.source, rates.target, rates.k_ab
    level = f"{100 * k.level:g} %"
    watched = f"{rates.exposure:,.0f} cell-hours"
    if k.n_effective == 0:
        return [
            f"No transition from {a} to {b} was seen in {watched}; the rate is below "
            f"{number(k.high)} {k.unit} ({level})."
        ]
    return [
        f"Cells go from {a} to {b} at {number(k.value)} {k.unit} ({level} interval "
        f"{number(k.low)} to {number(k.high)}; {rates.n_events} transitions in "
        f"{watched}), that is once in {number(rates.mfpt_ab.value)} h."
        + _seen_whole(rates.k_ab_events)
    ]


def _seen_whole(k: Estimate | None) -> str:
    """The rate that needs no committor; nothing where it was not counted."""
    if k is None:
        return ""
    if k.n_effective == 0:
        return (
            " None of them was seen from its beginning: without the committor the "
            f"rate is only known to be below {number(k.high)} {k.unit}."
        )
    return (
        f" The {number(k.n_effective)} that were seen whole give {number(k.value)} "
        f"{k.unit} ({number(k.low)} to {number(k.high)}, exact Poisson interval)."
    )


def calibration(adata: AnnData, report: Calibration) -> str:
    """Say whether the committor beats the base rate, with both numbers."""
    judged = adata.uns[keys.ROOT][keys.CALIBRATION]["params"]["committor"]
    folds = adata.uns[keys.ROOT].get(judged, {}).get("n_folds", 0)
    where = "On lineages it was not fitted to" if folds else "On the cells it has seen"
    verdict = "better than" if report.brier < report.brier_base else "no better than"
    return (
        f"{where}, the committor's Brier score is "
        f"{number(report.brier)}, {verdict} the {number(report.brier_base)} of always "
        f"saying the base rate of {number(report.base_rate)} (smaller is better; "
        f"{report.n} cells, {report.n_positive} reached the target)."
    )


def undecided(adata: AnnData) -> list[str]:
    """What the data could not decide, from every stored result."""
    return [
        *_undecided_tracks(adata),
        *_undecided_endings(adata),
        *_undecided_states(adata),
        *_undecided_committor(adata),
        *_undecided_calibration(adata),
        *_undecided_rates(adata),
        *_undecided_quality(adata),
    ]


def _undecided_tracks(adata: AnnData) -> list[str]:
    events = stored(get.events, adata)
    if events is None:
        return ["Events were not looked for: run cs.tl.differentiation_events(adata)."]
    table = events.table
    open_ = table[table["status"].astype(str) == "undecidable"]
    lines = [
        f"{int(n)} of {len(table)} tracks are undecidable: {why}."
        for why, n in open_["why"].astype(str).value_counts().items()
    ]
    early = int(np.isneginf(table["time_low"]).sum())
    if early:
        lines.append(
            f"In {early} of {events.n_events} events the commitment may lie before the "
            "track began: only its latest time is known."
        )
    untested = len(table) - events.n_tested
    if untested:
        lines.append(
            f"{untested} tracks have no p-value: fewer than two of their frames have a "
            "committor."
        )
    if events.n_null == 0:
        lines.append("No track is left to form the null: p-values say nothing.")
    return lines


def _undecided_endings(adata: AnnData) -> list[str]:
    tracks = extract.tracks(adata)
    ending = outcomes(tracks).ending[tracks.last_row]
    count = {name: int((ending == i).sum()) for i, name in enumerate(ENDINGS)}
    return [
        f"{count['end_of_movie']} of {tracks.n_tracks} tracks are cut off by the end "
        f"of the movie and {count['lost']} are lost before it; what became of these "
        "cells is not known."
    ]


def _undecided_states(adata: AnnData) -> list[str]:
    states = stored(get.states, adata)
    if states is None or not states.n_unknown:
        return []
    return [
        f"{states.n_unknown} cells have an unknown state: their track was cut off too "
        "early to tell whether they were in the target."
    ]


def _undecided_committor(adata: AnnData) -> list[str]:
    if keys.COMMITTOR not in adata.obs:
        return []
    q = adata.obs[keys.COMMITTOR].to_numpy(dtype=float)
    lines = []
    if np.isnan(q).any():
        lines.append(
            f"{int(np.isnan(q).sum())} of {q.size} cells have no committor: a feature "
            "of theirs is undefined."
        )
    replicates = adata.obsm.get(keys.COMMITTOR_REPLICATES)
    if replicates is None or np.shape(replicates)[1] == 0:
        lines.append(
            "The committor was not refitted to resampled lineages, so it has no "
            "interval: run cs.tl.committor(adata, n_bootstrap=30)."
        )
    return lines


def _undecided_calibration(adata: AnnData) -> list[str]:
    report = stored(get.calibration, adata)
    if report is None:
        return ["The committor was not tested: run cs.tl.validate_committor(adata)."]
    lines = []
    if report.n_excluded:
        lines.append(
            f"{report.n_excluded} of {report.n + report.n_excluded} cells are not in "
            "the calibration: their future was cut off, so that others stand for them "
            f"(with weights up to {number(report.max_weight)}), or they have no "
            "committor."
        )
    if report.decided < MOST_DECIDED:
        lines.append(
            f"No track is long enough for {100 * (1 - report.decided):.0f} % of the "
            "cells to be decided: the calibration is that of the faster fates."
        )
    if np.isnan(report.slope):
        lines.append("Only one outcome was seen, so calibration has no slope.")
    elif abs(report.slope - 1) > SLOPE_TOLERANCE:
        how = "too timid" if report.slope > 1 else "too extreme"
        lines.append(
            f"The calibration slope is {report.slope:.2f}, away from 1: predicted "
            f"chances are {how}. Their order can be trusted more than their size."
        )
    return lines


def _undecided_rates(adata: AnnData) -> list[str]:
    rates = stored(get.rates, adata)
    if rates is None:
        return []
    a, b = rates.source, rates.target
    named = {f"{a} to {b}": rates.k_ab, f"{b} to {a}": rates.k_ba}
    lines = [_bound(way, k) for way, k in named.items() if k.n_effective == 0]
    times = {f"{a} to {b}": rates.mfpt_ab, f"{b} to {a}": rates.mfpt_ba}
    lines += [
        f"The mean time from {way} has no upper end: some resampled sets of lineages "
        "hold no event."
        for way, time in times.items()
        if np.isinf(time.high) and time.n_effective > 0
    ]
    return lines


def _bound(way: str, k: Estimate) -> str:
    if not np.isfinite(k.high):
        return f"No transition {way} was seen and none was watched for: no bound."
    return (
        f"No transition {way} was seen: its rate has only an upper bound, "
        f"{number(k.high)} {k.unit} ({100 * k.level:g} %)."
    )


def _undecided_quality(adata: AnnData) -> list[str]:
    report = stored(get.quality, adata)
    if report is None:
        return ["The quality of the cells was not checked: run cs.pp.qc(adata)."]
    count = dict(zip(report.flags, (int(c) for c in report.counts), strict=True))
    lines = []
    if count.get(keys.QC_JUMP):
        lines.append(
            f"{count[keys.QC_JUMP]} links between frames are not trusted: the tracks "
            "are cut there, and the step across is not used."
        )
    flagged = report.n_cells - report.n_pass
    if flagged:
        lines.append(
            f"{flagged} of {report.n_cells} cells are flagged by quality control; none "
            "was dropped."
        )
    if report.dead_features:
        lines.append(
            f"{len(report.dead_features)} features are undefined or the same in all "
            f"cells and say nothing: {listing(report.dead_features)}. An empty or "
            "constant channel does that."
        )
    if report.not_checked:
        names = ", ".join(n.removeprefix("qc_") for n in report.not_checked)
        lines.append(f"Nothing to check these by: {names}.")
    return lines
