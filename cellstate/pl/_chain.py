"""What speaks for macrostates: implied timescales and the Chapman-Kolmogorov test."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _keys as keys
from cellstate.pl import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def implied_timescales(
    adata: AnnData, *, key: str = keys.MACROSTATES, ax: "Axes | None" = None
) -> "Axes":
    """Draw implied timescales against the lag, with 95 % intervals over lineages.

    Where they are flat the chain is Markovian at that lag. In the grey region a process
    is over before the lag is: nothing can be told of it there.

    Parameters
    ----------
    adata
        With the macrostates of `cs.tl.macrostates`.
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
        There are no macrostates; the message names the call.
    """
    found = get.macrostates(adata, key)
    ax = style.axes(ax, (4.2, 2.8))
    lags, handles = np.asarray(found.lags), []
    shown = np.where(np.isfinite(found.timescales), found.timescales, np.nan)
    for i in range(shown.shape[1]):
        if not (shown[:, i] > 0).any():
            continue
        color = style.CYCLE[i % len(style.CYCLE)]
        line = np.where(shown[:, i] > 0, shown[:, i], np.nan)
        ax.fill_between(
            lags, found.timescales_low[:, i], found.timescales_high[:, i],
            color=color, alpha=0.15, linewidth=0,
        )  # fmt: skip
        handles += ax.plot(
            lags, line, "o-", color=color, markersize=4, linewidth=1.2,
            label=f"process {i + 2}",
        )  # fmt: skip
    bottom = 0.5 * min(lags.min(), np.nanmin(np.where(shown > 0, shown, np.nan)))
    ax.fill_between(lags, bottom, lags, color=style.PALE, alpha=0.7, linewidth=0)
    ax.set_yscale("log")
    ax.set_ylim(bottom=bottom)
    if lags.max() > 5 * lags.min():
        ax.set_xscale("log")
        ax.set_xticks(lags, [f"{v:g}" for v in lags])
        ax.minorticks_off()
    ax.axvline(found.lag, color=style.GREY, linewidth=0.8, linestyle=":")
    style.labels(ax, "lag (h)", "implied timescale (h)")
    ax.text(
        0.98, 0.04, "shorter than the lag", transform=ax.transAxes, ha="right",
        va="bottom", fontsize=style.SMALL, color=style.BLACK,
    )  # fmt: skip
    style.legend_above(ax, handles, 3)
    return ax


def chapman_kolmogorov(
    adata: AnnData, *, key: str = keys.MACROSTATES, ax: "Axes | None" = None
) -> "Axes":
    """Draw how likely each macrostate is still held: predicted against seen.

    Lines are powers of the transition matrix of one lag, points with 95 % intervals are
    counted at multiples of it. They agree if the chain between the sets is Markovian.

    Parameters
    ----------
    adata
        With the macrostates of `cs.tl.macrostates`.
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
        There are no macrostates; the message names the call.
    """
    found = get.macrostates(adata, key)
    ax, handles = style.axes(ax, (4.2, 2.8)), []
    times = np.asarray(found.times)
    for i, name in enumerate(found.names):
        color = style.CYCLE[i % len(style.CYCLE)]
        held = [part[:, i, i] for part in (found.predicted, found.estimated)]
        handles += ax.plot(times, held[0], color=color, linewidth=1.2, label=name)
        ends = [found.estimated_low[:, i, i], found.estimated_high[:, i, i]]
        width = np.nan_to_num([held[1] - ends[0], ends[1] - held[1]])
        ax.errorbar(
            times, held[1], yerr=np.maximum(width, 0), fmt="o", color=color,
            markersize=4, linewidth=1,
        )  # fmt: skip
    ax.set_ylim(top=1.02)
    ax.set_xlim(left=0)
    style.labels(ax, "time (h)", "chance to be in the set still, or again")
    ax.text(
        1, 1.02, f"largest deviation {found.largest_deviation:.1f} SE",
        transform=ax.transAxes, ha="right", va="bottom", fontsize=style.SMALL,
        color=style.BLACK,
    )  # fmt: skip
    style.legend_above(ax, handles, 4)
    return ax
