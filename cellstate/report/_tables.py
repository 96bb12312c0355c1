"""Tables of the page: heads, rows of text, and which columns are numbers."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._adata._results import QualityReport
from cellstate._adata._truth_comparison import TruthComparison
from cellstate._base.results import Estimate
from cellstate.events import EventTable
from cellstate.kinetics import Rates

MOST_EVENTS = 50
PACKAGES = (
    "cellstate",
    "numpy",
    "scipy",
    "pandas",
    "anndata",
    "scanpy",
    "scikit-learn",
    "scikit-image",
    "matplotlib",
)
QC_MEANING = {
    keys.QC_BORDER: "touches the edge of the field",
    keys.QC_SLIVER: "far smaller than its neighbours in time",
    keys.QC_FRAGMENTED: "mask in several pieces",
    keys.QC_BLUR: "out of focus",
    keys.QC_JUMP: "link from the frame before is not trusted; the track is cut here",
    keys.QC_UNDEFINED: "a feature could not be measured",
}


def number(value: float, digits: int = 3) -> str:
    """Write a number for people; what is not there is said in words."""
    if value is None or np.isnan(value):
        return "none"
    if np.isinf(value):
        return "unbounded" if value > 0 else "before the track"
    if value != 0 and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:.{digits}g}"


def fixed(value: float, decimals: int = 2) -> str:
    """Write a number of a column, so that the points stand below each other."""
    return f"{value:.{decimals}f}" if np.isfinite(value) else number(value)


def table(head: list[str], rows: list[list[str]], numeric: set[int]) -> dict:
    """Return what the template draws."""
    return {"head": head, "rows": rows, "numeric": numeric}


def rates(stored: Rates) -> dict:
    """One row per rate and time."""
    a, b = stored.source, stored.target
    named = {
        f"k {a} to {b}: per hour with {a} met last": stored.k_ab,
        f"k {b} to {a}: per hour with {b} met last": stored.k_ba,
        f"nu {a} to {b}: per hour watched": stored.nu,
        f"mean time from entering {a} to entering {b}": stored.mfpt_ab,
        f"mean time from entering {b} to entering {a}": stored.mfpt_ba,
        f"time on the way from {a} to {b}": stored.transition_path_time,
    }
    for way, seen in (
        (f"{a} to {b}", stored.k_ab_events),
        (f"{b} to {a}", stored.k_ba_events),
    ):
        if seen is not None:
            named[f"k {way}, only from passages seen whole"] = seen
    head = ["", "estimate", "from", "to", "unit", "level", "n", "interval by"]
    rows = [[name, *_estimate(e)] for name, e in named.items()]
    return table(head, rows, {1, 2, 3, 5, 6})


TRUE_NUMBERS = {
    "k_ab": "k A to B: per hour with A met last",
    "k_ba": "k B to A: per hour with B met last",
    "mfpt_ab": "mean time from entering A to entering B",
    "transition_path_time": "time on the way from A to B",
}


def truth(compared: TruthComparison) -> dict:
    """One row per number that has a true value."""
    head = ["", "truth", "estimate", "from", "to", "unit", "truth in the interval"]
    rows = [
        [
            TRUE_NUMBERS[row["quantity"]],
            *(number(row[name]) for name in ("truth", "estimate", "low", "high")),
            row["unit"],
            row["inside"],
        ]
        for _, row in compared.numbers.iterrows()
    ]
    return table(head, rows, {1, 2, 3, 4})


def _estimate(e: Estimate) -> list[str]:
    ends = [number(e.value), number(e.low), number(e.high)]
    level = f"{100 * e.level:g} %"
    return [*ends, e.unit, level, f"{e.n_effective:.3g}", e.method]


def quality(report: QualityReport) -> dict:
    """One row per check."""
    rows = [
        [
            flag.removeprefix("qc_"),
            QC_MEANING.get(flag, ""),
            f"{int(count)}",
            f"{100 * count / report.n_cells:.2g} %",
        ]
        for flag, count in zip(report.flags, report.counts, strict=True)
    ]
    rows += [
        [flag.removeprefix("qc_"), QC_MEANING.get(flag, ""), "not checked", ""]
        for flag in report.not_checked
    ]
    share = f"{100 * report.n_pass / report.n_cells:.3g} %"
    rows.append(["none", "passes every check", f"{report.n_pass}", share])
    return table(["flag", "meaning", "cells", "share"], rows, {2, 3})


def events(stored: EventTable) -> dict:
    """First events, smallest q and largest statistic on top."""
    rows = stored.table[stored.table["status"].astype(str) == "event"]
    if rows.empty:
        return {"note": "No track has the status event."}
    rows = rows.sort_values(["q", "statistic"], ascending=[True, False])
    shown = rows[:MOST_EVENTS]
    head = ["movie", "track", "lineage", "time (h)", "from (h)", "to (h)"]
    head += ["log-odds gained", "p", "q", "how", "track ends by"]
    lines = [_event(row) for _, row in shown.iterrows()]
    null = str(shown["null"].iloc[0])
    counted = f"{len(rows)} events"
    if len(rows) > len(shown):
        counted = f"The first {len(shown)} of {len(rows)} events"
    return {
        "table": table(head, lines, {1, 2, 3, 4, 5, 6, 7, 8}),
        "caption": (
            f"{counted}, the most certain first. p and q compare the committor's rise "
            f"with {stored.n_null} {null}. They decide only events that are predicted: "
            f"these need q of at most {stored.fdr:g}; an event that was seen needs no "
            "test."
        ),
    }


def _event(row: pd.Series) -> list[str]:
    return [
        str(row["movie"]),
        f"{row['track']}",
        f"{row['lineage']}",
        fixed(row["time"]),
        fixed(row["time_low"]),
        fixed(row["time_high"]),
        fixed(row["statistic"]),
        fixed(row["p"], 3),
        "not needed" if row["observed"] else fixed(row["q"], 3),
        "seen" if row["observed"] else "predicted",
        str(row["ending"]).replace("_", " "),
    ]


def steps(adata: AnnData) -> dict | None:
    """One row per stored result: its parameters, seed and version."""
    stored = adata.uns.get(keys.ROOT, {})
    rows = []
    for name, content in stored.items():
        if not isinstance(content, Mapping) or "kind" not in content:
            continue
        given = content.get("params", {})
        params = ", ".join(f"{k}={_plain(v)}" for k, v in given.items())
        seed = int(content.get("seed", -1))
        rows.append(
            [
                name,
                str(content["kind"]),
                params,
                f"{seed}" if seed >= 0 else "none",
                str(content.get("version", "")),
            ]
        )
    if not rows:
        return None
    return table(["result", "kind", "parameters", "seed", "version"], rows, {3})


def flat(run: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Turn a nested dict into lines of name and value."""
    lines: list[tuple[str, str]] = []
    for name, value in run.items():
        if isinstance(value, Mapping):
            lines += flat(value, f"{prefix}{name}.")
        else:
            lines.append((f"{prefix}{name}", _plain(value)))
    return lines


def versions() -> list[tuple[str, str]]:
    """Versions of what computed and drew."""
    found = [("python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:g}"
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return ", ".join(_plain(v) for v in value)
    return str(value)
