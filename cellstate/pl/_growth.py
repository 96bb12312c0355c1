"""Growth rate over the state space."""

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate.pl import _style as style
from cellstate.pl._field import cells_of, line_of, plane
from cellstate.pl._flow import BAND, _color_bar, _draw_cells, _fit_to
from cellstate.pl._state_space import _axis, _components

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVELS = 15
MAP = "PuOr_r"  # told apart with any colour vision


def growth(
    adata: AnnData,
    *,
    key: str = keys.FLOW_FIT,
    components: tuple[int, int] = (0, 1),
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the growth rate, divisions less deaths, over the state space.

    White is no growth. Nothing is drawn where no cell was seen. With a single
    component it is drawn against it, with its 95 % band.

    Parameters
    ----------
    adata
        With a flow of `cs.tl.fit_flow` fitted with growth.
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
        The basis has no such component.
    """
    fit, basis, x = cells_of(adata, key)
    ax = style.axes(ax, (4.6, 3.5) if x.shape[1] > 1 else (4.2, 2.8))
    if getattr(fit.model, "growth_model", None) is None:
        style.say(ax, "no growth was fitted:\ncs.tl.fit_flow(adata, growth='events')")
        return ax
    if x.shape[1] == 1:
        _draw_line(ax, fit, x)
        style.labels(ax, _axis(adata, basis, 0), "growth rate (1/h)")
        return ax
    chosen = _components(x, basis, components)
    field = plane(fit, basis, x, chosen)
    rate = field.grid(fit.growth_rate(field.states))
    most = float(np.nanmax(np.abs(rate))) or 1.0
    levels = np.linspace(-most, most, LEVELS)
    _draw_cells(ax, x, chosen)
    filled = ax.contourf(field.u, field.v, rate, levels, cmap=MAP, alpha=0.9, zorder=2)
    _color_bar(ax, filled, "growth rate (1/h)")
    style.labels(ax, *(_axis(adata, basis, c) for c in chosen))
    _fit_to(ax, field)
    return ax


def _draw_line(ax: "Axes", fit, x: np.ndarray) -> None:
    at = line_of(x)
    rate = np.where(fit.extrapolated(at), np.nan, fit.growth_rate(at))
    model = fit.model.growth_model
    error = model.standard_error(at)[:, 0]
    ax.axhline(0, color=style.GREY, linewidth=style.LINE)
    low, high = rate - BAND * error, rate + BAND * error
    ax.fill_between(at[:, 0], low, high, color=style.BLUE, alpha=0.25, linewidth=0)
    ax.plot(at[:, 0], rate, color=style.BLUE, linewidth=1.4)
