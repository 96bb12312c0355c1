"""What speaks for and against a fitted flow, in one figure."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _keys as keys
from cellstate.flow import Diagnosis
from cellstate.pl import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Left, bottom, width and height of each panel, in shares of the axes.
PANELS = (
    (0.0, 0.60, 0.42, 0.36),
    (0.58, 0.60, 0.42, 0.36),
    (0.0, 0.0, 0.42, 0.40),
    (0.55, 0.0, 0.45, 0.42),
)
NULLS = ("previous", "next", "midpoint", "spline", "split_half")
ALONE = (0.05, 0.12, 0.9, 0.8)


def fit_diagnosis(
    adata: AnnData, *, key: str = keys.FLOW_FIT, ax: "Axes | None" = None
) -> "Axes":
    """Draw how a flow was chosen and whether its residuals look like noise.

    Error of every trial on held-out lineages (0 is no drift at all); autocorrelation of
    standardised residuals with the band of chance; their quantiles against those of a
    Gaussian; and the numbers of the diagnosis. For a fit to snapshots alone: distances
    of held-out times from trivial predictions, which a model must be below.

    Parameters
    ----------
    adata
        With the flow of `cs.tl.fit_flow`.
    key
        Its name.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in; panels are insets of it.

    Raises
    ------
    KeyError
        There is no flow; the message names the call.
    """
    fit = get.flow_fit(adata, key)
    diagnosis = fit.diagnosis
    ax = style.axes(ax, (6.4, 4.8))
    if fit.use == "snapshots":
        ax.axis("off")
        _null_rows(style.axes(ax.inset_axes(ALONE), (0, 0)), diagnosis)
        return ax
    ax.axis("off")
    panels = [style.axes(ax.inset_axes(where), (0, 0)) for where in PANELS]
    _trials(panels[0], diagnosis)
    _autocorrelation(panels[1], diagnosis)
    _quantiles(panels[2], diagnosis)
    _numbers(panels[3], diagnosis)
    return ax


def _trials(ax: "Axes", found: Diagnosis) -> None:
    """Best held-out error of every design, with its standard error to the best."""
    names = list(dict.fromkeys(found.functions))
    functions = np.array(found.functions)
    errors, spreads = np.asarray(found.held_out_error), found.held_out_deviation
    for place, name in enumerate(names):
        own = np.flatnonzero(functions == name)
        best = own[errors[own].argmin()]
        color = style.VERMILLION if name == found.chosen else style.BLUE
        ax.errorbar(
            errors[best], place, xerr=spreads[best], fmt="o", color=color, markersize=4,
            linewidth=style.LINE,
        )  # fmt: skip
    short = [_short(name) for name in names]
    ax.set_yticks(range(len(names)), short)
    ax.set_ylim(len(names) - 0.5, -0.5)
    style.labels(ax, "held-out error (1/h, 0: no drift)", "", "functions")


def _short(name: str) -> str:
    name = name.replace("gradient of a ", "")
    if "Gaussians" in name:
        return "Gaussians"
    return name.replace("polynomial of degree", "degree")


def _autocorrelation(ax: "Axes", found: Diagnosis) -> None:
    band = found.band
    ax.axhspan(-band, band, color=style.PALE, linewidth=0)
    ax.axhline(0, color=style.GREY, linewidth=style.LINE)
    for i, values in enumerate(np.asarray(found.autocorrelation).T):
        color = style.CYCLE[i % len(style.CYCLE)]
        ax.plot(found.lags, values, "o-", color=color, markersize=3, linewidth=0.8)
    style.labels(ax, "lag (frames)", "autocorrelation", "residuals")


def _quantiles(ax: "Axes", found: Diagnosis) -> None:
    expected = np.asarray(found.quantiles)
    ax.plot(expected[[0, -1]], expected[[0, -1]], color=style.GREY, linewidth=0.8)
    for i, values in enumerate(np.asarray(found.residual_quantiles).T):
        color = style.CYCLE[i % len(style.CYCLE)]
        ax.plot(expected, values, ".", color=color, markersize=2.5)
    style.labels(ax, "Gaussian quantile", "residual quantile")


def _numbers(ax: "Axes", found: Diagnosis) -> None:
    ax.axis("off")
    noise = float(np.sqrt(np.trace(found.noise))) if np.any(found.noise) else 0.0
    rows = [
        ("steps, lineages", f"{found.n_steps:,}, {found.n_lineages:,}"),
        ("frame interval x fastest rate", f"{found.dt_lambda_max:.2f}"),
        ("condition number", f"{found.condition_number:.2g}"),
        ("white residuals, p", f"{found.whiteness_p:.2g}"),
        ("Gaussian residuals, p", f"{found.gaussianity_p:.2g}"),
        ("measurement noise", f"{noise:.2g}" if noise else "none seen"),
        ("cells extrapolated", f"{found.n_extrapolated:,}"),
    ]
    if found.n_snapshots:
        rows.append(("snapshots agree with tracks, p", f"{found.agreement_p:.2g}"))
    for place, (name, value) in enumerate(rows):
        y = 1 - place / 8
        ax.text(0, y, name, fontsize=style.SMALL, color=style.GREY, va="top")
        ax.text(
            1, y, value, fontsize=style.SMALL, color=style.BLACK, va="top", ha="right"
        )


def _null_rows(ax: "Axes", found: Diagnosis) -> None:
    table = found.null_rows
    if table is None or table.empty:
        style.say(ax, "no time between two others: nothing could be held out")
        return
    shown = [name for name in NULLS if name in table and table[name].notna().any()]
    width = 0.8 / len(shown)
    for place, name in enumerate(shown):
        at = np.arange(len(table)) + (place - (len(shown) - 1) / 2) * width
        color = style.CYCLE[place % len(style.CYCLE)]
        ax.bar(at, table[name], width, color=color, label=name.replace("_", " "))
    ax.set_xticks(range(len(table)), [f"{t:g}" for t in table["time"]])
    style.labels(ax, "held-out time (h)", "distance W1 (units of the basis)")
    style.legend_above(ax, ax.get_legend_handles_labels()[0], len(shown))
