"""The committor over the state space, and rates against choices."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData
from scipy.ndimage import gaussian_filter

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate.kinetics import Committor, committor_interval
from cellstate.pl import _style as style
from cellstate.pl._state_space import _axis, _components

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Lines of equal committor, bins per axis in which it is averaged for them, their
# smoothing (bins), and cells a bin needs.
LEVELS, BINS, SMOOTHED, FEWEST = (0.1, 0.5, 0.9), 40, 1.0, 3
SCANNED = {"lag": "longest stopped transition (h)", "core": "edge of the cores (q)"}


def committor(
    adata: AnnData,
    *,
    key: str = keys.COMMITTOR_RESULT,
    components: tuple[int, int] = (0, 1),
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the committor of the cells over two components of the state space.

    Lines connect states of committor 0.1, 0.5 and 0.9, averaged over what lies along
    other components. With a single component the committor is drawn against it, with
    the 95 % interval of the refits.

    Parameters
    ----------
    adata
        With the committor of `cs.tl.committor`.
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
        There is no committor; the message names the call.
    ValueError
        The basis has no such component.
    """
    fitted = get.committor(adata, key)
    basis = adata.uns[keys.ROOT][key]["params"]["basis"]
    x = extract.basis(adata, basis)
    q = np.asarray(fitted.forward)
    if x.shape[1] == 1:
        ax = style.axes(ax, (4.2, 2.8))
        _draw_curve(ax, x[:, 0], fitted)
        style.labels(ax, _axis(adata, basis, 0), _named(fitted))
        return ax
    chosen = list(_components(x, basis, components))
    ax = style.axes(ax, (4.4, 3.4))
    known = np.isfinite(x[:, chosen]).all(axis=1) & np.isfinite(q)
    if known.any():
        _draw_map(ax, x[known][:, chosen], q[known], fitted)
    else:
        style.say(ax, "no cell has a committor")
    style.labels(ax, *(_axis(adata, basis, c) for c in chosen))
    return ax


def rate_scan(
    adata: AnnData, *, key: str = keys.LAG_SCAN, ax: "Axes | None" = None
) -> "Axes":
    """Draw rates against the lag, or the size of the cores; flat is good.

    Parameters
    ----------
    adata
        With the scan of `cs.tl.scan_lags`, or of `cs.tl.scan_cores`.
    key
        "lag_scan" or "core_scan".
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    KeyError
        There is no scan; the message names the call.
    """
    scan = get.rate_scan(adata, key)
    ax, table = style.axes(ax, (4.2, 2.8)), scan.table
    at, handles = table[scan.scanned].to_numpy(), []
    a, b = scan.source, scan.target
    for name, label, color in (
        ("k_ab", f"$k_{{{a}{b}}}$", style.BLUE),
        ("k_ba", f"$k_{{{b}{a}}}$", style.VERMILLION),
    ):
        low, high = table[f"{name}_low"], table[f"{name}_high"]
        ax.fill_between(at, low, high, color=color, alpha=0.15, linewidth=0)
        handles += ax.plot(
            at, table[name], "o-", color=color, markersize=4, linewidth=1.2, label=label
        )
    if scan.scanned == "lag" and at.max() > 5 * at.min():
        ax.set_xscale("log")
        ax.set_xticks(at, [f"{v:g}" for v in at])
        ax.minorticks_off()
    ax.set_ylim(bottom=0)
    style.labels(
        ax, SCANNED[scan.scanned], f"rate (1/h; {100 * scan.level:g} % interval)"
    )
    style.legend_above(ax, handles, 2)
    return ax


def _named(fitted: Committor) -> str:
    """The committor in words, for an axis."""
    within = f" within {fitted.horizon:g} h" if np.isfinite(fitted.horizon) else ""
    before = f" before {fitted.source}" if fitted.source else ""
    if fitted.division == "mass":
        return f"descendants in {fitted.target}{before}{within}"
    who = "some descendant in " if fitted.division == "any" else ""
    return f"committor: {who}{fitted.target}{before}{within}"


def _draw_curve(ax: "Axes", x: np.ndarray, fitted: Committor) -> None:
    q = np.asarray(fitted.forward)
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(q))
    order = known[np.argsort(x[known], kind="stable")]
    if np.shape(fitted.replicates)[1] > 1:
        low, high = committor_interval(fitted)
        ax.fill_between(
            x[order], low[order], high[order],
            color=style.BLUE, alpha=0.2, linewidth=0, label="95 % interval",
        )  # fmt: skip
        style.legend(ax, [ax.collections[-1]], loc="upper left")
    ax.plot(x[order], q[order], color=style.BLUE, linewidth=1.2)
    ax.set_ylim(bottom=-0.02)


def _draw_map(ax: "Axes", x: np.ndarray, q: np.ndarray, fitted: Committor) -> None:
    size = float(np.clip(12_000 / len(x), 1, 14))
    top = max(1.0, float(q.max())) if fitted.division == "mass" else 1.0
    points = ax.scatter(
        *x.T, c=q, s=size, cmap=style.color_map(), vmin=0, vmax=top,
        linewidths=0, rasterized=True,
    )  # fmt: skip
    edges = [np.linspace(v.min(), v.max(), BINS + 1) for v in x.T]
    count = np.histogram2d(*x.T, edges)[0].T
    total = np.histogram2d(*x.T, edges, weights=q)[0].T
    near = gaussian_filter(count, SMOOTHED)
    smooth = gaussian_filter(total, SMOOTHED) / np.where(near > 0, near, np.nan)
    smooth[count < FEWEST] = np.nan
    shown = [level for level in LEVELS if np.nanmin(smooth) < level < np.nanmax(smooth)]
    if shown:
        centres = [(e[1:] + e[:-1]) / 2 for e in edges]
        lines = ax.contour(
            *centres, smooth, shown, colors=style.BLACK, linewidths=0.9, zorder=3
        )
        ax.clabel(lines, fmt="%g", fontsize=style.SMALL)
    bar = ax.figure.colorbar(points, ax=ax, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label(_named(fitted), fontsize=style.MEDIUM, color=style.BLACK)
    bar.ax.tick_params(labelsize=style.SMALL, width=style.LINE, length=3)
    bar.outline.set_visible(False)
