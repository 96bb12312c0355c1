"""Numbers that stand for all cells: calibration, rates, quality control."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _keys as keys
from cellstate._base.results import Estimate
from cellstate.kinetics import Calibration
from cellstate.pl import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Below this base rate the axes follow the square root: room for small chances.
RARE = 0.2
TICKS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def calibration(
    adata: AnnData, *, key: str = keys.CALIBRATION, ax: "Axes | None" = None
) -> "Axes":
    """Draw how often cells reached the target against how often it was predicted.

    The diagonal is a committor that means what it says, the dotted line always says
    the base rate. Points are weighted where cells stand for others whose track was
    cut off; the text says how bars were made, and how many cells of equal weight would
    tell as much. For rare events both axes follow the square root and end where the
    data do.

    Parameters
    ----------
    adata
        With the calibration of `cs.tl.validate_committor`.
    key
        Its name.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    KeyError
        There is no calibration; the message names the call.
    """
    report = get.calibration(adata, key)
    ax = style.axes(ax, (3.7, 3.7))
    top = min(1.0, 1.08 * float(max(report.high.max(), report.predicted.max())))
    _probability_axes(ax, top, rare=report.base_rate < RARE)
    diagonal = np.linspace(0, top, 50)
    ax.plot(diagonal, diagonal, color=style.GREY, linewidth=1, zorder=1)
    ax.axhline(report.base_rate, color=style.ORANGE, linewidth=1, linestyle=":")
    below, above = report.observed - report.low, report.high - report.observed
    ax.errorbar(
        report.predicted,
        report.observed,
        # A bound of 0 or 1 misses the point itself by rounding.
        yerr=np.clip([below, above], 0, None),
        fmt="o",
        color=style.BLUE,
        markersize=4,
        linewidth=1,
        capsize=0,
        zorder=3,
        clip_on=False,
    )
    ax.plot(
        report.predicted,
        np.zeros_like(report.predicted),
        "|",
        color=style.BLUE,
        markersize=5,
        transform=ax.get_xaxis_transform(),
        clip_on=False,
    )
    _calibration_text(ax, report)
    level = f"{100 * report.level:g} % interval"
    met = "reached the target" if report.direction == "forward" else "came from A"
    style.labels(ax, "predicted chance (1)", f"share that {met} (1; {level})")
    return ax


def _probability_axes(ax: "Axes", top: float, rare: bool) -> None:
    ax.set_aspect("equal", adjustable="box")
    if rare:
        root = (lambda p: np.sqrt(np.clip(p, 0, None)), np.square)
        ax.set_xscale("function", functions=root)
        ax.set_yscale("function", functions=root)
        ticks = _root_ticks(top)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_ticks(ticks, [f"{t:g}" for t in ticks])
            axis.set_ticks([], minor=True)
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)


def _root_ticks(top: float) -> list[float]:
    """Round chances that do not crowd on an axis of square roots."""
    ticks = [0.0]
    for tick in TICKS:
        if tick <= top and tick**0.5 - ticks[-1] ** 0.5 > 0.09 * top**0.5:
            ticks.append(tick)
    return ticks


def _calibration_text(ax: "Axes", report: Calibration) -> None:
    fewest, most = int(report.count.min()), int(report.count.max())
    met = "reached" if report.direction == "forward" else "came from A"
    cells = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    ends = [
        f" [{low:.2g}, {high:.2g}]" if np.isfinite([low, high]).all() else ""
        for low, high in (
            (report.brier_low, report.brier_high),
            (report.slope_low, report.slope_high),
        )
    ]
    lines = [
        f"Brier score {report.brier:.3g}{ends[0]}",
        f"  of the base rate {report.brier_base:.3g}",
        f"slope {report.slope:.2f}{ends[1]} (1 if calibrated)",
        f"base rate {report.base_rate:.3g}",
        f"n = {report.n}, {report.n_positive} {met}",
        *_weights_text(report),
        f"{len(report.count)} bins of {cells} cells",
    ]
    # The corners off the diagonal are free; take the one without the base rate.
    high = report.base_rate > 0.5 * ax.get_ylim()[1]
    ax.text(
        0.97 if high else 0.03,
        0.04 if high else 0.98,
        "\n".join(lines),
        transform=ax.transAxes,
        ha="right" if high else "left",
        va="bottom" if high else "top",
        fontsize=style.SMALL,
        color=style.BLACK,
        linespacing=1.35,
    )


def _weights_text(report: Calibration) -> list[str]:
    """Lines for weighted cells and for lineages; none without."""
    lines = []
    if report.n_lineages:
        lines.append(f"  in {report.n_lineages} lineages")
    if report.max_weight > 1:
        lines.append(f"weights to {report.max_weight:.3g} for {report.n_excluded} cut")
        lines.append(f"  off; {report.n_effective:.0f} effective")
    return lines


def rates(adata: AnnData, *, key: str = keys.RATES, ax: "Axes | None" = None) -> "Axes":
    """Draw the rates between source and target with their intervals.

    n is the number of independent events that would be as uncertain. The grey line
    below is the same rate from the passages that were seen whole, with the exact
    Poisson interval. A rate without any event has no estimate: an arrow hangs from its
    upper bound.

    Parameters
    ----------
    adata
        With the rates of `cs.tl.rates`.
    key
        Their name.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    KeyError
        There are no rates; the message names the call.
    """
    stored = get.rates(adata, key)
    a, b = stored.source, stored.target
    named = {
        f"{a} to {b}, $k_{{{a}{b}}}$\nper hour with {a} met last": stored.k_ab,
        f"{b} to {a}, $k_{{{b}{a}}}$\nper hour with {b} met last": stored.k_ba,
        f"{a} to {b}, $\\nu$\nper hour watched": stored.nu,
    }
    seen = [stored.k_ab_events, stored.k_ba_events, None]
    ax = style.axes(ax, (6.0, 2.4))
    spread = _spread([*named.values(), *(e for e in seen if e is not None)])
    if spread > 10:
        from matplotlib.ticker import LogLocator, NullFormatter

        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if spread < 1e3 else (1,)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    for i, (estimate, alone) in enumerate(zip(named.values(), seen, strict=True)):
        _draw_estimate(ax, estimate, i, style.BLUE, "independent events")
        # Without any event both are the same bound.
        if alone is not None and estimate.n_effective > 0:
            _draw_estimate(ax, alone, i + 0.3, style.GREY, "seen whole, Poisson")
    ax.set_yticks(range(len(named)), list(named), fontsize=style.MEDIUM)
    ax.set_ylim(len(named) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    if ax.get_xscale() == "linear":
        ax.set_xlim(left=0)
    style.labels(
        ax, f"rate ({stored.k_ab.unit}; {100 * stored.k_ab.level:g} % interval)", ""
    )
    return ax


def _spread(estimates: Iterable[Estimate]) -> float:
    """How many times the largest end of an interval is the smallest positive one."""
    ends = [v for e in estimates for v in (e.value, e.low, e.high)]
    positive = [v for v in ends if np.isfinite(v) and v > 0]
    return max(positive) / min(positive) if positive else 1.0


def _draw_estimate(
    ax: "Axes", estimate: Estimate, row: float, color: str, counted: str
) -> None:
    value, low, high = estimate.value, estimate.low, estimate.high
    if estimate.n_effective == 0 or not np.isfinite(value):
        text = "no event, no bound"
        if np.isfinite(high):
            ax.plot([high], [row], marker=8, color=color, markersize=9)
            text = f"below {high:.3g} {estimate.unit}: no event seen"
    else:
        ends = [
            low if np.isfinite(low) else value,
            high if np.isfinite(high) else value,
        ]
        ax.plot(ends, [row, row], color=color, linewidth=1.6)
        ax.plot([value], [row], marker="o", color=color, markersize=5)
        text = f"{value:.3g} [{low:.3g}, {high:.3g}] {estimate.unit}"
        if np.isfinite(estimate.n_effective):
            text += f"   n = {estimate.n_effective:.3g} {counted}"
    ax.text(
        1.02,
        row,
        text,
        transform=ax.get_yaxis_transform(),
        va="center",
        fontsize=style.SMALL,
        color=style.BLACK,
    )


def qc(adata: AnnData, *, key: str = keys.QC, ax: "Axes | None" = None) -> "Axes":
    """Draw how many cells each check of quality flagged; nothing was dropped.

    Parameters
    ----------
    adata
        With the report of `cs.pp.qc`.
    key
        Its name.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    KeyError
        There is no report; the message names the call.
    """
    report = get.quality(adata, key)
    names = [*report.flags, *report.not_checked]
    counts = [int(c) for c in report.counts]
    texts = [f"{c} ({100 * c / report.n_cells:.2g} %)" for c in counts]
    texts += ["not checked"] * len(report.not_checked)
    counts += [0] * len(report.not_checked)
    ax = style.axes(ax, (4.2, 0.9 + 0.22 * len(names)))
    ax.barh(range(len(names)), counts, color=style.BLUE, height=0.62)
    for row, (count, text) in enumerate(zip(counts, texts, strict=True)):
        ax.annotate(
            text,
            (count, row),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.SMALL,
            color=style.BLACK,
        )
    words = [n.removeprefix("qc_") for n in names]
    ax.set_yticks(range(len(names)), words, fontsize=style.SMALL)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0, max([*counts, 1]) * 1.3)
    style.labels(
        ax,
        "flagged (cells)",
        "",
        f"{report.n_pass} of {report.n_cells} cells pass every check",
    )
    return ax
