"""The reactive current in the state space, and its pathways between groups."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData
from scipy.ndimage import gaussian_filter

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate.kinetics._flux import ReactiveFlux
from cellstate.pl import _style as style
from cellstate.pl._pathways import draw_pathways
from cellstate.pl._state_space import _axis, _components

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection

# Bins per axis, their smoothing (bins), and the share of the largest current below
# which no line is drawn.
BINS, SMOOTHED, LEAST = 40, 1.0, 0.03
WIDEST, NARROWEST = 2.6, 0.5
# Cells of A and B lie in the background.
FAINT = 0.35


def reactive_current(
    adata: AnnData,
    *,
    key: str = keys.REACTIVE_FLUX,
    components: tuple[int, int] = (0, 1),
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw how cells flow from A to B through two components of the state space.

    Lines follow the reactive current; width and colour say how much of it passes:
    passages per hour through a line of unit length across it (what lies along other
    components is added up). With a single component the passages per hour through each
    of its points are drawn: between A and B all of them are nu.

    Parameters
    ----------
    adata
        With the reactive flux of `cs.tl.reactive_flux`.
    key
        Its name.
    components
        Which two columns of the basis, counted from 0.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    KeyError
        There is no reactive flux; the message names the call.
    ValueError
        The basis has no such component.
    """
    flux = get.reactive_flux(adata, key)
    basis = adata.uns[keys.ROOT][key]["params"]["basis"]
    x = extract.basis(adata, basis)
    state = extract.column(adata, keys.STATE).astype(str).to_numpy()
    if x.shape[1] == 1:
        ax = style.axes(ax, (4.2, 2.8))
        _draw_line(ax, x[:, 0], state, flux)
        style.labels(ax, _axis(adata, basis, 0), "reactive current (passages per h)")
        return ax
    chosen = _components(x, basis, components)
    ax = style.axes(ax, (4.4, 3.4))
    x, current = x[:, list(chosen)], np.asarray(flux.current)[:, list(chosen)]
    _draw_cells(ax, x, state, flux)
    _draw_streams(ax, x, current)
    style.labels(ax, *(_axis(adata, basis, c) for c in chosen))
    return ax


def pathways(
    adata: AnnData, *, key: str = keys.REACTIVE_FLUX, ax: "Axes | None" = None
) -> "Axes":
    """Draw the net flux of paths from A to B between groups of cells.

    Bars are A, the groups and B, placed by their mean committor (on a logit scale) and
    as tall as the flux through them; bands are net flux, on the same scale. The
    strongest pathway is highlighted. Links of less than 1 % of the flux are left out.

    Parameters
    ----------
    adata
        With the reactive flux of `cs.tl.reactive_flux`.
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
        There is no reactive flux; the message names the call.
    """
    flux = get.reactive_flux(adata, key)
    ax = style.axes(ax, (6.4, 3.4))
    if not len(flux.pathways):
        style.say(ax, f"no pathway from {flux.source} to {flux.target} was seen")
        return ax
    draw_pathways(ax, flux)
    return ax


def _draw_cells(
    ax: "Axes", x: np.ndarray, state: np.ndarray, flux: ReactiveFlux
) -> None:
    size = float(np.clip(12_000 / len(x), 1, 14))
    handles = []
    sets = {flux.source: style.BLUE, flux.target: style.VERMILLION}
    between = ~np.isin(state, list(sets))
    look = {"s": size, "linewidths": 0, "rasterized": True}
    ax.scatter(*x[between].T, c=style.PALE, alpha=0.5, **look)
    for name, color in sets.items():
        rows = state == name
        ax.scatter(*x[rows].T, c=color, alpha=FAINT, **look)
        handles.append(ax.scatter([], [], c=color, s=20, label=name))
    style.legend_above(ax, handles, 2)


def _draw_streams(ax: "Axes", x: np.ndarray, current: np.ndarray) -> None:
    """Add up the current of the cells in bins and draw lines along it."""
    from matplotlib.colors import Normalize

    known = np.isfinite(x).all(axis=1) & np.isfinite(current).all(axis=1)
    x, current = x[known], current[known]
    moving = (current != 0).any(axis=1)
    if not moving.any():
        style.say(ax, "no reactive current was seen")
        return
    edges = [np.linspace(v.min(), v.max(), BINS + 1) for v in x[moving].T]
    area = float(np.prod([e[1] - e[0] for e in edges]))
    flow = [
        gaussian_filter(np.histogram2d(*x.T, edges, weights=v)[0].T, SMOOTHED)
        / (len(x) * area)
        for v in current.T
    ]
    size = np.hypot(*flow)
    weak = size < LEAST * size.max()
    flow = [np.where(weak, np.nan, v) for v in flow]
    centres = [(e[1:] + e[:-1]) / 2 for e in edges]
    lines = ax.streamplot(
        *centres,
        *flow,
        color=size,
        cmap=style.color_map(),
        norm=Normalize(0, size.max()),
        linewidth=NARROWEST + (WIDEST - NARROWEST) * np.sqrt(size / size.max()),
        density=1.3,
        arrowsize=0.9,
        zorder=3,
    )
    _draw_scale(ax, lines.lines)


def _draw_scale(ax: "Axes", lines: "LineCollection") -> None:
    from matplotlib.ticker import MaxNLocator

    bar = ax.figure.colorbar(
        lines, ax=ax, shrink=0.8, aspect=25, pad=0.02, ticks=MaxNLocator(5)
    )
    bar.set_label(
        "reactive current\n(passages per h and unit length)",
        fontsize=style.MEDIUM,
        color=style.BLACK,
    )
    bar.ax.tick_params(labelsize=style.SMALL, width=style.LINE, length=3)
    bar.outline.set_visible(False)


def _draw_line(
    ax: "Axes", x: np.ndarray, state: np.ndarray, flux: ReactiveFlux
) -> None:
    """Passages per hour through the points of a single component."""
    current, density = np.asarray(flux.current)[:, 0], np.asarray(flux.density)
    between = np.isfinite(current * density) & ~np.isin(
        state, [flux.source, flux.target]
    )
    order = np.flatnonzero(between)[np.argsort(x[between], kind="stable")]
    if not order.size:
        style.say(ax, "no cell between the two states")
        return
    parts = np.array_split(order, int(np.clip(order.size // 50, 1, BINS)))
    error = np.asarray(flux.standard_error)[:, 0]
    rows = [
        (x[p].mean(), (current * density)[p].mean(), (error * density)[p].mean())
        for p in parts
    ]
    place, height, spread = np.array(rows).T
    ax.errorbar(
        place,
        height,
        yerr=np.nan_to_num(spread),
        fmt="o",
        markersize=3.5,
        linewidth=1,
        color=style.BLACK,
        label="current and standard error",
    )
    for name, color in ((flux.source, style.BLUE), (flux.target, style.VERMILLION)):
        inside = x[state == name]
        if inside.size:
            ends = np.quantile(inside, [0.001, 0.999])
            ax.axvspan(*ends, color=color, alpha=0.15, linewidth=0, label=name)
    label = f"$\\nu$ = {flux.nu.value:.3g} {flux.nu.unit}"
    ax.axhline(flux.nu.value, color=style.ORANGE, linewidth=1.2, label=label)
    ax.axhspan(flux.nu.low, flux.nu.high, color=style.ORANGE, alpha=0.15, linewidth=0)
    ax.axhline(0, color=style.GREY, linewidth=0.6)
    style.legend_above(ax, ax.get_legend_handles_labels()[0], 2)
