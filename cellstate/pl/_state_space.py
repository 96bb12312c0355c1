"""Cells in their state space, coloured by what was found."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._base.errors import listing
from cellstate.pl import _style as style
from cellstate.pl._fetch import committor_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNITS = {
    keys.TIME: "h",
    keys.EVENT_TIME: "h",
    "mfpt": "h",
    "growth_rate": "1/h",
    keys.FRAME: "frames",
    keys.N_HELD: "frames",
}
# A scatter of more points is drawn as pixels inside a vector file.
MANY = 1500


def state_space(
    adata: AnnData,
    *,
    basis: str = keys.STATE_SPACE,
    color: str = keys.COMMITTOR,
    components: tuple[int, int] = (0, 1),
    ax: "Axes | None" = None,
) -> "Axes":
    """Scatter the cells in two components of a state space.

    Rare things are drawn last, so that they are not hidden: high values over low
    ones, small categories over large ones. Cells without a value are grey, below.

    Parameters
    ----------
    adata
        With ``obsm[basis]``.
    basis
        Coordinates in obsm.
    color
        Numeric or categorical obs column ("committor", "state", "event"), or the
        name of a feature.
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
        The basis or the column is missing; the message names the call.
    ValueError
        The basis has no such component.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> adata = AnnData(np.zeros((3, 1)))
    >>> adata.obsm["X_state"] = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    >>> adata.obs["committor"] = [0.0, 0.5, 1.0]
    >>> ax = state_space(adata, ax=Figure().subplots())
    >>> ax.get_xlabel()
    'X_state, component 1 (arbitrary units)'
    """
    x = extract.basis(adata, basis)
    first, second = _components(x, basis, components)
    values, name, unit = _values(adata, color)
    ax = style.axes(ax, (4.2, 3.4))
    position = np.stack([x[:, first], x[:, second]], axis=1)
    numeric = pd.api.types.is_numeric_dtype(values) and not (
        pd.api.types.is_bool_dtype(values)
    )
    draw = _draw_numbers if numeric else _draw_categories
    draw(ax, position, values, f"{name} ({unit})" if unit else name)
    style.labels(ax, _axis(adata, basis, first), _axis(adata, basis, second), title="")
    if basis == keys.SPATIAL:
        ax.set_aspect("equal")
        ax.yaxis.set_inverted(True)  # as in the image
    return ax


def _components(
    x: np.ndarray, basis: str, components: tuple[int, int]
) -> tuple[int, int]:
    first, second = components
    if not (0 <= first < x.shape[1] and 0 <= second < x.shape[1]):
        raise ValueError(
            f"`components`={tuple(components)} must be two of the {x.shape[1]} columns "
            f"of adata.obsm[{basis!r}], counted from 0. Use e.g. components=(0, "
            f"{min(1, x.shape[1] - 1)})."
        )
    return first, second


def _values(adata: AnnData, color: str) -> tuple[pd.Series, str, str]:
    """Return what to colour by, its name and its unit."""
    if color not in adata.obs and color in adata.var_names:
        unit = adata.var[keys.UNIT][color] if keys.UNIT in adata.var else "unit not set"
        values = np.asarray(adata[:, color].X, dtype=float).ravel()
        return pd.Series(values), color, style.unit(str(unit))
    if color not in adata.obs and color not in extract.MADE_BY:
        raise KeyError(
            f"no {color!r} in adata.obs or adata.var_names; found columns "
            f"{listing(adata.obs.columns, 12)}. Set adata.obs[{color!r}] = ..."
        )
    values = extract.column(adata, color)
    words = committor_words(adata, color)
    return values, color, words or UNITS.get(color, "")


def _axis(adata: AnnData, basis: str, component: int) -> str:
    if basis == keys.SPATIAL:
        return f"{'xyz'[component] if component < 3 else component} (µm)"
    learned = keys.EMBED in adata.uns.get(keys.ROOT, {})
    unit = "standard units" if learned else "arbitrary units"
    return f"{basis}, component {component + 1} ({unit})"


def _size(n: int) -> float:
    return float(np.clip(12_000 / max(n, 1), 3, 22))


def _draw_numbers(
    ax: "Axes", position: np.ndarray, values: pd.Series, name: str
) -> None:
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(numbers)
    look = {"s": _size(len(numbers)), "linewidths": 0, "rasterized": len(values) > MANY}
    ax.scatter(*position[~known].T, c=style.PALE, label="no value", **look)
    order = np.flatnonzero(known)[np.argsort(numbers[known], kind="stable")]
    inside = known.any() and numbers[known].min() >= 0 and numbers[known].max() <= 1
    low, high = (0.0, 1.0) if inside or not known.any() else (None, None)
    drawn = ax.scatter(
        *position[order].T,
        c=numbers[order],
        cmap=style.color_map(),
        vmin=low,
        vmax=high,
        **look,
    )
    bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label(name, fontsize=style.MEDIUM, color=style.BLACK)
    bar.ax.tick_params(labelsize=style.SMALL, width=style.LINE, length=3)
    bar.outline.set_visible(False)
    if not known.all():
        grey = [ax.collections[0]]
        grey[0].set_label(f"no value ({int((~known).sum())})")
        style.legend_above(ax, grey, 1)


def _draw_categories(
    ax: "Axes", position: np.ndarray, values: pd.Series, name: str
) -> None:
    known = values.notna().to_numpy()
    text = values.astype(str).to_numpy()
    count = pd.Series(text[known]).value_counts()
    look = {"s": _size(len(values)), "linewidths": 0, "rasterized": len(values) > MANY}
    handles = []
    if not known.all():
        handles.append(
            ax.scatter(
                *position[~known].T,
                c=style.PALE,
                label=f"no value ({int((~known).sum())})",
                **look,
            )
        )
    spare = iter(style.CYCLE * (len(count) // len(style.CYCLE) + 1))
    colors = {
        c: style.NAMED[c] if c in style.NAMED else next(spare)
        for c in sorted(count.index)
    }
    for category, n in count.items():
        rows = known & (text == category)
        words = style.STATUS_WORDS.get(category, category)
        handles.append(
            ax.scatter(
                *position[rows].T, c=colors[category], label=f"{words} ({n})", **look
            )
        )
    style.legend(
        ax,
        handles[::-1],
        loc="upper left",
        bbox_to_anchor=(1, 1),
        title=name,
        title_fontsize=style.SMALL,
        markerscale=2,
        alignment="left",
    )
