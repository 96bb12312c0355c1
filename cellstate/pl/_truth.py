"""Estimates beside the truth of simulated cells."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate.pl import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 8
FEWEST = 20  # cells behind a point


def committor_truth(
    adata: AnnData,
    *,
    key: str = keys.COMPARISON,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the estimated committor against the true one of simulated cells.

    Dots are cells; the line joins the medians of the estimate in bins of equal
    width of the true committor, the band holds half of the cells of a bin.

    Parameters
    ----------
    adata
        With the comparison of `cs.tl.compare_with_truth`.
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
        There is no comparison; the message names the call.
    """
    report = get.comparison(adata, key)
    fitted = adata.uns[keys.ROOT][key]["params"]["committor"]
    true = extract.column(adata, keys.TRUTH_COMMITTOR).to_numpy(float)
    found = np.asarray(get.committor(adata, fitted).forward, dtype=float)
    known = np.isfinite(true) & np.isfinite(found)
    true, found = true[known], found[known]
    ax = style.axes(ax, (3.7, 3.7))
    ax.set_aspect("equal", adjustable="box")
    ax.plot([0, 1], [0, 1], color=style.GREY, linewidth=1, zorder=1)
    ax.scatter(
        true, found, s=3, color=style.SKY, alpha=0.35, linewidths=0, rasterized=True
    )
    middle, quartiles = _quartiles(true, found)
    ax.fill_between(
        middle, *quartiles[[0, 2]], color=style.BLUE, alpha=0.25, linewidth=0
    )
    ax.plot(middle, quartiles[1], color=style.BLUE, marker="o", markersize=3.5)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    lines = [
        f"RMSE {report.committor_rmse:.3f}",
        f"  of one number for all {report.committor_rmse_base:.3f}",
        f"correlation {report.committor_correlation:.2f}",
        f"n = {report.n_cells} cells",
    ]
    ax.text(
        0.03,
        0.98,
        "\n".join(lines),
        transform=ax.transAxes,
        va="top",
        fontsize=style.SMALL,
        color=style.BLACK,
        linespacing=1.35,
    )
    style.labels(ax, "true committor (1)", "estimated committor (1)")
    return ax


def _quartiles(true: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean truth and quartiles of the estimate per bin, (k,) and (3, k)."""
    index = np.minimum((true * BINS).astype(int), BINS - 1)
    kept = [k for k in range(BINS) if (index == k).sum() >= FEWEST]
    middle = np.array([true[index == k].mean() for k in kept])
    parts = [np.quantile(found[index == k], [0.25, 0.5, 0.75]) for k in kept]
    return middle, np.array(parts).reshape(-1, 3).T
