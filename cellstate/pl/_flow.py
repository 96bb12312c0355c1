"""A learned flow: streamlines, arrows, potential."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate.flow import FlowFit
from cellstate.pl import _style as style
from cellstate.pl._field import Plane, cells_of, clock, line_of, plane
from cellstate.pl._state_space import _axis, _components

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARROWS = 18  # per axis
SHOWN = 5000  # cells drawn in the background
DENSITY, THIN, WIDE = 1.3, 0.6, 1.8
LEVELS = 14
SURE = 5.99  # chi-squared of two components beyond which a drift is not 0
BAND = 1.96
# Potentials far above the visited states would take all the colours.
HIGHEST = 0.98
KINDS = {"stable": "o", "saddle": "X", "unstable": "s"}


def flow(
    adata: AnnData,
    *,
    key: str = keys.FLOW_FIT,
    components: tuple[int, int] = (0, 1),
    time: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw streamlines of the drift over two components of the state space.

    Colour is the speed; other coordinates are at their mean over nearby cells. Nothing
    is drawn where no cell was seen. Marks are states where the drift is zero: stable
    ones, saddles, unstable ones. With a single component the drift is drawn against
    it, with its 95 % band.

    Parameters
    ----------
    adata
        With the flow of `cs.tl.fit_flow`.
    key
        Its name.
    components
        Which two columns of the basis, counted from 0.
    time
        Hours, for a flow that changes with time; the cells' mean when None.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    KeyError
        There is no flow; the message names the call.
    ValueError
        The basis has no such component.
    """
    fit, basis, x = cells_of(adata, key)
    time = clock(adata, time)
    if x.shape[1] == 1:
        return _drift_line(adata, fit, basis, x, time, ax)
    chosen = _components(x, basis, components)
    ax = style.axes(ax, (4.6, 3.5))
    field = plane(fit, basis, x, chosen)
    drift = fit.drift(field.states, time)
    u, v = (field.grid(drift[:, c]) for c in chosen)
    speed = np.hypot(u, v)
    _draw_cells(ax, x, chosen)
    top = float(np.nanquantile(speed, HIGHEST))
    lines = ax.streamplot(
        field.u,
        field.v,
        u,
        v,
        color=np.minimum(np.nan_to_num(speed), top),
        cmap=style.color_map(),
        linewidth=THIN + (WIDE - THIN) * np.minimum(np.nan_to_num(speed) / top, 1),
        density=DENSITY,
        arrowsize=0.8,
        zorder=2,
    )
    _color_bar(ax, lines.lines, "speed (per h)", extend="max")
    _draw_fixed_points(ax, fit, chosen, time)
    style.labels(ax, *(_axis(adata, basis, c) for c in chosen))
    _fit_to(ax, field)
    return ax


