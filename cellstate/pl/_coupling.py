"""Where the descendants or the ancestors of some cells are."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate.pl import _style as style
from cellstate.pl._state_space import MANY, _axis, _components, _size

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def relatives(
    adata: AnnData,
    key: str = keys.DESCENDANTS,
    *,
    basis: str = keys.STATE_SPACE,
    components: tuple[int, int] = (0, 1),
    ax: "Axes | None" = None,
) -> "Axes":
    """Scatter the cells of one time by their share in the descendants or ancestors.

    A share is drawn over the mean share of that time: 1 is what cells get when
    everybody is asked about. All other times are grey, below.

    Parameters
    ----------
    adata
        With a result of `cs.tl.descendants` or `cs.tl.ancestors`.
    key
        Its name.
    basis
        Coordinates in obsm.
    components
        Which two columns of the basis, counted from 0.
    ax
        Axes to draw in; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Examples
    --------
    >>> import cellstate as cs
    >>> from matplotlib.figure import Figure
    >>> adata = AnnData(np.zeros((4, 1)))
    >>> adata.obs["time"] = [0.0, 0.0, 6.0, 6.0]
    >>> adata.obsm["X_state"] = np.array([[0.0, 0], [1, 0], [1.5, 0], [0.5, 0]])
    >>> _ = cs.tl.couple(adata, method="exact", rng=0)
    >>> _ = cs.tl.descendants(adata, np.array([True, False, False, False]))
    >>> cs.pl.relatives(adata, ax=Figure().subplots()).get_title(loc="left")
    'descendants at 6 h of 1 cell at 0 h'
    """
    found = get.relatives(adata, key)
    chain = get.couplings(adata, found.coupling)
    here = chain.time_index == np.flatnonzero(chain.times == found.time)[0]
    x = extract.basis(adata, basis)
    first, second = _components(x, basis, components)
    position = np.stack([x[:, first], x[:, second]], axis=1)
    ax = style.axes(ax, (4.2, 3.4))
    look = {"s": _size(len(x)), "linewidths": 0, "rasterized": len(x) > MANY}
    ax.scatter(*position[~here].T, c=style.PALE, **look)
    rows = np.flatnonzero(here)
    rows = rows[np.argsort(found.share[rows], kind="stable")]  # the largest on top
    drawn = ax.scatter(
        *position[rows].T,
        c=found.share[rows] * len(rows),
        cmap=style.color_map(),
        vmin=0,
        **look,
    )
    bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.8, aspect=25, pad=0.02)
    spread = f"share / mean share (spread over {found.n_effective:.3g} cells)"
    bar.set_label(spread, fontsize=style.MEDIUM, color=style.BLACK)
    bar.ax.tick_params(labelsize=style.SMALL, width=style.LINE, length=3)
    bar.outline.set_visible(False)
    cells = f"{found.n_cells} cell{'s' if found.n_cells > 1 else ''}"
    title = f"{found.relation} at {found.time:g} h of {cells} at {found.cell_time:g} h"
    style.labels(ax, _axis(adata, basis, first), _axis(adata, basis, second), title)
    return ax
