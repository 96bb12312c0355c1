"""A graph from A to B: bars are groups, bands are net flux, all on one scale."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cellstate.kinetics._flux import ReactiveFlux
from cellstate.kinetics._flux._groups import ARROW
from cellstate.pl import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Links below this share of the flux are left out.
LEAST = 0.01
# Committors at which the axis ends, its ticks, half a bar's width, gap between bars.
FURTHEST = 0.005
TICKS = (0.01, 0.1, 0.5, 0.9, 0.99)
HALF, GAP, NEAR = 0.09, 0.14, 0.9
# Distance of the lanes of pathways, and lanes to either side; bands of this share keep
# bars off.
LANE, LANES, BROAD = 0.6, 2, 0.1
BAND, HIGHLIGHT = "#B9C6CF", style.ORANGE


def draw_pathways(ax: "Axes", flux: ReactiveFlux) -> None:
    """Draw the graph; see `cellstate.pl.pathways`."""
    net = np.asarray(flux.net)
    total = float(net[0].sum())
    shown = np.where(net >= LEAST * total, net, 0.0) / total
    nodes = list(flux.nodes)
    used = np.flatnonzero((shown.sum(axis=0) + shown.sum(axis=1)) > 0)
    x = _across(np.asarray(flux.mean_committor))
    tall = np.maximum(shown.sum(axis=0), shown.sum(axis=1))
    y = _down(flux, nodes, x, tall, shown)
    best = [nodes.index(name) for name in _names(flux)[0]]
    strongest = dict.fromkeys(pairwise(best), float(flux.pathways["flux"][0]) / total)
    _draw_bands(ax, shown, x, y, strongest)
    for i in used:
        _draw_bar(ax, nodes[i], x[i], y[i], tall[i], _color(i, len(nodes)))
    _frame(ax, flux, x, y, tall, used)


def _names(flux: ReactiveFlux) -> list[list[str]]:
    return [str(path).split(ARROW) for path in flux.pathways["path"]]


def _across(q: np.ndarray) -> np.ndarray:
    """Place by the logit of the mean committor, A and B at the ends."""
    q = np.clip(np.nan_to_num(q, nan=0.5), FURTHEST, 1 - FURTHEST)
    x = np.log(q / (1 - q))
    end = np.log((1 - FURTHEST) / FURTHEST) + 1.3
    x[0], x[-1] = -end, end
    return x


def _down(
    flux: ReactiveFlux,
    nodes: list[str],
    x: np.ndarray,
    tall: np.ndarray,
    shown: np.ndarray,
) -> np.ndarray:
    """Give each pathway a lane, each node the mean lane of its pathways; part them."""
    lanes, weight = np.zeros(len(nodes)), np.full(len(nodes), 1e-9)
    shares = flux.pathways["share"].to_numpy(dtype=float)
    for number, (names, share) in enumerate(zip(_names(flux), shares, strict=True)):
        lane = min((number + 1) // 2, LANES) * (1 if number % 2 else -1) * LANE
        for name in names:
            lanes[nodes.index(name)] += share * lane
            weight[nodes.index(name)] += share
    y = lanes / weight
    used = np.flatnonzero(tall > 0)
    for _ in range(200):
        if not (_part_bars(x, y, tall, used) | _clear_bands(x, y, tall, shown, used)):
            break
    return y


def _part_bars(
    x: np.ndarray, y: np.ndarray, tall: np.ndarray, used: np.ndarray
) -> bool:
    """Push bars apart that stand over each other; say whether any did."""
    pushed = False
    for n, i in enumerate(used):
        for j in used[n + 1 :]:
            need, above = (tall[i] + tall[j]) / 2 + GAP, y[j] - y[i]
            if abs(x[i] - x[j]) < NEAR and abs(above) < need - 1e-3:
                push = (need - abs(above)) / 2 * (1 if above >= 0 else -1)
                y[i], y[j], pushed = y[i] - push, y[j] + push, True
    return pushed


def _clear_bands(
    x: np.ndarray, y: np.ndarray, tall: np.ndarray, shown: np.ndarray, used: np.ndarray
) -> bool:
    """Push bars off the broad bands that pass them; say whether any did."""
    pushed = False
    for i, j in np.argwhere(shown >= BROAD):
        for k in used:
            if not x[i] + HALF < x[k] < x[j] - HALF:
                continue
            part = (x[k] - x[i]) / (x[j] - x[i])
            middle = y[i] + (y[j] - y[i]) * part**2 * (3 - 2 * part)
            need, above = (tall[k] + shown[i, j]) / 2 + GAP, y[k] - middle
            if abs(above) < need - 1e-3:
                y[k], pushed = middle + need * (1 if above >= 0 else -1), True
    return pushed


def _draw_bands(
    ax: "Axes",
    shown: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    strongest: dict[tuple[int, int], float],
) -> None:
    """Bands leave and enter a bar in the order of where they lead and come from."""
    links = [(int(i), int(j)) for i, j in np.argwhere(shown > 0)]
    leaves, enters = {}, {}
    for i in range(len(y)):
        down = y[i] + shown[i].sum() / 2
        for j in sorted((b for a, b in links if a == i), key=lambda b: -y[b]):
            leaves[i, j], down = down, down - shown[i, j]
        down = y[i] + shown[:, i].sum() / 2
        for j in sorted((a for a, b in links if b == i), key=lambda a: -y[a]):
            enters[j, i], down = down, down - shown[j, i]
    for i, j in links:
        ends = (x[i] + HALF, x[j] - HALF)
        tops = (leaves[i, j], enters[i, j])
        _draw_band(ax, ends, tops, shown[i, j], BAND, 2)
        if (i, j) in strongest:
            _draw_band(ax, ends, tops, strongest[i, j], HIGHLIGHT, 3)


def _draw_band(
    ax: "Axes",
    ends: tuple[float, float],
    tops: tuple[float, float],
    width: float,
    color: str,
    order: int,
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (x0, x1), (y0, y1) = ends, tops
    # A band that leads back swings out to both sides.
    bend = max(abs(x1 - x0) / 2, 0.5)
    points = [(x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)]
    back = [(a, b - width) for a, b in points[::-1]]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    path = Path([*points, *back, (x0, y0)], [*codes, Path.CLOSEPOLY])
    ax.add_patch(
        PathPatch(path, facecolor=color, edgecolor="none", alpha=0.75, zorder=order)
    )


def _color(i: int, n: int) -> str:
    if i in (0, n - 1):
        return style.BLUE if i == 0 else style.VERMILLION
    return style.BLACK


def _draw_bar(
    ax: "Axes", name: str, x: float, y: float, tall: float, color: str
) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    ax.add_patch(
        Rectangle((x - HALF, y - tall / 2), 2 * HALF, tall, color=color, zorder=4)
    )
    ax.annotate(
        name,
        (x, y + tall / 2),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=style.SMALL,
        color=style.BLACK,
        zorder=5,
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )


def _frame(
    ax: "Axes",
    flux: ReactiveFlux,
    x: np.ndarray,
    y: np.ndarray,
    tall: np.ndarray,
    used: np.ndarray,
) -> None:
    from matplotlib.patches import Patch

    ax.set_xlim(x[0] - 0.4, x[-1] + 0.4)
    ax.set_ylim((y - tall / 2)[used].min() - GAP, (y + tall / 2)[used].max() + 2 * GAP)
    ticks = [np.log(q / (1 - q)) for q in TICKS]
    ax.set_xticks([x[0], *ticks, x[-1]], ["0", *(f"{q:g}" for q in TICKS), "1"])
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    words = f"mean chance of {flux.target} before {flux.source} (logit scale)"
    style.labels(ax, words, "")
    first = flux.pathways.iloc[0]
    total = float(np.asarray(flux.net)[0].sum())
    handles = [
        Patch(
            color=HIGHLIGHT,
            label=f"{first['path']}: {first['flux']:.2g} 1/h "
            f"[{first['low']:.2g}, {first['high']:.2g}], "
            f"{100 * first['share']:.0f} % of the flux",
        ),
        Patch(color=BAND, label=f"net flux; height of {flux.source}: {total:.2g} 1/h"),
    ]
    style.legend_above(ax, handles, 1)