def drift_field(
    adata: AnnData,
    *,
    key: str = keys.FLOW_FIT,
    components: tuple[int, int] = (0, 1),
    time: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the drift as arrows; grey ones may be none (95 %).

    The key shows how long an arrow of the given speed is. Other coordinates are at
    their mean over nearby cells; nothing is drawn where no cell was seen. With a single
    component it is the figure of `flow`.

    Parameters
    ----------
    adata
        With the flow of `cs.tl.fit_flow`.
    key
        Its name.
    components
        Which two columns of the basis, counted from 0.
    time
        Hours, for a flow that changes with time; the cells' mean when None.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    KeyError
        There is no flow; the message names the call.
    ValueError
        The basis has no such component.
    """
    fit, basis, x = cells_of(adata, key)
    time = clock(adata, time)
    if x.shape[1] == 1:
        return _drift_line(adata, fit, basis, x, time, ax)
    chosen = _components(x, basis, components)
    ax = style.axes(ax, (4.6, 3.5))
    field = plane(fit, basis, x, chosen, nodes=ARROWS)
    seen = field.seen.ravel()
    at = field.states[seen]
    drift = fit.drift(at, time)[:, list(chosen)]
    error = fit.standard_error(at, time)[:, list(chosen)]
    # Both components at once: a chi-squared of two, whose 95 % quantile is 6.
    size = ((drift / np.where(error > 0, error, np.inf)) ** 2).sum(axis=1)
    sure = (size > SURE) | ~np.isfinite(error).all(axis=1)
    _draw_cells(ax, x, chosen)
    speed = np.hypot(*drift.T)
    shown = float(f"{np.quantile(speed, 0.9):.1g}")
    for own, color in ((~sure, style.GREY), (sure, style.BLUE)):
        arrows = ax.quiver(
            *at[own][:, list(chosen)].T,
            *drift[own].T,
            color=color,
            angles="xy",
            scale=18 * shown,
            scale_units="width",
            width=0.004,
            zorder=2,
        )
    _arrow_key(ax, arrows, shown, grey=bool((~sure).any()))
    style.labels(ax, *(_axis(adata, basis, c) for c in chosen))
    _fit_to(ax, field)
    return ax


def potential(
    adata: AnnData,
    *,
    key: str = keys.FLOW_FIT,
    components: tuple[int, int] = (0, 1),
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the potential of the drift's gradient part, from its lowest value up.

    Parameters
    ----------
    adata
        With a flow of `cs.tl.fit_flow` that has a potential.
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
        There is no flow; the message names the call.
    ValueError
        The fit has no potential, or the basis no such component.
    """
    fit, basis, x = cells_of(adata, key)
    if x.shape[1] == 1:
        ax, at = style.axes(ax, (4.2, 2.8)), line_of(x)
        seen = ~fit.extrapolated(at)
        height = fit.potential(at)
        ax.plot(at[seen, 0], height[seen] - height[seen].min(), color=style.BLUE)
        style.labels(ax, _axis(adata, basis, 0), "potential (squares per h)")
        return ax
    chosen = _components(x, basis, components)
    ax = style.axes(ax, (4.6, 3.5))
    field = plane(fit, basis, x, chosen)
    height = field.grid(fit.potential(field.states))
    height = height - np.nanmin(height)
    top = float(np.nanquantile(height, HIGHEST))
    levels = np.linspace(0, top, LEVELS)
    filled = ax.contourf(
        field.u,
        field.v,
        height,
        levels,
        cmap=style.color_map().reversed(),
        extend="max",
    )
    ax.contour(field.u, field.v, height, levels, colors="white", linewidths=0.4)
    _color_bar(ax, filled, "potential (squares per h)")
    _draw_fixed_points(ax, fit, chosen, 0.0)
    style.labels(ax, *(_axis(adata, basis, c) for c in chosen))
    _fit_to(ax, field)
    return ax


def _drift_line(
    adata: AnnData,
    fit: FlowFit,
    basis: str,
    x: np.ndarray,
    time: float,
    ax: "Axes | None",
) -> "Axes":
    """Drift against a single coordinate."""
    ax, at = style.axes(ax, (4.2, 2.8)), line_of(x)
    drift, error = fit.drift(at, time)[:, 0], fit.standard_error(at, time)[:, 0]
    drift = np.where(fit.extrapolated(at), np.nan, drift)
    ax.axhline(0, color=style.GREY, linewidth=style.LINE)
    low, high = drift - BAND * error, drift + BAND * error
    ax.fill_between(at[:, 0], low, high, color=style.BLUE, alpha=0.25, linewidth=0)
    ax.plot(at[:, 0], drift, color=style.BLUE, linewidth=1.4)
    for _, point in fit.fixed_points(time).iterrows():
        if not point["extrapolated"]:
            _mark(ax, point["x0"], 0.0, point["kind"])
    style.legend_above(ax, _kinds_shown(fit, time), 3)
    style.labels(ax, _axis(adata, basis, 0), "drift (per h)")
    return ax


def _draw_cells(ax: "Axes", x: np.ndarray, chosen: tuple[int, int]) -> None:
    some = x[:: max(1, len(x) // SHOWN)]
    ax.scatter(*some[:, list(chosen)].T, s=3, color=style.PALE, linewidths=0, zorder=1)


def _draw_fixed_points(
    ax: "Axes", fit: FlowFit, chosen: tuple[int, int], time: float
) -> None:
    points = fit.fixed_points(time)
    for _, point in points[~points["extrapolated"]].iterrows():
        _mark(ax, *(point[f"x{c}"] for c in chosen), point["kind"])
    style.legend_above(ax, _kinds_shown(fit, time), 3)


def _mark(ax: "Axes", u: float, v: float, kind: str) -> None:
    ax.scatter(
        [u], [v], marker=KINDS[kind], s=34, color=_color(kind), edgecolors="white",
        linewidths=0.8, zorder=4, clip_on=False,
    )  # fmt: skip


def _color(kind: str) -> str:
    return {"stable": style.GREEN, "saddle": style.SKY}.get(kind, style.BLACK)


def _kinds_shown(fit: FlowFit, time: float) -> list:
    from matplotlib.lines import Line2D

    points = fit.fixed_points(time)
    there = set(points.loc[~points["extrapolated"], "kind"])
    return [
        Line2D([], [], marker=mark, linestyle="", color=_color(kind), label=kind)
        for kind, mark in KINDS.items()
        if kind in there
    ]


def _arrow_key(ax: "Axes", arrows, speed: float, *, grey: bool) -> None:
    from matplotlib.lines import Line2D

    named = [Line2D([], [], color=style.BLUE, label="drift")]
    if grey:
        named.append(Line2D([], [], color=style.GREY, label="may be none (95 %)"))
    style.legend_above(ax, named, 2)
    ax.quiverkey(
        arrows, 0.8, 1.05, speed, f"{speed:g} per h", labelpos="E", labelsep=0.05,
        coordinates="axes", fontproperties={"size": style.SMALL}, color=style.BLUE,
    )  # fmt: skip


def _color_bar(ax: "Axes", shown, label: str, extend: str = "neither") -> None:
    options = {} if extend == "neither" else {"extend": extend}
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(5)
    bar = ax.figure.colorbar(shown, ax=ax, pad=0.02, ticks=ticks, **options)
    bar.set_label(label, fontsize=style.MEDIUM)
    bar.ax.tick_params(labelsize=style.SMALL, width=style.LINE, length=2)
    bar.outline.set_visible(False)


def _fit_to(ax: "Axes", field: Plane) -> None:
    ax.set_xlim(field.u[0], field.u[-1])
    ax.set_ylim(field.v[0], field.v[-1])
