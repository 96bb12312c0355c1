"""One look for every figure: colours, sizes, spines. Nothing global is changed."""

from typing import TYPE_CHECKING, Any

import numpy as np

from cellstate._adata import _keys as keys

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

# Okabe and Ito: told apart with any colour vision, and in grey.
BLUE = "#0072B2"
VERMILLION = "#D55E00"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
PURPLE = "#CC79A7"
BLACK = "#1A1A1A"
GREY = "#8C8C8C"
PALE = "#D9D9D9"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, BLACK)

EVENT, NO_EVENT, UNDECIDABLE = "event", "no_event", "undecidable"
STATUS = {EVENT: VERMILLION, NO_EVENT: BLUE, UNDECIDABLE: GREY}
STATUS_WORDS = {EVENT: "event", NO_EVENT: "no event", UNDECIDABLE: "undecidable"}
NAMED = STATUS | {
    keys.SOURCE_STATE: BLUE,
    keys.TARGET_STATE: VERMILLION,
    keys.OTHER_STATE: "#B5B5B5",
    keys.UNKNOWN_STATE: PALE,
}

# Part of magma, reversed: low is light and recedes, high is dark and stands out.
MAP, MAP_PART = "magma", (0.9, 0.08)

SMALL, MEDIUM, LARGE = 7.0, 8.0, 9.0
LINE = 0.8


def axes(ax: "Axes | None", size: tuple[float, float]) -> "Axes":
    """Return `ax`, or the axes of a new figure of `size` inches, in the house look."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots(figsize=size, layout="constrained")[1]
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_linewidth(LINE)
        ax.spines[side].set_color(BLACK)
    ax.tick_params(labelsize=SMALL, width=LINE, length=3, colors=BLACK)
    return ax


def labels(ax: "Axes", x: str, y: str, title: str = "") -> None:
    """Name the axes, with units, and the figure."""
    ax.set_xlabel(x, fontsize=MEDIUM, color=BLACK)
    ax.set_ylabel(y, fontsize=MEDIUM, color=BLACK)
    if title:
        ax.set_title(title, fontsize=LARGE, color=BLACK, loc="left")


def legend(ax: "Axes", handles: list, **where: Any) -> None:
    """Add a legend without a frame."""
    if handles:
        ax.legend(
            handles=handles,
            fontsize=SMALL,
            frameon=False,
            handlelength=1.4,
            labelcolor=BLACK,
            **where,
        )


def legend_above(ax: "Axes", handles: list, columns: int) -> None:
    """Add a legend over the axes, where it hides no data."""
    legend(
        ax,
        handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0.2,
        columnspacing=1.2,
    )


def color_map() -> "Colormap":
    """Return the map for numbers: even steps, read with any colour vision."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps[MAP](np.linspace(*MAP_PART, 256)))


def say(ax: "Axes", text: str) -> None:
    """Write in the middle of axes that have nothing to show."""
    ax.text(
        0.5,
        0.5,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        fontsize=MEDIUM,
        color=BLACK,
        wrap=True,
    )


def unit(text: str) -> str:
    """Write a stored unit as it is printed."""
    return text.replace("um", "µm").replace("2", "²").replace("3", "³")
