"""Shape modes, and the choice of a state space."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _keys as keys
from cellstate._base.checks import integer
from cellstate.pl import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST = -0.5  # score; what is below is no better for being drawn
APART = 3.4  # radii from one drawn mode to the next
STEPS = ((-2, style.BLUE), (0, style.GREY), (2, style.VERMILLION))


def shape_modes(
    adata: AnnData,
    *,
    key: str = f"{keys.EMBED}_contour",
    n_modes: int = 5,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw what each shape mode does to the mean outline: -2, 0 and +2 sd.

    Parameters
    ----------
    adata
        With shape modes of ``cs.tl.embed(adata, method="contour")``.
    key
        Their name.
    n_modes
        Modes, side by side.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in; lengths in radii of the disc of the same area.

    Raises
    ------
    KeyError
        There are no shape modes; the message names the call.
    """
    modes = get.shape_modes(adata, key)
    n = min(integer(n_modes, "n_modes", 1), len(modes.variance))
    ax = style.axes(ax, (1.6 * n + 0.5, 2.1))
    for k in range(n):
        for step, colour in STEPS:
            score = np.zeros((1, k + 1))
            score[0, k] = step * np.sqrt(modes.variance[k])
            x, y = np.vstack([(made := modes.reconstruct(score)[0]), made[:1]]).T
            # y runs down in a picture.
            ax.plot(x + APART * k, -y, color=colour, linewidth=1.2)
    ax.set_aspect("equal")
    share = 100 * modes.variance / modes.total_variance
    ax.set_xticks(
        APART * np.arange(n), [f"mode {k + 1}\n{share[k]:.0f} %" for k in range(n)]
    )
    ax.tick_params(axis="x", length=0)
    ax.set_yticks([-1, 0, 1])
    style.labels(ax, "share of the outlines' variance", "radii")
    from matplotlib.lines import Line2D

    named = [
        Line2D([], [], color=colour, label="mean" if not step else f"{step:+d} sd")
        for step, colour in STEPS
    ]
    style.legend_above(ax, named, len(named))
    return ax


def mode_choice(
    adata: AnnData,
    *,
    key: str = keys.STATE_SPACE_CHOICE,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw how well 1, 2, ... slow modes predict held-out lineages, lag by lag.

    Parameters
    ----------
    adata
        With the choice of `cs.tl.state_space`.
    key
        Its name.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in. 1 is nothing predicted; bars are one standard error of the
        difference to the best of the same lag; the ring is the choice; scores below
        -0.5 are left out.

    Raises
    ------
    KeyError
        There is no choice; the message names the call.
    """
    found = get.state_space(adata, key)
    ax = style.axes(ax, (4.2, 2.8))
    lags = sorted(set(found.scores["lag"]))
    for lag, colour in zip(lags, _shades(len(lags)), strict=True):
        own = found.scores[found.scores["lag"] == lag]
        ax.errorbar(
            own["n_components"],
            own["score"],
            own["standard_error"],
            color=colour,
            linewidth=1.2,
            marker="o",
            markersize=3,
            label=f"lag {lag:g} h",
        )
        chosen = own[own["n_components"] == found.n_components]
        if lag == found.lag:
            ax.plot(
                chosen["n_components"],
                chosen["score"],
                marker="o",
                markersize=10,
                markerfacecolor="none",
                markeredgecolor=style.VERMILLION,
                linestyle="none",
                label="chosen" if found.lag_decided else "taken, lag undecided",
            )
    ax.axhline(1, color=style.GREY, linewidth=style.LINE, linestyle=":")
    best = found.scores["score"].max()
    ax.set_ylim(LEAST, best + 0.15 * (best - LEAST))
    ax.xaxis.get_major_locator().set_params(integer=True)
    style.labels(ax, "slow modes", "held-out VAMP-E score")
    style.legend_above(ax, ax.get_legend_handles_labels()[0], 3)
    return ax


def _shades(n: int) -> list:
    from matplotlib import colormaps

    return [colormaps["viridis"](k / max(n, 2)) for k in range(n)]
